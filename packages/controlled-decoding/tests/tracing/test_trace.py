"""A trace tells what the decoder did, and survives its file."""

import json
import math

import pytest
import torch

from controlled_decoding import rules
from controlled_decoding.config import SASAConfig, Schedule
from controlled_decoding.methods.sasa import SASA
from controlled_decoding.tracing import Trace
from gpu_commons import decoder_of


class WatchedSASA(SASA):
    """Keeps the decoder's own steps beside what the trace makes of them."""

    def generate(self, *arguments, observe, **options):
        self.steps = []

        def both(step):
            self.steps.append(step)
            observe(step)

        return super().generate(*arguments, observe=both, **options)


@pytest.fixture(scope="module")
def watched(model, make_subspace):
    subspaces = [make_subspace(model), make_subspace(model, seed=1, attribute="rudeness", layer=2)]
    return WatchedSASA(subspaces, 2.0, weights=[1.0, 0.5])


@pytest.fixture(scope="module")
def trace(record, watched):
    return record(watched)


def column(step, name):
    return torch.tensor([getattr(candidate, name) for candidate in step.candidates], dtype=torch.float64)


def test_values_are_those_of_the_decoder(trace, watched):
    assert len(trace.steps) == len(watched.steps) == 6
    for traced, step in zip(trace.steps, watched.steps, strict=True):
        log_p, log_q = step.candidates.log_p[0].double(), step.log_q[0].double()
        assert [candidate.id for candidate in traced.candidates] == step.candidates.tokens[0].tolist()
        assert traced.token.id == int(step.chosen[0])
        torch.testing.assert_close(column(traced, "p_before"), log_p.exp())
        torch.testing.assert_close(column(traced, "p_after"), log_q.exp())
        torch.testing.assert_close(column(traced, "shift"), log_q - log_p)
        torch.testing.assert_close(column(traced, "margins").T, step.margins[0].double())
        assert traced.kl == pytest.approx(float(rules.kl_divergence(step.log_q, step.candidates.log_p)), rel=1e-4)
        assert traced.margins_before == step.context_margins[0].tolist()


def test_probabilities_sum_to_one_and_steering_moves_them(trace):
    for step in trace.steps:
        assert float(column(step, "p_before").sum()) == pytest.approx(1.0, abs=1e-6)
        assert float(column(step, "p_after").sum()) == pytest.approx(1.0, abs=1e-6)
    assert max(step.kl for step in trace.steps) > 0.1


def test_margin_spread_is_the_deviation_under_the_models_probabilities(trace):
    """Against the definition E[f^2] - E[f]^2."""
    for step in trace.steps:
        p, margins = column(step, "p_before"), column(step, "margins")
        for attribute, spread in enumerate(step.margin_spread):
            f = margins[:, attribute]
            assert spread == pytest.approx(math.sqrt(float((p * f**2).sum() - (p * f).sum() ** 2)), rel=1e-4)


@pytest.mark.parametrize("strength", [0.0, 2.0])
@torch.no_grad()
def test_margins_along_the_text_equal_those_of_reading_it_afresh(strength, model, tokenizer, subspace, record):
    trace = record(SASA(subspace, strength))
    tokens = tokenizer(trace.prompt)["input_ids"]
    for step in trace.steps:
        tokens = [*tokens, step.token.id]
        state = decoder_of(model)(input_ids=torch.tensor([tokens]), use_cache=False).last_hidden_state[0, -1]
        assert step.margins_after == pytest.approx([float(subspace.margins(state))], abs=1e-4)
        assert step.log_odds_after == pytest.approx([float(subspace.log_odds(state))], abs=1e-3)


def test_each_text_begins_where_the_last_one_ended(traces):
    for trace in traces:
        for step, following in zip(trace.steps, trace.steps[1:], strict=False):
            assert following.margins_before == step.margins_after
            assert following.log_odds_before == step.log_odds_after


def test_strength_zero_has_one_candidate_a_step_and_is_not_steered(traces):
    plain, steered = traces
    assert all(len(step.candidates) == 1 and not step.steered and step.kl == 0.0 for step in plain.steps)
    assert all(step.steered for step in steered.steps)
    assert max(len(step.candidates) for step in steered.steps) > 1


def test_schedule_and_gate_say_which_steps_were_steered(record):
    ending = record(config=SASAConfig(schedule=Schedule(first=1.0, last=0.0, tokens=2)))
    assert [step.steered for step in ending.steps] == [True, True, False, False, False, False]
    closed = record(config=SASAConfig(gate=-1e9))
    assert not any(step.steered for step in closed.steps)


def test_texts_of_the_tokens_make_up_the_continuation(record, tokenizer):
    trace = record(strength=1.0)
    assert "".join(step.token.text for step in trace.steps).replace("\ufffd", "") == trace.continuation.replace(
        "\ufffd", ""
    )


def test_header_names_settings_and_subspaces(trace):
    assert trace.config["strength"] == 2.0
    assert trace.sampling == {"max_new_tokens": 6, "do_sample": False, "eos_token_id": None}
    assert [(a.name, a.layer, a.normed, a.weight) for a in trace.attributes] == [
        ("toxicity", 3, True, 1.0),
        ("rudeness", 2, False, 0.5),
    ]


def test_prompt_may_be_token_ids(record, tokenizer):
    text = record(strength=1.0)
    ids = record(strength=1.0, prompt=tokenizer(text.prompt)["input_ids"])
    assert ids == text


def test_file_holds_a_header_and_a_line_a_step_and_reads_back_equal(trace, tmp_path):
    path = trace.to_jsonl(tmp_path / "trace.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(trace.steps)
    assert [json.loads(line)["index"] for line in lines[1:]] == list(range(6))
    assert Trace.from_jsonl(path) == trace
    assert [file.name for file in tmp_path.iterdir()] == ["trace.jsonl"]


@pytest.mark.parametrize("options", [{"num_beams": 2}, {"num_return_sequences": 3}])
def test_several_texts_at_once_are_refused(options, model, tokenizer, subspace):
    with pytest.raises(
        ValueError, match=f"`{next(iter(options))}` is {next(iter(options.values()))}, but a trace follows one text"
    ):
        Trace.record(SASA(subspace), model, tokenizer, "the fox", **options)


def test_empty_prompt_is_refused(record):
    with pytest.raises(ValueError, match="the prompt is empty"):
        record(prompt="")


def test_missing_file_is_named_in_full(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no trace at {tmp_path / 'none.jsonl'}"):
        Trace.from_jsonl(tmp_path / "none.jsonl")


def without_steps(lines):
    return lines[:-2]


def with_a_torn_line(lines):
    return [*lines[:2], lines[2][:20], *lines[3:]]


def of_a_later_format(lines):
    return [lines[0].replace('"format_version": 1', '"format_version": 9'), *lines[1:]]


def with_an_unknown_field(lines):
    return [lines[0].replace('"method"', '"manner"'), *lines[1:]]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_steps, "holds 4 steps where its header says 6"),
        (with_a_torn_line, "line 3: not JSON"),
        (of_a_later_format, "format version 9, this package reads 1"),
        (with_an_unknown_field, "not a readable trace"),
        (lambda lines: lines[1:], "line 1: not the header of a trace"),
        (lambda lines: ["[]"], "line 1: not a JSON object"),
        (lambda lines: [], "line 1: not the header of a trace"),
    ],
)
def test_damaged_file_is_refused_with_its_reason(damage, message, trace, tmp_path):
    path = trace.to_jsonl(tmp_path / "trace.jsonl")
    path.write_text(
        "".join(line + "\n" for line in damage(path.read_text(encoding="utf-8").splitlines())), encoding="utf-8"
    )
    with pytest.raises(ValueError, match=message):
        Trace.from_jsonl(path)
