"""The penalised model theta and the lower level's own model u, as one module."""

import copy
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from safe_finetune.sft.adapters import with_adapters
from safe_finetune.sft.row_losses import losses_under

Copy = Literal["theta", "u"]
_ADAPTERS: dict[Copy, str] = {"theta": "seal_theta", "u": "seal_u"}


class ModelPair(nn.Module):
    """Two copies of what is trained: two adapters on one frozen base, or two models.

    Both begin alike, and each forward uses one of them. Backward passes of the two must not overlap: with activation
    checkpointing a layer is run again in backward, by the adapter that is active then.

    Args:
        model: The aligned model; trained itself, or frozen below adapters.
        peft_config: Of the adapters; without it all trainable parameters are trained.
        with_u: False: theta alone.
    """

    def __init__(self, model: PreTrainedModel, *, peft_config: Any = None, with_u: bool = True):
        super().__init__()
        self.copies: tuple[Copy, ...] = ("theta", "u") if with_u else ("theta",)
        self.has_adapters = peft_config is not None
        self.config = model.config
        self.config.use_cache = False
        self.theta = self._with_adapters(model, peft_config) if self.has_adapters else model
        self.u = copy.deepcopy(model) if with_u and not self.has_adapters else None

    def forward(
        self,
        which: Copy,
        input_ids: Int[Tensor, "rows tokens"],
        attention_mask: Int[Tensor, "rows tokens"],
        labels: Int[Tensor, "rows tokens"],
    ) -> Float[Tensor, " rows"]:
        """Loss of each row under one of the copies."""
        model = self.u if which == "u" and self.u is not None else self.theta
        if self.has_adapters:
            self._activate(which)
        return losses_under(model, {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels})

    def trained(self, which: Copy) -> dict[str, nn.Parameter]:
        """Trained parameters of a copy, by their name here."""
        named = ((name, part) for name, part in self.named_parameters() if part.requires_grad)
        if self.has_adapters:
            return {name: part for name, part in named if _ADAPTERS[which] in name.split(".")}
        return {name: part for name, part in named if name.startswith(f"{which}.")}

    def unload(self) -> PreTrainedModel:
        """The model without adapters, as it was given; theta where there are none."""
        return self.theta.unload() if self.has_adapters else self.theta

    def activation_checkpointing_enable(self, **settings: Any) -> None:
        """Asked for by ``Trainer``."""
        for model in (self.theta, self.u):
            if model is not None:
                model.activation_checkpointing_enable(**settings)

    def gradient_checkpointing_enable(self, **settings: Any) -> None:
        """The same, as ``Trainer`` asked for it in transformers 5.17."""
        for model in (self.theta, self.u):
            if model is not None:
                model.gradient_checkpointing_enable(**settings)

    def _with_adapters(self, model: PreTrainedModel, peft_config: Any) -> Any:
        both = with_adapters(model, peft_config, *(_ADAPTERS[which] for which in self.copies))
        if "u" in self.copies:
            parameters = dict(both.named_parameters())
            with torch.no_grad():
                for name, part in parameters.items():
                    if _ADAPTERS["theta"] in name.split("."):
                        parameters[name.replace(_ADAPTERS["theta"], _ADAPTERS["u"])].copy_(part)
        both.set_requires_grad([_ADAPTERS[which] for which in self.copies])
        return both

    def _activate(self, which: Copy) -> None:
        self.theta.set_adapter(_ADAPTERS[which])
        # peft freezes what is not active; gradients of both are waiting for one optimiser step.
        self.theta.set_requires_grad([_ADAPTERS[each] for each in self.copies])
