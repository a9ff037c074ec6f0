"""Labelled texts read through the model once: the hidden states that a fit, its report and its calibration need.

The sampler only ever judges unfinished text: the state of a candidate is that of a text which goes on. A direction
fitted on the last token of whole texts separates whole texts well and unfinished ones poorly. A causal model gives the
states of all beginnings of a text in the forward pass that reads the whole, so that some of them are fitted too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.calibration import MIN_PER_CLASS
from controlled_decoding.hidden_state import HiddenSite, embed, render
from controlled_decoding.labelled_text import LabelledTexts
from gpu_commons import ClassMoments

MAX_HOLDOUT_PER_CLASS = 2048
CLASS_NAMES = ("undesired", "desired")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How labelled texts are read and split.

    Attributes:
        unfinished: States of each text that are fitted beside the last one, after tokens drawn at random; fewer where
            a text (or the answer to a prompt) has fewer. 0 fits whole texts alone, as the authors do.
        chat: Render prompt and text through the chat template instead of raw concatenation.
        holdout: Share of each class (of the groups, if there are any) kept for the report and the calibration.
        seed: Of the split and of the drawn tokens.
        batch_tokens: Padded tokens in a forward pass.
        max_length: Tokens of a text that are read.
    """

    unfinished: int = 8
    chat: bool = False
    holdout: float = 0.2
    seed: int = 0
    batch_tokens: int = 4096
    max_length: int = 1024

    def __post_init__(self) -> None:
        if self.unfinished < 0:
            raise ValueError(f"`unfinished` must be at least 0, got {self.unfinished}.")


class States(NamedTuple):
    """What a fit needs of the texts.

    Attributes:
        sites: Where states were read; the next three have an entry for each.
        moments: Of the fitted states.
        whole: States of the held-out texts after their last token, shape ``[texts, hidden]``.
        unfinished: States of the held-out texts after one earlier token each; ``whole`` if only whole texts are fitted.
        labels: Of the held-out texts.
    """

    sites: Sequence[HiddenSite]
    moments: list[ClassMoments]
    whole: list[Float[Tensor, "texts hidden"]]
    unfinished: list[Float[Tensor, "texts hidden"]]
    labels: np.ndarray


def collect_states(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    data: LabelledTexts,
    sites: Sequence[HiddenSite],
    how: Reading,
) -> States:
    """Stream every text once: moments of the fitted texts, states of the held-out ones.

    Raises:
        ValueError: If a class has fewer than 8 rows on either side of the split, a text is empty, or a state is not
            finite.
    """
    labels = np.asarray(data.labels)
    held_out = data.held_out(how.holdout, seed=how.seed, at_most=MAX_HOLDOUT_PER_CLASS)
    check_classes(labels[~held_out], "to fit on")
    check_classes(labels[held_out], "to hold out")
    tokens, read = tokens_and_positions(
        tokenizer, data, how, np.where(held_out, min(how.unfinished, 1), how.unfinished)
    )
    width = model.config.get_text_config().hidden_size
    moments = [ClassMoments(2, width) for _ in sites]
    place = np.cumsum(held_out) - 1
    whole, unfinished = ([torch.empty(int(held_out.sum()), width) for _ in sites] for _ in range(2))
    for rows, states in embed(model, tokens, sites, positions=read, batch_tokens=how.batch_tokens):
        text = np.asarray(rows)
        train = ~held_out[text]
        # The states of a text stand together, in the order of its tokens.
        first, last = ~train & (np.diff(text, prepend=-1) != 0), ~train & (np.diff(text, append=-1) != 0)
        for number, hidden in enumerate(states):
            hidden = hidden.cpu()
            _check_finite(hidden, rows)
            moments[number].update(hidden[train], torch.from_numpy(labels[text[train]]))
            unfinished[number][place[text[first]]] = hidden[first]
            whole[number][place[text[last]]] = hidden[last]
    return States(sites, moments, whole, unfinished, labels[held_out])


def tokens_and_positions(
    tokenizer: PreTrainedTokenizerBase, data: LabelledTexts, how: Reading, earlier: Sequence[int] | np.ndarray
) -> tuple[list[list[int]], list[list[int]]]:
    """Token ids of each text, and the tokens after which it is read (0-based, ascending): ``earlier[row]`` drawn ones
    of the text proper, and its last.
    """

    @cache
    def start_of(prompt: str | None) -> int:
        return answer_start(tokenizer, prompt, chat=how.chat)

    generator = np.random.default_rng(how.seed)
    prompts = data.prompts if data.prompts is not None else [None] * len(data)
    tokens, positions = [], []
    for text, prompt, count in zip(data.texts, prompts, earlier, strict=True):
        ids = render(tokenizer, text, prompt, chat=how.chat)[: how.max_length]
        inner = np.arange(start_of(prompt), len(ids) - 1)
        drawn = generator.choice(inner, min(int(count), len(inner)), replace=False)
        tokens.append(ids)
        positions.append([*sorted(drawn.tolist()), len(ids) - 1])
    return tokens, positions


def answer_start(tokenizer: PreTrainedTokenizerBase, prompt: str | None, *, chat: bool) -> int:
    """How many tokens precede the text: those that two renderings with unlike texts have in common."""
    first, second = (render(tokenizer, text, prompt, chat=chat) for text in ("a", "-"))
    unlike = (place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
    return next(unlike, min(len(first), len(second)))


def check_classes(labels: np.ndarray, purpose: str) -> None:
    """Refuse rows of which a class has fewer than 8.

    Raises:
        ValueError: With the class and its count.
    """
    for label, name in enumerate(CLASS_NAMES):
        count = int((labels == label).sum())
        if count < MIN_PER_CLASS:
            raise ValueError(
                f"the {name} class (label {label}) has {count} rows {purpose}, "
                f"at least {MIN_PER_CLASS} are needed; add rows of that class."
            )


def _check_finite(hidden: Float[Tensor, "states hidden"], rows: Sequence[int]) -> None:
    finite = torch.isfinite(hidden).all(-1)
    if not finite.all():
        row = rows[int((~finite).nonzero()[0])]
        raise ValueError(
            f"the embedding of row {row} is NaN or infinite; load the model with --dtype float32, or drop that row."
        )
