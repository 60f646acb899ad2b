"""Moves as people type them at a terminal: a game's usual notation, or as much of it as tells the legal moves apart."""

from collections.abc import Sequence

from gameil.errors import NotationError
from gameil.games.game import Notation, State

_NOTATIONS: dict[str, tuple[Notation, ...]] = {"chess": ("san", "uci"), "go": ("gtp", "sgf")}


def typed_notations(game_name: str) -> tuple[Notation, ...]:
    """How moves may be typed, the one to print first; the rules engine's own text for most games."""
    return _NOTATIONS.get(game_name, ("action",))


def read_move(state: State, text: str, notations: Sequence[Notation]) -> int:
    """The legal action that a person means: a notation of the game, or the part of it that tells moves apart.

    Connect four's ``x3`` may be typed as ``3``. Raises ``NotationError``, one line.
    """
    if notations[0] == "action":
        wanted = text.strip().lower()
        texts = {action: state.text(action, "action").lower() for action in state.legal_actions()}
        exact = [action for action, written in texts.items() if written == wanted]
        ending = [action for action, written in texts.items() if wanted and written.endswith(wanted)]
        for matches in (exact, ending):
            if len(matches) == 1:
                return matches[0]
    first: NotationError | None = None
    for notation in notations:
        try:
            return state.parse(text.strip(), notation)
        except NotationError as error:
            first = first or error
    assert first is not None
    raise first
