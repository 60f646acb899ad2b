"""Looking into datasets: statistics, verification, single games, export, sealing."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SPLITS, Split, content_digest, identity_digest
from gameil.dataset.writer import DatasetWriter
from gameil.errors import DatasetError, GameilError
from gameil.games.registry import make_game
from gameil.positions.replay import replay
from gameil.positions.to_record import to_record
from gameil.records.formats import format_record, record_format, write_records
from gameil.reports.board_text import board_text
from gameil.stages.processes import map_in_order

_CHUNK = 64
_MOST_PROBLEMS = 100
_RATING_STEP = 200
_BAR = 32


def dataset_stats(path: Path) -> dict[str, Any]:
    """Numbers about a dataset as plain JSON values: counts, splits, lengths, ratings, results, sizes."""
    dataset = Dataset(path)
    meta = dataset.meta
    index = dataset.index()
    lengths = index["decisions"].astype(np.int64)
    ratings: Counter[int] = Counter()
    outcomes: Counter[str] = Counter()
    for game_id in range(len(index)):
        played = dataset.game_for_replay(game_id)
        outcomes[_outcome(played.returns)] += 1
        for player in played.players:
            if player.rating is not None:
                ratings[player.rating // _RATING_STEP * _RATING_STEP] += 1
    counts = dataset.counts()
    size = sum(dataset.sizes().values())
    return {
        "dataset": str(path),
        "family": meta.family,
        "schema_version": meta.schema_version,
        "sealed": meta.sealed,
        "digest": dataset.digest(),
        "games": len(index),
        "positions": int(lengths.sum()),
        "splits": {
            split: {
                "games": int((index["split"] == number).sum()),
                "positions": int(lengths[index["split"] == number].sum()),
            }
            for number, split in enumerate(SPLITS)
        },
        "lengths": _quantiles(lengths),
        "outcomes": dict(outcomes.most_common()),
        "ratings": {str(rating): ratings[rating] for rating in sorted(ratings)},
        "labels": dataset.num_labels(),
        "counts": counts.total.values(),
        "sources": {name: source.values() for name, source in counts.sources.items()},
        "bytes": size,
        "bytes_per_game": round(size / max(1, len(index)), 1),
        "bytes_by_table": dataset.sizes(),
    }


def stats_lines(stats: dict[str, Any]) -> list[str]:
    """``dataset_stats`` for people, with histograms of outcomes and ratings."""
    counts = stats["counts"]
    sealed = ", sealed" if stats["sealed"] else ""
    lines = [
        f"{stats['dataset']}: {stats['games']:,} games of {stats['family']}, {stats['positions']:,} positions{sealed}",
        f"  {stats['bytes_per_game']:g} bytes a game; digest {stats['digest']}",
        "",
        "split         games    positions",
        *(f"{name:<10} {part['games']:>8,} {part['positions']:>12,}" for name, part in stats["splits"].items()),
        "",
        "decisions a game: " + ", ".join(f"{name} {value:,}" for name, value in stats["lengths"].items()),
    ]
    lines += _histogram("outcome", stats["outcomes"]) + _histogram("rating", stats["ratings"])
    if stats["labels"]:
        lines += ["", f"labels: {stats['labels']:,}"]
    lines += ["", f"{'source':<40} {'read':>9} {'stored':>9} {'duplicate':>9} {'rejected':>9}"]
    for name, source in [*stats["sources"].items(), ("all", counts)]:
        rejected = sum(source["rejected"].values())
        name = printable(name)
        shown = name if len(name) <= 40 else f"...{name[-37:]}"
        lines.append(
            f"{shown:<40} {source['read']:>9,} {source['stored']:>9,} {source['duplicates']:>9,} {rejected:>9,}"
        )
    lines += _histogram("rejected because", counts["rejected"])
    lines += _histogram("read leniently", counts["tolerances"])
    if counts["after_end"]:
        lines += ["", f"moves after the rules' end, left out: {counts['after_end']:,}"]
    return lines


def verify_dataset(path: Path, *, workers: int = 0, progress: Callable[[int], None] = lambda number: None) -> list[str]:
    """Replays every game, and checks digests, index, counts and labels; returns the problems found, one line each."""
    dataset = Dataset(path)
    index = dataset.index()
    problems: list[str] = []
    total = 0
    chunks = (range(first, min(first + _CHUNK, len(index))) for first in range(0, len(index), _CHUNK))
    for found, digests in map_in_order(partial(_verify_games, path), iter(chunks), workers):
        problems += found[: _MOST_PROBLEMS - len(problems)]
        total += digests
        progress(_CHUNK)
    if total % (1 << 128) != dataset.games_sum():
        problems.append("the digest of all games is not that of the games stored")
    counts = dataset.counts()
    for name, part in [("all sources", counts.total), *counts.sources.items()]:
        if not part.adds_up:
            problems.append(f"{name}: {part.read} records read are not stored + duplicates + rejected + filtered")
    if counts.total.stored != len(index):
        problems.append(f"{counts.total.stored} games counted, {len(index)} stored")
    if counts.total.num_rejected != sum(1 for _ in dataset.rejected()):
        problems.append(f"{counts.total.num_rejected} records rejected, but the quarantine has another number")
    problems += [
        f"the checksum of the sub-database {name} is not that of its rows"
        for name, (stated, found) in dataset.checksums().items()
        if stated != found
    ]
    return problems


def _verify_games(path: Path, game_ids: range) -> tuple[list[str], int]:
    """Problems of some games, and the sum of their digests."""
    dataset = Dataset(path)
    family = dataset.meta.family
    index = dataset.index()[game_ids.start : game_ids.stop]
    problems: list[str] = []
    total = 0
    for game_id, entry in zip(game_ids, index, strict=True):
        try:
            played = dataset.game(game_id)
            content = content_digest(played)
            digest = identity_digest(played, content)
            total += int.from_bytes(digest, "big")
            plies = {ply for ply, _, _ in replay(played)}
            checks = {
                f"is a game of {played.game_id}": make_game(played.game_id).family == family,
                "is not the one its digest names": dataset.kept_id(digest) == game_id,
                "has another content than its index says": int.from_bytes(content[:4], "little") == entry["hash"],
                "is in the wrong split": dataset.meta.split.split_number(content, played) == entry["split"],
                f"has {len(plies)} decisions, not {entry['decisions']}": len(plies) == entry["decisions"],
                "has a label at a ply without a decision": {ply for ply, _ in dataset.all_labels(game_id)} <= plies,
            }
            problems += [f"game {game_id} {problem}" for problem, holds in checks.items() if not holds]
        except GameilError as error:
            problems.append(f"game {game_id}: {printable(str(error))}")
    return problems, total


def show_game(path: Path, game_id: int, ply: int | None) -> list[str]:
    """A stored game for the terminal: players, result, moves, and the board before ``ply`` (default: at the end)."""
    dataset = Dataset(path)
    played = dataset.game(game_id)
    index = dataset.index()[game_id]
    state = make_game(played.game_id).initial_state(played.start)
    shown = len(played.actions) if ply is None else ply
    if not 0 <= shown <= len(played.actions):
        raise DatasetError(f"game {game_id} has {len(played.actions)} actions, so there is no ply {shown}")
    for action in played.actions[:shown].tolist():
        state.apply(action)
    players = " - ".join(
        " ".join(str(part) for part in (player.title, player.name or "?", player.rating) if part is not None)
        for player in played.players
    )
    where = ", ".join(f"{place.file} at {place.offset}" for place in dataset.provenance(game_id))
    text = format_record(to_record(played), record_format(make_game(played.game_id).name))
    facts = [
        f"game {game_id} of {played.game_id}, {SPLITS[int(index['split'])]} split",
        f"  {players or 'players unknown'}, {played.result} ({played.termination}), {played.date or 'date unknown'}",
        f"  from {where}",
        f"  {len(played.actions)} actions, {played.num_setup} of them setup, {played.after_end} moves after the end",
    ]
    shown_lines = [
        *facts,
        *board_text(state.game.name, str(state)).split("\n"),
        f"(ply {shown})",
        "",
        *text.rstrip().split("\n"),
    ]
    return [printable(line) for line in shown_lines]


def printable(line: str) -> str:
    """A line for the terminal: names come from strangers' files, and control characters could rewrite the screen."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


def export_games(path: Path, out: Path, split: Split | None, limit: int | None) -> int:
    """Writes games as PGN, SGF or JSON lines, by the extension of ``out``; returns their number."""
    dataset = Dataset(path)
    ids = dataset.game_ids(split)[:limit].tolist()

    def records() -> Iterator[Any]:
        for game_id in ids:
            yield to_record(dataset.game(game_id))

    return write_records(out, records())


def seal_dataset(path: Path) -> None:
    """Makes a dataset read-only for ever."""
    family = Dataset(path).meta.family
    with DatasetWriter(path, family) as writer:
        writer.seal()


def _outcome(returns: tuple[float, ...] | None) -> str:
    """``seat 0 wins`` and the like; the best return alone wins."""
    if returns is None or not returns:
        return "unknown"
    best = max(returns)
    winners = [seat for seat, value in enumerate(returns) if value == best]
    return f"seat {winners[0]} wins" if len(winners) == 1 else "draw"


def _quantiles(lengths: np.ndarray) -> dict[str, int]:
    if not len(lengths):
        return {}
    names = {"least": 0.0, "tenth": 0.1, "median": 0.5, "nine tenths": 0.9, "most": 1.0}
    return {name: int(np.quantile(lengths, share, method="nearest")) for name, share in names.items()}


def _histogram(title: str, numbers: dict[str, int]) -> list[str]:
    if not numbers:
        return []
    most = max(numbers.values())
    width = max(len(name) for name in numbers)
    rows = [
        f"  {name:<{width}} {number:>9,} {'#' * max(1, round(_BAR * number / most))}"
        for name, number in numbers.items()
    ]
    return ["", title, *rows]
