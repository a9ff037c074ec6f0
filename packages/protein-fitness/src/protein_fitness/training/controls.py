"""Controls: what a network learns from a graph that lacks one thing, by which the worth of that thing is known.

Each makes a new graph of a graph of :func:`protein_fitness.model.graph.build_graph`, by random numbers that are the
chain's own, so that a chain looks the same in every epoch.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch_geometric.data import HeteroData

from protein_fitness.model.graph import RESIDUE_EDGES

Control = Callable[[HeteroData, np.random.Generator], HeteroData]


def sequence_only(graph: HeteroData, draws: np.random.Generator) -> HeteroData:
    """No residue sees another: what each one's own features tell.

    Raises:
        ValueError: If the graph has a surface, through which residues would see the structure.
    """
    if "point" in graph.node_types:
        raise ValueError('the control "sequence-only" has no structure; train it with `surface=False`.')
    changed = graph.clone()
    changed[RESIDUE_EDGES].edge_index = torch.empty((2, 0), dtype=torch.long)
    return changed


def structure_only(graph: HeteroData, draws: np.random.Generator) -> HeteroData:
    """Features are all 0 but the last, which says what is hidden, and so are the encoder's logits: what the backbone
    tells.
    """
    changed = graph.clone()
    if "encoder_logits" in graph["residue"]:
        changed["residue"].encoder_logits = torch.zeros_like(graph["residue"].encoder_logits)
    changed["residue"].h = torch.cat([torch.zeros_like(graph["residue"].h[:, :-1]), graph["residue"].h[:, -1:]], -1)
    return changed


def shuffled_structure(graph: HeteroData, draws: np.random.Generator) -> HeteroData:
    """Residues stand at each other's places: whether it matters who stands where."""
    changed = graph.clone()
    order = torch.from_numpy(draws.permutation(graph["residue"].num_nodes))
    for name, values in graph["residue"].items():
        if name != "pos":
            changed["residue"][name] = values[order]
    return changed


def random_edges(graph: HeteroData, draws: np.random.Generator) -> HeteroData:
    """As many edges, between random residues: whether it matters who is near.

    Distances along them are still those of the structure.
    """
    count = graph["residue"].num_nodes
    changed = graph.clone()
    edges = draws.choice(count * (count - 1), graph[RESIDUE_EDGES].num_edges, replace=False)
    target, source = np.divmod(edges, max(count - 1, 1))
    source += source >= target  # none to itself
    changed[RESIDUE_EDGES].edge_index = torch.from_numpy(np.stack([source, target]))
    return changed


def permuted_surface(graph: HeteroData, draws: np.random.Generator) -> HeteroData:
    """Points have each other's shape: whether it matters what the surface looks like where.

    Raises:
        ValueError: If the graph has no surface.
    """
    if "point" not in graph.node_types:
        raise ValueError('the control "permuted-surface" has no surface to permute; train it with `surface=True`.')
    changed = graph.clone()
    order = torch.from_numpy(draws.permutation(graph["point"].num_nodes))
    changed["point"].feat = graph["point"].feat[order]
    return changed


CONTROLS: dict[str, Control] = {
    "permuted-surface": permuted_surface,
    "random-edges": random_edges,
    "sequence-only": sequence_only,
    "shuffled-structure": shuffled_structure,
    "structure-only": structure_only,
}
