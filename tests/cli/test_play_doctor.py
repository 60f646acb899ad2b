"""A person at the terminal, and the doctor."""

import io
import json

import pytest

from gameil.cli.doctor import declared_packages
from gameil.cli.main import main
from gameil.errors import NotationError
from gameil.games.registry import make_game
from gameil.games.typed_moves import read_move


def test_a_whole_game_from_prepared_moves(capsys: pytest.CaptureFixture[str]) -> None:
    # Against a random agent: four in column 3 unless it lands there; the last line is the result either way.
    argv = ["play", "--game", "tic_tac_toe", "--agent", "mcts:200", "--seat", "1", "--seed", "3"]
    assert main([*argv, "--moves", "quit"]) == 0
    out = capsys.readouterr().out
    assert "agent plays x(" in out
    assert out.endswith("stopped\n")


def test_commands_moves_and_mistakes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    typed = "help\nmoves\n3\nundo\nundo\n2\nnonsense\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert main(["play", "--game", "connect_four", "--agent", "random"]) == 0
    out = capsys.readouterr().out
    for text in ("take back your last move", "x0 x1 x2 x3", "you play x3", "taken back", "nothing to take back"):
        assert text in out
    assert "'nonsense'" in out
    assert out.count("0 1 2 3 4 5 6") == 4  # start, after the agent's answer, after undo, after its next answer
    assert out.endswith("stopped\n")


def test_a_game_to_its_end_says_who_won(capsys: pytest.CaptureFixture[str]) -> None:
    # The weakest opponent there is: both fill columns until somebody wins, whoever it is.
    columns = " ".join(str(column) for column in (0, 1, 2, 3, 4, 5, 6) * 3)
    code = main(["play", "--game", "connect_four", "--agent", "random", "--seed", "5", "--moves", columns])
    out = capsys.readouterr().out
    assert code == 0
    assert any(text in out.splitlines()[-1] for text in ("you win (returns", "you lose (returns", "a draw (returns"))


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--game", "conect_four"], "conect_four"),
        (["--game", "connect_four", "--seat", "2"], "--seat 2: connect_four has seats 0 to 1"),
        (["--game", "connect_four", "--agent", "wizard"], "wizard"),
        (["--game", "connect_four", "--agent", "random", "--moves", "9"], "'9'"),
    ],
)
def test_bad_input_is_one_line(argv: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", *argv]) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


def test_chess_moves_keep_their_case() -> None:
    """``bxc3`` is a pawn's move and ``Bxc3`` a bishop's; both are legal here and mean different moves."""
    state = make_game("chess").initial_state("4k3/8/8/8/1B6/2p5/1P6/4K3 w - - 0 1")
    pawn, bishop = (read_move(state, text, ("san", "uci")) for text in ("bxc3", "Bxc3"))
    assert pawn != bishop
    assert read_move(state, "b2c3", ("san", "uci")) == pawn
    with pytest.raises(NotationError):
        read_move(state, "b2b4", ("san", "uci"))


def test_doctor_reports_everything_gameil_declares(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert {"gameil", "python", "games", "cpu", "cuda", "stockfish", "gnugo"} <= set(findings)
    assert all(name in findings for name, _ in declared_packages())
    assert findings["torch"]["needed"]
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.count("\n") == len(findings)
