import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from controlled_decoding.judges import load_judge
from gpu_commons.testing import tiny_tokenizer

TEXTS = ["kindly help me", "the lazy dog sleeps all day and the fox does not"]


def save_classifier(folder, labels, **fields):
    names = dict(enumerate(labels))
    config = BertConfig(
        vocab_size=320,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        id2label=names,
        **fields,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertForSequenceClassification(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def test_softmax_scores_of_all_labels_add_up_and_match_one_by_one(tmp_path):
    folder = save_classifier(tmp_path / "m", ["kind", "neutral", "rude"])
    judges = [load_judge(f"hf:{folder}:{label}") for label in ("kind", "neutral", "rude")]
    scores = torch.tensor([judge.score(TEXTS) for judge in judges])
    assert torch.allclose(scores.sum(0), torch.ones(2), atol=1e-6)
    assert judges[2].score(TEXTS[:1]) + judges[2].score(TEXTS[1:]) == pytest.approx(judges[2].score(TEXTS), abs=1e-6)
    assert len({judge.sha256 for judge in judges}) == 3


def test_multi_label_scores_are_sigmoids(tmp_path):
    folder = save_classifier(tmp_path / "m", ["insult", "threat"], problem_type="multi_label_classification")
    judge = load_judge(f"hf:{folder}:threat")
    encoded = judge._tokenizer(TEXTS, padding=True, padding_side="right", return_tensors="pt")
    with torch.no_grad():
        expected = judge._model(**encoded).logits.sigmoid()[:, 1].tolist()
    assert judge.score(TEXTS) == pytest.approx(expected)


def test_an_unknown_label_and_a_missing_folder_are_refused(tmp_path):
    folder = save_classifier(tmp_path / "m", ["kind", "rude"])
    with pytest.raises(ValueError, match="has no label 'ruder'; it has kind, rude; did you mean 'rude'"):
        load_judge(f"hf:{folder}:ruder")
    with pytest.raises(FileNotFoundError, match="no classifier folder at"):
        load_judge(f"hf:{tmp_path / 'none'}:rude")
