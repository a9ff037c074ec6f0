"""What pages show of the commands is what these take: verbs, options and values, and files of studies."""

import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache

import jsonargparse
import pytest
import yaml
from markdown_blocks import blocks, pages
from members import ROOT, SHARED, members

from agent_tom.study import Study

MODULES = {each.name: each.import_name for each in members() if each.name != SHARED}
SHELLS = {"", "sh", "bash", "console"}
PAGES = pages()


def shown_commands() -> Iterator[tuple[str, list[str]]]:
    """Place and words of each command line in a block of shell."""
    for page in PAGES:
        for block in blocks(page):
            if block.language in SHELLS:
                for words in command_lines(block.text):
                    yield f"{page.relative_to(ROOT)}:{block.line}: {' '.join(words)}", words


def command_lines(text: str) -> Iterator[list[str]]:
    """Words of the lines that call one of our commands, by its name or through ``python -m`` of a launcher."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        words = words[: next((at for at, word in enumerate(words) if word in ("||", "&&", "|", ">")), None)]
        if words and words[0] in MODULES:
            yield words
        elif "-m" in words and words[words.index("-m") + 1 :]:
            module, *rest = words[words.index("-m") + 1 :]
            name = module.removesuffix(".cli").replace("_", "-")
            if name in MODULES:
                yield [name, *rest]


def named_verbs() -> Iterator[tuple[str, list[str]]]:
    """Place and words of each command that a page names in the middle of a sentence."""
    for page in PAGES:
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
            for code in re.findall(r"`([^`]+)`", line):
                words = code.split()
                if words[0] in MODULES and len(words) > 1 and not {"...", "…"} & set(words):
                    yield f"{page.relative_to(ROOT)}:{number}: {code}", words


def leads_to_a_verb(words: list[str]) -> bool:
    command, *rest = words
    verbs = importlib.import_module(f"{MODULES[command]}.cli").VERBS
    for word in rest:
        if not isinstance(verbs, dict) or word.startswith("-"):
            return True
        if word not in verbs:
            return False
        verbs = verbs[word]
    return True


@cache
def parser_of(command: str) -> jsonargparse.ArgumentParser:
    verbs = importlib.import_module(f"{MODULES[command]}.cli").VERBS
    return jsonargparse.auto_parser(
        dict(verbs), as_positional=False, prog=command, exit_on_error=False, allow_abbrev=False
    )


def check(words: list[str]) -> None:
    """Parse without running.

    Raises:
        ValueError: If a verb, an option or a value is wrong, or a required option is missing.
    """
    command, *arguments = words
    if set(arguments) & {"--help", "--version"}:
        return
    try:
        parser_of(command).parse_args(arguments)
    except jsonargparse.ArgumentError as error:
        raise ValueError(str(error)) from error


COMMANDS = dict(shown_commands())


def test_pages_show_commands_of_every_package():
    assert {words[0] for words in COMMANDS.values()} == set(MODULES)


@pytest.mark.parametrize("place", COMMANDS)
def test_a_shown_command_parses(place):
    check(COMMANDS[place])


NAMED = dict(named_verbs())


@pytest.mark.parametrize("place", NAMED)
def test_a_named_verb_exists(place):
    assert leads_to_a_verb(NAMED[place])


def test_a_verb_that_is_not_there_is_found():
    assert not leads_to_a_verb(["memory-llm", "larimar", "rite"])
    assert leads_to_a_verb(["memory-llm", "larimar", "write", "--memory", "m"])


STUDIES = [block for page in PAGES for block in blocks(page) if block.language == "yaml" and "games:" in block.text]


@pytest.mark.parametrize("block", STUDIES, ids=lambda block: f"{block.page.name}-{block.line}")
def test_a_shown_study_is_one(block):
    study = Study(**yaml.safe_load(block.text))
    names = [tuple(cell.names.values()) for cell in study.cells()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "line",
    [
        "memory-llm larimar writ --memory m",
        "memory-llm larimar write --memory m --promt p",
        "memory-llm larimar train --data d --out o --steps many",
        "memory-llm larimar train --data d",
        "accelerate launch -m memory_llm.cli epman train --data d --out o --batch 2",
    ],
)
def test_a_wrong_command_is_found(line):
    (words,) = command_lines(line)
    with pytest.raises(ValueError, match=r"invalid choice|nrecognized|Expected|required"):
        check(words)


def test_lines_that_go_on_and_comments_are_read():
    text = "$ agent-tom list \\\n    --kind prompts  # all of them\npip install x\nsafe-finetune demo || exit 1\n"
    assert list(command_lines(text)) == [["agent-tom", "list", "--kind", "prompts"], ["safe-finetune", "demo"]]
