"""SASA as a method: plain arguments in, sequences out, whichever route serves them."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import ModelOutput

from controlled_decoding.config import SASAConfig
from controlled_decoding.decoder import Step
from controlled_decoding.processor import SASALogitsProcessor
from controlled_decoding.sampler import controlled_generate
from controlled_decoding.steering import Steering
from controlled_decoding.subspace import SubspaceClassifier
from gpu_commons.cache_name import cache_argument


class SASA:
    """Self-disciplined autoregressive sampling with one or several subspaces.

    Source: Ko et al., "Large Language Models can be Strong Self-Detoxifiers" (ICLR 2025, arXiv 2410.03818),
    Proposition 1. Differs: the margin is in calibrated log-odds by default (``rule="identity"`` is the proposition's,
    ``rule="softmax"`` the released code's); candidates share one cache.

    Args:
        subspaces: One fitted subspace or several.
        strength: Beta >= 0, in units of the rule; short for ``config=SASAConfig(strength=...)``.
        config: All settings; excludes ``strength``.
        weights: Relative strength of each subspace.
        plan: "tree", "batch" or "auto".
        force: Accept a model of the same shape with other weights, another tokenizer or a poor subspace.
        name: Of the method in tables.
    """

    def __init__(
        self,
        subspaces: SubspaceClassifier | Sequence[SubspaceClassifier],
        strength: float | None = None,
        *,
        config: SASAConfig | None = None,
        weights: Sequence[float] | None = None,
        plan: str = "auto",
        force: bool = False,
        name: str | None = None,
    ):
        if config is not None and strength is not None:
            raise ValueError(f"`strength` {strength} and `config` are both given; set the strength in the config.")
        config = config or SASAConfig(strength=1.0 if strength is None else strength)
        self.steering = Steering(subspaces, config, weights=weights, force=force)
        self.plan = plan
        self.name = name or _name(config)

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits over subspaces, weights and settings, so that no run is resumed under others."""
        steering = self.steering
        content = [
            [subspace.fingerprint for subspace in steering.subspaces],
            steering.weights,
            steering.config.to_dict(),
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    @torch.no_grad()
    def generate(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        inputs: Mapping[str, Tensor],
        *,
        observe: Callable[[Step], None] | None = None,
        **generate_kwargs: Any,
    ) -> Int[Tensor, "rows total"] | ModelOutput:
        """Continue left-padded prompts under steering.

        Args:
            inputs: ``input_ids`` and ``attention_mask``, shape ``[batch, prompt]``.
            observe: Called with every step (not with beams).
            generate_kwargs: Of transformers' `generate`; with ``num_beams`` the logits processor serves, otherwise the
                loop of one pass a token.
        """
        self.steering.check(model, tokenizer)
        if generate_kwargs.get("num_beams", 1) > 1:
            cache = DynamicCache(config=model.config)
            processor = self.processor(model, inputs["attention_mask"], cache)
            handed = cache_argument(model.prepare_inputs_for_generation, cache)
            return model.generate(**inputs, **handed, logits_processor=[processor], **generate_kwargs)
        loop = partial(
            controlled_generate,
            steering=self.steering,
            plan=self.plan,
            observe=observe,
            token_streamer=generate_kwargs.get("streamer"),
        )
        return model.generate(**inputs, custom_generate=loop, **generate_kwargs)

    def processor(
        self, model: PreTrainedModel, attention_mask: Int[Tensor, "batch prompt"], cache: Cache | None = None
    ) -> SASALogitsProcessor:
        """The same steering as a ``LogitsProcessor``; ``cache`` is what `generate` gets as ``past_key_values``, or
        absent if the processor is to read the text by itself.
        """
        return SASALogitsProcessor(model, self.steering, attention_mask, cache, plan=self.plan)


def _name(config: SASAConfig) -> str:
    if config.kl_budget is not None:
        return f"sasa-kl({config.kl_budget:g})"
    family = "sasa" if config.rule == "log_odds" else f"sasa-{config.rule}"
    return f"{family}({config.strength:g})"
