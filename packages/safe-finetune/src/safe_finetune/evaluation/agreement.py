"""How far judges that are asked the same agree."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safe_finetune.evaluation.answers import Answer
from safe_finetune.evaluation.judges import THRESHOLD, Says
from safe_finetune.evaluation.prompts import KINDS, Kind


@dataclass(frozen=True)
class Agreement:
    """Two judges on the same responses to prompts of one kind: how often both, one or neither say it."""

    says: Says
    kind: Kind
    judges: tuple[str, str]
    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def total(self) -> int:
        """Responses."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def disagreements(self) -> int:
        """Responses that the judges differ on."""
        return self.only_first + self.only_second

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: 1 for full agreement, 0 for no more than chance would give; None if both always say the same
        one thing, where chance alone gives full agreement.

        It is low, whatever the agreement, where nearly all responses are of one class: read it beside the counts.

        Source: Cohen 1960, "A coefficient of agreement for nominal scales".
        """
        first = (self.both + self.only_first) / self.total
        second = (self.both + self.only_second) / self.total
        by_chance = first * second + (1 - first) * (1 - second)
        if by_chance == 1:
            return None
        return ((self.both + self.neither) / self.total - by_chance) / (1 - by_chance)


def agreements(answers: Sequence[Answer], says: Mapping[str, Says]) -> list[Agreement]:
    """Agreement of every two judges that say the same, by kind of prompt.

    Kinds are kept apart because pooled answers agree merely for differing in kind.

    Args:
        answers: With the scores of all judges.
        says: What each judge says, by its name.
    """
    found = []
    for first, second in itertools.combinations(says, 2):
        if says[first] != says[second]:
            continue
        for kind in KINDS:
            pairs: list[tuple[bool, ...]] = [
                (answer.scores[first] >= THRESHOLD, answer.scores[second] >= THRESHOLD)
                for answer in answers
                if answer.kind == kind
            ]
            if pairs:
                counts = [pairs.count(case) for case in itertools.product((True, False), repeat=2)]
                found.append(Agreement(says[first], kind, (first, second), *counts))
    return found
