"""A played game made ready for the writer, in any process: its value, its digests, and what the counts need."""

import struct
from functools import lru_cache
from typing import NamedTuple

from gameil.dataset.codec import UnstorableError
from gameil.dataset.game_codec import encode_game_value
from gameil.dataset.schema import SplitRule, content_digest, identity_digest
from gameil.dataset.value_codec import encode_observations
from gameil.games.game import Capabilities
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.replay import replay

OBSERVATION_CHUNK = 1 << 20
"""Bytes of observations that are compressed together."""


class EncodedGame(NamedTuple):
    """What the writer needs of one game; a tuple of plain values, since processes send many of them."""

    family: str
    digest: bytes
    """``identity_digest``: under which the game is known."""
    content_hash: int
    """First four bytes of ``content_digest``."""
    split: int
    """Index into ``SPLITS``."""
    plies: int
    decisions: int
    """Decisions of players: positions that a loader can learn from."""
    after_end: int
    file: str
    offset: int
    """Provenance."""
    value: list[bytes | str]
    """The value in ``games``, its texts still without ids."""
    observations: tuple[bytes, ...] = ()
    """Values in ``observations``, of a game that actions cannot replay."""


def encode_game(played: PlayedGame, split: SplitRule) -> EncodedGame:
    """Everything about a game that can be worked out without the dataset.

    Raises:
        UnstorableError: a value of this game does not fit the format.
    """
    family, capabilities = _facts(played.game_id)
    try:
        value = encode_game_value(played)
    except (UnstorableError, ValueError, OverflowError, struct.error) as error:
        raise UnstorableError(f"{played.source.file}: a game that cannot be stored: {error}") from error
    content = content_digest(played)
    plies = len(played.actions)
    is_played = capabilities.stochastic and capabilities.replayable
    decisions = sum(1 for _ in replay(played)) if is_played else plies - played.num_setup
    return EncodedGame(
        family=family,
        digest=identity_digest(played, content),
        content_hash=int.from_bytes(content[:4], "little"),
        split=split.split_number(content, played),
        plies=plies,
        decisions=decisions,
        after_end=played.after_end,
        file=played.source.file,
        offset=played.source.offset,
        value=value,
        observations=() if capabilities.replayable else _chunks(played),
    )


@lru_cache(maxsize=256)
def _facts(game_id: str) -> tuple[str, Capabilities]:
    game = make_game(game_id)
    return game.family, game.capabilities


def _chunks(played: PlayedGame) -> tuple[bytes, ...]:
    """The observations of a game in encoded parts of about ``OBSERVATION_CHUNK`` bytes."""
    if played.observations is None:
        return ()
    rows = max(1, OBSERVATION_CHUNK * len(played.observations) // max(1, played.observations.nbytes))
    parts = range(0, len(played.observations), rows)
    return tuple(encode_observations(played.observations[begin : begin + rows]) for begin in parts)
