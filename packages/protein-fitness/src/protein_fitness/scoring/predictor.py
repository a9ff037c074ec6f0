"""S2F, S3F, or an encoder by itself as a scorer: sums of log-odds at the mutated sites."""

import os
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch_geometric.data import Batch, HeteroData
from tqdm import tqdm

from gpu_commons import model_fingerprint, resolve_device
from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.encoders.encoder import Encoder, identity_of
from protein_fitness.encoders.registry import make_encoder
from protein_fitness.model.s3f import S3FModel
from protein_fitness.mutations.checking import check_mutants
from protein_fitness.mutations.mutation import Mutant
from protein_fitness.protein import Protein
from protein_fitness.scoring.loading import load_network
from protein_fitness.scoring.passes import Pass, chosen_mode, masked_with, passes_of
from protein_fitness.scoring.scene import Scene
from protein_fitness.scoring.site_sets import Sites, site_sets
from protein_fitness.scoring.windows import cut

LogProbabilities = dict[tuple[Sites, int], np.ndarray]
"""Of the twenty at a site, by what was masked and the site (0-based)."""
_COLUMN = {letter: column for column, letter in enumerate(AMINO_ACIDS)}


class FitnessPredictor:
    """Scores a mutant by the sum over its sites of log p(mutant) - log p(wild type), p over the twenty amino acids.

    Positions without a CA atom in the structure, and those that a predicted structure is less certain of than the
    network's ``plddt_threshold``, take the encoder's probabilities; if it has none, mutants there are NaN. The backbone
    is taken for unchanged by mutation.

    Args:
        model: In eval mode; None to score by the encoder alone.
        encoder: Whose features the model was trained on.
        mode: What is masked when a site is read. "mask-joint": all sites of the mutant, as in the paper, one pass for
            each distinct set of sites; "mask-single": that site alone, one pass a site; "wt": nothing, one pass.
            "auto" is "wt" above 50,000 distinct sets, else "mask-joint".
        node_budget: Most residues and surface points of a batch; one copy of a larger protein is still read.
        surfaces: Folder in which surfaces of proteins are kept, so that each is made once; none if absent.

    Attributes:
        name: What scores, and the mode that was last used.

    Raises:
        ValueError: If the encoder is of another width than the model reads or lacks the logits that it adds, there is
            no such mode, or the budget is below 1.

    Source: S3F (Zhang et al. 2024) 3.4 and released code. Differs: windows of long proteins, see
    :func:`protein_fitness.scoring.windows.window_about`.
    """

    def __init__(
        self,
        model: S3FModel | None,
        encoder: Encoder,
        *,
        mode: str = "auto",
        node_budget: int = 4096,
        surfaces: str | os.PathLike[str] | None = None,
    ):
        if model is not None and model.config.encoder_width != encoder.width:
            raise ValueError(
                f"the model reads features of width {model.config.encoder_width} and {encoder.id} gives {encoder.width}; "
                f"give the encoder that it was trained with ({model.config.encoder_id})."
            )
        if model is not None and model.config.encoder_logits and not encoder.has_logits:
            raise ValueError(
                f"the model adds its encoder's logits to its own and {encoder.id} has none; give the encoder that it was "
                f"trained with ({model.config.encoder_id})."
            )
        if node_budget < 1:
            raise ValueError(f"`node_budget` must be at least 1, got {node_budget}.")
        self.model, self.encoder, self.mode, self.node_budget = model, encoder, mode, node_budget
        self.surfaces = surfaces
        chosen_mode(mode, 0)  # refuses an unknown one
        self._used = mode
        self._scene: Scene | None = None

    @classmethod
    def from_pretrained(
        cls,
        folder: str | os.PathLike[str],
        *,
        encoder: Encoder | None = None,
        device: str = "auto",
        dtype: str = "auto",
        mode: str = "auto",
        node_budget: int = 4096,
        surfaces: str | os.PathLike[str] | None = None,
    ) -> "FitnessPredictor":
        """A model from the folder that :meth:`save_pretrained` wrote, with its encoder.

        Args:
            folder: With config.json and model.safetensors.
            encoder: By the id in the config if absent.
            device: "auto" or a torch device.
            dtype: Of the encoder's weights. The network's stay float32: it reads distances in Å.
            mode: See the class.
            node_budget: See the class.
            surfaces: See the class.

        Raises:
            ValueError: If there is no such model, its encoder cannot be loaded, or the encoder has other weights than
                the one that it was saved with.
        """
        model = load_network(folder).to(resolve_device(device)).eval()
        found = encoder or make_encoder(model.config.encoder_id, device=device, dtype=dtype)
        wanted = model.config.encoder_fingerprint
        if wanted not in (None, found.fingerprint):
            raise ValueError(
                f"the model in {folder} was saved with the encoder {model.config.encoder_id}@{wanted} and this one is "
                f"{identity_of(found)}; give the one that it was trained with."
            )
        return cls(model, found, mode=mode, node_budget=node_budget, surfaces=surfaces)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the network, and which encoder it reads; the encoder's weights are not written.

        Raises:
            ValueError: If there is no network.
        """
        if self.model is None:
            raise ValueError(f"there is no network to save, only the encoder {self.encoder.id}; save a trained one.")
        self.model.config.encoder_id = self.encoder.id
        self.model.config.encoder_fingerprint = self.encoder.fingerprint
        self.model.save_pretrained(folder)

    @property
    def name(self) -> str:
        if self.model is None:
            return f"encoder:{self._used}"
        return f"{'s3f' if self.model.config.surface else 's2f'}:{self._used}"

    @property
    def identity(self) -> str:
        """Which weights score, for files that tell what scores were made with."""
        own = "" if self.model is None else f"{model_fingerprint(self.model)} on "
        return own + identity_of(self.encoder)

    def score(self, protein: Protein, mutants: Sequence[Mutant]) -> Float[np.ndarray, " mutants"]:
        """Log-odds in nats, higher for fitter mutants; NaN where neither structure nor encoder tells.

        Args:
            protein: Its structure and surface are made ready once and used again while this protein is scored.
            mutants: In any order, and of any number of sites.

        Raises:
            ValueError: If a mutant is not one of the protein, its sites do not fit into what the encoder reads at a
                time, or the protein lacks what the encoder needs.
        """
        if not mutants:
            return np.empty(0)
        check_mutants(mutants, protein.sequence)
        sets = site_sets(mutants)
        self._used = chosen_mode(self.mode, len(sets))
        known = self._read(protein, passes_of(self._used, sets, len(protein), self.encoder.longest))
        scores = np.empty(len(mutants))
        for sites, places in sets.items():
            rows = {site + 1: known[masked_with(self._used, site, sites), site] for site in sites}
            for place in places:
                scores[place] = sum(
                    rows[one.position][_COLUMN[one.to]] - rows[one.position][_COLUMN[one.wild]]
                    for one in mutants[place].substitutions
                )
        return scores

    def notes(self, protein: Protein) -> tuple[str, ...]:
        weights = f"Weights: {self.identity}."
        if self.model is None:
            return (weights,)
        taken = "the encoder alone" if self.encoder.has_logits else "nothing, since the encoder has no probabilities"
        if protein.structure is None:
            return weights, f"There is no structure, so all mutants are scored by {taken}."
        scene = self._scene_of(protein, self.model)
        threshold = self.model.config.plddt_threshold
        counts = {
            "no CA atom in the structure": int((~scene.known).sum()),
            f"a pLDDT below {threshold:g}": int((scene.known & ~scene.trusted).sum()),
        }
        return (
            weights,
            *(f"{count} positions have {what} and are scored by {taken}." for what, count in counts.items() if count),
        )

    @torch.inference_mode()
    def _read(self, protein: Protein, passes: Sequence[Pass]) -> LogProbabilities:
        found: LogProbabilities = {}
        with tqdm(total=len(passes), desc=self.name, unit="pass", disable=None) as bar:
            for window, of_window in groupby(passes, key=lambda one: one.window):
                part, graph, trusted = self._part(protein, window)
                for batch in _batches(list(of_window), self.node_budget // _size(len(window), graph)):
                    rows = self._log_probabilities(part, graph, trusted, _masks(batch))
                    for one, of_copy in zip(batch, rows, strict=True):
                        found |= {(one.masked, site): of_copy[site - window.start] for site in one.read}
                    bar.update(len(batch))
        return found

    def _part(
        self, protein: Protein, window: range
    ) -> tuple[Protein, HeteroData | None, Bool[np.ndarray, " positions"]]:
        """What is read in a window: the sequence, the graph if there is one, and the positions that it speaks for."""
        part = cut(protein, window)
        if self.model is None or protein.structure is None:
            return part, None, np.zeros(len(part), dtype=bool)
        scene = self._scene_of(protein, self.model)
        graph = scene.graph(window)
        return part, graph and graph.to(self.model.device), scene.trusted[window.start : window.stop]

    def _scene_of(self, protein: Protein, model: S3FModel) -> Scene:
        if self._scene is None or self._scene.protein is not protein:
            self._scene = Scene(protein, model.config, surfaces=self.surfaces)
        return self._scene

    def _log_probabilities(
        self,
        part: Protein,
        graph: HeteroData | None,
        trusted: Bool[np.ndarray, " positions"],
        masked: Bool[np.ndarray, "copies positions"],
    ) -> Float[np.ndarray, "copies positions 20"]:
        encoded = self.encoder.encode(part, masked)
        logits = torch.full((*masked.shape, len(AMINO_ACIDS)), torch.nan)
        if encoded.logits is not None:
            logits = encoded.logits.cpu().clone()  # an encoder may give all copies the same memory
        if graph is not None:
            assert self.model is not None
            place = graph["residue"].place
            copies = Batch.from_data_list([graph] * len(masked))
            copies["residue"].h = encoded.features.to(place.device)[:, place].flatten(0, 1)
            if self.model.config.encoder_logits and encoded.logits is not None:
                copies["residue"].encoder_logits = encoded.logits.to(place.device)[:, place].flatten(0, 1)
            ours = self.model(copies).unflatten(0, (len(masked), len(place))).cpu()
            taken = torch.from_numpy(trusted)[place.cpu()]
            logits[:, place.cpu()[taken]] = ours[:, taken]
        return logits.double().log_softmax(-1).numpy()


def _batches(passes: Sequence[Pass], size: int) -> Iterable[Sequence[Pass]]:
    size = max(1, size)
    return (passes[start : start + size] for start in range(0, len(passes), size))


def _size(positions: int, graph: HeteroData | None) -> int:
    return positions if graph is None or "point" not in graph.node_types else positions + graph["point"].num_nodes


def _masks(passes: Sequence[Pass]) -> Bool[np.ndarray, "copies positions"]:
    """Of passes in one window."""
    masked = np.zeros((len(passes), len(passes[0].window)), dtype=bool)
    for row, one in zip(masked, passes, strict=True):
        row[[site - one.window.start for site in one.masked]] = True
    return masked
