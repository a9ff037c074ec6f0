"""The command ``memory-llm``: parses, calls the public API, prints results. Heavy imports happen inside the verbs."""

import logging
import sys
from typing import Any

from memory_llm.commands import haystack, larimar

BAD_INPUT = 2


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
    "haystack": {
        "_help": "Needles in long texts.",
        "make": haystack.make,
        "eval": haystack.evaluate_reader,
    },
    "demo": demo,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; 0 = done, 1 = failed, 2 = bad input (with one sentence on stderr)."""
    import jsonargparse

    import memory_llm

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        jsonargparse.auto_cli(
            VERBS, args=arguments, prog="memory-llm", as_positional=False, version=memory_llm.__version__
        )
    except (ValueError, OSError, ImportError) as error:
        print(f"memory-llm: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
