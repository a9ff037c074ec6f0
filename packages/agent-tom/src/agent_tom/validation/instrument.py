"""L4 and V9: what the instrument shows of a model whose habits are known, and that it shows the same each time."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent_tom.agents.language_model import LanguageModelAgent
from agent_tom.backends.scripted import ScriptedBackend
from agent_tom.games.registry import make_game
from agent_tom.metrics.summary import measure
from agent_tom.partners.registry import make_partner
from agent_tom.playing.episodes import play
from agent_tom.study.plan import Study
from agent_tom.study.run import run_study
from agent_tom.validation.cells import HORIZON
from gpu_commons import Figure


def instrument_figures(episodes: int) -> Iterator[Figure]:
    """L4: a scripted model that copies its partner's last move when asked, and plays at random, shows as just that."""
    agent = LanguageModelAgent(model=ScriptedBackend(copies_its_partner), most_episodes=None)
    game = make_game("rps")
    partner = make_partner("single").automaton(game, HORIZON)
    found = measure(game, partner, play(game, partner, agent, horizon=HORIZON, episodes=episodes)).intervals()
    name = "L4: rps, single: a model that knows and does not use it"
    known, lost, believed, gap = (found[one] for one in ("accuracy", "regret", "believed_regret", "gap"))
    yield Figure(id=f"{name}: knows", value=known.value, interval=known[1:], unit="rate", better="higher", target=0.98)
    off = abs(lost.value - 1)
    yield Figure(id=f"{name}: regret, from 1", value=off, better="lower", target=0.05, unit="payoff a round")
    yield Figure(
        id=f"{name}: would lose if it did",
        value=believed.value,
        interval=believed[1:],
        better="lower",
        target=0.05,
        unit="payoff a round",
    )
    yield Figure(
        id=f"{name}: least gap of the interval",
        value=gap.low,
        baseline=gap.value,
        better="higher",
        target=0.9,
        unit="payoff a round",
    )


def copies_its_partner(text: str, probe: str, options: Sequence[str]) -> list[float]:
    """Sure that the partner's last move comes again; no preference for an own one."""
    rounds = text.partition("\n\n")[2]
    if "other player" not in probe or not rounds:
        return [1 / len(options)] * len(options)
    last = rounds.rpartition("the other player chose ")[2].partition(",")[0]
    return [float(option.strip() == last) for option in options]


def determinism_figure() -> Figure:
    """V9: the same bytes in one process, in two, and from a run that was stopped half way."""
    study = Study(
        games=["rps", "ipd"], partners=["single", "noisy_tit_for_tat"], agents=["rmax", "thompson"], episodes=20
    )
    with tempfile.TemporaryDirectory() as folder:
        digests = set()
        for name, workers in (("one", 1), ("two", 2), ("resumed", 1)):
            out = Path(folder, name)
            run_study(study, out, workers=workers, progress=False)
            if name == "resumed":
                for file in sorted((out / "cells").iterdir())[::2]:
                    file.unlink()
                run_study(study, out, workers=2, progress=False)
            files = sorted((out / "cells").iterdir())
            digests.add(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
    return Figure(
        id="V9: different results of three ways to run",
        value=float(len(digests)),
        unit="results",
        better="lower",
        target=1.0,
    )
