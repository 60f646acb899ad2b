"""What a cook sees: planes over the kitchen, or a small picture of it.

Letters: ``C`` planes, ``H`` and ``W`` the kitchen's cells, ``S`` pixels along a cell.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gameil.games.overcooked import COOK_STEPS, COOKING, DISH, NOTHING, ONION, ONIONS_A_SOUP, POT, READY, SOUP, Kitchen

NUM_PLANES = 19
"""Own place by facing (4), partner's (4), pots, counters, onions, dishes, windows, then onions in a pot, how long it
has cooked (shares of 3 and 20), whether it is ready, and loose onions, dishes and soups, those in hands included. The
planes of Carroll et al. (2019), appendix, without those of tomatoes and of the time left."""
_FIXED = {"P": 8, "X": 9, "O": 10, "D": 11, "S": 12}
_IN_POT, _COOKED, _READY, _LOOSE = 13, 14, 15, {ONION: 16, DISH: 17, SOUP: 18}
CELL = 7
"""``S``: pixels along a cell of the picture."""

Numbers = Sequence[int]
"""A state as ``Cooks.numbers`` gives it."""


def write_planes(kitchen: Kitchen, numbers: Numbers, player: int, out: NDArray[np.float32]) -> None:
    """Writes what ``player`` sees into ``out [C, H, W]``."""
    flat = out.reshape(NUM_PLANES, -1)
    flat[:] = _fixed_planes(kitchen)
    partner = 1 - player
    flat[numbers[2 + player], numbers[player]] = 1.0
    flat[4 + numbers[2 + partner], numbers[partner]] = 1.0
    for who in (0, 1):
        if numbers[4 + who] != NOTHING:
            flat[_LOOSE[numbers[4 + who]], numbers[who]] = 1.0
    for cell, thing in enumerate(numbers[6:]):
        if thing in _LOOSE:
            flat[_LOOSE[thing], cell] = 1.0
        elif thing >= COOKING:
            flat[_IN_POT, cell] = 1.0
            flat[_COOKED, cell] = (thing - COOKING) / COOK_STEPS
            flat[_READY, cell] = float(thing == READY)
        elif thing > POT:
            flat[_IN_POT, cell] = (thing - POT) / ONIONS_A_SOUP


def sketch(kitchen: Kitchen, numbers: Numbers) -> str:
    """The kitchen for a terminal, a line a row: letters as of ``LAYOUTS``; the cooks as arrows, with what they hold
    and what lies about beside it (o onion, d dish, s soup; in a pot 1, 2 onions, ~ cooking, ! ready)."""
    held = {NOTHING: " ", ONION: "o", DISH: "d", SOUP: "s"}
    cells = []
    for cell, letter in enumerate(kitchen.terrain):
        thing = numbers[6 + cell]
        in_pot = "!" if thing == READY else "~" if thing >= COOKING else str(thing - POT)
        cells.append(letter + (in_pot if thing > POT else held[thing]))
    for who in (0, 1):
        cells[numbers[who]] = "^v><"[numbers[2 + who]] + held[numbers[4 + who]]
    rows = ["".join(cells[start : start + kitchen.width]) for start in range(0, len(cells), kitchen.width)]
    places = [f"row {numbers[who] // kitchen.width + 1}, column {numbers[who] % kitchen.width + 1}" for who in (0, 1)]
    return "\n".join([*rows, f"the first cook is at {places[0]}, the second at {places[1]}"])


_PLANES: dict[str, NDArray[np.float32]] = {}


def _fixed_planes(kitchen: Kitchen) -> NDArray[np.float32]:
    """What never changes, ``[C, H * W]``; kept by kitchen."""
    if kitchen.name not in _PLANES:
        planes = np.zeros((NUM_PLANES, len(kitchen.terrain)), np.float32)
        for cell, letter in enumerate(kitchen.terrain):
            if letter in _FIXED:
                planes[_FIXED[letter], cell] = 1.0
        planes.setflags(write=False)
        _PLANES[kitchen.name] = planes
    return _PLANES[kitchen.name]


_FLOOR, _WOOD, _YELLOW, _WHITE = (230, 217, 192), (150, 106, 62), (240, 200, 60), (250, 250, 250)
_TERRAIN = {" ": _FLOOR, "X": _WOOD, "P": (70, 70, 80), "O": (190, 120, 40), "D": (120, 140, 160), "S": (150, 200, 150)}
_THINGS = {ONION: _YELLOW, DISH: _WHITE, SOUP: (200, 60, 40)}
_COOKS = ((50, 90, 200), (60, 160, 70))
_READY_COLOUR, _RAW_COLOUR = (255, 90, 60), (120, 60, 40)
_NOSES = ((0, CELL // 2), (CELL - 1, CELL // 2), (CELL // 2, CELL - 1), (CELL // 2, 0))
"""Pixel at the edge of a cook's cell on the side that is faced: up, down, right, left."""


def picture(kitchen: Kitchen, numbers: Numbers, player: int) -> NDArray[np.uint8]:
    """The kitchen as ``player`` sees it, ``[H * S, W * S, 3]``: oneself is blue, the partner green.

    A cook has a light pixel on the side that it faces and what it holds in its middle; a pot shows a dot an onion, then
    a bar that grows while it cooks.
    """
    frame = np.empty((kitchen.height * CELL, kitchen.width * CELL, 3), np.uint8)
    for cell, letter in enumerate(kitchen.terrain):
        top, left = (part * CELL for part in divmod(cell, kitchen.width))
        tile = frame[top : top + CELL, left : left + CELL]
        tile[:] = _TERRAIN[letter]
        thing = numbers[6 + cell]
        if thing in _THINGS:
            tile[2:-2, 2:-2] = _THINGS[thing]
        elif thing >= COOKING:
            tile[1:-1, 1:-1] = _READY_COLOUR if thing == READY else _RAW_COLOUR
            tile[-2, 1 : 1 + (CELL - 2) * (thing - COOKING) // COOK_STEPS] = _WHITE
        elif thing > POT:
            tile[3, 1 : 1 + 2 * (thing - POT) : 2] = _YELLOW
    for who in (0, 1):
        top, left = (part * CELL for part in divmod(numbers[who], kitchen.width))
        tile = frame[top : top + CELL, left : left + CELL]
        tile[1:-1, 1:-1] = _COOKS[0 if who == player else 1]
        tile[_NOSES[numbers[2 + who]]] = _WHITE
        if numbers[4 + who] != NOTHING:
            tile[2:-2, 2:-2] = _THINGS[numbers[4 + who]]
    return frame
