"""Options share what they begin with, and each of their tokens is told by the node before it."""

import pytest

from agent_tom.backends.option_tree import option_tree


def test_options_share_their_beginning():
    tree = option_tree([1, 2], [[5, 6, 9], [5, 7, 9], [8, 9]])
    assert tree.tokens == [1, 2, 5, 6, 7, 8]
    assert tree.parents == [-1, 0, 1, 2, 2, 1]
    assert tree.paths == [[(1, 5), (2, 6), (3, 9)], [(1, 5), (2, 7), (4, 9)], [(1, 8), (5, 9)]]


def test_options_of_one_token_need_no_node():
    assert option_tree([4], [[5], [6]]) == ([4], [-1], [[(0, 5)], [(0, 6)]])


@pytest.mark.parametrize(
    ("probe", "options", "message"),
    [
        ([], [[1]], "must have tokens"),
        ([1], [[2], []], "must have tokens"),
        ([1], [[2, 3], [2, 3]], "two options are the same tokens"),
    ],
)
def test_what_cannot_be_scored_is_refused(probe, options, message):
    with pytest.raises(ValueError, match=message):
        option_tree(probe, options)
