"""Which agents a site offers. A browser chooses a name and turns dials; only here does it become a spec."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gameil.agents.spec import AgentSpec, builtin_levels, parse_spec
from gameil.errors import AgentError, GameilError
from gameil.games.game import Game
from gameil.games.registry import make_game

SIMULATIONS = (0, 16, 64, 256)
"""Settings of the strength dial of a snapshot: simulations of its search; 0 is the bare policy."""
RATINGS = range(600, 2801, 200)
"""Settings of the rating dial of a snapshot that was trained with ratings."""
_MOST_SNAPSHOTS = 200
"""More in a directory of runs are not offered: the list would be no choice any more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A registered agent with its dials set; one agent in memory for each."""

    name: str
    simulations: int = 0
    """One of ``SIMULATIONS``; of snapshots only."""
    rating: int | None = None
    """One of ``RATINGS``: play as people of that rating; of snapshots trained with ratings only."""
    human: bool = False
    """Moves are drawn as people play them (temperature 1) instead of taking the most probable one."""


@dataclass(frozen=True, slots=True)
class Opponent:
    """An agent that can be chosen for a game."""

    name: str
    kind: str
    """``snapshot``, ``level``, ``engine`` or ``agent``."""
    about: str
    """One line for people."""
    has_strength: bool = False
    """The strength dial works."""
    has_rating: bool = False
    """The rating dial works."""


@dataclass(frozen=True, slots=True)
class _Network:
    """What is known of a snapshot without loading its weights."""

    name: str
    spec: AgentSpec
    game: Game
    about: str
    rated: bool


class Opponents:
    """The registered agents: named ones, the snapshots of a directory of runs, and each game's built-in levels."""

    def __init__(self, named: Mapping[str, str], *, runs: Path | None = None) -> None:
        """
        Args:
            named: name -> spec.
            runs: directory whose snapshots are offered too.

        Raises:
            ConfigError: a spec is malformed.
            CheckpointError: a named snapshot is missing or damaged. Damaged ones among ``runs`` are left out.
        """
        self._plain: dict[str, AgentSpec] = {}
        self._networks: dict[str, _Network] = {}
        for name, spec in named.items():
            parsed = parse_spec(spec)
            if parsed.kind == "snapshot":
                self._networks[name] = _network(name, parsed)
            else:
                self._plain[name] = parsed
        for name, path in _found_snapshots(runs) if runs is not None else ():
            if name in self._plain or name in self._networks:
                continue
            try:
                self._networks[name] = _network(name, parse_spec(f"snapshot:{path}"))
            except GameilError:  # a torn snapshot, or a path that no spec can hold, must not cost the others
                continue

    def of(self, game: Game) -> list[Opponent]:
        """Who can be chosen for ``game``: snapshots, named agents, levels from the weakest to the strongest."""
        searchable = game.capabilities.perfect_information and game.capabilities.clonable
        found = [
            Opponent(net.name, "snapshot", net.about, has_strength=searchable, has_rating=net.rated)
            for net in self._networks.values()
            if _fits(net.game, game)
        ]
        for name, spec in self._plain.items():
            if {"uci": "chess", "gtp": "go"}.get(spec.kind, game.name) == game.name:
                found.append(Opponent(name, "engine" if spec.kind in ("uci", "gtp") else "agent", spec.kind))
        taken = {opponent.name for opponent in found}
        for level, spec_text in builtin_levels(game).items():
            if level in taken or not (spec_text == "random" or _has_levels(game)):
                continue
            kind = "engine" if spec_text.startswith(("uci:", "gtp:")) else "level"
            found.append(Opponent(level, kind, _level_line(spec_text)))
        return found

    def spec(self, choice: Choice, game: Game) -> str:
        """The spec of a choice. Raises ``AgentError`` for a name or a dial that is not offered for ``game``."""
        offered = {opponent.name: opponent for opponent in self.of(game)}
        opponent = offered.get(choice.name)
        if opponent is None:
            raise AgentError(f"no agent {choice.name[:60]!r} for {game.id}; there are {', '.join(offered)}")
        network = self._networks.get(choice.name)
        if network is None:
            if choice.simulations or choice.rating is not None or choice.human:
                raise AgentError(f"agent {choice.name!r} has no dials")
            return str(self._plain[choice.name]) if choice.name in self._plain else f"builtin:{choice.name}"
        options = dict(network.spec.options)
        if choice.simulations not in SIMULATIONS or (choice.simulations and not opponent.has_strength):
            raise AgentError(f"agent {choice.name!r} does not search with {choice.simulations} simulations here")
        if choice.simulations:
            options["search"] = choice.simulations
            options.pop("top_p", None)
        if choice.human:
            options["temperature"] = 1.0
        if choice.rating is not None:
            if not opponent.has_rating or choice.rating not in RATINGS:
                raise AgentError(f"agent {choice.name!r} does not play as people rated {choice.rating}")
            options["rating"] = options["opponent_rating"] = choice.rating
        return str(replace(network.spec, options=options))

    def analyst(self, game: Game) -> str | None:
        """Name of the snapshot that is asked for hints: the first of the game; None where there is none."""
        return next((net.name for net in self._networks.values() if _fits(net.game, game)), None)

    def network(self, name: str) -> AgentSpec:
        """The registered spec of a snapshot."""
        return self._networks[name].spec


def _found_snapshots(runs: Path) -> list[tuple[str, Path]]:
    """``(name, directory)`` of the best snapshot of each run, by name; of a run without one the last."""
    found: dict[Path, Path] = {}
    for kind in ("last", "best"):
        for depth in ("*", "*/*"):
            for card in sorted(runs.glob(f"{depth}/snapshots/{kind}/snapshot.json")):
                found[card.parent.parent.parent] = card.parent
    return [(run.relative_to(runs).as_posix(), path) for run, path in sorted(found.items())[:_MOST_SNAPSHOTS]]


def _network(name: str, spec: AgentSpec) -> _Network:
    from gameil.checkpoints.snapshot import read_card

    card = read_card(Path(spec.target))
    top1 = card.metrics.get("validation/top1")
    about = (
        "network that learned from games"
        if top1 is None
        else f"network that plays {100 * top1:.0f} % of people's moves"
    )
    return _Network(name, spec, make_game(card.game_id), about, "rating" in card.model.conditions)


def _fits(own: Game, wanted: Game) -> bool:
    return own.family == wanted.family


def _has_levels(game: Game) -> bool:
    """The built-in searches play games that pay at the end; at the start nobody knows whether hidden ones resample."""
    return not game.capabilities.intermediate_rewards and not game.name.startswith("pettingzoo:")


def _level_line(spec: str) -> str:
    kind, _, rest = spec.partition(":")
    lines = {
        "random": "moves at random",
        "mcts": f"tree search, {rest} games in its head a move",
        "uci": "chess engine",
        "gtp": "Go engine",
    }
    return lines.get(kind, kind)
