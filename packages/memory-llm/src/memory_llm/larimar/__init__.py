"""Larimar: an episodic memory beside a language model, and the connector through which it speaks.

Source: Das et al., *Larimar: Large Language Models with Episodic Memory Control*, ICML 2024; Nelson et al., *Needle in
the Haystack for Memory Based Large Language Models*, 2024. Import from the modules or from :mod:`memory_llm`.
"""
