"""Pictures of controlled-decoding."""

from matplotlib.figure import Figure

from pictures.drawing import BLUE, GREEN, GREY, ORANGE, RED, Record, panels


def trade_off() -> Figure:
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


def cost() -> Figure:
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
