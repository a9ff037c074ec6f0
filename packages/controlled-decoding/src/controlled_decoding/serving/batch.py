"""The running batch: rows join after a prefill of their own and leave when they are done."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from controlled_decoding.decoder import SteeredDecoder
from controlled_decoding.serving.row import Row
from controlled_decoding.serving.sampling import draw_uniform, make_row_pick, warp
from controlled_decoding.steering import Steering, Taps
from gpu_commons import open_branches
from gpu_commons.kv_cache import TreeBranches


class RunningBatch:
    """Rows that are decoded together, one token each per :meth:`step`.

    Args:
        taps: From ``steering.listen(model)``, open as long as this lives.
        special_ids: Tokens whose probability steering leaves alone.
        end_ids: Tokens that end an answer.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        steering: Steering,
        taps: Taps,
        *,
        special_ids: Sequence[int],
        end_ids: Sequence[int],
    ):
        self.model, self.steering = model, steering
        self.rows: list[Row] = []
        self._taps, self._special_ids, self._end_ids = taps, special_ids, frozenset(end_ids)
        self._decoder: SteeredDecoder | None = None

    @property
    def can_grow(self) -> bool:
        """Whether rows may join now; caches whose columns cannot be padded take new rows only when they are empty."""
        return self._decoder is None or isinstance(self._decoder.branches, TreeBranches)

    def admit(self, rows: Sequence[Row]) -> None:
        """Read the prompts (equal ones once) and join the batch."""
        branches = open_branches(self.model)
        prompts = list(dict.fromkeys(row.prompt for row in rows))
        newcomers = SteeredDecoder(self.model, self.steering, branches, self._taps, special_ids=self._special_ids)
        newcomers.prefill(*_padded(prompts, self.model.device))
        if len(prompts) < len(rows):
            newcomers.select(torch.tensor([prompts.index(row.prompt) for row in rows], device=self.model.device))
        if self._decoder is None:
            self._decoder = newcomers
        else:
            self._decoder.join(newcomers)
        self.rows.extend(rows)

    def step(self) -> None:
        """Generate one token of every row."""
        if self._decoder is None:
            raise RuntimeError("`admit` has to bring rows before a step.")
        settings = [row.sampling for row in self.rows]
        device, own_nucleus = self.model.device, self.steering.config.top_p
        tokens = self._decoder.step(
            warp(self._decoder.logits(), settings),
            torch.tensor([row.strengths for row in self.rows], device=device),
            make_row_pick(settings, draw_uniform([row.generator for row in self.rows])),
            step=torch.tensor([row.num_tokens for row in self.rows]),
            # A request's own nucleus has been cut by the warper.
            top_p=torch.tensor([1.0 if row.top_p < 1 else own_nucleus for row in settings], device=device),
        )
        for row, token in zip(self.rows, tokens.tolist(), strict=True):
            if not row.is_done:
                row.accept(token, is_end=token in self._end_ids)

    def drop_done(self) -> None:
        """Free the cache of rows that are finished or cancelled."""
        kept = [place for place, row in enumerate(self.rows) if not row.is_done]
        if len(kept) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in kept]
        if not kept:
            self._decoder = None
        elif self._decoder is not None:
            self._decoder.select(torch.tensor(kept, device=self.model.device))

    def fail(self, sentence: str, *, is_cut_off: bool = False) -> None:
        """End all rows with an error and start anew."""
        rows, self.rows, self._decoder = self.rows, [], None
        for row in rows:
            row.fail(sentence, is_cut_off=is_cut_off)


def _padded(prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    width = max(map(len, prompts))
    tokens = torch.zeros(len(prompts), width, dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, prompt in enumerate(prompts):
        tokens[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    return tokens.to(device), mask.to(device)
