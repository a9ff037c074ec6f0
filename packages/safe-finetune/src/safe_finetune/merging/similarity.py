"""How two models moved away from their base, tensor by tensor: a look before a merge, without writing anything."""

import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, fields
from math import sqrt

import numpy as np
from tqdm import tqdm

from safe_finetune.merging.agreement import Source, check_agreement, is_weight
from safe_finetune.merging.locate import locate
from safe_finetune.merging.method import Block
from safe_finetune.merging.tensors import MergedTensor

_LAYER = re.compile(r"\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Similarity:
    """Sums over elements of what two models changed (without a base, of the models themselves); they can be added.

    Attributes:
        num_elements: Of the tensors.
        dot: Of the two changes.
        domain_square: Of the expert's change.
        aligned_square: Of the aligned model's change.
        base_square: Of the base's numbers; 0 without one.
        difference_square: Of one change less the other.
        num_same_sign: Elements that both changed in the same direction.
        num_both_changed: Elements that both changed.
    """

    num_elements: int = 0
    dot: float = 0.0
    domain_square: float = 0.0
    aligned_square: float = 0.0
    base_square: float = 0.0
    difference_square: float = 0.0
    num_same_sign: int = 0
    num_both_changed: int = 0

    def __add__(self, other: "Similarity") -> "Similarity":
        return Similarity(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def cosine(self) -> float:
        """Of the angle between the changes; near 0, they hardly touch. NaN if one is 0."""
        return _ratio(self.dot, sqrt(self.domain_square * self.aligned_square))

    @property
    def domain_size(self) -> float:
        """Norm of the expert's change over that of the base."""
        return _ratio(sqrt(self.domain_square), sqrt(self.base_square))

    @property
    def aligned_size(self) -> float:
        """Norm of the aligned model's change over that of the base."""
        return _ratio(sqrt(self.aligned_square), sqrt(self.base_square))

    @property
    def distance(self) -> float:
        """Norm of the difference of the changes over that of the base."""
        return _ratio(sqrt(self.difference_square), sqrt(self.base_square))

    @property
    def sign_agreement(self) -> float:
        """Of the elements that both changed, the share that went the same way."""
        return _ratio(float(self.num_same_sign), float(self.num_both_changed))

    def as_row(self) -> dict[str, float]:
        """The ratios by name."""
        names = ("cosine", "domain_size", "aligned_size", "distance", "sign_agreement")
        return {name: getattr(self, name) for name in names}


def compare(domain: str, aligned: str, base: str | None = None, *, progress: bool = False) -> dict[str, Similarity]:
    """Similarity of the changes of two models, by name of the tensor.

    Args:
        domain: Folder or hub id.
        aligned: Likewise.
        base: Likewise; without one, the models' own numbers are compared, and sizes are not a number.
        progress: Show a bar on stderr.

    Raises:
        ValueError: If the models do not fit together; vocabularies may differ, and rows that both have are compared.
    """
    with ExitStack() as stack:
        sources = [Source.open(name, locate(name)) for name in (domain, aligned, *([base] if base else []))]
        for source in sources:
            stack.enter_context(source.tensors)
        names = [name for name in check_agreement(sources, "cut") if is_weight(name, sources[0])]
        found = {}
        for name in tqdm(names, desc="comparing", unit="tensor", disable=not progress):
            common = min(source.tensors.entries[name].num_elements for source in sources)
            last = sources[2].tensors if base else None
            tensor = MergedTensor(name, [source.tensors for source in sources[:2]], last, common)
            blocks = (_of_block(models[0], models[1], before) for _, models, before in tensor)
            found[name] = sum(blocks, start=Similarity())
        return found


def grouped(
    found: dict[str, Similarity], group: Callable[[str], str] = lambda name: layer_of(name)
) -> dict[str, Similarity]:
    """Sums over groups of tensors, by layer if nothing else is said, in their first order."""
    groups: dict[str, Similarity] = {}
    for name, similarity in found.items():
        key = group(name)
        groups[key] = groups.get(key, Similarity()) + similarity
    return groups


def layer_of(name: str) -> str:
    """``layer 3``, or the name's last part but one, such as ``embed_tokens``."""
    if layer := _LAYER.search(name):
        return f"layer {layer[1]}"
    return name.split(".")[-2] if "." in name else name


def as_rows(found: dict[str, Similarity]) -> dict[str, dict[str, float | None]]:
    """Ratios by tensor, group or layer, for JSON; what is not a number is null."""
    return {
        name: {key: (None if np.isnan(value) else value) for key, value in one.as_row().items()}
        for name, one in found.items()
    }


def as_markdown(found: dict[str, Similarity]) -> str:
    """The same as a table."""
    lines: Iterable[str] = (
        f"| {name} | " + " | ".join(f"{value:.4g}" for value in one.as_row().values()) + " |"
        for name, one in found.items()
    )
    header = "| part | " + " | ".join(Similarity().as_row()) + " |\n|---|" + "---:|" * len(Similarity().as_row())
    return "\n".join([header, *lines])


def _of_block(domain: Block, aligned: Block, base: Block | None) -> Similarity:
    if base is not None:
        domain, aligned = domain - base, aligned - base
    product = domain * aligned
    return Similarity(
        num_elements=len(domain),
        dot=float(product.sum()),
        domain_square=float(domain @ domain),
        aligned_square=float(aligned @ aligned),
        base_square=0.0 if base is None else float(base @ base),
        difference_square=float(np.square(domain - aligned).sum()),
        num_same_sign=int((product > 0).sum()),
        num_both_changed=int((product != 0).sum()),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
