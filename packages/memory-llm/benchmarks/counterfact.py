"""CounterFact split once for training and for all figures: records, and targets that training never shows."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

from memory_llm.facts import Fact, conflicts, read_facts

NUM_HELD_OUT, NUM_EXCLUDED = 1000, 65


@dataclass(frozen=True)
class Split:
    """Facts to train on, facts held out, and targets left out of training."""

    train: list[Fact]
    held_out: list[Fact]
    excluded: list[str]

    def seen(self) -> list[Fact]:
        """Held-out facts whose targets training has shown (in other facts)."""
        return [fact for fact in self.held_out if fact.target not in self.excluded]

    def unseen(self) -> list[Fact]:
        """Held-out facts whose targets training has never shown."""
        return [fact for fact in self.held_out if fact.target in self.excluded]


def split_counterfact(data: Path, *, seed: int = 0) -> Split:
    """1,000 records held out at random, without prompts that contradict each other, and 65 targets left out."""
    facts = read_facts(data / "fact-editing" / "counterfact_train_easyedit.json")
    contradicting = {fact.id for pair in conflicts(facts) for fact in pair}
    rng = random.Random(seed)
    held = {fact.id for fact in rng.sample([fact for fact in facts if fact.id not in contradicting], NUM_HELD_OUT)}
    excluded = rng.sample(sorted({fact.target for fact in facts}), NUM_EXCLUDED)
    train, held_out = ([fact for fact in facts if (fact.id in held) == inside] for inside in (False, True))
    return Split(train, held_out, excluded)


def with_target(fact: Fact, target: str) -> Fact:
    """The fact with another target, under an id of its own."""
    return replace(fact, id=f"{fact.id} {target}", target=target)
