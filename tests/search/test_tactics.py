"""Exactness by the rules alone (uniform policy, every value 0): mates in two, and small games against exact solvers."""

import json
from pathlib import Path

import chess
import numpy as np
import pytest

from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.search.evaluators import uniform_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.result import SearchResult


def search(states: list[State], **config: object) -> SearchResult:
    rngs = [np.random.default_rng(row) for row in range(len(states))]
    return BatchedSearch(uniform_evaluator, SearchConfig(**config)).run(states, rngs)


@pytest.fixture(scope="module")
def mates(repository: Path) -> list[dict[str, str]]:
    text = (repository / "tests" / "goldens" / "mates_in_two.json").read_text(encoding="utf-8")
    return json.loads(text)["positions"]


def mates_at_once(board: chess.Board) -> bool:
    for move in board.legal_moves:
        if board.gives_check(move):
            board.push(move)
            mate = board.is_checkmate()
            board.pop()
            if mate:
                return True
    return False


def forces_mate_in_two(board: chess.Board, move: chess.Move) -> bool:
    """Every one of at least two replies allows mate."""
    board.push(move)
    replies = list(board.legal_moves)
    forced = len(replies) > 1
    for reply in replies:
        board.push(reply)
        forced = forced and mates_at_once(board)
        board.pop()
        if not forced:
            break
    board.pop()
    return forced


def test_the_positions_are_mates_in_two(mates: list[dict[str, str]]) -> None:
    """By exhaustive search with other rules: no mate in one, the key mates in two and no other move does."""
    assert len({mate["fen"] for mate in mates}) == 50
    for mate in mates[::3]:
        board = chess.Board(mate["fen"])
        assert board.is_valid()
        assert not mates_at_once(board)
        keys = [move.uci() for move in list(board.legal_moves) if forces_mate_in_two(board, move)]
        assert keys == [mate["key"]]


def test_every_mate_in_two_is_proven_within_3000_simulations(mates: list[dict[str, str]]) -> None:
    """A slower mate, proven, is a win too; it may be found first in a few of them."""
    states = [make_game("chess").initial_state(mate["fen"]) for mate in mates]
    result = search(states, simulations=3000, look_ahead=True)
    assert result.known.all()
    assert (result.values == 1.0).all()
    assert result.visit_counts.sum(axis=1).max() < 3000
    played = [state.text(int(action), "uci") for state, action in zip(states, result.chosen, strict=True)]
    assert sum(move == mate["key"] for move, mate in zip(played, mates, strict=True)) >= 45


class Solver:
    """Exact values by minimax with a table of positions; stops at a win, the best there is."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}

    def value(self, state: State) -> float:
        """For the player to move, of a state that is not terminal."""
        key = str(state)
        if key not in self._values:
            best = -1.0
            for action in state.legal_actions():
                best = max(best, self.after(state, action))
                if best == 1.0:
                    break
            self._values[key] = best
        return self._values[key]

    def after(self, state: State, action: int) -> float:
        """For the player to move, of an action."""
        mover, child = state.current_player(), state.clone()
        child.apply(action)
        return float(child.returns()[mover]) if child.is_terminal() else -self.value(child)


def positions(game_id: str, number: int, plies: tuple[int, int]) -> list[State]:
    """Different positions after some random moves."""
    rng = np.random.default_rng(7)
    found: dict[str, State] = {}
    while len(found) < number:
        state = make_game(game_id).initial_state()
        for _ in range(int(rng.integers(*plies))):
            if not state.is_terminal():
                state.apply(int(rng.choice(state.legal_actions())))
        if not state.is_terminal():
            found.setdefault(str(state), state)
    return list(found.values())


@pytest.mark.parametrize(
    ("game_id", "number", "plies", "simulations"),
    [("tic_tac_toe", 50, (0, 7), 1200), ("connect_four(rows=4,columns=5)", 24, (10, 16), 2500)],
)
def test_perfect_play(game_id: str, number: int, plies: tuple[int, int], simulations: int) -> None:
    """Every move is as good as the best, and every value that the search says it knows is the exact one.

    Connect four from its middle on: earlier, values of 0 everywhere do not guide 3,000 simulations well enough.
    """
    solver = Solver()
    states = positions(game_id, number, plies)
    result = search(states, simulations=simulations, look_ahead=True)
    for row, state in enumerate(states):
        exact = solver.value(state)
        assert solver.after(state, int(result.chosen[row])) == exact, str(state)
        if result.known[row]:
            assert result.values[row] == exact
    assert result.known.mean() > 0.7


def test_mates_in_two_do_not_need_the_move_to_be_likely(mates: list[dict[str, str]]) -> None:
    """A prior that all but rules the key out delays the proof, and does not prevent it."""
    mate = mates[0]
    state = make_game("chess").initial_state(mate["fen"])
    key = state.parse(mate["key"], "uci")

    def misled(states, legal):
        evaluation = uniform_evaluator(states, legal)
        if key in legal[0] and len(states) == 1 and states[0].history == state.history:
            evaluation.log_probs[legal[0].index(key)] = np.log(1e-3)
        return evaluation

    config = SearchConfig(simulations=3000, look_ahead=True)
    result = BatchedSearch(misled, config).run([state], [np.random.default_rng(0)])
    assert result.known[0]
    assert result.values[0] == 1.0
