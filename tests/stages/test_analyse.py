"""``gameil analyse`` for every kind of agent, through the command line."""

import json
from pathlib import Path

import pytest

from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.cli.main import main
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    game, config = make_game("connect_four"), ModelConfig(channels=8, blocks=1)
    encoder = EncoderConfig()
    model = build_model(config, game, ObservationEncoder(game, encoder).shape)
    save_snapshot(tmp_path / "new", model, SnapshotCard(game_id=game.id, model=config, encoder=encoder))
    return tmp_path / "new"


def analysis(capsys: pytest.CaptureFixture[str], *argv: str) -> dict:
    assert main(["analyse", "--json", *argv]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_search_proves_what_it_can(snapshot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """x has three in column 0; an untrained network's search finds the fourth and nothing else matters."""
    argv = ("--game", "connect_four", "--agent", f"snapshot:{snapshot},search=200", "--moves", "0 1 0 1 0 2")
    found = analysis(capsys, *argv)
    assert (found["value"], found["known"], found["player"]) == (1.0, True, 0)
    best = found["moves"][0]
    assert (best["move"], best["weight"], best["value"], best["line"]) == ("x0", 1.0, 1.0, ["x0"])
    assert len(found["moves"]) == 5
    assert main(["analyse", *argv]) == 0
    out = capsys.readouterr().out
    assert "seat 0 to move, value +1.000 (proven)" in out
    assert any(line.split()[:2] == ["x0", "100.0%"] for line in out.splitlines())


def test_visits_values_priors_and_lines_agree(snapshot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("--game", "connect_four", "--agent", f"snapshot:{snapshot},search=150", "--top", "7", "--line", "3")
    found = analysis(capsys, *argv)
    moves = found["moves"]
    assert sum(move["visits"] for move in moves) == 150
    assert sum(move["weight"] for move in moves) == pytest.approx(1.0, abs=1e-5)
    assert sum(move["prior"] for move in moves) == pytest.approx(1.0, abs=1e-5)
    assert [move["visits"] for move in moves] == sorted((move["visits"] for move in moves), reverse=True)
    assert all(move["line"][0] == move["move"] and 1 <= len(move["line"]) <= 3 for move in moves)
    assert analysis(capsys, *argv) == found


def test_a_bare_network(snapshot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("--game", "connect_four", "--agent", f"snapshot:{snapshot}", "--moves", "0 1 0 1 0 2", "--top", "7")
    moves = {move["move"]: move for move in analysis(capsys, *argv)["moves"]}
    assert moves["x0"]["value"] == 1.0  # the game is over there, and the network is not asked
    assert moves["x0"]["line"] == ["x0"]
    assert all(-1.0 <= move["value"] <= 1.0 and move["visits"] is None for move in moves.values())
    assert sum(move["prior"] for move in moves.values()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("agent", ["mcts:500", "builtin:medium"])
def test_rollouts(agent: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = analysis(capsys, "--game", "tic_tac_toe", "--agent", agent, "--moves", "x(0,0) o(1,1) x(0,1) o(2,2)")
    assert (found["value"], found["moves"][0]["move"], found["moves"][0]["line"]) == (1.0, "x(0,2)", ["x(0,2)"])


def test_chess_from_a_position(capsys: pytest.CaptureFixture[str]) -> None:
    fen = "6k1/5ppp/8/8/8/8/8/R6K w - - 0 1"
    found = analysis(capsys, "--game", "chess", "--fen", fen, "--agent", "mcts:60", "--moves", "Kg1 h6", "--top", "2")
    assert all(move["move"][0] in "RK" for move in found["moves"])  # in SAN, for White again
    assert found["player"] == 0


def test_an_agent_that_only_moves_and_hidden_information(capsys: pytest.CaptureFixture[str]) -> None:
    found = analysis(capsys, "--game", "tic_tac_toe", "--agent", "random", "--top", "9", "--line", "2")
    assert [move["weight"] for move in found["moves"]] == pytest.approx([1 / 9] * 9)
    assert found["value"] is None
    found = analysis(capsys, "--game", "kuhn_poker", "--agent", "mcts:50", "--moves", "0 1")
    assert len(found["moves"]) == 1


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("--game", "tic_tac_toe", "--moves", "x(0,0) o(0,0)"), "illegal"),
        (("--game", "tic_tac_toe", "--moves", "x(0,0),o(1,0), x(0,1) o(1,1) x(0,2) o(2,2)"), "the game is over"),
        (("--game", "kuhn_poker"), "chance moves next"),
        (("--game", "tic_tac_toe", "--top", "0"), "--top and --line must be at least 1"),
        (("--game", "tic_tac_toe", "--fen", "x"), "no written start positions"),
    ],
)
def test_refusals(argv: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", "--agent", "random", *argv]) == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1
