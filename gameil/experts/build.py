"""Builds an expert from its spec: that of an agent that searches (``mcts:1000``, ``snapshot:PATH,search=64``), or
``people``."""

from pathlib import Path

from gameil.agents.spec import Option, network_options, parse_spec, search_options
from gameil.errors import ConfigError
from gameil.experts.expert import Expert
from gameil.experts.people import PEOPLE
from gameil.games.game import Game


def build_expert(spec: str, game: Game, *, temperature: float = 1.0, processes: int | None = None) -> Expert | None:
    """The expert of an agent's spec; the same spec builds the agent that shows how strong it is. None for ``people``,
    who are asked instead (``experts.people.ask_people``).

    Args:
        temperature: of the visit counts that become labels.
        processes: for experts that use processes; None: one a core.

    Raises:
        ConfigError: the spec is malformed, or no search.
        AgentError: the expert cannot search this game.
        CheckpointError: the snapshot is missing, torn or of another game.
    """
    if spec == PEOPLE:
        return None
    parsed = parse_spec(spec)
    if parsed.kind == "mcts":
        from gameil.experts.mcts import MctsExpert

        simulations = int(Option(int, 2, 10_000_000).read(f"expert {spec!r}: simulations", parsed.target))
        return MctsExpert(str(parsed), game, simulations=simulations, temperature=temperature, processes=processes)
    rule = search_options(parsed) if parsed.kind == "snapshot" else None
    if rule is not None:
        from gameil.checkpoints.snapshot import load_snapshot
        from gameil.experts.search import SearchExpert
        from gameil.search.evaluators import network_evaluator
        from gameil.search.rules import build_search

        snapshot = load_snapshot(Path(parsed.target), game=game.id)
        evaluator = network_evaluator(snapshot.evaluator(**network_options(parsed)), snapshot.encoder)
        return SearchExpert(str(parsed), build_search(evaluator, rule), temperature=temperature)
    raise ConfigError(
        f"expert {spec!r}: only searches label positions (mcts:SIMULATIONS, snapshot:PATH,search=N), or people"
    )
