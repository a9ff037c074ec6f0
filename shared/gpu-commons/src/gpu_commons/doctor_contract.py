"""What the ``doctor`` of every package keeps to, as tests that a package's own test module inherits."""

import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gpu_commons.installation import requirements
from gpu_commons.testing import hide_distributions

Main = Callable[[Sequence[str]], int]


class Diagnosis(NamedTuple):
    """What a call of ``doctor --json true`` gave.

    Attributes:
        code: Exit code.
        found: Findings by name, as their JSON has them.
        said: What stood beside them on stderr.
    """

    code: int
    found: dict[str, dict[str, Any]]
    said: str


def diagnose(main: Main, capsys: Any, *arguments: str) -> Diagnosis:
    """Call a command's ``doctor``.

    Args:
        main: Entry point of the command.
        capsys: Pytest's fixture.
        arguments: Of ``doctor``.
    """
    code = main(["doctor", *arguments, "--json", "true"])
    printed = capsys.readouterr()
    findings = json.loads(printed.out)
    return Diagnosis(code, {row["what"].strip(): row for row in findings}, printed.err)


class DoctorContract:
    """Tests of the installation's part of ``doctor``; a subclass named ``Test...`` fills in the attributes.

    Attributes:
        package: Distribution.
        main: Entry point of its command, as ``staticmethod``.
        extras: What its optional features are for.
        needed: A distribution that it cannot do without.
        unusable: Option and value of a thing that is not there, which is not looked at while something is missing.
    """

    package: str
    main: Main
    extras: Mapping[str, str]
    needed = "transformers"
    unusable = ("--model", "./no-such-thing")

    def test_every_extra_is_said_to_be_for_something(self) -> None:
        """By name."""
        assert self.extras.keys() == set(importlib.metadata.metadata(self.package).get_all("Provides-Extra") or ())

    def test_a_whole_installation_is_ready(self, capsys: Any) -> None:
        """Extras may be missing, with the line that installs them."""
        code, found, _ = diagnose(self.main, capsys)

        assert code == 0
        assert found["torch"]["found"] == importlib.metadata.version("torch")
        assert [name for name, row in found.items() if row["advice"] and name.strip("[]") not in self.extras] == []

    def test_what_is_missing_and_needed_is_told_and_nothing_else_looked_at(self, monkeypatch: Any, capsys: Any) -> None:
        """Since looking would import what is missing."""
        hide_distributions(monkeypatch, self.needed)
        code, found, said = diagnose(self.main, capsys, *self.unusable)

        assert code == 1
        assert found[self.needed]["found"] == "not installed"
        assert found[self.needed]["advice"].startswith(f'pip install "{self.needed}')
        assert found.keys() == {*requirements(self.package), *(f"[{extra}]" for extra in self.extras)}
        assert f"not ready because of {self.needed};" in said

    def test_what_is_named_and_cannot_be_used_is_not_ready(self, capsys: Any) -> None:
        """With advice that stands in its own row."""
        code, found, said = diagnose(self.main, capsys, *self.unusable)
        what = self.unusable[0].strip("-")

        assert code == 1
        assert Path(self.unusable[1]).name in found[what]["advice"]
        assert f"not ready because of {what};" in said
