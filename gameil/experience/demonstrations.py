"""People's games as seat trajectories: what learners from self-play read demonstrations out of.

Letters: ``N`` decisions of all trajectories in a row, ``G`` trajectories, ``L`` their legal actions in a row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import Split
from gameil.errors import ConfigError, DatasetError
from gameil.games.game import CHANCE_PLAYER, Game
from gameil.games.registry import make_game
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import flat_legal
from gameil.rollout.trajectories import DEMONSTRATION, Trajectories
from gameil.search.tree import return_scale
from gameil.seeding import generator


@dataclass(frozen=True)
class DemonstrationConfig:
    """Which people's games a learner is shown."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: Path | None = None
    """Dataset of the game played; None shows nothing."""
    split: Split = "train"
    """Its split: what is held out stays so."""
    games: int = 1000
    """At most so many games, drawn once; fewer are the beginning of more, so that numbers of games compare."""
    seed: int = 0
    """Of which games are drawn."""

    def __post_init__(self) -> None:
        if self.games < 0:
            raise ConfigError(f"demonstrations.games must be at least 0, got {self.games}")


def demonstrated_games(config: DemonstrationConfig, game: Game) -> list[PlayedGame]:
    """The games that ``config`` draws, those without a known result left out; none without a dataset.

    Raises ``DatasetError`` where the dataset is missing or of another game, or has no such game.
    """
    if config.dataset is None or config.games == 0:
        return []
    dataset = Dataset(config.dataset, family=game.family)
    drawn = generator(config.seed, "demonstrations").permutation(dataset.game_ids(config.split))
    games: list[PlayedGame] = []
    for game_id in drawn.tolist():
        played = dataset.game_for_replay(game_id)
        if played.returns is not None:
            games.append(played)
        if len(games) == config.games:
            break
    dataset.close()
    if not games:
        raise DatasetError(f"{config.dataset}: no {config.split} game with a known result")
    return games


def read_demonstrations(
    games: Sequence[PlayedGame], encoder: ObservationEncoder, *, discount: float = 1.0
) -> Trajectories | None:
    """Every seat of the games, in their order; None where there is none.

    ``behaviour_log_probs`` and ``values`` are 0: nobody knows people's.

    Args:
        discount: gamma of each decision, 0 after the last one.
    """
    seats = [seat for number, played in enumerate(games) for seat in _seats(played, number, encoder, discount)]
    return _joined(seats) if seats else None


@dataclass(slots=True, eq=False)
class _Seat:
    """One seat of one game."""

    seat: int
    observations: list[NDArray[np.float16]]
    legal: list[list[int]]
    actions: list[int]
    rewards: NDArray[np.float32]
    discounts: NDArray[np.float32]
    outcome: float
    plies: list[int]
    game: int


def _seats(played: PlayedGame, number: int, encoder: ObservationEncoder, discount: float) -> Iterator[_Seat]:
    game = make_game(played.game_id)
    state, scale = game.initial_state(played.start), return_scale(game)
    steps: dict[int, tuple[list[NDArray[np.float16]], list[list[int]], list[int], list[float], list[int]]] = {}
    plies = 0
    for index, action in enumerate(played.actions.tolist()):
        player = state.current_player()
        if player != CHANCE_PLAYER:
            if index >= played.num_setup:
                observations, legal, actions, returns, own_plies = steps.setdefault(player, ([], [], [], [], []))
                observations.append(encoder.encode([state])[0].astype(np.float16))
                legal.append(list(state.legal_actions()))
                actions.append(action)
                returns.append(float(state.returns()[player]) / scale)
                own_plies.append(plies)
            plies += 1
        state.apply(action)
    for seat, (observations, legal, actions, returns, own_plies) in sorted(steps.items()):
        outcome = float(played.returns[seat]) if played.returns is not None else 0.0
        rewards = np.diff([*returns, outcome]).astype(np.float32)
        discounts = np.full(len(actions), discount, np.float32)
        discounts[-1] = 0.0
        yield _Seat(seat, observations, legal, actions, rewards, discounts, outcome, own_plies, number)


def _joined(seats: list[_Seat]) -> Trajectories:
    starts = np.zeros(len(seats) + 1, np.int64)
    np.cumsum([len(seat.actions) for seat in seats], out=starts[1:])
    size = int(starts[-1])
    legal, rows = flat_legal([legal for seat in seats for legal in seat.legal])
    offsets = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=size), out=offsets[1:])
    actions = np.array([action for seat in seats for action in seat.actions], np.int64)
    places = np.flatnonzero(legal == actions[rows])
    if len(places) != size:
        raise DatasetError("a stored game has an action that is not legal once")
    return Trajectories(
        observations=np.array([each for seat in seats for each in seat.observations], np.float16),
        legal=legal,
        offsets=offsets,
        actions=actions,
        action_places=places,
        behaviour_log_probs=np.zeros(size, np.float32),
        values=np.zeros(size, np.float32),
        rewards=np.concatenate([seat.rewards for seat in seats]),
        discounts=np.concatenate([seat.discounts for seat in seats]),
        starts=starts,
        bootstrap_values=np.zeros(len(seats), np.float32),
        outcomes=np.array([seat.outcome for seat in seats], np.float32),
        opponents=np.full(len(seats), DEMONSTRATION, np.int64),
        seats=np.array([seat.seat for seat in seats], np.int64),
        plies=np.array([ply for seat in seats for ply in seat.plies], np.int32),
        openings=np.array([seat.game for seat in seats], np.int64),
        told=np.full(len(seats), -1, np.int64),
        frames=size,
    )
