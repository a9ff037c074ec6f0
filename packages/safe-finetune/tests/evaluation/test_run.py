"""Responses are greedy and independent of their batch, runs resume to the same bytes, and texts stay out."""

import json

import pytest
import torch
from transformers import GenerationConfig

from safe_finetune.evaluation import Prompt, evaluate
from safe_finetune.evaluation.generate import encode_prompts, respond
from safe_finetune.evaluation.run import is_correct

QUICK = {"max_new_tokens": 4, "batch_size": 5}


@pytest.fixture(scope="module")
def model(make_model):
    return make_model()


def test_a_batch_responds_as_its_prompts_one_by_one_by_the_greatest_logit(model, tokenizer, prompts):
    token_ids = encode_prompts(prompts, model, tokenizer, 4)
    assert len({len(tokens) for tokens in token_ids}) > 1
    together = respond(model, tokenizer, token_ids, 4)
    by_hand = []
    for tokens in token_ids:
        sequence = torch.tensor([tokens])
        for _ in range(4):
            best = model(sequence).logits[0, -1].argmax()
            sequence = torch.cat([sequence, best.view(1, 1)], 1)
            if best == tokenizer.eos_token_id:
                break
        by_hand.append(tokenizer.decode(sequence[0, len(tokens) :], skip_special_tokens=True))
    assert together == by_hand


def test_a_models_own_sampling_defaults_do_not_count(make_model, tokenizer, prompts):
    plain, odd = make_model(), make_model()
    odd.generation_config = GenerationConfig(
        do_sample=True, temperature=0.3, top_p=0.5, repetition_penalty=3.0, no_repeat_ngram_size=1,
        pad_token_id=0, eos_token_id=2,
    )  # fmt: skip
    token_ids = encode_prompts(prompts, plain, tokenizer, 8)
    assert respond(odd, tokenizer, token_ids, 8) == respond(plain, tokenizer, token_ids, 8)


def test_the_output_layer_is_handed_contiguous_states_and_no_hook_stays(make_model, tokenizer, prompts, monkeypatch):
    model = make_model().requires_grad_(False)
    head, seen = model.get_output_embeddings(), []
    multiply = head.forward
    monkeypatch.setattr(head, "forward", lambda states: (seen.append(states.is_contiguous()), multiply(states))[1])
    respond(model, tokenizer, encode_prompts(prompts, model, tokenizer, 2), 2)
    assert seen
    assert all(seen)
    assert not head._forward_pre_hooks


@pytest.mark.parametrize("killed_after", ["start", "batch", "middle of a batch", "middle of a line", "end"])
def test_a_killed_run_ends_with_the_same_bytes(model, tokenizer, prompts, even, tmp_path, killed_after):
    whole = evaluate(model, tokenizer, prompts, [even], folder=tmp_path / "whole", **QUICK)
    finished = (tmp_path / "whole" / "answers.jsonl").read_bytes()
    lines = finished.splitlines(keepends=True)
    assert len(lines) == 1 + len(prompts)
    kept = {
        "start": lines[:1], "batch": lines[:6], "middle of a batch": lines[:9],
        "middle of a line": [*lines[:7], lines[7][:9]], "end": lines,
    }[killed_after]  # fmt: skip
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "answers.jsonl.partial").write_bytes(b"".join(kept))
    again = evaluate(model, tokenizer, prompts, [even], folder=tmp_path / "killed", **QUICK)
    assert again == whole
    assert (tmp_path / "killed" / "answers.jsonl").read_bytes() == finished
    assert not (tmp_path / "killed" / "answers.jsonl.partial").exists()


def test_a_finished_run_is_not_done_again(model, tokenizer, prompts, tmp_path, monkeypatch):
    first = evaluate(model, tokenizer, prompts, folder=tmp_path, **QUICK)
    monkeypatch.setattr("safe_finetune.evaluation.run.respond", None)
    assert evaluate(model, tokenizer, prompts, folder=tmp_path, **QUICK) == first


def test_answers_of_other_settings_are_refused_by_name(model, make_model, tokenizer, prompts, even, tmp_path):
    evaluate(model, tokenizer, prompts, folder=tmp_path, **QUICK)
    for differing, arguments in {
        "max_new_tokens": (model, tokenizer, prompts, [], 3),
        "weights": (make_model(1), tokenizer, prompts, [], 4),
        "prompts": (model, tokenizer, prompts[1:], [], 4),
        "judges": (model, tokenizer, prompts, [even], 4),
    }.items():
        with pytest.raises(ValueError, match=f"holds answers with other {differing};"):
            evaluate(*arguments[:4], max_new_tokens=arguments[4], batch_size=5, folder=tmp_path)


def test_a_file_that_is_none_of_answers_is_left_alone(model, tokenizer, prompts, tmp_path):
    (tmp_path / "answers.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(ValueError, match="line 1: does not say what the answers are for"):
        evaluate(model, tokenizer, prompts, folder=tmp_path, **QUICK)
    assert (tmp_path / "answers.jsonl").read_text() == '{"id": 1}\n'


def test_texts_are_kept_only_if_asked_for(model, tokenizer, prompts, tmp_path):
    for keep in (False, True):
        folder = tmp_path / str(keep)
        report = evaluate(model, tokenizer, prompts, folder=folder, keep_texts=keep, **QUICK)
        report.to_json(folder / "report.json")
        written = "".join(path.read_text() for path in folder.iterdir())
        assert not any(prompt.text in written for prompt in prompts)
        assert ('"response"' in written) == keep
        assert all((answer.response is not None) == keep for answer in report.answers)
        lines = (folder / "answers.jsonl").read_text().splitlines()[1:]
        assert {json.loads(line)["id"] for line in lines} == {prompt.id for prompt in prompts}


def test_copies_are_asked_once_and_answers_keep_the_order_of_prompts(model, tokenizer, prompts):
    report = evaluate(model, tokenizer, prompts + prompts[:2], **QUICK)
    assert [answer.id for answer in report.answers] == [prompt.id for prompt in prompts]


def test_the_mode_of_the_model_is_left_as_it_was(make_model, tokenizer, prompts):
    model = make_model().train()
    evaluate(model, tokenizer, prompts[:1], **QUICK)
    assert model.training


def test_response_loss_is_the_mean_over_rows(model, tokenizer, prompts, encode, make_rows):
    from safe_finetune.sft import row_losses

    rows = encode(make_rows(5))
    report = evaluate(model, tokenizer, prompts[:1], rows=rows, **QUICK)
    losses = row_losses(model, rows).numpy()
    assert report.loss.value == pytest.approx(losses.mean(), rel=1e-6)
    half = 1.96 * losses.std(ddof=1) / 5**0.5
    assert report.loss.interval[1] - report.loss.value == pytest.approx(half, rel=1e-3)


@pytest.mark.parametrize(
    ("response", "right"),
    [("Bath.", True), (" bath, I think", True), ("bathroom", False), ("In the bath", False), ("", False)],
)
def test_an_answer_is_right_if_the_response_begins_with_it(response, right):
    assert is_correct(response, "bath ") == right


def test_what_cannot_be_evaluated_is_said(model, tokenizer, prompts, even):
    import copy

    bare = copy.deepcopy(tokenizer)
    bare.chat_template = None
    long = Prompt(id="long", text="day " * 600, kind="harmful", place="p.jsonl, line 3")
    for arguments, message in (
        ((model, tokenizer, []), "there are no prompts"),
        ((model, bare, prompts), "no chat template"),
        ((model, tokenizer, [long]), "p.jsonl, line 3: has [0-9]+ tokens"),
        ((model, tokenizer, prompts, [even, even]), "'even' comes twice"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(*arguments, **QUICK)
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        evaluate(model, tokenizer, prompts, batch_size=0)
