"""Scores do not depend on over how many processes a step's rows are spread."""

import pytest

WORKER = """
import json, pathlib, sys, torch
from peft import LoraConfig
from gpu_commons.testing import tiny_model, tiny_tokenizer
from safe_finetune.rows import RowEncoder, load_rows
from safe_finetune.seal import SealConfig, SealTrainer

torch.set_num_threads(1)
def rows(name, count):
    texts = [{"prompt": f"{name} {n}", "response": "the fox " * (1 + n % 3) + str(n * n)} for n in range(count)]
    return RowEncoder().encode(load_rows(texts), tiny_tokenizer())

found = {}
for lora in (True, False):
    for algorithm in ("penalty", "memory_efficient"):
        args = SealConfig(
            output_dir=sys.argv[2] + ".out", use_cpu=True, dataloader_pin_memory=False, disable_tqdm=True,
            save_strategy="no", algorithm=algorithm, per_device_train_batch_size=int(sys.argv[1]) // 2,
            gradient_accumulation_steps=2, max_steps=4, optim="sgd", learning_rate=0.05, upper_weight=0.8,
            upper_weight_decay=0.3, logging_steps=1.0, num_train_epochs=2.0,
        )
        peft_config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"]) if lora else None
        trainer = SealTrainer(
            tiny_model(num_hidden_layers=1), args, rows("tune", 13), rows("safe", 5), peft_config=peft_config
        )
        trainer.train()
        weights = {name: float(part.detach().double().norm()) for name, part in trainer._trained().items()}
        selector = trainer.selector
        found[f"{lora} {algorithm}"] = [
            selector.logits.tolist(), selector.num_visits.tolist(), selector.last_losses.tolist(), weights
        ]
if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
    pathlib.Path(sys.argv[2]).write_text(json.dumps(found))
if torch.distributed.is_initialized():
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_score_as_one(tmp_path, launched):
    one, two = (launched(WORKER, tmp_path, processes) for processes in (1, 2))
    assert len(one) == 4
    for run, (logits, visits, losses, weights) in one.items():
        assert two[run][0] == pytest.approx(logits, rel=1e-6, abs=1e-6), run
        assert two[run][1] == visits
        assert two[run][2] == pytest.approx(losses, rel=1e-6), run
        assert two[run][3] == pytest.approx(weights, rel=1e-6), run
        assert len({round(logit, 6) for logit in logits}) > 5
