import pytest

from controlled_decoding.evaluation.score_cache import ScoreCache


class Counter:
    def __init__(self):
        self.asked = []

    def __call__(self, items):
        self.asked += items
        return [len(item) / 10 for item in items]


def test_each_text_is_scored_once_per_scorer():
    cache, compute = ScoreCache(), Counter()
    assert cache.scores("judge", ["a", "bb", "a"], compute) == [0.1, 0.2, 0.1]
    assert cache.scores("judge", ["bb", "ccc"], compute) == [0.2, 0.3]
    assert cache.scores("other", ["a"], compute) == [0.1]
    assert compute.asked == ["a", "bb", "ccc", "a"]


def test_scores_outlive_the_process_and_a_torn_line(tmp_path):
    path = tmp_path / "scores.jsonl"
    ScoreCache(path).scores("judge", [("p", "a"), ("p", "bb")], Counter())
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    compute = Counter()
    assert ScoreCache(path).scores("judge", [("p", "a"), ("p", "bb")], compute) == [0.2, 0.2]
    assert compute.asked == [("p", "bb")]
    assert path.read_bytes() == whole


def test_the_file_holds_no_text(tmp_path):
    path = tmp_path / "scores.jsonl"
    ScoreCache(path).scores("judge", ["recognisable"], Counter())
    assert "recognisable" not in path.read_text()


def test_a_scorer_that_drops_texts_is_refused():
    with pytest.raises(ValueError, match="scoring by J 2 texts gave 1 scores"):
        ScoreCache().scores("judge", ["a", "b"], lambda items: [0.0], description="scoring by J")
