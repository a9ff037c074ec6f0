"""Records: complete, comparable, and fit to be published."""

import getpass
import importlib.metadata
import json
import math
import platform
import re
import shutil
import subprocess

import pytest
import torch

import gpu_commons.environment
from gpu_commons.environment import hardware_slug
from gpu_commons.records import Figure, environment_record, read_records, write_record

FIGURE = Figure(id="tree plan", value=1.2, interval=(1.1, 1.3), unit="ratio", better="lower", target=1.4, baseline=1.0)


def git(folder, *arguments):
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def results_dir(tmp_path):
    """The results folder of a package in a repository with one commit and nothing else changed."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (tmp_path / "code.py").write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text("scratch/\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "start")
    return tmp_path / "packages" / "p" / "benchmarks" / "results"


def write(results_dir, name="bench_cost", **changes):
    arguments = {"command": "python bench_cost.py", "config": {"k": 20}, "seeds": [0], "figures": [FIGURE]}
    return write_record(name, results_dir=results_dir, **{**arguments, "device": "cpu", **changes})


def test_a_clean_full_run_is_kept_as_evidence(results_dir):
    path = write(results_dir)
    assert path.parent == results_dir
    assert re.fullmatch(r"bench_cost--cpu-\d+c-[a-z0-9.-]+--\d{4}-\d\d-\d\d\.json", path.name)
    record = json.loads(path.read_text())
    assert record["dirty"] is False
    assert re.fullmatch(r"[0-9a-f]{40}", record["commit"])
    assert record["figures"] == [
        {
            "id": "tree plan",
            "value": 1.2,
            "unit": "ratio",
            "better": "lower",
            "interval": [1.1, 1.3],
            "target": 1.4,
            "baseline": 1.0,
        }
    ]


def test_a_second_result_is_not_dirtied_by_the_first(results_dir):
    write(results_dir)
    assert write(results_dir, "bench_memory").parent == results_dir


@pytest.mark.parametrize("file", ["code.py", "new.py"])
def test_a_changed_or_new_file_sends_the_record_to_scratch(results_dir, file):
    (results_dir.parents[3] / file).write_text("x = 2\n")
    path = write(results_dir)
    assert path.parent == results_dir / "scratch"
    assert json.loads(path.read_text())["dirty"] is True


def test_a_shortened_run_goes_to_scratch(results_dir):
    assert write(results_dir, shortened=True).parent == results_dir / "scratch"


def test_a_run_outside_a_repository_goes_to_scratch(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))  # the temporary folder may lie in a repository
    path = write(tmp_path / "results")
    record = json.loads(path.read_text())
    assert path.parent.name == "scratch"
    assert (record["commit"], record["dirty"]) == (None, None)


def test_records_are_read_oldest_first_without_scratch(results_dir):
    newer = write(results_dir, "a")
    older = json.loads(newer.read_text()) | {"name": "b", "date": "2020-01-01"}
    (results_dir / "b--cpu--2020-01-01.json").write_text(json.dumps(older))
    write(results_dir, "c", shortened=True)
    assert [record["name"] for record in read_records(results_dir)] == ["b", "a"]


def test_nothing_half_written_stays(results_dir):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(results_dir, extra={"raw": [math.nan]})
    assert not list(results_dir.glob("*.json"))


def test_no_machine_or_user_is_named(results_dir, monkeypatch):
    monkeypatch.chdir(results_dir.parents[3])
    path = write(
        results_dir,
        command=f"python {results_dir}/bench_cost.py --data=/srv/someone/data.jsonl --url http://example.org/a/b",
        config={"out": results_dir / "x", "elsewhere": r"D:\someone\model.gguf", "unit": "tokens/s", "ratio": "1 / 2"},
    )
    text = path.read_text()
    record = json.loads(text)
    script = "packages/p/benchmarks/results/bench_cost.py"
    assert record["command"] == f"python {script} --data=data.jsonl --url http://example.org/a/b"
    inside = "packages/p/benchmarks/results/x"
    assert record["config"] == {"out": inside, "elsewhere": "model.gguf", "unit": "tokens/s", "ratio": "1 / 2"}
    for word in ("someone", str(results_dir.parents[3])):
        assert word not in text
    environment = json.dumps(record["environment"])
    for word in (platform.node(), getpass.getuser()):
        assert not re.search(rf"\b{re.escape(word)}\b", environment)


def test_the_environment_names_what_a_result_depends_on():
    environment = environment_record()
    assert environment["packages"]["torch"] == importlib.metadata.version("torch")
    assert {"gpu-commons", "transformers", "numpy"} <= environment["packages"].keys()
    assert environment["python"] == platform.python_version()
    assert environment["usable_cores"] >= 1


@pytest.mark.parametrize(
    ("product", "slug"),
    [
        ("AMD EPYC", "amd-epyc"),
        ("AMD EPYC 7B13 64-Core Processor", "amd-epyc-7b13"),
        ("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "intel-xeon-platinum-8481c"),
        ("", "unknown"),
    ],
)
def test_a_processor_is_named_without_its_trimmings(monkeypatch, product, slug):
    monkeypatch.setattr(gpu_commons.environment, "_processor_name", lambda: product)
    monkeypatch.setattr(gpu_commons.environment, "_usable_cores", lambda: 2)
    assert hardware_slug(torch.device("cpu")) == f"cpu-2c-{slug}"


@pytest.mark.gpu
def test_a_gpu_is_named_by_its_product():
    assert hardware_slug(torch.device("cuda")).startswith("nvidia-")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": math.nan}, '`value` of figure "tree plan" must be finite, got nan'),
        ({"target": math.inf}, "`target`"),
        ({"interval": (2.0, 1.0)}, "finite and ordered"),
        ({"interval": (math.nan, 1.0)}, "finite and ordered"),
        ({"better": "smaller"}, "better"),
    ],
)
def test_a_figure_that_cannot_be_judged_is_refused(changes, message):
    fields = {"id": "tree plan", "value": 1.0, "unit": "ms", "better": "lower"}
    with pytest.raises(Exception, match=message):
        Figure(**{**fields, **changes})


def test_two_figures_of_one_id_are_refused(results_dir):
    with pytest.raises(ValueError, match="repeated: tree plan"):
        write(results_dir, figures=[FIGURE, FIGURE])


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a--b", "../a"])
def test_a_name_that_does_not_suit_a_file_is_refused(results_dir, name):
    with pytest.raises(ValueError, match="`name` must be letters and digits"):
        write(results_dir, name)


def test_extra_keys_cannot_replace_the_provenance(results_dir):
    with pytest.raises(ValueError, match="must not redefine commit"):
        write(results_dir, extra={"commit": "0" * 40})


def test_a_file_that_is_no_record_is_named(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(ValueError, match=r"x\.json is not a run record"):
        read_records(tmp_path)
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match=r"x\.json is not JSON"):
        read_records(tmp_path)


def test_a_missing_folder_is_named_in_full(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none"))):
        read_records(tmp_path / "none")


@pytest.mark.parametrize(
    ("value", "better", "target", "met"),
    [
        (1.0, "lower", 2.0, True),
        (2.0, "lower", 2.0, True),
        (3.0, "lower", 2.0, False),
        (3.0, "higher", 2.0, True),
        (1.0, "higher", 2.0, False),
        (1.0, "higher", None, True),
    ],
)
def test_a_target_is_met_or_not(value, better, target, met):
    assert Figure(id="a", value=value, unit="", better=better, target=target).met is met
