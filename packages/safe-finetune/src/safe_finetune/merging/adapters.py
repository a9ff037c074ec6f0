"""LoRA adapters merged as what they mean, the products of their factors, and not factor by factor.

peft's "linear" combination averages A and B apart, which adds cross terms w1 w2 B1 A2 that neither adapter has. Here
the factors are put side by side, B = [w1 s1 B1 | w2 s2 B2] and A = [A1; A2], whose product is the weighted sum exactly;
its best approximation of a lower rank comes from two QR decompositions and the SVD of a small matrix.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from gpu_commons.shards import read_header
from safe_finetune.merging.json_object import read_json_object

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
_A, _B = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter on disk.

    Attributes:
        folder: Where it lies.
        settings: Its adapter_config.json.
        tensors: Its weights.
    """

    folder: Path
    settings: dict[str, Any]
    tensors: dict[str, Tensor]

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Adapter":
        """Read an adapter.

        Raises:
            FileNotFoundError: If its files are not there.
            ValueError: If it is no plain LoRA, or its files are damaged.
        """
        folder = Path(path).expanduser()
        for name in (CONFIG_FILE, WEIGHTS_FILE):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"no {name} in {folder.absolute()}")
        settings = read_json_object(folder / CONFIG_FILE)
        if settings.get("peft_type") != "LORA" or settings.get("use_dora") or settings.get("bias", "none") != "none":
            raise ValueError(
                f"{folder} is {settings.get('peft_type')} with use_dora={settings.get('use_dora', False)} and "
                f"bias={settings.get('bias', 'none')!r}; only plain LoRA can be merged exactly."
            )
        if "lora_alpha" not in settings:
            raise ValueError(f"{folder / CONFIG_FILE}: has no `lora_alpha`, which scales the change; save it again.")
        read_header(folder / WEIGHTS_FILE)  # says what is wrong with a damaged one, and where
        tensors = load_file(folder / WEIGHTS_FILE)
        _check_tensors(folder / WEIGHTS_FILE, tensors)
        return cls(folder, settings, tensors)

    @property
    def modules(self) -> list[str]:
        """Names of adapted modules, as they begin the names of tensors."""
        return [name.removesuffix(_A) for name in self.tensors if name.endswith(_A)]

    @property
    def others(self) -> dict[str, Tensor]:
        """Tensors that are no factors: modules that were trained whole."""
        return {name: part for name, part in self.tensors.items() if not name.endswith((_A, _B))}

    def factors(self, module: str) -> tuple[Tensor, Tensor]:
        """B and A in float64, B scaled, so that their product is what is added to the weight."""
        a, b = (self.tensors[module + end].double() for end in (_A, _B))
        return self._scale(module, len(a)) * b, a

    def _scale(self, module: str, rank: int) -> float:
        name = module.removeprefix("base_model.model.")
        patterns: Mapping[str, float] = self.settings.get("alpha_pattern") or {}
        alpha = next((value for key, value in patterns.items() if name == key or name.endswith(f".{key}")), None)
        alpha = self.settings["lora_alpha"] if alpha is None else alpha
        return alpha / (sqrt(rank) if self.settings.get("use_rslora") else rank)


def merge_adapters(
    adapters: Sequence[tuple[str | os.PathLike[str], float]],
    output_dir: str | os.PathLike[str],
    *,
    rank: int | None = None,
) -> Path:
    """Merge LoRA adapters of one base into a new one.

    Args:
        adapters: Folders and weights; a module that some do not adapt gets nothing from these.
        output_dir: Must not be there yet.
        rank: Of the result; the sum of the ranks if absent, which is exact.

    Raises:
        FileExistsError: If the folder is there.
        FileNotFoundError: If an adapter is not.
        ValueError: If they are of different bases, one is no plain LoRA or damaged, or trained some modules whole, or a
            weight or the rank cannot be.
    """
    if rank is not None and rank < 1:
        raise ValueError(f"`rank` must be at least 1, got {rank}; leave it out for an exact merge.")
    target = Path(output_dir).expanduser()
    if target.exists():
        raise FileExistsError(f"{target.absolute()} is there already; delete it or name another folder.")
    opened = [(Adapter.open(path), weight) for path, weight in adapters]
    _check(opened)
    modules = list(dict.fromkeys(module for adapter, _ in opened for module in adapter.modules))
    summed = {module: _side_by_side(opened, module) for module in modules}
    wanted = rank or max(len(a) for _, a in summed.values())
    tensors: dict[str, Tensor] = {}
    dtype = next(iter(opened[0][0].tensors.values())).dtype
    for module, (b, a) in summed.items():
        b, a = low_rank(b, a, wanted) if len(a) > wanted else _padded(b, a, wanted)
        tensors |= {module + _A: a.to(dtype).contiguous(), module + _B: b.to(dtype).contiguous()}
    settings = {
        **opened[0][0].settings,
        "r": wanted,
        "lora_alpha": wanted,  # the scales are in the factors
        "use_rslora": False,
        "rank_pattern": {},
        "alpha_pattern": {},
        "target_modules": sorted({_target(module) for module in modules}),
    }
    aside = target.with_name(f"{target.name}.partial")
    try:
        aside.mkdir(parents=True, exist_ok=True)
        save_file(tensors, aside / WEIGHTS_FILE, metadata={"format": "pt"})
        (aside / CONFIG_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        os.replace(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)  # of a merge that broke off
    return target


def low_rank(b: Tensor, a: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Factors of the nearest matrix of a rank to their product, in the Frobenius norm (Eckart and Young)."""
    left, left_rest = torch.linalg.qr(b)
    right, right_rest = torch.linalg.qr(a.T)
    u, scales, v = torch.linalg.svd(left_rest @ right_rest.T)
    root = scales[:rank].sqrt()
    return left @ u[:, :rank] * root, (right @ v[:rank].T * root).T


def check_factors_alone(opened: Sequence[tuple[Adapter, float]]) -> None:
    """Refuse weights that are no numbers, and adapters that hold more than factors.

    Raises:
        ValueError: With the adapter's folder.
    """
    for adapter, weight in opened:
        if not isfinite(weight):
            raise ValueError(f"the weight of {adapter.folder} must be finite, got {weight}.")
        if adapter.others:
            raise ValueError(
                f"{adapter.folder} trained {len(adapter.others)} tensors whole, such as {min(adapter.others)!r}; save each "
                "model by peft's merge_and_unload, and merge the models instead."
            )


def _check(opened: Sequence[tuple[Adapter, float]]) -> None:
    if not opened:
        raise ValueError("`adapters` is empty; name at least one.")
    bases = {adapter.settings.get("base_model_name_or_path") for adapter, _ in opened}
    if len(bases) > 1:
        raise ValueError(
            f"adapters are of different bases ({', '.join(map(repr, sorted(map(str, bases))))}); merge those of one."
        )
    check_factors_alone(opened)


def _check_tensors(file: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, part in tensors.items():
        if not (finite := part.isfinite()).all():
            bad = int((~finite).flatten().nonzero()[0])
            raise ValueError(f"{file}: element {bad} of {name!r} is {part.flatten()[bad]}; train or fetch it again.")
        if name.endswith((_A, _B)):
            module = name.rsplit(".lora_", 1)[0]
            a, b = (tuple(tensors[module + end].shape) if module + end in tensors else () for end in (_A, _B))
            if not len(a) == len(b) == 2 or a[0] != b[1]:
                raise ValueError(
                    f"{file}: factors A and B of {module!r} have shapes {a} and {b}, which have no product; train or "
                    "fetch it again."
                )


def _side_by_side(opened: Sequence[tuple[Adapter, float]], module: str) -> tuple[Tensor, Tensor]:
    pairs = [(adapter.factors(module), weight) for adapter, weight in opened if module + _A in adapter.tensors]
    shapes = {(b.shape[0], a.shape[1]) for (b, a), _ in pairs}
    if len(shapes) > 1:
        raise ValueError(
            f"adapters change {module!r} in shapes {' and '.join(map(str, sorted(shapes)))}; merge those of one base."
        )
    return torch.cat([weight * b for (b, _), weight in pairs], dim=1), torch.cat([a for (_, a), _ in pairs])


def _padded(b: Tensor, a: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Zero columns and rows: one rank for all modules, since peft reloads patterns of ranks by guessing at names."""
    missing = rank - len(a)
    return torch.nn.functional.pad(b, (0, missing)), torch.nn.functional.pad(a, (0, 0, 0, missing))


def _target(module: str) -> str:
    return module.rsplit(".", 1)[-1]
