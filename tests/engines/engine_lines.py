"""Engines that are asked in the test's own process, and lines to ask them: valid, nearly valid, garbage."""

import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.games.registry import make_game
from gameil.models.config import Condition, ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder

GARBAGE = st.text(max_size=30) | st.binary(max_size=30).map(lambda raw: raw.decode("utf-8", "replace"))
NUMBERS = st.integers(-(10**20), 10**20).map(str) | st.integers(0, 300).map(str) | st.sampled_from(["nan", "1e9", "²"])
UCI_TEXT = """uci isready ucinewgame position startpos fen moves go stop ponderhit setoption name value MultiPV Ponder
debug on register later e2e4 e7e5 g1f3 e7e8q 0000 wtime btime winc binc movestogo depth nodes mate movetime searchmoves
rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1 8/8/8/8/8/8/8/8 Move Overhead infinite ponder"""
GTP_TEXT = """protocol_version name version known_command list_commands boardsize clear_board komi fixed_handicap
place_free_handicap set_free_handicap play genmove reg_genmove undo time_settings time_left final_score showboard
lz-analyze kata-analyze lz-genmove_analyze kata-genmove_analyze kgs-time_settings byoyomi absolute none
final_status_list alive dead set_random_seed b w black White A1 C3 D4 E5 pass resign Z99 I5 7.5 1 #"""
UCI_WORDS = st.sampled_from(UCI_TEXT.split())
GTP_WORDS = st.sampled_from([*GTP_TEXT.split(), "\t"])


def session(words: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Some lines of words of the protocol, numbers and garbage."""
    line = st.lists(words | NUMBERS | GARBAGE, max_size=8).map(" ".join)
    return st.lists(line.map(lambda text: text.replace("\n", " ").replace("\r", " ")), max_size=25)


class Heard:
    """Remembers what an engine wrote."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str) -> None:
        self.lines.append(text)

    def wait_for(self, found: Callable[[str], bool], seconds: float = 20.0) -> str:
        """The first line that fits, waited for."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if found(line):
                    return line
            time.sleep(0.005)
        raise AssertionError(f"not heard within {seconds} s, but {self.lines}")


def tiny_snapshot(path: Path, game_id: str, *, value_pool: bool = True, conditions: tuple[Condition, ...] = ()) -> str:
    """Spec of an untrained network of a few hundred weights, with a search of 8 simulations."""
    config = ModelConfig(
        channels=8,
        blocks=1,
        squeeze=4,
        policy_channels=8,
        value_channels=2,
        value_hidden=8,
        value_pool=value_pool,
        conditions=conditions,
    )
    game, encoder = make_game(game_id), EncoderConfig(last_moves=1)
    model = build_model(config, game, ObservationEncoder(game, encoder).shape, seed=0)
    save_snapshot(path, model, SnapshotCard(game_id=game_id, model=config, encoder=encoder))
    return f"snapshot:{path},search=8"
