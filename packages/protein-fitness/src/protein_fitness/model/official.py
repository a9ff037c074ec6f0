"""The authors' checkpoints as our models."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from protein_fitness.amino_acids import OFFICIAL_ORDER, columns_of
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.s3f import S3FModel

NETWORK = "model.structure_model."
NAMES = (
    (r"^linear\.", "head."),
    (rf"^{re.escape(NETWORK)}(?!surf_)", "residues."),
    (rf"^{re.escape(NETWORK)}surf_", "surface."),
    (r"^residues\.residue_embdding\.", "residues.embed."),  # spelt so in the checkpoint
    (r"^surface\.in_linear\.", "surface.inherit."),
    (r"^surface\.in_mlp\.", "surface.combine."),
    (r"^(residues|surface)\.W_v\.", r"\1.stack.nodes."),
    (r"^(residues|surface)\.W_e\.", r"\1.stack.edges."),
    (r"^(residues|surface)\.W_out\.", r"\1.stack.out."),
    (r"^(residues|surface)\.layers\.", r"\1.stack.layers."),
    (r"\.conv\.message_func\.0\.", ".first."),
    (r"\.conv\.message_func\.1\.", ".rest.0."),
    (r"\.conv\.message_func\.2\.", ".rest.1."),
    (r"\.ff_func\.", ".feed_forward."),
    (r"\.norm\.", ".norms."),
    (r"\.scalar_norm\.", ".scalar."),
    (r"\.ws\.", ".scalar."),
    (r"\.wh\.", ".hidden."),
    (r"\.wv\.", ".vector."),
    (r"\.wsv\.", ".gate."),
)
"""Theirs to ours, one after another."""
LEFT_OUT = ("model.sequence_model.", "graph_construction_model.")
"""The frozen language model, which is loaded by itself, and what builds graphs."""


def model_from_official(state: Mapping[str, Tensor], **settings: Any) -> S3FModel:
    """A model with the weights of a released checkpoint, in use as the released code computes.

    Read the file with ``torch.load(path, weights_only=True)["model"]``.

    Args:
        state: Weights by the names that the released code gives them.
        settings: Of the config, in place of what the checkpoint and the released code say.

    Raises:
        ValueError: If weights are missing, left over, or have another shape than the network's.

    Source: names and order of residues as in the released code of S3F (Zhang et al. 2024). No released checkpoint was
    at hand to try it on: its weights are placed by name and shape, and what has no place is an error.
    """
    theirs = {_our_name(name): name for name, weight in state.items() if _is_kept(name, weight)}
    weights = {ours: state[name] for ours, name in theirs.items()}
    model = S3FModel(_config_of(weights, settings)).eval()
    _check(weights, model, theirs)
    rows = columns_of(OFFICIAL_ORDER)
    for part in ("weight", "bias"):
        weights[f"network.head.{part}"] = weights[f"network.head.{part}"][rows]
    model.load_state_dict(weights)
    return model


def _is_kept(name: str, weight: Tensor) -> bool:
    """Dropout has a buffer without elements there, which tells it the device."""
    return weight.numel() > 0 and not name.startswith(LEFT_OUT)


def _our_name(name: str) -> str:
    for theirs, ours in NAMES:
        name = re.sub(theirs, ours, name)
    return f"network.{name}"


def _config_of(weights: Mapping[str, Tensor], settings: Mapping[str, Any]) -> S3FConfig:
    embed = weights.get("network.residues.embed.weight")
    if embed is None:
        raise ValueError(
            f"the checkpoint has no weight {NETWORK}residue_embdding.weight, so it is not one of S2F or S3F; pass the "
            'entry "model" of the released file.'
        )
    released = {
        "encoder_width": embed.shape[0],
        "surface": any(name.startswith("network.surface.") for name in weights),
        "surface_pooling": "global",
        "surface_settings": {"curvature": "legacy"},
    }
    return S3FConfig(**{**released, **settings})


def _check(weights: Mapping[str, Tensor], model: S3FModel, theirs: Mapping[str, str]) -> None:
    wanted = {name: weight.shape for name, weight in model.state_dict().items()}
    other_shape = [name for name in weights if name in wanted and weights[name].shape != wanted[name]]
    faults = {
        "has weights that have no place in the network": [theirs[name] for name in weights if name not in wanted],
        "lacks weights of the network": [name for name in wanted if name not in weights],
        "has weights of another shape than the network": [theirs[name] for name in other_shape],
    }
    for fault, names in faults.items():
        if names:
            raise ValueError(f"the checkpoint {fault}: {', '.join(names)}; give `settings` that fit it.")
