"""Pictures of agent-tom."""

import numpy as np
from matplotlib.figure import Figure

from pictures.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, Record, panels


def regret() -> Figure:
    """How regret adds up against a partner that does as it was done by; played here."""
    from agent_tom import best_response, make_agent, make_game, make_partner, play
    from agent_tom.metrics.functional import advantage_regret

    agents = (("uniform", GREY), ("fictitious_play", ORANGE), ("thompson", PURPLE), ("rmax", BLUE), ("oracle", GREEN))
    figure, axes = panels(3, share_y=False)
    for axis, name in zip(axes, ("rps", "ibs", "ipd"), strict=True):
        game = make_game(name)
        partner = make_partner("tit_for_tat").automaton(game, 100)
        solution = best_response(game, partner, 100)
        for agent, colour in agents:
            episodes = play(game, partner, make_agent(agent), horizon=100, episodes=60, seed=0)
            lost = advantage_regret(solution, episodes).mean(axis=0).cumsum()
            axis.plot(range(1, 101), lost, color=colour, label=agent.replace("_", " "), linewidth=1.8)
        axis.set(
            title={"rps": "rock, paper, scissors", "ibs": "battle of the sexes", "ipd": "prisoner's dilemma"}[name]
        )
        axis.set(xlabel="round")
    axes[0].set_ylabel("lost so far (payoff)")
    axes[-1].legend(frameon=False)
    return figure


def gap() -> Figure:
    """A language model knows its partner's move and loses as much as random play."""
    record = Record("agent-tom/validate_language_model")
    games = ("rps", "ibs", "ipd")
    figure, axes = panels(2, share_y=False)
    places = np.arange(3)
    for axis, measure, label in (
        (axes[0], "knows", "moves predicted (share)"),
        (axes[1], "loses", "lost (payoff a round)"),
    ):
        for shift, asked, colour in ((-0.2, "asked after a list", BLUE), (0.2, "asked after the game", ORANGE)):
            values, bars = record.with_bar([f"{game}, {asked}: {measure}" for game in games])
            axis.bar(places + shift, values, 0.36, yerr=bars, color=colour, label=asked, capsize=2)
        axis.set_xticks(places, [game.upper() for game in games])
        axis.set(ylabel=f"{label}, 95 %", xlabel="game")
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=2)
    return figure
