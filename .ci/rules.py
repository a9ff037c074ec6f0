"""Rules of this repository that no linter knows. Each function lists its findings as ``file: what is wrong``."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import tables
from members import ROOT, SHARED, member, members

MAX_SHARED_NAMES = 20
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 100

_DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}
_LOCK_FILES = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "package-lock.json"}
_REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|index-url|https?://\S+/simple\b")
_MACHINE_PATH = re.compile(r"(?<![\w.}>-])(?:/(?:work|tmp|opt|home|root|Users|mnt|workspace)/[\w.-]|[A-Z]:\\Users\\)")
_RULES_THEMSELVES = {".ci/rules.py", "tests/test_rules.py"}
_UNLISTED = {".git", ".nox", ".venv", "__pycache__", "dist", "build", "demo", "_build", "scratch"}


def repository_files(root: Path) -> list[Path]:
    """Files that are or would be committed; without git, all but the folders that are never committed."""
    if (root / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
        return [root / name for name in names if name and (root / name).is_file()]
    found = (path for path in root.rglob("*") if not _UNLISTED & set(path.relative_to(root).parts))
    return sorted(path for path in found if path.is_file())


def no_drawers(root: Path) -> list[str]:
    """No module is called utils or the like: such a file collects what nobody named."""
    parts = [(path, {*path.relative_to(root).with_suffix("").parts}) for path in _python_files(root)]
    return [
        f"{_name(path, root)}: a module is named after what it does, not {', '.join(sorted(hit))}"
        for path, words in parts
        if (hit := words & _DRAWERS)
    ]


def no_lock_files(root: Path) -> list[str]:
    """No lock file: it names the hosts that packages came from."""
    files = repository_files(root)
    return [
        f"{_name(path, root)}: lock files name hosts; do not commit it" for path in files if path.name in _LOCK_FILES
    ]


def no_hosts_or_machine_paths(root: Path) -> list[str]:
    """No registry host and no absolute path of one machine."""
    findings = []
    for path, number, line in _text_lines(root):
        if _REGISTRY.search(line):
            findings.append(f"{path}:{number}: names a package registry; the user's own settings do that")
        if _MACHINE_PATH.search(line):
            findings.append(f"{path}:{number}: holds an absolute path of one machine")
    return findings


def few_shared_names(root: Path) -> list[str]:
    """The shared package stays small: growth is a decision."""
    names = public_names(member(SHARED, root).source / "__init__.py")
    if len(names) <= MAX_SHARED_NAMES:
        return []
    return [
        f"{SHARED}: {len(names)} public names, at most {MAX_SHARED_NAMES}; take one away or change the limit knowingly"
    ]


def declared_public_names(root: Path) -> list[str]:
    """Every package says in `__all__` what is public; the API pages are made from it."""
    files = [each.source / "__init__.py" for each in members(root)]
    return [f"{_name(path, root)}: needs a literal, non-empty `__all__`" for path in files if not public_names(path)]


def size_budgets(root: Path) -> list[str]:
    """No file and no function that cannot be read in one sitting."""
    findings = []
    for path in _python_files(root):
        text = path.read_text(encoding="utf-8")
        if (length := text.count("\n")) > MAX_FILE_LINES:
            findings.append(f"{_name(path, root)}: {length} lines, at most {MAX_FILE_LINES}; split it by ideas")
        findings += [
            f"{_name(path, root)}:{line}: `{name}` has {length} lines, at most {MAX_FUNCTION_LINES}"
            for name, line, length in _functions(text)
            if length > MAX_FUNCTION_LINES
        ]
    return findings


def generated_tables(root: Path) -> list[str]:
    """Tables of results equal the result files."""
    return [
        f"{_name(path, root)}: tables differ from the result files; run `python .ci/tables.py --write`"
        for path in tables.stale(root)
    ]


RULES = (
    no_drawers,
    no_lock_files,
    no_hosts_or_machine_paths,
    few_shared_names,
    declared_public_names,
    size_budgets,
    generated_tables,
)


def public_names(init: Path) -> list[str]:
    """The literal ``__all__`` of a module, read without importing it; empty if there is none."""
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        is_all = isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        )
        if is_all:
            return list(ast.literal_eval(node.value))
    return []


def _python_files(root: Path) -> list[Path]:
    return [path for path in repository_files(root) if path.suffix == ".py"]


def _text_lines(root: Path) -> Iterable[tuple[str, int, str]]:
    for path in repository_files(root):
        name = _name(path, root)
        if name in _RULES_THEMSELVES:
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        yield from ((name, number, line) for number, line in enumerate(lines, start=1))


def _functions(source: str) -> Iterable[tuple[str, int, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def main() -> int:
    findings = [finding for rule in RULES for finding in rule(ROOT)]
    print("\n".join(findings) if findings else f"{len(RULES)} rules of the repository hold")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
