"""Pictures of the gallery, drawn from committed records and from what the packages compute in seconds.

Sphinx draws them into ``_build/pictures`` before it reads the pages; by hand: ``python docs/gallery.py FOLDER``.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "_build" / "pictures"
# Okabe and Ito's colours, which the colour-blind can tell apart.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#777777"
LOOK = {"font.size": 10, "svg.hashsalt": "adaptive-lm", "axes.spines.top": False, "axes.spines.right": False}


class Record:
    """The newest committed record of a benchmark."""

    def __init__(self, name: str):
        package, _, benchmark = name.partition("/")
        files = (ROOT / "packages" / package / "benchmarks" / "results").glob(f"{benchmark}--*.json")
        newest = max(files, key=lambda path: path.stem.rpartition("--")[2])
        self._figures = {each["id"]: each for each in json.loads(newest.read_text(encoding="utf-8"))["figures"]}

    def value(self, figure: str) -> float:
        return self._figures[figure]["value"]

    def with_bar(self, figures: Sequence[str]) -> tuple[list[float], np.ndarray]:
        """Values, and how far their intervals reach below and above."""
        found = [self._figures[each] for each in figures]
        values = [each["value"] for each in found]
        ends = [each["interval"] or (each["value"], each["value"]) for each in found]
        reach = [(value - low, high - value) for value, (low, high) in zip(values, ends, strict=True)]
        return values, np.maximum(np.array(reach).T, 0)


def panels(count: int, *, height: float = 3.6, share_y: bool = True) -> tuple[Figure, list[Axes]]:
    """A figure of its own instead of pyplot: no global state, no window."""
    figure = Figure(figsize=(9, height), layout="constrained")
    return figure, list(figure.subplots(1, count, sharey=share_y, squeeze=False)[0])


def memory_recall() -> Figure:
    """How often a needle is found, over the text's length."""
    record = Record("memory-llm/validate_recall")
    lengths = [4000, 32000, 256000, 1000000]
    readers = (
        ("larimar", "memory-llm", BLUE),
        ("retrieval", "retrieval", ORANGE),
        ("full context", "full context", GREY),
    )
    figure, axes = panels(2)
    for axis, kind in zip(axes, ("passkey", "needle"), strict=True):
        for shift, (reader, label, colour) in zip((0.94, 1, 1.06), readers, strict=True):
            values, bars = record.with_bar([f"{kind}, {length} tokens, {reader}" for length in lengths])
            places = [length * shift for length in lengths]
            axis.errorbar(places, values, yerr=bars, color=colour, marker="o", capsize=2, label=label, linewidth=1.5)
        axis.set(xscale="log", title={"passkey": "pass keys", "needle": "made-up facts"}[kind])
        axis.set(xlabel="length of the text (tokens)", ylim=(-0.03, 1.05))
        axis.set_xticks(lengths, ["4k", "32k", "256k", "1M"], minor=False)
        axis.minorticks_off()
    axes[0].set_ylabel("found (share, 95 %)")
    axes[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def memory_hops() -> Figure:
    """Right answers among lines of novels, for MemReasoner and what it is compared with."""
    lines = [0, 30, 100]
    own = Record("memory-llm/validate_memreasoner")
    rivals = (("transformer", RED), ("gru", ORANGE), ("rmt", GREEN), ("mamba", PURPLE))
    figure, axes = panels(2)
    for axis, task in zip(axes, ("task1", "task2"), strict=True):
        values, bars = own.with_bar([f"{task}, +{count} lines" for count in lines])
        axis.errorbar(range(3), values, yerr=bars, color=BLUE, marker="o", capsize=2, linewidth=2, label="MemReasoner")
        for name, colour in rivals:
            record = Record(f"memory-llm/validate_memreasoner_{task}_{name}")
            values, bars = record.with_bar([f"{task} {name}, +{count} lines" for count in lines])
            label = {"gru": "GRU", "rmt": "recurrent memory", "mamba": "Mamba"}.get(name, name)
            axis.errorbar(range(3), values, yerr=bars, color=colour, marker="s", capsize=2, linewidth=1.2, label=label)
        axis.set_xticks(range(3), [str(count) for count in lines])
        axis.set(xlabel="lines of novels added", ylim=(-0.03, 1.05))
        axis.set_title({"task1": "one fact", "task2": "two facts"}[task])
    axes[0].set_ylabel("answered rightly (share, 95 %)")
    axes[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def memory_step() -> Figure:
    """Time of a token over the text's length: all of it attended to, or a few chunks."""
    lengths = [4096, 32768, 262144]
    shown = (("smollm2-135m", "SmolLM2-135M, one CPU thread"), ("mistral-7b", "shape of Mistral-7B, one H200"))
    figure, axes = panels(2, share_y=False)
    for axis, (shape, title) in zip(axes, shown, strict=True):
        record = Record(f"memory-llm/bench_epman_{shape}")
        for label, colour, name in (
            ("whole text", GREY, "decode step, full attention to {} tokens"),
            ("EpMAN, with neighbours", ORANGE, "decode step, {} tokens in memory, broad"),
            ("EpMAN", BLUE, "decode step, {} tokens in memory, narrow"),
        ):
            values, bars = record.with_bar([name.format(length) for length in lengths])
            axis.errorbar(lengths, values, yerr=bars, color=colour, marker="o", capsize=2, label=label, linewidth=1.5)
        axis.set(xscale="log", title=title, xlabel="length of the text (tokens)")
        axis.set_xticks(lengths, ["4k", "32k", "256k"])
        axis.minorticks_off()
    axes[0].set(yscale="log", ylabel="one token (ms)")
    axes[1].set_ylim(0, None)
    axes[1].legend(frameon=False, loc="lower left")
    return figure


def safe_mixes() -> Figure:
    """What is refused after fine-tuning on eight mixes of rows."""
    record = Record("safe-finetune/validate_attack")
    mixes = ["all rows", "all rows, radius .3", "all rows + refusals", "all rows + refusals + harmless"]
    mixes += ["safe rows", "safe rows + refusals", "safe rows + harmless", "safe rows + refusals + harmless"]
    measures = (("harmful refused", BLUE), ("instructions refused", ORANGE), ("edgy questions refused", PURPLE))
    figure, (axis,) = panels(1, height=4.8)
    for number, (measure, colour) in enumerate(measures):
        values, bars = record.with_bar([f"{mix}: {measure}" for mix in mixes])
        places = np.arange(len(mixes)) + (number - 1) * 0.26
        axis.barh(places, values, 0.24, xerr=bars, color=colour, label=measure, error_kw={"elinewidth": 0.8})
    axis.set_yticks(range(len(mixes)), mixes)
    axis.invert_yaxis()
    axis.set(xlabel="refused (share, 95 %)", xlim=(0, 1.02), ylabel="fine-tuned on")
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3)
    return figure


def safe_frontier(path: Path) -> None:
    """Averages of an expert and an aligned model, by the package's own picture."""
    from safe_finetune import Axis, Frontier, FrontierPoint

    record = Record("safe-finetune/validate_trios")
    shares = [0, 0.7, 0.8, 0.9, 1]
    points = []
    for expert in ("one word", "one word, harmless rows", "sentences, harmless rows"):
        for share in shares:
            names = [f"{expert}: {what}, alpha {share:g}" for what in ("harmful refused", "orders right")]
            pair = (record.value(names[0]), record.value(names[1]))
            points.append(FrontierPoint.from_runs(expert, [pair], strength=share))
    axes = Axis(name="harmful refused (share)", better="higher"), Axis(name="orders right (share)", better="higher")
    Frontier(*axes, tuple(points)).to_png(path)


def steering_price() -> Figure:
    """Undesired text against perplexity, by three judges."""
    record = Record("controlled-decoding/validate_toxicity")
    methods = (
        ("plain", "plain", GREY),
        ("sasa(1.92)", "SASA", BLUE),
        ("released(23.8)", "released rule", ORANGE),
        ("static(2.02)", "constant bias", GREEN),
    )
    figure, axes = panels(3)
    for axis, judge in zip(axes, ("profanity-check", "minilm", "wordlist"), strict=True):
        for name, label, colour in methods:
            (rate,), up = record.with_bar([f"{name}, toxic rate by {judge}"])
            (price,), across = record.with_bar([f"{name}, perplexity by own model"])
            axis.errorbar(price, rate, yerr=up, xerr=across, color=colour, marker="o", capsize=2, label=label)
        axis.set(title=f"judge: {judge}", xlabel="perplexity")
    axes[0].set_ylim(0, None)
    axes[0].set_ylabel("judged toxic (share, 95 %)")
    axes[-1].legend(frameon=False, loc="upper right")
    return figure


def steering_cost() -> Figure:
    """Time of a token by the way in which candidates are read."""
    record = Record("controlled-decoding/bench_cost")
    rows = (
        ("ms-plain", "plain decoding"),
        ("ms-tree-k20", "SASA, 20 candidates"),
        ("ms-tree-k50", "SASA, 50 candidates"),
        ("ms-processor-k20", "as a LogitsProcessor, 20"),
        ("ms-rows-k20", "copied rows, 20"),
        ("ms-released-k50", "released code, 50"),
    )
    figure, (axis,) = panels(1, height=2.8)
    values, bars = record.with_bar([figure_id for figure_id, _ in rows])
    axis.barh(range(len(rows)), values, xerr=bars, color=[GREY, BLUE, BLUE, ORANGE, ORANGE, RED])
    for place, value in enumerate(values):
        axis.text(value + bars[1][place] + 8, place, f"{value:.0f}", va="center")
    axis.set_yticks(range(len(rows)), [label for _, label in rows])
    axis.invert_yaxis()
    axis.set(xlabel="CPU time of a token (ms)", xlim=(0, 780))
    return figure


def agents_regret() -> Figure:
    """How regret adds up against a partner that does as it was done by; played here."""
    from agent_tom import best_response, make_agent, make_game, make_partner, play
    from agent_tom.metrics.functional import advantage_regret

    agents = (("uniform", GREY), ("fictitious_play", ORANGE), ("thompson", PURPLE), ("rmax", BLUE), ("oracle", GREEN))
    figure, axes = panels(3, share_y=False)
    for axis, name in zip(axes, ("rps", "ibs", "ipd"), strict=True):
        game = make_game(name)
        partner = make_partner("tit_for_tat").automaton(game, 100)
        solution = best_response(game, partner, 100)
        for agent, colour in agents:
            episodes = play(game, partner, make_agent(agent), horizon=100, episodes=60, seed=0)
            lost = advantage_regret(solution, episodes).mean(axis=0).cumsum()
            axis.plot(range(1, 101), lost, color=colour, label=agent.replace("_", " "), linewidth=1.8)
        axis.set(
            title={"rps": "rock, paper, scissors", "ibs": "battle of the sexes", "ipd": "prisoner's dilemma"}[name]
        )
        axis.set(xlabel="round")
    axes[0].set_ylabel("lost so far (payoff)")
    axes[-1].legend(frameon=False)
    return figure


def agents_gap() -> Figure:
    """A language model knows its partner's move and loses as much as random play."""
    record = Record("agent-tom/validate_language_model")
    games = ("rps", "ibs", "ipd")
    figure, axes = panels(2, share_y=False)
    places = np.arange(3)
    for axis, measure, label in (
        (axes[0], "knows", "moves predicted (share)"),
        (axes[1], "loses", "lost (payoff a round)"),
    ):
        for shift, asked, colour in ((-0.2, "asked after a list", BLUE), (0.2, "asked after the game", ORANGE)):
            values, bars = record.with_bar([f"{game}, {asked}: {measure}" for game in games])
            axis.bar(places + shift, values, 0.36, yerr=bars, color=colour, label=asked, capsize=2)
        axis.set_xticks(places, [game.upper() for game in games])
        axis.set(ylabel=f"{label}, 95 %", xlabel="game")
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=2)
    return figure


def protein_heat_map(path: Path) -> None:
    """Every single mutant of the protein that ships, by the package's own picture."""
    from protein_fitness import make_scorer, scan, write_png
    from protein_fitness.examples import gb1

    write_png(scan(gb1(), make_scorer("blosum62+accessibility+contact_number")), path)


def protein_scorers() -> Figure:
    """How well scorers rank what was measured, on three assays."""
    record = Record("protein-fitness/validate_assays")
    scorers = ["blosum62", "accessibility", "contact_number", "profile", "buried_profile", "s2f", "protein_mpnn"]
    scorers += ["blosum62+accessibility+contact_number"]
    scorers += ["blosum62+accessibility+contact_number+buried_profile+protein_mpnn"]
    names = [each.replace("blosum62+accessibility+contact_number", "first three") for each in scorers]
    figure, axes = panels(3, height=4)
    for axis, assay in zip(axes, ("GB1, double mutants", "GB1, single mutants' stability", "TEM-1"), strict=True):
        values, bars = record.with_bar([f"{assay}: {each}" for each in scorers])
        colours = [GREY] * 5 + [RED, ORANGE] + [BLUE] * 2
        axis.barh(range(len(scorers)), values, xerr=bars, color=colours, error_kw={"elinewidth": 0.8})
        axis.set(title=assay.replace(", ", ",\n"), xlabel="Spearman's correlation, 95 %", xlim=(0, 0.8))
    axes[0].set_yticks(
        range(len(scorers)), [name.replace("+", " + ").replace(" + buried", "\n+ buried") for name in names]
    )
    axes[0].invert_yaxis()
    return figure


DRAWN: dict[str, Callable[[], Figure]] = {
    "memory-recall": memory_recall,
    "memory-hops": memory_hops,
    "memory-step": memory_step,
    "safe-mixes": safe_mixes,
    "steering-price": steering_price,
    "steering-cost": steering_cost,
    "agents-regret": agents_regret,
    "agents-gap": agents_gap,
    "protein-scorers": protein_scorers,
}
WRITTEN: dict[str, Callable[[Path], None]] = {"safe-frontier": safe_frontier, "protein-heat-map": protein_heat_map}


def draw_all(folder: Path = PICTURES) -> list[Path]:
    """Draw every picture, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, write in WRITTEN.items():
        drawn.append(folder / f"{name}.png")
        write(drawn[-1])
    with rc_context(LOOK):
        for name, draw in DRAWN.items():
            drawn.append(folder / f"{name}.svg")
            draw().savefig(drawn[-1], metadata={"Date": None})
    return drawn


def for_sphinx(app: Any) -> None:
    """Called when a build begins."""
    draw_all()


if __name__ == "__main__":
    print("\n".join(map(str, draw_all(Path(sys.argv[1]) if sys.argv[1:] else PICTURES))))
