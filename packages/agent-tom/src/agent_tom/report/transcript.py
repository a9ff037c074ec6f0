"""The exact text that a language model was asked by, made anew from the record of an episode."""

from collections.abc import Sequence

import numpy as np

from agent_tom.agents.language_model import LanguageModelAgent
from agent_tom.agents.registry import make_agent
from agent_tom.backends.scripted import ScriptedBackend
from agent_tom.partners.automaton import Automaton
from agent_tom.prompts.library import strategy
from agent_tom.study.played import PlayedCell


class _Replayed(ScriptedBackend):
    """Gives the probabilities that the record holds, and keeps the text that asked for them."""

    def __init__(self) -> None:
        self.said: Sequence[float] = ()
        self.asked = ""
        super().__init__(self._answer)

    def _answer(self, text: str, probe: str, options: Sequence[str]) -> Sequence[float]:
        self.asked = text + probe
        return self.said


def prompt_of(played: PlayedCell, row: int, round_number: int) -> str | None:
    """What a language model read before it chose; None for other agents, and where a part of it is not in the record:
    what the model wrote itself, a chat's frame, and what a social strategy foretold in the game if predictions were
    asked for elsewhere.

    Args:
        played: A cell.
        row: Of the episode in the record.
        round_number: 0-based.
    """
    agent = make_agent(played.cell.agent)
    if not isinstance(agent, LanguageModelAgent):
        return None
    asking = strategy(agent.strategy)
    foretold_elsewhere = asking.social and agent.prediction != "same_context"
    if agent.chat or asking.think or asking.notes or agent.overflow == "summary" or foretold_elsewhere:
        return None
    episodes, backend = played.episodes, _Replayed()
    agent.model = backend
    agent.numbers = [int(episodes.numbers[row])]
    agent.begin(played.game, played.cell.horizon, 1)
    if isinstance(played.partner, Automaton) and played.solution is not None:
        agent.know(played.partner, played.solution)
    for now in range(round_number + 1):
        if played.solution is not None:
            agent.see(episodes.states[row : row + 1, now])
        if episodes.predictions is not None:
            backend.said = episodes.predictions[row, now].tolist()
            agent.predict()
        backend.said = episodes.action_dists[row, now].tolist()
        agent.act(np.zeros((1, 0)))
        if now < round_number:
            agent.observe(
                episodes.actions[row : row + 1, now],
                episodes.partner_actions[row : row + 1, now],
                episodes.payoffs[row : row + 1, now],
            )
    return backend.asked
