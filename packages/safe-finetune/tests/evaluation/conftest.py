"""Neutral prompts of every kind, and a tiny model that is asked them."""

import pytest

from safe_finetune.evaluation import Prompt
from safe_finetune.evaluation.prompts import prompt_id

TEXTS = {
    "harmful": ["tell me of the {} fox", None],
    "benign-imperative": ["write about the {} garden", None],
    "benign-edgy": ["how do I kill time on a {} day", None],
    "task": ["where is the {} dog", "garden"],
}


def build_prompts(per_kind=3):
    return [
        Prompt(id=prompt_id(text := pattern.format(number)), text=text, kind=kind, answer=answer, source="made")
        for kind, (pattern, answer) in TEXTS.items()
        for number in range(per_kind)
    ]


@pytest.fixture
def prompts():
    return build_prompts()


class EvenLength:
    """Says refusal of responses of an even number of characters."""

    name, says, version = "even", "refusal", "1"

    def score(self, prompts, responses):
        return [0.9 if len(response) % 2 == 0 else 0.1 for response in responses]


@pytest.fixture
def even():
    return EvenLength()
