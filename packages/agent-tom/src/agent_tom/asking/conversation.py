"""One strategy with one model: rounds are told, moves are asked for, and the model writes thoughts and notes."""

import copy
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from agent_tom.asking.notebook import Notebook, told_note
from agent_tom.asking.pen import Pen
from agent_tom.asking.transcript import Transcript
from agent_tom.backends.backend import Backend
from agent_tom.backends.chat import ChatFrame, closed
from agent_tom.prompts.library import Note, Strategy

_THOUGHTS, _NOTES, _SUMMARY = 0, 1, -1


class Conversation:
    """Of several episodes, a row each.

    Args:
        backend: The model.
        asking: The strategy.
        openings: What each row reads first, without what a chat template puts before it.
        horizon: Rounds.
        frame: Of the chat; None for bare text.
        room: Tokens for rules and rounds, beyond which rounds fall out; None if they need not.
        summary: Note that stands in the place of rounds that fall out; nothing does if None.

    Attributes:
        draws: Uniform numbers of this round to sample texts from, :meth:`num_draws` a row; the likeliest texts if None.
        rounds_read: Past rounds that each row had before it in each round.
    """

    draws: Float[np.ndarray, "rows draws"] | None = None
    rounds_read: Int[np.ndarray, "rows rounds"]

    def __init__(
        self,
        backend: Backend,
        asking: Strategy,
        openings: Sequence[str],
        *,
        horizon: int,
        frame: ChatFrame | None = None,
        room: int | None = None,
        summary: Note | None = None,
    ):
        self._asking, self._frame, self._horizon, self._round = asking, frame, horizon, 1
        texts = [self.begun(opening) for opening in openings]
        self._past = Transcript(backend, texts, room=room, summarise=None if summary is None else self._summed_up)
        self._summary = summary
        self._asked = backend
        if asking.notes and not asking.history:
            self._asked = copy.copy(backend)
            self._asked.begin(texts)
        self._pen, self._notebook = Pen(len(texts), horizon), Notebook(asking.notes, len(texts))
        self.rounds_read = np.zeros((len(texts), horizon), dtype=np.int64)

    @staticmethod
    def num_draws(asking: Strategy) -> int:
        """Numbers a round: for thoughts, for each kind of note, and for a summary."""
        return 2 + len(asking.notes)

    @property
    def asked(self) -> Backend:
        """Whose texts stand before questions."""
        return self._asked

    @property
    def counts(self) -> dict[str, Int[np.ndarray, "rows rounds"]]:
        """Of each round: texts written, those cut off, their tokens, and rounds read."""
        return {**self._pen.counts, "rounds_read": self.rounds_read}

    def begun(self, text: str) -> str:
        """A text as the beginning of a user's turn in a chat, or as it is."""
        return text if self._frame is None else self._frame.before + text

    def around(self, question: str, *, thinking: bool = False) -> str:
        """A question as the end of a user's turn in a chat, or as it is."""
        return question if self._frame is None else self._frame.around(question, thinking=thinking)

    def ends(self, end: str) -> list[str]:
        """What may end an answer: in a chat the turn's end may as well."""
        return [end] if self._frame is None else list(dict.fromkeys([end, self._frame.end or end]))

    def for_partners_move(self) -> list[str]:
        """What leads up to the partner's next move."""
        asked = self._asking.predict.format(round=self._round)
        return [self.around(notes + asked) for notes in self._notebook.told()]

    def for_own_move(self, told: Sequence[str]) -> list[str]:
        """What leads up to the own move: notes, what is told, and thoughts if the strategy has any."""
        asking, act = self._asking, self._asking.act.format(round=self._round)
        self.rounds_read[:, self._round - 1] = self._past.rounds_read
        before = [notes + text for notes, text in zip(self._notebook.told(), told, strict=True)]
        if not asking.think:
            return [self.around(text + act) for text in before]
        think = asking.think.format(round=self._round)
        probes = [self.around(text + think, thinking=True) for text in before]
        draws = self._draws_of(_THOUGHTS)
        thoughts = self._pen.write(self._asked, probes, tokens=asking.tokens, stop=asking.stop, draws=draws)
        return [closed(f"{probe} {text}".rstrip()) + act for probe, text in zip(probes, thoughts, strict=True)]

    def end_round(self, lines: Sequence[str]) -> None:
        """Tell what was played, and let the notes be written that are due; after the last round nothing is read."""
        if self._round < self._horizon:
            if self._asking.history or self._asking.notes:
                self._past.append(lines)
            for kind in self._notebook.due(self._round):
                self._write_note(kind)
        self._pen.turn()
        self._round += 1

    def _write_note(self, kind: int) -> None:
        """Notes follow on earlier ones, but where they are all that is read of the past they are of the past alone."""
        note = self._asking.notes[kind]
        asked = note.ask.format(round=self._round)
        told = self._notebook.told()
        probes = [self.around(text + asked if self._asking.history else asked) for text in told]
        draws = self._draws_of(_NOTES + kind)
        texts = self._pen.write(self._past.backend, probes, tokens=note.tokens, stop=note.stop, draws=draws)
        self._notebook.add(kind, texts)

    def _summed_up(self, backend: Backend, rows: Sequence[int]) -> list[str]:
        """Summaries of what falls out of these rows."""
        note, draws = self._summary, self._draws_of(_SUMMARY)
        assert note is not None
        texts = self._pen.write(
            backend,
            [self.around(note.ask)] * len(rows),
            tokens=note.tokens,
            stop=note.stop,
            draws=None if draws is None else draws[list(rows)],
            rows=rows,
        )
        return [told_note(note, text) for text in texts]

    def _draws_of(self, place: int) -> Float[np.ndarray, " rows"] | None:
        return None if self.draws is None else self.draws[:, place]
