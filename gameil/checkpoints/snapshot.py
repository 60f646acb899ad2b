"""Snapshots: a network frozen for play, with all that is needed to use it and nothing that could run.

A directory with ``model.safetensors`` (weights) and ``snapshot.json`` (the card). Never a pickle: a snapshot from a
stranger is checked name by name and shape by shape against its card before anything large is allocated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from gameil.checkpoints.directory import (
    existing_directory,
    read_json,
    tensor_shapes,
    write_directory,
    write_json,
    write_tensors,
)
from gameil.config import config_values, parse_config
from gameil.errors import CheckpointError, ConfigError, GameError
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.models.backends.backend import BackendName
from gameil.models.backends.own_positions import own_positions
from gameil.models.backends.selection import Choice, fastest_evaluator
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.lane_evaluators import LaneEvaluator, lane_evaluators
from gameil.models.policy_value import PolicyValueNet, build_model, model_shapes
from gameil.models.precision import Precision
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

FORMAT_VERSION = 1
WEIGHTS = "model.safetensors"
CARD = "snapshot.json"
SAMPLE_POSITIONS = 512
"""Positions on which backends are compared: a share of 99 % is 507 of them."""
SHOWN_POSITIONS = 512
"""Positions that the scales of eight bits are taken from."""
MAX_CARD_BYTES = 1_000_000
"""A card is a page of text; more is damage or mischief."""


@dataclass(frozen=True)
class SnapshotCard:
    """What a snapshot is and where it comes from."""

    __pydantic_config__ = {"extra": "forbid"}

    game_id: str
    """Game whose actions it scores (``chess``, ``go(board_size=9)``); it plays any game of that family, and boards of
    other sizes where no weight depends on the size (``ModelConfig.value_pool``)."""
    model: ModelConfig
    """Network."""
    encoder: EncoderConfig
    """What the network sees."""
    learner_step: int = 0
    """Gradient updates behind the weights, those of its parents left out."""
    parent: str | None = None
    """Snapshot the training started from, None for fresh weights."""
    dataset_digest: str | None = None
    """Digest of the dataset it learned from (``Dataset.digest``), None for none."""
    licence: str = "unknown"
    """Terms of use; they follow from those of the records it learned from, so nothing is claimed by default."""
    provenance: str = ""
    """One line for people: which data, which method."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What was measured of these weights (``validation/top1``)."""
    format_version: int = FORMAT_VERSION
    """Version of this card and directory."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A snapshot in memory."""

    path: Path
    """Where it was read from."""
    model: PolicyValueNet
    """The network in float32 on the CPU, in eval mode; a copy of its own that may be trained on."""
    game: Game
    """What the network is built for: what it learned, or the same on a board of another size that was asked for."""
    encoder: ObservationEncoder
    card: SnapshotCard
    """As it was read, but for that game."""

    def evaluator(
        self,
        *,
        device: str = "cpu",
        precision: Precision = "auto",
        backend: BackendName = "eager",
        conditions: Mapping[str, float] | None = None,
    ) -> NetworkEvaluator:
        """The network ready to evaluate positions; arguments as of ``NetworkEvaluator``, and ``auto`` for a backend:
        the fastest that agrees with float32 on positions of games that the network plays against itself."""
        if backend != "auto":
            return NetworkEvaluator(
                self.model, device=device, precision=precision, backend=backend, conditions=conditions
            )
        return self.fastest(device=device, conditions=conditions).evaluator

    def lane_evaluators(
        self, lanes: int, *, device: str = "cpu", backend: BackendName = "eager", conditions: Mapping[str, float] | None
    ) -> list[LaneEvaluator]:
        """The network ``lanes`` times over for a search in lanes, the copies sharing the cores.

        Raises ``ConfigError`` for ``auto``, which might choose another backend, and so other digits, for each copy.
        """
        if backend == "auto":
            raise ConfigError("lanes need a backend by name, such as openvino or eager: auto might choose several")
        return lane_evaluators(lambda: self.evaluator(device=device, backend=backend, conditions=conditions), lanes)

    def fastest(self, *, device: str = "cpu", conditions: Mapping[str, float] | None = None) -> Choice:
        """Tries all backends; see ``models.backends.selection``."""
        first = NetworkEvaluator(self.model, device=device, conditions=conditions)
        samples = own_positions(first, self.game, self.encoder, SAMPLE_POSITIONS)
        shown = own_positions(first, self.game, self.encoder, SHOWN_POSITIONS, seed=1).observations
        return fastest_evaluator(self.model, samples, device=device, conditions=conditions, shown=shown)


def save_snapshot(path: Path, model: PolicyValueNet, card: SnapshotCard) -> None:
    """Writes the snapshot directory ``path``, whole or not at all; an older one of that name is replaced.

    Raises ``CheckpointError`` when ``card.model`` is not the configuration of ``model``, or ``path`` is something else
    than a snapshot.
    """
    if card.model.resolved() != model.config:
        raise CheckpointError(f"{path}: the card describes another network than the one to be saved")
    if path.exists() and not (path / CARD).exists():
        raise CheckpointError(f"{path}: exists and is not a snapshot; it is left alone")

    spelled_out = replace(card, model=model.config)

    def write(directory: Path) -> None:
        write_tensors(directory / WEIGHTS, model.state_dict())
        write_json(directory / CARD, config_values(spelled_out))

    write_directory(path, write)


def load_snapshot(path: Path, *, game: str | None = None) -> Snapshot:
    """Reads a snapshot directory, checking everything on it before using anything of it.

    Args:
        path: the directory.
        game: id of the game that it must be able to play; None accepts any.

    Raises:
        CheckpointError: missing, damaged, of another version or game, or with weights that do not fit its card.
    """
    path = existing_directory(Path(path))
    card = read_card(path)
    try:
        own_game = make_game(card.game_id)
        encoder = ObservationEncoder(own_game, card.encoder)
        expected = model_shapes(card.model, own_game, encoder.shape)
    except (GameError, ConfigError) as error:
        raise CheckpointError(f"{path / CARD}: {error}") from error
    if game is not None and (wanted := make_game(game)).family != own_game.family:
        own_game, encoder = wanted, _resized(path, card, own_game, wanted, expected)
        card = replace(card, game_id=wanted.family)
    _check_weights(path / WEIGHTS, expected)
    model = build_model(card.model, own_game, encoder.shape)
    model.load_state_dict(load_file(path / WEIGHTS))
    return Snapshot(path=path, model=model.eval(), game=own_game, encoder=encoder, card=card)


def read_card(path: Path) -> SnapshotCard:
    """The card of a snapshot directory, without its weights. Raises ``CheckpointError`` as ``load_snapshot``."""
    if not path.is_dir():
        raise CheckpointError(f"{path}: no snapshot directory there")
    file = path / CARD
    if not file.is_file():
        raise CheckpointError(f"{path}: not a snapshot: it has no {CARD}")
    if file.stat().st_size > MAX_CARD_BYTES:
        raise CheckpointError(f"{file}: {file.stat().st_size:,} bytes; a card has at most {MAX_CARD_BYTES:,}")
    values: dict[str, Any] = read_json(file)
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(f"{file}: snapshot format {version!r}, this gameil reads {FORMAT_VERSION}")
    try:
        return parse_config(SnapshotCard, values, str(file))
    except ConfigError as error:
        raise CheckpointError(str(error)) from error


def _resized(
    path: Path, card: SnapshotCard, own: Game, wanted: Game, expected: Mapping[str, tuple[tuple[int, ...], torch.dtype]]
) -> ObservationEncoder:
    """The encoder for ``wanted``, the same game on a board of another size. Raises ``CheckpointError`` where it is
    another game, or a weight depends on the size."""
    refusal = f"{path}: plays {own.family}, not {wanted.family}"
    if own.name != wanted.name or own.board is None or wanted.board is None:
        raise CheckpointError(refusal)
    encoder = ObservationEncoder(wanted, card.encoder)
    try:
        needed = model_shapes(card.model, wanted, encoder.shape)
    except ConfigError as error:
        raise CheckpointError(f"{refusal}: {error}") from error
    bound = [name for name, shape in expected.items() if needed.get(name) != shape]
    if bound or len(needed) != len(expected):
        raise CheckpointError(
            f"{refusal}: {bound[0] if bound else 'a weight'} depends on the board's size; networks with "
            "model.value_pool = true and policy planes do not"
        )
    return encoder


def _check_weights(path: Path, expected: Mapping[str, tuple[tuple[int, ...], torch.dtype]]) -> None:
    """Compares the header of a weights file with what the card's network needs."""
    if not path.is_file():
        raise CheckpointError(f"{path}: missing")
    found = tensor_shapes(path)
    missing = sorted(expected.keys() - found.keys())
    unknown = sorted(found.keys() - expected.keys())
    if missing:
        raise CheckpointError(f"{path}: {len(missing)} tensors are missing, first {missing[0]!r}")
    if unknown:
        raise CheckpointError(f"{path}: {len(unknown)} tensors are unknown to the network, first {unknown[0]!r}")
    for name, (shape, dtype) in expected.items():
        found_shape, found_dtype = found[name]
        if found_shape != shape:
            raise CheckpointError(f"{path}: {name} has shape {list(found_shape)}, the network needs {list(shape)}")
        if found_dtype != _DTYPE_NAMES[dtype]:
            raise CheckpointError(f"{path}: {name} has type {found_dtype}, the network needs {_DTYPE_NAMES[dtype]}")


_DTYPE_NAMES = {torch.float32: "F32", torch.int64: "I64"}
"""Types that occur in a network's state, by their names in safetensors."""
