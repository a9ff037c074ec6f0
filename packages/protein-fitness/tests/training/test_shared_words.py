import numpy as np

from protein_fitness.training.shared_words import LEAST_SCORE, similar_pairs

SCORES = {"WW": 11, "CC": 9, "HH": 8, "AA": 4}


def test_two_words_on_one_diagonal_make_a_pair():
    word = "WHC" * 2  # 2 * (11 + 8 + 9) is above the least score
    assert 2 * (SCORES["WW"] + SCORES["HH"] + SCORES["CC"]) >= LEAST_SCORE
    sequences = ["AAAA" + word + "GG", "KKKKKKKKK" + word + "E", "DEDEDEDEDEDE"]

    assert similar_pairs(sequences).tolist() == [[0, 1]]


def test_words_on_different_diagonals_do_not():
    one = "WHC" + "GSTGS" + "HWW"
    other = "WHC" + "DEDEDEDE" + "HWW"

    assert not len(similar_pairs([one, other]))
    assert similar_pairs([one, "WHC" + "DEDED" + "HWW"]).tolist() == [[0, 1]]


def test_overlapping_words_are_one_hit():
    assert not len(similar_pairs(["GGWWWWGG", "DDWWWWDD"]))  # WWW twice on a diagonal, one place apart
    assert similar_pairs(["GGWWWWWWGG", "DDWWWWWWDD"]).tolist() == [[0, 1]]


def test_the_stretch_must_score():
    assert not len(similar_pairs(["AAAAAA", "AAAAAA"]))  # 24 of the least 36
    assert similar_pairs(["A" * 9, "A" * 9]).tolist() == [[0, 1]]


def test_an_unknown_residue_matches_nothing():
    assert not len(similar_pairs(["WWWXWWX", "WWWXWWX"]))
    assert not len(similar_pairs(["X" * 20] * 2))


def test_nothing_gives_nothing():
    assert similar_pairs([]).shape == similar_pairs(["ACD"]).shape == (0, 2)


def test_small_blocks_find_the_same(monkeypatch, random_sequence, relative):
    draws = np.random.default_rng(0)
    parents = [random_sequence(draws, 80) for _ in range(8)]
    sequences = parents + [relative(draws, parent, 0.6) for parent in parents]
    whole = similar_pairs(sequences)
    monkeypatch.setattr("protein_fitness.training.shared_words._BLOCK", 50)

    assert np.array_equal(similar_pairs(sequences), whole)
    assert {(number, number + 8) for number in range(8)} <= set(map(tuple, whole.tolist()))
