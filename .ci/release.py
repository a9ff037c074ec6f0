"""Release one package: bump its version, build its changelog, prove its wheel, commit and tag ``<package>-vX.Y.Z``.

Only files of that package change. A failure on the way, the proof included, puts them back and leaves no commit.
Nothing is published: pushing the tag and uploading the wheel are for a person to decide.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from members import ROOT, Member, member, members

PARTS = ("major", "minor", "patch")


def bumped(version: str, part: str) -> str:
    """The next version: ``bumped("0.1.4", "minor")`` is ``"0.2.0"``.

    Raises:
        ValueError: If the version is not three numbers joined by dots, or the part is unknown.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"a version must be three numbers joined by dots, got {version!r}")
    if part not in PARTS:
        raise ValueError(f"the part to bump must be one of {', '.join(PARTS)}, got {part!r}")
    numbers = [int(number) for number in version.split(".")]
    index = PARTS.index(part)
    return ".".join(map(str, [*numbers[:index], numbers[index] + 1, *[0] * (2 - index)]))


def with_version(pyproject: str, version: str) -> str:
    """The text of a pyproject.toml with the version of its ``[project]`` table replaced.

    Raises:
        ValueError: If the table has no static version.
    """
    changed, count = re.subn(
        r'(?ms)(^\[project\]$(?:(?!^\[).)*?^version = )"[^"]*"', rf'\g<1>"{version}"', pyproject, count=1
    )
    if count != 1:
        raise ValueError('no line `version = "..."` in the [project] table of pyproject.toml')
    return changed


def release(root: Path, name: str, part: str, *, prove: Callable[[str], None]) -> str:
    """Release a package from a clean tree and return the tag.

    Args:
        root: The repository.
        name: Of the package.
        part: Which number of the version goes up.
        prove: Called with the package's name once version and changelog are written; raises if the wheel is no good.

    Raises:
        ValueError: If the tree is not clean, no change is recorded, the tag exists, or an argument is unknown.
    """
    package = member(name, root)
    version = bumped(package.version, part)
    tag = f"{name}-v{version}"
    _check_ready(root, package, tag)
    try:
        _write(root, package, version)
        prove(name)
        _git(root, "add", "--all", "--", str(package.path))
        _git(root, "commit", "--quiet", "--message", f"Release {name} {version}")
    except BaseException:
        _git(root, "restore", "--staged", "--worktree", "--", str(package.path))
        raise
    _git(root, "tag", "--annotate", tag, "--message", f"{name} {version}")
    return tag


def outside_range(root: Path, name: str) -> list[str]:
    """Packages whose declared range does not take the present version of ``name``; they need a release too."""
    from packaging.requirements import Requirement

    version = member(name, root).version
    requirements = {each.name: map(Requirement, each.pyproject["project"]["dependencies"]) for each in members(root)}
    return [
        package
        for package, needed in requirements.items()
        if any(each.name == name and not each.specifier.contains(version) for each in needed)
    ]


def _check_ready(root: Path, package: Member, tag: str) -> None:
    if changed := _git(root, "status", "--porcelain").strip():
        raise ValueError(f"a release needs a clean tree; commit or remove:\n{changed}")
    if _git(root, "tag", "--list", tag).strip():
        raise ValueError(f"the tag {tag} exists already")
    if not any((package.path / "changes").glob("*.*.md")):
        raise ValueError(f"{package.name} has no change to release: changes/ holds no fragment `<issue>.<kind>.md`")


def _write(root: Path, package: Member, version: str) -> None:
    pyproject = package.path / "pyproject.toml"
    pyproject.write_text(with_version(pyproject.read_text(encoding="utf-8"), version), encoding="utf-8")
    towncrier = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", version]
    subprocess.run([*towncrier, "--dir", str(package.path), "--config", str(pyproject)], cwd=root, check=True)


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", choices=[each.name for each in members()])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--nox-python", default=sys.executable, help="the Python that has nox, which runs the proof")
    arguments = parser.parse_args()

    def smoke(name: str) -> None:
        subprocess.run([arguments.nox_python, "-m", "nox", "--session", f"smoke({name})"], cwd=ROOT, check=True)

    try:
        tag = release(ROOT, arguments.package, arguments.part, prove=smoke)
    except (ValueError, subprocess.CalledProcessError) as error:
        print(f"not released: {error}", file=sys.stderr)
        return 1
    print(f"committed and tagged {tag}; push it with `git push origin HEAD {tag}`")
    for name in outside_range(ROOT, arguments.package):
        print(f"{name} does not accept this version yet: widen its range and release it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
