"""Texts become keys and values that fit the memory, and connectors come back from their files."""

import json

import pytest
import torch

from memory_llm.larimar.pipeline import CONFIG_FILE, CONNECTOR_FILE, Larimar, _read_connector


def test_encodings_do_not_depend_on_the_batch(larimar):
    texts = ["the fox", "the dog sleeps in the warm sun all day", "a", "roses are red"]
    together = larimar.encode(texts)
    alone = torch.cat([larimar.encode([text]) for text in texts])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(4))


def test_value_holds_prompt_encoding_and_target_embeddings(larimar):
    keys, values = larimar.facts(["the fox sleeps in the"], ["sun"])
    assert torch.equal(values[:, :16], keys)
    ids = larimar.target_ids(["sun"])[0]
    expected = larimar.model.get_input_embeddings().weight[ids.clamp(min=0)] * (ids >= 0)[:, None]
    assert torch.equal(values[0, 16:], expected.flatten())
    assert larimar.tokenizer.decode(ids[ids >= 0]) == " sun."


def test_linear_values_encode_the_whole_fact(make_larimar):
    larimar = make_larimar(connector="linear")
    keys, values = larimar.facts(["the fox sleeps in the"], ["sun"])
    torch.testing.assert_close(values, larimar.encode(["the fox sleeps in the sun."]))
    torch.testing.assert_close(keys, larimar.encode(["the fox sleeps in the"]))


@pytest.mark.parametrize("pooling", ["mean", "cls", "pooler"])
def test_poolings_are_what_they_say(make_larimar, pooling):
    larimar = make_larimar(pooling=pooling, latent_norm=False)
    tokens = larimar.encoder_tokens(["the fox", "the dog sleeps in the sun"])
    output = larimar.model.encoder.model(**tokens)
    expected = {
        "mean": lambda: output.last_hidden_state[0, : int(tokens["attention_mask"][0].sum())].mean(0),
        "cls": lambda: output.last_hidden_state[0, 0],
        "pooler": lambda: output.pooler_output[0],
    }[pooling]()
    torch.testing.assert_close(
        larimar.encode(["the fox", "the dog sleeps in the sun"])[0], expected, rtol=1e-4, atol=1e-5
    )


def test_long_and_empty_texts_are_refused(larimar):
    with pytest.raises(ValueError, match=r"text 1 has \d+ tokens, but the encoder reads 64; shorten it"):
        larimar.encode(["short", "word " * 100])
    assert larimar.encode(["word " * 100], truncate=True).shape == (1, 16)
    with pytest.raises(ValueError, match="text 0 is empty"):
        larimar.encode(["  "])
    with pytest.raises(
        ValueError, match=r"target '.*' has \d+ tokens with its full stop, but the connector was made for 4"
    ):
        larimar.facts(["the fox"], ["sun and day and all"])


def test_memory_of_another_model_is_refused(larimar, make_larimar, tmp_path):
    memory = larimar.new_memory(num_slots=4)
    memory.write(*larimar.facts(["the fox"], ["sun"]))
    memory.save_pretrained(tmp_path)
    assert larimar.load_memory(tmp_path).ids == ("0",)
    with pytest.raises(ValueError, match="was written by encoder"):
        make_larimar("qwen").load_memory(tmp_path)


def test_least_squares_memories_get_centred_keys(make_larimar):
    larimar = make_larimar()
    larimar.key_mean = torch.full((16,), 0.1)
    assert larimar.new_memory(addressing="pinv").key_space.mean is not None
    assert larimar.new_memory(addressing="slot").key_space.mean is None


def test_paper_memories_use_the_trained_prior(make_larimar):
    larimar = make_larimar(connector="linear", memory_slots=7)
    memory = larimar.new_memory(addressing="auto")
    assert torch.equal(memory.store.bank.references, larimar.model.prior.detach().double())


def test_connector_file_round_trips_in_float16(larimar, tmp_path):
    larimar.save_connector(tmp_path)
    config, tensors = _read_connector(tmp_path)
    assert config["fingerprint"] == larimar.fingerprint
    for name, part in larimar.model.connector.state_dict().items():
        kept = part if name == "spread" else part.half().float()
        assert torch.equal(tensors[f"connector.{name}"].float(), kept)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CONFIG_FILE, CONNECTOR_FILE])


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda folder: (folder / CONNECTOR_FILE).unlink(), FileNotFoundError, "connector.safetensors missing"),
        (lambda folder: (folder / CONNECTOR_FILE).write_bytes(b"no"), ValueError, "holds no readable connector"),
        (lambda folder: (folder / CONFIG_FILE).write_text("{"), ValueError, "holds no readable connector"),
        (
            lambda folder: (folder / CONFIG_FILE).write_text(json.dumps({"format_version": 8})),
            ValueError,
            "has format version 8, this package reads 2",
        ),
    ],
)
def test_damaged_connectors_are_said_to_be(larimar, tmp_path, damage, error, message):
    larimar.save_connector(tmp_path)
    damage(tmp_path)
    with pytest.raises(error, match=message):
        Larimar.from_connector(tmp_path)
