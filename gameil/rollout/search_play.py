"""Self-play with search, in every seat: what expert iteration and guided policy search learn from.

Hundreds of games run at once and go on from call to call, so that the trees of all of them grow in full batches and no
game waits for the longest one. Each move is searched anew: with playout-cap randomisation (Wu, "Accelerating Self-Play
Learning in Go", 2019, section 3.1) a share of the moves gets a full search, whose policy is learned; the others get a
fast one without noise, which only plays on: outcomes are what a value head is short of, and they cost moves.

Every game has a random stream of its own, keyed by (seed, its number): what is played does not depend on the batch.
Letters: ``k`` legal actions of a position, ``P`` players.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import CHANCE_PLAYER, Game, State
from gameil.positions.played_game import MATCH_TAG, OPENING_TAG, PlayedGame
from gameil.records.record import PlayerInfo, Provenance, Termination
from gameil.rollout.matches import draw_chance
from gameil.search.result import SearchResult
from gameil.search.rules import Search
from gameil.search.tree import return_scale
from gameil.seeding import generator

SOURCE = "gameil:improve"
"""Provenance of games played here; the offset is the game's number."""


@dataclass(frozen=True)
class SearchPlayConfig:
    """How self-play with search is begun, searched and ended."""

    __pydantic_config__ = {"extra": "forbid"}

    games: int = 256
    """Games at once: the trees that grow together."""
    simulations: int = 64
    """Of a full search, whose policy and value are labels."""
    fast_simulations: int = 16
    """Of a fast search, which only plays the move."""
    full_share: float = 0.25
    """Share of the moves with a full search (p in Wu 2019); 1 leaves the fast ones out."""
    considered: int = 16
    """Actions tried at the root of a full search (``gumbel.GumbelConfig``)."""
    look_ahead: bool = False
    """Look for ends one move below every new leaf (``gumbel.GumbelConfig``): pays where the rules are fast."""
    opening_plies: int = 2
    """Up to so many uniformly random plies begin a game, the number drawn for each game; not learned from."""
    max_plies: int = 0
    """Games are cut after so many plies, then without an outcome; 0: only the rules end them."""
    play_on_share: float = 0.1
    """Share of the games in which nobody resigns; the resign threshold is calibrated on them (Silver et al. 2017)."""

    def __post_init__(self) -> None:
        for name in ("games", "simulations", "fast_simulations", "considered"):
            if getattr(self, name) < 1:
                raise ConfigError(f"self_play.{name} must be at least 1, got {getattr(self, name)}")
        if self.opening_plies < 0 or self.max_plies < 0:
            raise ConfigError(f"self_play: plies must be at least 0, got {self.opening_plies} and {self.max_plies}")
        if not 0.0 < self.full_share <= 1.0 or not 0.0 < self.play_on_share <= 1.0:
            raise ConfigError(
                f"self_play: full_share and play_on_share must be in (0, 1], got {self.full_share} and "
                f"{self.play_on_share}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class SearchedMove:
    """What a full search found in a position."""

    ply: int
    player: int
    actions: NDArray[np.int32]
    """``[k]``: all legal ones, ascending."""
    priors: NDArray[np.float32]
    """``[k]``: the network's policy."""
    weights: NDArray[np.float32]
    """``[k]``: the search's policy."""
    q: NDArray[np.float32]
    """``[k]``: its completed action values, for the mover in [-1, 1]."""
    value: float
    """Its value of the position, likewise."""
    known: bool
    """That value is exact."""

    @staticmethod
    def of_result(result: SearchResult, row: int, state: State, ply: int) -> "SearchedMove":
        """What ``row`` of a result says of ``state``, reached after ``ply`` actions."""
        actions = np.array(state.legal_actions(), np.int32)
        return SearchedMove(
            ply=ply,
            player=state.current_player(),
            actions=actions,
            priors=result.priors[row, actions],
            weights=result.action_weights[row, actions],
            q=result.completed_q[row, actions],
            value=float(result.values[row]),
            known=bool(result.known[row]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class SearchedGame:
    """A finished game with what its full searches found."""

    number: int
    played: PlayedGame
    moves: list[SearchedMove]
    played_on: bool
    """Nobody could resign in it."""
    lowest: tuple[float, ...]
    """``[P]``: the least value that a search found for each seat on its own moves; 1 where it never moved."""


@dataclass(slots=True, eq=False)
class _Running:
    number: int
    state: State
    rng: np.random.Generator
    actions: list[int]
    opening: int
    plays_on: bool
    lowest: list[float]
    moves: list[SearchedMove] = field(default_factory=list)
    full: bool = True
    resigned: int | None = None


class SearchPlay:
    """The games under way."""

    def __init__(self, game: Game, config: SearchPlayConfig, *, seed: int, next_number: int = 0) -> None:
        """
        Args:
            game: perfect information and states that can be copied, as the search needs them.
            seed: of all games.
            next_number: number of the first game to be begun.
        """
        self.game = game
        self.config = config
        self.next_number = next_number
        self.frames = 0
        """Moves played so far, openings and chance left out."""
        self._seed = seed
        self._limit = config.max_plies or game.max_game_length + 1
        self._running: list[_Running] = []

    def play(
        self,
        full: Search,
        fast: Search,
        *,
        moves: int,
        resign_below: float,
        progress: Callable[[int], None],
    ) -> list[SearchedGame]:
        """Plays on until games with at least ``moves`` fully searched moves are over, and returns these games.

        Args:
            full: search of the moves that are learned, its noise included.
            fast: search of the others.
            moves: labels wanted.
            resign_below: a mover whose search finds a lesser value resigns, in games of two; -inf: nobody does.
            progress: told the number of labels as games end.
        """
        found: list[SearchedGame] = []
        while moves > 0:
            while len(self._running) < self.config.games:
                self._running.append(self._begin())
            self._play_ply(full, fast, resign_below)
            over = [one for one in self._running if self._is_over(one)]
            for one in over:
                found.append(self._finish(one))
                moves -= len(one.moves)
                progress(len(one.moves))
            if over:
                self._running = [one for one in self._running if not self._is_over(one)]
        return found

    def _begin(self) -> _Running:
        """The next game, after its opening; one that is over before anybody moved is begun anew."""
        number = self.next_number
        self.next_number += 1
        rng = generator(self._seed, "search-play", number)
        plays_on = bool(rng.random() < self.config.play_on_share)
        wanted = int(rng.integers(self.config.opening_plies + 1))
        while True:
            state, actions, plies = self.game.initial_state(), list[int](), 0
            while not state.is_terminal() and (plies < wanted or state.current_player() == CHANCE_PLAYER):
                if state.current_player() == CHANCE_PLAYER:
                    action = draw_chance(state, rng)
                else:
                    action = int(rng.choice(state.legal_actions()))
                    plies += 1
                state.apply(action)
                actions.append(action)
            if not state.is_terminal():
                break
        return _Running(number, state, rng, actions, len(actions), plays_on, [1.0] * self.game.num_players)

    def _play_ply(self, full: Search, fast: Search, resign_below: float) -> None:
        """One move in every game."""
        share = self.config.full_share
        for one in self._running:
            one.full = bool(one.rng.random() < share)
        for search, members in (
            (full, [one for one in self._running if one.full]),
            (fast, [one for one in self._running if not one.full]),
        ):
            if members:
                result = search.run([one.state for one in members], [one.rng for one in members])
                for row, one in enumerate(members):
                    self._move(one, result, row, resign_below)

    def _move(self, one: _Running, result: SearchResult, row: int, resign_below: float) -> None:
        player, value = one.state.current_player(), float(result.values[row])
        one.lowest[player] = min(one.lowest[player], value)
        if one.full and len(one.state.legal_actions()) > 1:
            one.moves.append(SearchedMove.of_result(result, row, one.state, len(one.actions)))
        if value < resign_below and not one.plays_on and self.game.num_players == 2:
            one.resigned = player
            return
        self.frames += 1
        self._apply(one, int(result.chosen[row]))
        while one.state.current_player() == CHANCE_PLAYER:
            self._apply(one, draw_chance(one.state, one.rng))

    def _apply(self, one: _Running, action: int) -> None:
        one.state.apply(action)
        one.actions.append(action)

    def _is_over(self, one: _Running) -> bool:
        return one.resigned is not None or one.state.is_terminal() or len(one.actions) >= self._limit

    def _finish(self, one: _Running) -> SearchedGame:
        returns: tuple[float, ...] | None = None
        termination: Termination = "unknown"
        if one.resigned is not None:
            returns = tuple(-1.0 if seat == one.resigned else 1.0 for seat in range(self.game.num_players))
            termination = "resignation"
        elif one.state.is_terminal():
            returns = tuple((one.state.returns() / return_scale(self.game)).tolist())
            termination = "rules"
        match = f"improve/{self._seed}/{one.number}"
        played = PlayedGame(
            game_id=self.game.id,
            actions=np.array(one.actions, np.uint32),
            source=Provenance(SOURCE, one.number),
            num_setup=one.opening,
            returns=returns,
            termination=termination,
            players=tuple(PlayerInfo("gameil improve") for _ in range(self.game.num_players)),
            event="gameil improve",
            tags={MATCH_TAG: match, OPENING_TAG: str(one.opening)},
            match_id=match,
        )
        return SearchedGame(one.number, played, one.moves, one.plays_on, tuple(one.lowest))


def outcome_for(played: PlayedGame, player: int) -> float | None:
    """The game's outcome for a seat in [-1, 1]; None where it was cut."""
    return None if played.returns is None else played.returns[player]


def labels_in(games: Sequence[SearchedGame]) -> int:
    """Fully searched moves of some games."""
    return sum(len(one.moves) for one in games)
