"""Decoding methods: everything that continues prompts behind one interface,
:class:`~controlled_decoding.methods.method.Method`.
"""
