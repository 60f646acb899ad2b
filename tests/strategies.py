"""Hypothesis strategies and plain builders that several tests share: texts, records, played games, labels."""

import numpy as np
from hypothesis import strategies as st

from gameil.games.game import CHANCE_PLAYER
from gameil.games.registry import make_game
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.records.record import GameRecord, PlayerInfo, Provenance, RecordError
from gameil.seeding import generator

TERMINATIONS = ("rules", "resignation", "time", "agreed", "forfeit", "unknown")

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)
"""Any text that UTF-8 can write."""
names = st.one_of(
    texts,
    st.sampled_from(["Kasparov, G", "a.tar!b!c", "!", "柯洁", "0", "007", "12345678901234567890", "https://a.b/c"]),
)
optional_names = st.none() | names
provenances = st.builds(Provenance, file=names, offset=st.integers(0, 2**63))
player_infos = st.builds(
    PlayerInfo, name=optional_names, rating=st.none() | st.integers(-500, 4000), title=optional_names
)
clock_values = st.none() | st.integers(0, 10**7).map(lambda milliseconds: milliseconds / 1000) | st.floats(0, 1e9)
record_errors = st.builds(RecordError, source=provenances, reason=names, detail=texts, excerpt=texts)


@st.composite
def any_played_games(draw: st.DrawFn, game_id: str = "connect_four") -> PlayedGame:
    """Games with every field filled in any way; their actions need not be legal (for codecs, which know no rules)."""
    actions = draw(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1)), max_size=60))
    clocks = draw(st.none() | st.lists(clock_values, min_size=len(actions), max_size=len(actions)))
    returns = st.one_of(st.sampled_from([(1.0, -1.0), (0.0, 0.0), (-1.0, 1.0)]), st.tuples(*[st.floats(-1, 1)] * 3))
    return PlayedGame(
        game_id=game_id,
        actions=np.array(actions, np.uint32),
        source=draw(provenances),
        num_setup=draw(st.integers(0, len(actions))),
        start=draw(optional_names),
        returns=draw(st.none() | returns),
        result=draw(names),
        termination=draw(st.sampled_from(TERMINATIONS)),
        after_end=draw(st.integers(0, 400)),
        players=tuple(draw(st.lists(player_infos, max_size=3))),
        date=draw(optional_names),
        event=draw(optional_names),
        time_control=draw(optional_names),
        tags=draw(st.dictionaries(names, names, max_size=4)),
        clocks=None if clocks is None else tuple(clocks),
        match_id=draw(optional_names),
    )


def random_game(game_id: str, seed: int, *, match_id: str | None = None, file: str = "random") -> PlayedGame:
    """A game of random legal moves from the start to the rules' end, the same for the same seed."""
    game = make_game(game_id)
    rng = generator(seed, "random game", game_id)
    state = game.initial_state()
    while not state.is_terminal():
        if state.current_player() == CHANCE_PLAYER:
            outcomes, chances = zip(*state.chance_outcomes(), strict=True)
            state.apply(int(rng.choice(outcomes, p=np.asarray(chances) / sum(chances))))
        else:
            state.apply(int(rng.choice(state.legal_actions())))
    return PlayedGame(
        game_id=game.id,
        actions=np.array(state.history, np.uint32),
        source=Provenance(file, seed),
        returns=tuple(float(value) for value in state.returns()),
        termination="rules",
        players=tuple(PlayerInfo(f"player {seat}", 1500 + seat) for seat in range(game.num_players)),
        date="2020-01-01",
        match_id=match_id,
    )


def random_games(game_id: str, number: int, *, first: int = 0) -> list[PlayedGame]:
    """Random games with the seeds ``first``, ``first + 1`` ..."""
    return [random_game(game_id, first + index) for index in range(number)]


def random_label(actions: list[int], seed: int, *, expert: str = "mcts:10", round: int = 0) -> Label:
    """A label with random probabilities over ``actions``."""
    rng = generator(seed, "random label")
    probs = rng.dirichlet(np.ones(len(actions))).astype(np.float32)
    return Label(expert, round, np.array(actions, np.int32), probs, float(rng.uniform(-1, 1)))


@st.composite
def labels(draw: st.DrawFn) -> Label:
    """Any label over some actions."""
    actions = sorted(draw(st.sets(st.integers(0, 5000), min_size=1, max_size=20)))
    label = random_label(actions, draw(st.integers(0, 1000)))
    value = draw(st.none() | st.floats(-1, 1))
    expert = draw(st.sampled_from(["mcts:1000", "uci:stockfish", "人"]))
    return Label(expert, draw(st.integers(0, 2**31)), label.actions, label.probs, value)


played_games = st.builds(
    random_game,
    st.sampled_from(["tic_tac_toe", "connect_four", "kuhn_poker", "breakthrough(rows=6,columns=6)"]),
    st.integers(0, 10_000),
)
"""Complete legal games of several kinds."""


@st.composite
def game_records(draw: st.DrawFn) -> GameRecord:
    """Records of legal tic_tac_toe games as a reader would give them, with any names."""
    played = random_game("tic_tac_toe", draw(st.integers(0, 10_000)))
    state = make_game("tic_tac_toe").initial_state()
    moves = []
    for action in played.actions.tolist():
        moves.append(state.text(action))
        state.apply(action)
    return GameRecord(
        game="tic_tac_toe",
        notation="action",
        moves=tuple(moves),
        source=draw(provenances),
        players=(draw(player_infos), draw(player_infos)),
        returns=played.returns,
        date=draw(st.none() | st.just("2001-02-03")),
        event=draw(optional_names),
    )


def same_game(first: PlayedGame, second: PlayedGame) -> bool:
    """Equal in every field (arrays make ``==`` of played games useless)."""
    return all(
        bool(np.array_equal(getattr(first, name), getattr(second, name)))
        if name == "actions"
        else repr(getattr(first, name)) == repr(getattr(second, name))
        for name in PlayedGame.__slots__
    )
