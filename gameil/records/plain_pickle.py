"""Tables out of pickles of pandas, without unpickling: a machine of its own reads the instructions and runs nothing.

A pickle is a program that may call anything. Here its instructions are read one by one (``pickletools.genops`` only
takes them apart), and the few that tables need are carried out on plain data: numbers, texts, tuples, lists,
dictionaries, arrays. What would be made by a class or a call becomes an inert ``Made`` with its name and its arguments
beside it; names that are not on the list, and instructions that are not known, end the reading. Nothing is imported
by name, nothing is called.
"""

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALLOWED = frozenset(
    {
        "pandas.core.frame DataFrame",
        "pandas.core.internals.managers BlockManager",
        "pandas.core.indexes.base _new_Index",
        "pandas.core.indexes.base Index",
        "pandas.core.indexes.numeric Int64Index",
        "pandas.core.indexes.range RangeIndex",
        "numpy.core.multiarray _reconstruct",
        "numpy._core.multiarray _reconstruct",
        "numpy ndarray",
        "numpy dtype",
    }
)
"""Names that a table's pickle holds. None of them is looked up: they only tell arrays and frames apart."""
DTYPES = frozenset({"b1", "i8", "i4", "f8", "f4", "O8", "|b1", "<i8", "<i4", "<f8", "<f4", "|O"})
MAX_ITEMS = 5_000_000
"""Most instructions, and most cells of one array."""


class PickleError(ValueError):
    """Not a pickle of a table; the text says why."""


@dataclass(slots=True)
class Made:
    """What a pickle would have made: only data here."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that stands for a class or function."""

    name: str


@dataclass(slots=True)
class _Machine:
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def to_mark(self) -> list[Any]:
        if not self.marks:
            raise PickleError("an end without a beginning")
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise PickleError("takes from an empty stack")
        return self.stack.pop()

    def top(self) -> Any:
        if not self.stack:
            raise PickleError("takes from an empty stack")
        return self.stack[-1]

    def make(self) -> None:
        """A call or a new object: only written down."""
        arguments, name = self.pop(), self.pop()
        if not isinstance(name, _Name) or not isinstance(arguments, tuple):
            raise PickleError("makes something of something that has no name")
        self.stack.append(Made(name.name, arguments))

    def name(self) -> None:
        what, module = self.pop(), self.pop()
        full = f"{module} {what}"
        if full not in ALLOWED:
            raise PickleError(f"names {full[:80]!a}, which no table needs")
        self.stack.append(_Name(full))

    def build(self) -> None:
        state, made = self.pop(), self.top()
        if not isinstance(made, Made) or made.state is not None:
            raise PickleError("gives a state to something that takes none")
        made.state = state

    def set_items(self, items: list[Any]) -> None:
        target = self.top()
        if not isinstance(target, dict) or len(items) % 2:
            raise PickleError("puts items into something that is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int | float):
                raise PickleError("a key that is neither text nor number")
            target[key] = value

    def append(self, items: list[Any]) -> None:
        target = self.top()
        if not isinstance(target, list):
            raise PickleError("appends to something that is no list")
        target += items

    def recall(self, number: int) -> None:
        if number not in self.memo:
            raise PickleError("recalls what was never kept")
        self.stack.append(self.memo[number])


def _push(machine: _Machine, value: Any) -> None:
    machine.stack.append(value)


def _tuple_of(count: int) -> Callable[[_Machine, Any], None]:
    def make(machine: _Machine, _: Any) -> None:
        taken = [machine.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(taken)))

    return make


def _last_item(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    machine.set_items([key, value])


_INSTRUCTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, value: None),
    **dict.fromkeys(
        (
            *("BININT", "BININT1", "BININT2", "BINFLOAT", "LONG1"),
            *("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"),
        ),
        _push,
    ),
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.to_mark())),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.to_mark()),
    "SETITEM": lambda machine, _: _last_item(machine),
    "SETITEMS": lambda machine, _: machine.set_items(machine.to_mark()),
    "MEMOIZE": lambda machine, _: machine.memo.__setitem__(len(machine.memo), machine.top()),
    "BINPUT": lambda machine, number: machine.memo.__setitem__(number, machine.top()),
    "LONG_BINPUT": lambda machine, number: machine.memo.__setitem__(number, machine.top()),
    "BINGET": lambda machine, number: machine.recall(number),
    "LONG_BINGET": lambda machine, number: machine.recall(number),
    "STACK_GLOBAL": lambda machine, _: machine.name(),
    "REDUCE": lambda machine, _: machine.make(),
    "NEWOBJ": lambda machine, _: machine.make(),
    "BUILD": lambda machine, _: machine.build(),
}


def read_plain(data: bytes) -> Any:
    """What a pickle describes, as plain data and ``Made``. Raises ``PickleError``."""
    machine = _Machine()
    try:
        for number, (code, argument, _) in enumerate(pickletools.genops(data)):
            if number > MAX_ITEMS:
                raise PickleError(f"more than {MAX_ITEMS:,} instructions")
            if code.name == "STOP":
                return machine.pop()
            run = _INSTRUCTIONS.get(code.name)
            if run is None:
                raise PickleError(f"the instruction {code.name}, which no table needs")
            run(machine, argument)
    except PickleError:
        raise
    except (ValueError, IndexError, OverflowError) as error:  # genops: cut off, or no pickle at all
        raise PickleError(f"not a pickle: {error}") from error
    raise PickleError("ends without an end")


def read_table(data: bytes) -> dict[str, NDArray[Any]]:
    """Columns of a pickled data frame of pandas, by name, each ``[rows]``. Raises ``PickleError``."""
    frame = read_plain(data)
    if not isinstance(frame, Made) or not frame.name.endswith(" DataFrame") or not isinstance(frame.state, dict):
        raise PickleError("no data frame of pandas")
    manager = frame.state.get("_data", frame.state.get("_mgr"))
    if not isinstance(manager, Made) or not isinstance(manager.state, tuple):
        raise PickleError("a data frame of another version of pandas")
    blocks = next((part["0.14.1"] for part in manager.state if isinstance(part, dict) and "0.14.1" in part), None)
    try:
        names = _array(blocks["axes"][0].arguments[1]["data"]).tolist()  # type: ignore[index]
        columns: dict[str, NDArray[Any]] = {}
        for block in blocks["blocks"]:  # type: ignore[index]
            values = _array(block["values"])
            for row, place in enumerate(_array(block["mgr_locs"]).tolist()):
                columns[str(names[place])] = values[row]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise PickleError(f"a data frame of another version of pandas ({error})") from error
    if len({len(column) for column in columns.values()}) > 1:
        raise PickleError("columns of different lengths")
    return columns


def _array(made: Any) -> NDArray[Any]:
    """The array that a pickle of NumPy describes."""
    if not isinstance(made, Made) or not made.name.endswith(" _reconstruct"):
        raise PickleError("something else where an array should be")
    _, shape, kind, fortran, content = made.state
    name = kind.arguments[0]
    if name not in DTYPES or not all(type(size) is int and size >= 0 for size in shape) or prod(shape) > MAX_ITEMS:
        raise PickleError(f"an array of {str(name)[:20]!a} and shape {str(shape)[:60]}")
    if name in ("O8", "|O"):
        cells = np.empty(prod(shape), object)
        cells[:] = _plain_cells(content, len(cells))
        return cells.reshape(shape[::-1]).T if fortran else cells.reshape(shape)
    if not isinstance(content, bytes):
        raise PickleError("an array without its bytes")
    numbers = np.frombuffer(content, np.dtype(name))
    return numbers.reshape(shape[::-1]).T if fortran else numbers.reshape(shape)


def _plain_cells(content: Any, size: int) -> list[Any]:
    """Cells of an array of objects: texts, numbers and None only."""
    if not isinstance(content, list) or len(content) != size:
        raise PickleError("an array with another number of cells than it states")
    return list(_checked(content))


def _checked(cells: list[Any]) -> Iterator[Any]:
    for cell in cells:
        if cell is not None and not isinstance(cell, str | int | float):
            raise PickleError(f"a cell of kind {type(cell).__name__}")
        yield cell
