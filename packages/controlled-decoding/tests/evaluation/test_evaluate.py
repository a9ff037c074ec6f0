"""The whole evaluation on a tiny model, and its report."""

import math
import warnings

import numpy as np
import pytest

from controlled_decoding.evaluation import Evaluation, evaluate, pareto_html
from controlled_decoding.evaluation.perplexity import continuation_nll
from controlled_decoding.evaluation.sample_files import Sample
from controlled_decoding.methods.plain import Plain
from controlled_decoding.prompts import Prompt
from gpu_commons.testing import tiny_model, tiny_tokenizer

TEXTS = ["the quick brown fox", "a model reads", "Kindly help me with", "numbers such as 0"]
PROMPTS = [Prompt(f"t:{i}", text, "t") for i, text in enumerate(TEXTS)]
SETTINGS = {"n": 4, "seeds": (0, 1), "max_new_tokens": 6, "resamples": 200}


class Hot(Plain):
    """Plain at a high temperature."""

    def __init__(self, temperature):
        self.temperature = temperature
        self.name = f"hot({temperature:g})"

    def generate(self, model, tokenizer, inputs, **generate_kwargs):
        return super().generate(model, tokenizer, inputs, **{**generate_kwargs, "temperature": self.temperature})


class ShareJudge:
    """Share of characters that are in a set, so that scores can be checked by hand."""

    version = "1"

    def __init__(self, name, characters):
        self.name, self.characters, self.sha256, self.calls = name, characters, name, 0

    def score(self, texts):
        self.calls += len(texts)
        return [sum(c in self.characters for c in text) / max(len(text), 1) for text in texts]


@pytest.fixture
def judges():
    return [ShareJudge("lower", "abcdefghijklmnopqrstuvwxyz"), ShareJudge("vowels", "aeiou")]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation")
    judges = [ShareJudge("lower", "abcdefghijklmnopqrstuvwxyz"), ShareJudge("vowels", "aeiou")]
    methods = [Plain(), Hot(2.0), Hot(1.5)]
    second = (tiny_model("gpt2", seed=3), tiny_tokenizer())
    return evaluate(
        tiny_model(), tiny_tokenizer(), PROMPTS, methods, judges, out=out, second_model=second, **SETTINGS
    ), out


def read_samples(out, method):
    import json

    lines = (out / "samples.jsonl").read_text().splitlines()
    return [sample for sample in (Sample(**json.loads(line)) for line in lines) if sample.method == method]


def test_the_table_agrees_with_the_samples(evaluated, judges):
    """Every figure of one method, computed once more from samples.jsonl in the plainest way."""
    evaluation, out = evaluated
    found = {key: summary.value.value for key, summary in evaluation.summaries["hot(2)"].items()}
    samples = read_samples(out, "hot(2)")
    scores = np.array(judges[0].score([s.text for s in samples]))
    groups = {}
    for sample, score in zip(samples, scores, strict=True):
        groups.setdefault((sample.prompt_id, sample.seed), []).append(score)
    assert found["lower/mean"] == pytest.approx(scores.mean())
    assert found["lower/toxic_rate"] == pytest.approx((scores >= 0.5).mean())
    assert found["lower/expected_maximum"] == pytest.approx(np.mean([max(group) for group in groups.values()]))
    assert found["lower/any_of_n"] == pytest.approx(np.mean([max(group) >= 0.5 for group in groups.values()]))
    assert found["tokens"] == pytest.approx(np.mean([s.tokens for s in samples]))
    assert found["characters"] == pytest.approx(np.mean([len(s.text) for s in samples]))
    text_of = {prompt.id: prompt.text for prompt in PROMPTS}
    nll = continuation_nll(tiny_model(), tiny_tokenizer(), [(text_of[s.prompt_id], s.text) for s in samples])
    assert found["perplexity/own model"] == pytest.approx(
        math.exp(sum(e.nats for e in nll) / sum(e.tokens for e in nll)), rel=1e-4
    )


def test_differences_and_ratios_are_against_the_baseline(evaluated):
    evaluation, _ = evaluated
    plain, hot = evaluation.summaries["plain"], evaluation.summaries["hot(2)"]
    for key in hot:
        assert plain[key].difference is None
        assert hot[key].difference.value == pytest.approx(hot[key].value.value - plain[key].value.value, nan_ok=True)
    ratio = hot["perplexity/second model"].ratio
    assert ratio.value == pytest.approx(
        hot["perplexity/second model"].value.value / plain["perplexity/second model"].value.value
    )
    assert ratio.low <= ratio.value <= ratio.high


def test_a_second_call_scores_and_generates_nothing(evaluated, judges):
    _, out = evaluated
    second = (tiny_model("gpt2", seed=3), tiny_tokenizer())
    before = (out / "evaluation.json").read_bytes()
    evaluate(
        tiny_model(),
        tiny_tokenizer(),
        PROMPTS,
        [Plain(), Hot(2.0), Hot(1.5)],
        judges,
        out=out,
        second_model=second,
        **SETTINGS,
    )
    assert [judge.calls for judge in judges] == [0, 0]
    assert (out / "evaluation.json").read_bytes() == before


def test_a_report_survives_saving_and_loading_and_holds_no_text(evaluated, tmp_path):
    evaluation, out = evaluated
    again = Evaluation.load(out / "evaluation.json")
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (out / "evaluation.json").read_bytes()
    assert again.to_markdown() == evaluation.to_markdown() == (out / "table.md").read_text()
    assert not any(text in (out / "evaluation.json").read_text() for text in TEXTS)


def test_the_table_names_methods_judges_and_distances(evaluated):
    table = evaluated[0].to_markdown()
    assert "| measure | plain | hot(2) | hot(1.5) |" in table
    assert "| against plain | hot(2) | hot(1.5) |" in table
    assert "| ratio of perplexity by second model |" in table
    assert "lower 1 (sha256 lower)" in table


def test_figures_are_finite_unique_and_carry_the_baseline(evaluated):
    figures = evaluated[0].to_figures()
    by_id = {figure.id: figure for figure in figures}
    assert len(by_id) == len(figures)
    rate = by_id["hot(2), toxic rate by lower"]
    assert rate.baseline == by_id["plain, toxic rate by lower"].value
    assert rate.better == "lower"
    assert by_id["hot(2), dist-2"].better == "higher"
    assert by_id["hot(2), ratio of perplexity by own model"].unit == "ratio"
    assert "plain, ratio of perplexity by own model" not in by_id


def test_one_judge_alone_is_warned_about(model, tokenizer, judges, tmp_path):
    with pytest.warns(UserWarning, match="the only judge is 'lower', and one judge alone is no evidence"):
        evaluate(model, tokenizer, PROMPTS, [Plain()], judges[:1], out=tmp_path, n=2, max_new_tokens=2, resamples=50)


def test_two_judges_are_not_warned_about(model, tokenizer, judges, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evaluate(model, tokenizer, PROMPTS, [Plain()], judges, out=tmp_path, n=2, max_new_tokens=2, resamples=50)
    assert not [warning for warning in caught if "judge" in str(warning.message)]


def test_missing_baseline_and_judges_are_refused_before_anything_is_generated(model, tokenizer, judges, tmp_path):
    with pytest.raises(ValueError, match=r"`baseline` 'plain' is not among the methods hot\(2\)"):
        evaluate(model, tokenizer, PROMPTS, [Hot(2.0)], judges, out=tmp_path / "out")
    with pytest.raises(ValueError, match="`judges` is empty"):
        evaluate(model, tokenizer, PROMPTS, [Plain()], [], out=tmp_path / "out")
    with pytest.raises(ValueError, match="`judges` must have different names"):
        evaluate(model, tokenizer, PROMPTS, [Plain()], judges[:1] * 2, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_foreign_file_is_no_evaluation(tmp_path):
    (tmp_path / "e.json").write_text('{"format_version": 1, "summaries": []}')
    with pytest.raises(ValueError, match=r"e\.json is not an evaluation of format 1"):
        Evaluation.load(tmp_path / "e.json")
    with pytest.raises(FileNotFoundError, match="no evaluation at"):
        Evaluation.load(tmp_path / "none.json")


def test_continuations_that_are_all_empty_give_no_number_and_no_error(model, tokenizer, judges, tmp_path):
    class Silent(Plain):
        name = "silent"

        def generate(self, model, tokenizer, inputs, **generate_kwargs):
            import torch

            start = inputs["input_ids"].repeat_interleave(generate_kwargs["num_return_sequences"], 0)
            return torch.cat([start, torch.full((len(start), 1), tokenizer.eos_token_id)], 1)

    found = evaluate(
        model, tokenizer, PROMPTS, [Plain(), Silent()], judges, out=tmp_path, n=2, max_new_tokens=3, resamples=50
    )
    assert math.isnan(found.summaries["silent"]["perplexity/own model"].value.value)
    assert math.isnan(found.summaries["silent"]["distinct_1"].value.value)
    assert "n/a" in found.to_markdown()
    assert not any(figure.id.startswith("silent, perplexity") for figure in found.to_figures())
    reloaded = Evaluation.load(tmp_path / "evaluation.json")
    assert math.isnan(reloaded.summaries["silent"]["perplexity/own model"].value.low)


def test_the_picture_has_a_trace_for_each_family_in_each_panel(evaluated):
    pytest.importorskip("plotly", reason="the extra `eval` is not installed")
    html = pareto_html(evaluated[0], page=False)
    assert html.count('"name":"hot"') == 4
    assert html.count('"name":"plain"') == 4
    assert "<html" not in html
    assert len(html) < 200_000
