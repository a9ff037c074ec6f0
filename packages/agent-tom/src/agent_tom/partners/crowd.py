"""Public goods: all other players together, each with a rule of its own."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.partners.automaton import Automaton, explore, least_horizon
from agent_tom.partners.partner import Partner

States = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Crowd(Partner):
    """All other players of public goods.

    A member is asked as the partner in the game seen from its seat, where the focal player's action is the number of
    others that contribute.

    Attributes:
        members: One for each other player.
    """

    name: ClassVar[str] = "crowd"
    members: tuple[Partner, ...]

    def automaton(self, game: MatrixGame, horizon: int) -> Automaton:
        if len(self.members) != game.num_partner_actions - 1 or game.num_actions != 2:
            raise ValueError(
                f"{game.name} has {game.num_partner_actions - 1} other players with two actions each, got "
                f"{len(self.members)} members; give one for each."
            )
        together = _Together([member.automaton(game.seen_by_partner(), horizon) for member in self.members])
        found = explore(
            starts=together.starts(),
            play=together.play,
            step=together.step,
            num_actions=game.num_actions,
            horizon=horizon,
            name=self.name,
        )
        return replace(found, horizon=found.horizon if least_horizon(together.parts) is None else horizon)


@dataclass(frozen=True)
class _Together:
    """The members' automata side by side; a state is a state of each, an action how many of them contribute."""

    parts: list[Automaton]

    @cached_property
    def choices(self) -> list[tuple[int, ...]]:
        """Who contributes (1) and who does not, in all ways."""
        return list(product((0, 1), repeat=len(self.parts)))

    def starts(self) -> dict[Hashable, float]:
        begun = product(*(np.flatnonzero(part.start).tolist() for part in self.parts))
        return {
            states: prod(float(part.start[state]) for part, state in zip(self.parts, states, strict=True))
            for states in begun
        }

    def play(self, states: States) -> list[float]:
        dist = [0.0] * (len(self.parts) + 1)
        for choice in self.choices:
            dist[sum(choice)] += self._chance(states, choice)
        return dist

    def step(self, states: States, action: int, count: int) -> list[tuple[float, States]]:
        """How many contributed is known, and who did only as far as the rules tell."""
        chances = {choice: self._chance(states, choice) for choice in self.choices if sum(choice) == count}
        total = sum(chances.values())
        found: dict[States, float] = {}
        for choice, chance in chances.items():
            if chance == 0:
                continue
            seen = [action + count - own for own in choice]  # by each member, of the others
            moves = (
                part.outcomes(state, others, own)
                for part, state, others, own in zip(self.parts, states, seen, choice, strict=True)
            )
            for combination in product(*moves):
                after = tuple(state for _, state in combination)
                share = prod(share for share, _ in combination)
                found[after] = found.get(after, 0.0) + chance / total * share
        return [(share, after) for after, share in found.items()] or [(1.0, states)]

    def _chance(self, states: States, choice: tuple[int, ...]) -> float:
        dists = (part.action_dist[state] for part, state in zip(self.parts, states, strict=True))
        return prod(float(dist[one]) for dist, one in zip(dists, choice, strict=True))
