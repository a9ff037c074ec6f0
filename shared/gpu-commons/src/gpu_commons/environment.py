"""What a result depends on besides the code, and a short name for the hardware it was measured on.

Nothing here tells who ran it or where: no host name, no user name, no path.
"""

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import Any

import torch

_THIS_PACKAGE = "gpu-commons"


def environment_record() -> dict[str, Any]:
    """What a result depends on besides the code: Python, system, processor, accelerators and package versions.

    The packages are this one, those installed that require it, and everything these name as a requirement.
    """
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor_name(),
        "usable_cores": _usable_cores(),
        "torch_threads": torch.get_num_threads(),
        "accelerators": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda,
        "packages": _package_versions(),
    }


def hardware_slug(device: torch.device) -> str:
    """Name the hardware behind a device in a way fit for file names: ``"cpu-2c-amd-epyc"``, ``"nvidia-h200"``."""
    if device.type == "cuda":
        return _slug(torch.cuda.get_device_name(device))
    if device.type == "cpu":
        return f"cpu-{_usable_cores()}c-{_slug(_processor_name())}"
    return _slug(f"{device.type} {_processor_name()}")


def _slug(product: str) -> str:
    """A product name without trademark signs, clock rate and the words that every processor carries."""
    plain = re.sub(r"\((?:r|tm)\)|@.*|\b\d+-core\b|\b(?:cpu|processor|with)\b", " ", product.lower())
    return "-".join(re.findall(r"[a-z0-9.]+", plain)[:4]) or "unknown"


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _package_versions() -> dict[str, str]:
    installed = {_normalised(dist.name): dist for dist in importlib.metadata.distributions() if dist.name}
    ours = {name for name, dist in installed.items() if name == _THIS_PACKAGE or _THIS_PACKAGE in _requirements(dist)}
    named = ours.union(*(_requirements(installed[name]) for name in ours))
    return {name: installed[name].version for name in sorted(named & installed.keys())}


def _requirements(dist: importlib.metadata.Distribution) -> set[str]:
    return {_normalised(match.group()) for line in dist.requires or () if (match := re.match(r"[\w.-]+", line))}


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
