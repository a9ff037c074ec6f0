"""All games of two players and two actions in which each player ranks the four outcomes without ties."""

from functools import cache
from itertools import permutations

from agent_tom.games.matrix_game import MatrixGame, matrix_game

Ranks = tuple[int, int, int, int]
_SWAP_ROWS, _SWAP_COLUMNS = (2, 3, 0, 1), (1, 0, 3, 2)


@cache
def ordinal_pairs() -> tuple[tuple[Ranks, Ranks], ...]:
    """Ranks (1 worst to 4 best, row by row) of both players: the 144 games that no renaming of actions makes equal.

    Of the 576 pairs of rankings four each differ by names of actions alone; the least of the four stands for all.

    Source: Rapoport and Guyer 1966, who count 78 games by taking the players' seats as alike too.
    """
    rankings: list[Ranks] = [(a, b, c, d) for a, b, c, d in permutations((1, 2, 3, 4))]
    return tuple(sorted({min(_renamed(ours, theirs)) for ours in rankings for theirs in rankings}))


def ordinal_game(index: int) -> MatrixGame:
    """The ordinal game of that index, 0 to 143.

    Raises:
        ValueError: If there is none.
    """
    pairs = ordinal_pairs()
    if not 0 <= index < len(pairs):
        raise ValueError(f"`index` of an ordinal game must be 0 to {len(pairs) - 1}, got {index}.")
    ours, theirs = pairs[index]
    return matrix_game(f"ordinal_{index}", ("first", "second"), (ours[:2], ours[2:]), (theirs[:2], theirs[2:]))


def _renamed(ours: Ranks, theirs: Ranks) -> list[tuple[Ranks, Ranks]]:
    found = [(ours, theirs)]
    for order in (_SWAP_ROWS, _SWAP_COLUMNS):
        found += [(_ordered(one, order), _ordered(other, order)) for one, other in found]
    return found


def _ordered(ranks: Ranks, order: tuple[int, ...]) -> Ranks:
    first, second, third, fourth = (ranks[place] for place in order)
    return first, second, third, fourth
