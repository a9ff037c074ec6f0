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
from memory_llm.larimar.training import LOG_FILE

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--kl-weight", type=float, default=1.0)
    parser.add_argument("--prefix-length", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    run = parser.parse_args()
    split = split_counterfact(run.data)
    larimar = Larimar.from_base(dtype="bfloat16", prefix_length=run.prefix_length)
    started = time.monotonic()
    train_connector(
        larimar,
        split.train,
        run.out,
        steps=run.steps,
        batch_size=run.batch_size,
        learning_rate=run.learning_rate,
        kl_weight=run.kl_weight,
        exclude=[*split.excluded, *odd_tokens(larimar.tokenizer, split)],
        seed=run.seed,
        resume=run.resume,
    )
    minutes = (time.monotonic() - started) / 60
    logs = [json.loads(line) for line in (run.out / "checkpoints" / LOG_FILE).read_text().splitlines()]
    last = logs[-1]
    path = write_record(
        "train_connector",
        results_dir=RESULTS,
        command="python benchmarks/train_connector.py --data DATA --out OUT",
        config={
            **{name: value for name, value in vars(run).items() if name not in ("data", "out", "resume")},
            **larimar.provenance,
        },
        seeds=[run.seed],
        figures=[
            Figure(id="training time", value=minutes, unit="minutes", better="lower"),
            Figure(id="target loss, last steps", value=last["target_loss"], unit="nats", better="lower"),
            Figure(
                id="KL from the base model out of scope, last steps", value=last["kept_kl"], unit="nats", better="lower"
            ),
            Figure(
                id="file", value=(run.out / CONNECTOR_FILE).stat().st_size / 2**20, unit="MiB", better="lower", target=8
            ),
        ],
        shortened=run.steps < 900,
        extra={"log": logs},
    )
    print(path.name, file=sys.stderr)


if __name__ == "__main__":
    main()
