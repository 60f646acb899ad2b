"""OpenSpiel's own bots, by their names there: ``uniform_random``, ``fixed_action_preference``, ``gin_rummy_simple``."""

from collections.abc import Sequence
from typing import Any

import pyspiel

from gameil.agents.agent import Decisions, Request
from gameil.errors import AgentError
from gameil.games.game import Game
from gameil.games.open_spiel import OpenSpielGame, OpenSpielState

GIN_RUMMY = "gin_rummy_simple"
"""Not in OpenSpiel's registry, as its maker takes the game's parameters."""
_NEEDS_MORE = frozenset({"uniform_restricted_actions"})
"""Bots that cannot be made of a name alone."""
_SEEDS = 1 << 31


def bots_for(game: OpenSpielGame) -> list[str]:
    """Names of the bots that can play a game."""
    names = set(pyspiel.bots_that_can_play_game(game.raw)) - _NEEDS_MORE
    return sorted(names | ({GIN_RUMMY} if game.name == "gin_rummy" else set()))


class OpenSpielBotAgent:
    """Asks a bot made for the request, which seeds it; the rummy bot, which plans ahead, stays for its game."""

    def __init__(self, name: str, game: Game, *, bot: str) -> None:
        """Raises ``AgentError`` for a game that is not OpenSpiel's and for a bot that cannot play it."""
        if not isinstance(game, OpenSpielGame):
            raise AgentError(f"agent {name!r} plays OpenSpiel's games only, not {game.id}")
        if bot not in bots_for(game):
            raise AgentError(f"agent {name!r}: {game.id} has no bot {bot!r}; there are {', '.join(bots_for(game))}")
        self.name = name
        self._game = game
        self._bot = bot
        self._bots: dict[tuple[int, int], Any] = {}

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        actions = [self._decide(request) for request in requests]
        return Decisions.certain(actions)

    def _decide(self, request: Request) -> int:
        state = request.state
        if not isinstance(state, OpenSpielState):
            raise AgentError(f"agent {self.name!r} plays OpenSpiel's games only")
        key = (request.game, request.seat)
        try:
            bot = self._bots.get(key)
            if bot is None:
                bot = self._make(self._game.raw_player(request.seat), int(request.rng.integers(_SEEDS)))
            if self._bot == GIN_RUMMY:
                self._bots[key] = bot
            return state.from_raw(int(bot.step(state.raw)))
        except pyspiel.SpielError as error:
            raise AgentError(f"agent {self.name!r} failed in {self._game.id}: {error}") from error

    def _make(self, player: int, seed: int) -> Any:
        if self._bot == GIN_RUMMY:
            return pyspiel.make_simple_gin_rummy_bot(self._game.raw.get_parameters(), player)
        return pyspiel.load_bot(self._bot, self._game.raw, player, {"seed": seed})

    def end(self, games: Sequence[int]) -> None:
        over = set(games)
        self._bots = {key: bot for key, bot in self._bots.items() if key[0] not in over}

    def close(self) -> None:
        self._bots = {}
