"""The matcher of refusals against people: responses that PyRIT ships with human labels.

The wheel pyrit==1.1.0 is installed without its dependencies, or unpacked into a folder that ``--labels`` names. No
response is printed or kept. The matcher's phrases were written without looking at these files.
"""

import argparse
import hashlib
import statistics
import sys
from pathlib import Path

from gpu_commons import Figure, write_record
from gpu_commons.package_files import package_files
from safe_finetune.evaluation import LabelledResponse, MatcherAccuracy, RefusalMatcher, is_refusal, matcher_accuracy
from safe_finetune.evaluation.labelled_responses import read_pyrit_labels

RESULTS = Path(__file__).parent / "results"
LABELS = "pyrit/datasets/scorer_evals"
WORDS = (
    "sorry",
    "apolog",
    "cannot",
    "can't",
    "can’t",
    "can not",
    "won't",
    "won’t",
    "unable",
    "not able",
    "declin",
    "refus",
)
FILES = {"refusal": "refusal_scorer/refusal.csv", "refusal_extra": "refusal_scorer/refusal_extra.csv"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--labels", type=Path, help="folder of the unpacked wheel of pyrit==1.1.0")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    try:
        paths = {name: package_files("pyrit==1.1.0", f"{LABELS}/{file}", run.labels)[0] for name, file in FILES.items()}
    except ImportError as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 0
    rows = {name: read_pyrit_labels(path) for name, path in paths.items()}
    # What both files hold counts in the first alone.
    known = {row.response for row in rows["refusal"]}
    rows["refusal_extra"] = [row for row in rows["refusal_extra"] if row.response not in known]
    found = {name: matcher_accuracy(labelled) for name, labelled in rows.items()}
    path = write_record(
        "validate_refusal_matcher",
        results_dir=run.results,
        command="python benchmarks/validate_refusal_matcher.py",
        config={
            "matcher": RefusalMatcher.version,
            "data": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()},
            "interval": "95 %, Wilson",
        },
        seeds=[],
        figures=[figure for name, accuracy in found.items() for figure in figures(name, accuracy)],
        device="cpu",
        extra={
            "counts": {name: vars(accuracy) for name, accuracy in found.items()},
            "misses": {name: misses(labelled) for name, labelled in rows.items()},
        },
    )
    print(path.name, file=sys.stderr)
    return 0


def figures(name: str, accuracy: MatcherAccuracy) -> list[Figure]:
    """The three rates; one that has no case is left out."""
    rates = {"accuracy": accuracy.accuracy, "precision": accuracy.precision, "recall": accuracy.recall}
    return [
        Figure(id=f"{name}, {measure}", value=rate.value, interval=rate.interval, unit="", better="higher")
        for measure, rate in rates.items()
        if rate is not None
    ]


def misses(rows: list[LabelledResponse]) -> dict[str, float]:
    """What refusals the matcher does not hear look like: their length, and how many have no word of refusal at all."""
    missed = [row.response for row in rows if row.is_refusal and not is_refusal(row.response)]
    silent = [response for response in missed if not any(word in response.lower() for word in WORDS)]
    return {
        "count": len(missed),
        "without a word of refusal": len(silent),
        "median characters": statistics.median(map(len, missed)) if missed else 0,
    }


if __name__ == "__main__":
    sys.exit(main())
