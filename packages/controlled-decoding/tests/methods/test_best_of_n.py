import pytest
import torch

from controlled_decoding.hidden_state import embed
from controlled_decoding.methods.best_of_n import BestOfN

SAMPLING = {"do_sample": True, "top_k": 0, "max_new_tokens": 5}


class LengthJudge:
    """Dislikes long texts."""

    name, version, sha256 = "length", "1", "0"

    def __init__(self):
        self.seen = []

    def score(self, texts):
        self.seen += texts
        return [min(len(text) / 100, 1.0) for text in texts]


def test_each_returned_sequence_is_the_least_bad_of_its_own_candidates(model, tokenizer, prompts):
    torch.manual_seed(2)
    candidates = model.generate(**prompts, num_return_sequences=2 * 4, **SAMPLING)
    torch.manual_seed(2)
    judge = LengthJudge()
    best = BestOfN(4, judge).generate(model, tokenizer, prompts, num_return_sequences=2, **SAMPLING)
    texts = tokenizer.batch_decode(candidates[:, 7:], skip_special_tokens=True)
    assert judge.seen == texts, "the judge reads continuations alone"
    for row in range(6):
        group = range(4 * row, 4 * row + 4)
        winner = min(group, key=lambda candidate: len(texts[candidate]))
        assert torch.equal(best[row], candidates[winner])


def test_a_subspace_keeps_the_largest_margin(model, subspace, tokenizer, prompts):
    """The margin is that of the last token's state, over prompt and continuation without padding."""
    options = {**SAMPLING, "suppress_tokens": [0, 1, 2]}
    torch.manual_seed(3)
    candidates = model.generate(**prompts, num_return_sequences=3, **options)
    torch.manual_seed(3)
    best = BestOfN(3, subspace).generate(model, tokenizer, prompts, **options)
    for row, start in enumerate([0, 2, 5]):
        texts = [candidate[start:].tolist() for candidate in candidates[3 * row : 3 * row + 3]]
        ((order, (hidden,)),) = embed(model, texts, [subspace.site])
        winner = order[int(subspace.margins(hidden).argmax())]
        assert torch.equal(best[row], candidates[3 * row + winner])


def test_bad_requests_are_explained(model, tokenizer, prompts):
    with pytest.raises(ValueError, match="`num_candidates` must be at least 1, got 0"):
        BestOfN(0, LengthJudge())
    with pytest.raises(ValueError, match="needs `do_sample=True`"):
        BestOfN(2, LengthJudge()).generate(model, tokenizer, prompts, do_sample=False, max_new_tokens=1)
