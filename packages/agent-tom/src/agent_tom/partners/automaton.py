"""A partner as a finite automaton: all that can be known of it, so that the best play against it can be computed."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

MOST_MOVES = 1_000_000
"""States times joint moves beyond which an automaton is refused, since they are found one by one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Automaton:
    """States, what is played in them, and where a round leads.

    Attributes:
        start: Of each state, the probability that an episode begins there.
        action_dist: Of each state, the probabilities of the partner's actions.
        next_state: State, focal action, partner's action and outcome of chance to the next state; most partners have
            one outcome.
        chance: Probability of each outcome.
        labels: Of the states, for people.
        horizon: Rounds that it is good for; any number if None.

    Raises:
        ValueError: If shapes do not fit, a probability is negative or a distribution does not sum to 1, or there is no
            such next state.
    """

    start: Float[np.ndarray, " states"]
    action_dist: Float[np.ndarray, "states partner_actions"]
    next_state: Int[np.ndarray, "states actions partner_actions outcomes"]
    chance: Float[np.ndarray, "states actions partner_actions outcomes"]
    labels: tuple[str, ...]
    horizon: int | None = None

    def __post_init__(self) -> None:
        states, partner_actions = self.action_dist.shape
        if self.next_state.shape != self.chance.shape or self.next_state.shape[::2][:1] != (states,):
            raise ValueError(
                f"an automaton of {states} states has `next_state` of shape {self.next_state.shape} and `chance` of "
                f"{self.chance.shape}; both must be [states, actions, partner_actions, outcomes]."
            )
        if self.next_state.shape[2] != partner_actions or len(self.start) != states or len(self.labels) != states:
            raise ValueError(
                f"an automaton has `action_dist` of shape {self.action_dist.shape}, `next_state` of "
                f"{self.next_state.shape}, {len(self.start)} starts and {len(self.labels)} labels, which do not fit."
            )
        for field in ("start", "action_dist", "chance"):
            dist = getattr(self, field)
            if (dist < 0).any() or not np.allclose(dist.sum(-1), 1):
                raise ValueError(f"`{field}` of an automaton must be probabilities that sum to 1 along its last axis.")
        if self.next_state.min() < 0 or self.next_state.max() >= states:
            raise ValueError(f"`next_state` must be 0 to {states - 1}, got {self.next_state.max()}.")

    @property
    def num_states(self) -> int:
        """States."""
        return len(self.start)

    @property
    def num_actions(self) -> int:
        """Of the focal player."""
        return self.next_state.shape[1]

    @property
    def num_partner_actions(self) -> int:
        """Of the partner."""
        return self.next_state.shape[2]

    def check(self, horizon: int) -> None:
        """Refuse to be played for more rounds than it is good for.

        Raises:
            ValueError: If there are more.
        """
        if self.horizon is not None and horizon > self.horizon:
            raise ValueError(
                f"the partner's automaton was made for {self.horizon} rounds, but {horizon} are to be played; make it for "
                "as many."
            )

    def outcomes(self, state: int, action: int, other: int) -> list[tuple[float, int]]:
        """Probabilities and next states after a joint move."""
        pairs = zip(self.chance[state, action, other], self.next_state[state, action, other], strict=True)
        return [(float(probability), int(found)) for probability, found in pairs if probability > 0]

    @property
    def reactive(self) -> bool:
        """Whether what the focal player does can change what the partner does later."""
        next_state, chance = self.next_state, self.chance
        return bool((next_state != next_state[:, :1]).any() or (chance != chance[:, :1]).any())


def explore(
    *,
    starts: Mapping[Hashable, float],
    play: Callable[[Any], Sequence[float]],
    step: Callable[[Any, int, int], Any],
    num_actions: int,
    horizon: int,
    name: str,
) -> Automaton:
    """The automaton of what can be reached within a number of rounds.

    Args:
        starts: First states and their probabilities.
        play: Of a state, the probabilities of the partner's actions.
        step: Of a state, a focal action and an action of the partner's, the next state; or where chance has a part, a
            list of pairs of probability and state.
        num_actions: Of the focal player.
        horizon: Rounds.
        name: Of the partner, for errors.

    Raises:
        ValueError: If it has more than ``MOST_MOVES`` moves, or as of :class:`Automaton`.
    """
    number = {state: place for place, state in enumerate(starts)}
    actions: list[Sequence[float]] = []
    moves: list[list[list[tuple[float, int]]]] = []
    layer, cut_off = list(starts), False
    for played in range(horizon + 1):
        reached: list[Hashable] = []
        for state in layer:
            dist = play(state)
            actions.append(dist)
            row = []
            cut_off = played == horizon
            for action in range(num_actions):
                for other in range(len(dist)):
                    # After the last round nothing follows: any state will do.
                    after = state if cut_off else step(state, action, other)
                    row.append(_numbered(after, number, reached))
            moves.append(row)
            if len(number) * num_actions * len(dist) > MOST_MOVES:
                raise ValueError(
                    f"partner {name!r} has more than {len(number) - 1:,} states in {horizon} rounds of a game of "
                    f"{num_actions} by {len(dist)} actions; choose another partner, a smaller game or fewer rounds."
                )
        layer = reached
        if not layer:
            break
    outcomes = max(len(found) for row in moves for found in row)
    shape = (len(number), num_actions, len(actions[0]), outcomes)
    padded = [
        [list(zip(*(found + [(0.0, found[0][1])] * (outcomes - len(found))), strict=True)) for found in row]
        for row in moves
    ]
    table = np.array(padded, dtype=np.float64).reshape(*shape[:3], 2, outcomes)
    return Automaton(
        start=np.array([*starts.values(), *[0.0] * (len(number) - len(starts))]),
        action_dist=np.array(actions, dtype=np.float64),
        next_state=table[..., 1, :].astype(np.int64),
        chance=table[..., 0, :].copy(),
        labels=tuple(map(str, number)),
        horizon=horizon if cut_off else None,
    )


def _numbered(found: Any, number: dict[Hashable, int], reached: list[Hashable]) -> list[tuple[float, int]]:
    """Outcomes with the states' numbers; new states get the next ones."""
    outcomes = found if isinstance(found, list) else [(1.0, found)]
    numbered = []
    for probability, state in outcomes:
        if state not in number:
            number[state] = len(number)
            reached.append(state)
        numbered.append((probability, number[state]))
    return numbered


def union(parts: Sequence[Automaton], weights: Sequence[float | int]) -> Automaton:
    """One of several automata, drawn before the first round; labels tell which.

    Raises:
        ValueError: If they have other numbers of actions.
    """
    shapes = {part.next_state.shape[1:3] for part in parts}
    if len(shapes) != 1 or len(parts) != len(weights) or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(
            f"a mixture needs partners of one game and a weight of at least 0 for each, got {len(parts)} partners and "
            f"weights {list(weights)}."
        )
    outcomes = max(part.next_state.shape[3] for part in parts)
    first = np.cumsum([0, *(part.num_states for part in parts)])
    share = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    widths = [((0, 0),) * 3 + ((0, outcomes - part.next_state.shape[3]),) for part in parts]
    return Automaton(
        start=np.concatenate([weight * part.start for weight, part in zip(share, parts, strict=True)]),
        action_dist=np.concatenate([part.action_dist for part in parts]),
        next_state=np.concatenate(
            [
                np.pad(part.next_state, width) + offset
                for part, width, offset in zip(parts, widths, first[:-1], strict=True)
            ]
        ),
        chance=np.concatenate([np.pad(part.chance, width) for part, width in zip(parts, widths, strict=True)]),
        labels=tuple(f"{number}: {label}" for number, part in enumerate(parts) for label in part.labels),
        horizon=least_horizon(parts),
    )


def least_horizon(parts: Sequence[Automaton]) -> int | None:
    """Rounds that all of several automata are good for; None for any number."""
    return min((part.horizon for part in parts if part.horizon is not None), default=None)
