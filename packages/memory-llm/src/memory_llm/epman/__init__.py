"""EpMAN: a decoder that attends to the few chunks of a long document that a retriever finds for a question.

A document is read once, chunk by chunk, and the keys and values of all chunks are kept on the host or on disk. A
question selects some chunks; their keys and values, the latter scaled by a gate, lie in the cache before the question,
and the decoder writes on as ever.

Source: Chaudhury et al. 2025 (EpMAN). Chunks are 0-based, lengths are tokens of the decoder, gates lie in [0, 1].
"""
