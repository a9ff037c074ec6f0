"""SASA as a ``LogitsProcessor``: works with beams and with models our loop refuses.

With `generate`'s own cache it costs one candidate pass beside `generate`'s forward of the chosen token;
:func:`controlled_decoding.sampler.controlled_generate` needs one pass for both. In stock `generate` a user's processor
runs before temperature and nucleus, which then act on the steered distribution.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import Cache, LogitsProcessor, PreTrainedModel

from controlled_decoding import rules
from controlled_decoding.candidates import select_candidates
from controlled_decoding.own_context import OwnContext
from controlled_decoding.sampler import special_tokens
from controlled_decoding.steering import Steering
from gpu_commons import Branches, open_branches


class SASALogitsProcessor(LogitsProcessor):
    """Shift each row's candidates by their margins and exclude the rest.

    Usage::

        cache = DynamicCache(config=model.config)
        processor = SASALogitsProcessor(model, steering, inputs["attention_mask"], cache)
        model.generate(**inputs, past_key_values=cache, logits_processor=[processor])

    The returned scores are log-probabilities normalised over the candidates, so that beams stay comparable.

    Args:
        model: The model that generates, or the decoder within it that the subspaces were fitted on.
        steering: Subspaces and settings; a gate needs ``controlled_generate``.
        attention_mask: Of the prompts, left-padded, before `generate` repeats them for beams or several sequences.
        cache: The very cache object that `generate` gets as ``past_key_values``. Without it the processor keeps one of
            its own, for a third pass a token: for models whose cache holds more than the text, such as the prefix of a
            memory. What lies there moves the model's own distribution, and not the margins.
        plan: "tree", "batch" or "auto", see :func:`gpu_commons.open_branches`.

    Raises:
        ValueError: If the model does not fit the subspaces, or the prompts are padded on the right.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        steering: Steering,
        attention_mask: Int[Tensor, "batch prompt"],
        cache: Cache | None = None,
        *,
        plan: str = "auto",
    ):
        steering.check(model)
        if not attention_mask[:, -1].all():
            raise ValueError(
                "`attention_mask` ends in padding; pad prompts on the left (tokenizer.padding_side = 'left')."
            )
        self.model, self.steering, self.cache, self.plan = model, steering, cache, plan
        self._own = OwnContext(model, plan) if cache is None else None
        self.prompt_columns = attention_mask.bool()
        self.special_ids = torch.tensor(special_tokens(model.generation_config), dtype=torch.long, device=model.device)

    @torch.no_grad()
    def __call__(
        self, input_ids: Int[Tensor, "rows total"], scores: Float[Tensor, "rows vocab"]
    ) -> Float[Tensor, "rows vocab"]:
        rows, step = len(input_ids), input_ids.shape[1] - self.prompt_columns.shape[1]
        strengths = self.steering.strengths_now(self.steering.strengths(rows).to(scores.device), step, None)
        if not strengths.any():
            return scores
        config = self.steering.config
        candidates = select_candidates(scores, top_p=config.top_p, max_candidates=config.max_candidates)
        log_q = candidates.log_p
        if candidates.tokens.shape[1] > 1:
            with self.steering.listen(self.model) as taps:
                branches = self._branches(input_ids, self._columns(rows, step))
                branches.branch(candidates.tokens)
                branches.discard()
                margins = taps.margins(rows)
            special = torch.isin(candidates.tokens, self.special_ids)
            log_q = rules.gibbs(log_q, self.steering.shift(margins, log_q, strengths, special))
        # Absent candidates repeat the first token, whose own score must stand.
        present = torch.isfinite(log_q)
        steered = torch.full_like(scores, -torch.inf)
        steered[
            torch.arange(rows, device=scores.device)[:, None].expand_as(present)[present], candidates.tokens[present]
        ] = log_q[present]
        return steered

    def _branches(self, input_ids: Int[Tensor, "rows total"], columns: Bool[Tensor, "rows total"]) -> Branches:
        if self._own is not None:
            return self._own.follow(input_ids, columns)
        assert self.cache is not None
        if self.cache.get_seq_length() != columns.shape[1]:
            raise ValueError(
                f"the processor's cache holds {self.cache.get_seq_length()} columns where {columns.shape[1]} were expected; "
                "pass `generate` the same cache object, and a fresh one for each call; or leave it out, and the "
                "processor reads the text by itself."
            )
        return open_branches(self.model, plan=self.plan, cache=self.cache, columns=columns)

    def _columns(self, rows: int, step: int) -> Bool[Tensor, "rows total"]:
        prompt = self.prompt_columns.repeat_interleave(rows // len(self.prompt_columns), dim=0)
        return torch.cat([prompt, prompt.new_ones(rows, step)], dim=-1)
