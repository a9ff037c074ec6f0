"""One short run of fine-tuning SmolLM2 in a process of its own: CPU seconds of its steps, and memory at its peak.

Rows are neutral and synthetic, of about 45 tokens; every variant draws 16 fine-tuning rows a step, the two of SEAL as
many safe rows beside them. ``python seal_training_run.py VARIANT STEPS OUT`` is what ``bench_seal.py`` starts.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from allocated_memory import AllocatedPeak  # the file beside this one
from peft import LoraConfig
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.utils import logging as transformers_logging

from gpu_commons import load_model
from safe_finetune.rows import PLAIN_TEMPLATE, Message, Row, RowEncoder
from safe_finetune.seal import SealConfig, SealTrainer
from safe_finetune.sft import WeightedSFTTrainer
from safe_finetune.sft.adapters import with_adapters

MODEL = "bundled:smollm2-135m-instruct"
FULL, EFFICIENT, PLAIN = "SEAL, full", "SEAL, memory-efficient", "LoRA fine-tuning"
ALGORITHMS = {FULL: "penalty", EFFICIENT: "memory_efficient"}
VARIANTS = (FULL, EFFICIENT, PLAIN)
ROWS_A_STEP, SEED = 16, 0
LORA = {"r": 16, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"]}
_SUBJECTS = ("The baker", "A gardener", "Our neighbour", "The old clock", "A small boat", "The library", "My cousin")
_VERBS = ("opens", "paints", "repairs", "carries", "finds", "describes", "keeps")
_OBJECTS = ("a wooden door", "the blue lamp", "two letters", "a basket of pears", "the tall fence", "an early train")
_PLACES = ("by the river", "before noon", "in the square", "on a rainy Monday", "near the station", "without a word")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("steps", type=int)
    parser.add_argument("out", type=Path)
    run = parser.parse_args()
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    clock = StepClock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = trainer_of(run.variant, run.steps, folder)
        trainer.add_callback(clock)
        with AllocatedPeak() as peak:
            trainer.train()
    found = {
        "step_seconds": np.diff(clock.ends).tolist(),
        "allocated_bytes": peak.bytes,
        "dtype": str(next(trainer.model.parameters()).dtype).removeprefix("torch."),
        "tokens_a_row": float(np.mean([len(tokens) for tokens in trainer.train_dataset.token_ids])),
    }
    run.out.write_text(json.dumps(found), encoding="utf-8")


class StepClock(TrainerCallback):
    """CPU seconds of the process when each step ends; the first step warms up, and so its end is the beginning."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: object, **__: object) -> None:
        """Note the time."""
        self.ends.append(time.process_time())


def trainer_of(variant: str, steps: int, folder: str) -> Trainer:
    """With the model in the type that the processor multiplies fastest, and adapters in float32."""
    model, tokenizer = load_model(MODEL, device="cpu", dtype="fast")
    encoder = RowEncoder(max_length=128, template=PLAIN_TEMPLATE)
    tune, safe = (encoder.encode(neutral_rows(ROWS_A_STEP * steps, name), tokenizer) for name in ("tune", "safe"))
    settings = {
        "output_dir": folder,
        "max_steps": steps,
        "per_device_train_batch_size": ROWS_A_STEP,
        "learning_rate": 1e-4,
        "lr_scheduler_type": "constant",
        "seed": SEED,
        "use_cpu": True,
        "dataloader_pin_memory": False,
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
    }
    if variant == PLAIN:
        adapted = with_adapters(model, LoraConfig(**LORA), "default")
        return WeightedSFTTrainer(adapted, TrainingArguments(**settings), tune)
    # a = 0.5: both losses reach theta, as they do in all epochs but the first of a usual run
    args = SealConfig(**settings, algorithm=ALGORITHMS[variant], upper_weight=0.5, warmup_steps=0.0)
    return SealTrainer(model, args, tune, safe, peft_config=LoraConfig(**LORA))


def neutral_rows(count: int, name: str) -> list[Row]:
    """A question and one to five sentences."""
    generator = np.random.default_rng([SEED, sum(name.encode())])

    def sentence() -> str:
        return " ".join(str(generator.choice(words)) for words in (_SUBJECTS, _VERBS, _OBJECTS, _PLACES)) + "."

    rows = []
    for number in range(count):
        answer = " ".join(sentence() for _ in range(generator.integers(1, 6)))
        messages = (Message("user", f"What happened {generator.choice(_PLACES)}?"), Message("assistant", answer))
        rows.append(Row(id=f"{name}-{number}", messages=messages, place=f"{name} {number}"))
    return rows


if __name__ == "__main__":
    main()
