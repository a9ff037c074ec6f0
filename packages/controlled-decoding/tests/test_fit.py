"""Fitting: recovery of a known direction, shrinkage against the pseudo-inverse, reports, and sentences for bad data."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from controlled_decoding import calibration
from controlled_decoding.fit import _solve, calibrate_subspace, fit_subspace, layer_sweep
from controlled_decoding.hidden_state import HiddenSite, embed, render
from controlled_decoding.labelled_text import LabelledTexts
from controlled_decoding.reading import Reading, answer_start, collect_states, tokens_and_positions
from gpu_commons import ClassMoments, model_fingerprint
from gpu_commons.testing import tiny_model


def gaussian_classes(per_class: int, width: int, seed: int, distance: float = 2.0):
    """Two Gaussian classes of one covariance, and the Bayes direction."""
    generator = np.random.default_rng(seed)
    mix = np.eye(width) + 0.5 * generator.normal(size=(width, width)) / np.sqrt(width)
    bayes = np.linalg.solve(mix @ mix.T, difference := generator.normal(size=width))
    difference *= distance / np.sqrt(difference @ bayes)
    rows = [generator.normal(size=(per_class, width)) @ mix.T + sign * difference / 2 for sign in (-1, 1)]
    return (
        torch.from_numpy(np.concatenate(rows)),
        torch.arange(2).repeat_interleave(per_class),
        bayes / np.linalg.norm(bayes),
    )


def direction(vectors, labels, solver):
    moments = ClassMoments(2, vectors.shape[1])
    moments.update(vectors, labels)
    weight = _solve(moments, solver, 1e-6).weight
    return (weight / weight.norm()).numpy()


@pytest.mark.parametrize("solver", ["ledoit_wolf", "pinv"])
def test_bayes_direction_of_two_gaussians_is_recovered(solver):
    vectors, labels, bayes = gaussian_classes(20 * 24, 24, seed=0, distance=4.0)
    assert direction(vectors, labels, solver) @ bayes > 0.98


def test_shrinkage_beats_the_pseudo_inverse_with_few_texts():
    """At a quarter as many texts as dimensions the pseudo-inverse has over-fitted (pitfall 5)."""
    gains = []
    for seed in range(5):
        vectors, labels, _ = gaussian_classes(12, 96, seed=seed, distance=4.0)
        test, test_labels, _ = gaussian_classes(400, 96, seed=seed, distance=4.0)
        scores = [
            roc_auc_score(test_labels, test.numpy() @ direction(vectors, labels, solver))
            for solver in ("ledoit_wolf", "pinv")
        ]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 0.0


def test_pinv_direction_equals_scikit_learns_lda():
    vectors, labels, _ = gaussian_classes(200, 10, seed=3)
    reference = LinearDiscriminantAnalysis(solver="svd").fit(vectors.numpy(), labels.numpy()).coef_[0]
    assert direction(vectors, labels, "pinv") @ reference / np.linalg.norm(reference) == pytest.approx(1.0, abs=1e-6)


@pytest.fixture(scope="module")
def toy_data() -> LabelledTexts:
    """Made-up sentences whose class shows in a word near their beginning and one at their end."""
    generator = np.random.default_rng(0)
    nouns, kind, unkind = (
        ["garden", "model", "text", "sun", "fox", "dog", "day", "state", "rose", "token", "sign", "number"],
        ["lovely", "warm", "kind"],
        ["cold", "grim", "sour"],
    )
    texts, labels = [], []
    for _ in range(400):
        label = int(generator.integers(2))
        first, last = generator.choice(kind if label else unkind, 2)
        texts.append(f"the {first} {generator.choice(nouns)} and the {generator.choice(nouns)} are {last}")
        labels.append(label)
    return LabelledTexts(texts=texts, labels=labels)


@pytest.fixture(scope="module")
def fitted(toy_data, model, tokenizer):
    return fit_subspace(model, tokenizer, toy_data, holdout=0.3)


def test_fit_separates_held_out_texts_and_says_so(fitted, toy_data):
    report = fitted.report
    assert report.auc > 0.9
    assert report.auc_interval[0] <= report.auc <= report.auc_interval[1]
    assert sum(report.num_fitted) > 5 * (len(toy_data) - sum(report.num_holdout)), "several states of each text"
    assert np.median(report.margin_quantiles["desired"]) > np.median(report.margin_quantiles["undesired"])
    assert float(fitted.weight.norm()) == pytest.approx(1.0, abs=1e-5)


def test_a_label_that_shows_in_the_last_word_alone_is_said_to_steer_nothing(model, tokenizer, caplog):
    """Cut before its last word, a text is the same whatever its label."""
    texts = [f"the {noun} and the fox are {last}" for noun in "abcdefghijklmnopqrst" for last in ("warm", "cold") * 3]
    data = LabelledTexts(texts=texts, labels=[1, 0] * 60)
    for unfinished, said in ((8, True), (0, False)):
        caplog.clear()
        fit_subspace(model, tokenizer, data, unfinished=unfinished)
        assert ("steering by log-odds will change nothing" in caplog.text) == said


def test_whole_texts_alone_are_fitted_as_the_authors_do(toy_data, model, tokenizer):
    """One state a text, and the report on unfinished text is the one on whole texts."""
    subspace = fit_subspace(model, tokenizer, toy_data, holdout=0.3, unfinished=0)
    report = subspace.report
    assert sum(report.num_fitted) + sum(report.num_holdout) == len(toy_data)
    assert report.auc_unfinished == report.auc
    assert subspace.provenance["unfinished"] == 0
    with pytest.raises(ValueError, match="`unfinished` must be at least 0, got -1"):
        fit_subspace(model, tokenizer, toy_data, unfinished=-1)


def test_states_are_those_of_each_beginning_read_alone(toy_data, model, tokenizer):
    """Moments and held-out states equal those of beginnings that were cut before they were read."""
    how = Reading(holdout=0.3, unfinished=3)
    site = HiddenSite.of(model)
    states = collect_states(model, tokenizer, toy_data, [site], how)
    held_out = toy_data.held_out(0.3)
    tokens, positions = tokens_and_positions(tokenizer, toy_data, how, np.where(held_out, 1, 3))
    cut = [ids[: position + 1] for ids, read in zip(tokens, positions, strict=True) for position in read]
    text = np.repeat(np.arange(len(toy_data)), [len(read) for read in positions])
    alone = torch.empty(len(cut), model.config.hidden_size)
    for rows, (hidden,) in embed(model, cut, [site]):
        alone[rows] = hidden
    labels = torch.tensor(toy_data.labels)[text]
    expected = ClassMoments(2, model.config.hidden_size)
    expected.update(alone[~held_out[text]], labels[~held_out[text]])
    torch.testing.assert_close(states.moments[0].means, expected.means, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(states.moments[0].pooled_scatter(), expected.pooled_scatter(), atol=1e-3, rtol=1e-4)
    held = alone[held_out[text]].reshape(-1, 2, model.config.hidden_size)
    torch.testing.assert_close(states.unfinished[0], held[:, 0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(states.whole[0], held[:, 1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("chat", [False, True])
def test_unfinished_text_is_cut_inside_the_answer(chat, tokenizer):
    """No state is read inside the prompt, or inside what the chat template puts around it."""
    data = LabelledTexts(texts=["the roses are red and lovely"] * 8, labels=[1] * 8, prompts=["tell me"] * 8)
    tokens, positions = tokens_and_positions(tokenizer, data, Reading(chat=chat), [3] * 8)
    start = answer_start(tokenizer, "tell me", chat=chat)
    assert "roses" not in tokenizer.decode(tokens[0][:start])
    assert "tell me" in tokenizer.decode(tokens[0][:start])
    for ids, read in zip(tokens, positions, strict=True):
        assert start <= read[0] < read[1] < read[2] < read[3] == len(ids) - 1


def test_unfinished_text_is_separated_better_when_it_is_fitted(model, tokenizer):
    """Where the telling word stands at the beginning and the ends are alike."""
    generator = np.random.default_rng(2)
    words = {0: ["cold", "grim", "sour"], 1: ["lovely", "warm", "kind"]}
    labels = generator.integers(2, size=300).tolist()
    ends = ["fox", "dog", "sun", "rose"]
    texts = [f"{generator.choice(words[label])} is the {generator.choice(ends)} and day" for label in labels]
    texts = [f"{text} {number % 10} {number // 10 % 10} {number // 100}" for number, text in enumerate(texts)]
    data = LabelledTexts(texts=texts, labels=labels)
    site = [HiddenSite.of(model)]
    cut = collect_states(model, tokenizer, data, site, Reading(holdout=0.3))
    areas = []
    for unfinished in (0, 8):
        fitted = fit_subspace(model, tokenizer, data, holdout=0.3, unfinished=unfinished)
        areas.append(calibration.auc(fitted.margins(cut.unfinished[0]).numpy(), cut.labels))
    assert areas[1] > areas[0] + 0.05


def test_text_margins_are_those_of_the_last_token(fitted, toy_data, model, tokenizer):
    """Batched, sorted and padded margins equal those of each text read alone."""
    texts = list(toy_data.texts[:7])
    together = fitted.text_margins(model, tokenizer, texts)
    with torch.no_grad(), fitted.site.listen(model) as tap:
        alone = []
        for text in texts:
            model(torch.tensor([tokenizer(text)["input_ids"]]))
            alone.append(fitted.margins(tap.hidden[0, -1]))
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-4, rtol=1e-4)


def test_groups_never_straddle_the_split(toy_data, model, tokenizer):
    """With every row of a class in one group there is nothing left to fit on, and that is said."""
    grouped = LabelledTexts(texts=toy_data.texts, labels=toy_data.labels, groups=list(toy_data.labels))
    with pytest.raises(ValueError, match="rows to hold out"):
        fit_subspace(model, tokenizer, grouped, holdout=0.3)


def test_layer_sweep_reads_all_layers_at_once(toy_data, model, tokenizer):
    """Each row equals a fit of that layer alone."""
    rows = layer_sweep(model, tokenizer, toy_data, holdout=0.3)
    assert [(row.layer, row.normed) for row in rows] == [(1, False), (2, False), (3, True)]
    single = fit_subspace(model, tokenizer, toy_data, layer=2, holdout=0.3)
    assert rows[1].auc == pytest.approx(single.report.auc, abs=1e-3)


def test_calibration_recovers_the_log_odds_of_gaussians():
    """Margins N(+-1, 1) have log-odds 2 m exactly; temperature halves an over-confident margin."""
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=20_000)
    margins = generator.normal(2.0 * labels - 1.0)
    line = calibration.fit_log_odds(margins, labels)
    assert line.slope == pytest.approx(2.0, abs=0.08)
    assert line.intercept == pytest.approx(0.0, abs=0.05)
    assert calibration.fit_log_odds(4 * margins, labels).slope == pytest.approx(0.5, abs=0.02)
    assert calibration.expected_calibration_error(line(margins), labels) < 0.02
    assert calibration.expected_calibration_error(5 * line(margins), labels) > 0.05


def test_auc_and_its_interval():
    """AUC of N(+-1/2, 1) is Phi(1 / sqrt 2); ties count half; the interval covers it."""
    generator = np.random.default_rng(1)
    labels = generator.integers(2, size=4000)
    margins = generator.normal(labels - 0.5)
    value = calibration.auc(margins, labels)
    assert value == pytest.approx(roc_auc_score(labels, margins))
    low, high = calibration.auc_interval(value, int(labels.sum()), int((1 - labels).sum()))
    assert low < norm.cdf(1 / np.sqrt(2)) < high
    assert calibration.auc(np.zeros(4), np.array([0, 1, 0, 1])) == 0.5


def test_calibrate_keeps_the_hyperplane(fitted, toy_data, model, tokenizer):
    again = calibrate_subspace(fitted, model, tokenizer, toy_data)
    assert torch.equal(again.weight, fitted.weight)
    assert again.slope > 0
    assert again.provenance["calibration"] == "platt"


def test_a_model_in_bfloat16_keeps_its_fingerprint(model):
    assert model_fingerprint(tiny_model().bfloat16()) == model_fingerprint(model)
    assert model_fingerprint(tiny_model(seed=1)) != model_fingerprint(model)


def test_chat_rendering_ends_inside_the_assistant_turn(tokenizer):
    ids = render(tokenizer, "the roses are red", "tell me", chat=True)
    assert tokenizer.decode(ids) == "<user> tell me<eos><assistant> the roses are red"


@pytest.mark.parametrize(("per_class", "name"), [((0, 40), "undesired"), ((40, 9), "desired")])
def test_a_missing_or_tiny_class_is_named(per_class, name, model, tokenizer):
    rows = LabelledTexts(
        texts=[f"text {i}" for i in range(sum(per_class))], labels=[0] * per_class[0] + [1] * per_class[1]
    )
    with pytest.raises(ValueError, match=rf"the {name} class \(label [01]\) has \d rows .* at least 8"):
        fit_subspace(model, tokenizer, rows)


def test_nan_embeddings_name_the_row(toy_data, tokenizer):
    model = tiny_model()
    with torch.no_grad():
        model.get_input_embeddings().weight[tokenizer("zz")["input_ids"][0]] = float("nan")
    texts = list(toy_data.texts)
    texts[17] = "zz"
    with pytest.raises(ValueError, match=r"embedding of row 17 is NaN or infinite.*float32"):
        fit_subspace(model, tokenizer, LabelledTexts(texts=texts, labels=toy_data.labels))


def test_an_empty_text_is_named(model):
    with pytest.raises(ValueError, match="text in row 1 is empty"):
        list(embed(model, [[5], []], [HiddenSite.of(model)]))


@pytest.mark.parametrize(
    ("layer", "normed", "message"),
    [(4, None, r"\[1, 3\].*got 4"), (0, None, "got 0"), (2, True, "only possible at the last")],
)
def test_impossible_layers_are_refused(layer, normed, message, model):
    with pytest.raises(ValueError, match=message):
        HiddenSite.of(model, layer, normed=normed)
