"""From a played game to a record: so that stored, arena and league games can be written in people's formats."""

from gameil.errors import RecordsError
from gameil.games.draughts_notation import join_steps
from gameil.games.game import CHANCE_PLAYER, Notation
from gameil.games.othello_notation import PASS_TEXT
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame, opening_plies
from gameil.records.record import GameRecord

_NOTATIONS: dict[str, Notation] = {"chess": "san", "go": "sgf", "othello": "othello", "checkers": "draughts"}


def to_record(played: PlayedGame) -> GameRecord:
    """The record of a played game; transcribing it again gives the same actions and outcome."""
    game = make_game(played.game_id)
    notation = _NOTATIONS.get(game.name, "action")
    state = game.initial_state(played.start)
    moves: list[str] = []
    movers: list[int] = []
    clocks: list[float | None] = []
    setup: list[tuple[int, str]] = []
    stones = played.num_setup - opening_plies(played.tags)  # a random opening stays among the moves, told by its tag
    for ply, action in enumerate(played.actions.tolist()):
        player = state.current_player()
        text = state.text(action, notation if player != CHANCE_PLAYER else "action")
        if notation == "othello" and text == PASS_TEXT:
            pass  # not written, as it comes back by itself
        elif notation == "draughts" and movers and movers[-1] == player:
            moves[-1] = join_steps([moves[-1], text])  # the same piece goes on capturing
            clocks[-1] = played.clocks[ply] if played.clocks is not None else None
        elif ply >= stones:
            moves.append(text)
            movers.append(player)
            clocks.append(played.clocks[ply] if played.clocks is not None else None)
        elif text:
            setup.append((player, text))  # the passes between setup stones come back by themselves
        state.apply(action)
    is_go = game.name == "go"
    together = game.capabilities.common_payoff  # nobody wins or loses against anybody
    return GameRecord(
        game=game.name,
        notation=notation,
        moves=tuple(moves),
        source=played.source,
        parameters=game_parameters(game.id),
        players=played.players,
        movers=tuple(movers) if is_go else None,
        setup=tuple(setup),
        start=played.start,
        returns=played.returns,
        result=played.result if played.result != "*" or together else _result_text(played.returns, is_go),
        termination=played.termination,
        date=played.date,
        event=played.event,
        time_control=played.time_control,
        tags=played.tags,
        clocks=tuple(clocks) if played.clocks is not None else None,
    )


def to_numbered_record(played: PlayedGame) -> GameRecord:
    """The record of a played game in action ids, for numeric trajectories. Nothing is replayed.

    Raises ``RecordsError`` for a game with setup stones, which ids alone do not tell from moves.
    """
    if played.num_setup > opening_plies(played.tags):
        raise RecordsError(f"{played.game_id}: a game with setup stones cannot be written as action ids")
    game = make_game(played.game_id)
    return GameRecord(
        game=game.name,
        notation="number",
        moves=tuple(map(str, played.actions.tolist())),
        source=played.source,
        parameters=game_parameters(game.id),
        players=played.players,
        start=played.start,
        returns=played.returns,
        result=played.result,
        termination=played.termination,
        date=played.date,
        event=played.event,
        time_control=played.time_control,
        tags=played.tags,
        clocks=played.clocks,
        observations=played.observations,
    )


def game_parameters(game_id: str) -> dict[str, str | int | float | bool]:
    """The parameters written in a game id: ``{"board_size": 9}`` of ``go(board_size=9)``."""
    _, _, inside = game_id.partition("(")
    pairs = (pair.partition("=") for pair in inside.rstrip(")").split(",") if pair)
    return {key: _value(text) for key, _, text in pairs}


def _value(text: str) -> str | int | float | bool:
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _result_text(returns: tuple[float, ...] | None, is_go: bool) -> str:
    """The usual result text of a two-player outcome; ``*`` where there is none."""
    if returns is None or len(returns) != 2:
        return "*"
    if returns[0] == returns[1]:
        return "0" if is_go else "1/2-1/2"
    first_won = returns[0] > returns[1]
    if is_go:
        return "B+" if first_won else "W+"
    return "1-0" if first_won else "0-1"
