"""All measures of one agent against one partner in one game."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.metrics.believed import coherence, myopic_believed_regret, planned_believed_regret
from agent_tom.metrics.functional import advantage_regret, myopic_regret, path_regret
from agent_tom.metrics.intervals import EpisodeBootstrap, Interval
from agent_tom.metrics.literal import literal_metrics, true_dists
from agent_tom.oracle.best_response import BestResponse, best_response, scale_of
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.playing.episodes import Episodes

WINDOW = 20
"""Last rounds of an episode, in which who can learn has learnt."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EpisodeMeasures:
    """One number an episode for each measure, a round.

    Attributes:
        values: By name of the measure.
        strata: What the partner began with.
        estimator: Of the regret: "advantage"; "path" against the reference return of a black-box partner; or "" where
            none is declared, and there is no regret.
        believed: How the believed regret was computed: "myopic", "planned", or "" where there is none.
        uniform_regret: Exact, of random play; None where it is not known.
    """

    values: dict[str, Float[np.ndarray, " episodes"]]
    strata: np.ndarray
    estimator: str
    believed: str
    uniform_regret: float | None

    def intervals(self, *, resamples: int = 10_000, seed: int = 0) -> dict[str, Interval]:
        """Means with 95 % intervals, over the episodes that have the measure.

        ``normalised`` is regret over that of random play, where it is known: 0 is best, 1 random.
        """
        whole = EpisodeBootstrap(self.strata, resamples=resamples, seed=seed)
        found = {}
        for name, value in self.values.items():
            there = np.isfinite(value)
            if there.all():
                found[name] = whole.mean(value)
            else:
                part = EpisodeBootstrap(self.strata[there], resamples=resamples, seed=seed)
                found[name] = part.mean(value[there])
        if self.uniform_regret is not None and self.uniform_regret > 0:
            found["normalised"] = Interval(*(part / self.uniform_regret for part in found["regret"]))
        return found


def measure(
    game: MatrixGame,
    partner: Automaton | BlackBoxPartner,
    episodes: Episodes,
    *,
    seed: int = 0,
    solution: BestResponse | None = None,
) -> EpisodeMeasures:
    """Everything that can be said of some episodes.

    ``regret`` is the advantage estimator of Delta_F / T, ``believed_regret`` that of Delta_ToM / T (myopic against
    partners that take no notice, planned against others), ``gap`` their difference. The last two are NaN in episodes
    whose plan leads where the agent's beliefs cannot be known; ``planned`` is 1 in the others.

    Against a black-box partner ``regret`` is its reference return less what was earned, if it has one. The believed
    regret is myopic then, and there only if the partner's true distribution is known. It may take notice, so that the
    difference of the two would say nothing, and is left out.

    Args:
        game: What was played.
        partner: Against whom.
        episodes: What happened.
        seed: With which they were played.
        solution: The best play, if it is there already.

    Raises:
        ValueError: If the solution is of another number of rounds.
    """
    values = {"payoff": episodes.payoffs.mean(-1), "myopic_regret": myopic_regret(game, episodes).mean(-1)}
    if episodes.legal_masses is not None:
        values["legal_mass"] = episodes.legal_masses.mean(-1)
    if episodes.predictions is not None:
        values |= {name: value.mean(-1) for name, value in literal_metrics(partner, episodes).items()}
        values["coherence"] = coherence(game, episodes).mean(-1)
    if isinstance(partner, Automaton):
        return _of_known(
            game, partner, episodes, values, solution or best_response(game, partner, episodes.horizon), seed
        )
    return _of_black_box(game, partner, episodes, values)


def _of_known(
    game: MatrixGame,
    partner: Automaton,
    episodes: Episodes,
    values: dict[str, np.ndarray],
    solution: BestResponse,
    seed: int,
) -> EpisodeMeasures:
    """What needs the best play."""
    if solution.horizon != episodes.horizon:
        raise ValueError(
            f"`solution` is the best play of {solution.horizon} rounds, but the episodes have {episodes.horizon}; give that "
            "of as many, or none."
        )
    regret = advantage_regret(solution, episodes)
    values = values | {
        "regret": regret.mean(-1),
        "regret_of_last_rounds": regret[:, -WINDOW:].mean(-1),
        "path_regret": path_regret(solution, episodes),
    }
    kind = ""
    if episodes.predictions is not None:
        kind = "planned" if partner.reactive else "myopic"
        believed = (
            planned_believed_regret(game, partner, solution, episodes, seed=seed)
            if partner.reactive
            else myopic_believed_regret(game, partner, episodes)
        ).mean(-1)
        values |= {"believed_regret": believed, "gap": values["regret"] - believed}
        if partner.reactive:
            values["planned"] = np.isfinite(believed).astype(np.float64)
    return EpisodeMeasures(
        values=values,
        strata=episodes.states[:, 0],
        estimator="advantage",
        believed=kind,
        uniform_regret=scale_of(game, partner, episodes.horizon, solution).uniform_regret,
    )


def _of_black_box(
    game: MatrixGame, partner: BlackBoxPartner, episodes: Episodes, values: dict[str, np.ndarray]
) -> EpisodeMeasures:
    """What can be said without the best play."""
    reference, kind = partner.reference_return, ""
    if reference is not None:
        values = values | dict.fromkeys(("regret", "path_regret"), reference - values["payoff"])
    if episodes.predictions is not None and true_dists(partner, episodes) is not None:
        kind = "myopic"
        values = values | {"believed_regret": myopic_believed_regret(game, partner, episodes).mean(-1)}
    return EpisodeMeasures(
        values=values,
        strata=episodes.states[:, 0],
        estimator="" if reference is None else "path",
        believed=kind,
        uniform_regret=None,
    )
