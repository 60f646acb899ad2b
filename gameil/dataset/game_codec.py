"""A played game as the bytes of one value, what replay needs first and what only people read last."""

import json
import math
import struct
import zlib
from functools import lru_cache
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.codec import ByteReader, ByteWriter, Lookup
from gameil.errors import DatasetError, ShapeError
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo, Provenance, Termination

VERSION = 1
"""First byte of every game's value."""
_WIDE_ACTIONS = 1
_MILLISECOND_CLOCKS = 2
_EXACT_CLOCKS = 4
_MATCH_ID = 8
_MEMBER = 16
"""The game came from a member of an archive, whose name follows the archive's."""
_KNOWN_FLAGS = 31
_TERMINATIONS: tuple[Termination, ...] = ("unknown", "rules", "resignation", "time", "agreed", "forfeit")
assert set(_TERMINATIONS) == set(get_args(Termination)), "a termination has no number"
_NO_RETURNS, _SMALL_RETURNS, _EXACT_RETURNS = range(3)
_NO_CLOCK = -1
_LONGEST_GAME = 1 << 20
"""Clocks of more actions are not inflated: no game is that long."""


def encode_game_value(played: PlayedGame) -> list[bytes | str]:
    """The value of ``played`` in the sub-database ``games``, its texts without ids: ``resolve`` gives the bytes."""
    out = ByteWriter()
    wide = bool(len(played.actions)) and int(played.actions.max()) > 0xFFFF
    clock_flag, clock_bytes = _encode_clocks(played)
    # A member's name is met once, its archive's many times: only the latter is interned.
    file, exclamation, member = played.source.file.partition("!")
    flags = (_WIDE_ACTIONS if wide else 0) | clock_flag | (_MEMBER if exclamation else 0)
    out.blob(bytes((VERSION, flags | (0 if played.match_id is None else _MATCH_ID))))
    out.uint(len(played.actions))
    out.uint(played.num_setup)
    out.blob(np.ascontiguousarray(played.actions, dtype="<u4" if wide else "<u2").tobytes())
    out.text(played.game_id)
    out.text(played.start)
    _write_returns(out, played.returns)
    out.uint(len(played.players))
    for player in played.players:
        out.text(player.name)
        out.optional_int(player.rating)
        out.text(player.title)
    out.text(played.result)
    out.uint(_TERMINATIONS.index(played.termination))
    out.uint(played.after_end)
    for text in (played.date, played.event, played.time_control, file):
        out.text(text)
    if exclamation:
        out.text(member, intern=False)
    out.uint(played.source.offset)
    if played.match_id is not None:
        out.text(played.match_id, intern=False)
    out.uint(len(played.tags))
    if played.tags:
        out.shared_text(_joined_names(tuple(played.tags)))
    for value in played.tags.values():
        out.text(value)
    out.blob(clock_bytes)
    return out.parts()


@lru_cache(maxsize=1024)
def _joined_names(names: tuple[str, ...]) -> str:
    return json.dumps(names, ensure_ascii=False)


def decode_game_value(data: bytes, lookup: Lookup, what: str, *, for_replay: bool = False) -> PlayedGame:
    """Reverse of ``encode_game_value``. ``what`` names the value in errors.

    Args:
        for_replay: leave out what learning does not need (names, tags, clocks, provenance), which is most of the work.

    Raises:
        DatasetError: the bytes are not a game of this version.
    """
    source = ByteReader(data, lookup, what)
    flags = _read_flags(source)
    width = 4 if flags & _WIDE_ACTIONS else 2
    length = source.count(width)
    num_setup = source.uint()
    actions = np.frombuffer(source.blob(length * width), "<u4" if width == 4 else "<u2").astype(np.uint32)
    if num_setup > length:
        raise source.damaged(f"{num_setup} setup actions of {length}")
    game_id = source.required_text()
    start = source.text()
    returns = _read_returns(source)
    players = tuple(_read_player(source, for_replay) for _ in range(source.count(3)))
    if for_replay:
        source.skip_text()  # result
        termination = _read_termination(source)
        source.uint()  # after_end
        date = source.text()
        source.skip_text()  # event
        return PlayedGame(
            game_id,
            actions,
            Provenance("", 0),
            num_setup,
            start,
            returns,
            termination=termination,
            players=players,
            date=date,
            time_control=source.text(),
        )
    result = source.required_text()
    termination = _read_termination(source)
    after_end = source.uint()
    date, event, time_control = source.text(), source.text(), source.text()
    file = source.required_text()
    if flags & _MEMBER:
        file = f"{file}!{source.required_text()}"
    provenance = Provenance(file, source.uint())
    match_id = source.text() if flags & _MATCH_ID else None
    tags = _read_tags(source)
    clocks = _decode_clocks(source, flags, length)
    source.finish()
    try:
        return PlayedGame(
            game_id,
            actions,
            provenance,
            num_setup,
            start,
            returns,
            result,
            termination,
            after_end,
            players,
            date,
            event,
            time_control,
            tags,
            clocks,
            match_id,
        )
    except ShapeError as error:
        raise source.damaged(str(error)) from error


def decode_player_names(data: bytes, lookup: Lookup, what: str) -> tuple[str | None, ...]:
    """The players' names of a game's value, by seat; what stands behind them is not read.

    Raises:
        DatasetError: the bytes are not a game of this version.
    """
    source = ByteReader(data, lookup, what)
    width = 4 if _read_flags(source) & _WIDE_ACTIONS else 2
    length = source.count(width)
    source.uint()  # num_setup
    source.blob(length * width)  # actions
    source.skip_text()  # game_id
    source.skip_text()  # start
    _read_returns(source)
    names = []
    for _ in range(source.count(3)):
        names.append(source.text())
        source.optional_int()  # rating
        source.skip_text()  # title
    return tuple(names)


def _read_flags(source: ByteReader) -> int:
    version, flags = source.blob(2)
    if version != VERSION or flags & ~_KNOWN_FLAGS:
        raise source.damaged(f"version {version} with flags {flags} is unknown, expected version {VERSION}")
    return flags


def _read_termination(source: ByteReader) -> Termination:
    number = source.uint()
    if number >= len(_TERMINATIONS):
        raise source.damaged(f"termination {number} is unknown")
    return _TERMINATIONS[number]


def _read_player(source: ByteReader, for_replay: bool) -> PlayerInfo:
    if not for_replay:
        return PlayerInfo(source.text(), source.optional_int(), source.text())
    source.skip_text()
    rating = source.optional_int()
    source.skip_text()
    return PlayerInfo(rating=rating)


def _read_tags(source: ByteReader) -> dict[str, str]:
    """Tags: their names are one text, which games of one source have in common, then come the values."""
    number = source.count()
    if number == 0:
        return {}
    names = _tag_names(source.required_text())
    if len(names) != number:
        raise source.damaged(f"{len(names)} tag names for {number} tags")
    return {name: source.required_text() for name in names}


@lru_cache(maxsize=1024)
def _tag_names(text: str) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError("the names of a game's tags are damaged: not JSON") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetError("the names of a game's tags are damaged: not a list of texts")
    return tuple(names)


def _write_returns(out: ByteWriter, returns: tuple[float, ...] | None) -> None:
    if returns is None:
        out.uint(_NO_RETURNS)
    elif all(value in (-1.0, 0.0, 1.0) and not (value == 0 and math.copysign(1, value) < 0) for value in returns):
        out.uint(_SMALL_RETURNS)
        out.uint(len(returns))
        out.blob(bytes(int(value) + 1 for value in returns))
    else:
        out.uint(_EXACT_RETURNS)
        out.uint(len(returns))
        for value in returns:
            out.double(value)


def _read_returns(source: ByteReader) -> tuple[float, ...] | None:
    kind = source.uint()
    if kind == _NO_RETURNS:
        return None
    if kind == _SMALL_RETURNS:
        return tuple(float(byte) - 1.0 for byte in source.blob(source.count()))
    if kind == _EXACT_RETURNS:
        return tuple(source.double() for _ in range(source.count(8)))
    raise source.damaged(f"returns of kind {kind} are unknown")


def _encode_clocks(played: PlayedGame) -> tuple[int, bytes]:
    """Clocks as packed milliseconds where that is exact, else as packed doubles."""
    if played.clocks is None:
        return 0, b""
    values = [math.nan if clock is None else clock for clock in played.clocks]
    exact: NDArray[np.float64] = np.array(values, np.float64)
    known = ~np.isnan(exact)
    if bool(np.all((exact[known] >= 0) & (exact[known] < 2e6))):
        milliseconds = np.full(len(exact), _NO_CLOCK, np.int32)
        milliseconds[known] = np.rint(exact[known] * 1000).astype(np.int32)
        if bool(np.all(milliseconds[known] / 1000 == exact[known])):
            return _MILLISECOND_CLOCKS, zlib.compress(milliseconds.astype("<i4").tobytes(), 9)
    return _EXACT_CLOCKS, zlib.compress(exact.astype("<f8").tobytes(), 9)


def _decode_clocks(source: ByteReader, flags: int, length: int) -> tuple[float | None, ...] | None:
    if not flags & (_MILLISECOND_CLOCKS | _EXACT_CLOCKS):
        return None
    if length > _LONGEST_GAME:
        raise source.damaged(f"clocks of {length} actions")
    width = 4 if flags & _MILLISECOND_CLOCKS else 8
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(source.rest(), length * width + 1)
    except zlib.error as error:
        raise source.damaged("clocks cannot be inflated") from error
    if len(data) != length * width:
        raise source.damaged(f"clocks do not belong to {length} actions")
    if width == 4:
        stamps = struct.unpack(f"<{length}i", data)
        return tuple(None if stamp == _NO_CLOCK else stamp / 1000 for stamp in stamps)
    return tuple(None if math.isnan(value) else value for value in struct.unpack(f"<{length}d", data))
