"""The rules of Overcooked as people played it in 2019: two cooks, onions, pots, dishes, a window to serve at.

    place 3 onions in a pot -> it cooks for 20 steps -> fetch it with a dish -> serve it: 20 points for both

Carroll et al., "On the utility of learning about humans for human-AI coordination" (2019), section 3; the kitchens are
those of its figure 3, the order of events within a step that of its published code: first what players touch (player 0
before player 1), then where they go, then the pots. A full pot cooks by itself. Knows no package: it was checked
against every recorded step of the 2019 trials (docs/pettingzoo.md).

Cells are ``y * width + x``, directions and actions as in ``ACTIONS``.
"""

from dataclasses import dataclass

from gameil.errors import GameError

ACTIONS = ("north", "south", "east", "west", "stay", "interact")
"""Names of the six actions, by id; the first four are also the directions a player may face."""
STAY, INTERACT = 4, 5
NOTHING, ONION, DISH, SOUP = 0, 1, 2, 3
"""What a hand or a counter holds."""
POT = 10
"""A pot with ``n`` onions that does not cook holds ``POT + n``."""
COOKING = 20
"""A pot that has cooked for ``t`` steps holds ``COOKING + t``."""
COOK_STEPS = 20
READY = COOKING + COOK_STEPS
ONIONS_A_SOUP = 3
DELIVERY = 20.0
"""Points of a soup; the trials' own site showed 5."""
ONION_IN_POT, USEFUL_DISH, SOUP_FETCHED = 3.0, 3.0, 5.0
"""Points of intermediate deeds, where ``shaping`` is on (Carroll et al. 2019, appendix)."""

LAYOUTS = {
    "cramped_room": ("XXPXX", "O  2O", "X1  X", "XDXSX"),
    "asymmetric_advantages": ("XXXXXXXXX", "O XSXOX S", "X   P 1 X", "X2  P   X", "XXXDXDXXX"),
    "coordination_ring": ("XXXPX", "X 1 P", "D2X X", "O   X", "XOSXX"),
    "forced_coordination": ("XXXPX", "O X1P", "O2X X", "D X X", "XXXSX"),
    "counter_circuit": ("XXXPPXXX", "X      X", "D XXXX S", "X2    1X", "XXXOOXXX"),
}
"""Kitchens: X counter, O onions, D dishes, P pot, S serving window, 1 and 2 where the players begin."""


@dataclass(frozen=True)
class Kitchen:
    """A layout taken apart."""

    name: str
    width: int
    height: int
    terrain: str
    """One letter a cell; a space is floor."""
    starts: tuple[int, int]
    """Where the players begin."""
    steps: tuple[int, int, int, int]
    """What moving in each direction adds to a cell."""
    pots: tuple[int, ...]

    @staticmethod
    def of(name: str) -> "Kitchen":
        """The kitchen of a name. Raises ``GameError`` for an unknown one."""
        if name not in LAYOUTS:
            raise GameError(f"overcooked: no kitchen {name[:40]!r}; there are {', '.join(LAYOUTS)}")
        grid = LAYOUTS[name]
        cells = "".join(grid)
        width = len(grid[0])
        terrain = cells.replace("1", " ").replace("2", " ")
        pots = tuple(cell for cell, letter in enumerate(terrain) if letter == "P")
        return Kitchen(
            name, width, len(grid), terrain, (cells.index("1"), cells.index("2")), (-width, width, 1, -1), pots
        )


class Cooks:
    """One state of a kitchen, changed by ``step``."""

    __slots__ = ("facing", "held", "kitchen", "objects", "places")

    def __init__(self, kitchen: Kitchen) -> None:
        self.kitchen = kitchen
        self.places = list(kitchen.starts)
        self.facing = [0, 0]
        self.held = [NOTHING, NOTHING]
        self.objects = [NOTHING] * len(kitchen.terrain)
        """By cell: what lies on a counter or stands in a pot."""

    def copy(self) -> "Cooks":
        """An independent copy."""
        twin = Cooks.__new__(Cooks)
        twin.kitchen = self.kitchen
        twin.places, twin.facing, twin.held = self.places[:], self.facing[:], self.held[:]
        twin.objects = self.objects[:]
        return twin

    def step(self, first: int, second: int) -> tuple[float, float, float]:
        """Both players act at once. Returns the points of the step, and each player's points for useful deeds."""
        points, shaped = 0.0, [0.0, 0.0]
        for player, action in ((0, first), (1, second)):
            if action == INTERACT:
                served, useful = self._touch(player)
                points += served
                shaped[player] = useful
        self._move(first, second)
        objects = self.objects
        for pot in self.kitchen.pots:
            inside = objects[pot]
            if inside == POT + ONIONS_A_SOUP:
                objects[pot] = COOKING + 1
            elif COOKING <= inside < READY:
                objects[pot] = inside + 1
        return points, shaped[0], shaped[1]

    def _touch(self, player: int) -> tuple[float, float]:
        """What ``interact`` does: points for serving, and for a useful deed."""
        kitchen, objects, held = self.kitchen, self.objects, self.held[player]
        cell = self.places[player] + kitchen.steps[self.facing[player]]
        letter = kitchen.terrain[cell]
        if letter == "X":
            if held == NOTHING or objects[cell] == NOTHING:
                self.held[player], objects[cell] = objects[cell], held
        elif letter == "O" and held == NOTHING:
            self.held[player] = ONION
        elif letter == "D" and held == NOTHING:
            useful = USEFUL_DISH if self._dish_is_useful() else 0.0
            self.held[player] = DISH
            return 0.0, useful
        elif letter == "P" and held == DISH and objects[cell] == READY:
            self.held[player], objects[cell] = SOUP, NOTHING
            return 0.0, SOUP_FETCHED
        elif letter == "P" and held == ONION and (objects[cell] or POT) < POT + ONIONS_A_SOUP:
            self.held[player], objects[cell] = NOTHING, (objects[cell] or POT) + 1
            return 0.0, ONION_IN_POT
        elif letter == "S" and held == SOUP:
            self.held[player] = NOTHING
            return DELIVERY, 0.0
        return 0.0, 0.0

    def _dish_is_useful(self) -> bool:
        """No dish lies about, and fewer are in hands than pots have something in them."""
        lying = any(letter == "X" and self.objects[cell] == DISH for cell, letter in enumerate(self.kitchen.terrain))
        filled = sum(self.objects[pot] != NOTHING for pot in self.kitchen.pots)
        return not lying and self.held.count(DISH) < filled

    def _move(self, first: int, second: int) -> None:
        """Players turn, and go where floor is; both stay where they would meet or change places."""
        kitchen = self.kitchen
        old = self.places
        new = old[:]
        for player, action in ((0, first), (1, second)):
            if action < STAY:
                self.facing[player] = action
                ahead = old[player] + kitchen.steps[action]
                if kitchen.terrain[ahead] == " ":
                    new[player] = ahead
        if new[0] == new[1] or (new[0] == old[1] and new[1] == old[0]):
            return
        self.places = new

    def numbers(self) -> list[int]:
        """All of the state as numbers: place, facing and hand of both players, then what is on each cell."""
        return [*self.places, *self.facing, *self.held, *self.objects]
