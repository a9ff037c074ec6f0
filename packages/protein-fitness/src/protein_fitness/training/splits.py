"""Which chains are for training, for choosing a checkpoint, and for the test; kept as a file."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from gpu_commons.write_aside import write_text_aside
from protein_fitness.training.chains import Chains

PARTS = ("train", "validation", "test")
SHARES = {"validation": 0.05, "test": 0.05}
"""Of all residues; training gets the rest."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Names of the chains of each part.

    Attributes:
        train: To learn from.
        validation: To choose the checkpoint by.
        test: For what is reported.
        seed: Of the draw.
        digest: SHA-256 of the chains' names and sequences.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    seed: int
    digest: str

    def numbers(self, part: str, chains: Chains) -> tuple[int, ...]:
        """Of the chains of a part, in the order of the part."""
        number = {name: place for place, name in enumerate(chains.names)}
        return tuple(number[name] for name in getattr(self, part))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as JSON."""
        return write_text_aside(json.dumps(asdict(self), indent=1) + "\n", path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], chains: Chains) -> "Split":
        """Read what ``save`` wrote.

        Args:
            path: Of the file.
            chains: Those that were split.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no split, or one of other chains.
        """
        try:
            read = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
            parts = {part: tuple(read[part]) for part in PARTS}
            split = cls(**parts, seed=read["seed"], digest=read["digest"])
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not a split of chains; delete it and split anew.") from error
        if split.digest != chains_digest(chains):
            raise ValueError(
                f"{path} splits other chains than the {len(chains)} that were read; give the ones that it was made of, "
                "or split anew."
            )
        return split


def split_by_cluster(
    chains: Chains, clusters: Int[np.ndarray, " chains"], *, shares: Mapping[str, float] = SHARES, seed: int = 0
) -> Split:
    """Split chains such that no cluster is in two parts.

    Clusters in random order go to the test until it is full, then to validation, and the rest to training. A cluster
    that would fill a part beyond its share is left for the next one, so the largest are trained on.

    Args:
        chains: All of them.
        clusters: The cluster of each.
        shares: Of validation and test, in residues.
        seed: Of the order.

    Raises:
        ValueError: If a share is out of its range, or a part is left empty.
    """
    if not (all(share > 0 for share in shares.values()) and sum(shares.values()) < 1):
        raise ValueError(
            f"shares of validation and test must be above 0 and add up to less than 1, got {dict(shares)}."
        )
    lengths = np.array([len(sequence) for sequence in chains.sequences])
    sizes = np.bincount(clusters, weights=lengths)
    part_of = np.zeros(len(sizes), dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(sizes))
    for part in ("test", "validation"):
        room = shares[part] * sizes.sum()
        for one in order:
            if part_of[one] == 0 and sizes[one] <= room:
                part_of[one], room = PARTS.index(part), room - sizes[one]
    found = {
        part: tuple(chains.names[at] for at in np.flatnonzero(part_of[clusters] == place))
        for place, part in enumerate(PARTS)
    }
    if empty := [part for part in PARTS if not found[part]]:
        raise ValueError(
            f"{len(sizes)} clusters of {len(chains)} chains leave nothing for {empty[0]}; give more chains or larger shares."
        )
    return Split(**found, seed=seed, digest=chains_digest(chains))


def chains_digest(chains: Chains) -> str:
    """SHA-256 of names and sequences in their order."""
    told = json.dumps([chains.names, chains.sequences])
    return hashlib.sha256(told.encode()).hexdigest()
