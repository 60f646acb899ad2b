"""Games in real time without a browser: keys, the beat, steps, slow and failing agents, pauses, what is kept."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import AgentError
from gameil.games.overcooked import INTERACT, STAY
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import GameRecord
from gameil.serving import live_table
from gameil.serving.agent_service import AgentService
from gameil.serving.collection import Collection, CollectionConfig
from gameil.serving.game_session import GameSession, Seat
from gameil.serving.kept_games import keep_game
from gameil.serving.live_game import CONTROLS, Beat, Keys, controls_of
from gameil.serving.live_table import LiveTable
from gameil.serving.opponents import Choice
from gameil.serving.tables import Table, Tables

pytest.importorskip("pettingzoo", reason="the games extra is not installed")
OVERCOOKED = CONTROLS["pettingzoo:overcooked"]
NORTH, SOUTH, EAST, WEST = range(4)
KEYS = {action: key for key, action in OVERCOOKED.keys.items()}
TICK = 0.02
SOUP = [NORTH, *(3 * [WEST, INTERACT, EAST, NORTH, INTERACT, WEST]), SOUTH, SOUTH, INTERACT, *(20 * [STAY])]
SOUP += [NORTH, EAST, NORTH, INTERACT, SOUTH, EAST, SOUTH, INTERACT]
"""What the first cook does in the cramped room to serve a soup alone: 50 steps, 20 points."""


class Scripted:
    """Agents that answer as they are told; ``answer`` gets the seat and the state."""

    def __init__(self, answer: Callable[[int, Any, "Future[int]"], None]) -> None:
        self._answer = answer
        self.forgotten: list[int] = []
        self.asked: list[tuple[int, int]] = []
        """Handle and seat to move in the state that was shown."""

    def new_handle(self) -> int:
        return len(self.asked) + 1000

    def check(self, choice: Choice, game: object) -> None:
        """Every name is offered."""

    def decide(self, choice: Choice, handle: int, state: Any, rng: np.random.Generator) -> "Future[int]":
        future: Future[int] = Future()
        self.asked.append((handle, state.current_player()))
        self._answer(state.current_player(), state, future)
        return future

    def forget(self, choice: Choice, game: object, handle: int) -> None:
        self.forgotten.append(handle)


def idle(seat: int, state: object, future: "Future[int]") -> None:
    future.set_result(STAY)


def never(seat: int, state: object, future: "Future[int]") -> None:
    """No answer."""


def table(
    agents: Scripted, *, people: tuple[int, ...] = (0,), horizon: int = 50, layout: str = "cramped_room"
) -> LiveTable:
    game = make_game(f"pettingzoo:overcooked(horizon={horizon},layout={layout})")
    seats = [Seat(f"P{seat}") if seat in people else Seat("bot", Choice("bot")) for seat in range(2)]
    session = GameSession(game, seats, seed=0)
    return LiveTable(session, cast(AgentService, agents), OVERCOOKED, tick_seconds=TICK)


def tap(made: LiveTable, action: int, seat: int = 0) -> None:
    if action != STAY:
        made.press(seat, KEYS[action])
        made.release(seat, KEYS[action])


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it does not happen")


@pytest.fixture(autouse=True)
def no_countdown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_table, "COUNTDOWN", 0)


def test_the_last_key_since_the_last_step_counts_then_what_is_held() -> None:
    keys = Keys(OVERCOOKED)
    assert keys.take() == STAY
    keys.press("ArrowUp")
    keys.press("ArrowLeft")
    assert keys.take() == WEST
    keys.release("ArrowLeft")
    assert keys.take() == NORTH  # still down
    keys.release("ArrowUp")
    assert keys.take() == STAY
    keys.press("ArrowDown")
    keys.release("ArrowDown")  # a tap between two steps is not lost, and is done once
    assert (keys.take(), keys.take()) == (SOUTH, STAY)


def test_space_is_done_once_each_time_it_goes_down() -> None:
    keys = Keys(OVERCOOKED)
    keys.press("ArrowRight")
    assert keys.take() == EAST
    keys.press("Space")
    assert [keys.take() for _ in range(3)] == [INTERACT, EAST, EAST]
    keys.press("Space")  # the browser's own repetition
    assert keys.take() == EAST
    keys.release("Space")
    keys.press("Space")
    keys.press("Escape")
    keys.release("Escape")
    assert keys.take() == INTERACT
    keys.release_all()
    assert keys.take() == STAY


@given(st.lists(st.tuples(st.sampled_from(["press", "release", "take"]), st.sampled_from([*OVERCOOKED.keys, "x"]))))
def test_keys_that_are_up_do_nothing(events: list[tuple[str, str]]) -> None:
    """Whatever was pressed: a step after all keys have gone up and one has passed is idle."""
    keys = Keys(OVERCOOKED)
    for what, key in events:
        keys.take() if what == "take" else getattr(keys, what)(key)
    for key in OVERCOOKED.keys:
        keys.release(key)
    assert keys.take() in range(6)
    assert keys.take() == STAY


def test_the_beat_is_kept_and_missed_steps_are_left_out() -> None:
    beat = Beat(0.5, 10.0)
    assert beat.wait(10.0) == 0.5
    assert beat.wait(10.5) == 0.0
    beat.stepped(10.625)  # a little late: the next one is not
    assert beat.wait(10.625) == pytest.approx(0.375)
    beat.stepped(13.0)
    assert beat.wait(13.0) == 0.5  # four were missed: they are not made up for
    beat.stepped(13.5)
    assert beat.wait(13.5) == 0.5


def test_only_games_in_real_time_are_steered() -> None:
    assert controls_of(make_game("pettingzoo:overcooked(layout=coordination_ring)")) is OVERCOOKED
    assert controls_of(make_game("goofspiel")) is None


def test_a_soup_by_keys_is_recorded_and_its_replay_pays_the_same(tmp_path: Path) -> None:
    made = table(Scripted(idle), horizon=len(SOUP))
    made.phase = "running"
    for action in SOUP:
        made._ask()
        tap(made, action)
        made._step()
    assert made.session.is_over
    assert made.session.returns() == (20.0, 20.0)
    assert made.late == [0, 0]
    assert made.worth_keeping
    (record,) = read_records(keep_game(tmp_path, made.played()))
    assert isinstance(record, GameRecord)
    assert [player.name for player in record.players] == ["P0", "bot"]
    assert record.returns == (20.0 / len(SOUP), 20.0 / len(SOUP))
    assert record.result == "*"  # nobody has beaten anybody
    assert (record.tags["TICK"], record.tags["LATE"]) == (f"{TICK:g}", "0 0")
    played = transcribe(record)
    assert isinstance(played, PlayedGame)
    assert played.actions[::2].tolist() == SOUP
    state = make_game(played.game_id).initial_state()
    for action in played.actions.tolist():
        state.apply(action)
    assert state.returns().tolist() == [20.0, 20.0]


@pytest.mark.parametrize("person", [0, 1])
def test_a_game_runs_by_itself_and_each_agent_is_asked_for_its_own_seat(person: int) -> None:
    agents = Scripted(lambda seat, state, future: future.set_result(int(state.rewards().sum()) + EAST))

    async def play() -> LiveTable:
        made = table(agents, people=(person,), horizon=20)
        made.start()
        assert made.phase == "ready"  # nobody is there
        made.arrive((person,))
        made.start()
        await until(lambda: made.phase == "running")
        made.press(person, "ArrowLeft")
        await until(lambda: made.phase == "over")
        return made

    made = asyncio.run(play())
    assert made.steps == 20
    assert made.session.state.is_terminal()
    assert {seat for _, seat in agents.asked} == {1 - person}
    assert len(agents.asked) == 20
    assert {move.action for move in made.session.moves if move.player == 1 - person} <= {EAST, STAY}
    assert agents.forgotten
    acted = [move.action for move in made.session.moves if move.player == person]
    assert acted.count(WEST) > 10  # held
    assert made.worth_keeping


def test_an_agent_that_does_not_answer_stays_and_holds_up_nobody() -> None:
    pending: list[Future[int]] = []

    def slow(seat: int, state: object, future: "Future[int]") -> None:
        if pending:
            pending.append(future)
        else:  # the first answer is waited for
            pending.append(future)
            future.set_result(EAST)

    async def play() -> tuple[LiveTable, LiveTable]:
        late, quick = table(Scripted(slow), horizon=40), table(Scripted(idle), horizon=40)
        for made in (late, quick):
            made.arrive((0,))
            made.start()
        await until(lambda: late.steps >= 10)
        assert len(pending) == 2  # it is not asked again before it has answered
        pending[1].set_result(WEST)
        await until(lambda: late.phase == quick.phase == "over")
        return late, quick

    late, quick = asyncio.run(play())
    actions = [move.action for move in late.session.moves if move.player == 1]
    assert actions[0] == EAST
    assert actions.count(WEST) == 1  # the answer that came late was played
    assert actions.count(STAY) == late.late[1] == 38
    assert quick.late == [0, 0]
    assert late.played().tags["LATE"] == "0 38"
    assert not late.worth_keeping  # its person has done nothing


def test_an_agent_that_fails_is_told_and_asked_again_when_it_goes_on() -> None:
    broken = [True]

    def answer(seat: int, state: object, future: "Future[int]") -> None:
        if broken[0]:
            future.set_exception(AgentError("out of order"))
        else:
            future.set_result(STAY)

    async def play() -> None:
        made = table(Scripted(answer), horizon=5)
        made.arrive((0,))
        made.start()
        await until(lambda: made.phase == "paused")
        assert made.problem == "out of order"
        assert made.steps == 0
        broken[0] = False
        made.start()
        await until(lambda: made.phase == "over")
        assert made.problem == ""
        assert made.late[1] <= 1

    asyncio.run(play())


def test_it_stands_while_a_player_is_away_and_keys_are_let_go() -> None:
    async def play() -> None:
        made = table(Scripted(never), people=(0, 1), horizon=1000)
        made.arrive((0,))
        made.start()
        assert made.missing == [1]
        assert made.phase == "ready"
        made.arrive((1,))
        made.arrive((1,))  # a second tab
        made.start()
        await until(lambda: made.steps > 2)
        made.press(0, "ArrowLeft")
        made.depart((1,))
        assert made.phase == "running"
        made.depart((1,))
        assert made.phase == "paused"
        assert "not connected" in made.notice
        steps = made.steps
        await asyncio.sleep(5 * TICK)
        assert made.steps == steps
        made.start()
        assert made.phase == "paused"  # still away
        made.arrive((1,))
        made.start()
        await until(lambda: made.steps > steps + 1)
        assert made.session.moves[2 * steps].action == STAY
        made.pause("")
        made.press(0, "ArrowLeft")  # means nothing while it stands
        assert made._keys[0].take() == STAY
        made.close()

    asyncio.run(play())


def test_agents_on_their_own_cook_while_somebody_looks_on() -> None:
    agents = Scripted(idle)

    async def play() -> None:
        made = table(agents, people=(), horizon=400)
        made.arrive(())
        await until(lambda: made.steps > 2)
        made.depart(())
        assert made.phase == "paused"
        steps = made.steps
        await asyncio.sleep(3 * TICK)
        made.arrive(())
        await until(lambda: made.steps > steps)
        made.stop()
        assert made.session.is_over
        made.start()
        assert made.phase == "over"

    asyncio.run(play())
    assert {seat for _, seat in agents.asked} == {0, 1}


@pytest.mark.parametrize(("steps", "kept"), [(39, False), (40, True)])
def test_a_game_ended_early_is_worth_keeping_after_enough_steps(steps: int, kept: bool) -> None:
    made = table(Scripted(idle), horizon=400)
    made.phase = "running"
    for _ in range(steps):
        tap(made, NORTH)
        made._step()
    made.stop()
    assert made.session.is_over
    assert made.worth_keeping is kept
    assert made.played().returns == (0.0, 0.0)
    assert made.played().termination == "unknown"


def test_tables_open_what_a_game_asks_for_and_again_changes_the_seats() -> None:
    agents = AgentService({"rookie": "random"})
    opened = Tables(agents, most=5, idle_minutes=1.0, tick_seconds=0.5)
    seats = [Seat("Ann"), Seat("rookie", Choice("rookie"))]
    (key,) = opened.open(make_game("pettingzoo:overcooked"), seats, [(0,)])
    place = opened.find(key)
    assert place is not None
    assert isinstance(place.table, LiveTable)
    assert place.table.tick_seconds == 0.5
    again = opened.find(opened.again(place))
    assert again is not None
    assert [seat.name for seat in again.table.session.seats] == ["rookie", "Ann"]
    assert again.seats == (1,)
    (other,) = opened.open(make_game("connect_four"), seats, [(0,)])
    assert isinstance(getattr(opened.find(other), "table", None), Table)
    opened.close()
    agents.close()


async def cook(made: LiveTable, seat: int) -> None:
    """Begins, and does something."""
    made.start()
    await until(lambda: made.phase == "running")
    made.press(seat, "ArrowUp")


def test_collected_games_in_real_time_are_kept_with_their_players(tmp_path: Path) -> None:
    agents = AgentService({"rookie": "random"})
    config = CollectionConfig(games=("pettingzoo:overcooked(horizon=45)",), people=False)

    async def play() -> None:
        collection = Collection(config, agents, tmp_path, tick_seconds=TICK)
        made = {}
        for visitor in ("ann", "bob", "cat"):
            collection.join(visitor, visitor, config.games[0], "rookie", agreed=True)
            found = made[visitor] = collection.table(visitor)
            assert found is not None
            assert isinstance(found.table, LiveTable)
            found.table.arrive((found.seats[visitor],))
        for visitor in ("ann", "bob"):
            await cook(made[visitor].table, made[visitor].seats[visitor])
        await until(lambda: made["bob"].table.steps >= 41)
        collection.leave("bob")
        collection.resign("cat")  # never begun
        await until(lambda: made["ann"].over)
        assert collection.running == 0

    asyncio.run(play())
    agents.close()
    records = [record for path in sorted(tmp_path.glob("collected/*/*/*.jsonl")) for record in read_records(path)]
    assert len(records) == 2
    for record in records:
        assert isinstance(record, GameRecord)
        assert {player.title for player in record.players} == {None, "BOT"}
        assert record.tags["CONSENT"]
        played = transcribe(record)
        assert isinstance(played, PlayedGame)
        assert len(played.actions) in range(82, 91)
        assert played.returns is not None
