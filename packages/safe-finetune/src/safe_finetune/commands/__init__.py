"""Verbs of the command line, by what they work on; each only parses, calls the public API and prints the result."""
