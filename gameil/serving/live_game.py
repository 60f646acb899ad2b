"""Games that do not wait: which keys steer them, what a person's keys ask for in a step, when steps are due. No web.

The steps of a game where all move at once follow a clock. Whoever has done nothing since the last step stays idle.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gameil.games.game import Game
from gameil.games.overcooked import ACTIONS, INTERACT, STAY

TICK_SECONDS = 0.15
"""Seconds of a step where nothing else is said: the trials of Carroll et al. (2019) went at 400 steps a minute."""


@dataclass(frozen=True)
class Controls:
    """How people steer one seat of a game."""

    keys: Mapping[str, int]
    """Key, as browsers call it -> action."""
    repeated: frozenset[int]
    """Actions that go on while their key is down; others are done once each time it goes down."""
    idle: int
    """Action of whoever does nothing; always legal."""


CONTROLS: Mapping[str, Controls] = {
    "pettingzoo:overcooked": Controls(
        keys={
            "ArrowUp": ACTIONS.index("north"),
            "ArrowDown": ACTIONS.index("south"),
            "ArrowRight": ACTIONS.index("east"),
            "ArrowLeft": ACTIONS.index("west"),
            "Space": INTERACT,
        },
        repeated=frozenset(range(STAY)),
        idle=STAY,
    )
}
"""Games that people play in real time, by name."""


def controls_of(game: Game) -> Controls | None:
    """How a game is steered; None of a game that waits for its players."""
    return CONTROLS.get(game.name)


class Keys:
    """The keys of one person: what they ask for in the next step."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._down: list[int] = []
        """Actions of keys that are down, the latest last."""
        self._pressed: int | None = None
        """Action of the last key that went down since the last step."""

    def press(self, key: str) -> None:
        """A key goes down; one without a meaning is passed over."""
        action = self._controls.keys.get(key)
        if action is not None and action not in self._down:
            self._down.append(action)
            self._pressed = action

    def release(self, key: str) -> None:
        """A key goes up."""
        action = self._controls.keys.get(key)
        if action in self._down:
            self._down.remove(action)

    def release_all(self) -> None:
        """Nobody is at the keys any more; what was pressed is forgotten."""
        self._down.clear()
        self._pressed = None

    def take(self) -> int:
        """The action of the step that is due: the last key pressed since the step before, else one that is held."""
        held = [action for action in self._down if action in self._controls.repeated]
        action = self._pressed if self._pressed is not None else held[-1] if held else self._controls.idle
        self._pressed = None
        return action


class Beat:
    """When steps are due. The clock is told to it."""

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._due = now + seconds

    def wait(self, now: float) -> float:
        """Seconds until the next step is due; 0 where it is."""
        return max(0.0, self._due - now)

    def stepped(self, now: float) -> None:
        """A step was made. The next one keeps to the beat; beats that were missed altogether are left out: nobody can
        play steps that come all at once."""
        self._due += self._seconds
        if self._due <= now:
            self._due = now + self._seconds
