"""From a record to a played game: the one place where formats and rules meet."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gameil.errors import GameError, NotationError
from gameil.games.game import Game, Notation, State, StatesItself
from gameil.games.go_follower import GoFollower
from gameil.games.notation import follow
from gameil.games.othello_notation import SCORE, final_score
from gameil.games.registry import make_game
from gameil.positions.played_game import MATCH_TAG, PlayedGame, opening_plies
from gameil.positions.to_record import game_parameters
from gameil.records.record import GameRecord, RecordError

DECIDED_ON_THE_BOARD = frozenset({"checkers", "hex", "othello"})
"""Games whose winner at the rules' end nothing else can change, no claim, no count that players have to agree on."""


def transcribe(record: GameRecord) -> PlayedGame | RecordError:
    """Plays a record's moves by the rules of its game.

    Moves after the rules' automatic end (threefold repetition, fifty moves ...) are counted in ``after_end`` and left
    out; the outcome stays the record's. Setup stones become setup actions with passes of the other side between them;
    the random opening of a game that gameil generated is setup too, since nobody chose it.
    An unreadable or illegal move, parameters that the rules refuse, or returns that are not one number in [-1, 1] for
    each player, make a ``RecordError``.
    """
    try:
        game = make_game(game_id(record.game, record.parameters))
        state = game.initial_state(record.start)
    except GameError as error:
        return RecordError(record.source, "parameters", str(error), (record.start or "")[:200])
    if record.returns is not None:
        problem = problem_of_returns(record.returns, game.num_players)
        if problem:
            return RecordError(record.source, "returns", problem, str(record.returns)[:200])
    if not game.capabilities.replayable:
        return _as_recorded(record, game)
    moves, movers = list(record.moves), list(record.movers) if record.movers is not None else None
    setup = list(record.setup)
    if movers:
        # Handicap written as moves: one side plays several times in a row before the other's first.
        run = next((index for index, mover in enumerate(movers) if mover != movers[0]), len(movers))
        if run > 1:
            setup += zip(movers[:run], moves[:run], strict=True)
            moves, movers = moves[run:], movers[run:]
    try:
        _play_setup(game, state, setup, movers[0] if movers else None, record.notation)
    except GameError as error:
        return RecordError(record.source, "setup", f"setup stones cannot be played: {error}", str(setup)[:200])
    num_setup = len(state.history)
    after_end = 0
    play = follow(state, record.notation)
    first = state.current_player()
    in_turn = movers is None or movers == ([first, 1 - first] * (len(movers) // 2 + 1))[: len(movers)]
    play_run = play.run if isinstance(play, GoFollower) and in_turn else None
    index = 0
    held_against = _Held(record, state)
    while index < len(moves):
        if state.is_terminal():
            after_end = len(moves) - index
            break
        if play_run is not None and (played := play_run(moves, index)):
            index += played
            continue
        move = moves[index]
        held_against.look(index)
        if movers is not None and movers[index] != state.current_player():
            detail = f"move {index + 1} ({move}): seat {movers[index]} moves out of turn"
            return RecordError(record.source, "out of turn", detail, move[:200])
        try:
            play(move)
        except NotationError as error:
            return RecordError(record.source, f"{error.kind} move", f"move {index + 1}: {error}", move[:200])
        index += 1
    held_against.look(index)
    return held_against.complaint() or as_played(
        _with_outcome(record, state),
        game.id,
        np.asarray(state.history, dtype=np.uint32),
        num_setup=num_setup,
        is_terminal=state.is_terminal(),
        after_end=after_end,
        departures=_departures(record, state),
    )


def as_played(
    record: GameRecord,
    game: str,
    actions: NDArray[np.uint32],
    *,
    is_terminal: bool,
    after_end: int,
    num_setup: int = 0,
    departures: tuple[str, ...] = (),
) -> PlayedGame | RecordError:
    """What the rules made of a record.

    Args:
        record: the record that was played.
        game: full id of its game.
        actions: what was played, setup included, ``[T]``.
        is_terminal: whether the rules ended the game there.
        after_end: moves of the record that were left out because of that.
        num_setup: number of actions that are the record's setup.
        departures: where the rules say otherwise than the record.
    """
    num_setup = min(len(actions), num_setup + opening_plies(record.tags))
    if len(actions) == num_setup:
        return RecordError(record.source, "no moves", "the record has no moves to learn from")
    return PlayedGame(
        game_id=game,
        actions=actions,
        source=record.source,
        num_setup=num_setup,
        start=record.start,
        returns=record.returns,
        result=record.result,
        termination="rules" if is_terminal and record.termination == "unknown" else record.termination,
        after_end=after_end,
        players=record.players,
        date=record.date,
        event=record.event,
        time_control=record.time_control,
        tags=record.tags,
        clocks=_align_clocks(record, len(actions)),
        departures=departures,
        match_id=record.tags.get(MATCH_TAG),
    )


class _Held:
    """A game's states as its record has them, against what the rules make of the moves."""

    def __init__(self, record: GameRecord, state: State) -> None:
        self._record, self._states = record, record.states
        self._state = state if isinstance(state, StatesItself) else None
        self.differing: list[int] = []
        """Moves before which the two differ."""
        self._looks = 0

    def look(self, index: int) -> None:
        """Compares before move ``index``, or after the last one."""
        if self._state is None or self._states is None:
            return
        found = self._state.global_state()
        self._looks += 1
        if found is None or not np.array_equal(found, self._states[index]):
            self.differing.append(index)

    def complaint(self) -> RecordError | None:
        """How much differs; None where nothing does."""
        if not self.differing:
            return None
        detail = (
            f"{len(self.differing):,} of {self._looks:,} recorded states are not those of the rules, "
            f"first before move {self.differing[0] + 1}"
        )
        return RecordError(self._record.source, "state differs", detail)


def _as_recorded(record: GameRecord, game: Game) -> PlayedGame | RecordError:
    """A game that its actions cannot replay: they are checked against the bounds alone, and what was seen is kept."""
    if record.notation != "number" or record.observations is None or len(record.observations) != len(record.moves):
        detail = f"{game.id} cannot be replayed: its records need action ids and an observation before each"
        return RecordError(record.source, "observations", detail)
    shape = record.observations.shape[1:]
    if shape != game.observation_shape or record.observations.dtype.kind not in "fu":
        detail = f"{game.id}: observations of shape {shape}, not {game.observation_shape} of real numbers or bytes"
        return RecordError(record.source, "observations", detail)
    actions = np.array([int(move) for move in record.moves], dtype=np.int64)
    if not all(0 <= action < game.num_actions for action in actions.tolist()):
        return RecordError(record.source, "illegal move", f"{game.id}: action ids must lie below {game.num_actions}")
    return PlayedGame(
        game_id=game.id,
        actions=actions.astype(np.uint32),
        source=record.source,
        returns=record.returns,
        result=record.result,
        termination=record.termination,
        players=record.players,
        date=record.date,
        event=record.event,
        time_control=record.time_control,
        tags=record.tags,
        clocks=record.clocks,
        match_id=record.tags.get(MATCH_TAG),
        observations=record.observations,
    )


WAYS_OF_SEEING = ("frames", "size", "view")
"""Parameters that change what is shown of a game and nothing of its rules: a record states none of them."""


def seen_as(record: GameRecord, family: str) -> GameRecord:
    """The record as a game of ``family`` sees it: people's play of a kitchen serves networks that see pictures of it,
    and those that see planes."""
    ways = {key: value for key, value in game_parameters(family).items() if key in WAYS_OF_SEEING}
    return replace(record, parameters={**record.parameters, **ways}) if ways else record


def game_id(name: str, parameters: Mapping[str, str | int | float | bool]) -> str:
    """The id of game ``name`` with ``parameters``: ``go(board_size=9,komi=5.5)``."""
    if not parameters:
        return name
    return f"{name}({','.join(f'{key}={value}' for key, value in parameters.items())})"


def _play_setup(
    game: Game, state: State, setup: list[tuple[int, str]], first_mover: int | None, notation: Notation
) -> None:
    """Plays setup stones in order, the other side passing, until ``first_mover`` is to move."""
    if not setup and (first_mover is None or first_mover == state.current_player()):
        return
    if game.name != "go":
        raise GameError(f"setup stones are known for go only, not for {game.name}")
    for seat, point in setup:
        if seat != state.current_player():
            state.apply(state.parse("", "sgf"))
        state.apply(state.parse(point, notation))
    if first_mover is not None and first_mover != state.current_player():
        state.apply(state.parse("", "sgf"))


def problem_of_returns(returns: tuple[float, ...], num_players: int) -> str:
    """What is wrong with a record's outcome; empty where nothing is."""
    if len(returns) != num_players:
        return f"{len(returns)} returns for a game of {num_players} players"
    outside = [value for value in returns if not -1 <= value <= 1]  # NaN is outside too
    return f"a return must lie in [-1, 1], got {outside[0]:g}" if outside else ""


def _with_outcome(record: GameRecord, state: State) -> GameRecord:
    """The record with the board's outcome, where it states none of a finished game that the board decides."""
    if record.returns is not None or record.game not in DECIDED_ON_THE_BOARD or not state.is_terminal():
        return record
    score = final_score(state) if record.game == "othello" else None
    result = record.result if score is None else f"{score[0]}-{score[1]}"
    return replace(record, returns=tuple(map(float, state.returns())), result=result)


def _departures(record: GameRecord, state: State) -> tuple[str, ...]:
    """What a finished game's board contradicts in its record."""
    if not state.is_terminal():
        return ()
    if record.notation == "othello":
        stated = SCORE.fullmatch(record.result)
        return ("score differs",) if stated and tuple(map(int, stated.groups())) != final_score(state) else ()
    if record.game in DECIDED_ON_THE_BOARD and record.returns is not None:
        returns = tuple(map(float, state.returns()))
        return ("result differs",) if any(returns) and returns != record.returns else ()
    return ()


def _align_clocks(record: GameRecord, num_actions: int) -> tuple[float | None, ...] | None:
    """The record's clocks beside the actions; none where setup stones or forced passes shift them."""
    if record.clocks is None or record.movers is not None or num_actions > len(record.moves):
        return None
    kept = record.clocks[:num_actions]
    return (*kept, *(None for _ in range(num_actions - len(kept))))
