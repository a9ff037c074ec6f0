"""What a network reads of each residue where there is no language model: letters, and frequencies among homologues.

The same numbers as those of the encoders of these names, by which the trained network scores.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from protein_fitness.encoders.letters import LetterEncoder, seen_letters
from protein_fitness.encoders.profile import ProfileEncoder
from protein_fitness.training.chains import Chain

FeaturesOf = Callable[[Chain, np.ndarray], Tensor]
"""From a chain and a boolean array of the residues whose letter is hidden, numbers of each residue, float32."""


def letter_features(chain: Chain, mask: Bool[np.ndarray, " residues"]) -> Float[Tensor, "residues 21"]:
    """As of :class:`LetterEncoder`: one-hot letters, and whether none is seen, because it is hidden or not known."""
    return seen_letters(chain.sequence, mask[None])[0]


def profile_features(chain: Chain, mask: Bool[np.ndarray, " residues"]) -> Float[Tensor, "residues 41"]:
    """As of :class:`ProfileEncoder`: frequencies among homologues, seen also where the residue is hidden, then letters.

    Raises:
        ValueError: If the chain has no frequencies.
    """
    return torch.cat([torch.from_numpy(profile_of(chain)).float(), letter_features(chain, mask)], -1)


def profile_of(chain: Chain) -> Float[np.ndarray, "residues 20"]:
    """Frequencies among a chain's homologues.

    Raises:
        ValueError: If it has none.
    """
    if chain.profile is None:
        raise ValueError(
            f"chain {chain.name} has no frequencies among homologues; train on ProMod3's database, or by letters."
        )
    return chain.profile


@dataclass(frozen=True, kw_only=True)
class FeatureKind:
    """Features by name.

    Attributes:
        of: The function.
        encoder: That gives the same numbers of a protein.
    """

    of: FeaturesOf
    encoder: type[LetterEncoder] | type[ProfileEncoder]


FEATURES = {
    LetterEncoder.id: FeatureKind(of=letter_features, encoder=LetterEncoder),
    ProfileEncoder.id: FeatureKind(of=profile_features, encoder=ProfileEncoder),
}


def feature_kind(name: str) -> FeatureKind:
    """Features by name.

    Raises:
        ValueError: If there are none of that name.
    """
    if name not in FEATURES:
        raise ValueError(f"`features` must be one of {', '.join(FEATURES)}, got {name!r}.")
    return FEATURES[name]
