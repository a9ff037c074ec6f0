"""Train tiny models in the paper's way from nothing and check what their memory is said to do (claims B1 to B7).

Three seeds; every figure is the mean over them, and its interval the least and the greatest. Recall is the rate of
exact objects among 20, so chance is 0.05. Keys are encodings of prompts; values are encodings of whole facts.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

import torch
from tiny_world import NUM_OBJECTS, SLOTS, Texts, draw_facts, untrained  # the file beside this one
from transformers import TrainingArguments

from gpu_commons import Figure, write_record
from memory_llm.facts import Fact, FineTune, NoEdit, evaluate, forgetting
from memory_llm.larimar.as_method import LarimarMethod
from memory_llm.larimar.editor import LarimarEditor
from memory_llm.larimar.episode_objective import EpisodeCollator, EpisodeObjective
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.scope import AlwaysIn, EncoderScope, calibrate, in_scope
from memory_llm.training.objective_trainer import ObjectiveTrainer

RESULTS = Path(__file__).parent / "results"
CHANCE = 1 / NUM_OBJECTS
NUM_FACTS = 512
TOGETHER = [16, SLOTS - 1, SLOTS, 2 * SLOTS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)  # more are slower on models this small
    found = [measure(trained(run.steps, run.batch_size, seed), seed) for seed in run.seeds]
    for name in found[0]:
        print(f"{name}: {' '.join(f'{one[name]:.3f}' for one in found)}", file=sys.stderr)
    path = write_record(
        "validate_from_scratch",
        results_dir=RESULTS,
        command="python benchmarks/validate_from_scratch.py",
        config={**vars(run), "slots": SLOTS, "chance": CHANCE, "interval": "least and greatest of the seeds"},
        seeds=run.seeds,
        figures=[figure(name, [one[name] for one in found]) for name in found[0]],
        shortened=run.steps < 1500 or len(run.seeds) < 3,
    )
    print(path.name, file=sys.stderr)


def trained(steps: int, batch_size: int, seed: int) -> Larimar:
    """A model that has seen so many batches of episodes of 16 texts."""
    larimar = untrained(seed)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=batch_size,
            learning_rate=3e-3,
            lr_scheduler_type="cosine_with_min_lr",
            lr_scheduler_kwargs={"min_lr_rate": 0.05},
            warmup_steps=20,
            adam_beta2=0.98,
            logging_steps=500,
            save_strategy="no",
            remove_unused_columns=False,
            report_to="none",
            use_cpu=True,
            dataloader_pin_memory=False,
            train_sampling_strategy="sequential",
            disable_tqdm=True,
            seed=seed,
        )
        texts = Texts(steps * batch_size, seed)
        objective = EpisodeObjective(larimar.model.train())
        ObjectiveTrainer(objective, args=arguments, train_dataset=texts, data_collator=EpisodeCollator(larimar)).train()
    larimar.model.eval()
    return larimar


def measure(larimar: Larimar, seed: int) -> dict[str, float]:
    """All figures of one model, by name."""
    base = NoEdit(larimar.model.decoder, larimar.tokenizer)
    facts = draw_facts(NUM_FACTS, seed)
    found = {"B1 no memory": recalls(base, facts, base, [])[1, "reliability"]}
    by_method = {
        name: recalls(method, facts, base, TOGETHER if name != "own latent" else [])
        for name, method in methods(larimar)
    }
    own = by_method["own latent"][1, "reliability"]
    pinv, gaussian = by_method["pinv"], by_method["Gaussian"]
    found |= {"B1 recall, N = 1": pinv[1, "reliability"], "B2 own latent": own}
    for number in TOGETHER:
        found |= {f"B2 recall, pinv, N = {number}": pinv[number, "reliability"]}
    found |= {
        "B2 recall at N = K over own latent": pinv[SLOTS, "reliability"] / max(own, CHANCE),
        "B3 drop from N = K to 2K": pinv[SLOTS, "reliability"] - pinv[2 * SLOTS, "reliability"],
        "B5 other wording, pinv, N = K": pinv[SLOTS, "paraphrase_full"],
        "B5 other wording, Gaussian, N = K": gaussian[SLOTS, "paraphrase_full"],
    }
    two = draw_facts(NUM_FACTS, seed, phrasings=2)
    for name, method in methods(larimar):
        if name != "own latent":
            number = recalls(method, two, base, [SLOTS], alone=False)[SLOTS, "paraphrase_full"]
            found |= {f"B5 other wording, {name}, N = K, two wordings of each fact": number}
    return found | forgotten(larimar, facts, base) | scoped(larimar, facts, base) | speed(larimar, facts, base)


def methods(larimar: Larimar) -> list[tuple[str, LarimarMethod]]:
    """Exact values, least squares, and Gaussian weights over the written keys."""
    return [
        ("own latent", LarimarMethod(larimar, addressing="slot", batch_size=64)),
        ("pinv", LarimarMethod(larimar, addressing="pinv", num_slots=SLOTS, on_overflow="warn", batch_size=64)),
        ("Gaussian", LarimarMethod(larimar, addressing="gaussian", num_slots=SLOTS, batch_size=64)),
    ]


def recalls(
    method, facts: Sequence[Fact], base: NoEdit, together: Sequence[int], *, alone: bool = True
) -> dict[tuple[int, str], float]:
    """Rate of exact objects by (facts told together, kind of prompt)."""
    report = evaluate(method, facts, base=base, alone=alone, num_together=together)
    return {
        (outcome.setting["told"], kind): outcome.intervals[f"{kind}.whole"].value
        for outcome in report.outcomes
        for kind in ("reliability", "paraphrase_full")
    }


def forgotten(larimar: Larimar, facts: Sequence[Fact], base: NoEdit) -> dict[str, float]:
    """A quarter of the facts of each memory is forgotten."""
    method = LarimarMethod(larimar, addressing="pinv", num_slots=SLOTS, on_overflow="warn", batch_size=64)
    found = {}
    for number in (16, SLOTS):
        groups = [facts[start : start + number] for start in range(0, NUM_FACTS, number)]
        reports = [
            forgetting(method, group, [fact.id for fact in group[::4]], base=base, max_new_tokens=1).outcomes[0]
            for group in groups
        ]
        told, gone, kept = (
            mean(report.intervals[f"recall.{part}"].value for report in reports)
            for part in ("told", "forgotten", "retained")
        )
        found |= {f"B4 forgotten, N = {number}": gone, f"B4 loss of the retained, N = {number}": told - kept}
    return found


def scoped(larimar: Larimar, facts: Sequence[Fact], base: NoEdit) -> dict[str, float]:
    """Neighbours of K facts, with every question let in and with a calibrated detector."""
    facts = facts[:SLOTS]
    neighbours = [fact.neighbours[0] for fact in facts]
    editor = LarimarEditor(larimar, larimar.new_memory(addressing="slot", num_slots=SLOTS), AlwaysIn())
    editor.edit(facts)
    detector = EncoderScope()
    scores = [
        detector.score(editor.memory, larimar.encode(prompts), prompts)
        for prompts in ([fact.prompt for fact in facts], neighbours)
    ]
    detector.threshold, error = calibrate(*scores)
    expected = base.answer(neighbours, max_new_tokens=4)

    def kept(rows: Sequence[int]) -> float:
        answers = editor.ask(neighbours, max_new_tokens=4)
        return mean(answers[row].strip() == expected[row] for row in rows)

    without = kept(range(len(facts)))
    editor.scope = detector
    out = (~in_scope(detector, editor.memory, larimar.encode(neighbours), neighbours)).nonzero().flatten().tolist()
    return {
        "B6 detector's error": error,
        "B6 neighbours kept without detector": without,
        "B6 neighbours kept where the detector rejects": kept(out),
    }


def speed(larimar: Larimar, facts: Sequence[Fact], base: NoEdit) -> dict[str, float]:
    """Median times of one write and of gradient steps until the target comes first, same decoder and threads."""
    writes, gradients, steps = [], [], []
    tuned = FineTune(base, learning_rate=3e-2, max_steps=50)
    for fact in facts[:20]:
        memory = larimar.new_memory(addressing="pinv", num_slots=SLOTS)
        started = time.perf_counter()
        memory.write(*larimar.facts([fact.prompt], [fact.target]), [fact.id])
        writes.append(time.perf_counter() - started)
        started = time.perf_counter()
        told = tuned.told([fact])
        gradients.append(time.perf_counter() - started)
        steps.append(told.costs[0].steps)
    return {
        "B7 write": 1e3 * median(writes),
        "B7 gradient edit": 1e3 * median(gradients),
        "B7 gradient steps": median(steps),
        "B7 gradient edit over write": median(gradients) / median(writes),
    }


def figure(name: str, values: Sequence[float]) -> Figure:
    """A figure with the target that the claim sets."""
    targets = {
        "B1 no memory": ("lower", CHANCE + 0.05),
        "B1 recall, N = 1": ("higher", 0.95),
        "B2 recall at N = K over own latent": ("higher", 0.90),
        "B3 drop from N = K to 2K": ("higher", 0.05),
        "B4 forgotten, N = 16": ("lower", CHANCE + 0.10),
        f"B4 forgotten, N = {SLOTS}": ("lower", CHANCE + 0.10),
        "B4 loss of the retained, N = 16": ("lower", 0.02),
        f"B4 loss of the retained, N = {SLOTS}": ("lower", 0.02),
        "B6 neighbours kept where the detector rejects": ("higher", 1.0),
        "B7 gradient edit over write": ("higher", 1.0),
    }
    times = name in ("B7 write", "B7 gradient edit")
    default = "lower" if times or name in ("B6 detector's error", "B7 gradient steps") else "higher"
    better, target = targets.get(name, (default, None))
    unit = "ms" if times else "ratio" if " over " in name else "steps" if name.endswith("steps") else "rate"
    return Figure(
        id=name, value=mean(values), interval=(min(values), max(values)), unit=unit, better=better, target=target
    )


if __name__ == "__main__":
    main()
