"""The game around each position: what a network may be told of it, and what it may learn to foresee.

Letters: ``P`` positions, ``G`` games, ``N`` cells.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.positions.filters import first_day
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import CONTEXT, PositionBatch
from gameil.positions.time_control import estimated_seconds

OWNED_GAMES = ("go", "othello")
"""Games in which each cell ends as somebody's, and in which the two players take turns without exception (a pass is an
action), so that the ply tells the mover."""
_UNSETTLED = ("resignation", "time", "forfeit", "agreed")
"""Ends after which the board is not played out."""


def with_context(
    rows: PositionBatch, game_ids: Sequence[int], games: Sequence[PlayedGame], *, final_boards: bool
) -> PositionBatch:
    """The same positions with ``context``, and with ``owners`` where ``final_boards`` asks for them.

    Args:
        rows: positions of these games, in any order.
        game_ids: ids of the games as in ``rows``.
        games: the games themselves, in the order of ``game_ids``.
        final_boards: tell who owns each cell at the end.

    Raises:
        ConfigError: ``final_boards`` for a game without owners.
    """
    order = np.argsort(np.asarray(game_ids, np.uint64))
    owner = order[np.searchsorted(np.asarray(game_ids, np.uint64)[order], rows.game_ids)]
    facts = np.array([_facts(game) for game in games], np.float32).reshape(len(games), 4)[owner]
    context = np.zeros((len(rows), len(CONTEXT)), np.float32)
    # Both ratings together less the mover's are the opponent's; one that is not known is 0.
    context[:, 0] = np.where(facts[:, 0] >= 0, facts[:, 0] - rows.ratings, 0.0)
    context[:, 1:3] = facts[:, 1:3]
    context[:, 3] = facts[:, 3] - rows.plies
    owners = None
    if final_boards:
        boards = np.stack([final_owners(game) for game in games])
        sign = np.where(rows.plies % 2 == 0, 1, -1).astype(np.int8)
        owners = boards[owner] * sign[:, None]
    return replace(rows, context=context, owners=owners)


def _facts(game: PlayedGame) -> tuple[float, float, float, float]:
    """Sum of both ratings (-1 where there are not two players), seconds, year, number of actions."""
    ratings = [float(player.rating or 0) for player in game.players]
    seconds = estimated_seconds(game.time_control) if game.time_control else None
    if seconds == float("inf"):
        seconds = None
    return (
        sum(ratings) if len(ratings) == 2 else -1.0,
        seconds or 0.0,
        year_of(game.date),
        float(len(game.actions)),
    )


def year_of(date: str | None) -> float:
    """A date as the year with the month as its fraction; 0 where it cannot be read."""
    if date is None:
        return 0.0
    parts = first_day(date).split("-")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 6 for part in parts):
        return 0.0
    return int(parts[0]) + (int(parts[1]) - 1) / 12


def final_owners(game: PlayedGame) -> NDArray[np.int8]:
    """Who owns each cell at the end of the record: 1 seat 0, -1 seat 1, 0 nobody, ``[N]``; all 0 where it is not known.

    Othello: whose disc lies there. Go: whose stone, and empty regions that only one side borders on (area scoring,
    with dead stones counted as alive, since records do not say which are dead).

    Raises ``ConfigError`` for a game whose cells have no owners.
    """
    rules = make_game(game.game_id)
    if rules.name not in OWNED_GAMES or rules.board is None:
        raise ConfigError(f"loader.final_boards: {rules.id} has no owners of cells; {' and '.join(OWNED_GAMES)} have")
    size = rules.board.height * rules.board.width
    if game.termination in _UNSETTLED:
        return np.zeros(size, np.int8)
    state = rules.initial_state(game.start)
    for action in game.actions.tolist():
        state.apply(action)
    planes = np.empty(rules.observation_shape, np.float32)
    state.write_observation(planes, 0)
    stones = (planes[0] - planes[1]).astype(np.int8)
    return (stones if rules.name == "othello" else _areas(stones)).reshape(-1)


def _areas(stones: NDArray[np.int8]) -> NDArray[np.int8]:
    """Stones with the empty regions filled in that border on one side only, ``[H, W]``."""
    height, width = stones.shape
    owners = stones.copy()
    seen = stones != 0
    for start in zip(*np.nonzero(stones == 0), strict=True):
        if seen[start]:
            continue
        region, borders, waiting = [], set(), [start]
        seen[start] = True
        while waiting:
            row, column = waiting.pop()
            region.append((row, column))
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if not (0 <= near[0] < height and 0 <= near[1] < width):
                    continue
                if stones[near]:
                    borders.add(int(stones[near]))
                elif not seen[near]:
                    seen[near] = True
                    waiting.append(near)
        if len(borders) == 1:
            owners[tuple(np.array(region).T)] = borders.pop()
    return owners
