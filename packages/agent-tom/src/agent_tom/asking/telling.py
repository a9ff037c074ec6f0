"""A game and its rounds as text."""

from collections.abc import Sequence

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.prompts.labelling import Labelling
from agent_tom.prompts.library import Wording


def rules(game: MatrixGame, words: Wording, labels: Labelling, horizon: int, *, payoffs: bool = True) -> str:
    """What is read first.

    Args:
        game: What is played.
        words: How it is told.
        labels: Of the episode.
        horizon: Rounds.
        payoffs: Whether they are told.
    """
    lines = [
        words.rules.format(
            horizon=horizon,
            options=_either([labels.own[action] for action in labels.listed]),
            other_options=_either([labels.other[action] for action in labels.other_listed]),
        )
    ]
    if payoffs:
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


def told_round(words: Wording, number: int, own: str, other: str, points: float | int) -> str:
    """The line of a round.

    Args:
        words: How it is told.
        number: Of the round, from 1.
        own: Label of the own move.
        other: Of the partner's.
        points: Payoff.
    """
    return words.round.format(round=number, own=own, other=other, points=f"{points:g}")


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
