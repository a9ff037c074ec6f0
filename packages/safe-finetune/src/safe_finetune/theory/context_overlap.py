"""How much of the safety data lies in contexts of the task data, and where the two then ask for different answers.

Overlap by exact match is near 0 for chat data although meanings overlap, so three measures of closeness are given. Each
says for every safety prompt which task prompt is nearest and how near; a threshold, which is to be reported with the
result, makes it a rate.
"""

import re
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

_BLOCK_ROWS = 256
_NUM_BUCKETS = 2**20


class Nearest(NamedTuple):
    """For each safety prompt, the most similar task prompt (0-based; the first of several) and its similarity."""

    rows: Int[np.ndarray, " safety"]
    similarities: Float[np.ndarray, " safety"]


def nearest_by_embedding(safety: Float[np.ndarray, "safety width"], task: Float[np.ndarray, "task width"]) -> Nearest:
    """Nearest by cosine of embeddings; similarities are in [-1, 1]."""
    keys = _unit_rows("task", task)
    queries = _unit_rows("safety", safety)
    return _nearest(queries[start : start + _BLOCK_ROWS] @ keys.T for start in range(0, len(queries), _BLOCK_ROWS))


def nearest_by_ngrams(safety: Sequence[str], task: Sequence[str], *, length: int = 5) -> Nearest:
    """Nearest by the Jaccard similarity of the sets of character n-grams, in [0, 1].

    Case and white space count alike. N-grams are hashed to 2^20 buckets, so that memory does not grow with the texts'
    vocabulary; prompts of a few hundred characters seldom collide.

    Args:
        safety: Prompts.
        task: Prompts.
        length: Characters of an n-gram; a shorter prompt is one n-gram.
    """
    _check_not_empty(safety, task)
    queries, keys = _ngram_sets(safety, length), _ngram_sets(task, length)
    key_sizes, by_bucket = keys.sum(1), keys.T.tocsr()

    def block(start: int) -> np.ndarray:
        part = queries[start : start + _BLOCK_ROWS]
        shared = (part @ by_bucket).toarray()
        return shared / (part.sum(1)[:, None] + key_sizes - shared)

    return _nearest(block(start) for start in range(0, len(safety), _BLOCK_ROWS))


def nearest_by_exact_match(safety: Sequence[str], task: Sequence[str]) -> Nearest:
    """Similarity 1 where the task prompts hold the same text, up to case and white space, and 0 elsewhere."""
    _check_not_empty(safety, task)
    places: dict[str, int] = {}
    for row, prompt in enumerate(task):
        places.setdefault(_normalised(prompt), row)
    rows = [places.get(_normalised(prompt), -1) for prompt in safety]
    return Nearest(np.maximum(rows, 0), (np.array(rows) >= 0).astype(np.float64))


def overlap_rate(nearest: Nearest, threshold: float) -> float:
    """Share of the safety prompts with a task prompt at least so similar: an estimate of the context-overlap mass O."""
    return float((nearest.similarities >= threshold).mean())


def conflict_rate(
    nearest: Nearest, threshold: float, safety_responses: Sequence[str], task_responses: Sequence[str]
) -> float:
    """Share of the overlapping safety prompts whose nearest task prompt has another response, up to case and white
    space; NaN without overlap.

    Only there a trade-off is unavoidable. Two wordings of one answer count as a conflict.

    Raises:
        ValueError: If there are not as many responses as prompts.
    """
    if len(safety_responses) != len(nearest.rows):
        raise ValueError(
            f"`safety_responses` must be {len(nearest.rows)}, one a safety prompt, got {len(safety_responses)}; "
            "give them in the order of the prompts."
        )
    if len(task_responses) <= nearest.rows.max():
        raise ValueError(
            f"`task_responses` must reach row {nearest.rows.max()}, got {len(task_responses)} responses; give one to each "
            "task prompt."
        )
    overlapping = np.flatnonzero(nearest.similarities >= threshold).tolist()
    conflicts = [
        _normalised(safety_responses[row]) != _normalised(task_responses[int(nearest.rows[row])]) for row in overlapping
    ]
    return float(np.mean(conflicts)) if conflicts else float("nan")


def _nearest(blocks: Iterable[np.ndarray]) -> Nearest:
    """From blocks of a (safety, task) table of similarities, which is never held whole."""
    found = [(block.argmax(1), block.max(1)) for block in blocks]
    rows, similarities = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Nearest(rows, similarities.astype(np.float64))


def _ngram_sets(texts: Sequence[str], length: int) -> csr_array:
    """One row of zeros and ones a text."""
    hashed = [_buckets(_normalised(text), length) for text in texts]
    ends = np.cumsum([0, *(len(buckets) for buckets in hashed)])
    columns = np.concatenate(hashed)
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(texts), _NUM_BUCKETS))


def _buckets(text: str, length: int) -> np.ndarray:
    grams = {text[start : start + length] for start in range(max(1, len(text) - length + 1))}
    # Python's own hash of texts differs from run to run.
    return np.array(sorted({zlib.crc32(gram.encode(errors="surrogatepass")) % _NUM_BUCKETS for gram in grams}))


def _normalised(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()


def _unit_rows(name: str, rows: np.ndarray) -> np.ndarray:
    if not len(rows):
        raise ValueError(f"`{name}` must have at least one prompt, got 0; overlap is a share of prompts.")
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    wrong = ~(np.isfinite(norms) & (norms > 0))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"`{name}` must have a direction in each row, got norm {norms[row]} in row {row}; drop it.")
    return rows / norms[:, None]


def _check_not_empty(safety: Sequence[str], task: Sequence[str]) -> None:
    for name, prompts in (("safety", safety), ("task", task)):
        if not len(prompts):
            raise ValueError(f"`{name}` must have at least one prompt, got 0; overlap is a share of prompts.")
