"""CounterFact split once for training and for all figures: records, and targets that training never shows."""

import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from memory_llm.facts import Fact, conflicts, read_facts

NUM_HELD_OUT, NUM_EXCLUDED, NUM_ODD = 1000, 65, 400


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


def odd_tokens(tokenizer: PreTrainedTokenizerBase, split: Split, *, seed: int = 0) -> list[str]:
    """Words or pieces of one token that no record has as its target, left out of training as well."""
    known = {fact.target.casefold() for fact in split.train + split.held_out}
    texts = (tokenizer.decode([token]) for token in range(len(tokenizer)))
    found = sorted({text.strip() for text in texts if re.fullmatch(r" [A-Za-z]{2,}", text)})
    return random.Random(seed).sample([text for text in found if text.casefold() not in known], NUM_ODD)
