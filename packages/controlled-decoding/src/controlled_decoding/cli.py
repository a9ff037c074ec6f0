"""The command ``controlled-decoding``: parses, calls the public API, prints results. Heavy imports happen inside the
verbs.
"""

import sys
from typing import Any

from controlled_decoding import __version__
from controlled_decoding.commands import checking, demo, evaluation, fitting, generating
from gpu_commons.cli import run_verbs

VERBS: dict[str, Any] = {
    "fit": fitting.fit,
    "inspect": fitting.inspect,
    "calibrate": fitting.calibrate,
    "generate": generating.generate,
    "evaluate": evaluation.evaluate_methods,  # a function `evaluate` would be taken for the package's own by jsonargparse
    "trace": generating.trace,
    "serve": generating.serve,
    "convert": fitting.convert,
    "doctor": checking.doctor,
    "demo": demo.demo,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a verb, and return the exit code; see :func:`gpu_commons.cli.run_verbs`."""
    return run_verbs(VERBS, command="controlled-decoding", version=__version__, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
