"""Reading the probes that AISteer360 and its successor `steerability` save.

Three kinds of file are in use, and only the third says where its direction was fitted:

- A torch file (``steer_wv.pt``) with ``wv``, the unit direction, and ``mu_mu``, the midpoint of the class means,
  written by the first release (github.com/IBM/AISteer360, ``aisteer360/algorithms/output_control/sasa/control.py``). It
  was fitted on ``hidden_states[-1]``: after the final norm.
- A ``.probe`` JSON file with the lists ``direction`` and ``midpoint`` (the same repository,
  ``aisteer360/algorithms/output_control/_common/estimators/linear_probe.py``). Its writer first fitted after the final
  norm as well, later on the raw output of the last block; the successor reads all of them as raw.
- A folder with ``probe.json`` and ``probe.safetensors`` (github.com/generative-computing/steerability,
  ``steerability/algorithms/core/internals/probes/probe.py``): weights per layer, a bias, and the place where they were
  fitted.

All point to the positives, which for SASA are the desired texts.
"""

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from controlled_decoding.hidden_state import HiddenSite
from controlled_decoding.subspace import SubspaceClassifier

logger = logging.getLogger(__name__)
FOLDER_CONFIG, FOLDER_TENSORS = "probe.json", "probe.safetensors"
FOLDER_VERSION, FOLDER_POLARITY = 1, "positives_high"


class _Probe(NamedTuple):
    """A direction of any length, a point on its hyperplane, where it was fitted, and facts for the record."""

    direction: Float[Tensor, " hidden"]
    midpoint: Float[Tensor, " hidden"]
    layer: int
    normed: bool
    facts: dict[str, Any]


def convert_aisteer360(
    path: str | os.PathLike[str], model: PreTrainedModel, *, attribute: str = "toxicity", normed: bool | None = None
) -> SubspaceClassifier:
    """Turn a saved AISteer360 or steerability probe into a subspace.

    No log-odds come with these probes. The slope is set to 1, so that ``rule="log_odds"`` equals ``rule="identity"``
    until :func:`controlled_decoding.fit.calibrate_subspace` has seen labelled texts; the provenance says
    "uncalibrated". The files do not identify their model either: the fingerprints stay None and only the width is
    checked.

    Args:
        path: Torch file, ``.probe`` file or probe folder; no code in it is run.
        model: The model that the probe was fitted on.
        attribute: What the undesired side shows.
        normed: For the two single-file kinds, whether the direction was fitted after the final norm; by default yes for
            a torch file and no for a ``.probe`` file.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it is corrupt or foreign, has another width than the model, or reads states that a subspace
            cannot (pooled over tokens, several layers, embeddings).
    """
    source = Path(path).expanduser()
    probe = _read(source, normed)
    width = model.config.get_text_config().hidden_size
    if len(probe.direction) != width:
        raise ValueError(
            f"{source}: the probe has width {len(probe.direction)} and the model {width}; give the model that it was fitted on."
        )
    site = HiddenSite.of(model, probe.layer, normed=probe.normed)
    logger.warning(
        "%s carries no calibration: strengths are nats per unit of margin until `controlled-decoding calibrate` has run.",
        source.name,
    )
    return SubspaceClassifier(
        weight=probe.direction / probe.direction.norm(),
        midpoint=probe.midpoint,
        attribute=attribute,
        site=site,
        slope=1.0,
        provenance={
            "solver": "aisteer360",
            "render": "raw",
            "calibration": "uncalibrated",
            "data_sha256": None,
            **probe.facts,
        },
    )


def _read(source: Path, normed: bool | None) -> _Probe:
    if source.is_dir():
        if normed is not None:
            raise ValueError(f"{source} records where it was fitted; leave out `normed`.")
        return _checked(source, _read_folder(source))
    if not source.is_file():
        raise FileNotFoundError(f"no probe at {source.absolute()}")
    is_json = source.suffix == ".probe"
    direction, midpoint = _read_json(source) if is_json else _read_torch(source)
    facts = {"source_format": "probe-json" if is_json else "wv", "source_sha256": _digest(source)}
    return _checked(source, _Probe(direction, midpoint, -1, not is_json if normed is None else normed, facts))


def _read_json(source: Path) -> tuple[Tensor, Tensor]:
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
        return torch.tensor(content["direction"], dtype=torch.float32), torch.tensor(
            content["midpoint"], dtype=torch.float32
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{source} is not an AISteer360 probe: it must be JSON with the number lists `direction` and `midpoint`."
        ) from error


def _read_torch(source: Path) -> tuple[Tensor, Tensor]:
    try:
        content = torch.load(source, map_location="cpu", weights_only=True)
        return content["wv"].float(), content["mu_mu"].float()
    except Exception as error:  # unpickling a foreign file may fail in any way
        raise ValueError(
            f"{source} is not an AISteer360 probe: it must be a torch file with the tensors `wv` and `mu_mu`; "
            "save a pickled probe object as .probe with AISteer360 first."
        ) from error


def _read_folder(source: Path) -> _Probe:
    missing = [name for name in (FOLDER_CONFIG, FOLDER_TENSORS) if not (source / name).is_file()]
    if missing:
        raise FileNotFoundError(f"no steerability probe in {source.absolute()}: {' and '.join(missing)} missing.")
    try:
        config = dict(json.loads((source / FOLDER_CONFIG).read_text(encoding="utf-8")))
        layer = _folder_layer(config)
        weight = load_file(source / FOLDER_TENSORS)[f"weights.{config['layer_ids'][0]}"].float()
        # The point of the hyperplane weight.h + bias = 0 that is nearest to the origin.
        midpoint = -float(config["bias"]) * weight / weight.square().sum()
    except (ValueError, SafetensorError, KeyError, TypeError, IndexError) as error:
        reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise ValueError(f"{source} does not hold a probe that can be a subspace: {reason}") from error
    facts = {"source_format": "probe-folder", "source_sha256": _digest(source / FOLDER_TENSORS)}
    return _Probe(weight, midpoint, layer, False, facts)


def _folder_layer(config: dict[str, Any]) -> int:
    """How many blocks have run where the probe reads; its own layer ids are 0-based."""
    expected = {"format_version": FOLDER_VERSION, "polarity": FOLDER_POLARITY, "pooling": "last"}
    for name, value in expected.items():
        if config[name] != value:
            raise ValueError(f"its {name} is {config[name]!r}, not {value!r}.")
    if len(config["layer_ids"]) != 1:
        raise ValueError(f"it reads the layers {config['layer_ids']}, a subspace reads one.")
    offsets = {"layer_output": 1, "layer_input": 0}
    if config["location"] not in offsets:
        raise ValueError(f"its location is {config['location']!r}, known are {', '.join(offsets)}.")
    layer = int(config["layer_ids"][0]) + offsets[config["location"]]
    if layer == 0:
        raise ValueError("it reads the token embeddings (the input of layer 0), a subspace the output of a layer.")
    return layer


def _checked(source: Path, probe: _Probe) -> _Probe:
    direction, midpoint = probe.direction, probe.midpoint
    if direction.ndim != 1 or direction.shape != midpoint.shape:
        raise ValueError(
            f"{source}: direction and midpoint have shapes {tuple(direction.shape)} and {tuple(midpoint.shape)}; both must be [hidden]."
        )
    if not (torch.isfinite(direction).all() and torch.isfinite(midpoint).all()) or not direction.any():
        raise ValueError(
            f"{source}: the direction is zero, or it or the midpoint holds NaN or infinity; fit the probe again."
        )
    return probe


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
