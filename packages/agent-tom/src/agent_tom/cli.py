"""The command ``agent-tom``: parses, calls the public API, prints results; heavy imports are inside the verbs."""

import sys
from typing import Any

from agent_tom import __version__
from agent_tom.commands import checking, demo, live, looking, studies
from gpu_commons.cli import run_verbs

VERBS: dict[str, Any] = {
    "list": looking.list_names,
    "show": looking.show_game,
    "oracle": looking.oracle,
    "play": live.play_live,
    "run": studies.run,
    "metrics": studies.metrics,
    "compare": studies.compare_agents,
    "report": studies.report,
    "merge": studies.merge,
    "doctor": checking.doctor,
    "bench": checking.bench,
    "validate": checking.validate,
    "demo": demo.demo,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb, and return the exit code; see :func:`gpu_commons.cli.run_verbs`."""
    return run_verbs(VERBS, command="agent-tom", version=__version__, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
