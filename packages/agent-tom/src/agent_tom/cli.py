"""The command ``agent-tom``: parses, calls the public API, prints results; heavy imports are inside the verbs."""

import sys
from typing import Any

from agent_tom import __version__
from agent_tom.commands import looking, studies
from gpu_commons.cli import run_verbs

VERBS: dict[str, Any] = {
    "list": looking.list_names,
    "show": looking.show_game,
    "run": studies.run,
    "metrics": studies.metrics,
    "compare": studies.compare_agents,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb, and return the exit code; see :func:`gpu_commons.cli.run_verbs`."""
    return run_verbs(VERBS, command="agent-tom", version=__version__, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
