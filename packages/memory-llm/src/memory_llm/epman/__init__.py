"""EpMAN: a decoder that attends to the few chunks of a long document that a retriever finds for a question.

A document is read once, chunk by chunk, and the keys and values of all chunks are kept on the host or on disk. A
question selects some chunks; their keys and values, the latter scaled by a gate, lie in the cache before the question,
and the decoder writes on as ever.

Source: Chaudhury et al. 2025 (EpMAN). Chunks are 0-based, lengths are tokens of the decoder, gates lie in [0, 1].
"""

from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from memory_llm.epman.adapter import load_epman, save_epman
    from memory_llm.epman.asking import answer
    from memory_llm.epman.cache import EpMANCache
    from memory_llm.epman.config import EpMANConfig
    from memory_llm.epman.episode import Episode, read_episodes, write_episodes
    from memory_llm.epman.make_episodes import EpisodeMaker
    from memory_llm.epman.memory import EpisodicMemory
    from memory_llm.epman.model import EpMANForCausalLM
    from memory_llm.epman.reader import ChunksInPromptReader, EpMANReader
    from memory_llm.epman.retrievers import BM25Retriever, DenseRetriever, EmbeddingRetriever, HFDualEncoder, Retriever
    from memory_llm.epman.selection import Selection
    from memory_llm.epman.train import train_epman

_HOME = {
    "BM25Retriever": "retrievers",
    "ChunksInPromptReader": "reader",
    "DenseRetriever": "retrievers",
    "EmbeddingRetriever": "retrievers",
    "EpMANCache": "cache",
    "EpMANConfig": "config",
    "EpMANForCausalLM": "model",
    "EpMANReader": "reader",
    "Episode": "episode",
    "EpisodeMaker": "make_episodes",
    "EpisodicMemory": "memory",
    "HFDualEncoder": "retrievers",
    "Retriever": "retrievers",
    "Selection": "selection",
    "answer": "asking",
    "load_epman": "adapter",
    "read_episodes": "episode",
    "save_epman": "adapter",
    "train_epman": "train",
    "write_episodes": "episode",
}
__all__ = [
    "BM25Retriever",
    "ChunksInPromptReader",
    "DenseRetriever",
    "EmbeddingRetriever",
    "EpMANCache",
    "EpMANConfig",
    "EpMANForCausalLM",
    "EpMANReader",
    "Episode",
    "EpisodeMaker",
    "EpisodicMemory",
    "HFDualEncoder",
    "Retriever",
    "Selection",
    "answer",
    "load_epman",
    "read_episodes",
    "save_epman",
    "train_epman",
    "write_episodes",
]

__getattr__ = lazy_names(__name__, _HOME)
