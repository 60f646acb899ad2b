"""Move lists and tables of thoughts as HTML. Everything foreign is escaped."""

from collections.abc import Mapping, Sequence

from gameil.games.game import CHANCE_PLAYER, State
from gameil.reports.kitchen import COOK_NAMES
from gameil.reports.svg import escape
from gameil.serving.analysis import Analysis
from gameil.serving.game_session import Move, move_text

_SHOWN = 6
"""Moves in the table of thoughts."""
DOUBTFUL, BAD = 0.25, 0.5
"""Loss of expected return that marks a move ``?!`` and ``?``."""


def move_list(moves: Sequence[Move], now: int, marks: Mapping[int, str], hidden_from: int | None = None) -> str:
    """Numbered moves, each a link to the position after it (``data-ply``).

    Args:
        moves: all actions so far; outcomes of chance are shown small.
        now: number of actions before the position shown.
        marks: by ply of the action, what is written behind it.
        hidden_from: seat that must not see what others did; None: everybody sees everything.
    """
    parts: list[str] = []
    number = 0
    last = None
    for ply, move in enumerate(moves):
        secret = hidden_from is not None and move.player != hidden_from
        text = "·" if secret else escape(move.text or "–")
        if move.player == CHANCE_PLAYER:
            parts.append(f'<span class="chance" data-ply="{ply + 1}">{text}</span>')
            continue
        if (move.player == 0 and last != 0) or last is None:
            number += 1
            parts.append(f'<span class="number">{number}.</span>')
        last = move.player
        kind = "move now" if ply + 1 == now else "move"
        parts.append(f'<span class="{kind}" data-ply="{ply + 1}">{text}{marks.get(ply, "")}</span>')
    return " ".join(parts) or '<span class="number">no moves yet</span>'


def marks_of(moves: Sequence[Move], thoughts: Mapping[int, Analysis]) -> dict[int, str]:
    """``?!`` and ``?`` for moves after which their player's expected return fell, where both positions are judged."""
    marks: dict[int, str] = {}
    for ply, move in enumerate(moves):
        before, after = thoughts.get(ply), thoughts.get(ply + 1)
        if before is None or after is None or move.player < 0 or before.best == move.action:
            continue
        had, has = before.value_of(move.player), after.value_of(move.player)
        if had is not None and has is not None and had - has >= DOUBTFUL:
            marks[ply] = "?" if had - has >= BAD else "?!"
    return marks


def thought_table(state: State, analysis: Analysis, by: str) -> str:
    """The best moves with the policy's and the search's shares as bars."""
    shown = [move for move in analysis.moves[:_SHOWN] if move.policy or move.search] or list(analysis.moves[:1])
    by_policy = [move for move in analysis.moves if move.policy is not None]
    favourite = max(by_policy, key=lambda move: move.policy or 0.0, default=None)
    if favourite is not None and favourite not in shown:
        shown[-1] = favourite
    rows = [
        f"<tr><td>{escape(move_text(state, move.action) or 'pass')}</td>"
        f"{_bar(move.policy, 'policy')}{_bar(move.search, 'search')}</tr>"
        for move in shown
    ]
    value = "" if analysis.value is None else f", expects {analysis.value:+.2f}"
    return (
        f'<table class="thoughts"><caption>{escape(by)}{value} for the player to move</caption>'
        f"<tr><th>move</th><th>policy</th><th>search</th></tr>{''.join(rows)}</table>"
    )


def _bar(share: float | None, kind: str) -> str:
    if share is None:
        return "<td>–</td>"
    percent = 100.0 * share
    return f'<td><div class="bar {kind}" style="width:{percent:.0f}%"></div><span>{percent:.0f} %</span></td>'


def seat_name(game_name: str, seat: int) -> str:
    """What a seat is called where the game has a word for it."""
    names = {
        "chess": ("White", "Black"),
        "go": ("Black", "White"),
        "othello": ("Black", "White"),
        "hex": ("Black", "White"),
        "breakthrough": ("Black", "White"),
        "checkers": ("Black", "White"),
        "backgammon": ("Black", "White"),
        "connect_four": ("Yellow", "Red"),
        "tic_tac_toe": ("Crosses", "Noughts"),
        "pettingzoo:overcooked": COOK_NAMES,
    }
    known = names.get(game_name, ())
    return known[seat] if seat < len(known) else f"Player {seat + 1}"
