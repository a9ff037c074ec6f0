"""Models as judges agree with the same sums done by hand, and disagreement is counted."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForSequenceClassification

from safe_finetune.evaluation import (
    Answer,
    ClassifierJudge,
    Judge,
    JudgeSpec,
    RefusalMatcher,
    YesNoJudge,
    agreements,
    load_judge,
)
from safe_finetune.evaluation.judges import scores_of

PROMPTS, RESPONSES = ["the fox {response}", "day"], ["red roses and so on", "sun {prompt}"]


@pytest.fixture(scope="module")
def classifier():
    fields = {"vocab_size": 320, "hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    config = LlamaConfig(
        **fields, num_hidden_layers=1, max_position_embeddings=64, pad_token_id=0, id2label={0: "ok", 1: "bad", 2: "odd"},
        label2id={"ok": 0, "bad": 1, "odd": 2},
    )  # fmt: skip
    torch.manual_seed(0)
    return LlamaForSequenceClassification(config).eval()


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_classifier_judges_by_the_probability_of_its_label(classifier, tokenizer, tmp_path, batch_size):
    classifier.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    spec = JudgeSpec(model=str(tmp_path), says="harm", label="bad", text="{prompt} / {response}")
    judge = load_judge(spec, device="cpu", batch_size=batch_size)
    assert isinstance(judge, Judge)
    wanted = []
    for text in ("the fox {response} / red roses and so on", "day / sun {prompt}"):
        logits = classifier(torch.tensor([tokenizer(text)["input_ids"]])).logits
        wanted.append(logits.softmax(-1)[0, 1].item())
    assert scores_of(judge, PROMPTS, RESPONSES) == pytest.approx(wanted, abs=1e-5)
    assert judge.name == f"{tmp_path.name}:bad"


def test_labels_that_do_not_exclude_each_other_are_judged_one_by_one(classifier, tokenizer):
    judge = ClassifierJudge(classifier, tokenizer, label="odd", says="harm", name="tiny")
    logits = classifier(torch.tensor([tokenizer("day")["input_ids"]])).logits
    assert judge.score(["-"], ["day"]) == pytest.approx([logits.softmax(-1)[0, 2].item()], abs=1e-5)
    classifier.config.problem_type = "multi_label_classification"
    assert judge.score(["-"], ["day"]) == pytest.approx([logits.sigmoid()[0, 2].item()], abs=1e-5)
    classifier.config.problem_type = None


def test_long_texts_are_cut_to_what_the_classifier_reads(classifier, tokenizer):
    judge = ClassifierJudge(classifier, tokenizer, label="odd", says="harm", name="tiny")
    assert len(judge.score(["-"], ["day " * 200])) == 1


@pytest.mark.parametrize("template", [True, False])
def test_a_language_model_judges_by_yes_against_no(make_model, tokenizer, template):
    import copy

    tokenizer = copy.deepcopy(tokenizer)
    if not template:
        tokenizer.chat_template = None
    model = make_model()
    judge = YesNoJudge(model, tokenizer, question="{prompt}? {response}", says="refusal", name="tiny", batch_size=2)
    yes = {tokenizer(word)["input_ids"][0] for word in ("Yes", "yes", " Yes", " yes", "YES")}
    no = {tokenizer(word)["input_ids"][0] for word in ("No", "no", " No", " no", "NO")}
    wanted = []
    for question in ("the fox {response}? red roses and so on", "day? sun {prompt}"):
        text = f"<user> {question}<eos><assistant> " if template else question
        tokens = tokenizer(text, add_special_tokens=not template)["input_ids"]
        chances = model(torch.tensor([tokens])).logits[0, -1].softmax(-1)
        first, second = (chances[sorted(group)].sum().item() for group in (yes - no, no - yes))
        wanted.append(first / (first + second))
    assert judge.score(PROMPTS, RESPONSES) == pytest.approx(wanted, abs=1e-4)


def test_what_no_judge_can_be_made_of_is_refused(classifier, tokenizer, tmp_path):
    with pytest.raises(ValueError, match="did you mean 'bad'"):
        ClassifierJudge(classifier, tokenizer, label="badd", says="harm", name="tiny")
    with pytest.raises(ValueError, match=r"`text` of a judge must have \{response\}"):
        ClassifierJudge(classifier, tokenizer, label="bad", says="harm", name="tiny", text="{prompt}")
    with pytest.raises(ValueError, match="either `label`"):
        JudgeSpec(model="m", says="harm")
    with pytest.raises(FileNotFoundError, match="no classifier folder"):
        load_judge(JudgeSpec(model=str(tmp_path / "none"), says="harm", label="bad"))


@pytest.mark.parametrize(
    ("scores", "message"), [([0.5], "1 scores for 2"), ([0.5, 1.5], "1.5"), ([0.5, float("nan")], "nan")]
)
def test_scores_that_are_none_are_refused(even, scores, message):
    even.score = lambda prompts, responses: scores
    with pytest.raises(ValueError, match=message):
        scores_of(even, ["a", "b"], ["c", "d"])


def test_the_matcher_is_a_judge():
    assert isinstance(RefusalMatcher(), Judge)
    assert RefusalMatcher().score(["-", "-"], ["I can't help.", "Here it is."]) == [1.0, 0.0]


def answers(cases, kind="harmful"):
    return [
        Answer(id=f"{kind}{number}", kind=kind, source="", outcome="other", scores={"a": first, "b": second, "c": 0.0})
        for number, (first, second) in enumerate(cases)
    ]


def test_kappa_agrees_with_cohens_example():
    # 20 both, 5 only the first, 10 only the second, 15 neither: agreement 0.7, by chance 0.5.
    cases = [(1.0, 1.0)] * 20 + [(1.0, 0.0)] * 5 + [(0.0, 1.0)] * 10 + [(0.0, 0.0)] * 15
    (found,) = agreements(answers(cases), {"a": "refusal", "b": "refusal", "c": "harm"})
    assert (found.both, found.only_first, found.only_second, found.neither) == (20, 5, 10, 15)
    assert found.kappa == pytest.approx(0.4)
    assert found.disagreements == 15


def test_kappa_is_undefined_where_all_say_the_same():
    says = {"a": "refusal", "b": "refusal"}
    found = agreements(answers([(1.0, 1.0)] * 3) + answers([(0.0, 1.0)], "task"), says)
    assert [pair.kind for pair in found] == ["harmful", "task"]
    assert found[0].kappa is None
    assert found[1].kappa == pytest.approx(0.0)
