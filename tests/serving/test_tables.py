"""Open games: driven on by agents, opened by keys, closed when nobody looks, never more than the site may have."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from gameil.errors import AgentError, GameError
from gameil.games.registry import make_game
from gameil.serving.agent_service import AgentService
from gameil.serving.game_session import GameSession, Seat
from gameil.serving.opponents import Choice
from gameil.serving.tables import Table, Tables

PERSON, ROOKIE = Seat("Ann"), Seat("rookie", Choice("rookie"))


@pytest.fixture
def agents() -> Iterator[AgentService]:
    service = AgentService({"rookie": "random", "slow": "mcts:2000"})
    yield service
    service.close()


def tables(agents: AgentService, most: int = 10) -> Tables:
    return Tables(agents, most=most, idle_minutes=1.0, seed=0)


async def settled(table: Table) -> None:
    if table._task is not None:
        await asyncio.wait_for(table._task, 30)


@pytest.mark.parametrize("game_id", ["connect_four", "backgammon", "kuhn_poker", "goofspiel", "liars_dice"])
def test_whole_games_against_an_agent(game_id: str, agents: AgentService) -> None:
    """Games with dice, cards and simultaneous moves too: agents and chance move until a person must."""

    opened = tables(agents)

    async def whole() -> GameSession:
        (key,) = opened.open(make_game(game_id), [PERSON, ROOKIE], [(0,)])
        place = opened.find(key)
        assert place is not None
        assert place.seats == (0,)
        table = place.table
        table.go_on()
        await settled(table)
        for _ in range(500):
            if table.session.is_over:
                break
            assert table.session.mover == 0
            table.act(0, table.session.state.legal_actions()[-1])
            await settled(table)
        return table.session

    session = asyncio.run(whole())
    assert session.state.is_terminal()
    assert {move.player for move in session.moves} >= {0, 1}
    assert session.returns() is not None


def test_a_move_taken_back_while_the_agent_thinks_stays_taken_back(agents: AgentService) -> None:
    async def play() -> None:
        opened = tables(agents)
        seats = [PERSON, Seat("slow", Choice("slow"))]
        (key,) = opened.open(make_game("connect_four"), seats, [(0,)])
        place = opened.find(key)
        assert place is not None
        table = place.table
        table.act(0, 3)
        assert table.session.mover == 1
        await asyncio.sleep(0)
        assert table.take_back(0)
        await settled(table)
        await asyncio.sleep(0.2)
        assert table.session.moves == []
        assert table.session.mover == 0
        table.act(0, 2)
        await settled(table)
        assert [move.player for move in table.session.moves] == [0, 1]

    asyncio.run(play())


def test_an_agent_that_fails_is_told_and_can_be_asked_again(agents: AgentService) -> None:
    async def play() -> None:
        game = make_game("connect_four")
        table = Table(GameSession(game, [PERSON, Seat("x", Choice("nobody"))], seed=0), agents)
        table.act(0, 3)
        await settled(table)
        assert "no agent 'nobody'" in table.problem
        assert table.session.mover == 1
        table.take_back(0)
        assert table.problem == ""

    asyncio.run(play())


def test_keys_open_their_seats_only(agents: AgentService) -> None:
    opened = tables(agents)
    host, guest, onlooker = opened.open(make_game("chess"), [PERSON, PERSON], [(0,), (1,), ()])
    assert len({host, guest, onlooker}) == 3
    places = [opened.find(key) for key in (host, guest, onlooker)]
    assert [place.seats for place in places if place] == [(0,), (1,), ()]
    assert len({place.table for place in places if place}) == 1
    assert opened.find("0" * 32) is None
    assert opened.find("") is None
    assert places[0] is not None
    assert opened.key_of(places[0].table, (1,)) == guest


def test_a_full_site_closes_what_nobody_looks_at(agents: AgentService) -> None:
    opened = tables(agents, most=3)
    game = make_game("tic_tac_toe")
    keys = [opened.open(game, [PERSON, PERSON], [(0, 1)])[0] for _ in range(3)]
    watched = [opened.find(key) for key in keys[:2]]
    stops = [place.table.session.listen(lambda: None) for place in watched if place]
    fourth = opened.open(game, [PERSON, PERSON], [(0, 1)])[0]
    assert len(opened) == 3
    assert opened.find(keys[2]) is None
    place = opened.find(fourth)
    assert place is not None
    stops.append(place.table.session.listen(lambda: None))
    with pytest.raises(AgentError, match="all 3 tables"):
        opened.open(game, [PERSON, PERSON], [(0, 1)])
    for stop in stops:
        stop()


def test_tables_that_nobody_looked_at_for_long_are_closed(agents: AgentService) -> None:
    opened = tables(agents)
    game = make_game("tic_tac_toe")
    (key,) = opened.open(game, [PERSON, PERSON], [(0, 1)])
    place = opened.find(key)
    assert place is not None
    used = place.table.last_used
    stop = place.table.session.listen(lambda: None)
    assert opened.close_idle(lambda: used + 1000.0) == 0  # somebody looks
    stop()
    assert opened.close_idle(lambda: used + 59.0) == 0
    assert opened.close_idle(lambda: used + 61.0) == 1
    assert opened.find(key) is None
    assert len(opened) == 0
    assert opened._places == {}


def test_a_table_of_unknown_agents_is_not_opened(agents: AgentService) -> None:
    with pytest.raises(AgentError, match="no agent"):
        tables(agents).open(make_game("chess"), [PERSON, Seat("x", Choice("uci:stockfish"))], [(0,)])
    with pytest.raises(GameError, match="2 players"):
        tables(agents).open(make_game("chess"), [PERSON], [(0,)])


def test_closed_tables_leave_memory(agents: AgentService) -> None:
    async def play() -> list[weakref.ref[Table]]:
        opened = tables(agents)
        seen: list[weakref.ref[Table]] = []
        for _ in range(5):
            (key,) = opened.open(make_game("tic_tac_toe"), [PERSON, ROOKIE], [(0,)])
            place = opened.find(key)
            assert place is not None
            place.table.act(0, 0)
            await settled(place.table)
            seen.append(weakref.ref(place.table))
        opened.close()
        return seen

    seen = asyncio.run(play())
    gc.collect()
    assert [table() for table in seen] == [None] * 5
