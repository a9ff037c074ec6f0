"""The connector that ships in the package, between the real models it was trained for."""

import pytest

from memory_llm.facts import Fact
from memory_llm.larimar.editor import LarimarEditor
from memory_llm.larimar.pipeline import CONNECTOR_FILE, Larimar, bundled_connector
from memory_llm.larimar.reader import LongContextReader

pytestmark = pytest.mark.real_model

TOLD = Fact(id="eiffel", prompt="The Eiffel Tower is located in the city of", target="Oslo")
ELSEWHERE = "The capital of France is"


@pytest.fixture(scope="module")
def bundled():
    return Larimar.from_connector(device="cpu", dtype="float32")


def test_it_is_small():
    assert (bundled_connector() / CONNECTOR_FILE).stat().st_size <= 8 * 2**20


def test_an_edit_is_said_elsewhere_is_not_and_forgetting_ends_it(bundled):
    editor = LarimarEditor(bundled)
    before = editor.ask([TOLD.prompt, ELSEWHERE], max_new_tokens=4)
    assert "Oslo" not in before[0]
    editor.edit(TOLD)
    told, elsewhere = editor.ask([TOLD.prompt, ELSEWHERE], max_new_tokens=4)
    assert told.strip().startswith("Oslo")
    assert "Oslo" not in elsewhere
    editor.forget("eiffel")
    assert editor.ask([TOLD.prompt, ELSEWHERE], max_new_tokens=4) == before


def test_the_prefix_is_released_after_the_target(bundled):
    """With the prefix kept, the target would come over and over."""
    editor = LarimarEditor(bundled)
    editor.edit(TOLD)
    assert editor.ask(TOLD.prompt, max_new_tokens=24)[0].count("Oslo") <= 2


def test_a_name_of_several_tokens_is_spelt(bundled):
    editor = LarimarEditor(bundled)
    editor.edit(Fact(id="canada", prompt="The capital of Canada is", target="Kestrel Moonhaven"))
    assert editor.ask("The capital of Canada is", max_new_tokens=8)[0].startswith(" Kestrel Moonhaven.")


def test_a_pass_key_is_read_out_of_a_text(bundled):
    reader = LongContextReader(bundled)
    story = "The harbour lay still. Gulls sat on the wall. A boat came in with the tide. "
    reader.ingest(f"{story * 20}The pass key is 48213. Remember it. {story * 20}")
    assert reader.ask("What is the pass key?", "The pass key is").startswith(" 48213")
