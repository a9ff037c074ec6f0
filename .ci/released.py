"""Releases of the shared package that a package's range takes, brought back from their tags."""

import io
import subprocess
import tarfile
from pathlib import Path

from members import SHARED, Member, member
from packaging.requirements import Requirement
from packaging.version import Version


def ends_of_range(package: Member, root: Path) -> list[str]:
    """Tags of the lowest and of the newest release of the shared package that the package's range takes.

    Returns:
        Two tags, one if they are the same, none if there is no such release.
    """
    (needed,) = (each for each in map(Requirement, package.pyproject["project"]["dependencies"]) if each.name == SHARED)
    begin = f"{SHARED}-v"
    versions = [Version(tag.removeprefix(begin)) for tag in _git(root, "tag", "--list", f"{begin}*").decode().split()]
    taken = sorted(version for version in versions if needed.specifier.contains(version))
    return [f"{begin}{version}" for version in dict.fromkeys([*taken[:1], *taken[-1:]])]


def brought_back(tag: str, root: Path, folder: Path) -> Path:
    """The shared package's folder as it was at a tag, below ``folder``."""
    inside = member(SHARED, root).path.relative_to(root)
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", tag, str(inside)))) as files:
        files.extractall(folder / tag, filter="data")
    return folder / tag / inside


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, check=True, stdout=subprocess.PIPE).stdout
