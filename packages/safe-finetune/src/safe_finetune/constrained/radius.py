"""A ball around the weights that training began at.

With LoRA the change of a weight is the product s B A, and its norm is what is bounded: the factors alone say nothing,
since (c A, B / c) is the same change. ``||s B A||_F^2 = s^2 tr((B^T B)(A A^T))`` needs matrices of the rank's size
only, and scaling B scales the product.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Radius:
    """The change of a model's trained weights, its size, and its way back into the ball.

    Args:
        model: With LoRA adapters, whose base is the centre; or without, and then its present weights are.
        radius: Largest norm of all changes together.
        relative_radius: Largest norm of each weight's change, as a share of the weight's own norm.

    Raises:
        ValueError: If no radius is given, or both are, or one that is not positive, or nothing is trained.
    """

    def __init__(self, model: nn.Module, *, radius: float | None = None, relative_radius: float | None = None):
        if (radius is None) == (relative_radius is None):
            raise ValueError("give one of `radius` and `relative_radius`.")
        for name, bound in (("radius", radius), ("relative_radius", relative_radius)):
            if bound is not None and not bound > 0:
                raise ValueError(f"`{name}` must be positive, got {bound}; freeze the model if it is not to change.")
        self.radius, self.relative_radius = radius, relative_radius
        self.changes = weight_changes(model)
        self.num_projections = 0
        self.num_steps = 0

    @torch.no_grad()
    def norm(self) -> float:
        """Of all changes together."""
        return float(self._norms().norm())

    @torch.no_grad()
    def shares(self) -> dict[str, float]:
        """Norm of each weight's change over that of the weight, by name."""
        norms = self._norms().tolist()
        return {change.name: norm / change.centre_norm for change, norm in zip(self.changes, norms, strict=True)}

    @torch.no_grad()
    def project(self) -> bool:
        """Move the weights to the nearest point of the ball; whether they were outside."""
        self.num_steps += 1
        if self.radius is not None:
            scales = [min(self.radius / max(self.norm(), 1e-30), 1.0)] * len(self.changes)
        else:
            assert self.relative_radius is not None
            norms = self._norms().tolist()  # all at once: each would wait for the device
            bounds = [self.relative_radius * change.centre_norm for change in self.changes]
            scales = [min(bound / max(norm, 1e-30), 1.0) for bound, norm in zip(bounds, norms, strict=True)]
        for change, scale in zip(self.changes, scales, strict=True):
            if scale < 1:
                change.scale(scale)
        moved = min(scales) < 1
        self.num_projections += moved
        return moved

    def _norms(self) -> Float[Tensor, " changes"]:
        return torch.stack([change.norm() for change in self.changes])


def squared_norm(changes: Sequence["WeightChange | AdapterChange"]) -> Float[Tensor, ""]:
    """Of all changes together, to be differentiated."""
    return torch.stack([change.norm() for change in changes]).square().sum()


class WeightChange:
    """A weight that is trained itself: the change is what it is now less what it was."""

    def __init__(self, name: str, parameter: nn.Parameter):
        self.name, self.parameter = name, parameter
        self.centre = parameter.detach().clone()
        self.centre_norm = max(float(self.centre.double().norm()), 1e-30)

    def norm(self) -> Float[Tensor, ""]:
        """Of the change."""
        return (self.parameter - self.centre).norm()

    def scale(self, factor: float) -> None:
        """Make the change smaller."""
        self.parameter.copy_(self.centre + factor * (self.parameter - self.centre))


class AdapterChange:
    """A weight below a LoRA adapter: the change is the scaled product of its factors."""

    def __init__(self, name: str, layer: Any, adapter: str):
        self.name, self.layer, self.adapter = name, layer, adapter
        self.centre_norm = max(float(layer.get_base_layer().weight.detach().double().norm()), 1e-30)

    def norm(self) -> Float[Tensor, ""]:
        """Of the change, from the factors' Gram matrices."""
        factors = self._factors()
        product = (factors.b.T @ factors.b) * (factors.a @ factors.a.T)
        return factors.scale * product.sum().clamp(min=1e-30).sqrt()

    def scale(self, factor: float) -> None:
        """Make the change smaller, by B alone."""
        self.layer.lora_B[self.adapter].weight.mul_(factor)

    def _factors(self) -> "_Factors":
        a, b = (part[self.adapter].weight.float() for part in (self.layer.lora_A, self.layer.lora_B))
        return _Factors(a, b, float(self.layer.scaling[self.adapter]))


class _Factors(NamedTuple):
    a: Float[Tensor, "rank inputs"]
    b: Float[Tensor, "outputs rank"]
    scale: float


class RadiusCallback(TrainerCallback):
    """Keeps any transformers ``Trainer`` within a ball: projects after every optimiser step.

    The optimiser's moments are left as they are.

    Args:
        radius: The ball; made before training, so that its centre is where training begins.
    """

    def __init__(self, radius: Radius):
        self.radius = radius

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Project."""
        self.radius.project()


def weight_changes(model: nn.Module) -> list[WeightChange | AdapterChange]:
    """The change of each weight that is trained, from what it is now, or, with adapters, from the base.

    Raises:
        ValueError: If nothing is trained.
    """
    if not (changes := list(_changes(model))):
        raise ValueError("nothing of the model is trained; unfreeze weights or add adapters first.")
    return changes


def _changes(model: nn.Module) -> Iterator[WeightChange | AdapterChange]:
    adapted: set[int] = set()
    for name, module in model.named_modules():
        for adapter in getattr(module, "lora_A", {}):
            factors = [part[adapter].weight for part in (module.lora_A, module.lora_B)]
            if any(part.requires_grad for part in factors):
                adapted |= {id(part) for part in factors}
                yield AdapterChange(name, module, adapter)
    for name, parameter in model.named_parameters():  # tied weights are named once
        if parameter.requires_grad and id(parameter) not in adapted:
            yield WeightChange(name, parameter)
