"""What the adapter adds to the engine: seats, rewards, information, threads."""

import threading

import numpy as np
import pytest

from gameil.errors import GameError, IllegalActionError
from gameil.games.registry import make_game


def test_white_is_seat_zero() -> None:
    mate = make_game("chess").initial_state("k7/7R/8/8/8/8/8/K5R1 w - - 0 1")
    mate.apply(mate.parse("Rg8#", "san"))
    assert mate.is_terminal()
    assert mate.returns().tolist() == [1.0, -1.0]
    assert mate.rewards().tolist() == [1.0, -1.0]
    assert mate.game.raw_player(0) == 1


def test_engine_ids_and_back() -> None:
    for game_id in ("hex(board_size=4)", "breakthrough", "chess"):
        state = make_game(game_id).initial_state()
        for _ in range(6):
            legal = state.legal_actions()
            assert sorted(map(state.to_raw, legal)) == sorted(state.raw.legal_actions())
            assert [state.from_raw(state.to_raw(action)) for action in legal] == legal
            state.apply(legal[-1])


def test_nothing_is_printed_for_an_illegal_action(capfd: pytest.CaptureFixture[str]) -> None:
    for game_id in ("chess", "hex", "tic_tac_toe", "leduc_poker"):
        state = make_game(game_id).initial_state()
        for action in (-1, 10**6):
            with pytest.raises(IllegalActionError):
                state.apply(action)
    with pytest.raises(GameError):
        make_game("hanabi").initial_state().resample(0, np.random.default_rng(0))
    assert capfd.readouterr() == ("", "")


def test_numpy_integers_are_actions() -> None:
    state = make_game("hex(board_size=4)").initial_state()
    for action in np.array([3, 5, 9]):
        state.apply(action)
    assert state.history == [3, 5, 9]
    assert all(type(action) is int for _, action in state.recent)


def test_hanabi_rewards_are_not_told_twice() -> None:
    """The engine repeats a card's reward after the next deal; ours sum to the returns."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        state = make_game("hanabi").initial_state()
        total = np.zeros(2)
        while not state.is_terminal():
            state.apply(int(rng.choice(state.legal_actions())))
            total += state.rewards()
        assert total.tolist() == state.returns().tolist()


def test_resampling_keeps_what_the_player_knows_and_varies_the_rest() -> None:
    rng = np.random.default_rng(0)
    state = make_game("kuhn_poker").initial_state()
    state.apply(1)
    state.apply(2)
    others = [state.resample(0, rng) for _ in range(40)]
    assert {other.information_state(0) for other in others} == {state.information_state(0)}
    assert {other.information_state(1) for other in others} == {"0", "2"}


def test_repeated_games_declare_their_rewards_on_the_way() -> None:
    assert make_game("repeated_leduc_poker").capabilities.intermediate_rewards
    assert not make_game("leduc_poker").capabilities.intermediate_rewards


def test_kuhn_information_states() -> None:
    texts = []
    for mine, theirs in ((0, 1), (0, 2), (1, 2)):
        state = make_game("kuhn_poker").initial_state()
        state.apply(mine)
        state.apply(theirs)
        texts.append(state.information_state(0))
    assert texts[0] == texts[1] != texts[2]


def test_simultaneous_games_hide_the_first_choice() -> None:
    state = make_game("goofspiel(num_cards=4,points_order=descending)").initial_state()
    assert state.game.capabilities.simultaneous
    seen = []
    for action in (0, 3):
        twin = state.clone()
        twin.apply(action)
        out = np.empty(state.game.observation_shape, dtype=np.float32)
        twin.write_observation(out)
        seen.append((twin.current_player(), out.tobytes()))
    assert seen[0] == seen[1]
    assert seen[0][0] == 1


def test_chess960_starts_are_chances() -> None:
    state = make_game("chess(chess960=True)").initial_state()
    assert state.current_player() == -1
    assert len(state.chance_outcomes()) == 960
    state.apply(518)
    assert state.current_player() == 0
    assert state.recent == ()
    assert state.history == [518]


def test_threads_do_not_mix_observations() -> None:
    """All states of a game share one engine buffer; the lock keeps views apart."""
    game = make_game("connect_four")
    states = []
    for column in range(7):
        state = game.initial_state()
        state.apply(column)
        states.append(state)
    wrong = []

    def look(column: int) -> None:
        out = np.empty(game.observation_shape, dtype=np.float32)
        for _ in range(3000):
            states[column].write_observation(out)
            if out[1, 0].argmax() != column or out[1].sum() != 1:
                wrong.append(column)

    threads = [threading.Thread(target=look, args=(column,)) for column in range(7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("game_id", ["connect_four", "othello", "chess", "breakthrough", "kuhn_poker"])
def test_ending_actions_are_those_after_which_the_game_is_over(game_id: str) -> None:
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(4):
        state = make_game(game_id).initial_state()
        while not state.is_terminal():
            ends = []
            for action in state.legal_actions():
                after = state.clone()
                after.apply(action)
                if after.is_terminal():
                    ends.append(action)
            if len(state.history) % 3 == 0 or ends:
                assert state.ending_actions() == ends
            found += len(ends)
            state.apply(int(rng.choice(state.legal_actions())))
    assert found
