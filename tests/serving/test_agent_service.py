"""Agents of a site: by name only, many games in one call, one that fails costs nobody else, few in memory."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gameil.agents.agent import Decisions, Request
from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.errors import AgentError, CheckpointError, ConfigError
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.serving.agent_service import AgentService, Decide, Forget, agent_worker
from gameil.serving.batching import MAX_BATCH, Batcher, Worker
from gameil.serving.opponents import Choice, Opponents


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def snapshot(path: Path, game_id: str = "tic_tac_toe", **model: object) -> Path:
    game = make_game(game_id)
    config = ModelConfig(kind="mlp", hidden=8, **model)  # type: ignore[arg-type]
    network = build_model(config, game, ObservationEncoder(game, EncoderConfig()).shape)
    save_snapshot(path, network, SnapshotCard(game_id=game_id, model=config, encoder=EncoderConfig()))
    return path


def decided(service: AgentService, choice: Choice, state: State) -> int:
    return service.decide(choice, service.new_handle(), state, rng()).result(timeout=60)


def test_waiting_jobs_are_answered_together() -> None:
    """While the first call is held up, all others gather; they go into the next calls, at most ``MAX_BATCH`` each."""
    release = threading.Event()
    sizes: list[int] = []

    def answer(jobs: Sequence[int]) -> list[int]:
        if not sizes:
            release.wait(10)
        sizes.append(len(jobs))
        return [10 * job for job in jobs]

    batcher: Batcher[int, int] = Batcher("test", lambda: Worker(answer))
    first = batcher.submit(0)
    while batcher._jobs.qsize():
        pass
    others = [batcher.submit(job) for job in range(1, 101)]
    release.set()
    assert first.result(10) == 0
    assert [future.result(10) for future in others] == [10 * job for job in range(1, 101)]
    assert sizes == [1, MAX_BATCH, 100 - MAX_BATCH]
    assert batcher.waiting == 0
    batcher.close()
    batcher.join(5)
    with pytest.raises(AgentError):
        batcher.submit(1).result(5)


def test_one_bad_job_costs_only_itself() -> None:
    def answer(jobs: Sequence[int]) -> list[int]:
        if 3 in jobs:
            raise AgentError("three")
        return list(jobs)

    release = threading.Event()

    def build() -> Worker[int, int]:
        release.wait(10)
        return Worker(answer)

    batcher = Batcher("test", build)
    futures = [batcher.submit(job) for job in range(6)]
    release.set()
    results = [future.exception(10) or future.result() for future in futures]
    assert [result for result in results if isinstance(result, int)] == [0, 1, 2, 4, 5]
    assert isinstance(results[3], AgentError)
    batcher.close()


def test_an_agent_that_cannot_be_built_says_why() -> None:
    def build() -> Worker[int, int]:
        raise CheckpointError("torn")

    batcher = Batcher("test", build)
    with pytest.raises(CheckpointError, match="torn"):
        batcher.submit(1).result(10)
    with pytest.raises(CheckpointError, match="torn"):  # and goes on saying so
        batcher.submit(2).result(10)
    batcher.close()


def test_games_begin_once_and_end_when_forgotten() -> None:
    told: list[tuple[str, list[int]]] = []

    class Agent:
        name = "told"

        def begin(self, games: Sequence[int]) -> None:
            told.append(("begin", list(games)))

        def act(self, requests: Sequence[Request]) -> Decisions:
            actions = [request.state.legal_actions()[0] for request in requests]
            return Decisions(np.array(actions), np.zeros(len(actions), np.float32))

        def end(self, games: Sequence[int]) -> None:
            told.append(("end", list(games)))

        def close(self) -> None:
            told.append(("close", []))

    worker = agent_worker(Agent())
    state = make_game("tic_tac_toe").initial_state()
    assert worker.answer([Decide(7, 0, state, rng()), Decide(8, 0, state, rng())]) == [0, 0]
    assert worker.answer([Forget(8), Decide(7, 0, state, rng()), Forget(99)]) == [0, 0, 0]
    worker.close()
    assert told == [("begin", [7, 8]), ("end", [8]), ("close", [])]


def test_only_registered_names_are_agents() -> None:
    """A browser's text is looked up, never read as a spec."""
    service = AgentService({"rookie": "random"})
    game = make_game("connect_four")
    state = game.initial_state()
    assert decided(service, Choice("rookie"), state) in state.legal_actions()
    assert decided(service, Choice("easy"), state) in state.legal_actions()
    for name in ("random", "mcts:10", "uci:stockfish", "snapshot:/tmp/x", "../../etc/passwd", "", "easy,search=9"):
        with pytest.raises(AgentError, match="no agent"):
            decided(service, Choice(name), state)
        with pytest.raises(AgentError, match="no agent"):
            service.check(Choice(name), game)
    with pytest.raises(AgentError, match="no dials"):
        decided(service, Choice("easy", simulations=16), state)
    service.close()


def test_specs_of_the_command_line_are_checked_at_once() -> None:
    with pytest.raises(ConfigError, match="unknown kind"):
        Opponents({"x": "rm -rf"} | {"x": "nonsense:1"})
    with pytest.raises(CheckpointError):
        Opponents({"x": "snapshot:/nowhere"})


def test_snapshots_of_runs_are_found_and_torn_ones_left_out(tmp_path: Path) -> None:
    snapshot(tmp_path / "a" / "snapshots" / "best")
    snapshot(tmp_path / "a" / "snapshots" / "last")
    snapshot(tmp_path / "b" / "dagger" / "snapshots" / "last")
    torn = snapshot(tmp_path / "c" / "snapshots" / "best")
    (torn / "snapshot.json").write_text("{")
    opponents = Opponents({}, runs=tmp_path)
    game = make_game("tic_tac_toe")
    found = [one.name for one in opponents.of(game) if one.kind == "snapshot"]
    assert found == ["a", "b/dagger"]
    assert opponents.spec(Choice("a"), game) == f"snapshot:{tmp_path / 'a/snapshots/best'}"
    assert opponents.analyst(game) == "a"
    assert opponents.analyst(make_game("chess")) is None
    assert "a" not in [one.name for one in opponents.of(make_game("chess"))]


def test_dials_become_options_within_their_bounds(tmp_path: Path) -> None:
    path = snapshot(tmp_path / "s")
    opponents = Opponents({"net": f"snapshot:{path},top_p=0.9"})
    game = make_game("tic_tac_toe")
    assert opponents.spec(Choice("net", human=True), game) == f"snapshot:{path},temperature=1,top_p=0.9"
    assert opponents.spec(Choice("net", simulations=16), game) == f"snapshot:{path},search=16"
    for bad in (Choice("net", simulations=10**6), Choice("net", simulations=-1), Choice("net", rating=1400)):
        with pytest.raises(AgentError):
            opponents.spec(bad, game)
    rated = snapshot(tmp_path / "r", conditions=("rating", "opponent_rating"))
    opponents = Opponents({"net": f"snapshot:{rated}"})
    assert opponents.spec(Choice("net", rating=1400), game).endswith("opponent_rating=1400,rating=1400")
    with pytest.raises(AgentError, match="1401"):
        opponents.spec(Choice("net", rating=1401), game)


def test_few_agents_stay_in_memory() -> None:
    service = AgentService({f"r{number}": "random" for number in range(5)}, max_agents=2)
    state = make_game("tic_tac_toe").initial_state()
    for number in range(5):
        decided(service, Choice(f"r{number}"), state)
        assert len(service._running) <= 2
    before = threading.active_count()
    service.close()
    assert threading.active_count() <= before


def test_thoughts_of_a_network_hold_policy_search_and_value(tmp_path: Path) -> None:
    path = snapshot(tmp_path / "s")
    service = AgentService({"net": f"snapshot:{path}"})
    state = make_game("tic_tac_toe").initial_state()
    for action in (0, 3, 1, 4):  # crosses win by 2
        state.apply(action)
    analysis = service.analyse(state).result(60)
    assert analysis.best == 2
    assert analysis.value == pytest.approx(1.0)
    assert analysis.value_of(1) == pytest.approx(-1.0)
    assert sum(move.policy or 0 for move in analysis.moves) == pytest.approx(1.0, abs=1e-4)
    assert sum(move.search or 0 for move in analysis.moves) == pytest.approx(1.0, abs=1e-4)
    assert len(analysis.moves) == len(state.legal_actions())
    service.close()


@pytest.mark.parametrize("game_id", ["tic_tac_toe", "kuhn_poker"])
def test_thoughts_without_a_network(game_id: str) -> None:
    service = AgentService({})
    state = make_game(game_id).initial_state()
    while state.current_player() < 0:
        state.apply(state.legal_actions()[0])
    analysis = service.analyse(state).result(60)
    assert {move.action for move in analysis.moves} == set(state.legal_actions())
    assert all(move.policy is None for move in analysis.moves)
    assert analysis.value is not None
    assert -1.0 <= analysis.value <= 1.0
    service.close()
