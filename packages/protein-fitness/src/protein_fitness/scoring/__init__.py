"""Mutants scored by a network: which sites are masked together, in which window, and what is made of it."""
