"""Kitchens of Overcooked as SVG, drawn from a state's numbers: as one picture, or in the parts that a page moves.

Seen from above. Numbers are those of ``Cooks.numbers``; a cell is ``CELL`` units wide.
"""

from gameil.games.game import Game, State, StatesItself
from gameil.games.overcooked import (
    COOK_STEPS,
    COOKING,
    DISH,
    NOTHING,
    ONION,
    ONIONS_A_SOUP,
    POT,
    READY,
    SOUP,
    Kitchen,
)
from gameil.games.overcooked_view import Numbers
from gameil.reports.svg import Drawing, escape

CELL = 40
COOK_NAMES = ("Blue cook", "Red cook")
COOK_COLOURS = ("#3a6fd0", "#d1495b")
_DARK = ("#27509c", "#9b2f3f")
_SKIN, _OUTLINE = "#f2c9a1", "#3a3f47"
_TURNS = (180, 0, -90, 90)
"""Degrees by which a cook that looks south is turned, by direction."""
_AHEAD = ((0, -1), (0, 1), (1, 0), (-1, 0))
_TITLES = {"X": "counter", "P": "pot", "O": "onions", "D": "dishes", "S": "serve soups here"}

_ONION = (
    '<path d="M0,-8 C1.5,-4.5 8,-4 8,2 C8,7 4,8.6 0,8.6 C-4,8.6 -8,7 -8,2 C-8,-4 -1.5,-4.5 0,-8Z" fill="#eab543" '
    'stroke="#9c6a14" stroke-width="1.1"/><path d="M0,-7 C-3.4,-2 -3.4,4 -1.6,8 M0,-7 C3.4,-2 3.4,4 1.6,8" fill="none" '
    'stroke="#c28a24" stroke-width=".9"/><path d="M0,-7.5 l-2.2,-4 M0,-7.5 l.4,-4.6 M0,-7.5 l2.8,-3.4" fill="none" '
    'stroke="#5b8c3a" stroke-width="1.5" stroke-linecap="round"/>'
)
_DISH = (
    '<circle r="9.2" fill="#fdfdfb" stroke="#8d96a0" stroke-width="1.1"/>'
    '<circle r="6" fill="#f1f3f4" stroke="#ccd2d8" stroke-width=".9"/>'
)
_SOUP = (
    '<circle r="9.2" fill="#fdfdfb" stroke="#8d96a0" stroke-width="1.1"/><circle r="6.8" fill="#d8622b" '
    'stroke="#a8431a" stroke-width=".9"/><path d="M-3.6,-1.6 a3,3 0 0 1 5,-1.6 '
    'M1,3.4 a2.6,2.6 0 0 0 2.8,-2.2" fill="none" '
    'stroke="#ffd9a0" stroke-width="1.3" stroke-linecap="round"/>'
)
_THINGS = {ONION: _ONION, DISH: _DISH, SOUP: _SOUP}
_IN_POT = ((0.0, -4.2), (-4.2, 3.2), (4.2, 3.2))
"""Where the onions of a pot lie."""


def kitchen_of(game: Game) -> Kitchen | None:
    """The kitchen of a game of Overcooked; None of any other game."""
    layout = getattr(game, "parameters", {}).get("layout")
    return Kitchen.of(str(layout)) if game.name == "pettingzoo:overcooked" else None


def numbers_of(state: State) -> list[int]:
    """A state of Overcooked as numbers."""
    assert isinstance(state, StatesItself)
    numbers = state.global_state()
    assert numbers is not None
    found: list[int] = numbers.tolist()
    return found


def kitchen_picture(kitchen: Kitchen, numbers: Numbers, label: str) -> str:
    """All of a kitchen as one ``<svg>``."""
    svg = Drawing(kitchen.width * CELL, kitchen.height * CELL, label=label, css_class="kitchen")
    svg.group(room(kitchen))
    svg.group(things(kitchen, numbers))
    for who in (0, 1):
        x, y = place(kitchen, numbers[who])
        svg.group(cook(who, numbers[2 + who], numbers[4 + who]), transform=f"translate({x * CELL} {y * CELL})")
    return str(svg)


def place(kitchen: Kitchen, cell: int) -> tuple[int, int]:
    """Column and row of a cell."""
    return cell % kitchen.width, cell // kitchen.width


def room(kitchen: Kitchen) -> str:
    """What never changes: floor, counters, pots, boxes."""
    floor, walls = [], []
    for cell, letter in enumerate(kitchen.terrain):
        column, row = place(kitchen, cell)
        x, y = column * CELL, row * CELL
        if letter == " ":
            tile = "#efe5d1" if (column + row) % 2 else "#f6eedd"
            floor.append(f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{tile}"/>')
            if row and kitchen.terrain[cell - kitchen.width] != " ":
                floor.append(f'<rect x="{x}" y="{y}" width="{CELL}" height="7" fill="#7a5a32" opacity=".22"/>')
        else:
            walls.append(_station(kitchen, cell, letter, x, y))
    # Sharp edges: neighbours that are drawn smoothly show hairs between them.
    return f'<g shape-rendering="crispEdges">{"".join(floor)}</g>{"".join(walls)}'


def _station(kitchen: Kitchen, cell: int, letter: str, x: int, y: int) -> str:
    """A counter with what stands on it for good."""
    below = cell + kitchen.width
    front = below < len(kitchen.terrain) and kitchen.terrain[below] == " "
    parts = [
        f'<rect width="{CELL}" height="{CELL}" fill="#c9995f" shape-rendering="crispEdges"/>',
        f'<rect x="1" y="1" width="{CELL - 2}" height="{CELL - (7 if front else 2)}" rx="3" fill="#deb57f"/>',
    ]
    if front:
        parts.append(f'<rect y="{CELL - 5}" width="{CELL}" height="5" fill="#99693a"/>')
    if letter == "P":
        parts.append(
            '<rect x="2" y="2" width="36" height="32" rx="4" fill="#59606b"/>'
            '<rect x="3.5" y="19" width="33" height="5" rx="2.5" fill="#2c3038"/>'
            '<circle cx="20" cy="18" r="13" fill="#8f98a5" stroke="#2c3038" stroke-width="1.4"/>'
            '<circle cx="20" cy="18" r="10.4" fill="#343942"/>'
        )
    elif letter == "O":
        parts.append(
            '<rect x="4" y="9" width="32" height="24" rx="2" fill="#9a6230" stroke="#6f4319" stroke-width="1.2"/>'
            '<path d="M4,25 h32 M12,25 v8 M28,25 v8" stroke="#6f4319" stroke-width="1.1"/>'
        )
        parts += [
            f'<g transform="translate({a} {b}) scale(.8)">{_ONION}</g>' for a, b in ((12, 15), (28, 15), (20, 18))
        ]
    elif letter == "D":
        parts += [f'<g transform="translate(20 {y}) scale(1.35 1.2)">{_DISH}</g>' for y in (22.0, 19.0, 16.0)]
    elif letter == "S":
        parts.append(
            '<rect x="3" y="3" width="34" height="30" rx="4" fill="#4c9a78"/>'
            '<rect x="5" y="5" width="30" height="26" rx="3" fill="none" stroke="#bfe5d2" stroke-width="1.1" '
            'stroke-dasharray="3 2.4"/><path d="M10,24 a10,9.6 0 0 1 20,0z" fill="#ffd25e" stroke="#8a6310" '
            'stroke-width="1.2"/><rect x="8.4" y="24" width="23.2" height="3.2" rx="1.6" fill="#6d4d0d"/>'
            '<circle cx="20" cy="12.6" r="2" fill="#8a6310"/>'
        )
    title = escape(_TITLES[letter])
    return f'<g transform="translate({x} {y})"><title>{title}</title>{"".join(parts)}</g>'


def things(kitchen: Kitchen, numbers: Numbers) -> str:
    """What lies on counters, and what is in the pots."""
    parts = []
    for cell, thing in enumerate(numbers[6:]):
        if thing != NOTHING:
            x, y = (part * CELL for part in place(kitchen, cell))
            inner = f'<g transform="translate(20 18)">{_THINGS[thing]}</g>' if thing in _THINGS else _pot_content(thing)
            parts.append(f'<g transform="translate({x} {y})">{inner}</g>')
    return "".join(parts)


def _pot_content(thing: int) -> str:
    """Onions, or a soup under way with a ring that closes and the steps that it still takes, or one that is ready."""
    if thing < COOKING:
        count = thing - POT
        onions = "".join(
            f'<g transform="translate({20 + a:g} {18 + b:g}) scale(.52)">{_ONION}</g>' for a, b in _IN_POT[:count]
        )
        return f"{onions}{_badge(f'{count}/{ONIONS_A_SOUP}', '#2c3038', '#fff')}"
    share = (thing - COOKING) / COOK_STEPS
    around = 2 * 3.14159 * 13.0
    ready = thing == READY
    soup, ring = ("#e0602a", "#43c07f") if ready else ("#b5823f", "#ffb84d")
    parts = [
        f'<circle cx="20" cy="18" r="10.4" fill="{soup}"/>',
        '<path d="M14.5,15.5 a5,5 0 0 1 7,-2.4 M21,23.4 a5,5 0 0 0 4.6,-3.6" fill="none" stroke="#ffe3b3" '
        'stroke-width="1.5" stroke-linecap="round" opacity=".8"/>',
        f'<circle cx="20" cy="18" r="13" fill="none" stroke="{ring}" stroke-width="3.6" stroke-linecap="round" '
        f'stroke-dasharray="{around * share:.1f} {around:.1f}" transform="rotate(-90 20 18)"/>',
    ]
    if ready:
        parts.append(
            '<path d="M15,8 q-2.4,-3 0,-6 M20,7 q-2.4,-3 0,-6 M25,8 q-2.4,-3 0,-6" fill="none" stroke="#fff" '
            'stroke-width="1.6" stroke-linecap="round" opacity=".9"/>'
        )
        return "".join(parts) + _badge("ready", "#1f8a55", "#fff")
    return "".join(parts) + _badge(str(READY - thing), "#2c3038", "#ffcf7d")


def _badge(text: str, ground: str, ink: str) -> str:
    wide = 7 + 5 * len(text)
    return (
        f'<rect x="{20 - wide / 2:g}" y="28" width="{wide:g}" height="10.4" rx="5.2" fill="{ground}"/><text x="20" '
        f'y="36.1" font-size="8.2" font-family="system-ui, sans-serif" font-weight="700" text-anchor="middle" '
        f'fill="{ink}">{text}</text>'
    )


def cook(who: int, facing: int, held: int, *, own: bool = False) -> str:
    """A cook within its cell, whose upper left corner is the origin; ``own``: with a mark for the one who plays it."""
    colour, dark = COOK_COLOURS[who], _DARK[who]
    puffs = ((0, -5.4), (5.1, -2.6), (5.1, 3.2), (0, 5.4), (-5.1, 3.2), (-5.1, -2.6))
    edge = "".join(f'<circle cx="{a}" cy="{b}" r="5" fill="{_OUTLINE}" opacity=".6"/>' for a, b in puffs)
    hat = "".join(f'<circle cx="{a}" cy="{b}" r="4.2" fill="#fff"/>' for a, b in puffs)
    arms = '<path d="M-11,0 L-8,9.5 M11,0 L8,9.5" fill="none" stroke-linecap="round"'
    body = (
        f'{arms} stroke="{dark}" stroke-width="7.4"/>{arms} stroke="{colour}" stroke-width="5.2"/>'
        f'<circle cx="-7.4" cy="11.6" r="3.3" fill="{_SKIN}" stroke="{dark}" stroke-width=".7"/>'
        f'<circle cx="7.4" cy="11.6" r="3.3" fill="{_SKIN}" stroke="{dark}" stroke-width=".7"/>'
        f'<ellipse rx="15" ry="9.8" cy="-1" fill="{colour}" stroke="{dark}" stroke-width="1.3"/>'
        f'<ellipse cy="10.4" rx="3" ry="2.6" fill="{_SKIN}" stroke="{dark}" stroke-width=".8"/>'
        f'{edge}{hat}<circle r="6" fill="#fff"/><circle r="4" fill="none" stroke="{colour}" stroke-width="1.8"/>'
    )
    dx, dy = _AHEAD[facing]
    parts = [
        '<ellipse cx="20" cy="23" rx="15" ry="11" fill="#000" opacity=".16"/>',
        f'<g transform="translate(20 20) rotate({_TURNS[facing]})">{body}</g>',
    ]
    if held != NOTHING:
        hand = f'<g transform="translate({20 + 14 * dx} {20 + 14 * dy}) scale(.9)">{_THINGS[held]}</g>'
        parts.insert(2 if dy >= 0 else 1, hand)
    if own:
        parts.append(
            f'<path d="M20,-1 l-5.4,-7 h10.8z" fill="{colour}" stroke="#fff" stroke-width="1.4" '
            'stroke-linejoin="round"/>'
        )
    return f"<title>{escape(COOK_NAMES[who])}</title>{''.join(parts)}"
