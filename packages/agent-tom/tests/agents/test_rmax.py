"""The tabular agent is optimistic, plans in what it has seen, and stops losing."""

import numpy as np
import pytest

from agent_tom.agents import RMax
from agent_tom.games import make_game
from agent_tom.metrics import advantage_regret
from agent_tom.oracle import best_response
from agent_tom.partners import make_partner
from agent_tom.playing.episodes import play

IPD = make_game("ipd")
NO_DRAWS = np.empty((1, 0))


def begun(game=IPD, **settings):
    agent = RMax(**settings)
    agent.begin(game, 100, 1)
    return agent


def told(agent, rounds):
    for action, other in rounds:
        agent.observe(np.array([action]), np.array([other]), np.array([0.0]))


@pytest.mark.parametrize(("visits", "dist"), [(1, [0, 1]), (2, [0.5, 0.5])])
def test_what_was_not_tried_often_enough_is_preferred(visits, dist):
    agent = begun(visits=visits)
    assert agent.act(NO_DRAWS).tolist() == [[0.5, 0.5]]
    told(agent, [(0, 0), (0, 0)])  # after (0, 0), cooperation has been tried once
    assert agent.act(NO_DRAWS).tolist() == [dist]
    told(agent, [(0, 0)])
    assert agent.act(NO_DRAWS).tolist() == [[0, 1]]


def test_what_was_not_tried_has_the_edge_over_what_is_as_good():
    agent = begun(make_game("coordination"))
    told(agent, [(0, 0), (0, 0)])
    # The best payoff may be on the way to what was not tried, and is then no worse.
    assert agent.act(NO_DRAWS).tolist() == [[0.5, 0.5]]
    told(agent, [(1, 0), (0, 0), (1, 0)])
    # After (1, 0) the same payoff leads to where all is known, and where it is earned for ever.
    assert agent.act(NO_DRAWS).tolist() == [[0, 1]]


def test_a_model_is_not_changed_after_its_visits():
    agent = begun()
    told(agent, [(0, 0), (0, 0), (1, 1), (1, 1), (0, 0)])
    # After (0, 0) to cooperate earned 8, for ever: 80. To defect earned 5, and led back by 8: 5 + 0.9 * 80.
    assert agent.act(NO_DRAWS).tolist() == [[1, 0]]
    # Then it earns nothing, again and again, and leads to where 5 + 0.9 * 80 = 77 are the most: 0.9 * 77 if believed.
    told(agent, [(0, 1), (0, 1), (1, 1), (0, 0), *[(0, 1), (1, 1), (0, 0)] * 9])
    assert agent.act(NO_DRAWS).tolist() == [[1, 0]]


def test_predictions_count_what_came_after_the_joint_move():
    agent = begun()
    assert agent.predict().tolist() == [[0.5, 0.5]]
    told(
        agent, [(0, 0), (0, 1), (0, 0), (1, 1), (0, 0), (1, 1), (0, 0)]
    )  # after (0, 0): three times 1, whatever it did
    assert agent.predict() == pytest.approx(np.array([[0.5 / 4, 3.5 / 4]]))


def solved(model, best, game, discount):
    """Values by policy iteration with exact linear algebra, from a model ``{(move, action): {next move: chance}}``."""
    moves = ["start", *np.ndindex(game.payoffs.shape)]
    place, policy = {move: number for number, move in enumerate(moves)}, np.zeros(len(moves), dtype=int)
    while True:
        matrix, now = np.eye(len(moves)), np.full(len(moves), best)
        for row, move in enumerate(moves):
            if (after := model.get((move, policy[row]))) is not None:
                now[row] = sum(chance * game.payoffs[found] for found, chance in after.items())
                for found, chance in after.items():
                    matrix[row, place[found]] -= discount * chance
        value = np.linalg.solve(matrix, now)
        table = np.full((len(moves), game.num_actions), best)
        for (move, action), after in model.items():
            table[place[move], action] = sum(
                chance * (game.payoffs[found] + discount * value[place[found]]) for found, chance in after.items()
            )
        if (table.max(-1) <= value + 1e-9).all():
            return dict(zip(moves, table, strict=True))
        policy = table.argmax(-1)


@pytest.mark.parametrize("game", [IPD, make_game("rps"), make_game("ibs")], ids=lambda game: game.name)
@pytest.mark.parametrize("visits", [1, 3])
def test_it_plans_as_an_exact_solver_does(game, visits):
    agent, draws = begun(game, visits=visits, discount=0.9), np.random.default_rng(5)
    best = game.payoffs.max() / 0.1
    seen: dict[tuple[object, int], list[tuple[int, int]]] = {}
    last: object = "start"
    clear = 0
    for _ in range(150):
        model = {
            key: {found: came.count(found) / visits for found in came}
            for key, came in seen.items()
            if len(came) == visits
        }
        values = solved(model, best, game, 0.9)[last]
        near = values >= values.max() - 2e-3
        taken = agent.act(NO_DRAWS)[0] > 0
        assert not (taken & ~near).any()
        clear += near.sum() < len(near)
        move = tuple(draws.integers(game.num_actions, size=2).tolist())
        came = seen.setdefault((last, move[0]), [])
        if len(came) < visits:
            came.append(move)
        told(agent, [move])
        last = move
    assert clear > 100  # so that there was something to get wrong


@pytest.mark.parametrize("game", ["rps", "ibs", "ipd"])
@pytest.mark.parametrize("partner", ["single", "tit_for_tat"])
def test_it_stops_losing(game, partner):
    game = make_game(game)
    automaton = make_partner(partner).automaton(game, 200)
    # Against the optimum of a longer game, so that not knowing the end is no loss.
    solution = best_response(game, automaton, 200)
    episodes = play(game, automaton, RMax(), horizon=100, episodes=20, solution=solution)
    regret = advantage_regret(solution, episodes)
    assert regret[:, -20:].max() == pytest.approx(0, abs=1e-9)
    assert regret[:, :20].sum() > 0


def test_an_episode_is_planned_by_itself():
    game = make_game("rps")
    partner = make_partner("markov").automaton(game, 100)
    together = play(game, partner, RMax(), episodes=12, seed=1)
    alone = play(game, partner, RMax(), episodes=1, seed=1)
    assert np.array_equal(together.action_dists[:1], alone.action_dists)


@pytest.mark.parametrize(("setting", "value"), [("visits", 0), ("discount", 1.0), ("discount", -0.1)])
def test_settings_out_of_range_are_told(setting, value):
    with pytest.raises(ValueError, match=f"`{setting}` must be .*, got {value}"):
        begun(**{setting: value})
