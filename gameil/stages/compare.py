"""Methods side by side: the same game, the same budget, several seeds; one table and one picture.

The lecture's summary slide (pure imitation, DAgger, pure reinforcement learning, initialise and finetune,
demonstrations as off-policy data, the hybrid objective), and how results depend on the number of demonstrations
(Mandlekar et al., "RoboTurk", 2018). Every run has a directory of its own, ``METHOD/NUMBER-seed-SEED``; the queue goes
on where it was interrupted, within a run too.
"""

import importlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.agents.spec import build_agent
from gameil.checkpoints.snapshot import load_snapshot
from gameil.dataset.dataset import Dataset
from gameil.dataset.writer import DatasetWriter
from gameil.errors import GameilError
from gameil.games.registry import make_game
from gameil.learners.held_out import measure_held_out
from gameil.seeding import generator, stream_seed
from gameil.stages.compare_config import CompareConfig, MethodTable, Places, stage_config
from gameil.stages.compare_table import Cell, comparison_page, comparison_text, frames_to_reach
from gameil.stages.forgetting import held_out_positions
from gameil.stages.pipeline import STAGES
from gameil.stages.shown_series import shown_series
from gameil.tracking.run import CONFIG_FILE, Run, write_json

HELD_OUT_GAMES = 400
"""Most validation and test games of a subset: what is held out is the same whatever is shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """One run of the queue."""

    table: MethodTable
    number: int
    seed: int

    @property
    def path(self) -> Path:
        return Path(self.table.name) / f"{self.number}-seed-{self.seed}"


def queue(config: CompareConfig) -> list[Place]:
    """All runs in their order: by number, then seed, then method, so that the first figures come early."""
    places = []
    for number in config.demonstrations:
        for seed in config.seeds:
            for table in config.method:
                if config.depends(table.name):
                    if number or not config.needs_games(table.name):
                        places.append(Place(table, number, seed))
                elif number == config.demonstrations[0]:
                    places.append(Place(table, number, seed))
    return places


def compare(config: CompareConfig, run: Run) -> dict[str, Any]:
    """Runs what is not finished yet, and measures it.

    Returns:
        ``cells`` (one for each run: method, demonstrations, seed, scores with wins, draws and losses, ``top1`` and
        ``nll`` of human moves, frames, seconds), ``table_text``, ``page`` (path of the HTML page).

    Raises:
        GameilError: a run failed on bad input; the message names the method.
    """
    places = queue(config)
    for place in places:  # a typing error should not wait for its turn
        stage_config(config, place.table, _later(config, run, place), place.seed, place.number)
    cells = []
    for count, place in enumerate(places, 1):
        run.say(f"\n[{count}/{len(places)}] {place.table.name}, {place.number} games shown, seed {place.seed}")
        results = _train(config, place, run)
        cells.append(_measured(config, place, results, run))
    text = comparison_text(config, cells)
    page = run.directory / "comparison.html"
    page.write_text(comparison_page(config, cells), encoding="utf-8")
    run.say(text)
    run.say(f"page: {page}")
    return {"cells": [cell.values() for cell in cells], "table_text": text, "page": str(page)}


def _later(config: CompareConfig, run: Run, place: Place) -> Places:
    """Where the results that a run uses are, or will be."""
    found = {"subset": [str(run.directory / "subsets" / f"{place.number}.lmdb")]}
    for table in config.method:
        number = place.number if config.depends(table.name) else config.demonstrations[0]
        path = run.directory / Place(table, number, place.seed).path
        found[table.name] = [str(path / "snapshots" / ("best" if table.stage == "pretrain" else "last"))]
        if table.stage == "dagger":
            found[table.name] = [str(path / "snapshots" / "best")]
    return found


def _train(config: CompareConfig, place: Place, run: Run) -> dict[str, Any]:
    table = place.table
    if table.uses("subset") and config.dataset is not None:
        _subset(config.dataset, place.number, run.directory / "subsets" / f"{place.number}.lmdb")
    module_name, _, function_name = STAGES[table.stage]
    function = getattr(importlib.import_module(module_name), function_name)
    own = stage_config(config, table, _later(config, run, place), place.seed, place.number)
    directory = run.directory / place.path
    resume = (directory / CONFIG_FILE).exists()
    with Run.open(directory, own, stage=table.stage, resume=resume, track=False, screen=run.screen) as inner:
        if inner.finished:
            return inner.results()
        try:
            results: dict[str, Any] = function(own, inner, resume=resume)
        except GameilError as error:
            raise type(error)(f"method {table.name!r}: {error}") from error
        inner.finish(results)
        return results


def _subset(dataset: Path, games: int, out: Path) -> None:
    """A dataset of so many train games, the same first ones for every number, with some hundred held-out ones."""
    if out.exists():
        return
    source = Dataset(dataset)
    meta = source.meta
    out.parent.mkdir(parents=True, exist_ok=True)
    # The order of ``experience.demonstrations``: who learns from a subset and who is shown as many games sees the same.
    train = generator(0, "demonstrations").permutation(source.game_ids("train"))
    known = (game_id for game_id in train.tolist() if source.game_for_replay(game_id).returns is not None)
    chosen = [game_id for _, game_id in zip(range(games), known, strict=False)]
    for split in ("validation", "test"):
        chosen += generator(0, "held-out", split).permutation(source.game_ids(split))[:HELD_OUT_GAMES].tolist()
    temporary = out.with_name(f".{out.name}.part")
    with DatasetWriter(temporary, meta.family, split=meta.split) as writer:
        for game_id in chosen:
            writer.add(source.game(game_id))
    source.close()
    temporary.rename(out)


def _measured(config: CompareConfig, place: Place, results: dict[str, Any], run: Run) -> Cell:
    """What a run's result is worth, kept beside it."""
    directory = run.directory / place.path
    kept = directory / "measured.json"
    if kept.exists():
        return Cell.read(kept)
    began = time.monotonic()
    snapshot = str(results.get("last") or results["snapshot"])
    game = make_game(config.game)
    scores: dict[str, tuple[int, int, int]] = {}
    for spec in config.yardsticks:
        agent, other = build_agent(f"snapshot:{snapshot}", game), build_agent(spec, game, seed=place.seed)
        title, seed = f"{place.table.name} against {spec}", stream_seed(place.seed, "comparison")
        series = shown_series(run, title, game, agent, other, games=config.games, seed=seed)
        agent.close()
        other.close()
        scores[spec] = (series.wins, series.draws, series.losses)
    human: dict[str, float] = {}
    if config.dataset is not None:
        loaded = load_snapshot(Path(snapshot), game=config.game)
        batches = held_out_positions(
            config.dataset, config.split, game, loaded.encoder.config, positions=config.positions
        )
        human = measure_held_out(loaded.evaluator(device=config.device), batches)
    cell = Cell(
        method=place.table.name,
        demonstrations=place.number,
        seed=place.seed,
        scores=scores,
        top1=human.get("top1"),
        nll=human.get("nll"),
        frames=results.get("frames"),
        frames_to_reach=frames_to_reach(directory, config.reach) if config.reach else None,
        seconds=float(results.get("seconds", 0.0)),
    )
    write_json(kept, cell.values())
    run.say(f"{cell.summary()} (measured in {time.monotonic() - began:.0f} s)")
    return cell
