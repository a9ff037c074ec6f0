"""``agent-tom play``: one episode in the terminal."""

from typing import Any

from gpu_commons.cli import show


def play_live(
    game: str,
    partner: str,
    agent: str = "person",
    horizon: int = 10,
    seed: int | None = None,
    json: bool = False,
) -> None:
    """Play one episode yourself, or watch an agent, against any partner.

    Args:
        game: Name.
        partner: Name, or YAML such as '{name: noisy, of: grim, epsilon: 0.2}'.
        agent: "person", or an agent's name or YAML.
        horizon: Rounds.
        seed: Of the partner's chance; another one each time if absent.
        json: Print moves and measures as JSON; for agents that are no person.
    """
    import secrets

    import yaml

    from agent_tom.agents.person import Person
    from agent_tom.agents.registry import make_agent
    from agent_tom.games.registry import make_game
    from agent_tom.metrics.summary import measure
    from agent_tom.partners.black_box import BlackBoxPartner
    from agent_tom.partners.registry import make_partner
    from agent_tom.playing.episodes import play

    if json and agent == "person":
        raise ValueError("`json` is for agents, and a person is asked in plain text; leave one of them out.")
    played = make_game(game)
    made = make_partner(yaml.safe_load(partner))
    opponent = made if isinstance(made, BlackBoxPartner) else made.automaton(played, horizon)
    seed = secrets.randbelow(2**31) if seed is None else seed
    who = Person() if agent == "person" else make_agent(yaml.safe_load(agent))
    try:
        episodes = play(played, opponent, who, horizon=horizon, episodes=1, seed=seed)
    except EOFError:
        raise ValueError("the input ended before the last round; answer each question.") from None
    means = {name: float(values[0]) for name, values in measure(played, opponent, episodes, seed=seed).values.items()}
    moves = [
        {"own": played.actions[own], "partner": played.partner_actions[other], "payoff": payoff}
        for own, other, payoff in zip(
            *(column[0].tolist() for column in (episodes.actions, episodes.partner_actions, episodes.payoffs)),
            strict=True,
        )
    ]
    if json:
        show({"seed": seed, "moves": moves, "measures": means}, as_json=True)
        return
    if agent != "person":
        for number, move in enumerate(moves, 1):
            print(f"round {number}: {move['own']}, the partner {move['partner']}: {move['payoff']:g}")
    print("\n".join(_verdict(means, seed)))


def _verdict(means: dict[str, Any], seed: int) -> list[str]:
    """What the episode says of its player."""
    lines = [f"payoff a round {means['payoff']:.3g}"]
    if "regret" in means:
        lines.append(f"lost a round against the best play {means['regret']:.3g}")
    if "accuracy" in means:
        lines.append(f"foretold {means['accuracy']:.0%} of the partner's moves")
    return [*lines, f"the same partner again: --seed {seed}"]
