"""Proves declared symmetries: they form a group, and mapped games are games with mapped observations."""

import numpy as np

from gameil.games.game import Game, Symmetry
from gameil.seeding import generator


def check_symmetries(game: Game, *, seed: int, num_games: int) -> None:
    """Checks all ``game.symmetries()``; raises ``AssertionError`` naming the one that fails."""
    symmetries = game.symmetries()
    _require(len(symmetries) >= 1, game, "has no symmetries, not even the identity")
    board = game.board
    cells = board.height * board.width if board is not None else 0
    for symmetry in symmetries:
        for what, array, size in (("cells", symmetry.cells, cells), ("actions", symmetry.actions, game.num_actions)):
            whole = array.shape == (size,) and np.array_equal(np.sort(array), np.arange(size))
            _require(whole, game, f"symmetry {symmetry.name}: {what} is no permutation of {size}")
    first = symmetries[0]
    moves_nothing = np.array_equal(first.cells, np.arange(cells)) and np.array_equal(
        first.actions, np.arange(game.num_actions)
    )
    _require(moves_nothing and first.keeps_start, game, "the first symmetry is not the identity")
    _check_group(game)
    for number in range(num_games):
        for symmetry in symmetries:
            if symmetry.keeps_start and symmetry is not first:
                _check_mapped_game(game, symmetry, generator(seed, "symmetry", game.id, number))


def _require(holds: bool, game: Game, what: str) -> None:
    if not holds:
        raise AssertionError(f"{game.id}: {what}")


def _check_group(game: Game) -> None:
    """One after the other is again one of them; so are inverses, because the set is finite."""
    found = list(game.symmetries())
    known = {(each.cells.tobytes(), each.actions.tobytes()) for each in found}
    _require(len(known) == len(found), game, "two symmetries are the same map")
    for one in found:
        for two in found:
            # The board shown after `one` then `two`, and where an action goes.
            cells, actions = one.cells[two.cells], two.actions[one.actions]
            closed = (cells.tobytes(), actions.tobytes()) in known
            _require(closed, game, f"symmetries {one.name} then {two.name} give none of them")


def _check_mapped_game(game: Game, symmetry: Symmetry, rng: np.random.Generator) -> None:
    """A random game and its mapped twin: legal actions and observations stay mapped to the end."""
    state, twin = game.initial_state(), game.initial_state()
    shown = np.empty((2, *game.observation_shape), dtype=np.float32)
    where = f"symmetry {symmetry.name}"
    while not state.is_terminal():
        _require(not twin.is_terminal(), game, f"{where}: the mapped game ends early")
        mapped = sorted(symmetry.actions[state.legal_actions()].tolist())
        _require(twin.legal_actions() == mapped, game, f"{where}: legal actions are not mapped")
        state.write_observation(shown[0])
        twin.write_observation(shown[1])
        planes = shown.reshape(2, game.observation_shape[0], -1)
        _require(np.array_equal(planes[0][:, symmetry.cells], planes[1]), game, f"{where}: observation is not mapped")
        legal = state.legal_actions()
        action = legal[int(rng.integers(len(legal)))]
        state.apply(action)
        twin.apply(int(symmetry.actions[action]))
    same = twin.is_terminal() and np.array_equal(state.returns(), twin.returns())
    _require(same, game, f"{where}: the mapped game ends differently")
