"""Any agent as a ``pyspiel.Bot``, for OpenSpiel's own matches and evaluations."""

from typing import Any

import pyspiel

from gameil.agents.loaded import LoadedAgent
from gameil.errors import AgentError
from gameil.games.game import CHANCE_PLAYER
from gameil.games.open_spiel import OpenSpielGame, OpenSpielState


class OpenSpielBot(pyspiel.Bot):  # type: ignore[misc]
    """Plays in OpenSpiel's states and action ids, which it translates for the agent.

    One bot may sit in any seat, or in all of them.
    """

    def __init__(self, agent: LoadedAgent) -> None:
        """Raises ``AgentError`` for an agent of a game that is not OpenSpiel's."""
        pyspiel.Bot.__init__(self)
        if not isinstance(agent.game, OpenSpielGame):
            raise AgentError(f"agent {agent.name!r} plays {agent.game.id}, which is not OpenSpiel's")
        self._agent = agent
        self._game = agent.game

    def step(self, state: Any) -> int:
        """The action, in OpenSpiel's ids, in a ``pyspiel.State`` where a player moves; it is not changed."""
        ours = self._ours(state)
        return int(ours.to_raw(self._agent.act(ours)))

    def restart(self) -> None:
        """Another game begins."""
        self._agent.new_game()

    def restart_at(self, state: Any) -> None:
        """Another game begins, from some state."""
        self._agent.new_game()

    def _ours(self, raw: Any) -> OpenSpielState:
        """The state with what the agent may want to know of the moves before, which a clone alone does not tell."""
        state = self._game.initial_state()
        for item in raw.full_history():
            action = int(item.action)
            legal = state.raw.legal_actions()
            if action not in legal:
                break
            state.apply(action if state.current_player() == CHANCE_PLAYER else state.from_raw(action))
        if str(state.raw) != str(raw):
            return OpenSpielState(self._game, raw.clone())  # began elsewhere, such as a FEN
        return state
