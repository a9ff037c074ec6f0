"""One steered step of a batch: candidates, their margins, the shifted distribution, one token a row.

The forward pass that scores the candidates is the forward pass of the next step, since the chosen candidate's state
and cache column are kept: about one pass a token. The sampler's loop and the server both step this object.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from controlled_decoding import rules
from controlled_decoding.candidates import Candidates, select_candidates
from controlled_decoding.steering import Steering, Taps
from gpu_commons import Branches
from gpu_commons.kv_cache import TreeBranches
from gpu_commons.projection import project

Pick = Callable[[Tensor, Sequence[int]], Tensor]
"""Chooses one entry of each row of scores (log-probabilities up to a constant); also gets the rows' indices in the
batch.
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happened at a step, for traces; row b of every tensor belongs to row b of the batch.

    Attributes:
        candidates: Tokens tried and their log-probabilities before steering; a row that is not steered has one.
        log_q: Log-probabilities after steering.
        margins: Margin of each candidate per attribute; None if no row was steered.
        chosen: Token id taken.
        context_margins: Margin of the text before this token, per attribute.
    """

    candidates: Candidates
    log_q: Float[Tensor, "batch candidates"]
    margins: Float[Tensor, "batch attributes candidates"] | None
    chosen: Int[Tensor, " batch"]
    context_margins: Float[Tensor, "batch attributes"]


class SteeredDecoder:
    """A batch of texts that grow token by token under steering.

    Args:
        model: A causal language model.
        steering: Subspaces and settings.
        branches: The batch's contexts.
        taps: From ``steering.listen(model)``, which must stay open meanwhile.
        special_ids: Tokens whose probability is left alone.
        top_p: Nucleus of candidates; ``steering.config.top_p`` by default.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        steering: Steering,
        branches: Branches,
        taps: Taps,
        *,
        special_ids: Sequence[int] = (),
        top_p: float | None = None,
    ):
        self.model, self.steering, self.branches = model, steering, branches
        self.special_ids = torch.tensor(sorted(special_ids), dtype=torch.long, device=model.device)
        self.top_p = steering.config.top_p if top_p is None else top_p
        self._taps = taps
        self._hidden = torch.empty(0)
        self._margins = torch.empty(0)
        self._unread: Tensor | None = None

    def prefill(
        self, input_ids: Int[Tensor, "batch new"], attention_mask: Int[Tensor, "batch new"] | None = None
    ) -> None:
        """Read the prompts (left-padded)."""
        self._hidden = self.branches.prefill(input_ids, attention_mask)
        self._margins = self._taps.last_margins(len(input_ids))

    def logits(self) -> Float[Tensor, "batch vocab"]:
        """The model's own next-token logits, float32."""
        self._read_last_token()
        return project(self.model, self._hidden).float()

    def step(
        self,
        scores: Float[Tensor, "batch vocab"],
        strengths: Float[Tensor, "batch attributes"],
        pick: Pick,
        *,
        step: int | Int[Tensor, " batch"],
        top_p: Float[Tensor, " batch"] | None = None,
        forced: Int[Tensor, " batch"] | None = None,
        observe: Callable[[Step], None] | None = None,
    ) -> Int[Tensor, " batch"]:
        """Choose and append one token a row.

        Args:
            scores: The logits after the user's processors and warpers; -inf excludes a token.
            strengths: Beta of each attribute and row; an all-zero row is decoded plainly from ``scores``.
            pick: How to choose from scores.
            step: Generated tokens so far, for the schedule.
            top_p: Each row's nucleus of candidates instead of the decoder's.
            forced: Token ids that rows must take (padding of finished rows); -1 where a row is free.
            observe: Called with what happened.
        """
        forced = torch.full_like(strengths[:, 0], -1, dtype=torch.long) if forced is None else forced
        config = self.steering.config
        strengths = self.steering.strengths_now(strengths, step, self._log_odds() if config.gate is not None else None)
        steered = strengths.any(-1) & (forced < 0)
        candidates = self._candidates(scores, steered, forced, pick, self.top_p if top_p is None else top_p[steered])
        log_q, margins = candidates.log_p, None
        choice = torch.zeros(len(scores), dtype=torch.long, device=scores.device)
        context = self._margins
        if candidates.tokens.shape[1] > 1:
            hidden = self.branches.branch(candidates.tokens)
            margins = self._taps.margins(len(scores))
            special = torch.isin(candidates.tokens, self.special_ids)
            log_q = rules.gibbs(candidates.log_p, self.steering.shift(margins, candidates.log_p, strengths, special))
            rows = steered.nonzero().flatten()
            choice[rows] = pick(log_q[rows], rows.tolist())
            self.branches.keep(choice)
            batch = torch.arange(len(choice), device=choice.device)
            self._hidden, self._margins = hidden[batch, choice], margins[batch, :, choice]
        chosen = candidates.tokens.gather(1, choice[:, None])[:, 0]
        if margins is None:
            self._unread = chosen
        if observe is not None:
            observe(Step(candidates=candidates, log_q=log_q, margins=margins, chosen=chosen, context_margins=context))
        return chosen

    def join(self, other: "SteeredDecoder") -> None:
        """Append the rows of another batch of the same steering (consumed by this); needs the tree plan."""
        self._read_last_token()
        other._read_last_token()
        if not (isinstance(self.branches, TreeBranches) and isinstance(other.branches, TreeBranches)):
            raise TypeError("only batches under the tree plan can be joined; finish one before the other.")
        self.branches.join(other.branches)
        self._hidden = torch.cat([self._hidden, other._hidden])
        self._margins = torch.cat([self._margins, other._margins])

    def select(self, rows: Int[Tensor, " kept"]) -> None:
        """Keep these rows (0-based) of the batch, in this order."""
        self._read_last_token()
        self.branches.select(rows)
        self._hidden, self._margins = self._hidden[rows], self._margins[rows]

    def _candidates(
        self,
        scores: Tensor,
        steered: Bool[Tensor, " batch"],
        forced: Int[Tensor, " batch"],
        pick: Pick,
        top_p: float | Tensor,
    ) -> Candidates:
        """Steered rows get their nucleus; the others one token: the forced one, or one drawn from the whole
        distribution as plain decoding does.
        """
        single = forced.clone()
        plain = ((forced < 0) & ~steered).nonzero().flatten()
        if len(plain):
            single[plain] = pick(scores[plain], plain.tolist())
        if not steered.any():
            return Candidates(single[:, None], torch.zeros_like(scores[:, :1]))
        nucleus = select_candidates(scores[steered], top_p=top_p, max_candidates=self.steering.config.max_candidates)
        width = nucleus.tokens.shape[1]
        tokens = single[:, None].repeat(1, width)
        log_p = torch.full((len(scores), width), -torch.inf, device=scores.device)
        log_p[:, 0] = 0.0
        tokens[steered], log_p[steered] = nucleus.tokens, nucleus.log_p
        return Candidates(tokens, log_p)

    def _read_last_token(self) -> None:
        """Run the forward pass of a token that was chosen without one."""
        if self._unread is None:
            return
        batch = len(self._unread)
        self._hidden = self.branches.branch(self._unread[:, None])[:, 0]
        self._margins = self._taps.last_margins(batch)
        self.branches.keep(torch.zeros_like(self._unread))
        self._unread = None

    def _log_odds(self) -> Float[Tensor, "batch attributes"]:
        lines = [(subspace.slope, subspace.intercept) for subspace in self.steering.subspaces]
        slopes, intercepts = torch.tensor(lines, device=self._margins.device).T
        return slopes * self._margins + intercepts
