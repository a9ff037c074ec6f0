"""What the packages' commands have in common: verbs made of functions, exit codes, results for people or as JSON."""

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

DONE, FAILED, BAD_INPUT, FELL_SHORT, SERVER_FAILED = 0, 1, 2, 3, 4


class NotReady(Exception):
    """Something that is needed is not here: exit code 1."""


class FellShort(Exception):
    """Less was reached than asked for: exit code 3, so that a pipeline can stop there."""


class BudgetMissed(FellShort):
    """What was asked for is done, and a stated budget was missed."""


class Unfinished(FellShort):
    """A part of what was asked for is done, and kept."""


def run_verbs(verbs: Mapping[str, Any], *, command: str, version: str, arguments: Sequence[str] | None = None) -> int:
    """Run the verb that the arguments name, and return the exit code.

    Args:
        verbs: Functions by name, or further verbs; annotations and docstrings of the functions become options and help.
        command: Name of the command, before its messages too.
        version: What ``--version`` prints.
        arguments: Those of the process if absent.

    Returns:
        0 = done, 1 = interrupted or not ready, 2 = bad input, 3 = a stated budget was missed or a part is not done,
        4 = a server failed; all but an interrupt with one sentence on stderr.
    """
    import jsonargparse

    # Read once, when torch is loaded. By default OpenMP's threads burn the CPU while they wait for each other, and a
    # machine may have other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    given = None if arguments is None else list(arguments)
    try:
        jsonargparse.auto_cli(dict(verbs), args=given, prog=command, as_positional=False, version=version)
    except ConnectionError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return SERVER_FAILED
    except (ValueError, OSError, ImportError) as error:
        print(f"{command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except NotReady as missing:
        print(f"{command}: {missing}", file=sys.stderr)
        return FAILED
    except FellShort as short:
        print(f"{command}: {short}", file=sys.stderr)
        return FELL_SHORT
    except KeyboardInterrupt:
        return FAILED
    return DONE


def is_main_process() -> bool:
    """Whether this process writes files and speaks for all that ``accelerate launch`` or ``torchrun`` have started."""
    return os.environ.get("RANK", "0") == "0"


def logs_on_stderr() -> redirect_stdout:
    """While a library trains: its log goes to stderr, since stdout is for the result."""
    return redirect_stdout(sys.stderr)


def show(result: Any, *, as_json: bool) -> None:
    """Print a result on stdout, once for all processes: a text, fields, or rows of fields."""
    if not is_main_process():
        return
    if as_json:
        print(json.dumps(result))
    elif isinstance(result, Mapping):
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    elif isinstance(result, list):
        print("\n".join("  ".join(f"{name}={value}" for name, value in row.items()) for row in result))
    else:
        print(result)
