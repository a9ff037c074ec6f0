"""Driver 2 on a transformer: how much of the trade-off plane a penalty's frontier loses as contexts overlap.

Safety and task data have eight topics each, and share some. Prompts determine answers, so that either loss could be 0,
and is its own gap. Areas are of the rectangle up to the dearest losses of full overlap.
"""

from pathlib import Path
from typing import Any

from seal_toy import SENSITIVE, encoded, settings, toy_rows
from toy_tasks import FIRST, task_rows

from safe_finetune.frontier import Frontier
from safe_finetune.sweeps import PointStore, frontier_of, sweep_training

OVERLAPS = (0.0, 0.25, 0.5, 0.75, 1.0)
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
TRAINING: dict[str, Any] = {
    "max_steps": 100,
    "per_device_train_batch_size": 32,
    "learning_rate": 2e-3,
    "lr_scheduler_type": "cosine",
    "safety_fraction": 0.25,
}


def lost_shares(make_model: Any, seed: int, work: Path) -> dict[str, Any]:
    """Share of the rectangle that no point dominates, and the points, at each overlap.

    Args:
        make_model: Gives the aligned model anew.
        seed: Of rows and training.
        work: Keeps points, each trained once.
    """
    frontiers = [frontier(make_model, overlap, seed, work) for overlap in OVERLAPS]
    dearest = [max(getattr(point, side) for point in frontiers[-1].points) for side in ("safety", "capability")]
    reference = (dearest[0], dearest[1])
    return {
        "lost": [1 - one.hypervolume(reference).value / (reference[0] * reference[1]) for one in frontiers],
        "points": [[(point.safety, point.capability) for point in one.points] for one in frontiers],
    }


def frontier(make_model: Any, overlap: float, seed: int, work: Path) -> Frontier:
    """One sweep over lambda."""
    topics = topics_of_task(overlap)
    number = len(set(topics) & set(range(SENSITIVE)))
    rows, held_out = (
        encoded(task_rows(FIRST, topics, count, [seed, number, use])) for use, count in enumerate((4000, 400))
    )
    safety, safety_held_out = (
        encoded(toy_rows({"declined": count}, seed, name)) for name, count in (("safety", 1000), ("held-out", 400))
    )
    points = sweep_training(
        make_model,
        "safety_weight",
        STRENGTHS,
        task=rows,
        safety=safety,
        held_out=(held_out, safety_held_out),
        store=PointStore(work / f"overlap_{seed}_{number}", {**TRAINING, "topics": topics}),
        training=settings(work, seed=seed, **TRAINING),
    )
    return frontier_of(points)


def topics_of_task(overlap: float) -> list[int]:
    """Eight topics, of which this share is sensitive."""
    number = round(overlap * SENSITIVE)
    return [*range(number), *range(SENSITIVE, 2 * SENSITIVE - number)]
