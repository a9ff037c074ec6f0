"""A model is told by its size, context and chat template; one that cannot be loaded blocks."""

import pytest

from gpu_commons.model_findings import examine_model
from gpu_commons.testing import tiny_model, tiny_tokenizer


@pytest.fixture
def save(tmp_path):
    """Save a tiny model, with or without a chat template."""

    def folder(*, template=True):
        tokenizer = tiny_tokenizer()
        if not template:
            tokenizer.chat_template = None
        tiny_model().save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        return str(tmp_path)

    return folder


@pytest.mark.parametrize(("template", "advice"), [(True, ""), (False, "leave it off")])
def test_a_model_is_described(save, template, advice):
    loaded, findings = examine_model(save(template=template), device="cpu", without_template="leave it off")

    assert loaded is not None
    assert [finding.what for finding in findings] == ["model", "context", "chat template"]
    assert findings[0].found.startswith("llama, ")
    assert findings[1].found == "512 tokens"
    assert (findings[2].found, findings[2].advice) == ("yes" if template else "none", advice)


def test_a_model_that_cannot_be_loaded_blocks():
    loaded, (finding,) = examine_model("./no-such-folder")

    assert loaded is None
    assert finding.blocking
    assert finding.advice.startswith("no model folder at")
