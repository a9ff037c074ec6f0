"""Verbs of the command."""
