"""What a process costs from start to end: CPU seconds, and the most private memory it ever held."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.01


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of user and system, the peak of private memory in bytes, and the exit code."""

    cpu_seconds: float
    private_bytes: int
    code: int


def run(command: Sequence[str], kill_after: float | None = None) -> Cost:
    """Run a command on one thread, with nothing of its output shown.

    Args:
        command: And its arguments.
        kill_after: Kill it by signal 9 after so many seconds.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    started, most = time.monotonic(), 0
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return Cost(usage.ru_utime + usage.ru_stime, most, process.returncode)
        most = max(most, _private_bytes(process.pid))
        if kill_after is not None and time.monotonic() - started > kill_after:
            os.kill(process.pid, signal.SIGKILL)  # Popen's own would take the exit status away from wait4
        time.sleep(_EVERY)


def _private_bytes(pid: int) -> int:
    """Anonymous pages; mapped files are not the process's own."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)
