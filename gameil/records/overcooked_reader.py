"""Reads the Overcooked trials of 2019 (Carroll et al.): pandas tables in pickles, one row a step, as records.

Nothing is unpickled (``plain_pickle``). A trial becomes one record: both players' actions of every step, player 0's
first, and the recorded state before each of them as numbers, which the rules are held against when they replay it.
"""

import ast
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from gameil.records.plain_pickle import PickleError, read_table
from gameil.records.record import GameRecord, PlayerInfo, Provenance, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.window import excerpt

MAX_BYTES = 64 << 20
"""Largest table that is read: it is held in memory."""
MAX_TEXT = 4096
"""Longest description of a state."""
MAX_STEPS = 4000
"""Most steps of a trial, which have 1,204 at most."""
GAME = "pettingzoo:overcooked"
HORIZON = 2000
"""Steps of the records' games: trials end when people's three minutes are over, not by a number of steps."""
KITCHENS = {
    "cramped_room": "cramped_room",
    "asymmetric_advantages": "asymmetric_advantages",
    "coordination_ring": "coordination_ring",
    "random0": "forced_coordination",
    "random3": "counter_circuit",
}
"""Names of layouts in the trials -> the paper's names, which are the game's."""
_ACTIONS: dict[Any, int] = {(0, -1): 0, (0, 1): 1, (1, 0): 2, (-1, 0): 3, (0, 0): 4, "interact": 5}
_LOOSE = {"onion": 1, "dish": 2, "soup": 3}
_COOK_STEPS, _POT, _COOKING = 20, 10, 20


def split_trials(source: Source) -> Iterator[RawRecord | RecordError]:
    """Cuts the table into trials, in the order of the file."""
    data = b""
    while len(data) <= MAX_BYTES and (block := source.read()):
        data += block
    try:
        if len(data) > MAX_BYTES:
            raise PickleError(f"more than {MAX_BYTES:,} bytes")
        table = read_table(data)
        wanted = ("workerid_num", "layout_name", "layout", "run", "state", "next_state", "joint_action", "reward")
        missing = [name for name in wanted if name not in table]
        if missing:
            raise PickleError(f"a table without columns {', '.join(missing)}: not the trials of Overcooked")
    except PickleError as error:
        yield RecordError(Provenance(source.name, 0), "layout", excerpt(str(error)))
        return
    columns = [table[name].tolist() for name in wanted]
    rows = list(zip(*columns, strict=True))
    start = 0
    for end in range(1, len(rows) + 1):
        if end < len(rows) and rows[end][:4] == rows[start][:4]:
            continue
        worker, layout, grid, run = map(str, rows[start][:4])
        if end - start > MAX_STEPS or any(len(str(cell)) > MAX_TEXT for row in rows[start:end] for cell in row):
            yield RecordError(
                Provenance(source.name, start), "too large", f"a trial of {end - start:,} steps, or a step"
            )
            start = end
            continue
        lines = json.dumps([row[4:] for row in rows[start:end]])
        context = {"layout": layout, "grid": grid, "players": f"{run} pair {worker}"}
        yield RawRecord("overcooked", lines.encode(), Provenance(source.name, start), context)
        start = end


def parse_trial(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one trial."""
    layout = raw.context["layout"]
    if layout not in KITCHENS:
        return RecordError(raw.source, "layout", f"no kitchen {layout[:40]!r}; there are {', '.join(KITCHENS)}")
    try:
        grid = _literal(raw.context["grid"])
        width = len(grid[0])
        cells = "".join(grid)
        moves: list[str] = []
        seen: list[tuple[int, ...]] = []
        reward = 0.0
        before: Any = None
        rows = json.loads(raw.data)
        for state, next_state, joint, points in rows:
            if before is not None and state != before:
                return RecordError(raw.source, "gap", f"step {len(seen) // 2}: not the state that the last one led to")
            numbers = _numbers(state, cells, width)
            for action in _literal(joint):
                moves.append(str(_action(action)))
                seen.append(numbers)
            before = next_state
            reward += float(points)
        seen.append(_numbers(before, cells, width))
    except (ValueError, KeyError, TypeError, IndexError, SyntaxError, RecursionError, MemoryError) as error:
        return RecordError(
            raw.source, "syntax", excerpt(f"a step that cannot be read: {type(error).__name__}: {error}")
        )
    share = reward * 4.0 / HORIZON  # the site showed 5 points a soup, the paper and the rules count 20
    pair = raw.context["players"]
    return GameRecord(
        game=GAME,
        notation="number",
        moves=tuple(moves),
        source=raw.source,
        parameters={"layout": KITCHENS[layout], "horizon": HORIZON},
        players=(PlayerInfo(f"{pair}, player 0"), PlayerInfo(f"{pair}, player 1")),
        returns=(share, share),
        termination="time",
        date="2019-05-14",
        event="Overcooked trials of 2019",
        states=np.array(seen, np.int16),
    )


def _literal(text: str) -> Any:
    """A value written as Python writes it; nothing is run."""
    return ast.literal_eval(text)


def _action(action: Any) -> int:
    return _ACTIONS[action.lower() if isinstance(action, str) else tuple(action)]


@lru_cache(maxsize=16)
def _numbers(text: str, cells: str, width: int) -> tuple[int, ...]:
    """A state as the rules' ``Cooks.numbers``: places, facings, hands, what is on each cell."""
    state = _literal(text)
    players = state["players"]
    objects = [0] * len(cells)
    for thing in state["objects"].values():
        place = _cell(thing["position"], width, len(cells))
        objects[place] = _in_pot(thing) if cells[place] == "P" else _LOOSE[thing["name"]]
    return (
        *(_cell(player["position"], width, len(cells)) for player in players),
        *(_ACTIONS[tuple(player["orientation"])] for player in players),
        *(_LOOSE[player["held_object"]["name"]] if player.get("held_object") else 0 for player in players),
        *objects,
    )


def _cell(position: list[int], width: int, size: int) -> int:
    column, row = position
    if not (0 <= column < width and 0 <= row * width < size):
        raise ValueError(f"a place outside of the kitchen: {position}")
    return int(row * width + column)


def _in_pot(thing: Any) -> int:
    """Onions in a pot, or for how long it has cooked: the site's clock ran on after the soup was ready."""
    kind, onions, cooked = thing["state"]
    if kind != "onion" or not 0 < onions <= 3:
        raise ValueError(f"an unknown soup: {thing['state']}")
    return _POT + onions if onions < 3 else _COOKING + min(int(cooked), _COOK_STEPS)
