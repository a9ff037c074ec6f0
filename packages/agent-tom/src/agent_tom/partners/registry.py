"""Partners by name, as plans and the command line say them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from agent_tom.names import unknown
from agent_tom.partners.combined import Crowd, Noisy, OneOf, Permuted, Switch
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
    """A partner by name, or by a mapping of its ``name`` and settings, in which partners may stand in turn.

    A partner that is one already is given back.

    Raises:
        ValueError: If a name is unknown, or a setting is unknown or missing.
    """
    if isinstance(spec, Partner):
        return spec
    if isinstance(spec, str):
        spec = SHORTHANDS.get(spec, {"name": spec})
    settings = dict(spec)
    name = str(settings.pop("name", ""))
    if name in SHORTHANDS:
        return make_partner({**SHORTHANDS[name], **settings})
    if name not in PARTNERS:
        raise unknown("partner", name, [*PARTNERS, *SHORTHANDS])
    known = {field.name: field.type for field in fields(PARTNERS[name])}  # type: ignore[arg-type]  # all are dataclasses
    if extra := sorted(settings.keys() - known.keys()):
        raise ValueError(f"partner {name!r} has no setting {extra[0]!r}; it has {', '.join(known) or 'none'}.")
    for setting, kind in known.items():
        if setting in settings and kind is Partner:
            settings[setting] = make_partner(settings[setting])
        elif setting in settings and kind == tuple[Partner, ...]:
            if not isinstance(settings[setting], list | tuple):
                raise ValueError(
                    f"`{setting}` of partner {name!r} must be a list of partners, got {settings[setting]!r}."
                )
            settings[setting] = tuple(map(make_partner, settings[setting]))
        elif setting in settings and isinstance(settings[setting], list):
            settings[setting] = tuple(tuple(one) if isinstance(one, list) else one for one in settings[setting])
    try:
        return PARTNERS[name](**settings)
    except TypeError as error:
        raise ValueError(f"partner {name!r} lacks a setting: {error}.") from error
