"""A game as it is shown in a report: who played, the positions on the way, the moves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gameil.errors import GameilError
from gameil.games.game import CHANCE_PLAYER, Notation, State
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import RecordError
from gameil.reports.boards import board_picture, read_position
from gameil.reports.svg import escape

MOVE_NOTATION: dict[str, Notation] = {"chess": "san", "go": "gtp"}
"""Notation of the move list where it is not the rules engine's own."""
MAX_GAME_ACTIONS = 2000
"""Longer games are not shown."""


@dataclass(frozen=True)
class ShownGame:
    """A game and what is printed of it."""

    played: PlayedGame
    title: str
    pictures: tuple[tuple[str, str], ...]
    """``(caption, HTML of the board)`` of positions on the way, the last one at the end."""
    moves: tuple[tuple[int, str], ...]
    """``(player, move in the game's notation)``."""


def recorded_games(directory: Path, *, limit: int = 500) -> Iterator[PlayedGame]:
    """The games in ``directory/records/``, by file name, newest ladder last; unreadable ones are left out."""
    count = 0
    for path in sorted((directory / "records").glob("*")):
        if path.suffix not in (".pgn", ".sgf", ".jsonl"):
            continue
        try:
            for record in read_records(path):
                if isinstance(record, RecordError):
                    continue
                played = transcribe(record)
                if isinstance(played, PlayedGame):
                    yield played
                    count += 1
                if count >= limit:
                    return
        except GameilError:  # an empty or torn file beside good ones must not cost the report
            continue


def choose_game(games: Iterator[PlayedGame], agent: str | None = None) -> PlayedGame | None:
    """A game worth showing: won by ``agent`` (its name begins so; default: anyone), the longest of those."""
    best: tuple[tuple[bool, int], PlayedGame] | None = None
    for played in games:
        won = played.returns is not None and any(
            value > 0 and (agent is None or _named(played, seat, agent)) for seat, value in enumerate(played.returns)
        )
        key = (won, min(len(played.actions), 80))
        if len(played.actions) <= MAX_GAME_ACTIONS and (best is None or key > best[0]):
            best = (key, played)
    return best[1] if best else None


def show_game(played: PlayedGame, *, num_pictures: int = 6) -> ShownGame:
    """Replays a game and draws ``num_pictures`` positions evenly spread over it, the last one the end."""
    game = make_game(played.game_id)
    total = len(played.actions)
    shown = {round(total * (index + 1) / num_pictures) for index in range(num_pictures)} - {played.num_setup}
    state = game.initial_state(played.start)
    notation = MOVE_NOTATION.get(game.name, "action")
    moves: list[tuple[int, str]] = []
    pictures: list[tuple[str, str]] = []
    before = None
    for ply, action in enumerate(played.actions, 1):
        player = state.current_player()
        text = "" if player == CHANCE_PLAYER else _move_text(state, int(action), notation)
        if ply > played.num_setup and player != CHANCE_PLAYER:
            moves.append((player, text))
        if ply in shown:
            before = read_position(game.name, str(state))
        state.apply(int(action))
        if ply in shown:
            picture = str(state)
            position = read_position(game.name, picture)
            marked = position.changes(before) if position is not None else set()
            caption = f"after {ply} moves" if ply < total else "the end"
            pictures.append((caption, board_picture(position, picture, marked, f"{game.name}, {caption}")))
    return ShownGame(played, _title(played), tuple(pictures), tuple(moves))


def move_list(moves: tuple[tuple[int, str], ...]) -> str:
    """The moves as HTML: numbered pairs for two players, else a plain row."""
    words = []
    number = 0
    for index, (player, text) in enumerate(moves):
        if player == 0 or index == 0:
            number += 1
            words.append(f'<span class="number">{number}.</span>')
            if player != 0:
                words.append("…")
        words.append(escape(text))
    return " ".join(words)


def _move_text(state: State, action: int, notation: Notation) -> str:
    return state.text(action, notation)


def _named(played: PlayedGame, seat: int, agent: str) -> bool:
    name = played.players[seat].name if seat < len(played.players) else None
    return name is not None and name.startswith(agent)


def _title(played: PlayedGame) -> str:
    names = [player.name or "?" for player in played.players] or ["?"]
    result = f", {played.result}" if played.result not in ("*", "") else ""
    return " against ".join(names) + result
