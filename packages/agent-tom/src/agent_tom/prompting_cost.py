"""What it costs to ask a language model: one cache for many episodes, against prompting it anew for every question.

The same episode is played both ways: by itself with the whole text read for each question, and beside others with every
round read once. Prompts, answers and chance are the same, so that moves and log-probabilities can be compared.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent_tom.agents.language_model import LanguageModelAgent
from agent_tom.games.registry import make_game
from agent_tom.partners.registry import make_partner
from agent_tom.playing.episodes import Episodes, play

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from agent_tom.backends.transformers_backend import TransformersBackend

GAME, PARTNER = "rps", "tit_for_tat"


@dataclass(frozen=True, kw_only=True)
class PromptingCost:
    """Of one episode, each way.

    Attributes:
        cached_s: Seconds with a cache, side by side with others: of the CPU, or of the clock where the model is on an
            accelerator.
        anew_s: Seconds prompted anew.
        cached_tokens: Tokens read with a cache.
        anew_tokens: Tokens read prompted anew.
        largest_difference: Between log-probabilities, in nats.
        moves_that_differ: Of the episode.
    """

    cached_s: float
    anew_s: float
    cached_tokens: float
    anew_tokens: float
    largest_difference: float
    moves_that_differ: int


def prompting_cost(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", *, rounds: int, episodes: int
) -> PromptingCost:
    """Play ``GAME`` against ``PARTNER`` both ways.

    Args:
        model: A causal language model in eval mode.
        tokenizer: Its own.
        rounds: Of an episode.
        episodes: Played side by side with a cache.
    """
    from agent_tom.backends.transformers_backend import TransformersBackend

    cached, cached_s, cached_tokens = _played(TransformersBackend(model, tokenizer), rounds, episodes)
    anew, anew_s, anew_tokens = _played(TransformersBackend(model, tokenizer, cached=False), rounds, 1)
    return PromptingCost(
        cached_s=cached_s,
        anew_s=anew_s,
        cached_tokens=cached_tokens,
        anew_tokens=anew_tokens,
        largest_difference=_largest_difference(cached, anew),
        moves_that_differ=int((cached.actions[:1] != anew.actions).sum()),
    )


def _played(backend: "TransformersBackend", rounds: int, episodes: int) -> tuple[Episodes, float, float]:
    """Episodes, and seconds and tokens of one."""
    game = make_game(GAME)
    partner = make_partner(PARTNER).automaton(game, rounds)
    agent = LanguageModelAgent(model=backend, most_episodes=episodes)
    # A shared machine's clock says little of a CPU; an accelerator's work is none of the CPU's time.
    seconds = time.process_time if backend.model.device.type == "cpu" else time.perf_counter
    begin = seconds()
    found = play(game, partner, agent, horizon=rounds, episodes=episodes)
    return found, (seconds() - begin) / episodes, backend.tokens_read / episodes


def _largest_difference(cached: Episodes, anew: Episodes) -> float:
    """Between the log-probabilities that the first episode's answers were given, both ways."""
    pairs = ((one[:1], other) for one, other in zip(_probabilities(cached), _probabilities(anew), strict=True))
    return float(max(np.abs(np.log(one) - np.log(other)).max() for one, other in pairs))


def _probabilities(episodes: Episodes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of predictions, of moves, and of any legal move."""
    assert episodes.predictions is not None
    assert episodes.legal_masses is not None
    return episodes.predictions, episodes.action_dists, episodes.legal_masses
