"""All packages in one process: imports do no work and change nothing, and no package's work changes another's."""

import json
import subprocess
import sys

import pytest
from members import SHARED, members

PACKAGES = [each.import_name for each in members()]
STATE = """
import json, os, random, signal, sys, threading
def known():
    import numpy, torch
    return {
        "dtype": str(torch.get_default_dtype()),
        "device": str(torch.get_default_device()),
        "threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "torch numbers": hash(tuple(torch.get_rng_state().tolist())),
        "numpy numbers": hash(str(numpy.random.get_state(legacy=False))),
        "random numbers": hash(random.getstate()),
        "interrupt": str(signal.getsignal(signal.SIGINT)),
        "folder": os.getcwd(),
        "started threads": threading.active_count(),
    }
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_the_packages_does_not_load_torch():
    code = f"import sys, json, {', '.join(PACKAGES)}; print(json.dumps('torch' in sys.modules))"
    assert run(code) is False


@pytest.mark.parametrize("package", PACKAGES)
def test_all_public_names_leave_numbers_types_threads_and_handlers_alone(package):
    """Of the libraries that the names need, this holds too: none of them is called at import."""
    code = f"""{STATE}
before = known()
import {package}
names = [getattr({package}, name) for name in {package}.__all__]
after = known()
print(json.dumps({{name: [before[name], after[name]] for name in before if before[name] != after[name]}}))
"""
    assert run(code) == {}


WORK = """
import numpy as np
import torch
from gpu_commons.testing import tiny_model, tiny_tokenizer

def steer():
    from controlled_decoding import SASA, LabelledTexts, SubspaceClassifier
    texts = [f"{word} {number}" for number in range(60) for word in ("lovely", "lazy")]
    model, tokenizer = tiny_model(), tiny_tokenizer()
    data = LabelledTexts(texts=texts, labels=[1, 0] * 60)
    subspace = SubspaceClassifier.fit(model, tokenizer, data, attribute="lazy")
    inputs = tokenizer(["the fox"], return_tensors="pt")
    return SASA(subspace, 1.0, force=True).generate(model, tokenizer, inputs, do_sample=False, max_new_tokens=5).tolist()

def remember():
    from memory_llm import EpisodicMemory, MemoryConfig
    numbers = torch.Generator().manual_seed(0)
    keys, values = torch.randn(6, 8, generator=numbers), torch.randn(6, 5, generator=numbers)
    memory = EpisodicMemory(MemoryConfig(key_width=8, value_width=5, num_slots=16))
    memory.write(keys, values, [str(row) for row in range(6)])
    return memory.read(keys).tolist()

def fine_tune():
    import tempfile
    from transformers import TrainingArguments
    from safe_finetune import Message, Row, RowEncoder, WeightedSFTTrainer
    row = Row(id="a", messages=(Message("user", "the fox"), Message("assistant", "sleeps all day")))
    model, tokenizer = tiny_model(), tiny_tokenizer()
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            folder, max_steps=2, save_strategy="no", report_to="none", use_cpu=True, disable_tqdm=True
        )
        trainer = WeightedSFTTrainer(model, settings, RowEncoder().encode([row], tokenizer))
        return trainer.train().training_loss

def play_a_game():
    from agent_tom import make_agent, make_game, make_partner, measure, play
    game = make_game("ipd")
    partner = make_partner("tit_for_tat").automaton(game, 10)
    episodes = play(game, partner, make_agent("thompson"), horizon=10, episodes=4)
    return measure(game, partner, episodes).intervals()["regret"].value

def scan_a_protein():
    from pathlib import Path
    import protein_fitness
    from protein_fitness import make_protein, read_structure, scan, usual_scorer
    protein = make_protein(structure=read_structure(Path(protein_fitness.__file__).parent / "data" / "1pga.pdb"))
    return scan(protein, usual_scorer(protein)).scores.tolist()

WORK = [steer, remember, fine_tune, play_a_game, scan_a_protein]
"""


def test_work_of_each_package_is_the_same_before_and_after_that_of_the_others():
    code = f"""{STATE}{WORK}
first = {{each.__name__: each() for each in WORK}}
before = known()
second = {{each.__name__: each() for each in reversed(WORK)}}
after = known()
changed = [name for name in ("dtype", "device", "threads", "gradients", "deterministic") if before[name] != after[name]]
differ = [name for name in first if repr(first[name]) != repr(second[name])]
print(json.dumps([changed, differ]))
"""
    assert run(code) == [[], []]


def test_every_package_has_work_here():
    used = [name for name in PACKAGES if f"from {name} import" in WORK]
    assert sorted(used) == sorted(name for name in PACKAGES if name != SHARED.replace("-", "_"))
