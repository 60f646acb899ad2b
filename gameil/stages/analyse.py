"""What an agent thinks of one position: its moves with visits, value, prior and the line it expects.

How much there is to say depends on the agent: a search has visits and values of the moves it tried, a bare network a
prior and the values of the positions after its moves, Monte Carlo tree search visits; an engine only its move.
"""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gameil.agents.agent import Agent, Request
from gameil.agents.built_in import mcts_visits
from gameil.agents.network import NetworkAgent
from gameil.agents.search import SearchAgent
from gameil.agents.spec import build_agent, builtin_levels, parse_spec
from gameil.errors import ConfigError
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.games.typed_moves import read_move, typed_notations
from gameil.search.tree import per_player, return_scale
from gameil.seeding import generator, stream_seed

_MOVE = re.compile(r"(?:[^\s,(]|\([^)]*\)?)+")
"""A move among others: blanks and commas within brackets belong to it, as in tic-tac-toe's ``x(0,1)``."""


@dataclass(frozen=True)
class AnalyseConfig:
    """Arguments of ``gameil analyse``."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game id, such as connect_four or go(board_size=9)."""
    agent: str
    """Spec of the agent: snapshot:PATH,search=800, snapshot:PATH, mcts:10000, uci:stockfish,nodes=100000 ..."""
    moves: str = ""
    """Moves that lead to the position, separated by blanks or commas, as written in the game."""
    fen: str | None = None
    """Start position of these moves (chess: FEN, shogi: SFEN); None: the usual start."""
    top: int = 5
    """Number of moves to show."""
    line: int = 8
    """Greatest length of a line, in moves."""
    seed: int = 0
    """Seed of the agent's random choices."""

    def __post_init__(self) -> None:
        if self.top < 1 or self.line < 1:
            raise ConfigError(f"--top and --line must be at least 1, got {self.top} and {self.line}")


@dataclass(frozen=True, slots=True)
class AnalysedMove:
    """One legal move. Values are the expected return of the player to move, in [-1, 1]; None: the agent has none."""

    action: int
    move: str
    """As written in the game."""
    weight: float
    """Share with which the agent would play it before any temperature."""
    visits: int | None = None
    value: float | None = None
    prior: float | None = None
    """Probability that the network gave it before any search."""
    line: list[str] = field(default_factory=list)
    """The moves expected, this one first."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an agent thinks of a position."""

    game: str
    agent: str
    position: str
    """Picture of the position."""
    player: int
    """Seat to move."""
    value: float | None
    """For that player."""
    known: bool
    """The value is proven."""
    moves: list[AnalysedMove]
    """Best first."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


Judgement = tuple[float | None, bool, list[AnalysedMove]]
"""Value, whether it is known, and moves in any order."""


def analyse(config: AnalyseConfig) -> Analysis:
    """Asks the agent about the position.

    Raises:
        ConfigError: the position has no move to choose, or the spec is malformed.
        NotationError: a move is not legal, or not understood.
        AgentError: the agent cannot be built here.
    """
    game = make_game(config.game)
    state = game.initial_state(config.fen)
    notations = typed_notations(game.name)
    for text in _MOVE.findall(config.moves):
        if state.is_terminal():
            raise ConfigError(f"--moves: the game is over before {text!r}")
        state.apply(read_move(state, text, notations))
    if state.current_player() < 0:
        reason = "the game is over" if state.is_terminal() else "chance moves next: add its outcome to --moves"
        raise ConfigError(f"nothing to analyse: {reason}")
    spec = parse_spec(config.agent)
    if spec.kind == "builtin" and spec.target in builtin_levels(game):
        spec = parse_spec(builtin_levels(game)[spec.target])
    with closing(build_agent(str(spec), game, seed=stream_seed(config.seed, "analyse"))) as agent:
        judge: Callable[[State, AnalyseConfig, Agent], Judgement] = _by_acting
        if isinstance(agent, SearchAgent):
            judge = _by_search
        elif isinstance(agent, NetworkAgent):
            judge = _by_network
        elif spec.kind == "mcts" and game.capabilities.perfect_information:
            judge = _by_rollouts
        value, known, moves = judge(state, config, agent)
    moves.sort(key=lambda move: (-move.weight, -(move.visits or 0), -(move.prior or 0.0), move.action))
    return Analysis(game.id, config.agent, str(state), state.current_player(), value, known, moves[: config.top])


def _by_search(state: State, config: AnalyseConfig, agent: Agent) -> Judgement:
    assert isinstance(agent, SearchAgent)
    result = agent.search(state, _rng(config, state))
    moves = [
        AnalysedMove(
            action=action,
            move=_text(state, action),
            weight=float(result.action_weights[0, action]),
            visits=int(result.visit_counts[0, action]),
            value=float(result.q[0, action]) if result.visit_counts[0, action] else None,
            prior=float(result.priors[0, action]),
            line=_line(state, result.principal_variation(0, action, length=config.line)),
        )
        for action in state.legal_actions()
    ]
    return float(result.values[0]), bool(result.known[0]), moves


def _by_network(state: State, config: AnalyseConfig, agent: Agent) -> Judgement:
    """Priors; values after each move; lines of most probable moves."""
    assert isinstance(agent, NetworkAgent)
    evaluation = agent.evaluate([state])
    probs = np.exp(evaluation.log_probs[0])
    best = sorted(state.legal_actions(), key=lambda action: -probs[action])[: config.top]
    moves = []
    for action in best:
        line, after = [action], state.clone()
        after.apply(action)
        value = _value_for(state.current_player(), after, agent)
        while len(line) < config.line and after.current_player() >= 0:
            line.append(int(agent.evaluate([after]).log_probs[0].argmax()))
            after.apply(line[-1])
        prior = float(probs[action])
        moves.append(
            AnalysedMove(action, _text(state, action), prior, value=value, prior=prior, line=_line(state, line))
        )
    return float(evaluation.values[0]), False, moves


def _value_for(player: int, after: State, agent: NetworkAgent) -> float | None:
    """What the network expects for ``player`` after a move; None where chance moves next."""
    if after.is_terminal():
        return float(after.returns()[player] / return_scale(after.game))
    if after.current_player() < 0:
        return None
    values = agent.evaluate([after]).values
    return float(per_player(values, np.array([after.current_player()], np.int32), after.game.num_players)[0, player])


def _by_rollouts(state: State, config: AnalyseConfig, agent: Agent) -> Judgement:
    simulations = int(parse_spec(agent.name).target)
    seed = int(_rng(config, state).integers(1 << 31))
    actions, visits, value = mcts_visits(state, simulations, seed)
    moves = [
        AnalysedMove(int(action), _text(state, int(action)), count / visits.sum(), visits=int(count))
        for action, count in zip(actions, visits, strict=True)
    ]
    best = max(moves, key=lambda move: move.weight)
    best.line.extend(_played_on(state, best.action, config, agent))
    return value / return_scale(state.game), False, moves


def _by_acting(state: State, config: AnalyseConfig, agent: Agent) -> Judgement:
    """The move that the agent plays, and all others it might have drawn, where it says so."""
    agent.begin([0])
    decisions = agent.act([Request(0, state.current_player(), state, _rng(config, state))])
    agent.end([0])
    chosen = int(decisions.actions[0])
    weights = {chosen: 1.0}
    if decisions.action_probs is not None:
        weights = {action: float(decisions.action_probs[0, action]) for action in state.legal_actions()}
    moves = [AnalysedMove(action, _text(state, action), weight) for action, weight in weights.items()]
    best = max(moves, key=lambda move: (move.weight, move.action == chosen))
    best.line.extend(_played_on(state, best.action, config, agent))
    return None if decisions.values is None else float(decisions.values[0]), False, moves


def _played_on(state: State, action: int, config: AnalyseConfig, agent: Agent) -> list[str]:
    """The line that comes of the agent playing on for all sides."""
    line, after = [action], state.clone()
    after.apply(action)
    handle = 1
    while len(line) < config.line and after.current_player() >= 0:
        agent.begin([handle])
        decisions = agent.act([Request(handle, after.current_player(), after, _rng(config, after))])
        agent.end([handle])
        line.append(int(decisions.actions[0]))
        after.apply(line[-1])
        handle += 1
    return _line(state, line)


def _line(state: State, actions: list[int]) -> list[str]:
    """Actions from ``state`` on, as written."""
    after, texts = state.clone(), []
    for action in actions:
        texts.append(_text(after, action))
        after.apply(action)
    return texts


def _text(state: State, action: int) -> str:
    return state.text(action, typed_notations(state.game.name)[0])


def _rng(config: AnalyseConfig, state: State) -> np.random.Generator:
    return generator(config.seed, "analyse", len(state.history))
