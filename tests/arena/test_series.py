"""Series: pairing, scores by hand, intervals, resuming; openings that differ and are fair."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.agents.agent import Decisions, Request
from gameil.agents.random import RandomAgent
from gameil.agents.spec import build_agent
from gameil.arena.ladder import checked_levels
from gameil.arena.match_log import MatchLog
from gameil.arena.openings import Opening, default_plies, random_openings
from gameil.arena.sequential import OrderedTest
from gameil.arena.series import play_series, seat_score, series_pairings, summarise
from gameil.arena.tables import series_table, series_values
from gameil.errors import AgentError, ConfigError, EngineTimeoutError
from gameil.games.registry import make_game
from gameil.ratings.intervals import score_interval
from gameil.ratings.sprt import SprtConfig
from gameil.rollout.end_rules import EndConfig
from gameil.rollout.matches import MatchResult, finished


def _results(returns: list[tuple[float, ...]], *, truncated: tuple[int, ...] = ()) -> list[MatchResult]:
    game = make_game("tic_tac_toe" if len(returns[0]) == 2 else "leduc_poker(players=3)")
    pairings = series_pairings(game, RandomAgent("a"), RandomAgent("b"), games=len(returns), seed=0)
    return [
        finished(
            game,
            pairing,
            [0],
            returns=each,
            truncated=pairing.match in truncated,
            moves={"a": 3, "b": 2},
            seconds={"a": 0.3, "b": 0.1},
            match_id="x",
        )
        for pairing, each in zip(pairings, returns, strict=True)
    ]


def test_counts_by_hand() -> None:
    # The agent sits in seat 0 of even matches and seat 1 of odd ones: win, win, draw, loss, loss, win.
    returns = [(1.0, -1.0), (-1.0, 1.0), (0.0, 0.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, 1.0)]
    result = summarise(make_game("tic_tac_toe"), "a", "b", _results(returns, truncated=(2,)), seconds=2.0)
    assert (result.wins, result.draws, result.losses, result.truncated) == (3, 1, 2, 1)
    assert result.score == pytest.approx(3.5 / 6)
    assert result.interval.low == pytest.approx(score_interval(3, 1, 2).low)
    assert result.mean_return == pytest.approx((1 + 1 + 0 - 1 - 1 + 1) / 6)
    assert result.agent_seconds_per_move == pytest.approx(0.1)
    assert result.opponent_seconds_per_move == pytest.approx(0.05)
    values = series_values(result)
    assert values["games"] == 6
    assert values["games_per_second"] == 3.0
    table = series_table([values])
    assert "58.3 %" in table
    assert "1 games were stopped at the limit on plies and count as draws" in table


def test_pairs_are_the_unit_of_the_pair_interval() -> None:
    # Seat 0 always wins: 20 games of 10 openings, every pair split. Games look spread, pairs do not.
    returns = [(1.0, -1.0)] * 20
    result = summarise(make_game("tic_tac_toe"), "a", "b", _results(returns), seconds=1.0)
    assert (result.wins, result.losses, result.score, result.elo) == (10, 10, 0.5, 0.0)
    width = result.pair_interval.high - result.pair_interval.low
    assert width < 0.8 * (result.interval.high - result.interval.low)
    assert result.elo_pair_interval.low > result.elo_interval.low


def test_three_players_compare_with_each_other_seat() -> None:
    # Seats of the agent: 0, 1, 2. Best of three: 1; second with one equal: ¾... by hand below.
    returns = [(2.0, -1.0, -1.0), (0.0, 0.0, 0.0), (3.0, -4.0, 1.0)]
    result = summarise(make_game("leduc_poker(players=3)"), "a", "b", _results(returns), seconds=1.0)
    assert result.score == pytest.approx((1.0 + 0.5 + 0.5) / 3)
    assert (result.wins, result.draws, result.losses) == (2, 1, 0)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=5))
def test_scores_of_all_seats_average_one_half(returns: list[int]) -> None:
    values = tuple(float(value) for value in returns)
    scores = [seat_score(values, seat) for seat in range(len(values))]
    assert sum(scores) / len(scores) == pytest.approx(0.5)


@pytest.mark.parametrize("game_id", ["connect_four", "leduc_poker(players=3)", "backgammon", "tic_tac_toe"])
def test_every_opening_is_played_from_every_seat(game_id: str) -> None:
    game = make_game(game_id)
    agent, other = RandomAgent("a"), RandomAgent("b")
    players = game.num_players
    pairings = list(series_pairings(game, agent, other, games=4 * players, seed=1))
    for group in range(4):
        members = pairings[group * players : (group + 1) * players]
        assert len({(pairing.opening, pairing.chance) for pairing in members}) == 1
        assert [pairing.seats.index(agent) for pairing in members] == list(range(players))
        assert all(pairing.seats.count(agent) == 1 for pairing in members)
    if game_id == "connect_four":
        assert len({pairing.opening for pairing in pairings}) == 4


@pytest.mark.parametrize("game_id", ["connect_four", "chess", "go(board_size=9)", "tic_tac_toe"])
def test_openings_are_distinct_legal_and_unfinished(game_id: str) -> None:
    game = make_game(game_id)
    count = 9 if game_id == "tic_tac_toe" else 50
    openings = random_openings(game, count, plies=default_plies(game), seed=3)
    pictures = set()
    for opening in openings:
        state = game.initial_state()
        for action in opening.actions:
            state.apply(action)
        assert not state.is_terminal()
        pictures.add(str(state))
    assert len(pictures) >= count - (2 if game_id == "tic_tac_toe" else 0)
    assert random_openings(game, 5, plies=default_plies(game), seed=3) == openings[:5]
    assert random_openings(game, 5, plies=default_plies(game), seed=4) != openings[:5]


def test_openings_of_games_that_start_by_chance_are_empty() -> None:
    assert all(not opening.actions for opening in random_openings(make_game("kuhn_poker"), 4, plies=4, seed=0))


def test_more_openings_than_a_game_has_repeat() -> None:
    assert len(random_openings(make_game("tic_tac_toe"), 30, plies=1, seed=0)) == 30


def test_a_deterministic_agent_against_itself_scores_one_half_in_every_pair() -> None:
    class First(RandomAgent):
        def act(self, requests: Sequence[Request]) -> Decisions:
            actions = np.array([request.state.legal_actions()[0] for request in requests])
            return Decisions(actions, np.zeros(len(requests), np.float32))

    agent = First()
    result = play_series(make_game("connect_four"), agent, agent, games=40, seed=1)
    assert result.score == 0.5
    assert result.wins == result.losses > 0
    assert result.pair_interval.high - result.pair_interval.low < 0.2  # 20 even pairs: z² / (20 + z²) = 0.161


def test_the_stronger_agent_wins() -> None:
    game = make_game("connect_four")
    result = play_series(game, build_agent("mcts:100", game), build_agent("random", game), games=40, seed=1)
    assert result.score > 0.9
    assert result.interval.low > 0.5
    assert result.elo > 200
    assert [played.source.offset for played in result.played] == list(range(40))


def test_a_series_resumed_from_its_log_is_the_series(tmp_path: Path) -> None:
    game = make_game("connect_four")
    agent, other = build_agent("mcts:5", game), build_agent("random", game)
    whole = play_series(game, agent, other, games=20, seed=5)
    path = tmp_path / "log" / "matches.jsonl"

    class StoppedError(Exception):
        pass

    seen: list[int] = []

    def stop_after_seven(result: MatchResult) -> None:
        seen.append(result.pairing.match)
        if len(seen) == 7:
            raise StoppedError

    with MatchLog(path) as log, pytest.raises(StoppedError):
        play_series(game, agent, other, games=20, seed=5, log=log, progress=stop_after_seven, concurrency=4)
    with path.open("ab") as file:
        file.write(b'{"match": 19, "act')  # torn by a kill
    played: list[int] = []
    with MatchLog(path) as log:
        assert len(log) == 7
        again = play_series(
            game, agent, other, games=20, seed=5, log=log, progress=lambda result: played.append(result.pairing.match)
        )
    assert sorted(played + seen) == list(range(20))
    assert (again.wins, again.draws, again.losses) == (whole.wins, whole.draws, whole.losses)
    assert again.pair_interval == whole.pair_interval
    for one, two in zip(again.played, whole.played, strict=True):
        assert one.actions.tolist() == two.actions.tolist()
        assert (one.match_id, one.returns, one.tags) == (two.match_id, two.returns, two.tags)
    assert len(path.read_text().splitlines()) == 20


def test_ladder_levels_are_checked() -> None:
    game = make_game("connect_four")
    assert checked_levels(game, ["easy", "beginner"]) == {"easy": "mcts:10", "beginner": "random"}
    with pytest.raises(ConfigError, match="connect_four has no level 'godlike' here; there are beginner, easy"):
        checked_levels(game, ["godlike"])
    with pytest.raises(ConfigError, match="at least 1 game, got 0"):
        play_series(game, RandomAgent(), RandomAgent(), games=0, seed=0)


class FailsOften(RandomAgent):
    """Fails in the games it is told, at its first move."""

    def __init__(self, games: frozenset[int]) -> None:
        super().__init__("failing")
        self._games = games

    def act(self, requests: Sequence[Request]) -> Decisions:
        if any(request.game in self._games for request in requests):
            raise EngineTimeoutError("hung\nup")
        return super().act(requests)


def test_games_that_an_agent_fails_in_count_for_nobody() -> None:
    game, ends = make_game("tic_tac_toe"), EndConfig(record_failures=True)
    result = play_series(game, FailsOften(frozenset({1, 4})), RandomAgent(), games=10, seed=1, ends=ends)
    plain = play_series(game, RandomAgent("failing"), RandomAgent(), games=10, seed=1)
    assert (result.games, len(result.played), result.endings["failure"]) == (8, 10, 2)
    assert [(failure.match, failure.agent, failure.kind) for failure in result.failures] == [
        (1, "failing", "timeout"),
        (4, "failing", "timeout"),
    ]
    kept = [seat_score(played.returns, match % 2) for match, played in enumerate(plain.played) if match not in (1, 4)]  # type: ignore[arg-type]
    assert result.score == pytest.approx(sum(kept) / 8)
    text = series_table([series_values(result)])
    assert "2 games failed and count for nobody: failing 2 timeout; the first: hung up" in text
    with pytest.raises(AgentError, match=r"none of 10 games .* 'failing' failed \(timeout\): hung up"):
        play_series(game, FailsOften(frozenset(range(10))), RandomAgent(), games=10, seed=1, ends=ends)
    with pytest.raises(AgentError, match="hung"):
        play_series(game, FailsOften(frozenset({1})), RandomAgent(), games=10, seed=1)


def test_a_sequential_test_leaves_failed_trials_out() -> None:
    config = SprtConfig(elo0=0.0, elo1=300.0)
    test = OrderedTest(config, 2)
    for match in range(6):
        test.hear(match, None if match == 3 else 1.0)
    assert test.result.counts == (0, 0, 0, 0, 2)
    assert test.games == 6


def test_fewer_openings_than_groups_are_played_again() -> None:
    openings = [Opening((0,)), Opening((1,))]
    pairings = list(
        series_pairings(
            make_game("tic_tac_toe"), RandomAgent("a"), RandomAgent("b"), games=10, seed=0, openings=openings
        )
    )
    assert [pairing.opening for pairing in pairings] == [(0,), (0,), (1,), (1,), (0,), (0,), (1,), (1,), (0,), (0,)]
