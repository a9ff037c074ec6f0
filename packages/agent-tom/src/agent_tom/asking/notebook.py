"""Notes that a model writes between rounds, and reads in later ones."""

from collections.abc import Sequence

from agent_tom.backends.chat import without_thoughts
from agent_tom.prompts.library import Note


class Notebook:
    """Notes of each episode, the latest of each kind.

    Args:
        kinds: What is noted.
        num_rows: Episodes.
    """

    def __init__(self, kinds: Sequence[Note], num_rows: int):
        self._kinds = kinds
        self._kept: list[list[list[str]]] = [[[] for _ in kinds] for _ in range(num_rows)]

    def due(self, played: int) -> list[int]:
        """Kinds to be written after so many rounds."""
        return [kind for kind, note in enumerate(self._kinds) if played % note.every == 0]

    def told(self) -> list[str]:
        """All notes of each episode, a line each."""
        return [
            "".join(line for lines, note in zip(row, self._kinds, strict=True) for line in lines[-note.keep :])
            for row in self._kept
        ]

    def add(self, kind: int, texts: Sequence[str]) -> None:
        """A note of each episode."""
        for row, text in zip(self._kept, texts, strict=True):
            row[kind].append(told_note(self._kinds[kind], text))


def told_note(note: Note, text: str) -> str:
    """How a note stands in later prompts: on one line, without a reasoning model's thoughts; empty if nothing is left.

    Args:
        note: Its kind.
        text: What was written.
    """
    said = " ".join(without_thoughts(text).split())
    return note.tell.format(text=said) if said else ""
