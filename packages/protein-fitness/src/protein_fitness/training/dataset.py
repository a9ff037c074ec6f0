"""Masked chains as graphs, for training and for evaluation."""

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch.utils.data import Dataset
from torch_geometric.data import HeteroData

from protein_fitness.encoders.profile import profile_logits
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import Cloud, build_graph, with_residues
from protein_fitness.surface.cache import cached_surface
from protein_fitness.surface.settings import SurfaceSettings
from protein_fitness.training.chains import Chain, Chains
from protein_fitness.training.controls import Control
from protein_fitness.training.crop import random_window, surface_near
from protein_fitness.training.features import FeaturesOf, profile_of
from protein_fitness.training.masking import draws_of, evaluation_masking, training_masking

LONGEST = 300
"""Residues of a chain that are seen at a time."""
KEPT = 1000
"""Chains whose graph is kept in memory, some megabytes each with a surface; others are built each time."""
_OF_CONTROL = 2**32
"""In place of an epoch, for draws that are the same in all."""


class MaskedChains(Dataset[HeteroData]):
    """Graphs with features ``h``, types ``y`` and the residues to be predicted, ``mask``.

    An item is asked for by epoch and place. Part and masks follow from seed, epoch and chain alone, so each epoch has
    fresh ones, and a run that goes on where another was cut off has the same.

    Args:
        chains: All that were read.
        numbers: Which of them.
        config: Of the network. The encoder's logits, if it adds any, are those of :class:`ProfileEncoder`.
        features: What a residue is known by; ``config.encoder_width`` numbers.
        surfaces: Folder in which surfaces are kept; needed if the network reads them.
        control: What is taken away.
        seed: Of parts and masks.

    Raises:
        ValueError: If there is no chain, or a surface is needed and there is no folder for it.

    Source: S3F (Zhang et al. 2024) 3.4.
    """

    masking = staticmethod(training_masking)

    def __init__(
        self,
        chains: Chains,
        numbers: Sequence[int],
        config: S3FConfig,
        features: FeaturesOf,
        *,
        surfaces: str | os.PathLike[str] | None = None,
        control: Control | None = None,
        seed: int = 0,
    ):
        if not len(numbers):
            raise ValueError("there is no chain to predict residues of; give at least one.")
        if config.surface and surfaces is None:
            raise ValueError("the network reads surfaces; give `surfaces`, the folder in which they are kept.")
        self.chains, self.numbers, self.config, self.features = chains, tuple(numbers), config, features
        self.surfaces, self.control, self.seed = surfaces, control, seed
        self._kept: dict[int, HeteroData] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    def sizes(self) -> list[int]:
        """Residues that are seen of each chain."""
        return [min(len(self.chains.sequences[number]), LONGEST) for number in self.numbers]

    def __getitem__(self, asked: tuple[int, int]) -> HeteroData:
        """The graph of epoch and place, both from 0."""
        epoch, place = asked
        number = self.numbers[place]
        whole = self.chains[number]
        draws = draws_of(self.seed, epoch, whole.digest)
        chain = whole.part(random_window(len(whole), LONGEST, draws))
        masking = self.masking(chain.letters, draws)
        graph = with_residues(
            self._shape(number, chain),
            len(chain),
            h=self.features(replace(chain, letters=masking.letters), masking.hidden),
            y=chain.letters,
            mask=masking.selected,
            **({"encoder_logits": profile_logits(profile_of(chain))} if self.config.encoder_logits else {}),
        )
        return graph if self.control is None else self.control(graph, draws_of(self.seed, _OF_CONTROL, whole.digest))

    def _shape(self, number: int, chain: Chain) -> HeteroData:
        """The graph without what is known of residues, which alone differs from epoch to epoch where all are seen."""
        if number in self._kept:
            return self._kept[number]
        surface = self._surface(number, chain.backbone) if self.config.surface else None
        graph = build_graph(chain.backbone, self.config, surface=surface)
        if len(self._kept) < KEPT and len(self.chains.sequences[number]) <= LONGEST:
            self._kept[number] = graph
        return graph

    def _surface(self, number: int, backbone: np.ndarray) -> Cloud:
        assert self.surfaces is not None
        settings = SurfaceSettings(**self.config.surface_settings)
        surface = cached_surface(self.chains.structure(number), self.surfaces, settings=settings)
        return surface_near(surface, backbone, self.config.points_read_per_atom)


class EvaluationChains(MaskedChains):
    """The same with all selected residues hidden, as where mutants are scored.

    With the default seed every model is asked for the same residues: those of epoch 0.
    """

    masking = staticmethod(evaluation_masking)
