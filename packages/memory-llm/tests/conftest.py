"""Tiny random parts: an encoder with a word tokenizer, decoders of several families, and a whole Larimar of them."""

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from gpu_commons.testing import launch, tiny_model, tiny_tokenizer
from memory_llm.facts import Fact
from memory_llm.larimar.model import LarimarForCausalLM
from memory_llm.larimar.pipeline import Larimar

torch.set_num_threads(1)  # more are slower on models this small


def tiny_encoder():
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    fields = {
        **no_dropout,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = BertModel(BertConfig(vocab_size=320, max_position_embeddings=64, **fields))
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def build_larimar(family="llama", **settings):
    """An untrained Larimar whose connector is random, and large enough to matter."""
    decoder = tiny_model(family)
    fields = {"connector_width": 24, "connector_rank": 8, "target_tokens": 4, **settings}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = LarimarForCausalLM.from_encoder_decoder(tiny_encoder(), decoder, **fields)
        for parameter in model.connector.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
        if model.config.connector == "tokens":
            torch.nn.init.zeros_(model.connector.gate[-1].weight)
    encoder_tokenizer = tiny_tokenizer()
    encoder_tokenizer.model_max_length = 64
    return Larimar(model.eval(), encoder_tokenizer, tiny_tokenizer(), provenance={"encoder": "tiny", "decoder": "tiny"})


@pytest.fixture(scope="session")
def make_larimar():
    """``make_larimar(family, **settings)``."""
    return build_larimar


@pytest.fixture(scope="session")
def larimar():
    return build_larimar()


@pytest.fixture(scope="session")
def facts():
    """Eight facts of two relations, with short targets."""
    animals = ("fox", "dog", "cat", "hen")
    homes = [
        Fact(
            id=f"home-{animal}",
            prompt=f"the {animal} sleeps in the",
            target=place,
            subject=animal,
            paraphrases=(f"all day long. the {animal} rests in the",),
            neighbours=(f"the {other} sleeps in the",),
        )
        for animal, other, place in zip(animals, animals[1:] + animals[:1], ("sun", "red", "day", "all"), strict=True)
    ]
    names = [
        Fact(id=f"name-{animal}", prompt=f"{animal} is also called", target=name, subject=animal)
        for animal, name in zip(animals, ("a", "b", "c", "d"), strict=True)
    ]
    return homes + names


@pytest.fixture(scope="session")
def launched():
    """``launched(script, folder, processes)``: run a script by `accelerate launch` in so many gloo processes.

    It is given this folder, one to write to, how much of a batch of 8 is its own, and where to leave what it found.
    """

    def run(script, folder, processes):
        (folder / "worker.py").write_text(script)
        out = folder / f"{processes}.json"
        command = [str(part) for part in (folder / "worker.py", Path(__file__).parent, folder, 8 // processes, out)]
        done = launch(command, processes)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(out.read_text())

    return run
