"""Tournaments: pairings, tables, rankings, failures that count for nobody, resuming, opening suites."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.agents.agent import Decisions, Request
from gameil.agents.random import RandomAgent
from gameil.arena.cross_table import cross_table, standing_values
from gameil.arena.opening_suites import OpeningsConfig, dataset_openings, file_openings
from gameil.arena.tournament import Tally, planned_rounds, rankings, swiss_round
from gameil.cli.main import main
from gameil.errors import AgentError, ConfigError, EngineError, EngineTimeoutError
from gameil.games.registry import make_game
from gameil.rollout.end_rules import EndConfig
from gameil.rollout.matches import MatchResult, Pairing, finished, play_matches
from gameil.stages.tournament import TournamentConfig

GAME = make_game("tic_tac_toe")


class Failing(RandomAgent):
    """Fails in one game, at its second move."""

    def __init__(self, game: int, error: AgentError | None) -> None:
        super().__init__("failing")
        self._game = game
        self._error = error

    def act(self, requests: Sequence[Request]) -> Decisions:
        decisions = super().act(requests)
        for row, request in enumerate(requests):
            if request.game == self._game and len(request.state.history) >= 2:
                if self._error is not None:
                    raise self._error
                decisions.actions[row] = request.state.history[0]
        return decisions


class Stating(RandomAgent):
    """Says what it thinks of its position."""

    def __init__(self, name: str, value: float) -> None:
        super().__init__(name)
        self._value = value

    def act(self, requests: Sequence[Request]) -> Decisions:
        decisions = super().act(requests)
        values = np.full(len(requests), self._value, np.float32)
        return Decisions(decisions.actions, decisions.behaviour_log_probs, decisions.action_probs, values)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(EngineError("died"), "crash"), (EngineTimeoutError("hung"), "timeout"), (None, "illegal")],
)
def test_a_failure_ends_its_own_game_only_and_counts_for_nobody(error: AgentError | None, kind: str) -> None:
    agents = (Failing(2, error), RandomAgent())
    pairings = [Pairing(match, agents) for match in range(5)]
    plain = {
        r.pairing.match: r
        for r in play_matches(GAME, [Pairing(m, (RandomAgent("failing"), agents[1])) for m in range(5)], seed=1)
    }
    results = {r.pairing.match: r for r in play_matches(GAME, pairings, seed=1, ends=EndConfig(record_failures=True))}
    for match in (0, 1, 3, 4):
        assert results[match].played.actions.tolist() == plain[match].played.actions.tolist()
    failed = results[2]
    assert failed.failure is not None
    assert (failed.failure.kind, failed.failure.seat, failed.ending) == (kind, 0, "failure")
    assert failed.returns == (0.0, 0.0)
    assert failed.played.returns is None
    assert kind in failed.played.tags["FAILURE"]
    tally = Tally(2)
    tally.add((0, 1), failed)
    assert tally.games.sum() == 0
    assert tally.failures[kind].tolist() == [1, 0]
    with pytest.raises(AgentError):
        list(play_matches(GAME, pairings, seed=1))


def test_resignation_and_agreed_draws() -> None:
    resign = EndConfig(resign_value=0.9, resign_moves=2)
    hopeless, happy = Stating("hopeless", -0.95), Stating("happy", 0.5)
    (lost,) = play_matches(GAME, [Pairing(0, (happy, hopeless))], seed=0, ends=resign)
    assert (lost.ending, lost.returns, len(lost.played.actions)) == ("resignation", (1.0, -1.0), 3)
    assert lost.played.termination == "resignation"
    both = EndConfig(resign_value=0.9, resign_moves=2, resign_agreed=True)
    (unsure,) = play_matches(GAME, [Pairing(0, (happy, hopeless))], seed=0, ends=both)
    assert unsure.ending == "rules", "who does not see its win keeps the game going"
    (agreed,) = play_matches(GAME, [Pairing(0, (Stating("sure", 0.95), hopeless))], seed=0, ends=both)
    assert agreed.ending == "resignation"
    with pytest.raises(ConfigError, match="resign_agreed needs a resign_value"):
        EndConfig(resign_agreed=True)
    even = EndConfig(draw_value=0.1, draw_plies=3, draw_after=2)
    level = Stating("level", 0.05)
    (drawn,) = play_matches(GAME, [Pairing(0, (level, level))], seed=0, ends=even)
    assert (drawn.ending, drawn.returns, len(drawn.played.actions)) == ("agreed", (0.0, 0.0), 2)
    (played,) = play_matches(GAME, [Pairing(0, (level, RandomAgent()))], seed=0, ends=even)
    assert played.ending == "rules", "who states no value agrees to nothing"
    slow = EndConfig(move_seconds=1e-9, record_failures=True)
    (late,) = play_matches(GAME, [Pairing(0, (level, level))], seed=0, ends=slow)
    assert late.failure is not None
    assert late.failure.kind == "timeout"


def test_plans() -> None:
    (everybody,) = planned_rounds("round_robin", 4) or []
    assert [(each.first, each.second) for each in everybody] == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    (one,) = planned_rounds("gauntlet", 4) or []
    assert [(each.number, each.first, each.second) for each in one] == [(0, 0, 1), (1, 0, 2), (2, 0, 3)]
    assert planned_rounds("swiss", 4) is None


@given(st.integers(2, 9), st.integers(1, 8), st.randoms(use_true_random=False))
def test_swiss_pairs_everybody_and_repeats_only_when_it_must(agents: int, rounds: int, luck: object) -> None:
    points, met, byes = [0.0] * agents, set[frozenset[int]](), [0] * agents
    for turn in range(rounds):
        pairs = swiss_round(points, met, byes, turn)
        playing = [agent for each in pairs for agent in (each.first, each.second)]
        assert len(set(playing)) == len(playing) == agents - agents % 2
        again = [each for each in pairs if frozenset((each.first, each.second)) in met]
        assert turn or not again
        met |= {frozenset((each.first, each.second)) for each in pairs}
        byes = [count + (agent not in playing) for agent, count in enumerate(byes)]
        points = [each + luck.random() for each in points]  # type: ignore[attr-defined]
        assert max(byes) - min(byes) <= 1


def _result(returns: tuple[float, float]) -> MatchResult:
    pairing = Pairing(0, (RandomAgent("a"), RandomAgent("b")))
    return finished(GAME, pairing, [0], returns=returns, truncated=False, moves={}, seconds={}, match_id="x")


def test_tables_and_rankings_by_hand() -> None:
    tally = Tally(3)
    for returns in [(1.0, -1.0)] * 3 + [(0.0, 0.0)] * 2 + [(-1.0, 1.0)]:
        tally.add((0, 1), _result(returns))
        tally.add((2, 1), _result(returns))
        tally.add((2, 0), _result((1.0, -1.0)))
    assert tally.wins.tolist() == [[0, 3, 0], [1, 0, 1], [6, 3, 0]]
    assert tally.draws.tolist() == [[0, 2, 0], [2, 0, 2], [0, 2, 0]]
    assert tally.points.tolist() == [4.0, 4.0, 10.0]
    ranked = rankings(tally, anchor=1, anchor_elo=1000.0, prior_games=1.0)
    assert ranked.elo is not None
    assert ranked.alpha_rank is not None
    assert ranked.elo.elo[1] == pytest.approx(1000.0)
    assert int(np.argmax(ranked.elo.elo)) == int(np.argmax(ranked.alpha_rank)) == 2
    nobody = rankings(Tally(3), anchor=None, anchor_elo=0.0, prior_games=1.0)
    assert (nobody.rated, nobody.elo, nobody.alpha_rank, nobody.nash) == ((), None, None, None)
    # Somebody who failed in every game does not take the others' ratings away.
    tally = Tally(4)
    for returns in ((1.0, -1.0), (0.0, 0.0)):
        tally.add((1, 3), _result(returns))
    ranked = rankings(tally, anchor=0, anchor_elo=50.0, prior_games=1.0)
    assert ranked.rated == (1, 3)
    assert ranked.elo is not None
    assert ranked.elo.elo.sum() == pytest.approx(0.0, abs=1e-9)
    rows = standing_values(["a", "b", "c", "d"], tally, ranked)
    assert [row["agent"] for row in rows] == ["b", "d", "a", "c"]
    assert ["elo" in row for row in rows] == [True, True, False, False]
    assert "Nash average: b 1.00" in cross_table({"table": rows})


ARGUMENTS = ["tournament", "--game", "tic_tac_toe", "--agents", "random", "mcts:5", "mcts:50", "--games", "6"]


def _tournament(runs: Path, name: str, *more: str) -> dict:
    assert main([*ARGUMENTS, "--runs", str(runs), "--name", name, "--json", "--quiet", *more]) == 0
    return json.loads((runs / name / "results.json").read_text())


@pytest.mark.parametrize("kind", ["round_robin", "gauntlet", "swiss"])
def test_a_tournament_from_the_command_line(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = _tournament(tmp_path, "a", "--kind", kind, "--rounds", "2", "--anchor", "random", "--anchor-elo", "100")
    again = _tournament(tmp_path, "b", "--kind", kind, "--rounds", "2", "--anchor", "random", "--anchor-elo", "100")
    assert first["table"] == again["table"], "equal seeds give equal games"
    games = [(tmp_path / name / "records" / "games.jsonl").read_text() for name in ("a", "b")]
    assert games[0] == games[1]
    assert first["games"] == {"round_robin": 18, "gauntlet": 12, "swiss": 12}[kind]
    (anchor,) = (row for row in first["table"] if row["agent"] == "random")
    assert anchor["elo"] == pytest.approx(100.0)
    assert sum(row["points"] for row in first["table"]) == first["games"]
    capsys.readouterr()
    assert main([*ARGUMENTS, "--runs", str(tmp_path), "--quiet"]) == 0
    table = capsys.readouterr().out
    assert all(word in table for word in ("1 mcts:50", "95 % interval", "Nash average", "alpha-rank"))


def test_an_interrupted_tournament_goes_on(tmp_path: Path) -> None:
    whole = _tournament(tmp_path, "whole", "--kind", "swiss", "--rounds", "2")
    _tournament(tmp_path, "cut", "--kind", "swiss", "--rounds", "2")
    matches = tmp_path / "cut" / "matches.jsonl"
    lines = matches.read_bytes().splitlines(keepends=True)
    matches.write_bytes(b"".join(lines[:5]) + lines[5][:10])  # as a kill leaves it
    (tmp_path / "cut" / "results.json").unlink()
    resumed = _tournament(tmp_path, "cut", "--kind", "swiss", "--rounds", "2", "--resume")
    assert resumed["table"] == whole["table"]
    assert len(matches.read_bytes().splitlines()) == len(lines)


def test_openings_come_from_files_and_datasets(tmp_path: Path) -> None:
    game = make_game("connect_four")
    records, dataset = tmp_path / "games.jsonl", tmp_path / "games.lmdb"
    arguments = ["--game", "connect_four", "--agent", "random", "--games", "30", "--openings.plies", "0"]
    assert main(["record", *arguments, "--out", str(records), "--runs", str(tmp_path), "--quiet"]) == 0
    openings = file_openings(records, game, plies=3)
    assert len(openings) == len({opening.actions for opening in openings}) <= 30
    assert all(len(opening.actions) == 3 for opening in openings)
    with pytest.raises(ConfigError, match="opening 1: ends the game"):
        file_openings(records, game)
    with pytest.raises(ConfigError, match=r"opening 1: ply \d+ is not legal in tic_tac_toe"):
        file_openings(records, make_game("tic_tac_toe"))
    assert main(["ingest", str(records), "--game", "connect_four", "--out", str(dataset), "--quiet"]) == 0
    frequent = dataset_openings(dataset, game, 5, plies=1)
    firsts = [json.loads(line)["moves"][0] for line in records.read_text().splitlines() if '"moves"' in line]
    counts = sorted((firsts.count(move) for move in set(firsts)), reverse=True)
    state = game.initial_state()
    assert [firsts.count(state.text(opening.actions[0])) for opening in frequent] == counts[:5]
    with pytest.raises(ConfigError, match="longer than 60 plies"):
        dataset_openings(dataset, game, 5, plies=60)
    suite = ["--openings.dataset", str(dataset), "--openings.plies", "2", "--runs", str(tmp_path), "--quiet"]
    assert main(["tournament", *arguments[:2], "--agents", "random", "mcts:5", "--games", "4", *suite, "--json"]) == 0


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"agents": ("random",)}, "at least 2 agents"),
        ({"agents": ("random", "random")}, "in the tournament twice"),
        ({"games": 5}, "games must be even"),
        ({"anchor": "mcts:7"}, "is not one of the agents"),
    ],
)
def test_bad_tournaments_are_refused(changed: dict, complaint: str) -> None:
    with pytest.raises(ConfigError, match="not from both"):
        OpeningsConfig(file=Path("a"), dataset=Path("b"))
    with pytest.raises(ConfigError, match=complaint):
        TournamentConfig(**{"game": "tic_tac_toe", "agents": ("random", "mcts:5"), **changed})
