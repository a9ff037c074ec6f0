"""What a study plays: every agent against every partner in every game."""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from agent_tom.agents.registry import make_agent
from agent_tom.games.registry import make_game
from agent_tom.partners.registry import make_partner
from agent_tom.playing.episodes import check_informed
from agent_tom.prompts.library import version

Spec = str | Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One agent against one partner in one game.

    Attributes:
        number: In the study.
        game: Name.
        partner: Name, or mapping of name and settings.
        agent: Likewise.
        horizon: Rounds of an episode.
        episodes: Episodes.
        seed: Of chance; the same for all agents that meet the partner in the game.
    """

    number: int
    game: str
    partner: Spec
    agent: Spec
    horizon: int
    episodes: int
    seed: int

    @property
    def names(self) -> dict[str, str]:
        """Game, partner and agent as tables say them."""
        return {"game": self.game, "partner": label(self.partner), "agent": label(self.agent)}


@dataclass(frozen=True, kw_only=True)
class Study:
    """All cells of games, partners and agents.

    Attributes:
        games: Names.
        partners: Names, or mappings of name and settings.
        agents: Likewise.
        horizon: Rounds of an episode.
        episodes: Of each cell.
        seed: Of everything.

    Raises:
        ValueError: If a name or setting is unknown, a list is empty or holds something twice, an agent must be told
            what is not known of a partner, or a number is below 1.
    """

    games: Sequence[str]
    partners: Sequence[Spec]
    agents: Sequence[Spec]
    horizon: int = 100
    episodes: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        for field, make in (("games", make_game), ("partners", make_partner), ("agents", make_agent)):
            specs = getattr(self, field)
            if not specs:
                raise ValueError(f"`{field}` of a study is empty; name at least one.")
            for spec in specs:
                make(spec)
            labels = [label(spec) for spec in specs]
            if twice := sorted({each for each in labels if labels.count(each) > 1}):
                raise ValueError(f"`{field}` of a study has {twice[0]} twice; leave one out.")
        for agent, partner in product(map(make_agent, self.agents), map(make_partner, self.partners)):
            check_informed(agent, partner)
        for field in ("horizon", "episodes"):
            if getattr(self, field) < 1:
                raise ValueError(f"`{field}` of a study must be at least 1, got {getattr(self, field)}.")

    def cells(self) -> Iterator[Cell]:
        """Agents change first, so that what is computed of a partner serves them all."""
        number = 0
        for game in self.games:
            for partner in self.partners:
                seed = _seed_of(self.seed, game, partner)
                for agent in self.agents:
                    yield Cell(
                        number=number,
                        game=game,
                        partner=partner,
                        agent=agent,
                        horizon=self.horizon,
                        episodes=self.episodes,
                        seed=seed,
                    )
                    number += 1

    def as_json(self) -> str:
        """Text that is the same for the same study with the same prompts, whose version it holds."""
        return json.dumps({**asdict(self), "prompts": version()}, indent=2, sort_keys=True, default=list) + "\n"


def read_study(path: str | Path) -> Study:
    """A study from a YAML, TOML or JSON file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, has a field that studies do not have, or as of :class:`Study`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no study at {path.absolute()}")
    text = path.read_text(encoding="utf-8")
    try:
        found = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        kind = "no TOML" if path.suffix == ".toml" else "neither YAML nor JSON"
        raise ValueError(f"{path} is {kind}: {error}") from error
    known = [field.name for field in fields(Study)]
    if not isinstance(found, dict) or (extra := sorted(found.keys() - set(known))):
        what = f"the field {extra[0]!r}" if isinstance(found, dict) else "no fields"
        raise ValueError(f"{path} has {what}; a study has {', '.join(known)}.")
    if missing := [name for name in known[:3] if name not in found]:
        raise ValueError(f"{path} lacks {missing[0]!r}; a study needs games, partners and agents.")
    return Study(**found)


def label(spec: Spec) -> str:
    """What a partner or agent is called in tables: its ``label`` if it has one, else its name with its settings."""
    if isinstance(spec, str):
        return spec
    if "label" in spec:
        return str(spec["label"])
    settings = [f"{key}={_shown(value)}" for key, value in spec.items() if key != "name"]
    return f"{spec['name']}({', '.join(settings)})" if settings else str(spec["name"])


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return label(value)
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, list | tuple) else str(value)


def _seed_of(seed: int, game: str, partner: Spec) -> int:
    """A seed that depends on what is played, and neither on its place in the study nor on a label."""
    if isinstance(partner, Mapping):
        partner = {key: value for key, value in partner.items() if key != "label"}
    text = json.dumps([seed, game, partner], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
