"""What scoring costs: one pass for each set of sites, factored messages, and surfaces. CPU time, random weights.

GB1's double mutants are scored by a small S2F set by set, and, some of them, one by one. A full-width S2F runs over
protein G with messages factored and direct, in turns. The surface is that of 1M40, 263 residues, if ``--database``
names the unpacked promod3-data of Debian; by sums over the nearest atoms and over all of them.
"""

import argparse
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import HeteroData

import protein_fitness
from gpu_commons import Figure, write_record
from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.encoders.letters import LetterEncoder
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import build_graph
from protein_fitness.model.gvp_layer import GVPLayer
from protein_fitness.model.s3f import S3FModel
from protein_fitness.mutations import Mutant, parse_mutants
from protein_fitness.protein import Protein, make_protein
from protein_fitness.scoring.predictor import FitnessPredictor
from protein_fitness.structures import Structure, StructureDatabase, read_structure
from protein_fitness.surface.settings import SurfaceSettings
from protein_fitness.surface.surface import Surface, make_surface

RESULTS = Path(__file__).parent / "results"
SMALL = {"encoder_width": LetterEncoder.width, "node_scalars": 64, "node_vectors": 4, "edge_scalars": 16}
ONE_BY_ONE = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--database", type=Path, help="folder of promod3-data; the surface needs it")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--sites", type=int, default=55, help="of protein G that are mutated, for a trial fewer")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    structure = read_structure(Path(protein_fitness.__file__).parent / "data" / "1pga.pdb")
    figures = [*of_sets(make_protein(structure=structure), run), *of_messages(structure, run)]
    if run.database is not None:
        figures += of_surface(run.database, run)
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} {figure.unit} {figure.interval or ''} (target {figure.target})")
    path = write_record(
        "bench_throughput",
        results_dir=run.results,
        command="python benchmarks/bench_throughput.py" + (" --database DATABASE" if run.database else ""),
        config={"rounds": run.rounds, "threads": 1, "small network": SMALL, "interval": "lowest and highest round"},
        seeds=[0],
        figures=figures,
        shortened=run.rounds < 10 or run.sites < 55,
    )
    print(path.name)


def of_sets(protein: Protein, run: argparse.Namespace) -> list[Figure]:
    """All double mutants of so many sites, by sets of sites and one by one."""
    network = S3FModel(S3FConfig(surface=False, **SMALL)).eval()
    predictor = FitnessPredictor(network, LetterEncoder(), mode="mask-joint")
    doubles = double_mutants(protein.sequence, run.sites)
    few = [doubles[place] for place in np.random.default_rng(0).choice(len(doubles), ONE_BY_ONE, replace=False)]
    predictor.score(protein, few[:1])  # the graph is built once, whichever way
    together = seconds(lambda: predictor.score(protein, doubles)) / len(doubles)
    alone = seconds(lambda: [predictor.score(protein, [mutant]) for mutant in few]) / len(few)
    return [
        Figure(
            id=f"{len(doubles)} double mutants of protein G, by sets of sites",
            value=1 / together,
            baseline=1 / alone,
            unit="mutants a CPU second",
            better="higher",
        ),
        Figure(
            id="the same over one pass a mutant", value=alone / together, unit="ratio", better="higher", target=100.0
        ),
    ]


def double_mutants(sequence: str, sites: int) -> list[Mutant]:
    """All of the last so many sites of a sequence."""
    texts = [
        f"{sequence[one]}{one + 1}{first}:{sequence[other]}{other + 1}{second}"
        for one, other in combinations(range(len(sequence) - sites, len(sequence)), 2)
        for first in AMINO_ACIDS
        for second in AMINO_ACIDS
        if first != sequence[one] and second != sequence[other]
    ]
    return [mutant for mutant in parse_mutants(texts, sequence).mutants if mutant is not None]


def of_messages(structure: Structure, run: argparse.Namespace) -> list[Figure]:
    """A full-width S2F with the first map of a message taken by node, and by edge."""
    config = S3FConfig(surface=False)
    network = S3FModel(config).eval()
    features = torch.randn(len(structure.sequence), config.encoder_width)
    graph = build_graph(structure.backbone, config, h=features)
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(run.rounds + 1):
        for factored, found in times.items():
            for layer in network.modules():
                if isinstance(layer, GVPLayer):
                    layer.factored = factored
            found.append(seconds(lambda: passed(network, graph)))
    factored, direct = (np.array(times[which][1:]) for which in (True, False))  # the first round warms up
    ratios = direct / factored
    return [
        Figure(
            id="a pass of a full-width S2F over 56 residues, factored",
            value=float(np.median(factored)),
            baseline=float(np.median(direct)),
            unit="CPU s",
            better="lower",
        ),
        Figure(
            id="direct over factored",
            value=float(np.median(ratios)),
            interval=(float(ratios.min()), float(ratios.max())),
            unit="ratio",
            better="higher",
            target=1.2,
        ),
    ]


@torch.inference_mode()
def passed(network: S3FModel, graph: HeteroData) -> object:
    return network(graph)


def of_surface(database: Path, run: argparse.Namespace) -> list[Figure]:
    """The surface of 1M40, and what an S3F holds of it."""
    chains = StructureDatabase(database)
    structure = chains.structure(chains.find("1M40", "A"))
    made: list[Surface] = []
    nearest = [seconds(lambda: made.append(make_surface(structure))) for _ in range(run.rounds)]
    every = seconds(lambda: make_surface(structure, settings=SurfaceSettings(nearest=None)))
    graph = build_graph(structure.backbone, S3FConfig(), surface=made[0])
    held = sum(part.nbytes for store in graph.stores for part in store.values() if isinstance(part, torch.Tensor))
    return [
        Figure(
            id=f"the surface of {len(structure.sequence)} residues, {len(made[0])} points",
            value=float(np.median(nearest)),
            interval=(min(nearest), max(nearest)),
            baseline=every,
            unit="CPU s",
            better="lower",
            target=3.0,
        ),
        Figure(id="its graph for an S3F, without features of residues", value=held / 1e6, unit="MB", better="lower"),
    ]


def seconds(call: Callable[[], object]) -> float:
    """CPU time of a call."""
    started = time.process_time()
    call()
    return time.process_time() - started


if __name__ == "__main__":
    main()
