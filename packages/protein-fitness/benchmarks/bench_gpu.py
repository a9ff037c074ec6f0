"""How fast a GPU scores proteins with full-width S2F and S3F on an encoder of ESM-2 650M's shape, and how long
ProteinGym's 217 assays would take, beside the 20 hours on one A100 that the authors' README names for theirs.

Weights are random and structures made up (a chain folded back and forth, as dense as proteins, with as many surface
points a residue as they have), so that only speed means anything. Computing surfaces is not part of it: that is CPU
time, see bench_throughput.py. ``--reference`` is ProteinGym's DMS_substitutions.csv, read for lengths and numbers.
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from transformers import AutoModelForMaskedLM, EsmConfig, EsmTokenizer

from gpu_commons import Figure, peak_memory, resolve_device, write_record
from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.encoders.masked_lm import MaskedLanguageModel
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.s3f import S3FModel
from protein_fitness.mutations.mutation import all_singles
from protein_fitness.protein import Protein, make_protein
from protein_fitness.scoring.predictor import FitnessPredictor
from protein_fitness.scoring.scene import Scene
from protein_fitness.structures import Structure
from protein_fitness.surface.settings import SurfaceSettings
from protein_fitness.surface.surface import Surface

RESULTS = Path(__file__).parent / "results"
VOCABULARY = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO", ".", "-", "<null_1>", "<mask>")
ESM2_650M = {"hidden_size": 1280, "num_hidden_layers": 33, "num_attention_heads": 20, "intermediate_size": 5120}
SMALL_ENCODER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SMALL_NETWORK = {"node_scalars": 32, "node_vectors": 4, "edge_scalars": 16}
LONGEST = 1022
QUANTILES = (0, 0.25, 0.5, 0.75, 0.9)
ATOM_POINTS = 9
"""Surface points for each of N, CA and C: 27 a residue, as 1M40 has in the record of bench_throughput.py."""
ROUNDS = 3
SECONDS = 0.8
OLSON, OLSON_PAIRS = "SPG1_STRSG_Olson_2014", 1485
"""An assay of most double mutants of 55 sites: its mutants have so many distinct pairs of sites."""


@dataclass(frozen=True, kw_only=True)
class Assays:
    """Of the reference file: names, and for each the length of its protein, single mutants and multiple ones."""

    names: list[str]
    lengths: np.ndarray
    singles: np.ndarray
    multiples: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--reference", type=Path, help="ProteinGym's DMS_substitutions.csv")
    parser.add_argument("--nodes", type=int, default=4096, help="most residues and points of a batch")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="about how long each timing takes")
    parser.add_argument("--small", action="store_true", help="tiny networks and two lengths, for a trial on a CPU")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    run.device = resolve_device("auto")
    if run.reference is None or (run.device.type == "cpu" and not run.small):
        print("skipped: it needs --reference, and an accelerator unless it is --small.")
        return
    torch.manual_seed(0)
    assays = read_assays(run.reference)
    proteins = [made_up_protein(length) for length in timed_lengths(assays.lengths)[: 2 if run.small else None]]
    figures: list[Figure] = []
    # bench_throughput.py times real ones, on a CPU.
    with patch("protein_fitness.scoring.scene.make_surface", made_up_surface):
        for dtype in ("float32", "bfloat16"):
            encoder = random_encoder(dtype, run)
            for surface in (False, True):
                for figure in of_network(encoder, dtype, surface, proteins, assays, run):
                    print(f"{figure.id}: {figure.value:.4g} {figure.unit} {figure.interval or ''}", flush=True)
                    figures.append(figure)
            attention = encoder.model.config._attn_implementation
    path = write_record(
        "bench_gpu",
        results_dir=run.results,
        command=f"python benchmarks/bench_gpu.py --reference DMS_substitutions.csv --nodes {run.nodes}",
        config={
            "encoder": SMALL_ENCODER if run.small else ESM2_650M,
            "network": SMALL_NETWORK if run.small else "full width, float32",
            "attention": attention,
            "float32 matrix products": torch.get_float32_matmul_precision(),
            "lengths": [len(protein) for protein in proteins],
            "most nodes of a batch": run.nodes,
            "seconds a timing": run.seconds,
            "surface": f"made up, {3 * ATOM_POINTS} points a residue; making one is not timed",
            "graph": "timed in wt and, for proteins above 1022 residues, for each window; else built before mask-joint",
            "interval": "lowest and highest round",
        },
        seeds=[0],
        figures=figures,
        shortened=run.small or run.seconds < SECONDS,
    )
    print(path.name)


def read_assays(path: Path) -> Assays:
    with path.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    columns = ("seq_len", "DMS_number_single_mutants", "DMS_number_multiple_mutants")
    lengths, singles, multiples = (np.array([int(row[column]) for row in rows]) for column in columns)
    return Assays(names=[row["DMS_id"] for row in rows], lengths=lengths, singles=singles, multiples=multiples)


def timed_lengths(lengths: np.ndarray) -> list[int]:
    """Quantiles up to what the encoder reads at a time, that itself, and the median of what is read in windows."""
    whole = np.quantile(lengths, QUANTILES).round()
    return sorted({*map(int, whole[whole < LONGEST]), LONGEST, int(np.median(lengths[lengths > LONGEST]))})


def made_up_protein(length: int) -> Protein:
    """Strands side by side in a block, 135 Å³ a residue, with places disturbed so that no distances are equal."""
    draws = np.random.default_rng(length)
    side, along, across = (135 * length) ** (1 / 3), 3.8, (135 / 3.8) ** 0.5
    in_strand, in_layer = round(side / along), round(side / across)
    strand, x = np.divmod(np.arange(length), in_strand)
    layer, y = np.divmod(strand, in_layer)
    x, y = np.where(strand % 2, in_strand - 1 - x, x), np.where(layer % 2, in_layer - 1 - y, y)
    alphas = np.stack([along * x, across * y, across * layer], -1) + draws.normal(scale=0.3, size=(length, 3))
    directions = draws.normal(size=(2, length, 3))
    directions *= 1.5 / np.linalg.norm(directions, axis=-1, keepdims=True)
    structure = Structure(
        name=f"made up, {length} residues",
        chain="A",
        sequence="".join(draws.choice(list(AMINO_ACIDS), length)),
        labels=tuple(map(str, range(1, length + 1))),
        backbone=np.stack([alphas + directions[0], alphas, alphas + directions[1]], 1),
        accessibility=np.full(length, np.nan),
        plddt=None,
        break_after=np.zeros(length, dtype=bool),
        notes=(),
        digest="",
    )
    return make_protein(structure=structure)


def made_up_surface(structure: Structure, *, settings: SurfaceSettings) -> Surface:
    """Points in random directions from each atom."""
    atoms = torch.from_numpy(structure.backbone).float().flatten(0, 1).repeat_interleave(ATOM_POINTS, 0)
    normals = torch.nn.functional.normalize(torch.randn(atoms.shape), dim=-1)
    features = torch.randn(len(atoms), 42)
    return Surface(
        points=atoms + 2.5 * normals, normals=normals, features=features, settings=settings, seed=0, digest=""
    )


def random_encoder(dtype: str, run: argparse.Namespace) -> MaskedLanguageModel:
    config = EsmConfig(
        **(SMALL_ENCODER if run.small else ESM2_650M),
        vocab_size=len(VOCABULARY),
        mask_token_id=VOCABULARY.index("<mask>"),
        pad_token_id=VOCABULARY.index("<pad>"),
        max_position_embeddings=LONGEST + 4,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder) / "vocab.txt"
        words.write_text("\n".join(VOCABULARY), encoding="utf-8")
        tokenizer = EsmTokenizer(str(words))
    with run.device:
        model = AutoModelForMaskedLM.from_config(config, dtype=getattr(torch, dtype))
    return MaskedLanguageModel(model.to(run.device).eval(), tokenizer, id="random weights")


def of_network(
    encoder: MaskedLanguageModel,
    dtype: str,
    surface: bool,
    proteins: list[Protein],
    assays: Assays,
    run: argparse.Namespace,
) -> Iterator[Figure]:
    """Speed at each length, peak memory, and hours for the assays."""
    sizes: dict[str, Any] = SMALL_NETWORK if run.small else {}
    config = S3FConfig(surface=surface, encoder_width=encoder.width, **sizes)
    network = S3FModel(config).to(run.device).eval()
    name = f"{'S3F' if surface else 'S2F'}, encoder in {dtype}"
    passes = []
    with peak_memory(run.device) as peak:
        for protein in proteins:
            whole = times_of(network, encoder, "wt", protein, run)
            # A protein has one graph for all its passes, and few of them are timed; a long one has a graph a window.
            kept = cache(Scene.graph) if len(protein) <= LONGEST else Scene.graph
            with patch.object(Scene, "graph", lambda scene, window, kept=kept: kept(scene, window)):
                one = times_of(network, encoder, "mask-joint", protein, run)
            passes.append(one)
            yield rate(f"{name}, wt, {len(protein)} residues", whole, "proteins/s")
            yield rate(f"{name}, mask-joint, {len(protein)} residues", one, "passes/s")
    if peak.bytes is not None:
        yield Figure(id=f"{name}, peak memory", value=peak.bytes / 1e9, unit="GB", better="lower")
    each = np.stack([np.interp(assays.lengths, [*map(len, proteins)], times) for times in np.transpose(passes)])
    sites = np.minimum(assays.lengths, assays.singles)
    known = np.where(np.array(assays.names) == OLSON, OLSON_PAIRS, assays.multiples)
    for what, sets, target in (
        ("single mutants", sites, None),
        ("all, Olson's by pairs of sites", sites + known, 20.0),
        ("all, one pass for each multiple mutant", sites + assays.multiples, 20.0),
    ):
        low, middle, high = (float(hours) for hours in each @ sets / 3600)
        yield Figure(
            id=f"{name}, hours for {len(sites)} assays, mask-joint, {what}",
            value=middle,
            interval=(low, high),
            unit="h",
            better="lower",
            target=target if surface else None,
        )


def times_of(
    network: S3FModel, encoder: MaskedLanguageModel, mode: str, protein: Protein, run: argparse.Namespace
) -> np.ndarray:
    """Seconds of the protein in mode "wt", of one pass in "mask-joint": lowest, median and highest of the rounds."""
    predictor = FitnessPredictor(network, encoder, mode=mode, node_budget=run.nodes)
    mutants = all_singles(protein.sequence)
    per_residue = 1 + 3 * ATOM_POINTS if network.config.surface else 1
    sites = len(protein)
    if mode == "mask-joint":  # whole batches, and so many that a round keeps to its time
        batch = min(max(1, run.nodes // (per_residue * min(sites, LONGEST))), sites)
        few = mutants[: 19 * batch]
        predictor.score(protein, few)
        batches = run.seconds / ROUNDS / seconds(lambda: predictor.score(protein, few), run.device)
        sites = min(sites, batch * max(1, int(batches)))
    spread = np.linspace(0, len(protein) - 1, sites).round().astype(int)
    chosen = [mutants[19 * site + other] for site in spread for other in range(19)]
    predictor.score(protein, chosen)
    times = [seconds(lambda: predictor.score(protein, chosen), run.device) for _ in range(ROUNDS)]
    return np.quantile(times, (0, 0.5, 1)) / (1 if mode == "wt" else sites)


def rate(what: str, times: np.ndarray, unit: str) -> Figure:
    low, middle, high = map(float, times)
    return Figure(id=what, value=1 / middle, interval=(1 / high, 1 / low), unit=unit, better="higher")


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """Wall time of a call, with all that it has the device do."""
    wait = torch.accelerator.synchronize if device.type != "cpu" else lambda: None
    wait()
    started = time.perf_counter()
    call()
    wait()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
