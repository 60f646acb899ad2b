"""The kit passes every adapter, and fails each adapter with one defect."""

import numpy as np
import pytest

from gameil.games.conformance import check_game
from gameil.games.frame_proof import check_frame
from gameil.games.game import BoardLayout, Game
from gameil.games.registry import make_game
from tests.games.game_roster import LONG, ROSTER, DefectiveGame, DefectiveState


@pytest.mark.parametrize("game_id", ROSTER)
def test_every_adapter_passes(game_id: str) -> None:
    if game_id.startswith("pettingzoo:"):
        pytest.importorskip("rlcard" if "leduc" in game_id else "pygame")
    check_game(make_game(game_id), num_games=1 if game_id in LONG else 5)


class UnflippedBlack(DefectiveState):
    """The second player's ranks are not turned."""

    def write_observation(self, out, player=None):
        self.inner.write_observation(out, player)
        if (self.inner.current_player() if player is None else player) == 1:
            out[:] = out[:, ::-1].copy()


class AbsoluteColours(DefectiveState):
    """Both players see the first player's view."""

    def write_observation(self, out, player=None):
        self.inner.write_observation(out, player)
        self.inner.write_observation(out, 0)


class AbsoluteCastling(DefectiveState):
    """Castling rights stand in White's order for both."""

    def write_observation(self, out, player=None):
        self.inner.write_observation(out, player)
        if (self.inner.current_player() if player is None else player) == 1:
            out[15:19] = out[[17, 18, 15, 16]]


class EngineIds(DefectiveState):
    """The second player's actions are the engine's ids."""

    def legal_actions(self):
        legal = self.inner.legal_actions()
        return sorted(map(self.inner.to_raw, legal)) if self.inner.current_player() == 1 else legal

    def apply(self, action):
        known = self.inner.current_player() == 1 and action in self.legal_actions()
        self.inner.apply(self.inner.from_raw(action) if known else action)


class Backwards(DefectiveState):
    """The second player's whole frame is upside down, observation and actions consistently."""

    def _turn(self, action):
        source, rest = divmod(int(action), 6)
        row, column = divmod(source, 8)
        return (7 - row) * 48 + column * 6 + rest

    def legal_actions(self):
        legal = self.inner.legal_actions()
        return sorted(map(self._turn, legal)) if self.inner.current_player() == 1 else legal

    def apply(self, action):
        self.inner.apply(self._turn(action) if self.inner.current_player() == 1 else action)

    def write_observation(self, out, player=None):
        self.inner.write_observation(out, player)
        if (self.inner.current_player() if player is None else player) == 1:
            out[:] = out[:, ::-1].copy()


class StaleMask(DefectiveState):
    """Legal actions are those of the first look."""

    def legal_actions(self):
        self.__dict__.setdefault("first", self.inner.legal_actions())
        return self.first


class AcceptsAnything(DefectiveState):
    """Illegal actions are silently taken for the first legal one."""

    def apply(self, action):
        legal = self.inner.legal_actions()
        self.inner.apply(action if action in legal or not legal else legal[0])


class GoesOnAfterTheEnd(DefectiveState):
    """Actions after the end do nothing instead of being refused."""

    def apply(self, action):
        if not self.inner.is_terminal():
            self.inner.apply(action)


class SharedClone(DefectiveState):
    """The clone is the state itself."""

    def clone(self):
        return self


class UnsortedLegal(DefectiveState):
    def legal_actions(self):
        return self.inner.legal_actions()[::-1]


class ForgetsRecent(DefectiveState):
    @property
    def recent(self):
        return self.inner.recent[:1]


class EqualTexts(DefectiveState):
    def text(self, action, notation="action"):
        return self.inner.text(self.inner.legal_actions()[0], notation)


class UnwrittenCell(DefectiveState):
    def write_observation(self, out, player=None):
        self.inner.write_observation(out, player)
        out[..., -1] = np.nan


class LoadedDice(DefectiveState):
    def chance_outcomes(self):
        return [(action, probability * 0.9) for action, probability in self.inner.chance_outcomes()]


class NoReward(DefectiveState):
    def rewards(self):
        return np.zeros(2)


class TellsAll(DefectiveState):
    """Hidden cards shown in the observation but not in the information state."""

    def write_observation(self, out, player=None):
        self.inner.write_observation(out, player)
        out[0] = self.inner.history[1] if len(self.inner.history) > 1 else 0


class KnowsNothing(DefectiveState):
    def information_state(self, player):
        return "nothing"


DEFECTS = [
    ("chess", UnflippedBlack, "anchor"),
    ("breakthrough", UnflippedBlack, "anchor"),
    ("tic_tac_toe", AbsoluteColours, "anchor"),
    ("connect_four", AbsoluteColours, "view swap"),
    ("go(board_size=5)", AbsoluteColours, "anchor"),
    ("chess", AbsoluteCastling, "colours"),
    ("tic_tac_toe", StaleMask, "refuses"),
    ("othello", StaleMask, "refuses"),
    ("tic_tac_toe", AcceptsAnything, "not refused"),
    ("tic_tac_toe", GoesOnAfterTheEnd, "accepted"),
    ("connect_four", SharedClone, "clone"),
    ("othello", UnsortedLegal, "ascending"),
    ("othello", ForgetsRecent, "recent"),
    ("othello", EqualTexts, "read back"),
    ("tic_tac_toe", UnwrittenCell, "not written"),
    ("leduc_poker", LoadedDice, "sum to"),
    ("kuhn_poker", NoReward, "sum of rewards"),
    ("leduc_poker", TellsAll, "different observations"),
    ("liars_dice", KnowsNothing, "equal information"),
]


@pytest.mark.parametrize(("game_id", "defect", "complaint"), DEFECTS)
def test_each_defect_is_found(game_id: str, defect: type[DefectiveState], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_game(DefectiveGame(make_game(game_id), defect), num_games=2 if game_id == "chess" else 10)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("game_id", "defect", "argument"),
    [
        ("hex(board_size=4)", EngineIds, "anchor"),
        ("breakthrough", UnflippedBlack, "anchor"),
        ("chess", AbsoluteCastling, "colours"),
        ("connect_four", AbsoluteColours, "view swap"),
        ("breakthrough", Backwards, "anchor"),
    ],
)
def test_the_frame_alone_gives_it_away(game_id: str, defect: type[DefectiveState], argument: str) -> None:
    with pytest.raises(AssertionError, match=argument):
        check_frame(DefectiveGame(make_game(game_id), defect), seed=0, num_games=1)  # type: ignore[arg-type]


class AbsoluteBreakthrough(DefectiveState):
    """Engine ids and engine rows for both players, consistently: own pieces come first, but one side walks down."""

    def legal_actions(self):
        return sorted(map(self.inner.to_raw, self.inner.legal_actions()))

    def apply(self, action):
        self.inner.apply(self.inner.from_raw(action))

    def write_observation(self, out, player=None):
        self.inner.write_observation(out, player)
        if (self.inner.current_player() if player is None else player) == 1:
            out[:] = out[:, ::-1].copy()


def test_an_absolute_frame_is_found_though_it_is_consistent() -> None:
    game = make_game("breakthrough")
    action = np.arange(768)
    source, direction = action // 12, action % 12 // 2
    row, column = source // 8 + np.where(direction < 3, 1, -1), source % 8 + direction % 3 - 1
    inside = (row >= 0) & (row < 8) & (column >= 0) & (column < 8)
    cells = np.stack([source, np.where(inside, row * 8 + column, -1)], axis=1)
    board = BoardLayout(8, 8, 12, (action % 12) * 64 + source, cells, np.arange(64), own_plane=0)
    absolute = DefectiveGame(game, AbsoluteBreakthrough, board=board, num_actions=768)
    with pytest.raises(AssertionError, match="first reply"):
        check_frame(absolute, seed=0, num_games=1)  # type: ignore[arg-type]


def test_harmless_wrapper_passes() -> None:
    """The defects are found for what they override, not for being wrapped."""
    for game_id in ("tic_tac_toe", "leduc_poker", "chess", "hex(board_size=4)"):
        check_game(DefectiveGame(make_game(game_id), DefectiveState), num_games=2)  # type: ignore[arg-type]


def _swapped_symmetries(game: Game) -> list:
    first, second, *_ = game.symmetries()
    wrong = type(second)(second.name, second.cells, first.actions, keeps_start=True)
    return [first, wrong]


def test_symmetry_of_the_board_alone_is_found() -> None:
    game = make_game("connect_four")
    with pytest.raises(AssertionError, match="symmetr"):
        check_game(DefectiveGame(game, symmetries=lambda: _swapped_symmetries(game)))  # type: ignore[arg-type]


def test_wrong_declarations_are_found() -> None:
    kuhn, hanabi = make_game("kuhn_poker"), make_game("hanabi")
    for game, attributes, complaint in (
        (kuhn, {"capabilities": make_game("tic_tac_toe").capabilities}, "chance node"),
        (kuhn, {"reward_range": (-1.0, 1.0)}, "outside"),
        (kuhn, {"max_game_length": 1}, "longer"),
        (hanabi, {"capabilities": make_game("leduc_poker").capabilities}, "before the end"),
    ):
        with pytest.raises(AssertionError, match=complaint):
            check_game(DefectiveGame(game, **attributes), num_games=20)  # type: ignore[arg-type]
