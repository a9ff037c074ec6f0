"""Frozen encoders of residues: protein language models, homologues, and letters alone."""
