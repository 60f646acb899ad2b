"""Games that people keep from the table: one file of records each, which ``gameil ingest`` reads.

DATA/games/chess/20261123-142501-3f9c0a1b.pgn
"""

import os
from datetime import UTC, datetime
from pathlib import Path

from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.records.formats import format_record, record_extension, record_format, write_records
from gameil.serving.collected_games import game_slug

GAMES = "games"


def keep_game(data: Path, played: PlayedGame) -> Path:
    """Writes a game below the data directory; returns the file. Raises ``RecordsError`` where it cannot be written."""
    game_name = played.game_id.partition("(")[0]
    directory = data / GAMES / game_slug(played.game_id)
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(4).hex()}{record_extension(game_name)}"
    write_records(directory / name, [to_record(played)])
    return directory / name


def game_file(played: PlayedGame) -> tuple[str, str]:
    """Name and text of a file with the game, to be downloaded."""
    game_name = played.game_id.partition("(")[0]
    text = format_record(to_record(played), record_format(game_name))
    return f"{game_slug(played.game_id)}{record_extension(game_name)}", text
