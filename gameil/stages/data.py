"""Looking into datasets: verification and single games; sealing and migrating them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SCHEMA_VERSION, SPLITS, Counts, content_digest, identity_digest
from gameil.dataset.writer import DatasetWriter
from gameil.errors import DatasetError, GameilError
from gameil.games.registry import make_game
from gameil.positions.filters import refused_by
from gameil.positions.played_game import PlayedGame
from gameil.positions.replay import replay
from gameil.positions.to_record import to_record
from gameil.records.formats import format_record, record_format
from gameil.reports.board_text import board_text
from gameil.stages.processes import map_in_order

_CHUNK = 64
_MOST_PROBLEMS = 100


def verify_dataset(path: Path, *, workers: int = 0, progress: Callable[[int], None] = lambda number: None) -> list[str]:
    """Replays every game, and checks checksums, digests, index, counts and labels.

    Returns the problems found, one line each.
    """
    dataset = Dataset(path)
    index = dataset.index()
    problems: list[str] = []
    total = 0
    chunks = (range(first, min(first + _CHUNK, len(index))) for first in range(0, len(index), _CHUNK))
    for done, found, digests in map_in_order(partial(_verify_games, path), iter(chunks), workers):
        problems += found[: _MOST_PROBLEMS - len(problems)]
        total += digests
        progress(done)
    if total % (1 << 128) != dataset.games_sum():
        problems.append("the digest of all games is not that of the games stored")
    counts = dataset.counts()
    for name, part in [("all sources", counts.total), *counts.sources.items()]:
        if not part.adds_up:
            problems.append(f"{name}: {part.read} records read are not stored + duplicates + rejected + filtered")
    summed = Counts()
    for part in counts.sources.values():
        summed.add(part)
    if summed != counts.total:
        problems.append("the counts of all sources are not the sum of each source's")
    if counts.total.stored != len(index):
        problems.append(f"{counts.total.stored} games counted, {len(index)} stored")
    if counts.total.num_rejected != sum(1 for _ in dataset.rejected()):
        problems.append(f"{counts.total.num_rejected} records rejected, but the quarantine has another number")
    if counts.total.duplicates != dataset.num_duplicates():
        problems.append(f"{counts.total.duplicates} duplicates counted, {dataset.num_duplicates()} places stored")
    problems += [
        f"the checksum of the sub-database {name} is not that of its rows"
        for name, (stated, found) in dataset.checksums().items()
        if stated != found
    ]
    return problems


def _verify_games(path: Path, game_ids: range) -> tuple[int, list[str], int]:
    """Number of some games, their problems, and the sum of their digests."""
    dataset = Dataset(path)
    meta = dataset.meta
    index = dataset.index()[game_ids.start : game_ids.stop]
    problems: list[str] = []
    total = 0
    for game_id, entry in zip(game_ids, index, strict=True):
        try:
            played = dataset.game(game_id)
            content = content_digest(played)
            digest = identity_digest(played, content)
            total += int.from_bytes(digest, "big")
            plies = _decisions(dataset, game_id, played)
            refused = refused_by(played, meta.filters)
            checks = {
                f"is a game of {played.game_id}": make_game(played.game_id).family == meta.family,
                "is not the one its digest names": dataset.kept_id(digest) == game_id,
                "has another content than its index says": int.from_bytes(content[:4], "little") == entry["hash"],
                "is in the wrong split": meta.split.split_number(content, played) == entry["split"],
                f"has {len(plies)} decisions, not {entry['decisions']}": len(plies) == entry["decisions"],
                f"does not pass the filter {refused}": refused is None,
                "has a label at a ply without a decision": {ply for ply, _ in dataset.all_labels(game_id)} <= plies,
            }
            problems += [f"game {game_id} {problem}" for problem, holds in checks.items() if not holds]
        except GameilError as error:
            problems.append(f"game {game_id}: {printable(str(error))}")
    return len(game_ids), problems, total


def _decisions(dataset: Dataset, game_id: int, played: PlayedGame) -> set[int]:
    """Plies that players decided: by the rules, or as many as there are observations where these cannot replay it."""
    if make_game(played.game_id).capabilities.replayable:
        return {ply for ply, _, _ in replay(played)}
    number = sum(len(part) for part in dataset.observations(game_id))
    if number != len(played.actions):
        raise DatasetError(f"{number} observations for {len(played.actions)} actions")
    return set(range(number))


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


def seal_dataset(path: Path) -> None:
    """Makes a dataset read-only for ever."""
    family = Dataset(path).meta.family
    with DatasetWriter(path, family) as writer:
        writer.seal()


def migrate_dataset(path: Path) -> tuple[int, int]:
    """Brings a dataset to this gameil's schema version in place; returns the version it had and the one it has."""
    with DatasetWriter(path, Dataset(path).meta.family) as writer:
        return writer.migrated_from or SCHEMA_VERSION, SCHEMA_VERSION
