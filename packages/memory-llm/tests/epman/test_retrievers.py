"""Retrievers put the chunk that answers first, and say what they were made of."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from memory_llm.epman.retrievers import BM25Retriever, EmbeddingRetriever, HFDualEncoder, Retriever

TEXTS = ["the fox jumps over the dog", "roses are red in the garden", "numbers such as 0 1 2"]


class LetterCounts:
    """Embeds a text by how often each letter occurs."""

    def embed(self, texts):
        counts = np.array([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def dual_encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dual")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({word for text in TEXTS for word in text.split()})]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **sizes), add_pooling_layer=False).save_pretrained(folder)
    return str(folder)


def best(retriever, question):
    assert isinstance(retriever, Retriever)
    scores = retriever.scores([question], TEXTS, retriever.encode_chunks(TEXTS))
    assert scores.shape == (1, len(TEXTS))
    return int(scores.argmax())


def test_embeddings_and_words_find_the_chunk():
    for retriever in (EmbeddingRetriever(LetterCounts()), BM25Retriever()):
        assert best(retriever, "which roses are red?") == 1
        assert best(retriever, "the fox and the dog") == 0


def test_words_are_indexed_once_for_the_same_texts():
    retriever = BM25Retriever()
    assert retriever._indexed(TEXTS) is retriever._indexed(list(TEXTS))
    assert retriever._indexed(TEXTS) is not retriever._indexed(TEXTS[:2])


@pytest.mark.parametrize("similarity", ["cos", "dot"])
def test_a_dual_encoder_reads_its_first_token(dual_encoder, similarity):
    retriever = HFDualEncoder(dual_encoder, similarity=similarity, device="cpu", batch_size=2)
    vectors = retriever.encode_chunks(TEXTS)
    tokens = retriever.tokenizer(TEXTS[:1], return_tensors="pt")
    expected = BertModel.from_pretrained(dual_encoder, add_pooling_layer=False).eval()(**tokens).last_hidden_state[0, 0]
    if similarity == "cos":
        expected = expected / expected.norm()
    assert torch.allclose(vectors[0], expected, atol=1e-5)
    assert torch.allclose(retriever.scores(TEXTS, TEXTS, vectors), vectors @ vectors.mT, atol=1e-5)
    assert retriever.fingerprint == f"dual {dual_encoder} {similarity}"


def test_a_text_beyond_the_dual_encoders_reach_is_warned_of(dual_encoder):
    retriever = HFDualEncoder(dual_encoder, device="cpu")
    with pytest.warns(UserWarning, match="a text has 512 tokens of the retriever or more"):
        assert len(retriever.encode_chunks(["roses are red " * 200, "numbers"])) == 2


def test_an_unknown_similarity_is_refused(dual_encoder):
    with pytest.raises(ValueError, match="must be 'cos' or 'dot', got 'l2'"):
        HFDualEncoder(dual_encoder, similarity="l2")
