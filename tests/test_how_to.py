"""Pages that show Python to be put into one's own program run from top to bottom, given the files that they name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_blocks import blocks, pages, run_block
from members import ROOT

from gpu_commons.testing import tiny_model

# They go on from a model, rows or scores of one's own, or train for long: mypy reads them instead.
ONLY_READ = {
    "docs/memory-llm/memreasoner.md",
    "docs/safe-finetune/constrained.md",
    "docs/safe-finetune/evaluation.md",
    "docs/safe-finetune/merging.md",
}


def labelled_comments() -> None:
    """Comments with scores, words and prompts, of the page on controlled-decoding."""
    people = ("teacher", "doctor", "driver", "cook", "guide", "friend", "clerk", "pilot", "nurse", "judge")
    kind, unkind = {"kind": 0, "gentle": 0.1, "warm": 0, "fair": 0}, {"nasty": 0.9, "rude": 1, "cold": 0.8, "mean": 1}
    rows = [
        f"What a {how} {who} that was to all of us,{score}" for who in people for how, score in (kind | unkind).items()
    ]
    Path("comments.csv").write_text("\n".join(["text,toxicity", *rows]))
    Path("words.txt").write_text("nasty\nrude\n")
    Path("prompts.txt").write_text("My neighbour is very\n")


FILES: dict[str, Callable[[], object]] = {
    "docs/controlled-decoding/how-to.md": labelled_comments,
    "docs/gpu-commons/how-to.md": lambda: tiny_model().save_pretrained("model"),
}


def parameters() -> list:
    found = []
    for page in pages():
        name = str(page.relative_to(ROOT))
        shown = "\n".join(block.text for block in blocks(page) if block.language == "python")
        if shown and page.name != "README.md" and page.parent.name != "tutorials" and name not in ONLY_READ:
            real = [pytest.mark.real_model, pytest.mark.slow] if _loads_a_model(shown) else []
            found.append(pytest.param(page, id=name, marks=real))
    return found


def _loads_a_model(code: str) -> bool:
    return any(name in code for name in ("bundled:", "from_connector"))


@pytest.mark.parametrize("page", parameters())
def test_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FILES.get(str(page.relative_to(ROOT)), lambda: None)()
    namespace: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        if block.language == "python":
            run_block(block, namespace)
