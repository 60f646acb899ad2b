"""Human-move prediction of any agent: how often it would have chosen the move that was played, by rating and by ply."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Agent, Request
from gameil.agents.engine_process import known_to_user
from gameil.agents.spec import build_agent, parse_spec
from gameil.config import COMMAND_LINE_ONLY
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import Split
from gameil.errors import ConfigError, DatasetError
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.learners.held_out import MoveScores, score_moves
from gameil.positions.replay import replay
from gameil.seeding import generator
from gameil.tracking.run import Run

LEAST_PROBABILITY = 1e-6
"""Floor of the probability of a played move in the NLL: one move thought impossible does not make the mean infinite."""
PLY_BANDS = (0, 10, 20, 40, 80)
"""First ply of each band."""
RATING_BAND = 200
"""Width of a rating band."""


@dataclass(frozen=True)
class AccuracyConfig:
    """Which agent on which games."""

    __pydantic_config__ = {"extra": "forbid"}

    agent: str
    """Spec of the agent. A ``snapshot`` without a temperature is measured at temperature 1: its whole policy."""
    dataset: Path
    """Dataset with the games."""
    split: Split = "test"
    """``train``, ``validation`` or ``test``."""
    positions: int = 10_000
    """At most so many positions with two or more legal actions, from games in random order."""
    batch_size: int = 256
    """Positions decided in one call of the agent."""
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
    rating: int
    """The mover's, 0 where unknown."""


@dataclass(slots=True)
class Tally:
    """What is known of every position measured, in a row."""

    top1: list[NDArray[np.float64]] = field(default_factory=list)
    top3: list[NDArray[np.float64]] = field(default_factory=list)
    top5: list[NDArray[np.float64]] = field(default_factory=list)
    nll: list[NDArray[np.float64]] = field(default_factory=list)
    without_distribution: int = 0
    """Positions decided without saying how likely each action was."""
    undecided: int = 0
    """Positions in which two or more actions had a chance."""

    @property
    def has_policy(self) -> bool:
        """Whether there is a distribution to measure; otherwise only the chosen moves can be compared.

        All positions together say so: a sure choice in every one of a few positions is no sign of an agent without a
        policy, and one that never had a doubt has no ranking beyond its first choice.
        """
        return self.without_distribution == 0 and self.undecided > 0

    def add(self, scores: MoveScores) -> None:
        self.top1.append(scores.top(1))
        self.top3.append(scores.top(3))
        self.top5.append(scores.top(5))
        self.nll.append(-np.maximum(scores.log_probs.astype(np.float64), np.log(LEAST_PROBABILITY)))

    def means(self, chosen: NDArray[np.bool_]) -> dict[str, float | int | None]:
        """``positions``, ``top1``, ``top3``, ``top5``, ``nll`` over the chosen positions."""
        result: dict[str, float | int | None] = {"positions": int(chosen.sum())}
        for name in ("top1", "top3", "top5", "nll"):
            known = name == "top1" or self.has_policy
            result[name] = float(np.concatenate(getattr(self, name))[chosen].mean()) if known else None
        return result


def accuracy(config: AccuracyConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Measures the agent and a uniform choice on the same positions.

    Returns:
        ``agent``, ``overall`` and ``uniform`` (``positions``, ``top1``, ``top3``, ``top5``, ``nll`` in nats; those
        that need a distribution are None for an agent without one), ``by_rating`` and ``by_ply`` (the same by band).
    """
    dataset = Dataset(config.dataset)
    game = make_game(dataset.meta.family)
    table = known_to_user(config.engines)
    spec = policy_spec(config.agent)
    tally, uniform = Tally(), Tally()
    ratings: list[int] = []
    plies: list[int] = []
    with (
        closing(dataset),
        closing(build_agent(spec, game, seed=config.seed, engines=table)) as agent,
        run.progress(f"accuracy of {agent.name}", config.positions, "positions") as bar,
    ):
        examples = islice(held_out_examples(dataset, config), config.positions)
        while batch := list(islice(examples, config.batch_size)):
            decide(agent, batch, tally, first=len(plies), seed=config.seed)
            uniform.add(_uniform(batch))
            uniform.undecided += len(batch)
            ratings += [example.rating for example in batch]
            plies += [example.ply for example in batch]
            bar.advance(len(batch))
    if not plies:
        raise DatasetError(f"{config.dataset}: the {config.split} split has no position with two or more legal actions")
    everything = np.ones(len(plies), dtype=bool)
    return {
        "agent": spec,
        "dataset": str(config.dataset),
        "split": config.split,
        "overall": tally.means(everything),
        "uniform": uniform.means(everything),
        "by_rating": _by_band(tally, np.asarray(ratings), rating_band),
        "by_ply": _by_band(tally, np.asarray(plies), ply_band),
    }


def policy_spec(spec: str) -> str:
    """The spec, with temperature 1 for a snapshot that names none: at 0 it would show its first choice only."""
    parsed = parse_spec(spec)
    return f"{spec},temperature=1" if parsed.kind == "snapshot" and "temperature" not in parsed.options else spec


def held_out_examples(dataset: Dataset, config: AccuracyConfig) -> Iterator[Example]:
    """Positions with a choice, of the split's games in random order, each with a state of its own."""
    ids = dataset.game_ids(config.split)
    for game_id in generator(config.seed, "accuracy").permutation(ids).tolist():
        played = dataset.game(game_id)
        by_seat = [player.rating or 0 for player in played.players]
        for ply, state, action in replay(played):
            if len(state.legal_actions()) > 1:
                seat = state.current_player()
                yield Example(state.clone(), action, ply, by_seat[seat] if seat < len(by_seat) else 0)


def decide(agent: Agent, batch: list[Example], tally: Tally, *, first: int, seed: int) -> None:
    """Lets the agent decide a batch and adds how it ranked the moves played.

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
    legal, offsets, rows = _flat_legal(batch)
    probs = decisions.action_probs
    if probs is None:
        tally.without_distribution += len(batch)
        chosen = (legal == decisions.actions[rows]).astype(np.float32)
    else:
        tally.undecided += int((probs.max(axis=1) < 1.0).sum())
        chosen = probs[rows, legal].astype(np.float32)
    log_probs = np.log(np.maximum(chosen, np.finfo(np.float32).tiny))
    tally.add(score_moves(log_probs, legal, offsets, _actions(batch)))


def _uniform(batch: list[Example]) -> MoveScores:
    legal, offsets, rows = _flat_legal(batch)
    log_probs = -np.log(np.diff(offsets)[rows].astype(np.float32))
    return score_moves(log_probs, legal, offsets, _actions(batch))


def _actions(batch: list[Example]) -> NDArray[np.int64]:
    return np.asarray([example.action for example in batch], dtype=np.int64)


def _flat_legal(batch: list[Example]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Legal actions in a row ``[L]``, offsets ``[B + 1]``, and the position of each ``[L]``."""
    lists = [example.state.legal_actions() for example in batch]
    counts = np.asarray([len(legal) for legal in lists])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return np.concatenate(lists).astype(np.int32), offsets, np.repeat(np.arange(len(batch)), counts)


def rating_band(rating: int) -> tuple[int, str]:
    """Sort key and name of a rating's band."""
    if rating == 0:
        return (-1, "unknown")
    low = rating // RATING_BAND * RATING_BAND
    return (low, f"{low}-{low + RATING_BAND - 1}")


def ply_band(ply: int) -> tuple[int, str]:
    """Sort key and name of a ply's band."""
    place = int(np.searchsorted(PLY_BANDS, ply, side="right")) - 1
    low = PLY_BANDS[place]
    return (low, f"{low}-{PLY_BANDS[place + 1] - 1}" if place + 1 < len(PLY_BANDS) else f"{low}+")


def _by_band(
    tally: Tally, numbers: NDArray[np.int64], band: Callable[[int], tuple[int, str]]
) -> dict[str, dict[str, float | int | None]]:
    """Means by band, lowest first."""
    bands = [band(int(number)) for number in numbers]
    keys = np.asarray([key for key, _ in bands])
    return {name: tally.means(keys == key) for key, name in sorted(set(bands))}


def accuracy_table(results: Mapping[str, Any]) -> str:
    """The results as a plain text table."""
    lines = [f"{'':<22}{'positions':>10}{'top-1':>8}{'top-3':>8}{'top-5':>8}{'NLL':>8}"]
    rows = [(results["agent"], results["overall"]), ("uniform", results["uniform"])]
    rows += [(f"  rating {name}", values) for name, values in results["by_rating"].items()]
    rows += [(f"  ply {name}", values) for name, values in results["by_ply"].items()]
    for name, values in rows:
        if len(name) > 21:
            lines.append(name)
            name = ""
        shares = "".join(f"{values[key]:>8.1%}" if values[key] is not None else f"{'-':>8}" for key in _SHARES)
        nll = f"{values['nll']:>8.3f}" if values["nll"] is not None else f"{'-':>8}"
        lines.append(f"{name:<22}{values['positions']:>10,}{shares}{nll}")
    return "\n".join(lines)


_SHARES = ("top1", "top3", "top5")
