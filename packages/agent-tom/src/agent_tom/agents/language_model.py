"""A language model as an agent: it reads the rules and every round, and is asked for the next moves."""

import copy
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from agent_tom.agents.agent import Account, InformedAgent
from agent_tom.asking.answers import ILLEGAL, answered, shared_out
from agent_tom.asking.conversation import Conversation
from agent_tom.asking.room import OVERFLOW, room_for_text
from agent_tom.asking.telling import rules, told_round
from agent_tom.asking.transcript import Transcript
from agent_tom.backends.backend import Backend
from agent_tom.backends.chat import ChatFrame
from agent_tom.checks import one_of
from agent_tom.games.matrix_game import MatrixGame, greedy
from agent_tom.oracle.best_response import BestResponse
from agent_tom.partners.automaton import Automaton
from agent_tom.prompts import library
from agent_tom.prompts.labelling import labelling

CONTEXTS = ("same_context", "partner_list")
LEAST_MASS = 1e-3


@dataclass(kw_only=True)
class LanguageModelAgent(InformedAgent):
    """Both moves are scored exactly: the log-probability of each label as a whole, shared out over all labels.

    Asking changes nothing that comes later: what is asked, thought and answered is not kept in the text. The model is
    told nothing of its partner unless the strategy says so. A text that the model writes and its budget cuts off is
    followed by the question all the same, so that there is always an action; :meth:`account` counts such texts.

    Attributes:
        model: Hub id, folder, GGUF file or ``bundled:NAME``, loaded when it is first played; or a backend.
        server: Address of an OpenAI-compatible server that has the model; device, dtype and cached are its affair then.
        answers: Folder in which a server's answers are kept.
        strategy: How it is asked; see :func:`agent_tom.prompts.strategies`.
        wording: How the game is told; see :func:`agent_tom.prompts.wordings`.
        prediction: "same_context": the partner's move is asked for where the own one is; "partner_list": after a list
            of the partner's moves alone.
        choice: "sample" from the shared-out probabilities, or "greedy".
        writing: How texts are written, where the strategy has any: "greedy", the likeliest token each time, or
            "sample".
        chat: Whether rules, rounds and question are told as a user's turn in the model's chat template, whose own
            system prompt is left empty; the question's last line then begins the model's turn, and an answer may end
            with that turn too. The user's turn grows in the cache as bare text does.
        illegal: What becomes of probability that falls on no action; see :func:`agent_tom.asking.shared_out`.
        overflow: Where a game is longer than the model can read: "fail" before it begins; "window" for the rules and
            the last rounds that fit; "summary", which the model writes, in the place of the older half of the rounds.
            The last two read the text anew when rounds fall out, and change the task; :meth:`account` counts the rounds
            that were read.
        most_episodes: Played side by side, a row of the cache each.
        device: As of :func:`gpu_commons.load_model`, as is the next.
        dtype: Of the weights.
        cached: Whether the model keeps what it has read.

    Raises:
        ValueError: If a name is unknown, or a game is longer than the model can read.

    Source: names of strategies as in the paper; the wordings are ours.
    """

    name: ClassVar[str] = "language_model"
    model: str | Backend
    server: str | None = None
    answers: str | None = None
    strategy: str = "qa"
    wording: str = "neutral"
    prediction: str = "same_context"
    choice: str = "sample"
    writing: str = "greedy"
    chat: bool = False
    illegal: str = "renormalise"
    overflow: str = "fail"
    most_episodes: int | None = 8
    device: str = "auto"
    dtype: str = "auto"
    cached: bool = True

    def __post_init__(self) -> None:
        one_of("prediction", self.prediction, CONTEXTS)
        one_of("choice", self.choice, ("sample", "greedy"))
        one_of("writing", self.writing, ("greedy", "sample"))
        one_of("illegal", self.illegal, ILLEGAL)
        one_of("overflow", self.overflow, OVERFLOW)
        self._asking, self._words = library.strategy(self.strategy), library.wording(self.wording)
        self.num_draws = Conversation.num_draws(self._asking) if self.writing == "sample" else 0

    def __copy__(self) -> "LanguageModelAgent":
        """Another player of the same model, with texts of its own."""
        return replace(self, model=copy.copy(self._loaded()))

    @property
    def informed(self) -> bool:
        return bool(self._asking.told)

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        asking = self._asking
        self._game, self._round = game, 1
        numbers = range(num_episodes) if self.numbers is None else self.numbers
        self._labels = [labelling(game, self._words.labels, number) for number in numbers]
        backend = self._loaded()
        frame = backend.chat_frame() if self.chat else None
        openings = [
            asking.examples + rules(game, self._words, labels, horizon, payoffs=asking.payoffs)
            for labels in self._labels
        ]
        room = self._room(backend, frame, openings[0], horizon)
        self._talk = Conversation(
            backend,
            asking,
            openings,
            horizon=horizon,
            frame=frame,
            room=room,
            summary=library.summary() if self.overflow == "summary" else None,
        )
        self._first_text = self._talk.begun(openings[0])
        self._foretold: Float[np.ndarray, "episodes partner_actions"] | None = None
        self._list: Transcript | None = None
        if self.prediction == "partner_list":
            begins = [self._talk.begun(library.partner_list().begin)] * num_episodes
            self._list = Transcript(copy.copy(backend), begins, room=room)

    def know(self, partner: Automaton, solution: BestResponse) -> None:
        self._partner = partner

    def see(self, states: Int[np.ndarray, " episodes"]) -> None:
        self._likeliest = self._partner.action_dist[states].argmax(-1).tolist()

    def predict(self) -> Float[np.ndarray, "episodes partner_actions"]:
        if self._list is None:
            self._foretold = self._foresee()
            return self._foretold
        asked = library.partner_list()
        probes = [self._talk.around(asked.predict)] * len(self._labels)
        return self._expected(self._list.backend, probes, asked.end)

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        self._talk.draws = draws if self.writing == "sample" else None
        probes = self._talk.for_own_move(self._told())
        if self._round == 1:
            self._first_text += probes[0]
        labels = [row.own for row in self._labels]
        scores = answered(self._talk.asked, probes, labels, self._talk.ends(self._asking.end))
        dist, self.legal_mass = shared_out(scores, self.illegal, self._game.payoffs)
        if self._round == 1 and self.legal_mass.mean() < LEAST_MASS:
            warnings.warn(
                f"only {self.legal_mass.mean():.1g} of the probability falls on the options of {self._game.name}, so the "
                f"prompt is hardly understood; try another strategy than {self.strategy!r} or another wording.",
                stacklevel=2,
            )
        return dist if self.choice == "sample" else greedy(dist)

    def observe(
        self,
        actions: Int[np.ndarray, " episodes"],
        partner_actions: Int[np.ndarray, " episodes"],
        payoffs: Float[np.ndarray, " episodes"],
    ) -> None:
        pairs = list(zip(self._labels, actions.tolist(), partner_actions.tolist(), payoffs.tolist(), strict=True))
        if self._list is not None:
            asked = library.partner_list()
            self._list.append([f"{asked.predict} {labels.other[other]}{asked.end}" for labels, _, other, _ in pairs])
        self._talk.end_round(
            [
                told_round(self._words, self._round, labels.own[own], labels.other[other], points)
                for labels, own, other, points in pairs
            ]
        )
        self._round, self._foretold = self._round + 1, None

    def account(self) -> Account:
        return Account(self._first_text, self._talk.counts)

    def _room(self, backend: Backend, frame: ChatFrame | None, opening: str, horizon: int) -> int | None:
        """Tokens that a text may have if rounds may fall out of it; None if they need not."""
        labels, shorten = self._labels[0], self.overflow != "fail"
        longest = (max(labels.own, key=len), max(labels.other, key=len))
        room = room_for_text(
            backend,
            self._asking,
            opening=opening,
            line=told_round(self._words, horizon, *longest, self._game.payoffs.max()),
            rounds=horizon if self._asking.history or self._asking.notes else 0,
            game=self._game.name,
            around="" if frame is None else frame.before + frame.after,
            summary=library.summary() if self.overflow == "summary" else None,
            shorten=shorten,
        )
        return room if shorten else None

    def _told(self) -> list[str]:
        """What stands in the prompt before the question for the own move."""
        if self._asking.told:
            told = self._asking.told
            return [
                told.format(round=self._round, other=row.other[move])
                for row, move in zip(self._labels, self._likeliest, strict=True)
            ]
        if not self._asking.social:
            return [""] * len(self._labels)
        foretold = self._foresee() if self._foretold is None else self._foretold
        said = foretold.argmax(-1).tolist()
        asked = self._asking.predict.format(round=self._round)
        return [f"{asked} {row.other[move]}" for row, move in zip(self._labels, said, strict=True)]

    def _foresee(self) -> Float[np.ndarray, "episodes partner_actions"]:
        return self._expected(self._talk.asked, self._talk.for_partners_move(), self._asking.end)

    def _expected(self, backend: Backend, probes: list[str], end: str) -> Float[np.ndarray, "episodes partner_actions"]:
        return shared_out(answered(backend, probes, [row.other for row in self._labels], self._talk.ends(end)))[0]

    def _loaded(self) -> Backend:
        if isinstance(self.model, Backend):
            return self.model
        if self.server is not None:
            return _server(self.model, self.server, self.answers)
        return _backend(self.model, self.device, self.dtype, self.cached)


@lru_cache(maxsize=2)  # an agent's and its partner's
def _server(model: str, url: str, answers: str | None) -> Backend:
    from agent_tom.backends.server_backend import ServerBackend

    return ServerBackend(model, url=url, cache=answers)


@lru_cache(maxsize=2)  # an agent's and its partner's
def _backend(model: str, device: str, dtype: str, cached: bool) -> Backend:
    """A model that many cells of a study ask, loaded once."""
    from agent_tom.backends.transformers_backend import TransformersBackend  # torch takes seconds

    return TransformersBackend.from_pretrained(model, device=device, dtype=dtype, cached=cached)
