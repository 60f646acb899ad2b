"""PettingZoo's own view of a game: what its policies are shown and what they answer with."""

from typing import Any

from gameil.errors import AgentError
from gameil.games.game import Game, State
from gameil.games.pettingzoo import PettingZooGame
from gameil.games.pettingzoo_spaces import ActionCodec
from gameil.games.pettingzoo_state import PettingZooState


class RawEnvironment:
    """Names, actions and observations of one game as its environment has them."""

    def __init__(self, game: PettingZooGame) -> None:
        self.names: tuple[str, ...] = game.agent_names
        """Of the agents, by player."""
        self.codecs: list[ActionCodec] = game.codecs
        """Between actions and their numbers, by player."""

    def observation(self, state: State, player: int) -> Any:
        """What ``player`` is shown."""
        if not isinstance(state, PettingZooState):
            raise AgentError(f"a state of {state.game.id} has no environment behind it")
        return state.raw_observation(player)


def raw_environment(game: Game) -> RawEnvironment:
    """The environment behind a game. Raises ``AgentError`` for a game that is not PettingZoo's."""
    if not isinstance(game, PettingZooGame):
        raise AgentError(f"policies of PettingZoo play its games, and {game.id} is none")
    return RawEnvironment(game)
