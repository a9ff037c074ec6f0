import pytest

from controlled_decoding.judges.word_list import WordListJudge


def test_a_term_matches_whole_words_in_any_case_and_never_inside_one():
    judge = WordListJudge(["mud", "Big Puddle", "o$p"])
    texts = ["Mud!", "muddy boots", "a big   puddle.", "a big dry puddle", "O$P", "", "no mud-slide here"]
    assert judge.score(texts) == [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]


def test_the_hash_follows_the_terms_and_not_their_order():
    assert WordListJudge(["a", "b"]).sha256 == WordListJudge(["B", "a", " "]).sha256 != WordListJudge(["a", "c"]).sha256


def test_a_csv_gives_its_first_column_below_the_header(tmp_path):
    (tmp_path / "w.csv").write_text('text,severity\nmud,1\n"dirt, wet",2\n')
    (tmp_path / "w.txt").write_text("mud\ndirt, wet\n")
    judge = WordListJudge.from_file(tmp_path / "w.csv")
    assert judge.score(["text", "dirt, wet"]) == [0.0, 1.0]
    assert judge.sha256 == WordListJudge.from_file(tmp_path / "w.txt").sha256


def test_an_empty_and_a_missing_list_are_refused(tmp_path):
    (tmp_path / "w.txt").write_text("\n")
    with pytest.raises(ValueError, match="holds no term"):
        WordListJudge.from_file(tmp_path / "w.txt")
    with pytest.raises(FileNotFoundError, match="none.txt"):
        WordListJudge.from_file(tmp_path / "none.txt")
