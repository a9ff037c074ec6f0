"""What a model writes, and how much of it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from agent_tom.backends.backend import Backend

COUNTS = ("texts", "texts_cut_off", "tokens_written")


class Pen:
    """Lets a model write, and counts what it wrote in each round.

    Args:
        num_rows: Episodes.
        horizon: Rounds.

    Attributes:
        counts: By name, of each episode and round: "texts", those of them that their budget cut off, and tokens.
    """

    counts: dict[str, Int[np.ndarray, "episodes rounds"]]

    def __init__(self, num_rows: int, horizon: int):
        self.counts = {name: np.zeros((num_rows, horizon), dtype=np.int64) for name in COUNTS}
        self._round = 0

    def turn(self) -> None:
        """What follows is of the next round."""
        self._round += 1

    def write(
        self,
        backend: Backend,
        probes: Sequence[str],
        *,
        tokens: int,
        stop: Sequence[str],
        draws: Float[np.ndarray, " probes"] | None = None,
        rows: Sequence[int] | None = None,
    ) -> list[str]:
        """Texts without space around them.

        Args:
            backend: Who writes.
            probes: Lead up to the texts.
            tokens: Budget of each.
            stop: What ends a text.
            draws: To sample from; the likeliest text without.
            rows: Episodes that the probes belong to; all of them if absent.
        """
        found = backend.generate(probes, max_tokens=tokens, stop=stop, draws=draws)
        places = np.arange(len(probes)) if rows is None else np.array(rows)
        self.counts["texts"][places, self._round] += 1
        self.counts["texts_cut_off"][places, self._round] += [each.cut_off for each in found]
        self.counts["tokens_written"][places, self._round] += [each.num_tokens for each in found]
        return [each.text.strip() for each in found]
