"""Whole chess games replayed without the rules engine: all games step by step side by side, then the legal moves of all
their positions at once.

The engine needs 6 us a position, most of it for the list of legal moves. Here each step is some NumPy calls on vectors
with one entry a game, and each rule one on vectors with one entry a piece. A game is accepted only if every action of
it is legal here and nothing in it could have ended it by rule before (a third repetition, the fifty moves, too little
material); whatever is not accepted goes the ordinary way, so the engine's word stays the last one. Tests hold that an
accepted game's positions are the engine's, bit for bit.

Letters: ``G`` games, ``P`` positions in which an action was played.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.games.bitboards import BISHOP, KNIGHT, PAWN, QUEEN, ROOK, Squares
from gameil.games.chess_legal import CASTLING, NOWHERE, Boards, legal_actions
from gameil.games.frames import CHESS_ACTION_PLANES, board_frame
from gameil.games.game_replay import ReplayedGames
from gameil.positions.position_batch import span_places

_SQUARES = 64
_MOST_REVERSIBLE = 100
"""Plies without progress after which the engine ends a game."""
_ENOUGH_MATERIAL = np.isin(np.arange(13), [1, 4, 5, 7, 10, 11])
"""Pieces of which one is enough to go on; games that come down to others are left to the engine."""
_CHUNK = 4096
"""Positions whose legal moves are found together: few enough for the processor's cache."""
MOST_PLIES = 600
"""Longer games are left to others: a group of games takes the memory of its longest."""
_START = np.array([4, 2, 3, 5, 6, 3, 2, 4, *[1] * 8, *[0] * 32, *[7] * 8, 10, 8, 9, 11, 12, 9, 8, 10], np.uint8)
_SEEN_BY_BLACK = np.array([0, *range(7, 13), *range(1, 7)], np.uint8)
_PLANES = [6, 5, 4, 3, 2, 1, 12, 11, 10, 9, 8, 7, 0]
"""What each binary plane of the observation shows: king to pawn, the opponent's, empty squares."""


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Source, target and promotion of each action, ``[A]``."""
    frame = board_frame("chess", {})
    assert frame is not None
    cells = frame.board.action_cells
    sources, targets = cells[:, 0].copy(), cells[:, 1].copy()
    targets = np.where(targets < 0, sources, targets)
    kinds = np.arange(CASTLING) % CHESS_ACTION_PLANES
    promotions = np.full(len(cells), QUEEN, np.uint8)
    for first, piece in ((0, ROOK), (3, BISHOP), (6, KNIGHT)):
        promotions[:CASTLING][(kinds >= first) & (kinds < first + 3)] = piece
    sources[CASTLING:], targets[CASTLING:] = 4, (2, 6)
    return sources, targets, promotions


def replay_chess(
    games: Sequence[NDArray[np.integer[Any]]], shown: Sequence[NDArray[np.bool_]]
) -> tuple[NDArray[np.bool_], ReplayedGames]:
    """Replays games from the usual start.

    Args:
        games: actions of each, in the mover's frame.
        shown: which plies of each to show, as long as its actions.

    Returns:
        Which games are accepted, ``[G]``, and the shown positions of these.
    """
    lengths = np.array([len(actions) for actions in games], np.int64)
    boards, clocks = _follow(games, lengths)
    owners = np.repeat(np.arange(len(games)), lengths)
    actions = np.concatenate([*games, np.zeros(0, np.int64)]).astype(np.int64)
    repeated = _repetitions(boards, owners)
    legal, numbers = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    for start in range(0, len(owners), _CHUNK):
        some, number = legal_actions(boards.part(slice(start, start + _CHUNK)))
        legal.append(some)
        numbers.append(number)
    options, counts = np.concatenate(legal), np.concatenate(numbers)
    places = np.repeat(np.arange(len(owners)), counts)
    good = np.zeros(len(owners), bool)
    good[places[options == actions[places]]] = True
    good &= (repeated < 2) & (clocks < _MOST_REVERSIBLE) & _ENOUGH_MATERIAL[boards.pieces].any(axis=1)
    accepted = np.ones(len(games), bool)
    accepted[owners[~good]] = False

    plies = np.flatnonzero(np.concatenate([*shown, np.zeros(0, bool)]) & accepted[owners])
    if len(plies) < len(owners):
        options = options[span_places((np.cumsum(counts) - counts)[plies], counts[plies])]
    values = np.empty((len(plies), 6), np.float32)
    values[:, 0] = repeated[plies] / np.float32(2)
    values[:, 1] = clocks[plies] / np.float32(101)
    values[:, 2:] = boards.rights[plies, None] >> np.arange(4, dtype=np.uint8) & 1
    firsts = (np.cumsum(lengths) - lengths)[owners]
    return accepted, ReplayedGames(
        bits=_packed_planes(boards.pieces[plies]),
        values=values,
        legal=options,
        counts=counts[plies],
        games=owners[plies],
        plies=plies,
        actions=actions,
        movers=(np.arange(len(owners)) - firsts) % 2,
        firsts=firsts,
    )


def _packed_planes(pieces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Binary planes of the observation, packed, ``[P, 104]``."""
    bits = np.empty((len(pieces), len(_PLANES), 8), np.uint8)
    for place, piece in enumerate(_PLANES):
        bits[:, place] = np.packbits(pieces == piece, axis=1)
    return bits.reshape(len(pieces), 8 * len(_PLANES))


def _follow(games: Sequence[NDArray[np.integer[Any]]], lengths: NDArray[np.int64]) -> tuple[Boards, NDArray[np.int64]]:
    """Every position in which an action was played, and its plies without progress, game by game."""
    all_sources, all_targets, all_promotions = _tables()
    size = len(games)
    order = np.argsort(-lengths, kind="stable")
    steps = int(lengths.max()) if size else 0
    said = np.zeros((steps, size), np.int64)
    for place, game in enumerate(order.tolist()):
        said[: lengths[game], place] = games[game]
    said = np.minimum(said, CASTLING + 1)
    going = np.searchsorted(-lengths[order], -np.arange(steps), side="left")
    pieces = np.tile(_START, size)
    rights = np.full(size, 15, np.uint8)
    passed = np.full(size, NOWHERE, np.uint8)
    clocks = np.zeros(size, np.int64)
    kept = np.full(_SQUARES, 15, np.uint8)
    kept[[0, 7, 4]], kept[[56, 63, 60]] = (15 - 1, 15 - 2, 15 - 3), (15 - 4, 15 - 8, 15 - 12)
    past_pieces = np.empty((steps, size, _SQUARES), np.uint8)
    past_rights, past_passed = np.empty((steps, size), np.uint8), np.empty((steps, size), np.uint8)
    past_clocks = np.empty((steps, size), np.int64)
    firsts = np.arange(size) * _SQUARES
    for ply in range(steps):
        count = int(going[ply])
        black = ply % 2
        flip, enemy = 56 * black, 6 * black
        past_pieces[ply, :count] = pieces[: count * _SQUARES].reshape(count, _SQUARES)
        past_rights[ply, :count], past_passed[ply, :count] = rights[:count], passed[:count]
        past_clocks[ply, :count] = clocks[:count]
        action, first = said[ply, :count], firsts[:count]
        source, target = all_sources[action] ^ flip, all_targets[action] ^ flip
        moved, taken = pieces[first + source], pieces[first + target]
        pawn = moved == PAWN + enemy
        passing = np.flatnonzero(pawn & (taken == 0) & ((source ^ target) & 7 != 0))
        if len(passing):
            pieces[first[passing] + (source[passing] & 56 | target[passing] & 7)] = 0
        promoted = np.flatnonzero(pawn & (target >> 3 == 7 - 7 * black))
        if len(promoted):
            moved[promoted] = all_promotions[action[promoted]] + enemy
        pieces[first + source] = 0
        pieces[first + target] = moved
        for side, corner, beside in ((0, 0, 3), (1, 7, 5)):
            castling = first[action == CASTLING + side]
            if len(castling):
                pieces[castling + (corner ^ flip)] = 0
                pieces[castling + (beside ^ flip)] = ROOK + enemy
        rights[:count] &= kept[source] & kept[target]
        clocks[:count] += 1
        clocks[:count][pawn | (taken != 0)] = 0
        passed[:count] = NOWHERE
        double = np.flatnonzero(pawn & (abs(source - target) == 16))
        if len(double):
            here, file = first[double] + target[double], target[double] & 7
            foe = PAWN + 6 - enemy
            beside_it = (file > 0) & (pieces[here - (file > 0)] == foe)
            beside_it |= (file < 7) & (pieces[here + (file < 7)] == foe)
            passed[double[beside_it]] = ((source + target)[double[beside_it]] // 2) ^ (56 - flip)
    place_of = np.argsort(order)
    game = np.repeat(np.arange(size), lengths)
    plies = np.arange(len(game)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows = plies * size + place_of[game]
    black_rows = np.flatnonzero(plies % 2)
    found = past_pieces.reshape(-1, 8, 8).take(rows, axis=0) if steps else np.zeros((0, 8, 8), np.uint8)
    found[black_rows] = _SEEN_BY_BLACK[found[black_rows, ::-1]]
    own_first = past_rights.take(rows) if steps else np.zeros(0, np.uint8)
    own_first[black_rows] = own_first[black_rows] >> 2 | (own_first[black_rows] & 3) << 2
    return (
        Boards(found.reshape(-1, _SQUARES), own_first, past_passed.take(rows) if steps else own_first.copy()),
        past_clocks.take(rows) if steps else np.zeros(0, np.int64),
    )


def _repetitions(boards: Boards, owners: Squares) -> NDArray[np.int64]:
    """How often each position stood before in its game, ``[P]``."""
    state = boards.rights.astype(np.uint64) | boards.passed.astype(np.uint64) << np.uint64(8)
    words = np.concatenate([boards.pieces.view(np.uint64), state[:, None]], axis=1)
    keys = np.zeros(len(words), np.uint64)
    for column in range(words.shape[1]):
        keys = (keys ^ words[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    # White and Black to move see their boards alike: the parity of the ply keeps them apart.
    plies = np.arange(len(owners)) - np.searchsorted(owners, owners)
    keys = keys << np.uint64(1) | (plies & 1).astype(np.uint64)
    order = np.lexsort((keys, owners))
    new = np.ones(len(order), bool)
    new[1:] = (keys[order][1:] != keys[order][:-1]) | (owners[order][1:] != owners[order][:-1])
    begins = np.flatnonzero(new)
    ranks = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
    found = np.empty(len(order), np.int64)
    found[order] = ranks
    return found
