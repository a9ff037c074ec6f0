"""Train the connector that ships in the package: MiniLM and SmolLM2 frozen, CounterFact to learn from.

``--data`` is a folder with ``fact-editing/counterfact_train_easyedit.json``. 1,000 records are held out; 65 targets
and 400 odd tokens are never shown. The result goes to ``--out``; it ships from ``src/memory_llm/larimar/connector``.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from counterfact import odd_tokens, split_counterfact  # the file beside this one

from gpu_commons import Figure, write_record
from memory_llm.larimar.pipeline import CONNECTOR_FILE, Larimar
from memory_llm.larimar.train import train_connector
from memory_llm.training.objective_trainer import LOG_FILE

RESULTS = Path(__file__).parent / "results"
STEPS = 1200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--resume", action="store_true")
    run = parser.parse_args()
    train(run.data, run.out, seed=run.seed, steps=run.steps, resume=run.resume)


def train(data: Path, out: Path, *, seed: int, steps: int = STEPS, resume: bool = False) -> None:
    """Train into a folder, and write the record."""
    split = split_counterfact(data)
    larimar = Larimar.from_base(dtype="bfloat16")
    started = time.monotonic()
    train_connector(
        larimar,
        split.train,
        out,
        steps=steps,
        exclude=[*split.excluded, *odd_tokens(larimar.tokenizer, split)],
        seed=seed,
        resume=resume,
    )
    minutes = (time.monotonic() - started) / 60
    logs = [json.loads(line) for line in (out / "checkpoints" / LOG_FILE).read_text().splitlines()]
    last = {name: sum(line[name] for line in logs[-5:]) / 5 for name in ("target_loss", "kept_kl")}
    path = write_record(
        f"train_connector_seed{seed}",
        results_dir=RESULTS,
        command=f"python benchmarks/train_connector.py --data DATA --out OUT --seed {seed}",
        config=larimar.provenance,
        seeds=[seed],
        figures=[
            Figure(id="training time", value=minutes, unit="minutes", better="lower"),
            Figure(id="target loss, last 100 steps", value=last["target_loss"], unit="nats", better="lower"),
            Figure(
                id="KL from the base model out of scope, last 100 steps",
                value=last["kept_kl"],
                unit="nats",
                better="lower",
            ),
            Figure(
                id="file", value=(out / CONNECTOR_FILE).stat().st_size / 2**20, unit="MiB", better="lower", target=8
            ),
        ],
        shortened=steps < STEPS,
        extra={"log": logs},
    )
    print(path.name, file=sys.stderr)


if __name__ == "__main__":
    main()
