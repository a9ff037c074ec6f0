"""Facts that make the packages predictable: the same skeleton, the same floors, ranges that fit each other."""

import re

import pytest
import yaml
from members import ROOT, SHARED, member, members
from packaging.requirements import Requirement
from packaging.version import Version

MEMBERS = members()
PACKAGES = [each for each in MEMBERS if each.name != SHARED]
every_member = pytest.mark.parametrize("this", MEMBERS, ids=lambda each: each.name)
every_package = pytest.mark.parametrize("this", PACKAGES, ids=lambda each: each.name)


@every_member
def test_the_folder_is_called_like_the_package(this):
    assert this.path.name == this.name
    assert this.source.is_dir()


@every_member
def test_the_skeleton_is_complete(this):
    expected = ["README.md", "CHANGELOG.md", "LICENSE", "changes", "tests", f"src/{this.import_name}/py.typed"]
    assert [name for name in expected if not (this.path / name).exists()] == []


@every_member
def test_test_folders_are_no_packages(this):
    assert list((this.path / "tests").rglob("__init__.py")) == []


@every_member
def test_metadata_is_the_same_everywhere(this):
    project = this.pyproject["project"]
    assert project["requires-python"] == ">=3.11"
    assert project["license"] == "Apache-2.0"
    assert (this.path / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert re.fullmatch(r"\d+\.\d+\.\d+", this.version)
    assert this.pyproject["build-system"]["build-backend"] == "hatchling.build"


@every_member
def test_every_requirement_has_a_floor_that_the_tested_set_meets(this):
    project = this.pyproject["project"]
    optional = project.get("optional-dependencies", {})
    lines = [*project["dependencies"], *(line for extra in optional.values() for line in extra)]
    pins = {pin.name: pin for pin in pinned_set()}
    for requirement in map(Requirement, lines):
        assert any(each.operator in (">=", "==") for each in requirement.specifier), f"{requirement} has no floor"
        if requirement.name in pins:
            (pin,) = pins[requirement.name].specifier
            assert requirement.specifier.contains(pin.version), f"{requirement} does not take the tested {pin}"


@every_package
def test_the_range_of_the_shared_package_takes_its_present_version_and_no_breaking_one(this):
    (needed,) = (each for each in map(Requirement, this.pyproject["project"]["dependencies"]) if each.name == SHARED)
    version = Version(member(SHARED).version)
    breaking = Version(f"0.{version.minor + 1}") if version.major == 0 else Version(f"{version.major + 1}.0")
    assert needed.specifier.contains(version)
    assert not needed.specifier.contains(breaking)


@every_package
def test_the_command_is_called_like_the_package(this):
    assert this.commands in ([], [this.name])


@every_member
def test_bundled_wheels_are_pinned_and_no_dependencies(this):
    wheels = [*map(Requirement, this.setting("bundled")), *map(Requirement, this.setting("demo-data"))]
    declared = {Requirement(line).name for line in this.pyproject["project"]["dependencies"]}
    assert [str(each) for each in wheels if [spec.operator for spec in each.specifier] != ["=="]] == []
    assert declared.isdisjoint(each.name for each in wheels)


@every_member
def test_there_is_a_changelog_or_a_fragment_to_make_one(this):
    released = re.search(r"^## \d", (this.path / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert released or list((this.path / "changes").glob("*.*.md"))


@every_member
def test_the_documentation_has_the_four_pages(this):
    folder = ROOT / "docs" / this.name
    assert [name for name in ("index", "how-to", "concepts", "api") if not (folder / f"{name}.md").is_file()] == []


def test_the_commands_of_the_readme_are_those_that_work():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("pip install nox uv && nox -s demo\n", "pip install nox uv && nox\n"):
        assert f"```\n{command}```" in readme
    assert "pip install nox uv && nox" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_how_to_cite_names_no_person_and_the_licence_of_all():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert {"title", "message", "authors"} <= set(cited)
    assert cited["authors"] == [{"name": "The adaptive-lm contributors"}]
    assert cited["license"] == "Apache-2.0"


def test_vulnerabilities_are_reported_in_private_without_an_address():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "private vulnerability reporting" in text
    assert "@" not in text


def test_contributing_stays_one_page():
    assert (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").count("\n") <= 60


def pinned_set():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]
