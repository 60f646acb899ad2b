"""The game around a position: known facts by hand, final boards by hand, and the way through a dataset's loader."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gameil.dataset.augmentation import Augmentation
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.positions.context import final_owners, with_context, year_of
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import CONTEXT, PositionBatch
from gameil.positions.replay import encode_game
from gameil.records.record import PlayerInfo, Provenance
from tests.strategies import random_game


def batch_of(game: PlayedGame, game_id: int) -> PositionBatch:
    rules = make_game(game.game_id)
    return encode_game(game, ObservationEncoder(rules, EncoderConfig()), game_id=game_id)


def test_context_by_hand() -> None:
    first = replace(
        random_game("tic_tac_toe", 0),
        players=(PlayerInfo("a", 1800), PlayerInfo("b", 2000)),
        date="1999-07-??",
        time_control="600+5",
    )
    second = replace(random_game("tic_tac_toe", 1), players=(PlayerInfo("a"), PlayerInfo("b", 1500)), date=None)
    rows = PositionBatch.concatenate([batch_of(first, 9), batch_of(second, 4)])
    found = with_context(rows, [9, 4], [first, second], final_boards=False)
    assert found.context is not None
    assert found.owners is None
    told = found.conditions(("rating", *CONTEXT))
    for row in range(len(rows)):
        ply, length = int(rows.plies[row]), len((first if rows.game_ids[row] == 9 else second).actions)
        if rows.game_ids[row] == 9:
            expected = [1800 if ply % 2 == 0 else 2000, 2000 if ply % 2 == 0 else 1800, 800, 1999.5, length - ply]
        else:
            expected = [0 if ply % 2 == 0 else 1500, 1500 if ply % 2 == 0 else 0, 0, 0, length - ply]
        assert told[row].tolist() == expected


@pytest.mark.parametrize(
    ("date", "year"), [("2012-??-??", 2012.0), ("2012-07-01", 2012.5), (None, 0.0), ("????", 0.0), ("soon", 0.0)]
)
def test_years(date: str | None, year: float) -> None:
    assert year_of(date) == year


def go_game(moves: list[str], **changes: object) -> PlayedGame:
    state = make_game("go(board_size=3)").initial_state()
    for move in moves:
        state.apply(state.parse(move, "gtp"))
    game = PlayedGame(state.game.id, np.asarray(state.history, np.uint32), Provenance("x", 0))
    return replace(game, **changes)  # type: ignore[arg-type]


def test_final_boards_of_go() -> None:
    # Black stands on the b column, White on c1 alone: a is Black's, c2 and c3 border on both.
    game = go_game(["B1", "C1", "B2", "pass", "B3", "pass", "pass"])
    assert final_owners(game).reshape(3, 3).tolist() == [[1, 1, -1], [1, 1, 0], [1, 1, 0]]
    assert not final_owners(replace(game, termination="resignation")).any()


def test_final_boards_of_othello_are_its_discs_from_each_movers_side() -> None:
    game = random_game("othello", 3)
    state = make_game("othello").initial_state()
    for action in game.actions.tolist():
        state.apply(action)
    assert int(final_owners(game).sum()) * state.returns()[0] >= 0  # the winner has more
    rows = batch_of(game, 0)
    found = with_context(rows, [0], [game], final_boards=True)
    assert found.owners is not None
    for row in range(len(rows)):
        # Who wins in the end has more discs, seen from the mover's side too.
        assert int(found.owners[row].astype(int).sum()) * rows.returns[row] >= 0
    symmetric = Augmentation(make_game("othello"), only_keeping_start=False)
    choices = np.arange(len(rows)) % len(symmetric.symmetries)
    mapped = symmetric.apply(found, choices)
    assert mapped.owners is not None
    for row, choice in enumerate(choices.tolist()):
        expected = found.owners[row][symmetric.symmetries[choice].cells]
        np.testing.assert_array_equal(mapped.owners[row], expected)


def test_games_without_owners_are_refused() -> None:
    with pytest.raises(ConfigError, match="has no owners of cells; go and othello have"):
        final_owners(random_game("tic_tac_toe", 0))


def test_a_loader_hands_them_out(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "d.lmdb", "othello", split=SplitRule(0.0, 0.0)) as writer:
        for seed in range(3):
            writer.add(random_game("othello", seed))
    loader = Loader(
        tmp_path / "d.lmdb",
        "train",
        EncoderConfig(),
        LoaderConfig(batch_size=16, pool_positions=64, final_boards=True),
        augment=True,
    )
    batch = next(loader)
    assert batch.owners is not None
    assert batch.owners.shape == (16, 64)
    assert (batch.conditions(("moves_left",)) > 0).all()
    # Random games seat players of 1500 and 1501, in 2020.
    told = batch.conditions(("rating", "opponent_rating", "year"))
    assert set((told[:, 0] + told[:, 1]).tolist()) == {3001.0}
    assert set(told[:, 2].tolist()) == {2020.0}
