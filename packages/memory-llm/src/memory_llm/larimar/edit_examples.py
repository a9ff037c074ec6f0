"""What a connector between frozen models learns from: questions that a fact answers, and questions that it does not.

Every example draws its target anew, so that only the memory can know it.
"""

import random
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase

from memory_llm.facts import Fact
from memory_llm.larimar.relations import Relations, relation_of

IN_SCOPE = {"prompt": 0.24, "stripped": 0.16, "full": 0.10}
OUT_OF_SCOPE = {"neighbour": 0.12, "sibling": 0.10, "other_relation": 0.16, "unrelated": 0.05, "opening": 0.07}
OPENINGS = (
    "Let me tell you something about {}.",
    "{} is",
    "I once read a long article about {}, and",
    "What do you know about {}?",
    "Many people have heard of {}",
    "The story of {} begins",
)
MAX_QUESTION_CHARS = 200
INVENTED = 0.5  # share of invented targets in the end
RAMP_OUT_OF_SCOPE = (0.08, 0.25)  # parts of the stream in which the share grows from none to all
RAMP_INVENTED = (0.05, 0.25)
WORDS_OF_CONTINUATION = (0, 0, 0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class EditExample:
    """A fact in memory, and a question.

    Attributes:
        prompt: Of the fact, by which it is stored.
        target: Of the fact.
        question: What the decoder continues.
        in_scope: Whether it has to continue with the target; else as if there were no memory.
        continuation: Words that come after the question out of scope, so that later tokens are looked at too.
    """

    prompt: str
    target: str
    question: str
    in_scope: bool
    continuation: str = ""


class EditExamples(Dataset[EditExample]):
    """A seeded stream of examples: item i is the same for every rank and worker.

    Early items are in scope and have targets of the facts; questions out of scope and invented targets are mixed in as
    the stream goes on. Read it in order.

    Out of scope are the fact's own neighbours, the same relation of another subject, another relation of the same
    subject, prompts of other facts, and openings about the subject that ask for nothing in particular. Half of the
    targets come from the facts (half of these from the same relation), the rest are words, numbers, phrases and names
    made of the decoder's own tokens, so that the connector learns to copy rather than to choose.

    Args:
        facts: With subjects; those of CounterFact also have paraphrases and neighbours.
        tokenizer: Of the decoder.
        size: Number of examples.
        seed: Of all draws.
        max_target_tokens: Longest target, its full stop not counted.
        exclude: Targets, and pieces of targets, that are never shown, to be tested on; nor are their tokens, if they
            have only one.
    """

    def __init__(
        self,
        facts: Sequence[Fact],
        tokenizer: PreTrainedTokenizerBase,
        *,
        size: int,
        seed: int = 0,
        max_target_tokens: int = 5,
        exclude: Sequence[str] = (),
    ):
        self.facts, self.size, self.seed = [fact for fact in facts if fact.subject], size, seed
        if len(self.facts) < 2:
            raise ValueError(
                f"training needs at least 2 facts with a subject, got {len(self.facts)}; add `subject` to them."
            )
        self.tokenizer, self.max_target_tokens = tokenizer, max_target_tokens
        self._excluded = {text.casefold() for text in exclude}
        tokens = (tokenizer(f" {text}", add_special_tokens=False)["input_ids"] for text in exclude)
        self._excluded_tokens = {ids[0] for ids in tokens if len(ids) == 1}
        self._texts = [text for fact in self.facts for text in (fact.prompt, *fact.paraphrases)]
        self._pieces = [piece for piece in _word_pieces(tokenizer) if piece.casefold() not in self._excluded]
        self._targets = sorted({fact.target for fact in self.facts if self._is_usable(fact.target)})
        self._relations = Relations(self.facts)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> EditExample:
        if not 0 <= index < self.size:
            raise IndexError(index)
        rng = random.Random(f"{self.seed} {index}")
        progress = index / self.size
        outside = ramp(progress, *RAMP_OUT_OF_SCOPE)
        shares = IN_SCOPE | {kind: outside * share for kind, share in OUT_OF_SCOPE.items()}
        kind = rng.choices(list(shares), list(shares.values()))[0]
        fact = rng.choice(self.facts)
        question = self._question(kind, fact, rng)[-MAX_QUESTION_CHARS:] or fact.prompt
        in_scope = kind in IN_SCOPE or question == fact.prompt
        question, continuation = (question, "") if in_scope else _cut(question, rng.choice(WORDS_OF_CONTINUATION))
        return EditExample(
            prompt=fact.prompt,
            target=self._target(fact, rng, ramp(progress, *RAMP_INVENTED)),
            question=question,
            in_scope=in_scope,
            continuation=continuation,
        )

    def _question(self, kind: str, fact: Fact, rng: random.Random) -> str:
        """A question of this kind; empty where the fact has none."""
        subject = str(fact.subject)
        if kind == "prompt":
            return fact.prompt
        if kind in ("stripped", "full"):
            texts = fact.stripped_paraphrases() if kind == "stripped" else fact.paraphrases
            return rng.choice(texts) if texts else ""
        if kind == "neighbour" and fact.neighbours:
            return rng.choice(fact.neighbours)
        if kind == "other_relation":
            other = relation_of(self._fact_of_other_relation(fact, rng))
            return other.replace("{}", subject)
        if kind == "opening":
            return rng.choice(OPENINGS).format(subject)
        if kind == "unrelated":
            return self._fact_of_other_relation(fact, rng).prompt
        sibling = self.facts[rng.choice(self._relations.rows[relation_of(fact)])]
        other_subject = sibling if sibling.subject != subject else self._fact_of_other_relation(fact, rng)
        return relation_of(fact).replace("{}", str(other_subject.subject))

    def _fact_of_other_relation(self, fact: Fact, rng: random.Random) -> Fact:
        for _ in range(10):
            other = rng.choice(self.facts)
            if self._relations.differ(relation_of(other), relation_of(fact)) and other.subject != fact.subject:
                break
        return other

    def _target(self, fact: Fact, rng: random.Random, invented: float) -> str:
        if rng.random() < INVENTED * invented:
            target = self._invented(rng)
        elif rng.random() < 0.5:
            target = self.facts[rng.choice(self._relations.rows[relation_of(fact)])].target
        else:
            target = rng.choice(self._targets)
        return target if self._is_usable(target) else rng.choice(self._targets)

    def _invented(self, rng: random.Random) -> str:
        """A word, a number, a few words of running text, or a name of several words or pieces."""
        draw = rng.random()
        if draw < 0.3:
            return rng.choice(self._pieces)
        if draw < 0.42:
            return str(rng.randrange(10 ** rng.randint(1, 5)))
        if draw < 0.65:
            words = rng.choice(self._texts).split()
            start = rng.randrange(len(words))
            return " ".join(words[start : start + rng.randint(1, 5)]).strip(string.punctuation)
        words = []
        for _ in range(rng.randint(1, 3)):
            word = "".join(rng.choice(self._pieces) for _ in range(rng.randint(1, 2)))
            words.append(word.capitalize())
        return " ".join(words)

    def _is_usable(self, target: str) -> bool:
        if not target or any(f" {text} " in f" {target.casefold()} " for text in self._excluded):
            return False
        tokens = self.tokenizer(f" {target}", add_special_tokens=False)["input_ids"]
        return len(tokens) <= self.max_target_tokens and not self._excluded_tokens.intersection(tokens)


def ramp(progress: float, start: float, end: float) -> float:
    """0 before the start, 1 from the end on, linear between."""
    return min(max((progress - start) / (end - start), 0.0), 1.0)


def _cut(text: str, count: int) -> tuple[str, str]:
    """The text without its last words, and these, if at least two words stay."""
    words = text.split(" ")
    cut = len(words) - count if len(words) >= count + 2 else len(words)
    return " ".join(words[:cut]), " ".join(words[cut:])


def _word_pieces(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Tokens that begin a word of two or more letters, without the blank before it."""
    texts = (tokenizer.decode([token]) for token in range(min(len(tokenizer), 60_000)))
    found = sorted({text.strip() for text in texts if re.fullmatch(r" [A-Za-z]{2,}", text)})
    return found or ["one", "two", "three"]
