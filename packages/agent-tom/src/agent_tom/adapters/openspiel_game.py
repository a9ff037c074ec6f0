"""Games of OpenSpiel as sequential games."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from agent_tom.adapters.openspiel_stage import loaded, title
from agent_tom.adapters.sequential_game import Action, SequentialGame, State, Turn


class OpenSpielGame(SequentialGame):
    """Any game of two players that OpenSpiel has, in turns or at once, whose chances it tells.

    A state is a ``pyspiel.State``.

    Args:
        game: Name, with parameters if you like, or a ``pyspiel.Game``.
        describe: Of a state and a player: the text for a language model, in the place of OpenSpiel's own.
        action_name: Of a state, a player and an action: its name, likewise.

    Raises:
        ImportError: If ``agent-tom[openspiel]`` is not installed.
        ValueError: If there is no such game, it has not two players, it draws chances without telling them, or it does
            not say what a player knows.
    """

    def __init__(
        self,
        game: Any,
        *,
        describe: Callable[[State, int], str] | None = None,
        action_name: Callable[[State, int, Action], str] | None = None,
    ):
        self._game = loaded(game)
        self.name = f"openspiel:{game if isinstance(game, str) else title(self._game)}"
        self._describe, self._action_name = describe, action_name
        kind = self._game.get_type()
        self._tells_knowledge = kind.provides_information_state_string
        self._all_is_seen = kind.information != kind.Information.IMPERFECT_INFORMATION
        self._check(kind)

    def start(self) -> State:
        return self._game.new_initial_state()

    def turn(self, state: State) -> Turn:
        if state.is_terminal():
            return Turn.OVER
        if state.is_chance_node():
            return Turn.CHANCE
        return Turn.BOTH if state.is_simultaneous_node() else Turn(int(state.current_player()))

    def legal_actions(self, state: State, player: int) -> Sequence[Action]:
        return state.legal_actions(player)

    def next_state(self, state: State, action: Any) -> State:
        after = state.clone()
        if state.is_simultaneous_node():
            after.apply_actions(list(action))
        else:
            after.apply_action(action)
        return after

    def returns(self, state: State) -> tuple[float, float]:
        focal, partner = state.returns()
        return float(focal), float(partner)

    def information_state(self, state: State, player: int) -> Hashable:
        return state.information_state_string(player) if self._tells_knowledge else state.history_str()

    def chances(self, state: State) -> Sequence[tuple[float, Action]]:
        return [(chance, action) for action, chance in state.chance_outcomes()]

    def action_name(self, state: State, player: int, action: Any) -> str:
        return self._action_name(state, player, action) if self._action_name else state.action_to_string(player, action)

    def describe(self, state: State, player: int) -> str:
        if self._describe:
            return self._describe(state, player)
        return str(state) if self._all_is_seen else state.information_state_string(player)

    def _check(self, kind: Any) -> None:
        if self._game.num_players() != 2:
            raise ValueError(
                f"{self.name} has {self._game.num_players()} players, but 2 are measured; choose another game."
            )
        if kind.chance_mode == kind.ChanceMode.SAMPLED_STOCHASTIC or kind.dynamics == kind.Dynamics.MEAN_FIELD:
            raise ValueError(f"{self.name} does not tell its chances, so nothing in it is exact; choose another game.")
        if not (self._tells_knowledge or self._all_is_seen):
            raise ValueError(
                f"{self.name} hides things and has no information states in OpenSpiel, so what a player knows is not told; "
                "choose another game."
            )
