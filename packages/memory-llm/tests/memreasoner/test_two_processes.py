"""Training does not depend on how a batch is split over processes."""

import pytest

WORKER = """
import json, sys, torch
sys.path.insert(0, sys.argv[1] + "/memreasoner")
from conftest import FILLER, STORIES, build_small
from memory_llm.memreasoner import train_memreasoner

torch.set_num_threads(1)
settings = {"optim": "sgd", "disable_tqdm": True, "save_strategy": "no", "logging_steps": 1, "learning_rate": 0.05}
settings |= {"filler": FILLER, "filler_lines": (0, 3), "label_fraction": 0.5, "hard_after": 0.5}
model = build_small()
train_memreasoner(model, STORIES, sys.argv[2], steps=3, batch_size=int(sys.argv[3]), **settings)
if int(torch.distributed.get_rank() if torch.distributed.is_initialized() else 0) == 0:
    log = [json.loads(line) for line in open(sys.argv[2] + "/checkpoints/log.jsonl")]
    weights = {name: float(part.detach().double().norm()) for name, part in model.named_parameters()}
    json.dump({"losses": [line["loss"] for line in log[-3:]], "weights": weights}, open(sys.argv[4], "w"))
if torch.distributed.is_initialized():
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path, launched):
    one, two = (launched(WORKER, tmp_path, processes) for processes in (1, 2))
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-5)
    assert two["weights"] == pytest.approx(one["weights"], rel=1e-5, abs=1e-6)
