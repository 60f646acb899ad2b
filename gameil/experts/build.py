"""Builds an expert from its spec: that of an agent that searches (``mcts:1000``, ``snapshot:PATH,search=64``), of an
engine (``uci:stockfish,nodes=20000,multipv=5``), of perfect play, or ``people``."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gameil.agents.spec import Option, build_agent, build_planner, network_options, parse_spec, search_options
from gameil.errors import ConfigError
from gameil.experts.expert import Expert
from gameil.experts.people import PEOPLE
from gameil.games.game import Game, State


def build_expert(spec: str, game: Game, *, temperature: float = 1.0, processes: int | None = None) -> Expert | None:
    """The expert of an agent's spec; the same spec builds the agent that shows how strong it is. None for ``people``,
    who are asked instead (``experts.people.ask_people``).

    Args:
        temperature: of the visit counts or values that become labels.
        processes: for experts that use processes; None: one a core.

    Raises:
        ConfigError: the spec is malformed, or no expert's.
        AgentError: the expert cannot search this game, or its engine is missing.
        CheckpointError: the snapshot is missing, torn or of another game.
    """
    if spec == PEOPLE:
        return None
    parsed = parse_spec(spec)
    if parsed.kind == "mcts":
        from gameil.experts.mcts import MctsExpert

        simulations = int(Option(int, 2, 10_000_000).read(f"expert {spec!r}: simulations", parsed.target))
        return MctsExpert(str(parsed), game, simulations=simulations, temperature=temperature, processes=processes)
    if parsed.kind in ("exact", "shortest_path"):
        from gameil.experts.judging import PerfectExpert
        from gameil.search.tree import return_scale

        return PerfectExpert(str(parsed), build_planner(parsed, game), scale=return_scale(game))
    if parsed.kind in ("uci", "gtp", "external"):
        return _engine(spec, game, temperature, processes)
    rule = search_options(parsed) if parsed.kind == "snapshot" else None
    if rule is not None:
        from gameil.agents.network import search_judges
        from gameil.checkpoints.snapshot import load_snapshot
        from gameil.experts.search import SearchExpert
        from gameil.search.rules import build_search

        snapshot = load_snapshot(Path(parsed.target), game=game.id)
        lanes, cache = (int(parsed.options.get(name, least)) for name, least in (("lanes", 1), ("cache", 0)))
        judges = search_judges(snapshot, lanes=lanes, cache=cache, **network_options(parsed))
        return SearchExpert(str(parsed), build_search(judges, rule, game), temperature=temperature)
    raise ConfigError(
        f"expert {spec!r}: only searches label positions (mcts:SIMULATIONS, snapshot:PATH,search=N), engines (uci:, "
        "gtp:, external:), exact, shortest_path, or people"
    )


def _engine(spec: str, game: Game, temperature: float, processes: int | None) -> Expert:
    """An engine as an expert; ``multipv`` of a UCI engine gives soft labels."""
    from gameil.agents.external import ExternalAgent
    from gameil.agents.gtp import GtpAgent
    from gameil.agents.uci import UciAgent
    from gameil.experts.judging import JudgingExpert

    parsed = parse_spec(spec)
    if processes is not None and "processes" not in parsed.options:
        parsed = replace(parsed, options={**parsed.options, "processes": processes})
    agent = build_agent(str(parsed), game)
    if isinstance(agent, GtpAgent):
        choose = agent.choose

        def moves(states: Sequence[State], rngs: Sequence[np.random.Generator]) -> list[dict[int, float]]:
            return [{action: math.nan} for action in choose(states, rngs)]

        return JudgingExpert(spec, moves, agent, temperature=temperature)
    assert isinstance(agent, UciAgent | ExternalAgent)
    judge = agent.judge
    return JudgingExpert(spec, lambda states, rngs: judge(states), agent, temperature=temperature)
