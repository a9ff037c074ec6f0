"""The bridge between knowing and doing: what would an agent lose that acted on its own predictions?

Two definitions, which agree where the partner takes no notice of the agent and differ where it does:

- myopic: the best reply to what was predicted, scored in the same history by this round's expected payoff.
- planned: the agent's predictions, averaged after each last joint move, are taken for the partner's rule; the best play
  against that rule is planned, and played from the beginning against the true partner. What an agent believes of moves
  that never came cannot be known: an episode whose plan leads there has no planned regret.
"""

import numpy as np
from jaxtyping import Float, Int

from agent_tom.agents.agent import JointMoves
from agent_tom.agents.planned import Planned
from agent_tom.games.matrix_game import MatrixGame, best_replies, greedy
from agent_tom.metrics.functional import advantage_regret
from agent_tom.metrics.literal import true_dists
from agent_tom.oracle.best_response import BestResponse
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.playing.episodes import Episodes, play


def myopic_believed_regret(
    game: MatrixGame, partner: Automaton | BlackBoxPartner, episodes: Episodes
) -> Float[np.ndarray, "episodes rounds"]:
    """Expected loss, this round, of the best reply to what was predicted."""
    truth = true_dists(partner, episodes)
    assert episodes.predictions is not None
    assert truth is not None
    expected = truth @ game.payoffs.T
    return expected.max(-1) - (best_replies(game.payoffs, episodes.predictions) * expected).sum(-1)


def coherence(game: MatrixGame, episodes: Episodes) -> Float[np.ndarray, "episodes rounds"]:
    """Whether the move made is a best reply to the move predicted."""
    assert episodes.predictions is not None
    replies = best_replies(game.payoffs, episodes.predictions) > 0
    return np.take_along_axis(replies, episodes.actions[..., None], -1)[..., 0].astype(np.float64)


def planned_believed_regret(
    game: MatrixGame, partner: Automaton, solution: BestResponse, episodes: Episodes, *, seed: int
) -> Float[np.ndarray, "episodes rounds"]:
    """Loss of the plans that the predictions lead to, played against the true partner.

    It is NaN in an episode whose plan leads to a last joint move that the episode never had.

    Args:
        game: What was played.
        partner: The true one.
        solution: The best play against it.
        episodes: With predictions.
        seed: Of ``episodes``, so that the partner draws the same again.
    """
    rule = fitted_rule(game, episodes)
    plans = plans_from(game, rule, episodes.horizon)
    numbers = episodes.numbers.tolist()
    replayed = play(game, partner, Planned(plans), horizon=episodes.horizon, episodes=numbers, seed=seed)
    rows, contexts = np.arange(len(episodes))[:, None], _contexts(game, episodes)
    known = np.zeros(rule.shape[:2], dtype=bool)
    known[rows, contexts] = True
    followed = known[rows, _contexts(game, replayed)].all(-1, keepdims=True)
    return np.where(followed, advantage_regret(solution, replayed), np.nan)


def fitted_rule(game: MatrixGame, episodes: Episodes) -> Float[np.ndarray, "episodes contexts partner_actions"]:
    """The mean prediction after each last joint move; after a move that never came, that of the whole episode."""
    assert episodes.predictions is not None
    contexts = _contexts(game, episodes)
    shape = (len(episodes), JointMoves(game, 1).num_contexts, game.num_partner_actions)
    sums = np.zeros(shape)
    np.add.at(sums, (np.arange(len(episodes))[:, None], contexts), episodes.predictions)
    whole = episodes.predictions.mean(1, keepdims=True)
    count = sums.sum(-1, keepdims=True)
    return np.where(count > 0, sums / np.where(count > 0, count, 1), whole)


def _contexts(game: MatrixGame, episodes: Episodes) -> Int[np.ndarray, "episodes rounds"]:
    """The last joint move before each round, as :class:`JointMoves` numbers it."""
    moves = JointMoves(game, len(episodes))
    found = []
    for played in range(episodes.horizon):
        found.append(moves.now)
        moves.add(episodes.actions[:, played], episodes.partner_actions[:, played])
    return np.stack(found, axis=1)


def plans_from(
    game: MatrixGame, rule: Float[np.ndarray, "episodes contexts partner_actions"], horizon: int
) -> Float[np.ndarray, "rounds episodes contexts actions"]:
    """The best play by round against partners that follow such rules."""
    episodes, contexts = rule.shape[:2]
    policies = np.empty((horizon, episodes, contexts, game.num_actions))
    values = np.zeros((episodes, contexts))
    for played in reversed(range(horizon)):
        after = values[:, 1:].reshape(episodes, *game.payoffs.shape)  # the joint move is the next context
        action_values = np.einsum("ncb,nab->nca", rule, game.payoffs + after)
        policies[played] = greedy(action_values)
        values = action_values.max(-1)
    return policies
