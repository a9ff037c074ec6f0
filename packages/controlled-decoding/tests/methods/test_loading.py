import pytest

from controlled_decoding.config import SASAConfig
from controlled_decoding.methods.best_of_n import BestOfN
from controlled_decoding.methods.experts import Experts
from controlled_decoding.methods.loading import FORMS, load_method


class NamedJudge:
    version, sha256 = "1", "0"

    def __init__(self, name):
        self.name = name

    def score(self, texts):
        return [0.0] * len(texts)


JUDGES = [NamedJudge("first"), NamedJudge("hf:model:label")]


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("plain", "plain"),
        ("sasa:1.0", "sasa(1)"),
        ("sasa-softmax:10", "sasa-softmax(10)"),
        ("sasa-identity:3", "sasa-identity(3)"),
        ("sasa-zscore:2", "sasa-zscore(2)"),
        ("sasa-kl:0.5", "sasa-kl(0.5)"),
        ("static:1.0", "static(1)"),
        ("self-debias:50", "self-debias(50)"),
        ("best-of:4", "best-of(4)"),
        ("best-of:4:first", "best-of(4)"),
        ("reward:20:hf:model:label", "reward(20)"),
    ],
)
def test_specifications_give_methods_named_by_family_and_strength(spec, name, subspace):
    assert load_method(spec, subspace=subspace, judges=JUDGES).name == name


def test_word_lists_and_experts_are_loaded_from_disk(tmp_path, model, tokenizer, subspace):
    (tmp_path / "list.txt").write_text("garden\n", encoding="utf-8")
    assert load_method(f"words:{tmp_path / 'list.txt'}").words == ["garden"]
    model.save_pretrained(tmp_path / "expert")
    tokenizer.save_pretrained(tmp_path / "expert")
    method = load_method(f"experts:1.5:+{tmp_path / 'expert'}")
    assert isinstance(method, Experts)
    assert (method.name, method.expert, method.anti_expert.config.vocab_size) == ("experts(1.5)", None, 320)


def test_settings_beside_the_strength_reach_the_sampler(subspace):
    config = SASAConfig(max_candidates=7, kl_budget=2.0, strength=9.0)
    plain, budget = (load_method(spec, subspace=subspace, config=config) for spec in ("sasa:3", "sasa-kl:0.1"))
    assert plain.steering.config == SASAConfig(max_candidates=7, strength=3.0)
    assert budget.steering.config == SASAConfig(max_candidates=7, kl_budget=0.1)


def test_best_of_chooses_by_the_subspace_unless_a_judge_is_named(subspace):
    assert load_method("best-of:2", subspace=subspace, judges=JUDGES).scorer is subspace
    named = load_method("best-of:2:hf:model:label", subspace=subspace, judges=JUDGES)
    assert isinstance(named, BestOfN)
    assert named.scorer is JUDGES[1]


@pytest.mark.parametrize("spec", ["sas:1", "SASA:1", "sasa", "plain:1", "", "words", "nothing-like-it"])
def test_unknown_forms_are_answered_with_all_forms(spec, subspace):
    with pytest.raises(ValueError, match="is not a method; the forms are") as caught:
        load_method(spec, subspace=subspace)
    assert all(form in str(caught.value) for form in FORMS)


def test_the_nearest_form_is_offered():
    with pytest.raises(ValueError, match="did you mean self-debias:DECAY"):
        load_method("selfdebias:50")
    with pytest.raises(ValueError, match="did you mean best-of:N or best-of:N:JUDGE"):
        load_method("best-off:4")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sasa:strong", "'strong' in the method 'sasa:strong' is not a number; the form is sasa:STRENGTH"),
        ("sasa:1:2", "'2' after the number of 'sasa:1:2' means nothing"),
        ("sasa:-1", "`strength` must be finite and >= 0"),
        ("best-of:2.5", "2.5 in the method 'best-of:2.5' is not a whole number"),
        ("best-of:inf", "inf in the method 'best-of:inf' is not a whole number"),
        ("best-of:2:third", r"names the judge 'third'; the judges of this run are \['first', 'hf:model:label'\]"),
    ],
)
def test_bad_arguments_name_the_specification(spec, message, subspace):
    with pytest.raises(ValueError, match=message):
        load_method(spec, subspace=subspace, judges=JUDGES)


@pytest.mark.parametrize("spec", ["sasa:1", "sasa-kl:1", "static:1", "best-of:2"])
def test_a_missing_subspace_is_asked_for(spec, model, make_subspace):
    with pytest.raises(ValueError, match=f"'{spec}' needs a subspace"):
        load_method(spec)
    if not spec.startswith("sasa"):
        two = [make_subspace(model, attribute=name) for name in ("toxicity", "formality")]
        with pytest.raises(ValueError, match="takes one subspace, got toxicity, formality"):
            load_method(spec, subspace=two)
