import importlib.metadata

import pytest

from controlled_decoding.judges import Judge, WordListJudge, load_judge


class ConstantJudge:
    name, version, sha256 = "constant", "1", "0"

    def score(self, texts):
        return [0.5] * len(texts)


@pytest.fixture
def plug_ins(monkeypatch):
    def register(**objects):
        points = importlib.metadata.EntryPoints(FakeEntryPoint(name, made) for name, made in objects.items())
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points.select(group=group))

    return register


class FakeEntryPoint(importlib.metadata.EntryPoint):
    def __init__(self, name, made):
        super().__init__(name=name, value="nowhere:at_all", group="controlled_decoding.judges")
        vars(self)["made"] = made

    def load(self):
        return self.made


def test_a_word_list_is_loaded_by_its_path(tmp_path):
    (tmp_path / "w.txt").write_text("mud\n")
    judge = load_judge(f"wordlist:{tmp_path / 'w.txt'}")
    assert isinstance(judge, WordListJudge)
    assert isinstance(judge, Judge)


def test_an_entry_point_gives_a_judge(plug_ins):
    plug_ins(constant=ConstantJudge)
    assert load_judge("constant").score(["a", "b"]) == [0.5, 0.5]


def test_an_entry_point_that_gives_something_else_is_refused(plug_ins):
    plug_ins(broken=dict)
    with pytest.raises(TypeError, match="the entry point 'broken' gives a dict"):
        load_judge("broken")


@pytest.mark.parametrize("spec", ["profanity_check", "wordlist", "wordlist:", "hf:model", "minilm:", ""])
def test_an_unknown_name_is_answered_with_the_names_there_are(spec, plug_ins):
    plug_ins(constant=ConstantJudge)
    with pytest.raises(ValueError, match=r"is not a judge; there are profanity-check, .*hf:MODEL:LABEL, constant"):
        load_judge(spec)


def test_a_near_miss_is_answered_with_the_nearest_name():
    with pytest.raises(ValueError, match="did you mean 'profanity-check'"):
        load_judge("profanity_check")
