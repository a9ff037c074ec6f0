"""Which facts say the same kind of thing about their subjects."""

from collections import defaultdict
from collections.abc import Sequence

from memory_llm.facts import Fact

SAME_KIND = 0.2


def relation_of(fact: Fact) -> str:
    """The prompt with ``{}`` for its subject."""
    return fact.prompt.replace(str(fact.subject), "{}", 1)


class Relations:
    """Facts by relation, and whether two relations differ.

    One relation may have several wordings, which no public file tells apart from different relations. Wordings whose
    answers, old and new, overlap are taken for the same kind: to be wrong about two relations between cities loses a
    pair, while to call a rephrased question another one would teach the opposite of what is wanted.

    Args:
        facts: With subjects.
    """

    def __init__(self, facts: Sequence[Fact]):
        self.rows: dict[str, list[int]] = defaultdict(list)
        self._answers: dict[str, set[str]] = defaultdict(set)
        for row, fact in enumerate(facts):
            self.rows[relation_of(fact)].append(row)
            self._answers[relation_of(fact)] |= {fact.target} | ({fact.old_target} if fact.old_target else set())

    def differ(self, one: str, other: str) -> bool:
        """Whether at most a fifth of the answers of the rarer relation are also answers of the other."""
        answers, others = self._answers[one], self._answers[other]
        return len(answers & others) <= SAME_KIND * min(len(answers), len(others))
