"""Branching candidates over one cache gives what reading every candidate's full text would give."""

import pytest
import torch
from transformers import DynamicCache

from gpu_commons.cache_name import cache_argument
from gpu_commons.kv_cache import (
    Branches,
    RowBranches,
    TreeBranches,
    cache_shape,
    decoder_of,
    insert_prefix,
    open_branches,
    why_not_branchable,
)
from gpu_commons.testing import tiny_model

BATCH, LENGTH, CANDIDATES = 3, 7, 5
FULL_ATTENTION = ["llama", "gpt2", "qwen", "gemma"]


@pytest.fixture(autouse=True)
def no_grad():
    with torch.no_grad():
        yield


def padded_prompts(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random prompts of 7, 5 and 2 tokens, padded on the left."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(3, 320, (BATCH, LENGTH), generator=generator)
    mask = torch.ones_like(tokens)
    mask[1, :2] = 0
    mask[2, :5] = 0
    return tokens * mask, mask


def candidates(step: int) -> torch.Tensor:
    return torch.randint(3, 320, (BATCH, CANDIDATES), generator=torch.Generator().manual_seed(100 + step))


def reencoded(model, text: list[int]) -> torch.Tensor:
    """Reference: the final hidden state of a whole text read from scratch, unpadded and uncached."""
    return decoder_of(model)(torch.tensor([text]), use_cache=False).last_hidden_state[0, -1]


def assert_three_steps_equal_reencoding(model, branches: Branches) -> None:
    tokens, mask = padded_prompts()
    texts = [row[keep.bool()].tolist() for row, keep in zip(tokens, mask, strict=True)]
    hidden = branches.prefill(tokens, mask)
    torch.testing.assert_close(hidden, torch.stack([reencoded(model, text) for text in texts]), atol=1e-4, rtol=1e-4)
    for step in range(3):
        tried, choice = candidates(step), torch.tensor([step, 4 - step, 2])
        hidden = branches.branch(tried)
        expected = [
            [reencoded(model, [*text, token]) for token in row.tolist()] for text, row in zip(texts, tried, strict=True)
        ]
        torch.testing.assert_close(hidden, torch.stack([torch.stack(row) for row in expected]), atol=1e-4, rtol=1e-4)
        branches.keep(choice)
        texts = [[*text, int(row[pick])] for text, row, pick in zip(texts, tried, choice, strict=True)]
        assert branches.columns.sum(-1).tolist() == [len(text) for text in texts]


@pytest.mark.parametrize("attn_implementation", ["sdpa", "eager"])
@pytest.mark.parametrize("family", FULL_ATTENTION)
def test_tree_equals_reencoding(family, attn_implementation):
    model = tiny_model(family, attn_implementation=attn_implementation)
    branches = open_branches(model)
    assert type(branches) is TreeBranches
    assert_three_steps_equal_reencoding(model, branches)


@pytest.mark.parametrize("family", [*FULL_ATTENTION, "gemma-sliding"])
def test_copied_rows_equal_reencoding(family):
    model = tiny_model(family)
    branches = open_branches(model, plan="batch")
    assert type(branches) is RowBranches
    assert_three_steps_equal_reencoding(model, branches)


def test_recurrent_model_is_branched_by_copied_rows():
    """Mamba has no columns to cut: auto falls back to rows, whose states equal re-reading the text."""
    model = tiny_model("mamba")
    branches = open_branches(model)
    assert type(branches) is RowBranches
    text = [5, 9, 11, 40]
    branches.prefill(torch.tensor([text]))
    tried = candidates(0)[:1]
    hidden = branches.branch(tried)
    expected = torch.stack([reencoded(model, [*text, token]) for token in tried[0].tolist()])
    torch.testing.assert_close(hidden[0], expected, atol=1e-4, rtol=1e-4)
    branches.keep(torch.tensor([3]))
    again = branches.branch(tried)[0, 0]
    torch.testing.assert_close(
        again, reencoded(model, [*text, int(tried[0, 3]), int(tried[0, 0])]), atol=1e-4, rtol=1e-4
    )


def test_padded_rows_of_a_recurrent_model_equal_reencoding():
    """Its states have no columns, so the mask must cover the tokens being read and nothing before them."""
    model = tiny_model("mamba")
    assert_three_steps_equal_reencoding(model, open_branches(model))


@pytest.mark.parametrize("plan", ["tree", "batch"])
def test_discard_leaves_the_context_as_it_was(plan):
    model = tiny_model()
    tokens, mask = padded_prompts()
    branches = open_branches(model, plan=plan)
    branches.prefill(tokens, mask)
    before = branches.branch(candidates(0))
    branches.discard()
    assert branches.cache.get_seq_length() == LENGTH
    torch.testing.assert_close(branches.branch(candidates(0)), before)


def test_joined_rows_continue_as_they_would_alone():
    """Two batches of different lengths, joined and thinned out, give the states each row has by itself."""
    model = tiny_model()
    texts = [[7, 8, 9, 10, 11], [20, 21], [30, 31, 32]]
    first, second = open_branches(model), open_branches(model)
    first.prefill(torch.tensor(texts[:1]))
    second.prefill(torch.tensor([[0, *texts[1]], texts[2]]), torch.tensor([[0, 1, 1], [1, 1, 1]]))
    first.join(second)
    first.select(torch.tensor([2, 1]))
    assert first.columns.shape[1] == 3, "columns that only pad are dropped"
    hidden = first.branch(torch.tensor([[50, 51], [60, 61]]))
    torch.testing.assert_close(hidden[0, 1], reencoded(model, [*texts[2], 51]), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(hidden[1, 0], reencoded(model, [*texts[1], 60]), atol=1e-4, rtol=1e-4)


def test_prefill_continues_an_earlier_prefill():
    model = tiny_model()
    branches = open_branches(model)
    branches.prefill(torch.tensor([[5, 6, 7]]))
    torch.testing.assert_close(
        branches.prefill(torch.tensor([[8, 9]]))[0], reencoded(model, [5, 6, 7, 8, 9]), atol=1e-4, rtol=1e-4
    )


def test_right_padding_is_refused():
    with pytest.raises(ValueError, match=r"ends in padding at row 1; pad prompts on the left"):
        open_branches(tiny_model()).prefill(torch.tensor([[5, 6], [5, 0]]), torch.tensor([[1, 1], [1, 0]]))


def test_sliding_window_says_why_columns_cannot_be_cut():
    model = tiny_model("gemma-sliding")
    assert "DynamicSlidingWindowLayer" in why_not_branchable(model)
    with pytest.raises(ValueError, match="DynamicSlidingWindowLayer.*use plan='batch'"):
        open_branches(model, plan="tree")


def test_attention_without_4d_masks_falls_back_and_says_why():
    model = tiny_model()
    model.config._attn_implementation = "flash_attention_2"
    assert "takes no 4-D mask" in why_not_branchable(model)
    assert type(open_branches(model)) is RowBranches


def test_encoder_decoder_is_refused():
    with pytest.raises(ValueError, match="encoder-decoder"):
        open_branches(tiny_model("t5"))


def test_unknown_plan_is_refused():
    with pytest.raises(ValueError, match="'auto', 'tree' or 'batch', got 'forest'"):
        open_branches(tiny_model(), plan="forest")


@pytest.mark.parametrize("family", ["llama", "gpt2", "qwen", "gptj", "gemma"])
def test_columns_put_before_a_context_are_read_as_if_they_had_been(family):
    model = tiny_model(family)
    tokens = torch.randint(3, 320, (2, 9), generator=torch.Generator().manual_seed(3))
    whole = model(tokens).logits[:, 4:]
    read = DynamicCache(config=model.config)
    model(tokens[:, :4], **cache_argument(model.forward, read))
    keys, values = (torch.stack([getattr(layer, part) for layer in read.layers]) for part in ("keys", "values"))
    layers, heads, head_dim = cache_shape(model)
    assert keys.shape == (layers, 2, heads, 4, head_dim)
    cache = DynamicCache(config=model.config)
    insert_prefix(cache, keys, values)
    places = torch.arange(4, 9).expand(2, -1)
    after = model(
        tokens[:, 4:], attention_mask=torch.ones(2, 9), position_ids=places, **cache_argument(model.forward, cache)
    ).logits
    torch.testing.assert_close(after, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("family", "reason"), [("gemma-sliding", "DynamicSlidingWindowLayer"), ("mamba", "Linear|Mamba")]
)
def test_models_that_would_lose_a_prefix_are_refused(family, reason):
    with pytest.raises(ValueError, match=f"({reason}).*nothing can be put before its context; use a full-attention"):
        cache_shape(tiny_model(family))


def test_a_prefix_comes_before_what_a_cache_holds():
    model = tiny_model()
    cache, prefix = DynamicCache(config=model.config), torch.randn(3, 1, 2, 1, 8)
    model(torch.tensor([[5, 6]]), **cache_argument(model.forward, cache))
    held = [layer.keys for layer in cache.layers]
    insert_prefix(cache, prefix, -prefix)
    for layer, keys, new in zip(cache.layers, held, prefix, strict=True):
        assert torch.equal(layer.keys, torch.cat([new, keys], dim=-2))
        assert torch.equal(layer.values[:, :, :1], -new)


@pytest.mark.parametrize("family", FULL_ATTENTION)
def test_a_glance_at_trees_equals_reading_each_path_and_leaves_the_context(family):
    model = tiny_model(family)
    tokens, mask = padded_prompts()
    texts = [row[keep.bool()].tolist() for row, keep in zip(tokens, mask, strict=True)]
    branches = open_branches(model, plan="tree")
    branches.prefill(tokens, mask)
    trees = torch.randint(3, 320, (BATCH, 6), generator=torch.Generator().manual_seed(5))
    parents = torch.tensor([[-1, 0, 0, 2, 1, 2], [-1, -1, 0, 1, -1, -1], [-1, 0, 1, 2, 3, 4]])
    states = branches.glance(trees, parents)
    for row, text in enumerate(texts):
        for node in range(6):
            path, here = [], node
            while here >= 0:
                path.insert(0, int(trees[row, here]))
                here = int(parents[row, here])
            torch.testing.assert_close(states[row, node], reencoded(model, text + path), atol=1e-4, rtol=1e-4)
    after = torch.tensor([[7], [8], [9]])
    expected = torch.stack([reencoded(model, [*text, int(last)]) for text, last in zip(texts, after, strict=True)])
    torch.testing.assert_close(branches.prefill(after), expected, atol=1e-4, rtol=1e-4)


def test_context_goes_on_in_pieces_of_unlike_length():
    model = tiny_model()
    tokens, mask = padded_prompts()
    texts = [row[keep.bool()].tolist() for row, keep in zip(tokens, mask, strict=True)]
    branches = open_branches(model)
    branches.prefill(tokens, mask)
    more, there = torch.tensor([[0, 0, 5], [6, 7, 8], [0, 9, 4]]), torch.tensor([[0, 0, 1], [1, 1, 1], [0, 1, 1]])
    found = branches.prefill(more, there)
    wholes = [text + row[keep.bool()].tolist() for text, row, keep in zip(texts, more, there, strict=True)]
    torch.testing.assert_close(found, torch.stack([reencoded(model, whole) for whole in wholes]), atol=1e-4, rtol=1e-4)
