"""Each rule of the repository finds what it is there for, and this repository keeps all of them."""

import pytest
import rules
from members import ROOT


@pytest.fixture
def workspace(tmp_path):
    """The smallest tree that keeps every rule."""
    package = tmp_path / "shared" / "gpu-commons"
    source = package / "src" / "gpu_commons"
    source.mkdir(parents=True)
    (package / "pyproject.toml").write_text('[project]\nname = "gpu-commons"\nversion = "0.1.0"\n')
    (source / "__init__.py").write_text('__all__ = ["name"]\n')
    (source / "device.py").write_text("name = 1\n")
    (tmp_path / "README.md").write_text("# Title\n")
    return tmp_path


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_this_repository_keeps_the_rule(rule):
    assert rule(ROOT) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_smallest_workspace_keeps_the_rule(rule, workspace):
    assert rule(workspace) == []


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "common/loading.py"])
def test_a_drawer_is_found_by_its_name(workspace, name):
    path = workspace / "shared" / "gpu-commons" / "src" / "gpu_commons" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x = 1\n")
    (finding,) = rules.no_drawers(workspace)
    assert finding.startswith(f"shared/gpu-commons/src/gpu_commons/{name}: ")


def test_a_lock_file_is_found(workspace):
    (workspace / "uv.lock").write_text("version = 1\n")
    assert len(rules.no_lock_files(workspace)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "/home/someone/model.gguf",
        'data = "/tmp/run"',
        "see file:///opt/wheels",
        r"C:\Users\someone",
        "pip install --index-url x",
        "https://mirror.example.org/simple/",
    ],
)
def test_a_host_or_a_machine_path_is_found_with_its_line(workspace, line):
    (workspace / "README.md").write_text(f"# Title\n{line}\n")
    (finding,) = rules.no_hosts_or_machine_paths(workspace)
    assert finding.startswith("README.md:2: ")


@pytest.mark.parametrize(
    "line", ["../shared/data", "https://example.org/home/x", "a/tmp/b", "POST /v1/chat/completions", "<tmp>/work/x"]
)
def test_relative_paths_and_links_are_left_alone(workspace, line):
    (workspace / "README.md").write_text(f"{line}\n")
    assert rules.no_hosts_or_machine_paths(workspace) == []


def test_one_shared_name_too_many_is_found(workspace):
    init = workspace / "shared" / "gpu-commons" / "src" / "gpu_commons" / "__init__.py"
    names = [f"name_{number}" for number in range(rules.MAX_SHARED_NAMES)]
    init.write_text(f"__all__ = {names}\n")
    assert rules.few_shared_names(workspace) == []
    init.write_text(f"__all__ = {[*names, 'one_more']}\n")
    (finding,) = rules.few_shared_names(workspace)
    assert f"{rules.MAX_SHARED_NAMES + 1} public names" in finding


def test_a_package_without_a_list_of_public_names_is_found(workspace):
    (workspace / "shared" / "gpu-commons" / "src" / "gpu_commons" / "__init__.py").write_text("")
    assert len(rules.declared_public_names(workspace)) == 1


def test_a_function_or_file_beyond_its_budget_is_found(workspace):
    body = "    x = 1\n" * rules.MAX_FUNCTION_LINES
    path = workspace / "shared" / "gpu-commons" / "src" / "gpu_commons" / "device.py"
    path.write_text(f"def long():\n{body}")
    (finding,) = rules.size_budgets(workspace)
    assert "device.py:1: `long` has 101 lines" in finding
    path.write_text("x = 1\n" * (rules.MAX_FILE_LINES + 1))
    (finding,) = rules.size_budgets(workspace)
    assert "501 lines" in finding


def test_a_stale_table_is_found(workspace):
    (workspace / "README.md").write_text("<!-- results: p/bench_x -->\n| old |\n<!-- end results -->\n")
    assert len(rules.generated_tables(workspace)) == 1
