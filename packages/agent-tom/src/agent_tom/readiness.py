"""Whether a model can play here, and what it understands."""

from typing import TYPE_CHECKING

import numpy as np

from agent_tom.agents.language_model import LanguageModelAgent
from agent_tom.backends.transformers_backend import TransformersBackend
from agent_tom.games.registry import make_game
from agent_tom.partners.registry import make_partner
from agent_tom.playing.episodes import play
from agent_tom.prompts.library import wording, wordings
from gpu_commons.findings import Finding
from gpu_commons.kv_cache import why_not_branchable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

GAME, ROUNDS = "ipd", 3
LEAST_MASS = 0.5
SAME = 1e-3
"""Nats by which cached log-probabilities may differ."""


def as_agent(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> list[Finding]:
    """Look at a model as an agent: its cache, the labels of all wordings, and how a short game is understood."""
    return [
        _cache(model),
        *(_labels(tokenizer, name) for name in wordings()),
        *_short_game(model, tokenizer),
    ]


def _cache(model: "PreTrainedModel") -> Finding:
    reason = why_not_branchable(model)
    if reason is None:
        return Finding("cache", "every round is read once")
    return Finding("cache", f"each question reads its whole text anew: {reason}", "expect long runs")


def _labels(tokenizer: "PreTrainedTokenizerBase", name: str) -> Finding:
    """Tokens of a wording's labels; those of a game's own names are counted for the paper's games."""
    games = [make_game(game) for game in ("rps", "ibs", "ipd")]
    labels = wording(name).labels or tuple(dict.fromkeys(action for game in games for action in game.actions))
    counts = {label: len(tokenizer(f" {label}", add_special_tokens=False)["input_ids"]) for label in labels}
    several = [label for label, count in counts.items() if count > 1]
    if not several:
        return Finding(f"labels of {name!r}", "one token each")
    return Finding(f"labels of {name!r}", f"of several tokens: {', '.join(several)}; all are scored as a whole")


def _short_game(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> list[Finding]:
    """The same few rounds with a cache and prompted anew: differences, and how much falls on legal moves."""
    game = make_game(GAME)
    partner = make_partner("tit_for_tat").automaton(game, ROUNDS)
    cached, anew = (
        play(
            game,
            partner,
            LanguageModelAgent(model=TransformersBackend(model, tokenizer, cached=keep)),
            horizon=ROUNDS,
            episodes=2,
        )
        for keep in (True, False)
    )
    assert cached.legal_masses is not None
    with np.errstate(divide="ignore"):
        same_moves = bool((cached.actions == anew.actions).all())
        difference = (
            float(np.abs(np.log(cached.action_dists) - np.log(anew.action_dists)).max()) if same_moves else np.inf
        )
    mass = float(cached.legal_masses.mean())
    return [
        Finding(
            "cached and anew",
            f"log-probabilities differ by {difference:.1g}" if same_moves else "moves differ",
            "" if difference < SAME else "play in float32 if runs must repeat exactly",
        ),
        Finding(
            "legal answers",
            f"{mass:.0%} of the probability falls on options ('qa', 'neutral')",
            "" if mass >= LEAST_MASS else "try another strategy or wording before believing any number",
        ),
    ]
