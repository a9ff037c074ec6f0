"""A release, tried in a scratch clone: one package moves, the others and the origin do not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import release
import released
import rules
from members import ROOT, SHARED, member, members

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, sys.argv[1] + "."):
    importlib.import_module(module.name)
"""

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A repository with one commit: the files of this one as they are now."""
    folder = tmp_path_factory.mktemp("origin")
    for path in rules.repository_files(ROOT):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message", "start")
    return folder


@pytest.fixture
def clone(origin, tmp_path):
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(origin), str(folder))
    git(folder, "config", "user.name", "Test")
    git(folder, "config", "user.email", "test@example.org")
    add_fragment(folder, SHARED)
    return folder


def add_fragment(clone, name):
    """Record a change, so that there is one to release whatever this repository has released already."""
    fragment = member(name, clone).path / "changes" / "7.added.md"
    fragment.write_text("Area: something new.\n")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "a change")


def no_proof(name):
    """Stands for the smoke session where the test is about something else."""


def test_a_release_moves_one_package_only(clone):
    before = {each.name: each.version for each in members(clone)}
    start = git(clone, "rev-parse", "HEAD")
    version = release.bumped(before[SHARED], "patch")
    tag = release.release(clone, SHARED, "patch", prove=no_proof)
    assert tag == f"{SHARED}-v{version}"
    assert git(clone, "tag", "--points-at", "HEAD") == tag
    assert git(clone, "rev-parse", "HEAD~1") == start
    assert git(clone, "status", "--porcelain") == ""
    assert {each.name: each.version for each in members(clone)} == {**before, SHARED: version}
    changed = git(clone, "diff", "--name-only", "HEAD~1").splitlines()
    assert all(name.startswith(f"shared/{SHARED}/") for name in changed)


def test_the_changelog_takes_the_fragments_and_keeps_what_stood_there(clone):
    before = (member(SHARED, clone).path / "CHANGELOG.md").read_text()
    tag = release.release(clone, SHARED, "minor", prove=no_proof)
    text = (member(SHARED, clone).path / "CHANGELOG.md").read_text()
    assert f"\n## {tag.rpartition('-v')[2]} (" in text
    assert "\n- Area: something new. (#7)\n" in text
    assert text.startswith(before[: before.index("-->")])
    assert not list((member(SHARED, clone).path / "changes").glob("*.*.md"))


def test_a_second_release_stands_above_the_first(clone):
    release.release(clone, SHARED, "patch", prove=no_proof)
    add_fragment(clone, SHARED)
    release.release(clone, SHARED, "patch", prove=no_proof)
    text = (member(SHARED, clone).path / "CHANGELOG.md").read_text()
    headings = [line.split()[1] for line in text.splitlines() if line.startswith("## ")]
    assert headings == sorted(headings, reverse=True)
    assert len(headings) >= 2


def test_a_wheel_that_fails_its_proof_leaves_no_trace(clone):
    start = git(clone, "rev-parse", "HEAD")

    def fails(name):
        assert member(name, clone).version != member(name, ROOT).version, "the proof is of the new version"
        raise subprocess.CalledProcessError(1, "smoke")

    with pytest.raises(subprocess.CalledProcessError):
        release.release(clone, SHARED, "minor", prove=fails)
    assert git(clone, "rev-parse", "HEAD") == start
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "tag") == ""


def test_a_tree_that_is_not_clean_is_refused(clone):
    (clone / "README.md").write_text("changed\n")
    with pytest.raises(ValueError, match="needs a clean tree"):
        release.release(clone, SHARED, "patch", prove=no_proof)


def test_a_release_without_a_change_is_refused(clone):
    release.release(clone, SHARED, "patch", prove=no_proof)
    with pytest.raises(ValueError, match="no change to release"):
        release.release(clone, SHARED, "patch", prove=no_proof)


def test_an_existing_tag_is_refused(clone):
    git(clone, "tag", f"{SHARED}-v{release.bumped(member(SHARED, clone).version, 'major')}")
    with pytest.raises(ValueError, match="exists already"):
        release.release(clone, SHARED, "major", prove=no_proof)


def test_an_unknown_package_is_refused_with_the_known_ones(clone):
    with pytest.raises(ValueError, match=f"'gpu-common'; the packages are {SHARED}"):
        release.release(clone, "gpu-common", "minor", prove=no_proof)


def test_packages_that_do_not_take_the_new_version_are_named(clone):
    others = {each.name for each in members(clone)} - {SHARED}
    assert release.outside_range(clone, SHARED) == []
    release.release(clone, SHARED, "major", prove=no_proof)
    assert set(release.outside_range(clone, SHARED)) == others


def test_two_packages_have_versions_of_their_own(clone):
    before = {each.name: each.version for each in members(clone)}
    add_fragment(clone, "agent-tom")
    tags = {release.release(clone, SHARED, "patch", prove=no_proof)}
    tags.add(release.release(clone, "agent-tom", "minor", prove=no_proof))
    moved = {
        SHARED: release.bumped(before[SHARED], "patch"),
        "agent-tom": release.bumped(before["agent-tom"], "minor"),
    }
    assert {each.name: each.version for each in members(clone)} == {**before, **moved}
    assert tags == {f"{name}-v{version}" for name, version in moved.items()}
    assert release.outside_range(clone, SHARED) == []


def test_the_ends_of_a_range_are_its_lowest_and_its_newest_release(clone):
    this = member("agent-tom", clone)
    assert released.ends_of_range(this, clone) == []
    tags = []
    for part in ("patch", "patch", "patch", "major"):
        tags.append(release.release(clone, SHARED, part, prove=no_proof))
        add_fragment(clone, SHARED)
        taken = tags[:3]
        assert released.ends_of_range(this, clone) == [taken[0], *taken[1:][-1:]]


def test_a_release_comes_back_as_it_was(clone, tmp_path):
    tag = release.release(clone, SHARED, "patch", prove=no_proof)
    (member(SHARED, clone).source / "device.py").write_text("broken = 1\n")
    folder = released.brought_back(tag, clone, tmp_path / "back")
    assert f'version = "{tag.rpartition("-v")[2]}"' in (folder / "pyproject.toml").read_text()
    assert (folder / "src/gpu_commons/device.py").read_text() == (
        ROOT / "shared" / SHARED / "src/gpu_commons/device.py"
    ).read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fails"), [("agent-tom", True), ("controlled-decoding", False)])
def test_a_breaking_change_of_the_shared_package_fails_those_who_use_what_broke(name, fails, clone):
    """``run_tasks`` goes; one of the packages maps tasks, the other has none. All modules of each are imported."""
    broken = member(SHARED, clone).source / "parallel.py"
    broken.write_text(broken.read_text().replace("def run_tasks(", "def run_all_tasks("))
    path = os.pathsep.join(str(member(each, clone).path / "src") for each in (SHARED, name))
    command = [sys.executable, "-c", IMPORT_ALL, member(name, clone).import_name]
    done = subprocess.run(
        command, cwd=clone, env={**os.environ, "PYTHONPATH": path}, check=False, capture_output=True, text=True
    )
    assert (done.returncode != 0) == fails, done.stderr[-2000:]
    assert ("cannot import name 'run_tasks'" in done.stderr) == fails


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("uv") is None, reason="without uv the clean environment takes minutes")
def test_the_release_session_builds_proves_and_tags(clone):
    """The real command, with the wheel built, installed by name into a clean environment and used there."""
    command = [sys.executable, "-m", "nox", "--session", "release", "--", SHARED, "minor"]
    done = subprocess.run(command, cwd=clone, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert git(clone, "tag", "--points-at", "HEAD") == f"{SHARED}-v{member(SHARED, clone).version}"
    assert git(clone, "status", "--porcelain") == ""
    assert Path(clone, "shared", SHARED, "pyproject.toml").read_text() == release.with_version(
        (ROOT / "shared" / SHARED / "pyproject.toml").read_text(), member(SHARED, clone).version
    )


@pytest.mark.parametrize(
    ("version", "part", "expected"),
    [
        ("0.1.4", "patch", "0.1.5"),
        ("0.1.4", "minor", "0.2.0"),
        ("0.9.4", "major", "1.0.0"),
        ("1.9.9", "minor", "1.10.0"),
    ],
)
def test_a_version_goes_up_in_one_part_and_starts_the_later_ones_anew(version, part, expected):
    assert release.bumped(version, part) == expected


@pytest.mark.parametrize(("version", "part"), [("0.1", "minor"), ("0.1.0rc1", "minor"), ("0.1.0", "micro")])
def test_a_version_or_part_that_is_not_understood_is_refused(version, part):
    with pytest.raises(ValueError, match="must be"):
        release.bumped(version, part)


def test_only_the_version_of_the_project_table_changes():
    text = '[tool.x]\nversion = "9"\n\n[project]\nname = "p"\nversion = "0.1.0"\n\n[tool.y]\nversion = "9"\n'
    assert release.with_version(text, "0.2.0") == text.replace('"0.1.0"', '"0.2.0"')


def test_a_dynamic_version_is_refused():
    with pytest.raises(ValueError, match="no line `version"):
        release.with_version('[project]\nname = "p"\n\n[tool.x]\nversion = "9"\n', "1.0.0")
