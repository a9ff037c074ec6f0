"""An OpenAI-compatible server whose requests are steered one by one; needs the ``serve`` extra.

``server`` binds and runs, ``app`` speaks HTTP, ``engine`` owns the model and batches continuously. Modules are
imported by name, so that this package costs nothing until it serves.
"""
