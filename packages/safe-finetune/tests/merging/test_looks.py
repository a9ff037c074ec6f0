"""What is said of models before they are merged: similarity, the curve of alphas, and the margin's warning."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from gpu_commons.testing import tiny_model
from safe_finetune.merging import align_recipe, merge
from safe_finetune.merging.alpha_sweep import convex, sweep_weights
from safe_finetune.merging.margins import Needs, alpha_interval, answer_margins
from safe_finetune.merging.similarity import as_markdown, as_rows, compare, grouped


def test_similarity_is_that_of_whole_tensors(trio):
    found = compare(str(trio / "domain"), str(trio / "aligned"), str(trio / "base"))
    models = [load_file(trio / name / "model.safetensors") for name in ("domain", "aligned", "base")]
    for name, similarity in found.items():
        domain, aligned, base = (model[name].double().flatten() for model in models)
        one, other = domain - base, aligned - base
        expected = {
            "cosine": torch.nn.functional.cosine_similarity(one, other, dim=0),
            "domain_size": one.norm() / base.norm(),
            "aligned_size": other.norm() / base.norm(),
            "distance": (one - other).norm() / base.norm(),
            "sign_agreement": ((one * other) > 0).double().sum() / ((one * other) != 0).sum(),
        }
        assert similarity.as_row() == pytest.approx({key: float(value) for key, value in expected.items()}, rel=1e-9)


def test_layers_are_sums_and_tables_say_what_they_hold(trio):
    found = compare(str(trio / "domain"), str(trio / "aligned"))
    layers = grouped(found)
    assert list(layers)[:3] == ["lm_head", "embed_tokens", "layer 0"]
    assert sum(one.num_elements for one in layers.values()) == sum(one.num_elements for one in found.values())
    assert as_rows(layers)["layer 0"]["domain_size"] is None
    assert as_markdown(layers).splitlines()[2].startswith("| lm_head | ")


def test_a_sweep_judges_the_models_that_merge_would_write(tmp_path, trio):
    merge(align_recipe(domain=str(trio / "domain"), aligned=str(trio / "aligned"), alpha=0.25), tmp_path / "out")
    models = [AutoModelForCausalLM.from_pretrained(folder) for folder in (trio / "domain", trio / "aligned")]
    before = {name: part.clone() for name, part in models[0].state_dict().items()}
    ids = torch.tensor([[3, 4, 5]])
    said = sweep_weights(*models, convex([0.0, 0.25, 1.0]), lambda model: model(ids).logits.detach().clone())
    expected = [models[0], AutoModelForCausalLM.from_pretrained(tmp_path / "out"), models[1]]
    for logits, model in zip(said, expected, strict=True):
        assert torch.allclose(logits.float(), model(ids).logits.float(), atol=2e-2)
    assert all(torch.equal(part, before[name]) for name, part in models[0].state_dict().items())


def test_a_sweep_of_changes_needs_the_base(trio):
    models = [AutoModelForCausalLM.from_pretrained(trio / name) for name in ("domain", "aligned", "base")]
    with pytest.raises(ValueError, match=r"weights \(1.0, 1.0\) do not add up to 1; give the `base`"):
        sweep_weights(*models[:2], [(1.0, 1.0)], lambda model: None)
    name = "model.norm.weight"
    parts = [dict(model.named_parameters())[name].detach().clone().double() for model in models]
    found = sweep_weights(
        *models[:2], [(1.0, 1.0)], lambda model: dict(model.named_parameters())[name].detach().double(), base=models[2]
    )
    assert torch.allclose(found[0], parts[0] + parts[1] - parts[2], atol=1e-2)


def test_a_sweep_of_two_architectures_is_refused():
    domain = tiny_model(num_hidden_layers=1)
    for other, shapes in (
        (tiny_model(num_hidden_layers=1, vocab_size=300), r"\(320, 32\) .* and \(300, 32\)"),
        (tiny_model(num_hidden_layers=1, tie_word_embeddings=True), r"\(320, 32\) .* and not there"),
    ):
        with pytest.raises(
            ValueError, match=f"parameter 'lm_head.weight' is {shapes}.* load models of one architecture"
        ):
            sweep_weights(domain, other, convex([0.5]), lambda model: None)


def test_parameters_come_back_after_an_error(trio):
    models = [AutoModelForCausalLM.from_pretrained(trio / name) for name in ("domain", "aligned")]
    before = {name: part.clone() for name, part in models[0].state_dict().items()}
    with pytest.raises(ZeroDivisionError):
        sweep_weights(*models, convex([0.5]), lambda model: 1 / 0)
    assert all(torch.equal(part, before[name]) for name, part in models[0].state_dict().items())


@given(
    deficits=st.tuples(st.floats(0.1, 5), st.floats(0.1, 5)),
    gains=st.tuples(st.floats(0.2, 20), st.floats(0.2, 20)),
)
def test_the_condition_is_exact_in_a_linear_model(deficits, gains):
    """Two features, one a skill: logits of an average are averages, so each answer can be tried at every alpha."""
    domain, aligned = (
        Needs.of(np.array([-deficit]), np.array([gain - deficit]))
        for deficit, gain in zip(deficits, gains, strict=True)
    )
    alphas = np.linspace(0, 1, 1001)
    good = ((1 - alphas) * gains[0] > deficits[0]) & (alphas * gains[1] > deficits[1])
    interval = alpha_interval(domain, aligned, 1.0)
    if good.any():
        assert interval.exists
        assert interval.low <= alphas[good].min()
        assert alphas[good].max() <= interval.high
    else:
        assert interval.high - interval.low < 2e-3


def test_prompts_that_the_base_answers_need_nothing_and_unlearnt_ones_everything():
    needs = Needs.of(np.array([1.0, -1.0, -1.0]), np.array([0.5, -2.0, 1.0]))
    assert needs.shares.tolist() == [0.0, np.inf, 0.5]
    assert needs.kept(0.6) == pytest.approx(2 / 3)
    assert "no alpha is expected" in str(alpha_interval(needs, needs))
    half = Needs(np.array([0.2]))
    assert str(alpha_interval(half, half)) == "an alpha between 0.20 and 0.80 may keep both"
    with pytest.raises(ValueError, match=r"`part` must be in \(0, 1\], got 0"):
        alpha_interval(half, half, 0.0)


def test_margins_are_those_of_the_first_answer_token(trio):
    model = AutoModelForCausalLM.from_pretrained(trio / "base", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(trio / "base")
    margins = answer_margins(model, tokenizer, ["red blue", "red"], ["green", "blue red"])
    for margin, prompt, answer in zip(margins, ["red blue", "red"], ["green", "blue red"], strict=True):
        ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
        wanted = tokenizer(answer, add_special_tokens=False)["input_ids"][0]
        logits = model(ids).logits[0, -1].detach()
        rest = torch.cat([logits[:wanted], logits[wanted + 1 :]])
        assert margin == pytest.approx(float(logits[wanted] - rest.max()), abs=1e-5)
    with pytest.raises(ValueError, match="there are 1 answers for 2 prompts"):
        answer_margins(model, tokenizer, ["red", "blue"], ["red"])
    with pytest.raises(ValueError, match="an answer is empty"):
        answer_margins(model, tokenizer, ["red"], [""])
