"""Steering by subspaces: which rows and steps are steered, and by how much each candidate's log-probability shifts."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding import rules
from controlled_decoding.config import SASAConfig, check_strength
from controlled_decoding.hidden_state import HiddenSite, Tap
from controlled_decoding.subspace import SubspaceClassifier
from gpu_commons import decoder_of
from gpu_commons.projection import check_projection


class Steering:
    """One or several subspaces and the settings they are used with.

    With several attributes the shifts add: the sampler then maximises the weighted sum of their margins at the same
    price.

    Args:
        subspaces: One subspace, or several fitted on the same model.
        config: Settings of the sampler.
        weights: Relative strength of each subspace, multiplied by ``config.strength``; 1 each by default.
        force: Accept a model of the same shape with other weights, another tokenizer or a poor subspace.

    Raises:
        ValueError: If there is no subspace, two share an attribute name, or a weight is negative or infinite.
    """

    def __init__(
        self,
        subspaces: SubspaceClassifier | Sequence[SubspaceClassifier],
        config: SASAConfig | None = None,
        *,
        weights: Sequence[float] | None = None,
        force: bool = False,
    ):
        self.subspaces = [subspaces] if isinstance(subspaces, SubspaceClassifier) else list(subspaces)
        self.config = SASAConfig() if config is None else config
        self.weights = (
            [check_strength(weight) for weight in weights] if weights is not None else [1.0] * len(self.subspaces)
        )
        self.attributes = [subspace.attribute for subspace in self.subspaces]
        if not self.subspaces or len(set(self.attributes)) < len(self.attributes):
            raise ValueError(
                f"`subspaces` needs at least one, each with an attribute name of its own, got {self.attributes}."
            )
        if len(self.weights) != len(self.subspaces):
            raise ValueError(
                f"`weights` has {len(self.weights)} values for {len(self.subspaces)} subspaces; give one each."
            )
        self.force = force
        self._sites = list(dict.fromkeys(subspace.site for subspace in self.subspaces))
        self._accepted: weakref.WeakSet[PreTrainedModel] = weakref.WeakSet()
        self._projected: weakref.WeakSet[PreTrainedModel] = weakref.WeakSet()

    def check(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None = None) -> None:
        """Refuse a model that cannot be steered by these subspaces; a model that passed is not looked at again."""
        if model in self._accepted:
            return
        decoder_of(model)
        for subspace in self.subspaces:
            subspace.check(model, tokenizer, force=self.force)
        self._accepted.add(model)

    def check_projection(self, model: PreTrainedModel) -> None:
        """Once per model: see :func:`gpu_commons.projection.check_projection`."""
        if model not in self._projected:
            check_projection(model, "steer it with `SASALogitsProcessor` instead")
            self._projected.add(model)

    def strengths(self, batch: int) -> Float[Tensor, "batch attributes"]:
        """The configured strength of each attribute, for every row."""
        return self.config.strength * torch.tensor(self.weights).repeat(batch, 1)

    @contextmanager
    def listen(self, model: PreTrainedModel) -> Iterator["Taps"]:
        """While open, the states of the last forward pass can be read at every subspace's site."""
        with ExitStack() as stack:
            taps = {site: stack.enter_context(site.listen(model)) for site in self._sites}
            yield Taps(self.subspaces, taps)

    def strengths_now(
        self,
        strengths: Float[Tensor, "batch attributes"],
        step: int | Int[Tensor, " batch"],
        log_odds: Float[Tensor, "batch attributes"] | None,
    ) -> Float[Tensor, "batch attributes"]:
        """Strengths after schedule and gate.

        Args:
            step: Generated tokens so far (0-based index of the next one), for all rows or each.
            log_odds: Of each row's text so far; needed if there is a gate.
        """
        if self.config.schedule is not None:
            steps = torch.as_tensor(step).expand(len(strengths)).tolist()
            strengths = (
                strengths
                * torch.tensor([self.config.schedule.at(now) for now in steps], device=strengths.device)[:, None]
            )
        if self.config.gate is not None:
            if log_odds is None:
                raise ValueError(
                    "`gate` needs the hidden state of the text so far; use `controlled_generate` instead of the logits processor."
                )
            strengths = strengths * (log_odds < self.config.gate)
        return strengths

    def shift(
        self,
        margins: Float[Tensor, "batch attributes candidates"],
        log_p: Float[Tensor, "batch candidates"],
        strengths: Float[Tensor, "batch attributes"],
        special: Bool[Tensor, "batch candidates"],
    ) -> Float[Tensor, "batch candidates"]:
        """What is added to each candidate's log-probability: the weighted sum of transformed margins, scaled to the KL
        budget if there is one.
        """
        transformed = [
            rules.transform_margins(
                margins[:, place], log_p, self.config.rule, slope=subspace.slope, intercept=subspace.intercept
            )
            for place, subspace in enumerate(self.subspaces)
        ]
        shift = (strengths[:, :, None] * torch.stack(transformed, dim=1)).sum(1)
        special = special & self.config.exempt_special & ~special.all(-1, keepdim=True)
        if self.config.kl_budget is not None:
            # Over the other candidates alone: special tokens keep their probability, so they add nothing to the
            # divergence.
            others = torch.log_softmax(log_p.masked_fill(special, -torch.inf), dim=-1)
            shift = rules.scale_to_budget(others, shift, self.config.kl_budget)[:, None] * shift
        return rules.exempt(log_p, shift, special)


class Taps:
    """Reads margins at each subspace's site from the last forward pass."""

    def __init__(self, subspaces: Sequence[SubspaceClassifier], taps: dict[HiddenSite, Tap]):
        self._subspaces, self._taps = subspaces, taps

    def margins(self, batch: int) -> Float[Tensor, "batch attributes tokens"]:
        """Margins of the tokens of the last pass, whether they were read as columns of one row or as rows of their
        own.
        """
        per_attribute = [subspace.margins(self._taps[subspace.site].hidden) for subspace in self._subspaces]
        return torch.stack([margins.reshape(batch, -1) for margins in per_attribute], dim=1)

    def last_margins(self, batch: int) -> Float[Tensor, "batch attributes"]:
        """Margins of each row's last token."""
        return self.margins(batch)[:, :, -1]
