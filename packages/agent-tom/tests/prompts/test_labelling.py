"""Names and order are balanced, independently of each other, and mean the same action throughout an episode."""

from collections import Counter

import pytest

from agent_tom import make_game
from agent_tom.prompts import labelling, strategies, strategy, summary, version, wording, wordings


@pytest.mark.parametrize(("game", "period"), [("ipd", 4), ("rps", 36)])
def test_all_combinations_of_names_and_order_come_equally_often(game, period):
    made = make_game(game)
    found = Counter()
    for episode in range(2 * period):
        labels = labelling(made, ["J", "F", "K"], episode)
        found[labels.own, labels.listed] += 1
    assert len(found) == period
    assert set(found.values()) == {2}


def test_the_games_own_names_stay_with_their_actions():
    game = make_game("rps")
    for episode in range(36):
        labels = labelling(game, (), episode)
        assert labels.own == labels.other == game.actions
        assert labels.listed == labels.other_listed


def test_players_with_other_actions_have_other_labels():
    game = make_game("public_goods_4")
    for episode in range(30):
        labels = labelling(game, list("ABCDEF"), episode)
        assert set(labels.own) == {"A", "B"}
        assert set(labels.other) == set("CDEF")
        assert sorted(labels.other_listed) == [0, 1, 2, 3]


def test_many_actions_are_rotated():
    game = make_game("two_thirds")
    letters = [chr(65 + place) for place in range(11)]
    assert labelling(game, letters, 3).own == tuple(letters[3:] + letters[:3])
    assert labelling(game, letters, 22).listed == (*range(2, 11), 0, 1)


def test_too_few_labels_are_refused():
    with pytest.raises(ValueError, match="rps needs 3 labels, but the wording has 2; choose 'plain'"):
        labelling(make_game("rps"), ["J", "F"], 0)


def test_unknown_names_tell_the_nearest():
    with pytest.raises(ValueError, match="no wording is called 'netural'; did you mean 'neutral'"):
        wording("netural")
    with pytest.raises(ValueError, match="no strategy is called 'socialqa'; did you mean 'social_qa'"):
        strategy("socialqa")


def test_every_text_can_be_filled_in():
    fields = dict.fromkeys(
        ("horizon", "options", "other_options", "own", "other", "points", "other_points", "round"), "x"
    )
    for name in wordings():
        words = wording(name)
        for text in (words.rules, words.payoff, words.round):
            assert "{" not in text.format(**fields)
            assert text.endswith("\n")
    for name in strategies():
        asked = strategy(name)
        for text in (asked.predict, asked.act, *filter(None, [asked.think]), *(note.ask for note in asked.notes)):
            assert text.format(**fields)[-1] != " "  # the space belongs to the answer
        assert asked.about
        assert bool(asked.think) == bool(asked.tokens)
    for note in (summary(), *(note for name in strategies() for note in strategy(name).notes)):
        assert note.tokens > 0
        assert "{" not in note.tell.format(text="said")
        assert note.tell.endswith("{text}\n")
    assert version().startswith("2-")
