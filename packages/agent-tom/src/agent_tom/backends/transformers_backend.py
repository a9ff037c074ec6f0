"""Any causal language model of transformers, with one cache for all episodes, or without one for comparison."""

import os
import warnings
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from agent_tom.backends.backend import Backend, Written
from agent_tom.backends.chat import ChatFrame, chat_frame
from agent_tom.backends.option_tree import NO_PARENT, OptionTree, option_tree
from agent_tom.backends.writing import write
from gpu_commons.kv_cache import Branches, TreeBranches, open_branches, why_not_branchable
from gpu_commons.models import load_model
from gpu_commons.projection import check_projection, project


class TransformersBackend(Backend):
    """Reads each piece of text once; probes and their options are a branch of the cache that is cut off again.

    Pieces are tokenized one by one, so that what was read never changes.

    Args:
        model: A causal language model in eval mode.
        tokenizer: Its own.
        cached: Whether to keep a cache. Without one each probe reads the whole text anew, as a model does that is
            prompted from scratch; the numbers are the same.

    Raises:
        ValueError: If the model's logits do not follow from its final states.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, cached: bool = True):
        check_projection(model, "use a server, or another model")
        self.model, self.tokenizer, self.cached = model, tokenizer, cached
        if cached and (reason := why_not_branchable(model)):
            warnings.warn(f"each probe reads its whole text anew: {reason}.", stacklevel=2)
            self.cached = False
        self._tree = why_not_branchable(model) is None
        self._texts: list[list[int]] = []
        self._branches: TreeBranches | None = None

    @classmethod
    def from_pretrained(
        cls, source: str | os.PathLike[str], *, device: str = "auto", dtype: str = "auto", cached: bool = True
    ) -> "TransformersBackend":
        """A model by hub id, folder, GGUF file or ``bundled:NAME``; see :func:`gpu_commons.load_model`."""
        model, tokenizer = load_model(source, device=device, dtype=dtype)
        return cls(model, tokenizer, cached=cached)

    @property
    def longest(self) -> int | None:
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    def count(self, text: str) -> int:
        return len(self._tokens(text))

    def chat_frame(self) -> ChatFrame:
        return chat_frame(self.tokenizer)

    def begin(self, texts: Sequence[str]) -> None:
        self.tokens_read, self._branches = 0, None
        self._texts = [self._begun(self._tokens(text)) for text in texts]
        if self.cached:
            self._branches = self._read(self._texts)

    def append(self, texts: Sequence[str]) -> None:
        pieces = [self._tokens(text) for text in texts]
        for text, piece in zip(self._texts, pieces, strict=True):
            text.extend(piece)
        if self._branches is not None:
            self._prefill(self._branches, pieces)

    @torch.no_grad()
    def score(self, probes: Sequence[str], options: Sequence[Sequence[str]]) -> Float[np.ndarray, "rows options"]:
        trees = [
            option_tree(self._tokens(probe), [self._tokens(option) for option in row])
            for probe, row in zip(probes, options, strict=True)
        ]
        if not self._tree:
            return np.stack([self._score_one_by_one(text, tree) for text, tree in zip(self._texts, trees, strict=True)])
        branches = self._branches or self._read(self._texts)
        width = max(len(tree.tokens) for tree in trees)
        tokens = torch.tensor([tree.tokens + [0] * (width - len(tree.tokens)) for tree in trees])
        parents = torch.tensor([tree.parents + [NO_PARENT] * (width - len(tree.parents)) for tree in trees])
        device = self.model.device
        hidden = branches.glance(tokens.to(device), parents.to(device))
        self.tokens_read += sum(len(tree.tokens) for tree in trees)
        return self._summed(hidden, trees)

    @torch.no_grad()
    def generate(
        self,
        probes: Sequence[str],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        draws: Float[np.ndarray, " rows"] | None = None,
    ) -> list[Written]:
        say = partial(write, self.model, self.tokenizer, max_tokens=max_tokens, stop=stop)
        pieces = [self._tokens(probe) for probe in probes]
        if self._tree:
            branches = self._branches or self._read(self._texts)
            before = branches.columns
            written = say(branches, self._prefill(branches, pieces), draws=draws)
            _rewind(branches, before)
        else:
            written = []
            for row, (text, piece) in enumerate(zip(self._texts, pieces, strict=True)):
                alone = open_branches(self.model, plan="batch")
                own = None if draws is None else draws[row : row + 1]
                written += say(alone, self._prefill(alone, [text + piece]), draws=own)
        self.tokens_read += sum(each.num_tokens for each in written)
        return written

    def _tokens(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _begun(self, tokens: list[int]) -> list[int]:
        """With the token that begins a text, unless a chat template has put it there."""
        first = self.tokenizer.bos_token_id
        return tokens if first is None or tokens[:1] == [first] else [first, *tokens]

    def _read(self, texts: Sequence[list[int]]) -> TreeBranches:
        branches = open_branches(self.model, plan="tree")
        assert isinstance(branches, TreeBranches)
        self._prefill(branches, texts)
        return branches

    @torch.no_grad()
    def _prefill(self, branches: Branches, pieces: Sequence[list[int]]) -> Float[Tensor, "rows hidden"]:
        """Read a piece of each row, padded on the left, to the state of its last token."""
        width = max(map(len, pieces))
        ids = torch.tensor([[0] * (width - len(piece)) + piece for piece in pieces])
        mask = torch.tensor([[0] * (width - len(piece)) + [1] * len(piece) for piece in pieces])
        self.tokens_read += sum(map(len, pieces))
        return branches.prefill(ids.to(self.model.device), mask.to(self.model.device))

    def _summed(
        self, states: Float[Tensor, "rows nodes hidden"], trees: Sequence[OptionTree]
    ) -> Float[np.ndarray, "rows options"]:
        """Log-probabilities of the options, from the states of their trees.

        All rows go through the table of words together, so that it is read once.
        """
        asked = sorted({(row, node) for row, tree in enumerate(trees) for path in tree.paths for node, _ in path})
        rows, nodes = zip(*asked, strict=True)
        # To the CPU at once: each number taken by itself would wait for an accelerator.
        log_probs = project(self.model, states[list(rows), list(nodes)]).float().log_softmax(-1).cpu()
        place = {each: index for index, each in enumerate(asked)}
        return np.array(
            [
                [sum(float(log_probs[place[row, node], token]) for node, token in path) for path in tree.paths]
                for row, tree in enumerate(trees)
            ]
        )

    def _score_one_by_one(self, text: list[int], tree: OptionTree) -> Float[np.ndarray, " options"]:
        """For models whose cache cannot hold a tree: every option is read with the whole text before it."""
        scores = []
        for path in tree.paths:
            chain: list[int] = []
            node = path[-1][0]
            while node != NO_PARENT:
                chain.insert(0, tree.tokens[node])
                node = tree.parents[node]
            ids = torch.tensor([text + chain], device=self.model.device)
            self.tokens_read += ids.shape[1]
            log_probs = self.model(input_ids=ids, use_cache=False).logits[0].float().log_softmax(-1)
            last = log_probs[-len(path) :]
            scores.append(sum(float(row[token]) for row, (_, token) in zip(last, path, strict=True)))
        return np.array(scores)


def _rewind(branches: Branches, before: Bool[Tensor, "rows columns"] | None) -> None:
    """Take back what was read after these columns."""
    assert before is not None
    assert branches.columns is not None
    branches.cache.crop(before.shape[1] - branches.columns.shape[1])
    branches.columns = before
