"""The command ``memory-llm``: parses, calls the public API, prints results. Heavy imports happen inside the verbs."""

import sys
from typing import Any

from gpu_commons.cli import run_verbs
from memory_llm import __version__
from memory_llm.commands import checking, epman, epman_eval, haystack, larimar, memreasoner, stories


def demo(out: str = "demo") -> None:
    """Edit, recall, forget and merge facts on a real model, and search a whole novel; leaves a page.

    Args:
        out: Folder of the page.
    """
    from memory_llm.demo import run_demo

    print(run_demo(out))


VERBS: dict[str, Any] = {
    "larimar": {
        "_help": "A memory that is written, changed and deleted without training.",
        "train": larimar.train,
        "write": larimar.write,
        "ask": larimar.ask,
        "read": larimar.read,
        "forget": larimar.forget,
        "list": larimar.list_facts,
        "info": larimar.info,
        "merge": larimar.merge,
        "eval": larimar.evaluate_facts,
        "bench": larimar.bench,
    },
    "epman": {
        "_help": "Long documents in memory, of which the decoder attends to a few chunks.",
        "write": epman.write,
        "ask": epman.ask,
        "inspect": epman.inspect,
        "make-data": epman.make_data,
        "train": epman.train,
        "eval": epman_eval.evaluate_benchmark,
    },
    "memreasoner": {
        "_help": "Hops through the lines of a long text to the one that answers.",
        "make-data": stories.make_data,
        "haystack": stories.dilute_stories,
        "export-babilong": stories.export_babilong,
        "train": memreasoner.train,
        "eval": memreasoner.evaluate_stories,
        "ask": memreasoner.ask,
    },
    "haystack": {
        "_help": "Needles in long texts.",
        "make": haystack.make,
        "eval": haystack.evaluate_reader,
    },
    "doctor": checking.doctor,
    "demo": demo,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb, and return the exit code; see :func:`gpu_commons.cli.run_verbs`."""
    return run_verbs(VERBS, command="memory-llm", version=__version__, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
