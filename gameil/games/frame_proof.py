"""Proves that observation and action are both in the mover's frame, for games with a board and two players.

Four arguments, each of which an adapter with a wrong frame fails somewhere:

1. *View swap*: what the other player sees is what the mover sees with own and opponent planes exchanged and every
   cell called by its ``opponent_view`` name.
2. *Anchor*: after an action, the mover's view changes at the action's source and target cell, and a placed piece
   shows on the mover's own plane there.
3. *First reply*: where both players' first views are equal, the second player has the first one's legal actions but
   for those that touch the first action; and where all first actions of one player walk to rising rows, the other's do.
4. *Colours*: chess positions with colours exchanged and ranks turned, and Go without komi after a leading pass, look
   and play exactly alike.
"""

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import BoardLayout, Game, State
from gameil.games.registry import make_game
from gameil.seeding import generator

COLOUR_PROBES = 10
"""Every so many plies of a random chess game its position is compared with its colour twin."""


def check_frame(game: Game, *, seed: int, num_games: int) -> None:
    """Checks the four arguments; raises ``AssertionError`` naming the one that fails. Other games pass untested."""
    board = game.board
    if board is None or game.num_players != 2 or not game.capabilities.perfect_information:
        return
    _require(board.own_plane is not None, game, "a board layout without the mover's own plane")
    swap = _ViewSwap(game, board)
    for number in range(num_games):
        rng = generator(seed, "frame", game.id, number)
        state = game.initial_state()
        while not state.is_terminal():
            legal = state.legal_actions()
            action = legal[int(rng.integers(len(legal)))]
            player = state.current_player()
            if player < 0:
                state.apply(action)
                continue
            before = _planes(game, state, player)
            swap.look(before, _planes(game, state, 1 - player))
            state.apply(action)
            _check_anchor(game, board, action, before, _planes(game, state, player))
    swap.conclude()
    _check_first_replies(game, board)
    if game.name == "chess":
        _check_chess_colours(game, generator(seed, "colours", game.id))
    if game.name == "go" and not game.initial_state().current_player():
        _check_go_colours(game, generator(seed, "colours", game.id))


def _require(holds: bool, game: Game, what: str) -> None:
    if not holds:
        raise AssertionError(f"{game.id}: {what}")


def _planes(game: Game, state: State, player: int) -> NDArray[np.float32]:
    """What ``player`` sees, ``[C, H * W]``."""
    out = np.empty(game.observation_shape, dtype=np.float32)
    state.write_observation(out, player)
    return out.reshape(len(out), -1)


def _uniform(planes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Planes that say one number about the whole position, ``[C]``."""
    uniform: NDArray[np.bool_] = (planes == planes[:, :1]).all(axis=1)
    return uniform


class _ViewSwap:
    """Finds, over many states, which plane of one view is which plane of the other."""

    def __init__(self, game: Game, board: BoardLayout) -> None:
        self.game, self.board = game, board
        count = game.observation_shape[0]
        self.possible = np.ones((count, count), dtype=bool)
        self.told = np.zeros(count, dtype=bool)

    def look(self, mine: NDArray[np.float32], theirs: NDArray[np.float32]) -> None:
        renamed = theirs[:, self.board.opponent_view]  # their planes with my names of the cells
        self.possible &= (mine[:, None] == renamed[None]).all(axis=2)
        self.told |= ~_uniform(mine)

    def conclude(self) -> None:
        for plane in np.flatnonzero(self.told):
            partners = np.flatnonzero(self.possible[plane] & self.possible[:, plane])
            _require(len(partners) > 0, self.game, f"view swap: plane {plane} is no plane of the opponent's view")
            if plane == self.board.own_plane:
                _require(plane not in partners, self.game, "view swap: both players see the same own pieces")


def _check_anchor(
    game: Game, board: BoardLayout, action: int, before: NDArray[np.float32], after: NDArray[np.float32]
) -> None:
    changed = np.flatnonzero((before != after)[~(_uniform(before) & _uniform(after))].any(axis=0))
    source, target = board.action_cells[action].tolist()
    for cell in (source, target):
        _require(cell < 0 or cell in changed, game, f"anchor: action {action} changes nothing at its cell {cell}")
    place = int(board.action_index[action])
    if source < 0 and target >= 0:
        _require(after[board.own_plane, target] == 1.0, game, f"anchor: action {action} puts no own piece on {target}")
    elif source < 0 and place >= 0:  # a dropped piece: it rests somewhere in its column
        column = changed % board.width == place % board.width
        _require(len(changed) == 1 and bool(column.all()), game, f"anchor: action {action} drops into another column")


def _check_first_replies(game: Game, board: BoardLayout) -> None:
    start = game.initial_state()
    if start.current_player() < 0:
        return
    first = start.legal_actions()
    views = [_planes(game, start, player) for player in (0, 1)]
    told = ~(_uniform(views[0]) & _uniform(views[1]))
    alike = np.array_equal(views[0][told], views[1][told])
    rows = board.action_cells // board.width
    walkers = bool(np.all(board.action_cells[first, 0] >= 0) and np.all(rows[first, 1] > rows[first, 0]))
    for action in first:
        state = start.clone()
        state.apply(action)
        if state.is_terminal() or state.current_player() == start.current_player():
            continue
        replies = state.legal_actions()
        if walkers:
            rising = bool(np.all(rows[replies, 1] > rows[replies, 0]))
            _require(rising, game, f"first reply: after {action} the second player does not walk to rising rows")
        if alike:
            touched = {int(board.opponent_view[cell]) for cell in board.action_cells[action] if cell >= 0}
            for other in set(first) ^ set(replies):
                cells = set(board.action_cells[other].tolist()) - {-1}
                near = not cells or bool(cells & touched)
                _require(near, game, f"first reply: after {action}, action {other} is legal for one player only")


def _check_same(game: Game, one: State, two: State, what: str) -> None:
    """Two states with exchanged colours: equal to their movers."""
    _require(one.is_terminal() == two.is_terminal(), game, f"colours: {what}: one of the twins has ended")
    if one.is_terminal():
        return
    _require(one.current_player() == 1 - two.current_player(), game, f"colours: {what}: the same player moves in both")
    _require(one.legal_actions() == two.legal_actions(), game, f"colours: {what}: legal actions differ")
    shown = _planes(game, one, one.current_player()), _planes(game, two, two.current_player())
    _require(np.array_equal(shown[0], shown[1]), game, f"colours: {what}: observations differ")


def _check_chess_colours(game: Game, rng: np.random.Generator) -> None:
    state = game.initial_state()
    ply = 0
    while not state.is_terminal():
        if state.current_player() >= 0 and ply % COLOUR_PROBES == 0:
            fen = str(state)
            twins = game.initial_state(fen), game.initial_state(exchange_colours(fen))
            _check_same(game, *twins, fen)
        legal = state.legal_actions()
        state.apply(legal[int(rng.integers(len(legal)))])
        ply += 1


def exchange_colours(fen: str) -> str:
    """The FEN of the same position with White and Black exchanged and the ranks turned."""
    board, mover, castling, en_passant, *counters = fen.split()
    turned = "/".join(reversed(board.swapcase().split("/")))
    mover = "b" if mover == "w" else "w"
    en_passant = en_passant.translate(str.maketrans("36", "63"))
    return " ".join([turned, mover, castling.swapcase(), en_passant, *counters])


def _check_go_colours(game: Game, rng: np.random.Generator) -> None:
    """Without komi, a game after Black's pass is the same game with exchanged colours."""
    size = game.observation_shape[1]
    plain = make_game(f"go(board_size={size},komi=0)")
    one, two = plain.initial_state(), plain.initial_state()
    two.apply(size * size)
    stones = 0
    while not one.is_terminal() and stones < 2 * size * size:
        _check_same(game, one, two, f"after {stones} moves")
        legal = one.legal_actions()
        action = legal[int(rng.integers(len(legal)))]
        if action == size * size and stones == 0:
            continue  # a pass after the leading pass would end one of them
        one.apply(action)
        two.apply(action)
        stones += 1
