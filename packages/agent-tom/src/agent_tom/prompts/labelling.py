"""What actions are called in an episode, and in which order they are listed.

A model may prefer some letters, or some places in a list, to any payoff. So names and order change from episode to
episode, independently of each other, and all combinations come equally often.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import factorial

from agent_tom.games.matrix_game import MatrixGame

MOST_PERMUTED = 5
"""Actions beyond which names and order are rotated only, since there are too many permutations to balance."""


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """Of one episode.

    Attributes:
        own: Labels of the focal player's actions, by action.
        other: Labels of the partner's, by action.
        listed: Own actions in the order in which they are listed.
        other_listed: Partner's actions in that order.
    """

    own: tuple[str, ...]
    other: tuple[str, ...]
    listed: tuple[int, ...]
    other_listed: tuple[int, ...]


def labelling(game: MatrixGame, labels: Sequence[str], episode: int) -> Labelling:
    """Names and order of an episode.

    If both players have the same actions, they have the same labels. With a game's own names only the order changes,
    since the names mean something.

    Args:
        game: What is played.
        labels: To choose from; the game's own names if empty.
        episode: Its number.

    Raises:
        ValueError: If there are fewer labels than actions.
    """
    shared = game.actions == game.partner_actions
    needed = game.num_actions if shared else game.num_actions + game.num_partner_actions
    if labels and len(labels) < needed:
        raise ValueError(f"{game.name} needs {needed} labels, but the wording has {len(labels)}; choose 'plain'.")
    orders = num_orders(game.num_actions)
    renamed = _order(game.num_actions, episode % orders) if labels else tuple(range(game.num_actions))
    own_names = labels[: game.num_actions] if labels else game.actions
    own = tuple(own_names[place] for place in renamed)
    listed = _order(game.num_actions, episode // orders % orders)
    if shared:
        return Labelling(own=own, other=own, listed=listed, other_listed=listed)
    others = tuple(labels[game.num_actions : needed]) if labels else game.partner_actions
    other_orders = num_orders(game.num_partner_actions)
    turned = _order(game.num_partner_actions, episode % other_orders) if labels else range(len(others))
    other_listed = _order(game.num_partner_actions, episode // other_orders % other_orders)
    return Labelling(own=own, other=tuple(others[place] for place in turned), listed=listed, other_listed=other_listed)


def num_orders(count: int) -> int:
    """Orders of so many actions that are gone through."""
    return factorial(count) if count <= MOST_PERMUTED else count


def _order(count: int, number: int) -> tuple[int, ...]:
    if count > MOST_PERMUTED:
        return tuple((place + number) % count for place in range(count))
    return list(permutations(range(count)))[number]
