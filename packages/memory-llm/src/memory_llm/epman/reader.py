"""EpMAN as one of the readers that are asked about long texts."""

from memory_llm.epman.asking import answer
from memory_llm.epman.memory import EpisodicMemory
from memory_llm.epman.model import EpMANForCausalLM


class EpMANReader:
    """Writes a text to a memory, and answers from it.

    Args:
        model: Who reads and answers.
        name: In tables and resumed runs.
    """

    def __init__(self, model: EpMANForCausalLM, *, name: str = "EpMAN"):
        self.model, self.name = model, name
        self._memory: EpisodicMemory | None = None
        self._bytes_moved = 0

    def ingest(self, text: str) -> None:
        """Take in a text, in place of the one before."""
        self._memory = self.model.write(text)

    def ask(self, needle_question: str, cue: str, *, max_new_tokens: int) -> str:
        """Answer about the text; the answer goes on from its cue.

        Raises:
            ValueError: If no text has been taken in.
        """
        if self._memory is None:
            raise ValueError("no text has been taken in; call `ingest` first.")
        prefix = self.model.read(needle_question, self._memory).prefix
        self._bytes_moved = sum(part.numel() * part.element_size() for part in (prefix.keys, prefix.values))
        return answer(self.model, [needle_question], self._memory, beginnings=[cue], max_new_tokens=max_new_tokens)[0]

    @property
    def bytes_moved(self) -> int:
        """Of the chunks handed to the decoder's device for the last answer."""
        return self._bytes_moved
