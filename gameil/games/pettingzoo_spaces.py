"""PettingZoo's spaces as what a ``Game`` has: one array of floats to see, one whole number to do.

*Seen*: pictures (uint8, ``[H, W, 1 to 4]``) become planes in [0, 1], taken down to a wanted size; floats of three
dimensions are planes already; everything else, dictionaries and tuples included, is laid out flat as gymnasium does.
*Done*: a discrete choice is itself; several choices are digits of one number; a real number is one of ``bins`` values
from its low to its high bound. Letters: ``A`` actions, ``D`` real numbers of an action.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.spaces.utils import flatdim, flatten
from numpy.typing import NDArray

from gameil.errors import GameError, IllegalActionError

MAX_ACTIONS = 4096
"""Most actions of one game: every decision lists its legal ones."""

Writer = Callable[[Any, NDArray[np.float32]], None]
"""Writes an environment's observation into an array of the shape beside it."""


def observed(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """The part of an agent's space that is seen: not the action mask beside it."""
    if isinstance(space, spaces.Dict) and "observation" in space.spaces and "action_mask" in space.spaces:
        return space.spaces["observation"]
    return space


def observation_view(space: spaces.Space[Any], size: int) -> tuple[tuple[int, ...], Writer]:
    """Shape and writer for observations of ``space``.

    Args:
        size: pictures are taken down until no side is longer; 0 leaves them.
    """
    if isinstance(space, spaces.Box) and len(space.shape) == 3:
        if space.dtype == np.uint8 and space.shape[2] <= 4:
            return _picture_view(space.shape, size)
        if np.issubdtype(space.dtype, np.floating):
            return space.shape, lambda value, out: np.copyto(out, value, casting="same_kind")
    if isinstance(space, spaces.Box):
        scale = 255.0 if space.dtype == np.uint8 else 1.0

        def write_box(value: Any, out: NDArray[np.float32]) -> None:
            out[:] = value.reshape(-1)
            if scale != 1.0:
                out /= scale

        return (prod(space.shape),), write_box

    def write_flat(value: Any, out: NDArray[np.float32]) -> None:
        out[:] = np.asarray(flatten(space, value), np.float32)

    return (flatdim(space),), write_flat


def _picture_view(shape: tuple[int, ...], size: int) -> tuple[tuple[int, ...], Writer]:
    """Pictures as planes ``[C, H, W]``: each pixel is the mean of two of its block, much cheaper than of all."""
    step = max(1, -(-max(shape[:2]) // size)) if size else 1
    first, second = step // 4, step - 1 - step // 4
    height, width = ((side - second + step - 1) // step for side in shape[:2])

    places = np.arange(prod(shape)).reshape(shape)
    one, other = (
        np.ascontiguousarray(places[begin::step, begin::step][:height, :width].transpose(2, 0, 1))
        for begin in (first, second)
    )

    def write(value: Any, out: NDArray[np.float32]) -> None:
        pixels = np.asarray(value).reshape(-1)
        np.add(pixels.take(one), pixels.take(other), out=out, dtype=np.float32)
        out *= np.float32(1.0 / (2 * 255))

    return (shape[2], height, width), write


class ActionCodec:
    """Whole numbers for the actions of one agent."""

    def __init__(self, space: spaces.Space[Any], bins: int, what: str) -> None:
        """Raises ``GameError`` for a space without bounds, of a kind not known here, or with too many actions."""
        self._what = what
        self._parts = _digits(space, bins, what)
        self.num_actions = prod(len(values) for values in self._parts)
        if self.num_actions > MAX_ACTIONS:
            raise GameError(f"{what}: {self.num_actions:,} actions, more than {MAX_ACTIONS:,}; take fewer bins")
        self._space = space
        self._table: list[Any] = [self._rebuild(number) for number in range(self.num_actions)]

    def decode(self, number: int) -> Any:
        """The environment's own action."""
        return self._table[number]

    def encode(self, action: Any) -> int:
        """The number of an environment's action; the nearest one for real numbers.

        Raises ``IllegalActionError`` for a choice that there is not.
        """
        number = 0
        for values, value in zip(self._parts, _numbers(self._space, action), strict=True):
            nearest = int(np.abs(values - value).argmin())
            if values.dtype.kind != "f" and values[nearest] != value:
                raise IllegalActionError(f"{self._what}: action {str(action)[:60]} is not one of its actions")
            number = number * len(values) + nearest
        return number

    def real_values(self) -> NDArray[np.float32] | None:
        """``[A, D]``: the numbers of each action, its bounds brought to -1 and 1; None where not all are real."""
        if not isinstance(self._space, spaces.Box) or not np.issubdtype(self._space.dtype, np.floating):
            return None
        digits = self._split(np.arange(self.num_actions))
        sizes = np.array([len(values) for values in self._parts])
        values: NDArray[np.float32] = (2.0 * digits / np.maximum(1, sizes - 1) - 1.0).astype(np.float32)
        return values

    def _split(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.stack(np.unravel_index(numbers, [len(values) for values in self._parts]), axis=-1)

    def _rebuild(self, number: int) -> Any:
        digits = self._split(np.array([number]))[0].tolist()
        left = [values[digit] for values, digit in zip(self._parts, digits, strict=True)]
        return _build(self._space, left)


def _digits(space: spaces.Space[Any], bins: int, what: str) -> list[NDArray[Any]]:
    """The values that each number of an action may take, in order."""
    if isinstance(space, spaces.Discrete):
        return [space.start + np.arange(space.n)]
    if isinstance(space, spaces.MultiDiscrete):
        return [start + np.arange(count) for start, count in zip(space.start.ravel(), space.nvec.ravel(), strict=True)]
    if isinstance(space, spaces.MultiBinary):
        return [np.arange(2)] * int(prod(space.shape))
    if isinstance(space, spaces.Box):
        bounds = list(zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True))
        if not np.isfinite(bounds).all():
            raise GameError(f"{what}: actions of real numbers need bounds")
        if np.issubdtype(space.dtype, np.integer):
            return [np.arange(int(low), int(high) + 1) for low, high in bounds]
        return [np.linspace(low, high, bins) for low, high in bounds]
    if isinstance(space, spaces.Dict):
        return [part for inner in space.spaces.values() for part in _digits(inner, bins, what)]
    if isinstance(space, spaces.Tuple):
        return [part for inner in space.spaces for part in _digits(inner, bins, what)]
    raise GameError(f"{what}: actions of kind {type(space).__name__} are not known")


def _build(space: spaces.Space[Any], left: list[Any]) -> Any:
    """An action of ``space`` from the first of the numbers, which are taken off the list."""
    if isinstance(space, spaces.Discrete):
        return int(left.pop(0))
    if isinstance(space, spaces.Dict):
        return {name: _build(inner, left) for name, inner in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_build(inner, left) for inner in space.spaces)
    taken = [left.pop(0) for _ in range(prod(space.shape or ()))]
    array = np.array(taken, space.dtype).reshape(space.shape)
    array.setflags(write=False)
    return array


def _numbers(space: spaces.Space[Any], action: Any) -> list[float]:
    """The numbers of an action of ``space``, in the order of ``_digits``."""
    if isinstance(space, spaces.Dict):
        return [number for name, inner in space.spaces.items() for number in _numbers(inner, action[name])]
    if isinstance(space, spaces.Tuple):
        return [number for inner, part in zip(space.spaces, action, strict=True) for number in _numbers(inner, part)]
    values: list[float] = np.asarray(action, np.float64).ravel().tolist()
    return values
