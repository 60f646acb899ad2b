"""Series that a sequential test ends: order of games, resuming, the command line."""

import itertools
import json
from pathlib import Path

import pytest

from gameil.agents.random import RandomAgent
from gameil.agents.spec import build_agent
from gameil.arena.match_log import MatchLog
from gameil.arena.sequential import OrderedTest
from gameil.arena.series import SeriesResult, play_series
from gameil.cli.main import main
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.ratings.sprt import SprtConfig

CONFIG = SprtConfig(elo0=0.0, elo1=150.0)


def _series(concurrency: int, log: MatchLog | None = None, games: int = 200) -> SeriesResult:
    game = make_game("tic_tac_toe")
    agent = build_agent("mcts:10", game)
    return play_series(game, agent, RandomAgent(), games=games, seed=1, concurrency=concurrency, log=log, sprt=CONFIG)


def test_the_order_in_which_games_end_does_not_matter() -> None:
    scores = [1.0, 0.5, 1.0, 1.0, 0.0, 1.0]
    found = set()
    for order in itertools.permutations(range(6)):
        test = OrderedTest(CONFIG, 2)
        for match in order:
            test.hear(match, scores[match])
        found.add((test.games, test.result.counts))
    assert found == {(6, (0, 0, 1, 1, 1))}
    with pytest.raises(ConfigError, match="two players, not 3"):
        OrderedTest(CONFIG, 3)


def test_a_series_stops_early_and_alike_however_it_is_played(tmp_path: Path) -> None:
    alone = _series(1)
    assert alone.sprt is not None
    assert alone.sprt.decision == "H1"
    assert alone.games == 2 * alone.sprt.trials < 200
    together = _series(16)
    assert together.sprt == alone.sprt
    assert (together.wins, together.draws, together.losses) == (alone.wins, alone.draws, alone.losses)
    with MatchLog(tmp_path / "matches.jsonl") as log:
        assert _series(2, log, games=6).sprt != alone.sprt
    with MatchLog(tmp_path / "matches.jsonl") as log:
        assert len(log) == 6
        resumed = _series(2, log)
        assert resumed.sprt == alone.sprt
    with MatchLog(tmp_path / "matches.jsonl") as log:
        before = len(log)
        assert _series(2, log).sprt == alone.sprt
        assert len(log) == before, "a decided test plays nothing more"


def test_evaluate_takes_a_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--game", "tic_tac_toe", "--agent", "random", "--against", "mcts:20", "--games", "300"]
    bounds = ["--sprt.elo0", "0", "--sprt.elo1", "150", "--runs", str(tmp_path)]
    assert main([*arguments, *bounds, "--name", "a", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["sprt"]["decision"] == "H0"
    assert results["games"] < 300
    assert main([*arguments, *bounds, "--name", "b"]) == 0
    assert "accepted H0, no stronger than elo0" in capsys.readouterr().out
    assert main([*arguments, "--sprt.elo0", "5", "--runs", str(tmp_path)]) == 2
    assert "needs both elo0 and elo1" in capsys.readouterr().err
