"""Builds any agent from its spec: one line of text that means the same in the command line, a config and a league.

    random                                      uniform over the legal actions
    mcts:1000                                   OpenSpiel's Monte Carlo tree search, so many simulations a move
    minimax:4                                   so many plies ahead with alpha-beta; ,rollouts=8 random games at the end
    openspiel:uniform_random                    one of OpenSpiel's own bots
    snapshot:runs/x/snapshots/best              a trained network; ,search=64 ,temperature=0.5 ,device=cuda
                                                ,backend=auto ,top_p=0.95; searching ,rule=gumbel or kl ,eta=0.1
                                                ,leaves=8 ,look_ahead=yes ,reuse=yes ,cache=100000 ,lanes=2;
                                                and what it was trained with, of ,rating=1500
                                                ,opponent_rating=1500 ,seconds=600 ,year=2010
                                                ,opening=e4-e5-Nf3 (both sides' moves in turn)
    builtin:hard                                beginner, easy, medium, hard, elite (and what ``builtin_levels`` lists)
    uci:stockfish,skill=3,nodes=1000            a known chess engine, or one of the user's [engines] table; also ,elo=
                                                ,depth= ,movetime= (ms) ,multipv=5; fairy-stockfish plays shogi,
                                                xiangqi, crazyhouse, antichess and breakthrough too
    gtp:gnugo,level=5                           a Go engine likewise
    policy:tree-left                            a policy of PettingZoo: a built-in demonstrator, or another package's
    external:gnubg,plies=0,noise=0.05           GNU Backgammon
    exact                                       perfect play by exhaustive search, in games small enough
    shortest_path                               the same for one player, as in OpenSpiel's pathfinding

A spec holds no character that a shell treats specially. Options are typed and bounded; unknown ones are refused.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gameil.agents.agent import Agent
from gameil.agents.engine_process import EngineConfig, find_engine
from gameil.errors import ConfigError
from gameil.games.game import Game

if TYPE_CHECKING:
    from gameil.agents.exact import Planner
    from gameil.search.rules import RuleConfig

_ALLOWED = re.compile(r"[A-Za-z0-9_./:=,+@%~-]+")
"""Characters of a spec: all of them mean themselves in a shell."""


@dataclass(frozen=True, slots=True)
class Option:
    """One ``name=value`` that a kind of agent takes."""

    kind: type[int] | type[float] | type[str] | tuple[str, ...]
    """``int``, ``float``, any text, or the words allowed."""
    low: float = 0
    high: float = math.inf

    def read(self, where: str, text: str) -> int | float | str:
        """The value of ``text``. Raises ``ConfigError`` naming the type and the bounds."""
        if isinstance(self.kind, tuple):
            if text not in self.kind:
                raise ConfigError(f"{where}={text!r}: must be one of {', '.join(self.kind)}")
            return text
        if self.kind is str:
            return text
        try:
            value = float(text) if self.kind is float else int(text)
        except ValueError:
            value = math.nan
        if not self.low <= value <= self.high:
            noun = "a whole number" if self.kind is int else "a number"
            bounds = f"at least {self.low:g}" if math.isinf(self.high) else f"from {self.low:g} to {self.high:g}"
            raise ConfigError(f"{where}={text!r}: must be {noun} {bounds}")
        return value


Value = int | float | str


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A spec taken apart and checked."""

    kind: str
    target: str
    """What stands between the colon and the first comma: simulations, path, engine or level; empty for ``random``."""
    options: Mapping[str, Value]

    def __str__(self) -> str:
        """Canonical text: options by name, numbers in their shortest form."""
        options = "".join(
            f",{name}={value:g}" if isinstance(value, float) else f",{name}={value}"
            for name, value in sorted(self.options.items())
        )
        return f"{self.kind}:{self.target}{options}" if self.target else f"{self.kind}{options}"


@dataclass(frozen=True, slots=True)
class _Kind:
    target: str
    """What the target is, for messages; empty where there is none."""
    options: Mapping[str, Option]
    build: Callable[[AgentSpec, Game, int, Mapping[str, EngineConfig] | None], Agent]


def parse_spec(spec: str) -> AgentSpec:
    """Takes a spec apart. Raises ``ConfigError`` in one line that lists what is allowed."""
    if not _ALLOWED.fullmatch(spec):
        raise ConfigError(f"agent {spec!r}: a spec is one word of letters, digits and _./:=,+@%~-")
    head, *pairs = spec.split(",")
    kind_name, _, target = head.partition(":")
    kind = _KINDS.get(kind_name)
    if kind is None:
        raise ConfigError(f"agent {spec!r}: unknown kind {kind_name!r}; there are {', '.join(_KINDS)}")
    if kind.target and not target:
        raise ConfigError(f"agent {spec!r}: needs {kind.target}, as in {kind_name}:{_EXAMPLES[kind_name]}")
    if not kind.target and target:
        raise ConfigError(f"agent {spec!r}: {kind_name} takes nothing after a colon")
    options: dict[str, Value] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if name not in kind.options or not equals:
            allowed = ", ".join(f"{option}=" for option in kind.options) or "none"
            raise ConfigError(f"agent {spec!r}: unknown option {pair!r}; {kind_name} takes {allowed}")
        if name in options:
            raise ConfigError(f"agent {spec!r}: option {name!r} is given twice")
        options[name] = kind.options[name].read(f"agent {spec!r}: {name}", text)
    return AgentSpec(kind_name, target, options)


def build_agent(spec: str, game: Game, *, seed: int = 0, engines: Mapping[str, EngineConfig] | None = None) -> Agent:
    """The agent that ``spec`` describes, for ``game``.

    Args:
        seed: for what an agent draws outside of requests (an engine's own random stream); decisions themselves draw
            from the request's generator.
        engines: the user's ``[engines]`` tables (``known_to_user``, which None stands for); apart from these only the
            known engines are started.

    Raises:
        ConfigError: the spec is malformed.
        AgentError: it cannot be built here: missing engine, game without the capability it needs.
        CheckpointError: the snapshot is missing, torn or of another game.
    """
    parsed = parse_spec(spec)
    return _KINDS[parsed.kind].build(parsed, game, seed, engines)


def builtin_levels(game: Game) -> dict[str, str]:
    """Levels of ``builtin:LEVEL`` for ``game``, weakest first, each with the spec of what it is here."""
    from gameil.agents.levels import levels

    return levels(game)


def _random(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.random import RandomAgent

    return RandomAgent(str(spec))


def _mcts(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.built_in import MctsAgent

    simulations = Option(int, 1, 10_000_000).read(f"agent {str(spec)!r}: simulations", spec.target)
    return MctsAgent(str(spec), game, simulations=int(simulations), exploration=float(spec.options.get("c", 2.0)))


def _minimax(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.minimax import MinimaxAgent

    depth = Option(int, 1, 50).read(f"agent {str(spec)!r}: depth", spec.target)
    return MinimaxAgent(str(spec), game, depth=int(depth), rollouts=int(spec.options.get("rollouts", 0)))


def _openspiel(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.open_spiel_bots import OpenSpielBotAgent

    return OpenSpielBotAgent(str(spec), game, bot=spec.target)


def _builtin(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.levels import Renamed

    found = builtin_levels(game)
    if spec.target not in found:
        raise ConfigError(f"agent {str(spec)!r}: {game.id} has no such level; there are {', '.join(found)}")
    return Renamed(str(spec), build_agent(found[spec.target], game, seed=seed, engines=engines))


def _snapshot(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.network import load_network_agent

    if spec.options.get("search", 0) and "top_p" in spec.options:
        raise ConfigError(f"agent {str(spec)!r}: top_p cuts the bare policy, not what a search finds")
    return load_network_agent(
        str(spec),
        game,
        path=spec.target,
        temperature=float(spec.options.get("temperature", 0.0)),
        top_p=float(spec.options.get("top_p", 1.0)),
        search=search_options(spec),
        reuse=spec.options.get("reuse") == "yes",
        cache=int(spec.options.get("cache", 0)),
        lanes=int(spec.options.get("lanes", 1)),
        opening=str(spec.options.get("opening", "")),
        **network_options(spec),
    )


def search_options(spec: AgentSpec) -> "RuleConfig | None":
    """Which search a snapshot's spec asks for; None: no search. Raises ``ConfigError`` for options without one."""
    from gameil.search.rules import RuleConfig

    if spec.options.get("search", 0):
        return RuleConfig.of_options(spec.options)
    idle = next((name for name in SEARCHING if name in spec.options), None)
    if idle is not None:
        raise ConfigError(f"agent {str(spec)!r}: {idle} needs search=SIMULATIONS")
    return None


def network_options(spec: AgentSpec) -> dict[str, Any]:
    """How a snapshot's network is to be run: ``device``, ``backend``, ``conditions`` of ``Snapshot.evaluator``."""
    told = {name: float(spec.options[name]) for name in _CONDITIONS if name in spec.options}
    return {
        "device": str(spec.options.get("device", "cpu")),
        "backend": str(spec.options.get("backend", "eager")),
        "conditions": told,
    }


def _uci(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.uci import UciAgent, UciLimits

    options = spec.options
    uci_options = {"Skill Level": str(options["skill"])} if "skill" in options else {}
    if "elo" in options:
        uci_options |= {"UCI_LimitStrength": "true", "UCI_Elo": str(options["elo"])}
    if "multipv" in options:
        uci_options["MultiPV"] = str(options["multipv"])
    limits = UciLimits(**{name: int(options[name]) for name in ("nodes", "depth", "movetime") if name in options})
    return UciAgent(
        str(spec),
        game,
        engine=spec.target,
        config=find_engine(spec.target, engines, "uci"),
        options=uci_options,
        limits=limits,
        processes=int(options["processes"]) if "processes" in options else None,
    )


def _policy(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.environment_policy import PolicyAgent, named_policy

    return PolicyAgent(str(spec), game, named_policy(spec.target))


def _gtp(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.gtp import GtpAgent

    options = spec.options
    config = find_engine(spec.target, engines, "gtp")
    if "level" in options:
        config = EngineConfig((*config.command, "--level", str(options["level"])), {}, config.timeout_seconds)
    processes = int(options["processes"]) if "processes" in options else None
    return GtpAgent(str(spec), game, engine=spec.target, config=config, processes=processes)


def _exact(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.exact import PerfectAgent

    return PerfectAgent(str(spec), build_planner(spec, game))


def build_planner(spec: AgentSpec, game: Game) -> "Planner":
    """What finds the best actions for ``exact`` and ``shortest_path``. Raises ``AgentError`` for another game."""
    from gameil.agents.exact import ExactSolver, ShortestPaths

    if spec.kind == "shortest_path":
        return ShortestPaths(str(spec), game)
    return ExactSolver(str(spec), game, positions=int(spec.options.get("positions", 5_000_000)))


def _external(spec: AgentSpec, game: Game, seed: int, engines: Mapping[str, EngineConfig] | None) -> Agent:
    from gameil.agents.external import ExternalAgent

    options = spec.options
    return ExternalAgent(
        str(spec),
        game,
        engine=spec.target,
        config=find_engine(spec.target, engines, "gnubg"),
        options={name: float(options[name]) for name in ("plies", "noise") if name in options},
        processes=int(options["processes"]) if "processes" in options else None,
    )


_CONDITIONS: dict[str, Option] = {
    "rating": Option(int, 1, 5000),
    "opponent_rating": Option(int, 1, 5000),
    "seconds": Option(int, 1, 1_000_000),
    "year": Option(int, 1, 9999),
}
"""What a network may be told; bounds as of ``models.conditioning.LIMITS``, which takes torch to import."""
SEARCHING = ("rule", "leaves", "eta", "look_ahead", "reuse", "cache", "lanes")
"""Options of a snapshot that need ``search``."""
_PROCESSES = Option(int, 1, 256)
_KINDS: dict[str, _Kind] = {
    "random": _Kind("", {}, _random),
    "mcts": _Kind("a number of simulations", {"c": Option(float, 0, 100)}, _mcts),
    "builtin": _Kind("a level", {}, _builtin),
    "snapshot": _Kind(
        "a snapshot directory",
        {
            "search": Option(int, 0, 10_000),
            "rule": Option(("puct", "gumbel", "kl")),
            "leaves": Option(int, 1, 256),
            "eta": Option(float, 1e-3, 100),
            "look_ahead": Option(("yes", "no")),
            "reuse": Option(("yes", "no")),
            "cache": Option(int, 1, 10_000_000),
            "lanes": Option(int, 1, 64),
            "temperature": Option(float, 0, 100),
            "top_p": Option(float, 0.01, 1),
            "device": Option(("cpu", "cuda")),
            "backend": Option(("eager", "compiled", "openvino", "onnx", "auto")),
            "opening": Option(str),
            **_CONDITIONS,
        },
        _snapshot,
    ),
    "uci": _Kind(
        "an engine's name",
        {
            "skill": Option(int, -20, 20),
            "elo": Option(int, 100, 4000),
            "nodes": Option(int, 1, 10**9),
            "depth": Option(int, 1, 200),
            "movetime": Option(int, 1, 3_600_000),
            "multipv": Option(int, 1, 218),
            "processes": _PROCESSES,
        },
        _uci,
    ),
    "exact": _Kind("", {"positions": Option(int, 1, 100_000_000)}, _exact),
    "shortest_path": _Kind("", {}, _exact),
    "minimax": _Kind("a depth in plies", {"rollouts": Option(int, 0, 10_000)}, _minimax),
    "openspiel": _Kind("a bot's name", {}, _openspiel),
    "external": _Kind(
        "an engine's name",
        {"plies": Option(int, 0, 4), "noise": Option(float, 0, 1), "processes": _PROCESSES},
        _external,
    ),
    "gtp": _Kind("an engine's name", {"level": Option(int, 1, 10), "processes": _PROCESSES}, _gtp),
    "policy": _Kind("a policy's name", {}, _policy),
}
_EXAMPLES = {
    "mcts": "1000",
    "minimax": "4",
    "openspiel": "uniform_random",
    "builtin": "easy",
    "snapshot": "runs/x/snapshots/best",
    "uci": "stockfish,skill=3,nodes=1000",
    "gtp": "gnugo,level=5",
    "policy": "tree-left",
    "external": "gnubg,plies=0",
}
