"""The bundled games are complete, distinct, and end as they are documented to have ended."""

from pathlib import Path

import pytest

from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import GameRecord

# White, Black, year, plies, last move, result: as these games are documented in chess literature.
DOCUMENTED = [
    ("McDonnell, Alexander", "La Bourdonnais, Louis", 1834, 74, "e2", "0-1"),
    ("Anderssen, Adolf", "Kieseritzky, Lionel", 1851, 45, "Be7#", "1-0"),
    ("Anderssen, Adolf", "Dufresne, Jean", 1852, 47, "Bxe7#", "1-0"),
    ("Schulder, R", "Boden, Samuel", 1853, 30, "Ba3#", "0-1"),
    ("Paulsen, Louis", "Morphy, Paul", 1857, 56, "Be3", "0-1"),
    ("Morphy, Paul", "Duke Karl / Count Isouard", 1858, 33, "Rd8#", "1-0"),
    ("Bird, Henry", "Morphy, Paul", 1858, 58, "Qb1+", "0-1"),
    ("Rosanes, Jakob", "Anderssen, Adolf", 1862, 38, "Be3+", "0-1"),
    ("Hamppe, Carl", "Meitner, Philipp", 1872, 36, "Bb7+", "1/2-1/2"),
    ("Zukertort, Johannes", "Blackburne, Joseph Henry", 1883, 65, "Qxe7", "1-0"),
    ("Lasker, Emanuel", "Bauer, Johann Hermann", 1889, 75, "Qxd3", "1-0"),
    ("Steinitz, William", "von Bardeleben, Curt", 1895, 49, "Rxh7+", "1-0"),
    ("Rotlewi, Georg", "Rubinstein, Akiba", 1907, 50, "Rh3", "0-1"),
    ("Reti, Richard", "Tartakower, Savielly", 1910, 21, "Bd8#", "1-0"),
    ("Lasker, Edward", "Thomas, George", 1912, 35, "Kd2#", "1-0"),
    ("Levitsky, Stefan", "Marshall, Frank James", 1912, 46, "Qg3", "0-1"),
    ("Lasker, Emanuel", "Capablanca, Jose Raul", 1914, 83, "Nc5", "1-0"),
    ("Bernstein, Ossip", "Capablanca, Jose Raul", 1914, 58, "Qb2", "0-1"),
    ("Capablanca, Jose Raul", "Marshall, Frank James", 1918, 71, "Bxf7+", "1-0"),
    ("Bogoljubov, Efim", "Alekhine, Alexander", 1922, 106, "d5+", "0-1"),
    ("Maroczy, Geza", "Tartakower, Savielly", 1922, 70, "Ng3+", "0-1"),
    ("Saemisch, Fritz", "Nimzowitsch, Aron", 1923, 50, "h6", "0-1"),
    ("Reti, Richard", "Bogoljubov, Efim", 1924, 49, "Be8", "1-0"),
    ("Reti, Richard", "Alekhine, Alexander", 1925, 80, "Nd4", "0-1"),
    ("Torre, Carlos", "Lasker, Emanuel", 1925, 85, "g3", "1-0"),
    ("Capablanca, Jose Raul", "Spielmann, Rudolf", 1927, 51, "exf4", "1-0"),
    ("Alekhine, Alexander", "Nimzowitsch, Aron", 1930, 59, "h4", "1-0"),
    ("Alekhine, Alexander", "Vasic, N", 1931, 21, "Bg6#", "1-0"),
    ("Lilienthal, Andor", "Capablanca, Jose Raul", 1935, 51, "Rxe4+", "1-0"),
    ("Botvinnik, Mikhail", "Capablanca, Jose Raul", 1938, 81, "Kh5", "1-0"),
    ("Geller, Efim", "Euwe, Max", 1953, 52, "Qf3", "0-1"),
    ("Byrne, Donald", "Fischer, Robert James", 1956, 82, "Rc2#", "0-1"),
    ("Polugaevsky, Lev", "Nezhmetdinov, Rashid", 1958, 66, "Nc6+", "0-1"),
    ("Spassky, Boris", "Bronstein, David", 1960, 45, "Qe4+", "1-0"),
    ("Byrne, Robert", "Fischer, Robert James", 1963, 42, "Qd7", "0-1"),
    ("Fischer, Robert James", "Fine, Reuben", 1963, 33, "Qg3", "1-0"),
    ("Fischer, Robert James", "Benko, Pal", 1963, 41, "Ne2", "1-0"),
    ("Tal, Mikhail", "Larsen, Bent", 1965, 73, "Qf7", "1-0"),
    ("Petrosian, Tigran", "Spassky, Boris", 1966, 59, "Qh8+", "1-0"),
    ("Fischer, Robert James", "Myagmarsuren, Lhamsuren", 1967, 61, "Qxh7+", "1-0"),
    ("Larsen, Bent", "Spassky, Boris", 1970, 34, "gxf1=Q+", "0-1"),
    ("Fischer, Robert James", "Spassky, Boris", 1972, 81, "Qf4", "1-0"),
    ("Karpov, Anatoly", "Kasparov, Garry", 1985, 80, "Re1+", "0-1"),
    ("Short, Nigel", "Timman, Jan", 1991, 67, "Kg5", "1-0"),
    ("Ivanchuk, Vassily", "Yusupov, Artur", 1991, 78, "Qg3", "0-1"),
    ("Kasparov, Garry", "Topalov, Veselin", 1999, 87, "Qa7", "1-0"),
    ("Carlsen, Magnus", "Ernst, Sipke", 2004, 57, "Qd7#", "1-0"),
    ("Carlsen, Magnus", "Karjakin, Sergey", 2016, 99, "Qh6+", "1-0"),
]


@pytest.fixture(scope="module")
def records(repository: Path) -> list[GameRecord]:
    items = list(read_records(repository / "replays" / "chess" / "famous-games.pgn"))
    broken = [item for item in items if not isinstance(item, GameRecord)]
    assert not broken
    return [item for item in items if isinstance(item, GameRecord)]


def test_at_least_forty_distinct_games(records: list[GameRecord]) -> None:
    assert len(records) == len(DOCUMENTED) >= 40
    assert len({record.moves for record in records}) == len(records)


@pytest.mark.parametrize("index", range(len(DOCUMENTED)), ids=lambda i: f"{DOCUMENTED[i][0]}-{DOCUMENTED[i][1]}")
def test_each_game_is_replayed_to_its_documented_end(records: list[GameRecord], index: int) -> None:
    white, black, year, plies, last_move, result = DOCUMENTED[index]
    record = records[index]
    assert [player.name for player in record.players] == [white, black]
    assert record.date is not None
    assert record.date.startswith(str(year))
    assert record.result == result
    assert record.moves[-1] == last_move
    played = transcribe(record)
    assert isinstance(played, PlayedGame), played
    assert len(played.actions) == plies
    assert played.after_end == 0
    state = make_game(played.game_id).initial_state(played.start)
    for action in played.actions.tolist():
        state.apply(action)
    assert state.is_terminal() == last_move.endswith("#")
    if state.is_terminal():
        assert tuple(state.returns()) == record.returns
