"""``memory-llm larimar``: train a connector; write, ask, forget, merge and judge memories."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gpu_commons.cli import logs_on_stderr, show
from memory_llm.commands.defaults import DECODER, ENCODER, Dtype

if TYPE_CHECKING:
    from memory_llm.larimar.editor import LarimarEditor
    from memory_llm.larimar.pipeline import Larimar


def train(
    data: str,
    out: str,
    encoder: str = ENCODER,
    decoder: str = DECODER,
    steps: int = 1200,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
    kl_weight: float = 1.0,
    target_tokens: int = 8,
    seed: int = 0,
    resume: bool = False,
    dtype: Dtype = "auto",
) -> None:
    """Train the connector between an encoder and a decoder, both frozen, on facts.

    Args:
        data: Facts with subjects (CounterFact, ZsRE, JSONL ...).
        out: Folder of the connector.
        encoder: Hub id, folder or bundled:NAME.
        decoder: Hub id, folder, .gguf file or bundled:NAME.
        steps: Optimiser steps.
        batch_size: Examples a step.
        learning_rate: At its height.
        kl_weight: Of keeping the base model where a fact is not asked for.
        target_tokens: Longest target in tokens, its full stop included.
        seed: Of examples and order.
        resume: Go on from the last checkpoint.
        dtype: Number format of the decoder.
    """
    from memory_llm.facts import read_facts
    from memory_llm.larimar.pipeline import Larimar
    from memory_llm.larimar.train import train_connector

    facts = read_facts(data)
    larimar = Larimar.from_base(encoder, decoder, dtype=dtype, target_tokens=target_tokens)
    with logs_on_stderr():
        train_connector(
            larimar,
            facts,
            out,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            kl_weight=kl_weight,
            seed=seed,
            resume=resume,
        )
    show(out, as_json=False)


def write(
    memory: str,
    data: str | None = None,
    prompt: str | None = None,
    target: str | None = None,
    id: str | None = None,
    connector: str = "bundled",
    on_conflict: Literal["error", "update", "add"] = "error",
    truncate: bool = False,
    json: bool = False,
) -> None:
    """Write facts to a memory, which is made if it is not there.

    Args:
        memory: Folder of the memory.
        data: File of facts.
        prompt: Of a single fact, with --target.
        target: What must follow the prompt.
        id: Name of the single fact.
        connector: Folder of a connector, or bundled.
        on_conflict: What a key that is already there with another value means; of a new memory.
        truncate: Cut facts that are longer than the encoder's window.
        json: Result as JSON on stdout.
    """
    from memory_llm.facts import Fact, read_facts

    if (data is None) == (prompt is None) or (prompt is None) != (target is None):
        raise ValueError("give either --data, or --prompt with --target.")
    if data is not None:
        facts = read_facts(data)
    else:
        facts = [Fact(id=id or str(prompt), prompt=str(prompt), target=str(target))]
    editor = _editor(memory, connector, must_exist=False, on_conflict=on_conflict)
    receipt = editor.edit(facts, truncate=truncate)
    editor.save_memory(memory)
    show(asdict(receipt), as_json=json)


def ask(
    memory: str,
    prompt: str | None = None,
    prompts: str | None = None,
    connector: str = "bundled",
    max_new_tokens: int = 16,
    json: bool = False,
) -> None:
    """Continue prompts with what a memory knows.

    Args:
        memory: Folder of the memory.
        prompt: One prompt.
        prompts: File with a prompt a line.
        connector: Folder of a connector, or bundled.
        max_new_tokens: Longest continuation.
        json: One JSON object a prompt.
    """
    if (prompt is None) == (prompts is None):
        raise ValueError("give either --prompt or --prompts.")
    wanted = [prompt] if prompt is not None else _lines(str(prompts))
    answers = _editor(memory, connector).ask(wanted, max_new_tokens=max_new_tokens)
    for one, answer in zip(wanted, answers, strict=True):
        show({"prompt": one, "answer": answer} if json else answer.strip(), as_json=json)


def read(memory: str, prompt: str, count: int = 3, connector: str = "bundled", json: bool = False) -> None:
    """Show which facts a prompt finds, and whether it is in their scope.

    Args:
        memory: Folder of the memory.
        prompt: The prompt.
        count: Facts to show.
        connector: Folder of a connector, or bundled.
        json: Result as JSON on stdout.
    """
    show(asdict(_editor(memory, connector).explain(prompt, count=count)), as_json=json)


def forget(memory: str, ids: list[str], json: bool = False) -> None:
    """Take facts out of a memory as if they had never been written.

    Args:
        memory: Folder of the memory.
        ids: Of the facts.
        json: Result as JSON on stdout.
    """
    from memory_llm.larimar.memory import EpisodicMemory

    loaded = EpisodicMemory.from_pretrained(memory)
    receipt = loaded.forget(ids)
    loaded.save_pretrained(memory)
    show(asdict(receipt), as_json=json)


def list_facts(memory: str, json: bool = False) -> None:
    """List the facts of a memory.

    Args:
        memory: Folder of the memory.
        json: Result as JSON on stdout.
    """
    from memory_llm.larimar.memory import EpisodicMemory

    loaded = EpisodicMemory.from_pretrained(memory)
    show([{"id": name, "text": loaded.text(name)} for name in loaded.ids], as_json=json)


def info(memory: str, json: bool = False) -> None:
    """Show how full a memory is and how well it can be solved.

    Args:
        memory: Folder of the memory.
        json: Result as JSON on stdout.
    """
    from memory_llm.larimar.memory import EpisodicMemory

    loaded = EpisodicMemory.from_pretrained(memory)
    config = loaded.config
    facts = {"addressing": config.addressing, "key_width": config.key_width, "value_width": config.value_width}
    worst = (
        max(loaded.residuals().values(), default=0.0) if config.log == "full" or config.addressing == "slot" else None
    )
    show({**facts, **asdict(loaded.capacity()), "worst_residual": worst, "encoder": loaded.encoder}, as_json=json)


def merge(memory: str, other: str, out: str, json: bool = False) -> None:
    """Join two memories into a third.

    Args:
        memory: Folder of one memory.
        other: Folder of the other.
        out: Folder of the result; may be that of the first.
        json: Result as JSON on stdout.
    """
    from memory_llm.larimar.memory import EpisodicMemory

    joined = EpisodicMemory.from_pretrained(memory)
    joined.merge(EpisodicMemory.from_pretrained(other))
    joined.save_pretrained(out)
    show({"saved": out, "facts": len(joined)}, as_json=json)


def evaluate_facts(
    data: str,
    out: str,
    connector: str = "bundled",
    limit: int = 100,
    together: list[int] = [1],  # noqa: B006 - read only
    baselines: bool = True,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Judge editing on facts: reliability, paraphrases and locality, beside the base model, prompts and look-up.

    Args:
        data: File of facts (CounterFact, ZsRE, JSONL ...).
        out: Folder of the results.
        connector: Folder of a connector, or bundled.
        limit: Facts drawn.
        together: Facts told at once, in groups.
        baselines: Run the baselines too.
        seed: Of the draw.
        json: The whole report as JSON on stdout.
    """
    import json as json_module
    import random

    from memory_llm.facts import NoEdit, Report, evaluate, read_facts

    facts = read_facts(data)
    facts = random.Random(seed).sample(facts, min(limit, len(facts)))
    larimar = _larimar(connector)
    base = NoEdit(larimar.model.decoder, larimar.tokenizer)
    report = Report(outcomes=())
    for method in [*_baselines(larimar, base), *_own_methods(larimar)] if baselines else _own_methods(larimar):
        report += evaluate(method, facts, base=base.told([]), num_together=together, progress=True)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json_module.dumps(report.to_dict()), encoding="utf-8")
    (folder / "report.md").write_text(report.to_markdown() + "\n", encoding="utf-8")
    show(report.to_dict() if json else report.to_markdown(), as_json=json)


def bench(data: str, connector: str = "bundled", edits: int = 100, seed: int = 0, json: bool = False) -> None:
    """Time edits one by one.

    Args:
        data: File of facts.
        connector: Folder of a connector, or bundled.
        edits: Facts written.
        seed: Of the draw.
        json: Result as JSON on stdout.
    """
    import random
    import statistics
    import time

    from memory_llm.facts import read_facts
    from memory_llm.larimar.editor import LarimarEditor

    facts = read_facts(data)
    facts = random.Random(seed).sample(facts, min(edits, len(facts)))
    larimar = _larimar(connector)
    memory = larimar.new_memory(num_slots=len(facts), on_conflict="update")
    editor, times = LarimarEditor(larimar, memory), []
    for fact in facts:
        start = time.perf_counter()
        editor.edit(fact, truncate=True)
        times.append(1000 * (time.perf_counter() - start))
    show({"edits": len(times), "median_ms": statistics.median(times), "slowest_ms": max(times)}, as_json=json)


def _larimar(connector: str) -> "Larimar":
    from memory_llm.larimar.pipeline import Larimar

    return Larimar.from_connector(connector)


def _editor(memory: str, connector: str, *, must_exist: bool = True, **settings: Any) -> "LarimarEditor":
    from memory_llm.larimar.editor import LarimarEditor
    from memory_llm.larimar.memory_file import MEMORY_FILE

    larimar = _larimar(connector)
    if must_exist or (Path(memory) / MEMORY_FILE).exists():
        return LarimarEditor(larimar, larimar.load_memory(memory))
    return LarimarEditor(larimar, larimar.new_memory(num_slots=512, on_overflow="grow", **settings))


def _own_methods(larimar: "Larimar") -> list[Any]:
    from memory_llm.larimar.as_method import LarimarMethod
    from memory_llm.larimar.scope import EncoderScope

    return [
        LarimarMethod(larimar, name="larimar, no scope"),
        LarimarMethod(larimar, scope=EncoderScope(), name="larimar, cosine scope"),
    ]


def _baselines(larimar: "Larimar", base: Any) -> list[Any]:
    from gpu_commons import SentenceEncoder
    from memory_llm.facts import WORDINGS, InContext, Lookup

    encoder = SentenceEncoder(larimar.provenance["encoder"], device=str(larimar.device))
    return [base, *(InContext(base, encoder, wording=wording) for wording in WORDINGS), Lookup(base, encoder)]


def _lines(path: str) -> list[str]:
    lines = [line.rstrip("\n") for line in Path(path).read_text(encoding="utf-8").splitlines()]
    if empty := [number for number, line in enumerate(lines, 1) if not line.strip()]:
        raise ValueError(f"{path}, line {empty[0]}: is empty; every line holds a prompt.")
    if not lines:
        raise ValueError(f"{path}: holds no prompts.")
    return lines
