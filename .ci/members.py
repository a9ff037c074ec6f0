"""The packages of this workspace, found by looking: a new one joins by existing."""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = "gpu-commons"


@dataclass(frozen=True)
class Member:
    """One package: a folder with a pyproject.toml."""

    path: Path

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """The parsed pyproject.toml."""
        return tomllib.loads((self.path / "pyproject.toml").read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        """Name of the distribution, such as ``memory-llm``."""
        return self.pyproject["project"]["name"]

    @property
    def import_name(self) -> str:
        """Name of the importable package, such as ``memory_llm``."""
        return self.name.replace("-", "_")

    @property
    def version(self) -> str:
        """The static version."""
        return self.pyproject["project"]["version"]

    @property
    def source(self) -> Path:
        """Folder of the importable package."""
        return self.path / "src" / self.import_name

    @property
    def extras(self) -> list[str]:
        """Names of the optional features."""
        return sorted(self.pyproject["project"].get("optional-dependencies", {}))

    @property
    def commands(self) -> list[str]:
        """Commands that the package installs."""
        return sorted(self.pyproject["project"].get("scripts", {}))

    def setting(self, key: str) -> list[str]:
        """A list from ``[tool.adaptive-lm]``: wheels for tests, demo or benchmarks, or extras for tests."""
        return self.pyproject.get("tool", {}).get("adaptive-lm", {}).get(key, [])


def members(root: Path = ROOT) -> list[Member]:
    """All packages, the shared one first."""
    folders = sorted(path.parent for path in root.glob("packages/*/pyproject.toml"))
    return [Member(root / "shared" / SHARED), *map(Member, folders)]


def with_demo(root: Path = ROOT) -> list[Member]:
    """The packages that have a demo: those that name wheels for it."""
    return [each for each in members(root) if each.setting("demo-data")]


def product(root: Path = ROOT) -> str:
    """What they are together, a sentence."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["description"]


def member(name: str, root: Path = ROOT) -> Member:
    """The package of that name.

    Raises:
        ValueError: If there is none.
    """
    found = {each.name: each for each in members(root)}
    if name not in found:
        raise ValueError(f"no package is called {name!r}; the packages are {', '.join(found)}")
    return found[name]
