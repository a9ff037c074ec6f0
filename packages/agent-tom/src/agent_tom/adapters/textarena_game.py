"""Games of TextArena as sequential games."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from agent_tom.adapters.replayed_game import Position, ReplayedGame
from agent_tom.adapters.sequential_game import Action, Turn
from agent_tom.adapters.textarena_stage import own_chance, unwrapped


class TextArenaGame(ReplayedGame):
    """Two players that write their moves in turns.

    TextArena does not say which moves are legal, so the user does. What a player knows is what the game has told it,
    and its own moves; a game that is over pays what TextArena rewards. Wrappers of the environment are not used.

    Args:
        env: Id such as ``TicTacToe-v0``, or what makes an environment; made once for each state that is looked at.
        legal_actions: Of an environment, whose ``state`` it may read, and a player: all moves as they are written.
        seeds: Of its reset; chance draws one of them, all alike.
        describe: Of a state and a player: the text for a language model, in the place of all that the game told it.
        action_name: Of a state, a player and an action: its name, in the place of what is written.

    Raises:
        ImportError: If ``agent-tom[textarena]`` is not installed.
        ValueError: If there is no such game, it is not the same when it is played again, or it refuses a legal move.
    """

    def __init__(
        self,
        env: str | Callable[[], Any],
        *,
        legal_actions: Callable[[Any, int], Sequence[str]],
        seeds: Sequence[int] = (0,),
        describe: Callable[[Position, int], str] | None = None,
        action_name: Callable[[Position, int, Any], str] | None = None,
    ):
        self._env, self._legal_actions = env, legal_actions
        bare = self._new()
        self.name = f"textarena:{getattr(bare, 'env_id', type(bare).__name__)}"
        super().__init__(seeds=seeds, describe=describe, action_name=action_name)

    def replayed(self, seed: int, moves: tuple[Any, ...]) -> Position:
        env = self._new()
        known: list[tuple[Any, ...]] = [(), ()]
        with own_chance():
            env.reset(num_players=2, seed=seed)
            for move in moves:
                known[env.state.current_player_id] += (move,)
                env.step(move)
                if env.state.error_count:
                    raise ValueError(
                        f"{self.name} refuses the move {move!r}; let `legal_actions` give only what it takes."
                    )
        rewards = env.state.rewards or {0: 0, 1: 0}
        return Position(
            seed=seed,
            moves=moves,
            env=env,
            known=(known[0], known[1]),
            paid=(float(rewards[0]), float(rewards[1])),
        )

    def turn_in(self, env: Any) -> Turn:
        return Turn.OVER if env.state.done else Turn(env.state.current_player_id)

    def legal_actions(self, state: Position, player: int) -> Sequence[Action]:
        return list(self._legal_actions(state.env, player))

    def information_state(self, state: Position, player: int) -> Hashable:
        return state.known[player], tuple(message for _, message, _ in state.env.state.observations[player])

    def text(self, state: Position, player: int) -> str:
        told = state.env.state
        return "\n".join(f"[{told.role_mapping[sender]}] {message}" for sender, message, _ in told.observations[player])

    def _new(self) -> Any:
        return unwrapped(self._env if isinstance(self._env, str) else self._env())
