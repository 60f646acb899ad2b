"""Games of a dataset written as records in people's formats, several processes writing the text."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import Split
from gameil.errors import RecordsError
from gameil.games.registry import make_game
from gameil.positions.to_record import to_numbered_record, to_record
from gameil.records.formats import find_format, format_record, writable_format, write_packed, write_texts
from gameil.stages.processes import map_in_order

_CHUNK = 64


def export_games(
    path: Path,
    out: Path,
    split: Split | None,
    limit: int | None,
    *,
    format: str | None = None,
    workers: int = 0,
    progress: Callable[[int], None] = lambda number: None,
) -> int:
    """Writes games in the order of their ids and returns their number; ``out`` is there whole or not at all.

    Ingesting the file again gives games with the same digest. Labels and the quarantine are not written.

    Args:
        split: only this split's games.
        limit: at most so many.
        format: name of the format; None to tell by the extension of ``out``.
        workers: processes that write the text; 0 for one each processor.
        progress: told the number of games written.

    Raises:
        RecordsError: ``out`` is there already; the format is unknown, has no writer, or cannot carry a game (the
            message says which).
    """
    if os.path.lexists(out):
        raise RecordsError(f"{out}: is there already; name a new file")
    if limit is not None and limit < 0:
        raise RecordsError(f"limit must be 0 or more, got {limit}")
    dataset = Dataset(path)
    name = writable_format(out, format, make_game(dataset.meta.family).name)
    ids = dataset.game_ids(split)[:limit].tolist()
    if find_format(name).packer is not None:
        return write_packed(out, (to_numbered_record(dataset.game(game_id)) for game_id in ids), name)
    chunks = (ids[first : first + _CHUNK] for first in range(0, len(ids), _CHUNK))

    def texts() -> Iterator[str]:
        for number, text in map_in_order(partial(_format_games, path, name), chunks, workers):
            progress(number)
            yield text

    write_texts(out, texts())
    return len(ids)


def _format_games(path: Path, format: str, game_ids: list[int]) -> tuple[int, str]:
    dataset = Dataset(path)
    texts = []
    for game_id in game_ids:
        try:
            texts.append(format_record(to_record(dataset.game(game_id)), format))
        except RecordsError as error:
            raise RecordsError(f"{path}: game {game_id}: {error}") from error
    return len(game_ids), "".join(texts)
