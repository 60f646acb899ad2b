"""Human-move prediction of any agent: how often it would have chosen the move that was played, in which positions."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Agent, Request
from gameil.agents.engine_process import known_to_user
from gameil.agents.spec import build_agent, network_options, parse_spec
from gameil.checkpoints.snapshot import Snapshot, load_snapshot
from gameil.config import COMMAND_LINE_ONLY
from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.players import of_players, require_players, seats_of_players
from gameil.dataset.schema import Split
from gameil.errors import ConfigError, DatasetError
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.learners.held_out import score_moves, whole_games
from gameil.models.memory_inference import MemoryEvaluator
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.position_batch import CONTEXT, PositionBatch, flat_legal
from gameil.positions.replay import replay
from gameil.seeding import generator
from gameil.stages.known_positions import BARE, KnownPositions, position_keys
from gameil.stages.one_ply import one_ply_values
from gameil.stages.paired_gain import paired_gain
from gameil.stages.scored_positions import (
    Means,
    ScoredBatch,
    ScoredPositions,
    by_band,
    legal_bands,
    means,
    phase_bands,
    ply_bands,
    rating_bands,
)
from gameil.tracking.run import Run


@dataclass(frozen=True)
class AccuracyConfig:
    """Which agent on which games."""

    __pydantic_config__ = {"extra": "forbid"}

    agent: str
    """Spec of the agent. A ``snapshot`` without a temperature is measured at temperature 1: its whole policy; one that
    was trained with conditions is told those of each position, unless the spec names some."""
    dataset: Path
    """Dataset with the games."""
    against: str | None = None
    """Spec of another agent, measured on the same positions: how much ``agent`` gains over it, with an interval."""
    players: tuple[str, ...] = ()
    """Only decisions of these players: names as records write them, case and double spaces ignored."""
    split: Split = "test"
    """``train``, ``validation`` or ``test``."""
    positions: int = 10_000
    """At most so many positions with two or more legal actions, from games in random order."""
    batch_size: int = 256
    """Positions decided in one call of the agent."""
    lookup: bool = False
    """Compare with a table of the training games' positions, and measure positions apart that are not in it. Reads all
    training games: a minute for some millions of positions."""
    trained_on: Path | None = None
    """Dataset whose training games fill the table; default ``dataset``."""
    one_ply: int = 0
    """Compare, on so many positions, with taking the action after which the snapshot's value is best."""
    engines: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """TOML file with [engines.NAME] tables, besides the user's own; from the command line only: it runs programs."""
    seed: int = 0
    """Seed of the order of games, and of the agent's own draws."""

    def __post_init__(self) -> None:
        for name in ("positions", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Example:
    """A position with the move that was played in it."""

    state: State
    action: int
    ply: int
    moves_left: int
    game_id: int
    rating: int
    """The mover's, 0 where unknown."""
    outcome: float
    """The mover's, NaN where unknown."""


def accuracy(config: AccuracyConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Measures the agent and the baselines on the same positions.

    Returns:
        ``agent``, ``overall``, ``uniform`` (see ``scored_positions.means``), ``by_rating``, ``by_ply``, ``by_phase``
        and ``by_legal`` (the same by band); with ``lookup`` also ``lookup``, ``seen`` and ``unseen`` (the agent where
        the position occurs in training games, and where not) and ``lookup_seen``; with ``against`` also ``against``,
        ``against_overall`` and ``gain`` (see ``paired_gain``).
    """
    spec = policy_spec(config.agent)
    other = None if config.against is None else policy_spec(config.against)
    by_network = _is_bare_network(spec) and (other is None or _is_bare_network(other))
    require_players(config.dataset, config.players)
    dataset = Dataset(config.dataset)
    game = make_game(dataset.meta.family)
    num_planes = game.observation_shape[0]
    known = None
    if config.lookup:
        run.say("reading the training games for the lookup table")
        known = KnownPositions.of_dataset(config.trained_on or config.dataset, num_planes)
    measured, uniform, lookup, rival = ScoredPositions(), ScoredPositions(), ScoredPositions(), ScoredPositions()
    with closing(dataset):
        with run.progress(f"accuracy of {spec}", config.positions, "positions") as bar:
            for batch in _by_network(config, spec) if by_network else _by_agent(config, spec, dataset):
                measured.add(batch.scored, without_distribution=batch.without_distribution, undecided=batch.undecided)
                counts = np.diff(batch.offsets)
                uniform.add(_policy(batch, np.repeat(-np.log(counts), counts).astype(np.float32)))
                if known is not None:
                    log_probs = known.log_probs(batch.scored.keys, batch.legal, batch.offsets)
                    lookup.add(_policy(batch, log_probs))
                bar.advance(len(counts))
        if not len(measured):
            who = of_players(config.players)
            raise DatasetError(
                f"{config.dataset}: the {config.split} split has no position{who} with two or more legal actions"
            )
        if other is not None:
            with run.progress(f"accuracy of {other}", len(measured), "positions") as bar:
                for batch in _by_network(config, other) if by_network else _by_agent(config, other, dataset):
                    rival.add(batch.scored, without_distribution=batch.without_distribution, undecided=batch.undecided)
                    bar.advance(len(batch.actions))
    everything = np.ones(len(measured), dtype=bool)
    joined, has_policy = measured.joined(), measured.has_policy
    results: dict[str, Any] = {
        "agent": spec,
        "dataset": str(config.dataset),
        "split": config.split,
        "overall": means(joined, everything, has_policy=has_policy),
        "uniform": means(uniform.joined(), everything),
    }
    if known is not None:
        table, seen = lookup.joined(), known.seen(joined.keys)
        results["lookup"] = means(table, everything)
        for name, part, chosen in (("seen", joined, seen), ("unseen", joined, ~seen), ("lookup_seen", table, seen)):
            if chosen.any():
                results[name] = means(part, chosen, has_policy=has_policy or part is table)
    if other is not None:
        compared, both = rival.joined(), has_policy and rival.has_policy
        results["against"] = other
        results["against_overall"] = means(compared, everything, has_policy=rival.has_policy)
        results["gain"] = paired_gain(joined, compared, seed=config.seed, has_policy=both)
    if config.one_ply:
        results["one_ply"] = _one_ply(config, spec)
    for name, band in _BANDS.items():
        results[name] = by_band(joined, band, has_policy=has_policy)
    return results


_BANDS = {"by_rating": rating_bands, "by_ply": ply_bands, "by_phase": phase_bands, "by_legal": legal_bands}


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """One measured batch with the legal actions that the baselines need."""

    scored: ScoredBatch
    legal: NDArray[np.int32]
    """``[L]``."""
    offsets: NDArray[np.int64]
    """``[B + 1]``."""
    actions: NDArray[np.int64]
    """``[B]``."""
    without_distribution: int
    undecided: int


def _policy(batch: _Batch, log_probs: NDArray[np.float32]) -> ScoredBatch:
    """The same positions as another policy would rank them; ``log_probs [L]``. It has no values."""
    scored = batch.scored
    return ScoredBatch(
        scores=score_moves(log_probs, batch.legal, batch.offsets, batch.actions),
        confidence=np.exp(np.maximum.reduceat(log_probs, batch.offsets[:-1])),
        values=np.full(len(scored.plies), np.nan, np.float32),
        outcomes=scored.outcomes,
        games=scored.games,
        plies=scored.plies,
        moves_left=scored.moves_left,
        ratings=scored.ratings,
        num_legal=scored.num_legal,
        keys=scored.keys,
    )


def policy_spec(spec: str) -> str:
    """The spec, with temperature 1 for a snapshot that names none: at 0 it would show its first choice only."""
    parsed = parse_spec(spec)
    return f"{spec},temperature=1" if parsed.kind == "snapshot" and "temperature" not in parsed.options else spec


def _is_bare_network(spec: str) -> bool:
    """Whether the agent is nothing but a network's policy, which is read in batches, without states."""
    parsed = parse_spec(spec)
    shown = parsed.options.get("temperature", 0) == 1 and "top_p" not in parsed.options
    return parsed.kind == "snapshot" and shown and not parsed.options.get("search", 0)


def _by_network(config: AccuracyConfig, spec: str) -> Iterator[_Batch]:
    """The positions of whole games chosen by their content, each with its own conditions."""
    parsed = parse_spec(spec)
    family = _family(config.dataset)
    snapshot = load_snapshot(Path(parsed.target), game=family)
    options = network_options(parsed)
    evaluate = _evaluation(snapshot, options)
    remembers = snapshot.model.memory is not None
    loader = Loader(
        config.dataset,
        config.split,
        snapshot.card.encoder,
        LoaderConfig(players=config.players),
        augment=False,
    )
    num_planes = snapshot.game.observation_shape[0]
    left = config.positions
    batches = loader.once(max_positions=config.positions, batch_size=config.batch_size, whole_games=remembers)
    for batch in whole_games(batches) if remembers else batches:
        if left <= 0:
            return
        log_probs, values = evaluate(batch)
        chosen = np.flatnonzero((batch.num_legal() > 1) & (batch.weights > 0))[:left]
        left -= len(chosen)
        kept = np.isin(np.repeat(np.arange(len(batch)), batch.num_legal()), chosen)
        batch, log_probs, values = batch.take(chosen), log_probs[kept], values[chosen]
        if len(batch) == 0:
            continue
        best = np.maximum.reduceat(log_probs, batch.offsets[:-1])
        unknown = batch.return_weights == 0
        yield _Batch(
            ScoredBatch(
                scores=score_moves(log_probs, batch.legal, batch.offsets, batch.actions),
                confidence=np.exp(best),
                values=values,
                outcomes=np.where(unknown, np.nan, batch.returns).astype(np.float32),
                games=batch.game_ids,
                plies=batch.plies.astype(np.int64),
                moves_left=batch.conditions(CONTEXT)[:, CONTEXT.index("moves_left")].astype(np.int64),
                ratings=batch.ratings.astype(np.int64),
                num_legal=batch.num_legal(),
                keys=position_keys(batch.observations, num_planes) if config.lookup else _no_keys(len(batch)),
            ),
            batch.legal,
            batch.offsets,
            batch.actions,
            without_distribution=0,
            undecided=int((best < 0.0).sum()),
        )


def _evaluation(
    snapshot: Snapshot, options: dict[str, Any]
) -> Callable[[PositionBatch], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Log-probabilities and values of a batch: told each position's own conditions, or those of the spec for all."""
    if snapshot.model.memory is not None and options["backend"] == "eager":
        if options["conditions"]:
            raise ConfigError("a network with a memory is measured with each position's own conditions: name none")
        return MemoryEvaluator(snapshot.model, device=options["device"]).evaluate_batch
    evaluator = snapshot.evaluator(**options)
    if not options["conditions"]:
        return evaluator.evaluate_batch

    def evaluate(batch: PositionBatch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = np.repeat(np.arange(len(batch)), batch.num_legal())
        return evaluator.evaluate_legal(batch.observations, batch.legal.astype(np.int64), rows)

    return evaluate


def _by_agent(config: AccuracyConfig, spec: str, dataset: Dataset) -> Iterator[_Batch]:
    """Positions of games in random order, decided by an agent as in play."""
    game = make_game(dataset.meta.family)
    bare = ObservationEncoder(game, BARE)
    with closing(build_agent(spec, game, seed=config.seed, engines=known_to_user(config.engines))) as agent:
        examples = islice(held_out_examples(dataset, config), config.positions)
        first = 0
        while batch := list(islice(examples, config.batch_size)):
            decided = decide(agent, batch, first=first, seed=config.seed)
            first += len(batch)
            if config.lookup:
                keys = position_keys(bare.encode([example.state for example in batch]), game.observation_shape[0])
                decided.scored.keys[:] = keys
            yield decided


def _one_ply(config: AccuracyConfig, spec: str) -> Means:
    """Share of positions in which the value of the positions one ply ahead chooses the move played."""
    parsed = parse_spec(spec)
    if parsed.kind != "snapshot":
        raise ConfigError(f"one_ply looks through a snapshot's value, and {spec} is none")
    dataset = Dataset(config.dataset)
    with closing(dataset):
        snapshot = load_snapshot(Path(parsed.target), game=dataset.meta.family)
        examples = list(islice(held_out_examples(dataset, config), config.one_ply))
    states = [example.state for example in examples]
    values = one_ply_values(states, snapshot.evaluator(**network_options(parsed)), snapshot.encoder)
    legal, rows = flat_legal([state.legal_actions() for state in states])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows))]).astype(np.int64)
    actions = np.asarray([example.action for example in examples], np.int64)
    scores = score_moves(values, legal.astype(np.int32), offsets, actions)
    return {"positions": len(examples), **{f"top{k}": float(scores.top(k).mean()) for k in (1, 3, 5)}}


def held_out_examples(dataset: Dataset, config: AccuracyConfig) -> Iterator[Example]:
    """Positions with a choice, of the split's games in random order, each with a state of its own."""
    ids = dataset.game_ids(config.split)
    seats = seats_of_players(dataset, config.players, ids.tolist()) if config.players else None
    for game_id in generator(config.seed, "accuracy").permutation(ids).tolist():
        if seats is not None and game_id not in seats:
            continue
        played = dataset.game(game_id)
        by_seat = [player.rating or 0 for player in played.players]
        for ply, state, action in replay(played):
            seat = state.current_player()
            if len(state.legal_actions()) > 1 and (seats is None or seat in seats[game_id]):
                yield Example(
                    state.clone(),
                    action,
                    ply,
                    len(played.actions) - ply,
                    game_id,
                    by_seat[seat] if seat < len(by_seat) else 0,
                    np.nan if played.returns is None else played.returns[seat],
                )


def decide(agent: Agent, batch: list[Example], *, first: int, seed: int) -> _Batch:
    """Lets the agent decide a batch and says how it ranked the moves played.

    Every position is a game of its own to the agent, so no memory leaks from one to the next.
    """
    handles = list(range(first, first + len(batch)))
    requests = [
        Request(handle, example.state.current_player(), example.state, generator(seed, "accuracy", "position", handle))
        for handle, example in zip(handles, batch, strict=True)
    ]
    agent.begin(handles)
    decisions = agent.act(requests)
    agent.end(handles)
    legal, rows = flat_legal([example.state.legal_actions() for example in batch])
    counts = np.bincount(rows, minlength=len(batch))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    actions = np.asarray([example.action for example in batch], dtype=np.int64)
    probs = decisions.action_probs
    chosen = (legal == decisions.actions[rows]).astype(np.float32) if probs is None else probs[rows, legal]
    log_probs = np.log(np.maximum(chosen.astype(np.float32), np.finfo(np.float32).tiny))
    values = np.full(len(batch), np.nan) if decisions.values is None else decisions.values
    return _Batch(
        ScoredBatch(
            scores=score_moves(log_probs, legal.astype(np.int32), offsets, actions),
            confidence=np.exp(np.maximum.reduceat(log_probs, offsets[:-1])),
            values=values.astype(np.float32),
            outcomes=np.asarray([example.outcome for example in batch], np.float32),
            games=np.asarray([example.game_id for example in batch], np.uint64),
            plies=np.asarray([example.ply for example in batch], np.int64),
            moves_left=np.asarray([example.moves_left for example in batch], np.int64),
            ratings=np.asarray([example.rating for example in batch], np.int64),
            num_legal=counts,
            keys=_no_keys(len(batch)),
        ),
        legal.astype(np.int32),
        offsets,
        actions,
        without_distribution=len(batch) if probs is None else 0,
        undecided=0 if probs is None else int((probs.max(axis=1) < 1.0).sum()),
    )


def _no_keys(number: int) -> NDArray[np.uint64]:
    return np.zeros(number, np.uint64)


def _family(dataset: Path) -> str:
    opened = Dataset(dataset)
    with closing(opened):
        return opened.meta.family
