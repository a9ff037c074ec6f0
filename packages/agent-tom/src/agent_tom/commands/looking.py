"""Verbs that show what there is."""

from typing import Any

from gpu_commons.cli import show
from gpu_commons.table_text import aligned


def list_names(kind: str = "all", json: bool = False) -> None:
    """Names of games, partners, agents, and of the strategies and wordings of prompts, with a line on each of these.

    Args:
        kind: "games", "partners", "agents", "prompts" or "all".
        json: Print JSON.
    """
    from agent_tom.agents.registry import AGENTS
    from agent_tom.agents.registry import SHORTHANDS as AGENT_SHORTHANDS
    from agent_tom.games.registry import GAMES
    from agent_tom.names import unknown
    from agent_tom.partners.registry import PARTNERS
    from agent_tom.partners.registry import SHORTHANDS as PARTNER_SHORTHANDS
    from agent_tom.prompts.library import strategies, strategy, wording, wordings

    names: dict[str, Any] = {
        "games": [*GAMES, "ordinal_0 … ordinal_143", "public_goods_N", "openspiel:NAME", "textarena:ID"],
        "partners": [*PARTNERS, *PARTNER_SHORTHANDS],
        "agents": [*AGENTS, *AGENT_SHORTHANDS],
        "prompts": {
            "strategies": {name: strategy(name).about for name in strategies()},
            "wordings": {name: wording(name).about for name in wordings()},
        },
    }
    if kind != "all" and kind not in names:
        raise unknown("kind of name", kind, [*names, "all"])
    chosen = names if kind == "all" else {kind: names[kind]}
    if json:
        show(chosen, as_json=True)
        return
    prompts = chosen.pop("prompts", {})
    show(
        {
            **{name: ", ".join(found) for name, found in chosen.items()},
            **{f"{kind}, {name}": about for kind, found in prompts.items() for name, about in found.items()},
        },
        as_json=False,
    )


def show_game(game: str, partner: str | None = None, horizon: int = 100, json: bool = False) -> None:
    """Payoffs of a game, and with a partner what the best, random and the worst play are worth and what is best.

    Args:
        game: Name.
        partner: Name, or YAML such as '{name: noisy, of: grim, epsilon: 0.2}'.
        horizon: Rounds.
        json: Print JSON.
    """
    from agent_tom.games.registry import make_game

    played = make_game(game)
    result: dict[str, Any] = {
        "game": played.name,
        "payoffs": {
            own: {
                other: [float(played.payoffs[row, column]), float(played.partner_payoffs[row, column])]
                for column, other in enumerate(played.partner_actions)
            }
            for row, own in enumerate(played.actions)
        },
    }
    if partner is not None:
        result |= _against(played, partner, horizon)
    if json:
        show(result, as_json=True)
    else:
        print("\n".join(_lines(result)))


def oracle(game: str, partner: str, horizon: int = 100, round: int = 1, json: bool = False) -> None:
    """The best play against a partner in a certain round: of each of its states, what it plays, and what each move and
    the best play after it are worth.

    Args:
        game: Name.
        partner: Name, or YAML such as '{name: noisy, of: grim, epsilon: 0.2}'.
        horizon: Rounds of the episode.
        round: Which of them, from 1.
        json: Print JSON.
    """
    from agent_tom.games.registry import make_game
    from agent_tom.oracle.best_response import best_response

    if not 1 <= round <= horizon:
        raise ValueError(f"`round` must be 1 to {horizon}, got {round}.")
    played = make_game(game)
    automaton = _automaton(played, partner, horizon)
    solution = best_response(played, automaton, horizon)
    rows = [
        {
            "state": label,
            "partner": dict(zip(played.partner_actions, automaton.action_dist[state].tolist(), strict=True)),
            "worth": dict(zip(played.actions, solution.action_values[round - 1, state].tolist(), strict=True)),
            "best": [
                action
                for action, chance in zip(played.actions, solution.policy[round - 1, state], strict=True)
                if chance > 0
            ],
        }
        for state, label in enumerate(automaton.labels)
    ]
    if json:
        show(rows, as_json=True)
        return
    print(
        aligned(
            ("state", "partner plays", "each move is worth", "best"),
            [
                [
                    row["state"],
                    ", ".join(f"{name} {chance:.2f}" for name, chance in row["partner"].items() if chance > 0),
                    ", ".join(f"{name} {value:.2f}" for name, value in row["worth"].items()),
                    " or ".join(row["best"]),
                ]
                for row in rows
            ],
        )
    )


def _automaton(game: Any, partner: str, horizon: int) -> Any:
    import yaml

    from agent_tom.partners.registry import make_partner

    if horizon < 1:
        raise ValueError(f"`horizon` must be at least 1, got {horizon}.")
    return make_partner(yaml.safe_load(partner)).automaton(game, horizon)


def _against(game: Any, partner: str, horizon: int) -> dict[str, Any]:
    """Values a round, and the best first and middle move in the first states."""
    from agent_tom.oracle.best_response import best_response, scale_of

    automaton = _automaton(game, partner, horizon)
    solution = best_response(game, automaton, horizon)
    scale = scale_of(game, automaton, horizon, solution)
    middle = solution.policy[horizon // 2]
    states = automaton.labels[:MOST_STATES_SHOWN]
    return {
        "partner": partner,
        "states": automaton.num_states,
        "reactive": automaton.reactive,
        "a round is worth": {"best": scale.best, "uniform": scale.uniform, "worst": scale.worst},
        "regret a round": {"uniform": scale.uniform_regret, "largest": scale.largest_regret},
        f"best in round {horizon // 2}": {
            state: [action for action, chance in zip(game.actions, middle[row], strict=True) if chance > 0]
            for row, state in enumerate(states)
        },
    }


MOST_STATES_SHOWN = 12


def _lines(result: dict[str, Any]) -> list[str]:
    payoffs = result["payoffs"]
    others = list(next(iter(payoffs.values())))
    width = max(len(name) for name in (*payoffs, *others, "10, 10")) + 2
    lines = [f"{result['game']} (you, partner)", " " * width + "".join(f"{other:>{width}}" for other in others)]
    for own, row in payoffs.items():
        cells = (f"{mine:g}, {theirs:g}" for mine, theirs in row.values())
        lines.append(f"{own:<{width}}" + "".join(f"{cell:>{width}}" for cell in cells))
    for name, value in result.items():
        if name in ("game", "payoffs"):
            continue
        if isinstance(value, dict):
            shown = (
                f"{key} {one:.4g}" if isinstance(one, float) else f"{key}: {' or '.join(one)}"
                for key, one in value.items()
            )
            lines.append(f"{name}: {'; '.join(shown)}")
        else:
            lines.append(f"{name}: {value}")
    return lines
