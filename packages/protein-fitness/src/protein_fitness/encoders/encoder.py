"""What tells a network of each residue from the sequence: features, and often logits of its type."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from protein_fitness.protein import Protein


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoded:
    """What an encoder says of several copies of one sequence, float32, on its device.

    Attributes:
        features: What a network reads.
        logits: Of the twenty in the order of ``AMINO_ACIDS``, nothing else among them; None if the encoder has none.
    """

    features: Float[Tensor, "copies positions width"]
    logits: Float[Tensor, "copies positions 20"] | None


@runtime_checkable
class Encoder(Protocol):
    """A frozen encoder of residues. What it says of a masked position does not depend on the letter there.

    Attributes:
        id: What :func:`protein_fitness.encoders.registry.make_encoder` makes it by.
        fingerprint: Tells its weights, or the meaning of its features, from others.
        width: Of its features.
        has_logits: Whether it has logits.
        longest: Most residues that it reads at a time; None for any number.
    """

    id: str
    fingerprint: str
    width: int
    has_logits: bool
    longest: int | None

    def encode(self, protein: Protein, masked: Bool[np.ndarray, "copies positions"]) -> Encoded:
        """Read copies of a protein's sequence that differ in what is masked.

        X is masked in all of them.

        Raises:
            ValueError: If the protein lacks what the encoder reads, or is longer than it reads.
        """
        ...


def identity_of(encoder: Encoder) -> str:
    """Which encoder with which weights, for files that tell what scores were made with."""
    return f"{encoder.id}@{encoder.fingerprint}"
