"""Chess games transcribed many at a time: moves resolved for all of them at once, everything else on arrays.

The moves are resolved by NumPy (``chess_lockstep``), or by the Rust reader where the ``pgn`` extra is installed. Gives
what ``transcribe`` gives, game for game, at a small part of its time, because the rules engine plays only a sample of
the games. Everything in any way special is left to ``transcribe``.

Letters: ``G`` games, ``M`` moves of all games one after another.
"""

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gameil.errors import RecordsError
from gameil.games.chess_ends import NO_END, automatic_ends
from gameil.games.chess_notation import CASTLE_A_SIDE, CASTLE_H_SIDE, move_cells, promoted_piece
from gameil.positions.chess_lockstep import resolve_in_lockstep
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import as_played, problem_of_returns, transcribe
from gameil.records.pgn_rust import is_available, resolve_moves
from gameil.records.record import GameRecord, RecordError
from gameil.records.resolved_games import ResolvedGames

REPLAYED = 64
"""One game of so many, chosen by its moves, is also played by the rules engine, and must come out the same."""
FEWEST_GAMES = 48
"""Of fewer games NumPy resolves the moves more slowly than the rules engine."""
_KINGS = (6, 12)
_PROMOTIONS = {"N": 2, "B": 3, "R": 4}
"""By the numbers of ``ResolvedGames``; a queen is what a pawn becomes by the action that names no piece."""
_EXPORT_SIGNS = re.compile(r"[KQRBNPOa-h1-8xO=+# -]++")
"""Signs of SAN as programs write it. What these can spell is read alike here and there, or refused there."""


def transcribe_chess(records: Sequence[GameRecord | RecordError], *, pgn_extra: bool = True) -> list[PlayedGame | None]:
    """Played games in the order of their records; None for one that ``transcribe`` has to look at, and for an error.

    ``pgn_extra``: use the Rust reader where it is installed.

    Raises:
        RecordsError: the rules engine plays a game of the sample differently; names the game.
    """
    texts = {index: text for index, record in enumerate(records) if (text := _plain_moves(record)) is not None}
    played: list[PlayedGame | None] = [None] * len(records)
    if pgn_extra and is_available() and texts:
        games = resolve_moves(list(texts.values()))
    elif len(texts) >= FEWEST_GAMES:
        games = resolve_in_lockstep([text.split() for text in texts.values()])
    else:
        return played
    offsets = games.move_offsets
    actions = _actions(games)
    starts = offsets[:-1] + np.arange(len(texts))
    ends = automatic_ends(games.boards, games.castling, games.clocks, starts)
    lengths = np.diff(offsets)
    over = (ends != NO_END) | games.stuck
    table = zip(
        texts,
        games.valid.tolist(),
        offsets[:-1].tolist(),
        lengths.tolist(),
        np.minimum(ends, lengths).tolist(),
        over.tolist(),
        strict=True,
    )
    for index, valid, first, length, end, is_over in table:
        record = records[index]
        if valid and isinstance(record, GameRecord) and length == len(record.moves):
            kept = actions[first : first + end].copy()
            game = as_played(record, "chess", kept, is_terminal=is_over, after_end=length - end)
            if isinstance(game, PlayedGame):
                if is_replayed(game):
                    _check(record, game)
                played[index] = game
    return played


def is_replayed(game: PlayedGame) -> bool:
    """Whether the game belongs to the sample that the rules engine plays too."""
    return zlib.crc32(game.actions.tobytes()) % REPLAYED == 0


def _plain_moves(record: GameRecord | RecordError) -> str | None:
    """The moves of a game of standard chess from the usual start, written as programs write it; None for others."""
    if isinstance(record, RecordError) or record.game != "chess" or record.notation != "san":
        return None
    if record.parameters or record.start is not None or record.movers is not None or record.setup:
        return None
    if record.returns is not None and problem_of_returns(record.returns, 2):
        return None
    text = " ".join(record.moves)
    return text if _EXPORT_SIGNS.fullmatch(text) else None


def _check(record: GameRecord, game: PlayedGame) -> None:
    known = transcribe(record)
    if not isinstance(known, PlayedGame):
        difference = f"the rules engine refuses it: {known.detail}"
    elif not np.array_equal(known.actions, game.actions):
        difference = f"{len(known.actions)} actions by the rules engine and {len(game.actions)} others by the reader"
    elif (known.termination, known.after_end) != (game.termination, game.after_end):
        difference = f"its end is {known.termination} for the rules engine and {game.termination} on the arrays"
    else:
        return
    place = f"{record.source.file} at byte {record.source.offset}"
    raise RecordsError(
        f"{place}: the reader of many games at once and the rules engine play this game differently ({difference}); "
        f"please report it"
    )


def _actions(games: ResolvedGames) -> NDArray[np.uint32]:
    """``[M]``: the action of each move in its mover's frame."""
    offsets = games.move_offsets
    numbers = np.arange(len(games.sources))
    game = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    player = (numbers - offsets[game]) % 2
    actions: NDArray[np.uint32] = _action_table()[player, games.promotions, games.sources, games.targets]
    step = games.targets.astype(np.int64) - games.sources
    castles = np.flatnonzero((np.abs(step) == 2) & np.isin(games.boards[numbers + game, games.sources], _KINGS))
    actions[castles] = np.where(step[castles] > 0, CASTLE_H_SIDE, CASTLE_A_SIDE)
    return actions


@lru_cache(maxsize=1)
def _action_table() -> NDArray[np.uint32]:
    """``[2, 6, 64, 64]``: action by seat, promotion (-1 for none), source and target square."""
    table = np.zeros((2, 6, 64, 64), dtype=np.uint32)
    for action, (source, target) in enumerate(move_cells()):
        if target >= 0:
            promotion = _PROMOTIONS.get(promoted_piece(action))
            for player, flip in enumerate((0, 56)):
                wanted = [-1, 5] if promotion is None else [promotion]
                table[player, wanted, source ^ flip, target ^ flip] = action
    return table
