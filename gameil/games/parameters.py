"""Which parameters a game id may carry, their defaults and their bounds, and the text of an id."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gameil.errors import GameError

Value = str | int | float | bool


@dataclass(frozen=True)
class Parameter:
    """One allowed parameter of one game."""

    default: Value
    """What the rules engine takes without it; its type is the type the parameter must have."""
    least: float = -math.inf
    greatest: float = math.inf
    choices: tuple[str, ...] = ()
    """All allowed values of a text parameter."""
    shapes: bool = True
    """Changes the shape or meaning of observations and actions; False keeps the game's family."""
    step: float = 0.0
    """The value must be a multiple of this; 0 allows any."""


def _number(default: Value, least: float, greatest: float, *, shapes: bool = True, step: float = 0.0) -> Parameter:
    return Parameter(default, least, greatest, shapes=shapes, step=step)


def _environment(**own: Parameter) -> dict[str, Parameter]:
    """Parameters of a PettingZoo environment where all move at once, its own beside those that all of them take."""
    return {
        "api": Parameter("turns", choices=("turns", "at_once"), shapes=False),
        "frames": _number(1, 1, 8),
        "recorded": Parameter(False),
        **own,
    }


_POINTS_ORDER = ("random", "ascending", "descending")
_KITCHENS = (
    "cramped_room",
    "asymmetric_advantages",
    "coordination_ring",
    "forced_coordination",
    "counter_circuit",
)

PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {
    "breakthrough": {"rows": _number(8, 4, 26), "columns": _number(8, 2, 26)},
    "chess": {"chess960": Parameter(False, shapes=False)},
    "cliff_walking": {"height": _number(4, 2, 64), "width": _number(8, 3, 64), "horizon": _number(100, 1, 10_000)},
    "connect_four": {"rows": _number(6, 4, 20), "columns": _number(7, 4, 20), "x_in_row": _number(4, 3, 20)},
    "go": {
        "board_size": _number(19, 2, 19),
        "komi": _number(7.5, -400.0, 400.0, shapes=False, step=0.25),
        "handicap": _number(0, 0, 9, shapes=False),
    },
    "goofspiel": {
        "num_cards": _number(13, 2, 13),
        "players": _number(2, 2, 10),
        "imp_info": Parameter(False),
        "points_order": Parameter("random", choices=_POINTS_ORDER),
    },
    "hanabi": {"players": _number(2, 2, 5), "colors": _number(5, 2, 5), "ranks": _number(5, 2, 5)},
    "hex": {"board_size": _number(11, 2, 26), "swap": Parameter(False)},
    "kuhn_poker": {"players": _number(2, 2, 10)},
    "leduc_poker": {"players": _number(2, 2, 10)},
    "liars_dice": {"numdice": _number(1, 1, 6), "dice_sides": _number(6, 2, 6)},
    "nim": {"pile_sizes": Parameter("1;3;5;7", choices=("1;3;5;7", "3;4;5", "1;2;3"))},
    "oshi_zumo": {"coins": _number(50, 1, 50), "size": _number(3, 1, 10), "horizon": _number(1000, 1, 10_000)},
    "pathfinding": {"horizon": _number(1000, 1, 10_000)},
    "pettingzoo:knights_archers_zombies_v11": _environment(
        max_cycles=_number(900, 1, 100_000, shapes=False),
        num_archers=_number(2, 0, 8),
        num_knights=_number(2, 0, 8),
    ),
    "pettingzoo:cooperative_pong_v6": _environment(
        max_cycles=_number(900, 1, 100_000, shapes=False),
        size=_number(84, 8, 1024),
        render_ratio=_number(2, 1, 10),
        ball_speed=_number(9, 1, 20, shapes=False),
        left_paddle_speed=_number(12, 1, 100, shapes=False),
        right_paddle_speed=_number(12, 1, 100, shapes=False),
    ),
    "pettingzoo:pistonball_v6": _environment(
        max_cycles=_number(125, 1, 100_000, shapes=False),
        n_pistons=_number(20, 3, 40),
        size=_number(84, 8, 1024),
        bins=_number(21, 2, 4096),
    ),
    "pettingzoo:tree": {"bins": _number(41, 2, 4096)},
    "pettingzoo:overcooked": {
        "layout": Parameter("cramped_room", choices=_KITCHENS),
        "view": Parameter("planes", choices=("planes", "pixels")),
        "horizon": _number(400, 1, 10_000, shapes=False),
        "shaping": _number(0.0, 0.0, 10.0, shapes=False),
        "frames": _number(1, 1, 8),
    },
}
"""Parameters by game name; a game that is not listed takes none."""

_ID = re.compile(r"([A-Za-z0-9][A-Za-z0-9_]*(?::[A-Za-z0-9_]+)?)(?:\((.*)\))?", re.DOTALL)


def split_id(game_id: str) -> tuple[str, dict[str, str]]:
    """Splits ``name(key=value,...)`` into name and raw parameter texts. Raises ``GameError`` where malformed."""
    match = _ID.fullmatch(game_id.strip())
    if match is None:
        raise GameError(f"malformed game id {game_id[:100]!r}: expected NAME or NAME(PARAMETER=VALUE,...)")
    name, inside = match.group(1), match.group(2)
    texts: dict[str, str] = {}
    for part in inside.split(",") if inside and inside.strip() else ():
        key, equals, text = (piece.strip() for piece in part.partition("="))
        if not equals or not key or not text:
            raise GameError(f"malformed parameter {part.strip()[:100]!r} in game id {game_id[:100]!r}")
        if key in texts:
            raise GameError(f"parameter {key!r} stands twice in game id {game_id[:100]!r}")
        texts[key] = text
    return name, texts


def read_parameters(name: str, texts: Mapping[str, str]) -> dict[str, Value]:
    """All parameters of ``name``, in alphabetical order, defaults filled in.

    Raises ``GameError`` naming the parameter, the value and the bound.
    """
    allowed = PARAMETERS.get(name, {})
    for key in texts:
        if key not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise GameError(f"{name} has no parameter {key[:40]!r} (it takes: {known})")
    values = {key: _read(name, key, rule, texts.get(key)) for key, rule in sorted(allowed.items())}
    _check_together(name, values)
    return values


def format_id(name: str, values: Mapping[str, Value], *, family: bool = False) -> str:
    """The canonical id: every non-default parameter, alphabetically; without shapeless ones for the ``family``."""
    allowed = PARAMETERS.get(name, {})
    shown = [
        f"{key}={value}"
        for key, value in sorted(values.items())
        if value != allowed[key].default and (allowed[key].shapes or not family)
    ]
    return f"{name}({','.join(shown)})" if shown else name


def _read(name: str, key: str, rule: Parameter, text: str | None) -> Value:
    if text is None:
        return rule.default
    shown = f"{name}: {key}={text[:40]}"
    if isinstance(rule.default, bool):
        if text.lower() not in ("true", "false"):
            raise GameError(f"{shown} is neither True nor False")
        return text.lower() == "true"
    if isinstance(rule.default, str):
        if text not in rule.choices:
            raise GameError(f"{shown} is not one of {', '.join(rule.choices)}")
        return text
    kind = type(rule.default)
    try:
        value = kind(text)
    except ValueError:
        raise GameError(f"{shown} is not {'a whole number' if kind is int else 'a number'}") from None
    if not rule.least <= value <= rule.greatest:
        raise GameError(f"{shown} is outside {rule.least:g}..{rule.greatest:g}")
    if rule.step and value % rule.step:
        raise GameError(f"{shown} is not a multiple of {rule.step:g}")
    return value


def _check_together(name: str, values: Mapping[str, Value]) -> None:
    """Combinations that single bounds cannot refuse."""
    if name == "go" and values["handicap"] == 1:
        raise GameError("go: handicap=1 puts no stone; write handicap=0 with the komi that was played")
    if name == "go" and values["handicap"] and values["board_size"] != 19:
        raise GameError(
            f"go: handicap={values['handicap']} is only known on 19x19, not board_size={values['board_size']}"
        )
    if name == "pettingzoo:cooperative_pong_v6" and int(values["ball_speed"]) > 20 // int(values["render_ratio"]):
        raise GameError(
            f"{name}: ball_speed={values['ball_speed']} goes through paddles that are "
            f"{20 // int(values['render_ratio'])} wide at render_ratio={values['render_ratio']}"
        )
    if name == "connect_four" and int(values["x_in_row"]) > max(int(values["rows"]), int(values["columns"])):
        raise GameError(f"connect_four: x_in_row={values['x_in_row']} fits neither its rows nor its columns")
