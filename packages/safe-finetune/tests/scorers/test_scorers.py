"""Every scorer finds what was planted for it, joins by id, and leaves the model as it was."""

import numpy as np
import pytest
import torch
from peft import LoraConfig
from transformers import TrainingArguments

from gpu_commons import model_fingerprint
from safe_finetune.rows import Message, Row, RowEncoder
from safe_finetune.scorers import (
    DSIRScorer,
    ExcessLossScorer,
    GradientSimilarityScorer,
    LossScorer,
    RandomScorer,
    SafeTunedLossScorer,
    Scorer,
    SealScorer,
)
from safe_finetune.scorers.random_projection import RandomProjection
from safe_finetune.seal import SealConfig

LORA = LoraConfig(r=4, target_modules=["q_proj", "v_proj"])
HARD = [number % 4 == 3 for number in range(16)]


def planted():
    """Every fourth fine-tuning row answers unlike the safe rows do; the others answer as those."""
    asked = ("fox", "dog", "sun", "garden", "roses", "text", "model", "token")

    def row(name, number, answer):
        messages = (Message("user", f"{name} {asked[number % 8]} {number}"), Message("assistant", answer))
        return Row(id=f"{name}-{number}", messages=messages, place=f"{name}, line {number + 1}")

    tune = [row("tune", n, "7 7 3 ! ?" if HARD[n] else "the lazy dog sleeps") for n in range(16)]
    return tune, [row("safe", n, "the lazy dog sleeps") for n in range(8)]


def separates(scores):
    """Share of pairs in which a row like the safe ones is above one unlike them."""
    tune, _ = planted()
    assert scores.row_ids == tuple(row.id for row in tune)
    hard = np.array(HARD)
    return float((scores.logits[~hard][:, None] > scores.logits[hard][None]).mean())


def settings(quiet, **more):
    return TrainingArguments(**{**quiet, "max_steps": 12, **more})


def seal(quiet, **more):
    return SealConfig(**{**quiet, "max_steps": 24, "warmup_steps": 0.0, **more})


@pytest.fixture
def scorers(quiet):
    return {
        "safe-tuned": SafeTunedLossScorer(training=settings(quiet)),
        "safe-tuned, adapters": SafeTunedLossScorer(training=settings(quiet, learning_rate=0.1), peft_config=LORA),
        "excess": ExcessLossScorer(training=settings(quiet)),
        "gradients": GradientSimilarityScorer(width=256),
        "gradients, named": GradientSimilarityScorer(width=256, parameters=("mlp", "lm_head")),
        "gradients, adapters": GradientSimilarityScorer(width=256, peft_config=LORA),
        "dsir": DSIRScorer(),
        "seal": SealScorer(training=seal(quiet, upper_weight=0.9)),
        "seal, adapters": SealScorer(training=seal(quiet, learning_rate=0.1), peft_config=LORA),
        "seal, without u": SealScorer(training=seal(quiet, algorithm="memory_efficient")),
    }


NAMES = ("safe-tuned", "safe-tuned, adapters", "excess", "gradients", "gradients, named", "gradients, adapters")
NAMES += ("dsir", "seal", "seal, adapters", "seal, without u")


@pytest.mark.parametrize("name", NAMES)
def test_rows_unlike_safe_rows_come_last(name, scorers, make_model, tokenizer):
    model = make_model()
    before = {key: part.clone() for key, part in model.state_dict().items()}
    scorer = scorers[name]
    assert isinstance(scorer, Scorer)
    scores = scorer.score(model, tokenizer, *planted())
    assert separates(scores) == 1.0
    assert scores.metadata["model_fingerprint"] == model_fingerprint(make_model())
    assert {"dataset_fingerprint", "tokenizer_fingerprint", "config", "version", "method"} < scores.metadata.keys()
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], part) for key, part in before.items())
    kept = scores.select(planted()[0], keep_ratio=0.75)
    assert [HARD[int(row.id.split("-")[1])] for row in kept] == [False] * 12


def test_loss_ranks_by_the_given_model(make_model, tokenizer):
    tune, safe = planted()
    scores = LossScorer().score(make_model(), tokenizer, tune, safe)
    np.testing.assert_array_equal(scores.logits, -scores.last_losses)
    assert scores.last_losses.min() > 0


def test_excess_is_the_difference_of_two_tuned_models(make_model, tokenizer, quiet):
    tune, safe = planted()
    scorer = ExcessLossScorer(training=settings(quiet))
    after_safe = SafeTunedLossScorer(training=settings(quiet)).score(make_model(), tokenizer, tune, safe)
    after_tune = SafeTunedLossScorer(training=settings(quiet)).score(make_model(), tokenizer, tune, tune)
    found = scorer.score(make_model(), tokenizer, tune, safe)
    np.testing.assert_allclose(found.logits, after_safe.logits - after_tune.logits, rtol=1e-5)


def test_random_scores_follow_the_seed(make_model, tokenizer):
    tune, safe = planted()
    one, again, other = (RandomScorer(seed=seed).score(make_model(), tokenizer, tune, safe) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.logits, again.logits)
    assert (one.logits != other.logits).all()


def test_what_length_drops_has_no_score_and_the_others_keep_theirs(make_model, tokenizer):
    tune, safe = planted()
    long = Row(id="long", messages=(Message("user", "a fox " * 60), tune[0].messages[1]))
    encoder = RowEncoder(max_length=100, too_long="drop")
    for scorer in (LossScorer(encoder=encoder), DSIRScorer(encoder=encoder)):
        alone = scorer.score(make_model(), tokenizer, tune, safe)
        among = scorer.score(make_model(), tokenizer, [long, *tune], safe)
        assert among.row_ids == alone.row_ids
        if isinstance(scorer, LossScorer):
            np.testing.assert_allclose(among.logits, alone.logits, rtol=1e-5)
    assert len(among.select([long, *tune], keep_ratio=0.5, allow_subset=True)) == 8


def test_projection_keeps_inner_products_and_is_linear():
    drawn = torch.Generator().manual_seed(0)
    vectors = torch.randn(6, 5000, generator=drawn)
    vectors[1] = vectors[0] + 0.1 * vectors[1]
    project = RandomProjection(2048, seed=1)

    def projected(vector):
        return project([vector[:1200].reshape(30, 40), vector[1200:]])

    found = torch.stack([projected(vector) for vector in vectors])
    assert float((found @ found.T - vectors @ vectors.T).abs().max()) / 5000 < 4 * (2 / 2048) ** 0.5
    torch.testing.assert_close(projected(vectors[2] - 3 * vectors[4]), found[2] - 3 * found[4], rtol=1e-4, atol=1e-3)
    assert float((found[0] - RandomProjection(2048, seed=2)([vectors[0]])).norm()) > 10


def test_a_model_whose_losses_are_no_numbers_scores_nothing(make_model, tokenizer):
    model = make_model()
    torch.nn.init.constant_(model.lm_head.weight, torch.nan)
    for scorer in (LossScorer(), GradientSimilarityScorer(width=16)):
        with pytest.raises(ValueError, match="(tune|safe), line 1: the loss is not finite"):
            scorer.score(model, tokenizer, *planted())


def test_wrong_settings_are_refused(make_model, tokenizer):
    with pytest.raises(ValueError, match="fits none of the .* trainable ones, such as"):
        GradientSimilarityScorer(parameters=("nowhere",)).score(make_model(), tokenizer, *planted())
    with pytest.raises(ValueError, match="`width` must be at least 1, got 0"):
        RandomProjection(0)
