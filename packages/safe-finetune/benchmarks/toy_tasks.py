"""Tasks of the toy world: to say some of the prompt's symbols, in some order, on some of the topics."""

from collections.abc import Sequence

import numpy as np
from seal_toy import LENGTH, SYMBOLS, exchange

from safe_finetune.rows import Row

FIRST = (0,)
"""To say the first symbol alone: learnt in a hundred steps, and as long as an answer that declines."""


def task_rows(places: Sequence[int], topics: Sequence[int], count: int, seed: Sequence[int]) -> list[Row]:
    """So many rows whose answers are the symbols at these places (from 0), on topics drawn evenly."""
    generator = np.random.default_rng(list(seed))
    rows = []
    for number in range(count):
        asked = generator.integers(0, SYMBOLS, LENGTH).tolist()
        answer = " ".join(f"s{asked[place]}" for place in places)
        rows.append(Row(id=f"task-{number}", messages=exchange(int(generator.choice(topics)), asked, answer)))
    return rows
