"""Whether a package has here what it needs and may use: distributions, bundled models, a cache, a device.

What is needed is read from the distribution's own metadata; nothing is imported before all of it is there.
"""

import importlib.metadata
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_commons.findings import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

SHARED = "gpu-commons"


def examine_installation(distribution: str, *, extras: Mapping[str, str], models: Sequence[str] = ()) -> list[Finding]:
    """Look at what a distribution needs, and then at what it may use.

    If something that is needed is missing or outside the declared range, that is a blocking finding, and neither
    models nor the device are looked at, since looking would import what is missing.

    Args:
        distribution: Name of the package, such as "memory-llm".
        extras: What each of its optional features is for.
        models: Names of bundled models that its demo and its defaults use.
    """
    needed = [_needed(name, versions) for name, versions in requirements(distribution).items()]
    optional = [_optional(distribution, extra, use) for extra, use in extras.items()]
    if any(finding.blocking for finding in needed):
        return needed + optional
    return [*needed, *optional, *(_bundled(name) for name in models), _cache(), *_machine()]


def requirements(distribution: str, extra: str = "") -> "dict[str, SpecifierSet]":
    """Allowed versions of what a distribution, or one of its extras, needs by its metadata.

    What gpu-commons needs belongs to what its users need, and so does what the extras of other distributions add.

    Raises:
        importlib.metadata.PackageNotFoundError: If the distribution is not installed.
    """
    found: dict[str, SpecifierSet] = {}
    for requirement in _requirements(distribution, extra):
        known = found.get(requirement.name)
        found[requirement.name] = requirement.specifier if known is None else known & requirement.specifier
    return found


def _requirements(distribution: str, extra: str) -> "Iterator[Requirement]":
    from packaging.requirements import Requirement

    for line in importlib.metadata.requires(distribution) or ():
        requirement = Requirement(line)
        if _belongs(requirement, extra):
            yield requirement
            with suppress(importlib.metadata.PackageNotFoundError):  # it is told by itself
                for further in sorted(requirement.extras):
                    yield from _requirements(requirement.name, further)
                if requirement.name == SHARED and not extra:
                    yield from _requirements(SHARED, "")


def _belongs(requirement: "Requirement", extra: str) -> bool:
    """Whether it is needed for an extra and not without; in any case, for no extra."""
    always = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    if not extra:
        return always
    return not always and requirement.marker is not None and requirement.marker.evaluate({"extra": extra})


def _needed(name: str, versions: "SpecifierSet") -> Finding:
    found, fits = _installed(name, versions)
    return Finding(name, found, "" if fits else f'pip install "{name}{versions}"', blocking=not fits)


def _optional(distribution: str, extra: str, use: str) -> Finding:
    states = {name: _installed(name, versions) for name, versions in requirements(distribution, extra).items()}
    wrong = [f"{name} {found}" for name, (found, fits) in states.items() if not fits]
    if not wrong:
        return Finding(f"[{extra}]", f"installed, for {use}")
    advice = f'if you want them: pip install "{distribution}[{extra}]"'
    return Finding(f"[{extra}]", f"{', '.join(wrong)}; only for {use}", advice)


def _installed(name: str, versions: "SpecifierSet") -> tuple[str, bool]:
    """The version of a distribution in words, and whether it is allowed.

    Builds before a release count as the release: vendors ship torch under such numbers.
    """
    from packaging.version import Version

    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed", False
    fits = versions.contains(Version(version).base_version)
    return version if fits else f"{version} is not {versions}", fits


def _bundled(name: str) -> Finding:
    from gpu_commons.models import PREFIX, check_bundled

    try:
        check_bundled(name)
    except ImportError as error:
        return Finding(f"{PREFIX}{name}", "not installed", str(error))
    except ValueError as error:
        return Finding(f"{PREFIX}{name}", "damaged", str(error))
    return Finding(f"{PREFIX}{name}", "installed, with the known sha256")


def _cache() -> Finding:
    """Whether the folder of converted models can be written, tried where it is or would be made."""
    from gpu_commons.models import cache_folder

    folder = cache_folder()
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path(os.curdir))
    try:
        with tempfile.TemporaryFile(dir=there):
            return Finding("cache of models", str(folder))
    except OSError as error:
        advice = "set ADAPTIVE_LM_CACHE to a folder that can be written"
        return Finding("cache of models", f"{folder} cannot be written ({error.strerror})", advice)


def _machine() -> list[Finding]:
    from gpu_commons.device import resolve_device, resolve_dtype
    from gpu_commons.environment import hardware_slug

    device = resolve_device()
    dtype, reason = resolve_dtype(device=device)
    return [
        Finding("device", f"{device} ({hardware_slug(device)})"),
        Finding("number format", f"{str(dtype).removeprefix('torch.')} ({reason})"),
    ]
