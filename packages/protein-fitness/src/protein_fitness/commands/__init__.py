"""Verbs of the command ``protein-fitness``."""
