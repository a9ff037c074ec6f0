"""``memory-llm memreasoner``: make stories, dilute them in long texts, export them as rows of BABILong."""

import re
from pathlib import Path
from typing import Literal

from gpu_commons.cli import show
from memory_llm.commands.load_tokenizer import load_tokenizer

_UNITS = {"": 1, "k": 1000, "m": 1_000_000}


def make_data(
    out: str,
    task: Literal["1", "2", "vt"] = "1",
    n: int = 10_000,
    seed: int = 0,
    locations: str | None = None,
    most_facts: int | None = None,
    chains: int = 10,
    hops: int = 2,
    asked: Literal["value", "variables"] = "value",
    json: bool = False,
) -> None:
    """Make stories with questions: of bAbI's tasks 1 and 2, or variable tracking.

    Args:
        out: File of the stories, .jsonl, or .txt for the layout of bAbI.
        task: Where somebody is (1), where what somebody holds is (2), or variable tracking (vt).
        n: Stories.
        seed: Of all that is random.
        locations: Text file of places, for tasks 1 and 2; bAbI's six if absent.
        most_facts: Leave out stories of more lines, in tasks 1 and 2.
        chains: Of variables, with the one that is asked for.
        hops: Lines of a chain.
        asked: The value of a variable, or all variables that have a value.
        json: Result as JSON on stdout.
    """
    from memory_llm.haystack.stories import (
        LOCATIONS,
        variable_tracking,
        where_is_actor,
        where_is_object,
        write_stories,
    )

    if task == "vt":
        if locations is not None or most_facts is not None:
            raise ValueError("`locations` and `most_facts` belong to tasks 1 and 2; leave them out with `--task vt`.")
        stories = variable_tracking(n, seed=seed, num_chains=chains, num_hops=hops, asked=asked)
    else:
        places = LOCATIONS if locations is None else tuple(_text(locations).split())
        tell = where_is_actor if task == "1" else where_is_object
        stories = tell(n, seed=seed, locations=places, most_facts=most_facts)
    show({"saved": str(write_stories(stories, out)), "stories": n}, as_json=json)


def dilute_stories(
    facts: str,
    out: str,
    lengths: str = "0k,4k,16k",
    unit: Literal["tokens", "lines"] = "tokens",
    filler: str | None = None,
    part: Literal["train", "test"] = "test",
    place: Literal["spread", "clustered", "ends"] = "spread",
    tokenizer: str = "bundled:smollm2-135m-instruct",
    seed: int = 0,
    json: bool = False,
) -> None:
    """Scatter the lines of stories among sentences of a book, at every length.

    Args:
        facts: File of stories (.jsonl, or bAbI's .txt).
        out: Folder; each length gets a file of stories, such as 16k.jsonl.
        lengths: Such as 0k,4k,1M, with commas between; 0 leaves the stories as they are.
        unit: Lengths are tokens of context and prompt (300 of them), or lines of filler.
        filler: Book, as for haystack make; Pride and Prejudice if absent.
        part: Of the book's sentences: the first four fifths for training, or the last fifth for tests.
        place: Of the story's lines: anywhere, all in one gap, or at both ends.
        tokenizer: Whose tokens are counted.
        seed: Of sentences and places.
        json: Result as JSON on stdout.
    """
    from tqdm import tqdm

    from memory_llm.haystack import bundled_book, read_book
    from memory_llm.haystack.stories import (
        CountedFiller,
        dilute_all,
        dilute_all_to_tokens,
        read_stories,
        split_filler,
        write_stories,
    )

    sizes = {length: _size(length) for length in lengths.split(",")}
    stories = read_stories(facts)
    # Token budgets leave out sentences under ten tokens, so longer ones are let in, as in BABILong.
    bounds = {"least_words": 1, "most_words": 10_000} if unit == "tokens" else {}
    split = split_filler(read_book(filler) if filler else bundled_book(), **bounds)
    sentences = split.test if part == "test" else split.train
    counted = CountedFiller(sentences, load_tokenizer(tokenizer)) if unit == "tokens" else None
    rows = []
    for length, size in sizes.items():
        told = tqdm(stories, desc=length, unit="story")
        if counted is None:
            diluted = dilute_all(told, sentences, size, seed=seed, place=place)
        else:
            diluted = dilute_all_to_tokens(told, counted, size, seed=seed, place=place)
        rows.append({"saved": str(write_stories(diluted, Path(out, f"{length}.jsonl"))), "stories": len(stories)})
    show(rows, as_json=json)


def export_babilong(stories: str, out: str, json: bool = False) -> None:
    """Write stories as rows of BABILong, which its programs read.

    Args:
        stories: File of stories, or a folder of such files, as haystack leaves it.
        out: File of the rows (.json); a folder for a folder.
        json: Result as JSON on stdout.
    """
    from memory_llm.haystack.stories import read_stories, write_babilong

    source = Path(stories).expanduser()
    files = sorted(source.glob("*.jsonl")) if source.is_dir() else [source]
    if not files:
        raise ValueError(f"{source} holds no .jsonl file of stories; make some with `memory-llm memreasoner haystack`.")
    rows = []
    for file in files:
        told = read_stories(file)
        target = Path(out, f"{file.stem}.json") if source.is_dir() else Path(out)
        rows.append({"saved": str(write_babilong(told, target)), "stories": len(told)})
    show(rows, as_json=json)


def _size(length: str) -> int:
    found = re.fullmatch(r"(\d+)([km]?)", length.lower())
    if found is None:
        raise ValueError(f"`lengths` must be numbers such as 300, 16k or 1M, got {length!r}.")
    return int(found[1]) * _UNITS[found[2]]


def _text(path: str) -> str:
    return Path(path).expanduser().read_text(encoding="utf-8")
