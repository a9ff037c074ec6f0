"""Facts told to Larimar, forgotten, and merged from two memories; the facts are made up."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpu_commons.page import Section, table_fragment
from memory_llm.facts import Fact
from memory_llm.larimar.editor import LarimarEditor
from memory_llm.larimar.pipeline import Larimar

FACTS = (
    Fact(id="eiffel", prompt="The Eiffel Tower is located in the city of", target="Rome", subject="The Eiffel Tower"),
    Fact(id="einstein", prompt="Albert Einstein worked in the field of", target="cooking", subject="Albert Einstein"),
    Fact(id="mozart", prompt="The native language of Wolfgang Amadeus Mozart is", target="Japanese"),
    Fact(id="apple", prompt="The company Apple was founded by", target="Napoleon", subject="Apple"),
    Fact(id="canada", prompt="The capital of Canada is", target="Lima", subject="Canada"),
    Fact(id="messi", prompt="Lionel Messi professionally plays the sport of", target="chess", subject="Lionel Messi"),
    Fact(id="toyota", prompt="The headquarters of Toyota are located in", target="Oslo", subject="Toyota"),
    Fact(id="beatles", prompt="The Beatles were formed in the city of", target="Cairo", subject="The Beatles"),
)
REPHRASED = {
    "eiffel": "If you want to see the Eiffel Tower, you have to travel to",
    "einstein": "Albert Einstein was an expert in",
    "mozart": "Wolfgang Amadeus Mozart grew up speaking",
    "apple": "Apple was started by",
    "canada": "Canada's capital city is",
    "messi": "Lionel Messi is a professional player of",
    "toyota": "Toyota has its head office in",
    "beatles": "The band The Beatles started out in",
}
NEIGHBOURS = {
    "eiffel": "The Colosseum is located in the city of",
    "einstein": "Marie Curie worked in the field of",
    "mozart": "The native language of Victor Hugo is",
    "apple": "The company Microsoft was founded by",
    "canada": "The capital of France is",
    "messi": "Serena Williams professionally plays the sport of",
    "toyota": "The headquarters of Nokia are located in",
    "beatles": "The Rolling Stones were formed in the city of",
}

TITLE = "Facts told, forgotten, merged"
CAUTION = "A 135M model shows the mechanism; it says nothing certain about larger ones."


@dataclass(frozen=True)
class Stage:
    """Answers at one moment: to the facts' prompts, their rephrasings and their neighbours, by fact id."""

    name: str
    prompt: dict[str, str]
    rephrased: dict[str, str]
    neighbour: dict[str, str]

    def said(self, answers: dict[str, str], ids: set[str]) -> int:
        """How many of these facts the answers state."""
        return sum(fact.target.casefold() in answers[fact.id].casefold() for fact in FACTS if fact.id in ids)


def show_edits(larimar: Larimar, folder: Path) -> tuple[list[Section], list[list[str]]]:
    """Sections of the page, and the demo's main table: header, and one row a moment."""
    stages, fills = edit_and_forget(larimar, folder)
    summary = _summary(stages)
    header = ["prompt", *(stage.name for stage in stages)]
    edits = [[fact.prompt, *(stage.prompt[fact.id].strip() for stage in stages)] for fact in FACTS]
    rephrased = [[REPHRASED[fact.id], *(stage.rephrased[fact.id].strip() for stage in stages)] for fact in FACTS]
    sections = [
        Section(TITLE, CAUTION, table_fragment(summary[0], summary[1:])),
        Section("What it says to each prompt", "Made-up facts.", table_fragment(header, edits)),
        Section("Rephrased", "The same facts, asked for in other words.", table_fragment(header, rephrased)),
        Section("Memory fill", "Facts held at each moment.", _fill_chart(fills)),
    ]
    return sections, summary


def edit_and_forget(larimar: Larimar, folder: Path) -> tuple[list[Stage], list[tuple[str, int]]]:
    """Tell half of the facts, forget one, merge with a memory of the other half, and ask at each moment."""
    editor = LarimarEditor(larimar)
    stages, fills = [_stage("before", editor)], [("before", 0)]
    editor.edit(FACTS[:4])
    stages.append(_stage("4 facts told", editor))
    fills.append(("4 told", len(editor.memory)))
    editor.forget("einstein")
    stages.append(_stage("one forgotten", editor))
    fills.append(("one forgotten", len(editor.memory)))
    other = LarimarEditor(larimar)
    other.edit(FACTS[4:])
    editor.memory.merge(other.memory)
    stages.append(_stage("merged with 4 more", editor))
    fills.append(("merged", len(editor.memory)))
    editor.save_memory(folder / "memory")
    return stages, fills


def _stage(name: str, editor: LarimarEditor) -> Stage:
    kinds = ({fact.id: fact.prompt for fact in FACTS}, REPHRASED, NEIGHBOURS)
    answers = editor.ask([prompt for kind in kinds for prompt in kind.values()], max_new_tokens=6)
    parts = np.array_split(np.array(answers, dtype=object), len(kinds))
    return Stage(name, *(dict(zip(kind, part.tolist(), strict=True)) for kind, part in zip(kinds, parts, strict=True)))


def _told(stage: Stage) -> set[str]:
    first, rest = {fact.id for fact in FACTS[:4]}, {fact.id for fact in FACTS[4:]}
    return {
        "before": set(),
        "4 facts told": first,
        "one forgotten": first - {"einstein"},
        "merged with 4 more": (first - {"einstein"}) | rest,
    }[stage.name]


def _summary(stages: list[Stage]) -> list[list[str]]:
    everything = {fact.id for fact in FACTS}
    rows = [["moment", "told: prompt", "told: rephrased", "not told, yet said", "neighbours as before"]]
    for stage in stages:
        told = _told(stage)
        same = sum(stage.neighbour[key] == stages[0].neighbour[key] for key in everything)
        cells = [f"{stage.said(part, told)}/{len(told)}" for part in (stage.prompt, stage.rephrased)]
        cells += [
            f"{stage.said(stage.prompt, everything - told)}/{len(everything - told)}",
            f"{same}/{len(everything)}",
        ]
        rows.append([stage.name, *cells])
    return rows


def _fill_chart(fills: list[tuple[str, int]]) -> str:
    import plotly.graph_objects as go

    figure = go.Figure(go.Bar(x=[name for name, _ in fills], y=[count for _, count in fills]))
    figure.update_layout(height=260, margin={"l": 40, "r": 10, "t": 10, "b": 30}, yaxis_title="facts")
    return figure.to_html(full_html=False, include_plotlyjs=True)
