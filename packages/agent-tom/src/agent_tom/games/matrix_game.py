"""A game of two players in one matrix each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixGame:
    """What a round is worth: both players move at once.

    Attributes:
        name: In registry and tables.
        actions: Of the focal player, in the order of the rows.
        partner_actions: In the order of the columns.
        payoffs: To the focal player.
        partner_payoffs: To the partner, of the same shape.

    Raises:
        ValueError: If a matrix has another shape than the actions say or holds what is not a number, if there is no
            action, or two actions of a player have one name.
    """

    name: str
    actions: tuple[str, ...]
    partner_actions: tuple[str, ...]
    payoffs: Float[np.ndarray, "actions partner_actions"]
    partner_payoffs: Float[np.ndarray, "actions partner_actions"]

    def __post_init__(self) -> None:
        for field, labels in (("actions", self.actions), ("partner_actions", self.partner_actions)):
            if not labels or len(set(labels)) < len(labels):
                raise ValueError(f"`{field}` of {self.name} must be different names, got {list(labels)}.")
        shape = (len(self.actions), len(self.partner_actions))
        for field in ("payoffs", "partner_payoffs"):
            matrix = getattr(self, field)
            if matrix.shape != shape:
                raise ValueError(
                    f"`{field}` of {self.name} has shape {matrix.shape}, but its actions make {shape}: rows are the "
                    "focal player's actions, columns the partner's."
                )
            if not np.isfinite(matrix).all():
                row, column = np.argwhere(~np.isfinite(matrix))[0]
                raise ValueError(
                    f"`{field}` of {self.name} holds {matrix[row, column]} at ({self.actions[row]}, "
                    f"{self.partner_actions[column]}); give a number."
                )

    @property
    def num_actions(self) -> int:
        """Of the focal player."""
        return len(self.actions)

    @property
    def num_partner_actions(self) -> int:
        """Of the partner."""
        return len(self.partner_actions)

    def seen_by_partner(self) -> "MatrixGame":
        """The same game with the seats changed."""
        return MatrixGame(
            name=self.name,
            actions=self.partner_actions,
            partner_actions=self.actions,
            payoffs=self.partner_payoffs.T,
            partner_payoffs=self.payoffs.T,
        )


def matrix_game(
    name: str,
    actions: Sequence[str],
    payoffs: Sequence[Sequence[float | int]],
    partner_payoffs: Sequence[Sequence[float | int]],
    *,
    partner_actions: Sequence[str] | None = None,
) -> MatrixGame:
    """A game from plain lists; both players have the same actions unless the partner's are given.

    Raises:
        ValueError: As of :class:`MatrixGame`, or if the rows of a matrix differ in length.
    """
    matrices = {}
    for field, rows in (("payoffs", payoffs), ("partner_payoffs", partner_payoffs)):
        if len({len(row) for row in rows}) != 1:
            raise ValueError(f"rows of `{field}` of {name} must have one length, got {[len(row) for row in rows]}.")
        matrices[field] = np.array(rows, dtype=np.float64)
    return MatrixGame(
        name=name,
        actions=tuple(actions),
        partner_actions=tuple(partner_actions or actions),
        payoffs=matrices["payoffs"],
        partner_payoffs=matrices["partner_payoffs"],
    )


def best_replies(
    payoffs: Float[np.ndarray, "actions partner_actions"], beliefs: Float[np.ndarray, "*batch partner_actions"]
) -> Float[np.ndarray, "*batch actions"]:
    """The even mixture of all actions that are best against what is believed of the partner's next move."""
    return greedy(beliefs @ payoffs.T)


def greedy(values: Float[np.ndarray, "*batch actions"]) -> Float[np.ndarray, "*batch actions"]:
    """The even mixture of all actions of the highest value, up to rounding."""
    best = values.max(-1, keepdims=True)
    tied = values >= best - 1e-9 * (1 + np.abs(best))
    return tied / tied.sum(-1, keepdims=True)
