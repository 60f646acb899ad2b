"""Match jobs with real networks: seats, openings, trajectories, records, caches, hashes, copies that never change."""

from pathlib import Path

import numpy as np
import pytest

from gameil.checkpoints.snapshot import load_snapshot
from gameil.errors import CheckpointError
from gameil.games.registry import make_game
from gameil.league.config import LeagueConfig
from gameil.league.learning import NetworkLearner, save_start
from gameil.league.match_jobs import Entrant, MatchOutcome, MatchTask, RecentlyUsed, snapshot_hash, start_league_worker
from gameil.learners.ppo import PpoConfig
from gameil.models.config import ModelConfig
from gameil.records.formats import read_records
from gameil.rollout.trajectories import Trajectories, join_trajectories
from gameil.rollout.workers import Job

CONFIG = LeagueConfig(
    game="tic_tac_toe", model=ModelConfig(kind="mlp", size="tiny"), ppo=PpoConfig(warmup_steps=0, minibatch=64)
)
GAME = make_game("tic_tac_toe")


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("league") / "start"
    save_start(CONFIG, GAME, path)
    return path


def task(start: Path, away: Entrant | None = None, **changes: object) -> MatchTask:
    home = Entrant("main-0", snapshot_hash(start))
    values = {"learns": True, "games": 8, "seed": 5, "opening_plies": 2, "temperature": 1.0, "discount": 0.9}
    values |= {"max_plies": 0}
    return MatchTask(game="tic_tac_toe", home=home, away=away or home, **{**values, **changes})  # type: ignore[arg-type]


def play(start: Path, what: MatchTask, game: str = "tic_tac_toe") -> MatchOutcome:
    outcome = start_league_worker(2)(Job("000001-00", what), {snapshot_hash(start): start})
    assert isinstance(outcome, MatchOutcome)
    return outcome


def check(batch: Trajectories, outcome: MatchOutcome) -> None:
    """What holds for all trajectories: legal actions that the games have, rewards that add up to the result."""
    assert (batch.legal[batch.action_places] == batch.actions).all()
    assert (batch.behaviour_log_probs <= 0.0).all()
    lengths = batch.lengths()
    own = [line for line in outcome.games for _ in range(2 if -1 in batch.opponents else 1)]
    for index, line in enumerate(own):
        span = slice(batch.starts[index], batch.starts[index + 1])
        seat = int(batch.seats[index])
        assert batch.rewards[span].sum() == pytest.approx(line.returns[seat])
        assert batch.outcomes[index] == pytest.approx(line.returns[seat])
        assert batch.discounts[span][-1] == 0.0
        plies = batch.plies[span]
        assert (plies % 2 == seat).all()
        assert [line.actions[ply] for ply in plies] == batch.actions[span].tolist()
        assert plies[0] >= line.opening
    assert lengths.sum() == len(batch)


def test_against_another_one_seat_is_remembered(start: Path) -> None:
    outcome = play(start, task(start, Entrant("noise", spec="random")))
    assert outcome.trajectories is not None
    assert [line.seat for line in outcome.games] == [0, 1] * 4
    assert set(outcome.trajectories.opponents.tolist()) == {0}
    assert outcome.trajectories.seats.tolist() == [0, 1] * 4
    check(outcome.trajectories, outcome)


def test_against_itself_both_seats_are(start: Path) -> None:
    outcome = play(start, task(start))
    assert outcome.trajectories is not None
    assert set(outcome.trajectories.opponents.tolist()) == {-1}
    check(outcome.trajectories, outcome)
    assert outcome.trajectories.frames == sum(len(line.actions) - line.opening for line in outcome.games)


def test_the_same_task_gives_the_same_games(start: Path) -> None:
    first, again = play(start, task(start)), play(start, task(start))
    assert first.games == again.games
    assert first.records == again.records
    assert play(start, task(start, seed=6)).games != first.games


def test_pairs_share_their_opening(start: Path) -> None:
    games = play(start, task(start, games=20)).games
    for first, second in zip(games[::2], games[1::2], strict=True):
        assert first.opening == second.opening
        assert first.actions[: first.opening] == second.actions[: second.opening]
    assert len({line.actions[: line.opening] for line in games}) > 3


def test_games_that_are_cut_are_bootstrapped(start: Path) -> None:
    outcome = play(start, task(start, max_plies=4, opening_plies=0))
    batch = outcome.trajectories
    assert batch is not None
    assert {line.ending for line in outcome.games} == {"limit"}
    assert (batch.discounts == np.float32(0.9)).all()
    assert batch.bootstrap_values.any()
    assert np.abs(batch.bootstrap_values).max() <= 1.0


def test_records_can_be_read_back(start: Path, tmp_path: Path) -> None:
    outcome = play(start, task(start, Entrant("noise", spec="random")))
    path = tmp_path / "games.jsonl"
    path.write_text(outcome.records)
    records = list(read_records(path))
    assert len(records) == len(outcome.games)
    assert {player.name for record in records for player in record.players} == {"main-0", "noise"}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["kuhn_poker", "leduc_poker"])
def test_games_with_chance_and_hidden_cards(name: str, tmp_path: Path) -> None:
    config = LeagueConfig(game=name, model=ModelConfig(kind="mlp", size="tiny"))
    game, path = make_game(name), tmp_path / "start"
    save_start(config, game, path)
    home = Entrant("main-0", snapshot_hash(path))
    what = MatchTask(name, home, home, True, 16, 3, 2, 1.0, 1.0, 0)
    outcome = start_league_worker(2)(Job("000001-00", what), {home.snapshot_hash: path})
    batch = outcome.trajectories
    largest = game.reward_range[1]
    assert batch is not None
    sums = np.add.reduceat(batch.rewards, batch.starts[:-1]) * largest
    returns = [value for line in outcome.games for value in line.returns]  # both seats decide in every game
    np.testing.assert_allclose(sums, returns, atol=1e-5)
    assert (batch.plies <= game.max_game_length).all()
    assert batch.plies[batch.starts[:-1]].min() == 0  # cards are no plies


def test_a_fixed_snapshot_is_found_by_its_hash_and_keeps_its_options(start: Path) -> None:
    fixed = Entrant("people", snapshot_hash(start), "snapshot:/on/another/machine,temperature=0.5")
    outcome = play(start, task(start, fixed))
    assert outcome.trajectories is not None
    assert set(outcome.trajectories.opponents.tolist()) == {0}
    sharper = play(start, task(start, Entrant("people", fixed.snapshot_hash, "snapshot:/x,temperature=0")))
    assert sharper.games != outcome.games


def test_only_what_was_used_last_is_kept() -> None:
    left: list[int] = []
    kept: RecentlyUsed[int] = RecentlyUsed(2, left.append)
    for key in ("a", "b", "a", "c"):
        kept.get(key, lambda key=key: ord(key))  # type: ignore[misc]
    assert left == [ord("b")]
    assert kept.get("a", lambda: 0) == ord("a")
    assert len(kept) == 2


def test_weights_that_changed_are_refused(start: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    save_start(LeagueConfig(game="tic_tac_toe", model=CONFIG.model, seed=1), GAME, other)
    with pytest.raises(CheckpointError, match="the league knows it as"):
        start_league_worker(2)(Job("x", task(start)), {snapshot_hash(start): other})


def test_a_copy_never_changes_while_its_origin_learns(start: Path, tmp_path: Path) -> None:
    learner = NetworkLearner("main-0", CONFIG, start, tmp_path / "learners")
    learner.save_copy(tmp_path / "copy", parent="start", metrics={})
    before = snapshot_hash(tmp_path / "copy")
    frozen = load_snapshot(tmp_path / "copy")
    evaluator = frozen.evaluator()
    states = [GAME.initial_state()]
    observations = frozen.encoder.encode(states)
    said = evaluator.evaluate(observations, [states[0].legal_actions()])
    batch = play(start, task(start, games=32)).trajectories
    assert batch is not None
    for _ in range(3):
        learner.step(batch)
    learner.save_playing(tmp_path / "playing", parent="start")
    assert snapshot_hash(tmp_path / "playing") != before == snapshot_hash(tmp_path / "copy")
    np.testing.assert_array_equal(
        evaluator.evaluate(observations, [states[0].legal_actions()]).log_probs, said.log_probs
    )


def test_learners_go_on_and_start_anew_exactly(start: Path, tmp_path: Path) -> None:
    batch = play(start, task(start, games=32)).trajectories
    assert batch is not None
    batch = join_trajectories([batch, batch])
    one = NetworkLearner("main-0", CONFIG, start, tmp_path / "one")
    one.step(batch)
    one.save(1)
    one.step(batch)
    one.save_playing(tmp_path / "first", parent="")
    other = NetworkLearner("main-0", CONFIG, start, tmp_path / "one")
    other.restore(1, start, 0)
    other.step(batch)
    other.save_playing(tmp_path / "second", parent="")
    assert snapshot_hash(tmp_path / "first") == snapshot_hash(tmp_path / "second")
    other.start_from(start, 1)
    other.save_playing(tmp_path / "third", parent="")
    assert snapshot_hash(tmp_path / "third") == snapshot_hash(start)
