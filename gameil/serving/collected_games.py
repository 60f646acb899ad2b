"""Games that people left with their consent, on the disk: one file of records a game, there whole or not at all.

    DATA/collected/connect_four/2026-11-23/142501-3f9c0a1b.jsonl         what ``gameil ingest`` reads
    DATA/collected/consent-9d1c22ab.txt                                  what the players agreed to, by its hash

A server that is killed loses the games that were being played, and no finished one.
"""

import hashlib
import os
import re
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gameil.games.registry import make_game
from gameil.positions.played_game import MATCH_TAG, PlayedGame
from gameil.positions.to_record import to_record
from gameil.records.formats import write_records, write_texts

COLLECTED = "collected"
CONSENT_TAG = "CONSENT"
"""Tag of a collected game's record: hash of the text that its players agreed to."""
_ID_BYTES = 4

DEFAULT_CONSENT = """\
Your games on this page are recorded: the moves, when they were played, the result, and the name that you give. \
They may be used to train and to compare programs that play games, and may be published, with that name, as game \
records. Give a made-up name if you do not want to be recognised. Playing is voluntary; you can stop at any time, and \
a game that you do not finish is kept as far as it went. To have your games removed, tell whoever runs this site the \
name that you played under."""


@dataclass(frozen=True)
class Consent:
    """What people agree to before they play."""

    text: str

    @property
    def version(self) -> str:
        """Short hash of the text: what records carry."""
        return hashlib.blake2b(self.text.encode(), digest_size=4).hexdigest()


class CollectedGames:
    """The directory of collected games."""

    def __init__(self, data: Path, consent: Consent) -> None:
        self.directory = data / COLLECTED
        self.consent = consent

    def save(self, played: PlayedGame, now: datetime) -> Path:
        """Writes one game, flushed to the disk before this returns.

        Its ``match_id`` is its file's name, so that equal games of several people all count.

        Raises:
            RecordsError: it cannot be written.
        """
        number = f"{now:%H%M%S}-{os.urandom(_ID_BYTES).hex()}"
        path = self.directory / game_slug(played.game_id) / f"{now:%Y-%m-%d}" / f"{number}.jsonl"
        match = f"{COLLECTED}/{now:%Y-%m-%d}/{number}"
        tags = {**played.tags, MATCH_TAG: match, CONSENT_TAG: self.consent.version}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._save_consent()
        write_records(path, [to_record(replace(played, match_id=match, tags=tags))])
        return path

    def count(self) -> int:
        """Number of games collected so far."""
        return sum(1 for _ in self.directory.glob("*/*/*.jsonl"))

    def _save_consent(self) -> None:
        path = self.directory / f"consent-{self.consent.version}.txt"
        if not path.exists():
            write_texts(path, [self.consent.text + "\n"])


def game_slug(game_id: str) -> str:
    """A game's directory name: ``go(board_size=9)`` is ``go-board_size-9``; equal for games of one dataset."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", make_game(game_id).family).strip("-.")
