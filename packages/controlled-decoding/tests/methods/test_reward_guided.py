import pytest
import torch

from controlled_decoding.methods.reward_guided import RewardGuided, RewardProcessor, judge_reward


def test_constant_reward_is_top_k_decoding(model, tokenizer, prompts):
    options = {"do_sample": True, "max_new_tokens": 8}
    torch.manual_seed(1)
    expected = model.generate(**prompts, top_k=7, **options)
    torch.manual_seed(1)
    method = RewardGuided(lambda texts: [0.5] * len(texts), 30.0, top_k=7)
    assert torch.equal(method.generate(model, tokenizer, prompts, top_k=0, **options), expected)


def test_each_candidate_gets_the_reward_of_its_own_text(tokenizer):
    """Z + beta r on the k best, nothing else; all rows are scored in one call."""
    generator, calls = torch.Generator().manual_seed(0), []
    input_ids, scores = torch.tensor([[0, 5, 6], [7, 8, 9]]), torch.randn(2, 320, generator=generator)

    def reward(texts):
        calls.append(texts)
        return [len(text) / 100 for text in texts]

    steered = RewardProcessor(reward, 4.0, tokenizer, top_k=3)(input_ids, scores)
    assert len(calls) == 1
    for row in range(2):
        for token in range(320):
            if token in scores[row].topk(3).indices:
                text = tokenizer.decode([*input_ids[row].tolist(), token], skip_special_tokens=True)
                assert float(steered[row, token]) == pytest.approx(float(scores[row, token]) + 4.0 * len(text) / 100)
            else:
                assert steered[row, token] == -torch.inf


def test_judges_become_rewards_by_their_complement():
    class Half:
        name, version, sha256 = "half", "1", "0"

        def score(self, texts):
            return [0.25 for _ in texts]

    assert judge_reward(Half())(["a", "b"]) == [0.75, 0.75]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([0.5], r"answer of shape \(1,\) for 6 texts"),
        ([1.5] * 6, "gave 1.5; rewards must lie in"),
        ([float("nan")] * 6, "gave nan; rewards must lie in"),
    ],
)
def test_wrong_answers_of_a_reward_model_are_refused(answer, message, model, tokenizer, prompts):
    with pytest.raises(ValueError, match=message):
        RewardGuided(lambda texts: answer, 1.0, top_k=2).generate(model, tokenizer, prompts, max_new_tokens=1)


def test_at_least_one_candidate_is_needed():
    with pytest.raises(ValueError, match="`top_k` must be at least 1"):
        RewardGuided(lambda texts: [], 1.0, top_k=0)
