"""SASA on a model that Larimar has edited: the edit survives steering, and steering survives the edit."""

import pytest
import torch

from controlled_decoding import SASA, LabelledTexts, SubspaceClassifier
from memory_llm import Fact, Larimar, LarimarEditor

KIND, UNKIND = ("kind", "gentle", "warm", "fair"), ("nasty", "rude", "cold", "mean")
PEOPLE = ("teacher", "doctor", "driver", "cook", "guide", "friend", "clerk", "pilot", "nurse", "judge")
TOWER = Fact(id="tower", prompt="The Eiffel Tower is located in the city of", target="Oslo")
STRENGTH, TOKENS = 1.0, 3
OPINIONS = ("I think that my neighbour is very", "The new teacher was so")

pytestmark = pytest.mark.real_model


@pytest.fixture(scope="module")
def larimar():
    return Larimar.from_connector(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def subspace(larimar):
    rows = [(f"What a {how} {who} that was to all of us", how in KIND) for who in PEOPLE for how in KIND + UNKIND]
    data = LabelledTexts(texts=[text for text, _ in rows], labels=[int(label) for _, label in rows])
    return SubspaceClassifier.fit(larimar.model.decoder, larimar.tokenizer, data, attribute="rudeness")


@pytest.fixture
def edited(larimar):
    editor = LarimarEditor(larimar)
    editor.edit(TOWER)
    return editor


def said(editor, prompt, *, sasa=None):
    """A greedy continuation, steered if there is something to steer by."""
    inputs = editor.larimar.tokenizer([prompt], return_tensors="pt")
    processors = [sasa.processor(editor.larimar.model.decoder, inputs["attention_mask"])] if sasa else []
    (text,) = editor.ask(prompt, max_new_tokens=TOKENS, logits_processor=processors)
    return text


def margin(subspace, larimar, text):
    """How far a text lies on the kind side."""
    tokens = larimar.tokenizer(text, return_tensors="pt")
    with torch.no_grad(), subspace.site.listen(larimar.model.decoder) as tap:
        larimar.model.decoder(**tokens)
    return float(subspace.margins(tap.hidden)[0, -1])


def test_the_edit_survives_steering(edited, subspace):
    assert said(edited, TOWER.prompt).startswith(" Oslo")
    assert said(edited, TOWER.prompt, sasa=SASA(subspace, STRENGTH)).startswith(" Oslo")
    assert said(LarimarEditor(edited.larimar), TOWER.prompt, sasa=SASA(subspace, STRENGTH)).startswith(" Paris")


def test_steering_survives_the_edit(edited, subspace):
    sasa = SASA(subspace, STRENGTH)
    for prompt in OPINIONS:
        plain, steered = said(edited, prompt), said(edited, prompt, sasa=sasa)
        assert steered == said(LarimarEditor(edited.larimar), prompt, sasa=sasa), "as without the edit"
        kinder = [margin(subspace, edited.larimar, prompt + text) for text in (plain, steered)]
        assert kinder[0] < kinder[1], (plain, steered)
