"""Collection mode without a browser: who plays whom, what is kept, what is refused."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gameil.errors import ConfigError, GameError, IllegalActionError
from gameil.records.formats import read_records
from gameil.records.record import GameRecord
from gameil.serving.agent_service import AgentService
from gameil.serving.collection import Collection, CollectionConfig

Site = Callable[..., Collection]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    agents = AgentService({"rookie": "random", "other": "random"})
    yield lambda clock=lambda: 0.0, **config: Collection(
        CollectionConfig(**({"games": ("tic_tac_toe", "connect_four")} | config)), agents, tmp_path, clock=clock
    )
    agents.close()


def kept(tmp_path: Path) -> list[GameRecord]:
    found = [record for path in sorted((tmp_path / "collected").glob("*/*/*.jsonl")) for record in read_records(path)]
    assert all(isinstance(record, GameRecord) for record in found)
    return found  # type: ignore[return-value]


async def play_on(collection: Collection, visitors: list[str], rng: np.random.Generator) -> None:
    """Everybody plays at random to the end of their games."""
    for _ in range(5000):
        tables = [(visitor, collection.table(visitor)) for visitor in visitors]
        if all(table is None or table.over for _, table in tables):
            return
        for visitor, table in tables:
            if table is not None and not table.over and table.session.mover == table.seats[visitor]:
                collection.act(visitor, int(rng.choice(table.session.state.legal_actions())))
        await asyncio.sleep(0.001)
    raise AssertionError("the games do not end")


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


def test_many_people_play_agents_and_each_other_and_every_game_is_kept(tmp_path: Path, site: Site) -> None:
    async def work() -> None:
        collection = site()
        visitors = [f"v{number}" for number in range(12)]
        for number, visitor in enumerate(visitors):
            opponent = "rookie" if number < 6 else None
            collection.join(visitor, f"Player {number}", "connect_four", opponent, agreed=True)
        assert collection.running == 9
        await play_on(collection, visitors, np.random.default_rng(0))
        assert collection.running == 0

    run(work)
    records = kept(tmp_path)
    assert len(records) == 9
    names = [player.name for record in records for player in record.players]
    assert sorted(name for name in names if name and name.startswith("Player")) == sorted(
        f"Player {n}" for n in range(12)
    )
    assert {(p.name, p.title) for r in records for p in r.players if p.title} == {("rookie", "BOT")}
    assert all(record.returns is not None and record.tags["CONSENT"] for record in records)
    seats = {
        next(seat for seat, player in enumerate(r.players) if player.title)
        for r in records
        if r.players[0].title or r.players[1].title
    }
    assert seats == {0, 1}  # nobody always moves first


def test_nothing_begins_without_consent_name_and_an_offered_opponent(tmp_path: Path, site: Site) -> None:
    async def work() -> None:
        collection = site(opponents=("rookie", "beginner"), people=False)
        assert set(collection.opponents("connect_four")) == {"rookie", "beginner"}
        bad = [
            ("ann", "connect_four", "rookie", False, "agree"),
            ("", "connect_four", "rookie", True, "a name"),
            ("<b>", "connect_four", "rookie", True, "a name"),
            ("ann", "chess", "rookie", True, "not collected"),
            ("ann", "connect_four(rows=6)", "rookie", True, "not collected"),
            ("ann", "connect_four", "other", True, "not offered"),
            ("ann", "connect_four", "uci:/bin/sh", True, "not offered"),
            ("ann", "connect_four", "random", True, "not offered"),
            ("ann", "connect_four", None, True, "do not play each other"),
        ]
        for name, game, opponent, agreed, text in bad:
            with pytest.raises(ConfigError, match=text):
                collection.join("v", name, game, opponent, agreed=agreed)
        assert collection.running == 0

    run(work)
    assert list(tmp_path.iterdir()) == []


def test_only_who_is_to_move_moves_and_only_legally(site: Site) -> None:
    async def work() -> None:
        collection = site()
        collection.join("a", "ann", "tic_tac_toe", None, agreed=True)
        assert collection.waits("a") == "tic_tac_toe"
        with pytest.raises(GameError, match="no game"):
            collection.act("a", 0)
        collection.join("b", "bob", "tic_tac_toe", None, agreed=True)
        assert collection.waits("a") is None
        with pytest.raises(GameError):
            collection.act("b", 0)
        with pytest.raises(IllegalActionError):
            collection.act("a", 99)
        collection.act("a", 0)
        with pytest.raises(GameError):
            collection.act("a", 1)
        with pytest.raises(GameError, match="in a game already"):
            collection.join("a", "ann", "tic_tac_toe", "rookie", agreed=True)
        with pytest.raises(GameError, match="no game"):
            collection.resign("c")
        collection.resign("b")
        assert collection.table("a").session.returns() == (1.0, -1.0)  # type: ignore[union-attr]

    run(work)


def test_unfinished_games_are_kept_as_far_as_they_went(tmp_path: Path, site: Site) -> None:
    async def work() -> None:
        now = [0.0]
        collection = site(clock=lambda: now[0], idle_minutes=1)
        for visitor in ("left", "slept", "closed", "idle"):
            collection.join(visitor, visitor, "connect_four", "rookie", agreed=True)
        for visitor in ("left", "slept", "closed"):
            table = collection.table(visitor)
            assert table is not None
            while table.session.mover != table.seats[visitor]:
                await asyncio.sleep(0.001)
            collection.act(visitor, table.session.state.legal_actions()[0])
        await asyncio.sleep(0.05)
        collection.leave("left")
        assert collection.table("left") is None
        now[0] = 61.0
        collection.table("closed").touched = now[0]  # type: ignore[union-attr]
        collection.expire()
        assert collection.table("slept").over  # type: ignore[union-attr]
        assert collection.running == 1
        collection.close()
        now[0] = 500.0
        collection.expire()
        assert collection.table("slept") is None

    run(work)
    records = kept(tmp_path)
    assert {name for record in records for player in record.players if (name := player.name) != "rookie"} == {
        "left",
        "slept",
        "closed",
    }  # the one who never moved left nothing
    assert all(record.returns is None and record.result == "*" for record in records)


def test_who_waits_can_leave_and_a_second_visit_is_another_wait(site: Site) -> None:
    async def work() -> None:
        collection = site()
        collection.join("a", "ann", "tic_tac_toe", None, agreed=True)
        collection.leave("a")
        collection.join("b", "bob", "tic_tac_toe", None, agreed=True)
        assert collection.running == 0
        collection.join("b", "bob", "connect_four", None, agreed=True)  # changes the game, plays not against himself
        assert collection.waits("b") == "connect_four"
        collection.join("b", "bob", "connect_four", None, agreed=True)
        assert collection.running == 0

    run(work)


def test_tables_are_bounded(site: Site) -> None:
    async def work() -> None:
        collection = site(max_games=2)
        for visitor in ("a", "b"):
            collection.join(visitor, visitor, "connect_four", "rookie", agreed=True)
        with pytest.raises(GameError, match="all tables are taken"):
            collection.join("c", "cat", "connect_four", "rookie", agreed=True)
        collection.leave("a")
        collection.join("c", "cat", "connect_four", "rookie", agreed=True)

    run(work)


def test_a_consent_text_of_ones_own(tmp_path: Path, site: Site) -> None:
    text = tmp_path / "consent.txt"
    text.write_text("I agree.\n")
    assert site(consent=text).consent.text == "I agree."
    for content in ("", "x" * 30_000):
        text.write_text(content)
        with pytest.raises(ConfigError, match="consent"):
            site(consent=text)
    with pytest.raises(ConfigError, match="consent"):
        site(consent=tmp_path / "none.txt")
    with pytest.raises(ConfigError, match=r"collection\.games"):
        site(games=("no_such_game",))
