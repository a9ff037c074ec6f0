"""Pictures of memory-llm."""

from matplotlib.figure import Figure

from pictures.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, Record, panels


def recall() -> Figure:
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


def hops() -> Figure:
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


def step() -> Figure:
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
