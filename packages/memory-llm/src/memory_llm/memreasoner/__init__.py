"""MemReasoner: hops through the ordered lines of a long text to the one that answers a question.

Lines are encoded one by one and put in order by a recurrent net; a question is compared with all of them, what was read
is added to it, and so on from hop to hop; the decoder answers from the latent of the line found last.

Source: Das et al. 2025 (MemReasoner). Lines and hops are 0-based, weights of lines sum to 1, losses are in nats.
"""

from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from memory_llm.memreasoner.answering import Hop
    from memory_llm.memreasoner.config import MemReasonerConfig
    from memory_llm.memreasoner.evaluate import StoryScores, evaluate_memreasoner
    from memory_llm.memreasoner.memory import MemReasonerMemory
    from memory_llm.memreasoner.model import MemReasonerForQA
    from memory_llm.memreasoner.output import MemReasonerOutput
    from memory_llm.memreasoner.processor import StoryProcessor
    from memory_llm.memreasoner.small import small_memreasoner
    from memory_llm.memreasoner.story_batch import StoryCollator
    from memory_llm.memreasoner.story_examples import StoryExample, StoryExamples, labelled_rows
    from memory_llm.memreasoner.train import train_memreasoner

_HOME = {
    "Hop": "answering",
    "MemReasonerConfig": "config",
    "MemReasonerForQA": "model",
    "MemReasonerMemory": "memory",
    "MemReasonerOutput": "output",
    "StoryCollator": "story_batch",
    "StoryExample": "story_examples",
    "StoryExamples": "story_examples",
    "StoryProcessor": "processor",
    "StoryScores": "evaluate",
    "evaluate_memreasoner": "evaluate",
    "labelled_rows": "story_examples",
    "small_memreasoner": "small",
    "train_memreasoner": "train",
}
__all__ = [
    "Hop",
    "MemReasonerConfig",
    "MemReasonerForQA",
    "MemReasonerMemory",
    "MemReasonerOutput",
    "StoryCollator",
    "StoryExample",
    "StoryExamples",
    "StoryProcessor",
    "StoryScores",
    "evaluate_memreasoner",
    "labelled_rows",
    "small_memreasoner",
    "train_memreasoner",
]

__getattr__ = lazy_names(__name__, _HOME)
