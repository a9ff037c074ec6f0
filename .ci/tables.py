"""Fill the tables between ``<!-- results: ... -->`` and ``<!-- end results -->`` from the newest result files.

A marker names the benchmark, ``bench_cost`` inside a package and ``controlled-decoding/bench_cost`` elsewhere;
``bench_cost, targets`` shows only the figures that have a target. Of each hardware the newest record is shown. Run with
``--write`` to update the files, without to list those that differ.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from members import ROOT, members

MARKED = re.compile(
    r"(<!-- results: (?P<name>[\w./-]+)(?P<targets>, targets)? -->\n)(?P<body>.*?)(?P<end><!-- end results -->)",
    re.DOTALL,
)


def documents(root: Path) -> list[Path]:
    """Files whose tables are generated: READMEs and documentation pages."""
    readmes = [root / "README.md", *(each.path / "README.md" for each in members(root))]
    return [path for path in [*readmes, *sorted(root.glob("docs/**/*.md"))] if path.is_file()]


def filled(document: Path, root: Path) -> str:
    """The document's text with every table generated anew."""

    def fill(match: re.Match[str]) -> str:
        folder, _, name = match["name"].rpartition("/")
        package = root / "packages" / folder if folder else document.parent
        records = newest_records(package / "benchmarks" / "results", name)
        return match[1] + tables(records, only_targets=bool(match["targets"])) + match["end"]

    return MARKED.sub(fill, document.read_text(encoding="utf-8"))


def newest_records(results: Path, name: str) -> list[dict[str, Any]]:
    """The newest record of a benchmark on each hardware; file names end in the date, so the last one sorts last."""
    newest: dict[str, Path] = {}
    for path in sorted(results.glob(f"{name}--*.json"), key=lambda path: path.stem.rpartition("--")[2]):
        newest[path.stem.split("--")[1]] = path
    return [json.loads(newest[hardware].read_text(encoding="utf-8")) for hardware in sorted(newest)]


def tables(records: list[dict[str, Any]], *, only_targets: bool = False) -> str:
    """One Markdown table a record, each followed by its provenance."""
    if not records:
        return "No result is committed yet.\n"
    return "\n".join(_table(record, only_targets) for record in records)


def _table(record: dict[str, Any], only_targets: bool) -> str:
    figures = [figure for figure in record["figures"] if figure["target"] is not None or not only_targets]
    optional = [key for key in ("interval", "baseline", "target") if any(figure[key] is not None for figure in figures)]
    header = ["figure", "value", *optional, "unit", "better"]
    rows = [[_cell(figure, key) for key in ("id", *header[1:])] for figure in figures]
    lines = [header, ["---"] * len(header), *rows]
    body = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"{body}\n{record['hardware']}, {record['date']}, commit {record['commit'][:10]}: `{record['command']}`\n"


def _cell(figure: dict[str, Any], key: str) -> str:
    value = figure[key]
    if value is None:
        return ""
    if key == "interval":
        return f"{_number(value[0])} to {_number(value[1])}"
    if key == "target":
        return f"{'≥' if figure['better'] == 'higher' else '≤'} {_number(value)}"
    return _number(value) if isinstance(value, int | float) else value.replace("|", r"\|")


def _number(value: float) -> str:
    """Four significant digits, integers in full."""
    return str(int(value)) if float(value).is_integer() else f"{value:.4g}"


def stale(root: Path) -> list[Path]:
    """Documents whose tables differ from the result files."""
    return [path for path in documents(root) if filled(path, root) != path.read_text(encoding="utf-8")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="update the files")
    arguments = parser.parse_args()
    differing = stale(ROOT)
    for path in differing:
        if arguments.write:
            path.write_text(filled(path, ROOT), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'updated' if arguments.write else 'tables differ from the result files'}")
    return bool(differing) and not arguments.write


if __name__ == "__main__":
    sys.exit(main())
