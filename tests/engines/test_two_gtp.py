"""Two GTP programs on one board, as ``twogtp`` plays them: ``gameil gtp`` and GNU Go, each told the other's moves."""

import sys
from collections.abc import Iterator

import pytest

from gameil.agents.engine_process import EngineConfig, find_engine
from gameil.agents.gtp import GtpClient
from gameil.errors import EngineError

SIZE, KOMI = 9, 6.5


@pytest.fixture
def players() -> Iterator[list[GtpClient]]:
    """The program under test, which moves at random and so everywhere, and GNU Go."""
    try:
        gnu_go = find_engine("gnugo", None)
    except EngineError as error:
        pytest.skip(str(error))
    quick = EngineConfig((*gnu_go.command, "--level", "1"))
    own = EngineConfig((sys.executable, "-m", "gameil", "gtp", "--agent", "random", "--game", "go"))
    clients = [GtpClient("gameil", own, SIZE, KOMI), GtpClient("gnugo", quick, SIZE, KOMI)]
    yield clients
    for client in clients:
        client.close()


def stones(own: GtpClient, other: GtpClient) -> tuple[set[str], set[str]]:
    """All stones as each program has them."""
    theirs = " ".join(other.command(f"list_stones {colour}") for colour in ("black", "white"))
    return set(own.command("final_status_list alive").split()), set(theirs.split())


@pytest.mark.parametrize("handicap", [0, 4])
def test_both_agree_on_every_board(players: list[GtpClient], handicap: int) -> None:
    own, other = players
    first = 0
    if handicap:
        assert set(own.command(f"fixed_handicap {handicap}").split()) == set(
            other.command(f"fixed_handicap {handicap}").split()
        )
        first = 1
    passes, captures, before = 0, 0, 0
    for ply in range(first, first + 60):
        colour = "bw"[ply % 2]
        mover, hearer = players[ply % 2], players[1 - ply % 2]
        move = mover.command(f"genmove {colour}")
        assert move.lower() != "resign"
        hearer.command(f"play {colour} {move}")
        passes = passes + 1 if move.lower() == "pass" else 0
        mine, theirs = stones(own, other)
        assert mine == theirs, f"after {colour} {move}"
        captures += len(mine) <= before
        before = len(mine)
        if passes == 2:
            break
    assert captures or handicap
    score = own.command("final_score")
    assert score[:2] in ("B+", "W+")
    while ply >= first:
        for client in players:
            client.command("undo")
        ply -= 1
    mine, theirs = stones(own, other)
    assert mine == theirs
    assert len(mine) == handicap


def test_time_is_understood(players: list[GtpClient]) -> None:
    for client in players:
        client.command("time_settings 60 10 5")
        client.command("time_left b 50 0")
        assert client.command("genmove b").lower() != "resign"
        client.command("time_left w 9 5")
        assert client.command("genmove w").lower() != "resign"
