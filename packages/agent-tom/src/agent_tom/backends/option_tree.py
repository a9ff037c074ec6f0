"""A probe and its options as one tree of tokens, so that one pass of a model scores them all."""

from collections.abc import Sequence
from typing import NamedTuple

NO_PARENT = -1


class OptionTree(NamedTuple):
    """Nodes in an order in which parents come first.

    Attributes:
        tokens: Of the nodes.
        parents: Node that each follows, -1 for the context.
        paths: Of each option, pairs of a node and the token that is to follow it.
    """

    tokens: list[int]
    parents: list[int]
    paths: list[list[tuple[int, int]]]


def option_tree(probe: Sequence[int], options: Sequence[Sequence[int]]) -> OptionTree:
    """The probe as a chain, and after it the options, which share what they begin with.

    The last token of an option is told by the one before it, so it needs no node.

    Args:
        probe: At least one token, after which the first token of an option is told.
        options: At least one token each.

    Raises:
        ValueError: If the probe or an option has no token, or two options are the same tokens.
    """
    if not probe or not all(options):
        raise ValueError("a probe and its options must have tokens; an empty text cannot be scored.")
    if len({tuple(option) for option in options}) < len(options):
        raise ValueError("two options are the same tokens, so no answer could tell them apart; name them otherwise.")
    tokens = list(probe)
    parents = [NO_PARENT, *range(len(probe) - 1)]
    children: dict[tuple[int, int], int] = {}
    paths = []
    for option in options:
        node, path = len(probe) - 1, []
        for place, token in enumerate(option):
            path.append((node, token))
            if place == len(option) - 1:
                break
            if (node, token) not in children:
                children[node, token] = len(tokens)
                tokens.append(token)
                parents.append(node)
            node = children[node, token]
        paths.append(path)
    return OptionTree(tokens, parents, paths)
