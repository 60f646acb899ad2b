"""One agent for one game, asked for one move at a time: what ``gameil.load`` gives to scripts and notebooks."""

from pathlib import Path
from types import TracebackType
from typing import Self

from gameil.agents.agent import Agent, Decisions, Request
from gameil.agents.spec import build_agent, parse_spec
from gameil.errors import AgentError, ConfigError
from gameil.games.game import Game, State
from gameil.games.registry import make_game
from gameil.seeding import generator


def load(spec: str, game: str | Game | None = None, *, seed: int = 0) -> "LoadedAgent":
    """The agent of a spec, ready to be asked.

    Args:
        spec: such as ``snapshot:runs/x/snapshots/best,search=64``, ``mcts:1000``, ``uci:stockfish,skill=3``.
        game: id, such as ``go(board_size=9)``, or the game itself; None: the one that a snapshot was trained for.
        seed: of its random choices: equal seeds give equal moves in equal games.

    Raises:
        GameilError: the spec or the game is wrong, or the agent cannot be built here; one line.
    """
    if game is None:
        game = _own_game(spec)
    rules = make_game(game) if isinstance(game, str) else game
    return LoadedAgent(build_agent(spec, rules, seed=seed), rules, seed=seed)


def _own_game(spec: str) -> str:
    parsed = parse_spec(spec)
    if parsed.kind != "snapshot":
        raise ConfigError(f"agent {spec!r}: plays many games: name one, as in gameil.load({spec!r}, 'othello')")
    from gameil.checkpoints.snapshot import read_card

    return read_card(Path(parsed.target)).game_id


class LoadedAgent:
    """Asks an agent about states of one game. A context manager; ``close`` ends engines.

    Any state may be asked about: one that does not go on from the last one begins another game of the agent's memory.
    """

    def __init__(self, agent: Agent, game: Game, *, seed: int = 0) -> None:
        self.game = game
        self.name = agent.name
        self._agent = agent
        self._seed = seed
        self._handle = -1
        self._history: list[int] = []

    def act(self, state: State) -> int:
        """The action that the agent chooses, one of ``state.legal_actions()``; the state is not changed."""
        return int(self.decide(state).actions[0])

    def decide(self, state: State) -> Decisions:
        """The choice with what the agent says of it, for one state: ``actions [1]``, ``action_probs [1, A]`` ...

        Raises ``AgentError`` for a state of another game, one where nobody moves, or a failure of the agent.
        """
        if state.game.family != self.game.family:
            raise AgentError(f"agent {self.name!r} was loaded for {self.game.id}, not for {state.game.id}")
        player = state.current_player()
        if player < 0:
            raise AgentError("nobody moves in this state: it is finished or a chance node")
        history = list(state.history)
        if self._handle < 0 or history[: len(self._history)] != self._history:
            self.new_game()
        self._history = history
        rng = generator(self._seed, "loaded", self._handle, "ply", len(history))
        return self._agent.act([Request(self._handle, player, state, rng)])

    def new_game(self) -> None:
        """Ends the agent's memory of the game so far; its next random choices differ from those of that game."""
        if self._handle >= 0:
            self._agent.end([self._handle])
        self._handle += 1
        self._agent.begin([self._handle])
        self._history = []

    def close(self) -> None:
        """Ends the agent. Safe to call twice."""
        self._agent.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
