"""A language model as a policy of a sequential game."""

import warnings

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from agent_tom.adapters.sequential_game import SequentialGame, State
from agent_tom.agents.language_model import LEAST_MASS
from agent_tom.backends.backend import Backend

QUESTION = "\nYour moves: {moves}.\nQuestion: which move do you make?\nAnswer:"


class LanguageModelPolicy:
    """Reads a state's description and a question; the name of each legal action is scored as a whole.

    What is not probability of a legal action is shared out over them. A text is asked once: the same text has the same
    answer.

    Args:
        backend: Has the model.
        question: Leads up to the move; ``{moves}`` are the names of the legal actions. It should not end in a space.
        end: What follows an answer, and belongs to it when it is scored.

    Attributes:
        legal_masses: By all that was asked, how much of the probability fell on legal actions at all.

    Raises:
        ValueError: When it plays, if two legal actions have one name, or a text is longer than the model can read.
    """

    def __init__(self, backend: Backend, *, question: str = QUESTION, end: str = "\n"):
        self.backend, self.question, self.end = backend, question, end
        self.legal_masses: dict[str, float] = {}
        self._answers: dict[str, Float[np.ndarray, " actions"]] = {}

    def __call__(self, game: SequentialGame, state: State, player: int) -> Float[np.ndarray, " actions"]:
        names = [game.action_name(state, player, action) for action in game.legal_actions(state, player)]
        if len(set(names)) < len(names):
            raise ValueError(
                f"legal actions of {game.name} must have different names, got {names}; give `action_name`."
            )
        text = game.describe(state, player)
        question = self.question.format(moves=", ".join(names))
        asked = text + question + self.end.join(names)
        if asked not in self._answers:
            self._check_length(game, asked)
            self._answers[asked] = self._ask(game, asked, text, question, names)
        return self._answers[asked]

    def _ask(
        self, game: SequentialGame, asked: str, text: str, question: str, names: list[str]
    ) -> Float[np.ndarray, " actions"]:
        self.backend.begin([text])
        scores = self.backend.score([question], [[f" {name}{self.end}" for name in names]])[0]
        total = logsumexp(scores)
        mass = self.legal_masses[asked] = float(np.exp(total))
        if mass < LEAST_MASS:
            warnings.warn(
                f"only {mass:.1g} of the probability falls on legal actions of {game.name}, so the prompt is hardly "
                "understood; give another `question` or `describe`.",
                stacklevel=2,
            )
        if np.isneginf(total):
            return np.full(len(names), 1 / len(names))
        return np.exp(scores - total)

    def _check_length(self, game: SequentialGame, asked: str) -> None:
        longest, needed = self.backend.longest, self.backend.count(asked)
        if longest is not None and needed > longest:
            raise ValueError(
                f"a state of {game.name} takes about {needed} tokens to tell, but the model reads at most {longest}; give a "
                "shorter `describe`."
            )
