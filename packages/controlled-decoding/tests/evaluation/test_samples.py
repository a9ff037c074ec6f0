"""Sampling: determined by seed and batch alone, and resumable to the byte."""

import json

import pytest
import torch

from controlled_decoding.evaluation.samples import NUCLEUS_SAMPLING, SamplingPlan, generate_samples
from controlled_decoding.methods.method import Method
from controlled_decoding.methods.plain import Plain
from controlled_decoding.prompts import Prompt

TEXTS = ["the quick brown fox", "a model reads", "Kindly help me with", "numbers such as 0", "the weather is"]
PROMPTS = [Prompt(f"t:{i}", text, "t") for i, text in enumerate(TEXTS)]
PLAN = SamplingPlan(n=3, seeds=(0, 1), max_new_tokens=6, rows_per_batch=6)


class Warm(Plain):
    """Plain at another temperature."""

    name = "warm"

    def generate(self, model, tokenizer, inputs, **generate_kwargs):
        return super().generate(model, tokenizer, inputs, **{**generate_kwargs, "temperature": 1.5})


class Interrupted(Exception):
    pass


class DiesAfter(Plain):
    """Plain that is killed at its n-th call."""

    def __init__(self, calls):
        self.left = calls

    def generate(self, *arguments, **generate_kwargs):
        if not self.left:
            raise Interrupted
        self.left -= 1
        return super().generate(*arguments, **generate_kwargs)


def run(model, tokenizer, out, methods=None, plan=PLAN, prompts=PROMPTS):
    return generate_samples(model, tokenizer, prompts, methods or [Plain(), Warm()], plan, out=out, model_id="m")


def test_plain_is_a_method():
    assert isinstance(Plain(), Method)


def test_every_prompt_seed_and_number_comes_once_and_text_has_as_many_tokens_as_said(model, tokenizer, tmp_path):
    found, timings = run(model, tokenizer, tmp_path)
    keys = [(s.method, s.seed, s.prompt_id, s.index) for s in found]
    assert len(set(keys)) == len(keys) == 2 * 2 * 5 * 3
    assert max(s.tokens for s in found) == 6
    assert len(timings) == 2 * 2 * 3
    assert all(timing.wall_ms > 0 and 0 < timing.tokens <= 36 for timing in timings)


def test_samples_do_not_depend_on_the_other_methods_or_their_order(model, tokenizer, tmp_path):
    forward, _ = run(model, tokenizer, tmp_path / "a", [Plain(), Warm()])
    backward, _ = run(model, tokenizer, tmp_path / "b", [Warm(), Plain()])
    alone, _ = run(model, tokenizer, tmp_path / "c", [Warm()])
    assert set(forward) == set(backward)
    assert set(alone) == {sample for sample in forward if sample.method == "warm"}
    assert {s.text for s in forward if s.method == "plain"} != {s.text for s in alone}


def test_seeds_differ_and_the_callers_random_state_stays(model, tokenizer, tmp_path):
    state = torch.get_rng_state()
    found, _ = run(model, tokenizer, tmp_path, [Plain()])
    assert torch.equal(state, torch.get_rng_state())
    assert [s.text for s in found if s.seed == 0] != [s.text for s in found if s.seed == 1]


@pytest.mark.parametrize("torn", ["", '{"method": "plain", "seed"', "WHOLE LINE"])
def test_a_killed_run_ends_with_the_same_bytes(model, tokenizer, tmp_path, torn):
    run(model, tokenizer, tmp_path / "whole", [Plain(), Warm()])
    killed = tmp_path / "killed"
    with pytest.raises(Interrupted):
        run(model, tokenizer, killed, [DiesAfter(4), Warm()])
    assert not (killed / "samples.jsonl").exists()
    partial = killed / "samples.jsonl.partial"
    done = partial.read_text()
    with partial.open("a") as stream:  # what a kill leaves in the middle of the next batch
        stream.write(torn if torn != "WHOLE LINE" else done.splitlines(keepends=True)[0])
    with (killed / "timings.jsonl").open("a") as stream:
        stream.write(torn)
    calls = DiesAfter(2)  # the two batches of this method that are missing, and no more
    run(model, tokenizer, killed, [calls, Warm()])
    assert calls.left == 0
    assert (killed / "samples.jsonl").read_bytes() == (tmp_path / "whole" / "samples.jsonl").read_bytes()
    assert not partial.exists()


def test_a_finished_run_is_read_and_not_repeated(model, tokenizer, tmp_path):
    first = run(model, tokenizer, tmp_path, [Plain()])
    assert run(model, tokenizer, tmp_path, [DiesAfter(0)]) == first


def test_a_folder_of_another_run_is_refused(model, tokenizer, tmp_path):
    run(model, tokenizer, tmp_path, [Plain()])
    with pytest.raises(ValueError, match="holds a run with other max_new_tokens, methods;"):
        run(model, tokenizer, tmp_path, plan=SamplingPlan(n=3, seeds=(0, 1), max_new_tokens=7, rows_per_batch=6))
    with pytest.raises(ValueError, match="holds a run with other prompts;"):
        run(model, tokenizer, tmp_path, [Plain()], prompts=PROMPTS[:3])


def test_texts_join_their_prompts_as_the_tokens_do(model, tokenizer, tmp_path):
    """Greedy continuations, appended to the prompt, are what decoding the whole sequence gives."""
    plan = SamplingPlan(n=1, max_new_tokens=5, sampling={"do_sample": False})
    found, _ = run(model, tokenizer, tmp_path, [Plain()], plan)
    for prompt, sample in zip(PROMPTS, found, strict=True):
        encoded = tokenizer(prompt.text, return_tensors="pt")
        sequence = model.generate(**encoded, max_new_tokens=5, do_sample=False, pad_token_id=0)[0]
        assert prompt.text + sample.text == tokenizer.decode(sequence, skip_special_tokens=True)


def test_tokens_after_the_end_are_not_counted(model, tokenizer, tmp_path):
    class EndsEarly(Plain):
        def generate(self, model, tokenizer, inputs, **generate_kwargs):
            start = inputs["input_ids"].repeat_interleave(generate_kwargs["num_return_sequences"], 0)
            new = torch.tensor([[50, 51, tokenizer.eos_token_id, 0, 0, 0]]).expand(len(start), -1)
            return torch.cat([start, new], 1)

    found, timings = run(model, tokenizer, tmp_path, [EndsEarly()])
    assert {s.tokens for s in found} == {2}
    assert {s.text for s in found} == {tokenizer.decode([50, 51])}
    assert {t.tokens for t in timings} == {18, 9}  # the end token was paid for


def test_a_method_that_returns_wrong_rows_is_named(model, tokenizer, tmp_path):
    class Half(Plain):
        name = "half"

        def generate(self, *arguments, **generate_kwargs):
            return super().generate(*arguments, **generate_kwargs)[::2]

    with pytest.raises(ValueError, match="the method 'half' returned sequences of shape .* it must return 6 rows"):
        run(model, tokenizer, tmp_path, [Half()])


def test_repeated_names_ids_and_seeds_are_refused(model, tokenizer, tmp_path):
    with pytest.raises(ValueError, match="method names must differ, but 'plain' comes twice"):
        run(model, tokenizer, tmp_path, [Plain(), Plain()])
    with pytest.raises(ValueError, match="prompt ids must differ, but 't:0' comes twice"):
        run(model, tokenizer, tmp_path, [Plain()], prompts=PROMPTS[:1] * 2)
    with pytest.raises(ValueError, match="there are no prompt ids"):
        run(model, tokenizer, tmp_path, [Plain()], prompts=[])
    with pytest.raises(ValueError, match="`seeds` must be different"):
        SamplingPlan(seeds=(1, 1))
    with pytest.raises(ValueError, match="`n` must be at least 1, got 0"):
        SamplingPlan(n=0)


def test_the_plan_is_written_beside_the_samples(model, tokenizer, tmp_path):
    run(model, tokenizer, tmp_path, [Plain()])
    record = json.loads((tmp_path / "samples.plan.json").read_text())
    assert record["sampling"] == dict(NUCLEUS_SAMPLING)
    assert record["methods"] == [["plain", None]]
    assert TEXTS[0] not in json.dumps(record)


def test_a_run_goes_on_only_with_the_same_fitted_weights(model, tokenizer, tmp_path):
    class Fitted(Plain):
        def __init__(self, fingerprint):
            self.fingerprint = fingerprint

    run(model, tokenizer, tmp_path, [Fitted("a")])
    with pytest.raises(ValueError, match="holds a run with other methods;"):
        run(model, tokenizer, tmp_path, [Fitted("b")])
