"""Games that actions cannot replay: what was seen is stored, read by the loader, and learned from."""

from pathlib import Path

import numpy as np
import pytest

from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.split import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import DatasetError
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig
from gameil.positions.played_game import PlayedGame
from gameil.positions.replay import replay
from gameil.positions.transcribe import transcribe
from gameil.records.record import GameRecord, Provenance, RecordError

NAME = "pettingzoo:knights_archers_zombies_v11(max_cycles=6,recorded=True)"
pytest.importorskip("pygame")


def episode(seed: int) -> GameRecord:
    """A random episode as somebody else's file would have it: actions and what was seen, no seed."""
    game = make_game(NAME)
    rng = np.random.default_rng(seed)
    state = game.initial_state()
    state.apply(seed)
    actions, seen = [], []
    while not state.is_terminal():
        shown = np.empty(game.observation_shape, np.float32)
        state.write_observation(shown)
        actions.append(str(int(rng.integers(game.num_actions))))
        seen.append(shown)
        state.apply(int(actions[-1]))
    return GameRecord(
        game="pettingzoo:knights_archers_zombies_v11",
        notation="number",
        moves=tuple(actions),
        source=Provenance("test", seed),
        parameters={"max_cycles": 6, "recorded": True},
        returns=(0.0, 0.25, 0.5, 1.0),
        observations=np.stack(seen),
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "seen.lmdb"
    with DatasetWriter(path, make_game(NAME).family, split=SplitRule(validation=0.0, test=0.0)) as writer:
        for seed in range(3):
            played = transcribe(episode(seed))
            assert isinstance(played, PlayedGame)
            writer.add(played)
    return path


def test_the_loader_hands_out_what_was_seen(dataset: Path) -> None:
    loader = Loader(dataset, "train", EncoderConfig(), LoaderConfig(batch_size=8), augment=False)
    batches = list(loader.once())
    assert sum(map(len, batches)) == 3 * 24
    known = {tuple(row) for seed in range(3) for row in episode(seed).observations.astype(np.float16).tolist()}
    for batch in batches:
        assert {tuple(row) for row in batch.observations.tolist()} <= known
        assert batch.num_legal().tolist() == [6] * len(batch)
        assert np.array_equal(batch.returns, np.array([0.0, 0.25, 0.5, 1.0], np.float32)[batch.plies % 4])
    first = episode(0)
    rows = [(b, i) for b in batches for i in range(len(b)) if b.game_ids[i] == 0]
    assert [int(b.actions[i]) for b, i in rows] == list(map(int, first.moves))
    assert np.array_equal(np.stack([b.observations[i] for b, i in rows]), first.observations.astype(np.float16))
    next(loader)


def test_such_games_are_not_replayed(dataset: Path) -> None:
    stored = Dataset(dataset)
    with pytest.raises(DatasetError, match="cannot be replayed"):
        list(replay(stored.game(0)))
    stored.close()


def test_observations_of_another_shape_are_refused() -> None:
    record = episode(0)
    assert record.observations is not None
    for wrong in (record.observations[:, :-1], record.observations[1:], None):
        outcome = transcribe(
            GameRecord(
                game=record.game,
                notation="number",
                moves=record.moves,
                source=record.source,
                parameters=record.parameters,
                observations=wrong,
            )
        )
        assert isinstance(outcome, RecordError)
        assert outcome.reason == "observations"
