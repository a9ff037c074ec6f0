"""The frontier itself: points of one or several methods, what is asked of them, and their files."""

import itertools
import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from gpu_commons.page import write_html
from gpu_commons.write_aside import write_text_aside
from safe_finetune.frontier import measures
from safe_finetune.frontier.measures import Hypervolume, Violation
from safe_finetune.frontier.points import Axis, FrontierPoint

_FORMAT = "safe-finetune frontier 1"


@dataclass(frozen=True)
class Frontier:
    """Points of one or several methods on the same axes."""

    safety: Axis
    capability: Axis
    points: tuple[FrontierPoint, ...]

    @property
    def methods(self) -> list[str]:
        """In the order of their first points."""
        return list(dict.fromkeys(point.method for point in self.points))

    def of(self, method: str) -> "Frontier":
        """The points of one method, weakest first; those without strength keep their order, before all others.

        Raises:
            ValueError: If there is no such method.
        """
        mine = [point for point in self.points if point.method == method]
        if not mine:
            raise ValueError(
                f"`method` must be one of {', '.join(self.methods) or 'none'}, got {method!r}; look at `methods`."
            )
        order = sorted(mine, key=lambda point: -math.inf if point.strength is None else point.strength)
        return Frontier(self.safety, self.capability, tuple(order))

    def pareto_mask(self) -> Bool[np.ndarray, " points"]:
        """Which points no other point of any method dominates."""
        return measures.pareto_mask(self._values())

    def hypervolume(self, reference: tuple[float, float], *, num_resamples: int = 1000, seed: int = 0) -> Hypervolume:
        """Area that the points dominate above a reference, with a 95 % interval over seeds if all points have runs.

        Areas compare only above the same reference; take a point that all methods beat, such as the safety of the worst
        model and the capability of the start. Points no better than it on either side count nothing.

        Args:
            reference: (safety, capability), in the axes' own units and directions.
            num_resamples: Of the seeds, for the interval.
            seed: Of the draws.

        Raises:
            ValueError: If the points differ in their number of runs.
        """
        signs = self._signs()
        corner = np.array(reference, dtype=np.float64) * signs
        value = measures.hypervolume(self._values(), corner)
        counts = {len(point.runs) for point in self.points}
        if len(counts) > 1:
            raise ValueError(f"`runs` must be as many for all points, got {sorted(counts)}; use the seeds all have.")
        if not counts or counts.pop() < 2:
            return Hypervolume(value, None)
        runs = np.array([point.runs for point in self.points], dtype=np.float64).transpose(1, 0, 2) * signs
        return Hypervolume(value, measures.hypervolume_interval(runs, corner, num_resamples=num_resamples, seed=seed))

    def knee(self) -> FrontierPoint | None:
        """The Pareto point farthest beyond the straight trade between the ends of the Pareto set: past it, a side costs
        more than it did before. None if the trade is straight or has fewer than three points.
        """
        index = measures.knee(self._values()) if self.points else None
        return None if index is None else self.points[index]

    def violations(self, method: str, *, stronger_is_safer: bool = True, tolerance: float = 0.0) -> list[Violation]:
        """Neighbours in strength between which safety fell or capability rose (a radius: the other way round), by
        more than the tolerance.

        Exact minimisers have none; those of a real sweep tell of runs that did not converge or of noise.

        Args:
            method: Whose points; those without strength are passed over.
            stronger_is_safer: True for a penalty's lambda; False for a radius, of which more is less safe.
            tolerance: In each axis's unit.
        """
        points = [point for point in self.of(method).points if point.strength is not None]
        found = []
        for weaker, stronger in itertools.pairwise(points):
            for name, axis, toward in (("safety", self.safety, 1), ("capability", self.capability, -1)):
                change = (getattr(stronger, name) - getattr(weaker, name)) * axis.sign
                wrong = -change * toward * (1 if stronger_is_safer else -1)
                if wrong > tolerance:
                    found.append(Violation(weaker, stronger, name, wrong))
        return found

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write everything, aside, and rename the file."""
        content = json.dumps({"format": _FORMAT, **asdict(self)}, indent=2, allow_nan=False, ensure_ascii=False)
        return write_text_aside(content + "\n", path)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> "Frontier":
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: If the file holds something else.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError(f"its format is {content['format']!r}")
            points = tuple(_point(point) for point in content["points"])
            return cls(Axis(**content["safety"]), Axis(**content["capability"]), points)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no file of {_FORMAT!r} ({error}); write it with to_json.") from error

    def to_html(self, path: str | os.PathLike[str], *, title: str = "Safety against capability") -> Path:
        """Write a page with picture and table that fetches nothing."""
        from safe_finetune.frontier.picture import frontier_page

        return write_html(frontier_page(self, title), path)

    def to_png(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture as PNG.

        Raises:
            ImportError: If matplotlib is not installed; the message is the pip line.
        """
        from safe_finetune.frontier.png import write_png

        return write_png(self, path)

    def _signs(self) -> Float[np.ndarray, " 2"]:
        return np.array([self.safety.sign, self.capability.sign], dtype=np.float64)

    def _values(self) -> Float[np.ndarray, "points 2"]:
        pairs = [(point.safety, point.capability) for point in self.points]
        return np.array(pairs, dtype=np.float64).reshape(-1, 2) * self._signs()


def _point(content: dict[str, Any]) -> FrontierPoint:
    """JSON has lists where points have tuples."""
    pairs = {
        name: tuple(content[name])
        for name in ("safety_interval", "capability_interval")
        if content.get(name) is not None
    }
    return FrontierPoint(**{**content, **pairs, "runs": tuple(tuple(run) for run in content.get("runs", ()))})
