"""What policies of a sequential game are worth: the best one against a known partner, any other, and the regret."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from agent_tom.adapters.sequential_game import Action, Policy, SequentialGame, State
from agent_tom.adapters.sequential_play import play_sequential
from agent_tom.adapters.sequential_tree import Move, TooManyStatesError, ends, expected_payoff
from agent_tom.games.matrix_game import greedy

MOST_STATES = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class GameValue:
    """What a game is worth to the focal player, in expectation.

    Attributes:
        value: The sum of all it is paid.
        kind: "exact" for the best play there is, "reference" for that of a policy.
        standard_error: 0 unless episodes were played.
        plan: Of the best play: probabilities of the legal actions by information state, evenly shared where several are
            best; :func:`agent_tom.adapters.table` makes a policy of it.
    """

    value: float
    kind: str
    standard_error: float = 0.0
    plan: dict[Any, Float[np.ndarray, " actions"]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SequentialRegret:
    """What a focal policy loses in a game, in expectation.

    Attributes:
        value: Against the best play, or against a reference.
        kind: "exact" if against the best play, else "reference".
        standard_error: 0 unless episodes were played.
    """

    value: float
    kind: str
    standard_error: float


def best_response_value(game: SequentialGame, partner: Policy, *, most_states: int = MOST_STATES) -> GameValue:
    """The best that can be done against a partner whose policy is known, exactly.

    A player with perfect recall comes to an information state by one sequence of own moves, so these states form a
    tree. What the ends pay, times how likely chance and partner lead there, is summed up by the last own move; from the
    last information states to the first, the best action is then the one with the largest sum. That holds where
    information is imperfect too.

    Args:
        game: In which the focal player has perfect recall.
        partner: Policy of player 1.
        most_states: States to look at; one that comes about in two ways counts twice.

    Raises:
        ValueError: If there are more, if an information state has not always the same legal actions, or if different
            own moves lead to it.
    """
    sums: dict[Hashable, np.ndarray] = {}
    before: dict[Hashable, Move | None] = {}

    def steps(state: State, last: Move | None) -> list[tuple[float, Action, Move | None]]:
        known, legal = game.information_state(state, 0), game.legal_actions(state, 0)
        if known not in sums:
            sums[known], before[known] = np.zeros(len(legal)), last
        _check_recall(game, known, len(sums[known]) == len(legal), before[known] == last)
        return [(1.0, action, (known, number)) for number, action in enumerate(legal)]

    total = 0.0
    for last, paid in ends(game, partner, most_states, steps):
        total += _credited(sums, last, paid)
    for known in reversed(before):  # what comes later in a game was found later
        total += _credited(sums, before[known], float(sums[known].max()))
    return GameValue(value=total, kind="exact", plan={known: greedy(row) for known, row in sums.items()})


def reference_value(
    game: SequentialGame,
    focal: Policy,
    partner: Policy,
    *,
    most_states: int = MOST_STATES,
    episodes: int = 1000,
    seed: int = 0,
) -> GameValue:
    """What a focal policy is worth, by expectation, or by play where that takes too many states.

    Args:
        game: What is played.
        focal: Policy of player 0.
        partner: Policy of player 1.
        most_states: States to look at before episodes are played.
        episodes: To play then, at least 2.
        seed: Of what is drawn then.

    Raises:
        ValueError: If a policy gives no distribution over the legal actions, or there are fewer episodes to play.
    """
    try:
        return GameValue(value=expected_payoff(game, focal, partner, most_states), kind="reference")
    except TooManyStatesError:
        paid = play_sequential(game, focal, partner, episodes=episodes, seed=seed).returns[:, 0]
        return GameValue(value=float(paid.mean()), kind="reference", standard_error=_standard_error(paid))


def sequential_regret(
    game: SequentialGame,
    focal: Policy,
    partner: Policy,
    *,
    reference: Policy | None = None,
    most_states: int = MOST_STATES,
    episodes: int = 1000,
    seed: int = 0,
) -> SequentialRegret:
    """What a focal policy loses against the best play, or against a reference policy if one is given.

    Args:
        game: What is played.
        focal: Policy of player 0, which is measured.
        partner: Policy of player 1.
        reference: To compare with where the best play cannot be found.
        most_states: States to look at; with a reference, episodes are played beyond them.
        episodes: To play then, at least 2; both policies meet the same draws.
        seed: Of what is drawn then.

    Raises:
        ValueError: As of the functions above.
    """
    if reference is None:
        best = best_response_value(game, partner, most_states=most_states)
        lost = best.value - expected_payoff(game, focal, partner, most_states)
        return SequentialRegret(value=lost, kind="exact", standard_error=0.0)
    try:
        best_known, mine = (expected_payoff(game, one, partner, most_states) for one in (reference, focal))
        return SequentialRegret(value=best_known - mine, kind="reference", standard_error=0.0)
    except TooManyStatesError:
        theirs, own = (play_sequential(game, one, partner, episodes=episodes, seed=seed) for one in (reference, focal))
        paired = theirs.returns[:, 0] - own.returns[:, 0]
        return SequentialRegret(value=float(paired.mean()), kind="reference", standard_error=_standard_error(paired))


def _credited(sums: dict[Hashable, np.ndarray], last: Move | None, paid: float) -> float:
    """What is not credited to a move, since the focal player made none before."""
    if last is None:
        return paid
    known, number = last
    sums[known][number] += paid
    return 0.0


def _check_recall(game: SequentialGame, known: Hashable, same_actions: bool, same_way: bool) -> None:
    if not same_actions:
        raise ValueError(
            f"the information state {known!r} of {game.name} has not always the same number of legal actions; it must tell "
            "such states apart."
        )
    if not same_way:
        raise ValueError(
            f"different moves of the focal player lead to the information state {known!r} of {game.name}; it must hold all "
            "that the player did and saw."
        )


def _standard_error(paid: Float[np.ndarray, " episodes"]) -> float:
    if len(paid) < 2:
        raise ValueError(
            f"`episodes` must be at least 2, got {len(paid)}: one says nothing of how much chance matters."
        )
    return float(paid.std(ddof=1) / np.sqrt(len(paid)))
