"""A language model as an agent: it reads the rules and every round, and is asked for the next moves."""

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

from agent_tom.agents.agent import InformedAgent
from agent_tom.backends.backend import Backend
from agent_tom.games.matrix_game import MatrixGame, greedy
from agent_tom.oracle.best_response import BestResponse
from agent_tom.partners.automaton import Automaton
from agent_tom.prompts import library
from agent_tom.prompts.labelling import Labelling, labelling

CONTEXTS = ("same_context", "partner_list")
LEAST_MASS = 1e-3


@dataclass(kw_only=True)
class LanguageModelAgent(InformedAgent):
    """Both moves are scored exactly: the log-probability of each label as a whole, shared out over all labels.

    Asking changes nothing that comes later: what is asked and answered is not kept in the text. The model is told
    nothing of its partner unless the strategy says so.

    Attributes:
        model: Hub id, folder, GGUF file or ``bundled:NAME``, loaded when it is first played; or a backend.
        server: Address of an OpenAI-compatible server that has the model; device, dtype and cached are its affair then.
        answers: Folder in which a server's answers are kept.
        strategy: How it is asked; see :func:`agent_tom.prompts.strategies`.
        wording: How the game is told; see :func:`agent_tom.prompts.wordings`.
        prediction: "same_context": the partner's move is asked for where the own one is; "partner_list": after a list
            of the partner's moves alone.
        choice: "sample" from the shared-out probabilities, or "greedy".
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
    most_episodes: int | None = 8
    device: str = "auto"
    dtype: str = "auto"
    cached: bool = True

    def __post_init__(self) -> None:
        if self.prediction not in CONTEXTS:
            raise ValueError(f"`prediction` must be one of {', '.join(CONTEXTS)}, got {self.prediction!r}.")
        if self.choice not in ("sample", "greedy"):
            raise ValueError(f"`choice` must be 'sample' or 'greedy', got {self.choice!r}.")
        self._asking, self._words = library.strategy(self.strategy), library.wording(self.wording)

    def __copy__(self) -> "LanguageModelAgent":
        """Another player of the same model, with texts of its own."""
        return replace(self, model=copy.copy(self._loaded()))

    @property
    def informed(self) -> bool:
        return bool(self._asking.told)

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        self._game, self._round = game, 1
        numbers = range(num_episodes) if self.numbers is None else self.numbers
        self._labels = [labelling(game, self._words.labels, number) for number in numbers]
        self._backend = self._loaded()
        rules = [self._rules(labels, horizon) for labels in self._labels]
        self._check_length(rules[0], horizon)
        self._backend.begin(rules)
        self._foretold: Float[np.ndarray, "episodes partner_actions"] | None = None
        self._list_backend = copy.copy(self._backend) if self.prediction == "partner_list" else None
        if self._list_backend is not None:
            self._list_backend.begin([library.partner_list().begin] * num_episodes)

    def know(self, partner: Automaton, solution: BestResponse) -> None:
        self._partner = partner

    def see(self, states: Int[np.ndarray, " episodes"]) -> None:
        self._likeliest = self._partner.action_dist[states].argmax(-1).tolist()

    def predict(self) -> Float[np.ndarray, "episodes partner_actions"]:
        if self._list_backend is None:
            self._foretold = self._foresee()
            return self._foretold
        asked = library.partner_list()
        return self._asked(self._list_backend, [asked.predict] * len(self._labels), asked.end, others=True)[0]

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        probes = [told + act for told, act in zip(self._told(), self._filled(self._asking.act), strict=True)]
        dist, self.legal_mass = self._asked(self._backend, probes, self._asking.end, others=False)
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
        if self._asking.history:
            self._backend.append(
                [
                    self._words.round.format(
                        round=self._round, own=labels.own[own], other=labels.other[other], points=f"{points:g}"
                    )
                    for labels, own, other, points in pairs
                ]
            )
        if self._list_backend is not None:
            asked = library.partner_list()
            moves = [f"{asked.predict} {labels.other[other]}{asked.end}" for labels, _, other, _ in pairs]
            self._list_backend.append(moves)
        self._round, self._foretold = self._round + 1, None

    def _check_length(self, rules: str, horizon: int) -> None:
        """Refuse a game that the model could not read to its end, before it begins."""
        labels, longest = self._labels[0], self._backend.longest
        row = self._words.round.format(
            round=horizon,
            own=max(labels.own, key=len),
            other=max(labels.other, key=len),
            points=f"{self._game.payoffs.max():g}",
        )
        rounds = horizon if self._asking.history else 0
        probes = 2 * self._backend.count(self._asking.predict + self._asking.told + self._asking.act)
        needed = self._backend.count(rules) + rounds * self._backend.count(row) + probes
        if longest is not None and needed > longest:
            raise ValueError(
                f"{horizon} rounds of {self._game.name} take about {needed} tokens, but the model reads at most {longest}; "
                "play fewer rounds, or choose a strategy without history."
            )

    def _rules(self, labels: Labelling, horizon: int) -> str:
        game, words = self._game, self._words
        lines = [
            words.rules.format(
                horizon=horizon,
                options=_either([labels.own[action] for action in labels.listed]),
                other_options=_either([labels.other[action] for action in labels.other_listed]),
            )
        ]
        if self._asking.payoffs:
            lines += [
                words.payoff.format(
                    own=labels.own[own],
                    other=labels.other[other],
                    points=f"{game.payoffs[own, other]:g}",
                    other_points=f"{game.partner_payoffs[own, other]:g}",
                )
                for own in labels.listed
                for other in labels.other_listed
            ]
        return "".join(lines) + "\n"

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
        asked = self._filled(self._asking.predict)
        return [f"{probe} {row.other[move]}" for probe, row, move in zip(asked, self._labels, said, strict=True)]

    def _loaded(self) -> Backend:
        if isinstance(self.model, Backend):
            return self.model
        if self.server is not None:
            return _server(self.model, self.server, self.answers)
        return _backend(self.model, self.device, self.dtype, self.cached)

    def _foresee(self) -> Float[np.ndarray, "episodes partner_actions"]:
        return self._asked(self._backend, self._filled(self._asking.predict), self._asking.end, others=True)[0]

    def _filled(self, template: str) -> list[str]:
        return [template.format(round=self._round)] * len(self._labels)

    def _asked(
        self, backend: Backend, probes: Sequence[str], end: str, *, others: bool
    ) -> tuple[Float[np.ndarray, "episodes choices"], Float[np.ndarray, " episodes"]]:
        """Probabilities shared out over labels, by action, and what they were before that together."""
        options = [[f" {label}{end}" for label in (row.other if others else row.own)] for row in self._labels]
        scores = backend.score(probes, options)
        total = logsumexp(scores, axis=-1, keepdims=True)
        none = np.isneginf(total)
        even = np.full_like(scores, 1 / scores.shape[1])
        return np.where(none, even, np.exp(scores - np.where(none, 0, total))), np.exp(total[:, 0])


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


@lru_cache(maxsize=2)  # an agent's and its partner's
def _server(model: str, url: str, answers: str | None) -> Backend:
    from agent_tom.backends.server_backend import ServerBackend

    return ServerBackend(model, url=url, cache=answers)


@lru_cache(maxsize=2)  # an agent's and its partner's
def _backend(model: str, device: str, dtype: str, cached: bool) -> Backend:
    """A model that many cells of a study ask, loaded once."""
    from agent_tom.backends.transformers_backend import TransformersBackend  # torch takes seconds

    return TransformersBackend.from_pretrained(model, device=device, dtype=dtype, cached=cached)
