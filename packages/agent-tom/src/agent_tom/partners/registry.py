"""Partners by name, as plans and the command line say them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from agent_tom.names import made, resolved
from agent_tom.partners.agent_partner import AgentPartner
from agent_tom.partners.axelrod_partner import AxelrodPartner
from agent_tom.partners.combined import Noisy, OneOf, Permuted, Switch
from agent_tom.partners.crowd import Crowd
from agent_tom.partners.learning import FictitiousPlayer, Markov, QLearner
from agent_tom.partners.partner import Partner
from agent_tom.partners.reactive import (
    ConditionalCooperator,
    Grim,
    LevelK,
    TitForTat,
    TitForTwoTats,
    WinStayLoseShift,
)
from agent_tom.partners.steady import Cycle, Drift, Mixture, Single

PARTNERS: dict[str, type[Partner]] = {
    each.name: each
    for each in (
        Single,
        Mixture,
        Cycle,
        Drift,
        TitForTat,
        TitForTwoTats,
        Grim,
        WinStayLoseShift,
        LevelK,
        ConditionalCooperator,
        FictitiousPlayer,
        QLearner,
        Markov,
        Noisy,
        Permuted,
        Switch,
        OneOf,
        Crowd,
        AgentPartner,
        AxelrodPartner,
    )
}
SHORTHANDS: dict[str, Mapping[str, Any]] = {
    "uniform": {"name": "mixture"},
    "two_cycle": {"name": "cycle", "length": 2},
    "generous_tit_for_tat": {"name": "tit_for_tat", "generosity": 0.1},
    "noisy_single": {"name": "noisy", "of": "single"},
    "noisy_tit_for_tat": {"name": "noisy", "of": "tit_for_tat"},
    "switch_single": {"name": "switch", "of": "single", "to": "single"},
    "single_or_tit_for_tat": {"name": "one_of", "pool": ["single", "tit_for_tat"]},
}
"""Settings that are asked for often."""


def make_partner(spec: str | Mapping[str, Any] | Partner) -> Partner:
    """A partner by name, or by a mapping of its ``name`` and settings, in which partners and agents may stand in turn.

    A partner that is one already is given back.

    Raises:
        ValueError: If a name is unknown, or a setting is unknown or missing.
    """
    if isinstance(spec, Partner):
        return spec
    kind, settings = resolved("partner", spec, PARTNERS, SHORTHANDS)
    types = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    return made(
        "partner", kind.name, kind, {key: _filled(kind.name, key, types[key], settings[key]) for key in settings}
    )


def _filled(partner: str, setting: str, kind: Any, value: Any) -> Any:
    """A setting with partners and agents in the place of their names, and tuples in the place of lists."""
    if kind is Partner:
        return make_partner(value)
    if kind == "Agent":
        from agent_tom.agents.registry import make_agent  # agents know partners, so it cannot be imported above

        return make_agent(value)
    if kind == tuple[Partner, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError(f"`{setting}` of partner {partner!r} must be a list of partners, got {value!r}.")
        return tuple(map(make_partner, value))
    if isinstance(value, list):
        return tuple(tuple(one) if isinstance(one, list) else one for one in value)
    return value
