"""Tiny models, neutral rows, and scripts that run in one process or two."""

import json
import runpy
import sys

import pytest
import torch

from gpu_commons.testing import launch, tiny_model, tiny_tokenizer
from safe_finetune.rows import Message, Row, RowEncoder

torch.set_num_threads(1)  # more are slower on models this small
WORDS = ("fox", "dog", "sun", "day", "garden", "roses", "red", "warm", "lazy", "quick", "brown", "text")


def build_rows(count, prefix="row", answer="the {} is {}"):
    """So many rows that all differ."""
    return [
        Row(
            id=f"{prefix}-{number}",
            messages=(
                Message("user", f"{prefix} {WORDS[number % 12]} {number}"),
                Message("assistant", answer.format(WORDS[(5 * number + 1) % 12], WORDS[(7 * number + 2) % 12])),
            ),
            place=f"{prefix}.jsonl, line {number + 1}",
        )
        for number in range(count)
    ]


@pytest.fixture(scope="session")
def make_rows():
    """``make_rows(count, prefix, answer)``."""
    return build_rows


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="session")
def make_model():
    """``make_model(seed)``: a decoder of one layer."""
    return lambda seed=0, **more: tiny_model(seed=seed, num_hidden_layers=1, **more)


@pytest.fixture(scope="session")
def encode(tokenizer):
    """``encode(rows, **settings)``."""
    return lambda rows, **settings: RowEncoder(**settings).encode(rows, tokenizer)


@pytest.fixture
def quiet(tmp_path):
    """Settings of a short run on the CPU."""
    return {
        "output_dir": str(tmp_path / "run"),
        "use_cpu": True,
        "dataloader_pin_memory": False,
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1000.0,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
    }


@pytest.fixture(scope="session")
def launched():
    """``launched(script, folder, processes)``: run a script here, or by `accelerate launch` in so many gloo processes.

    It is given the number of its rows in a batch of 8, and where to leave what it found.
    """

    def run(script, folder, processes):
        worker, out = folder / "worker.py", folder / f"{processes}.json"
        worker.write_text(script)
        arguments = [str(part) for part in (worker, 8 // processes, out)]
        if processes == 1:  # here: a new process would only import everything again
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", arguments)
                runpy.run_path(str(worker), run_name="__main__")
            return json.loads(out.read_text())
        done = launch(arguments, processes)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(out.read_text())

    return run
