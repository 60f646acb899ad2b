"""Matches: equal games whatever runs beside them, each agent asked once a ply, cut games, dice and many players."""

from collections.abc import Sequence

import numpy as np
import pytest

from gameil.agents.agent import Decisions, Request
from gameil.agents.random import RandomAgent
from gameil.agents.spec import build_agent
from gameil.errors import AgentError, IllegalActionError
from gameil.games.game import CHANCE_PLAYER
from gameil.games.registry import make_game
from gameil.positions.played_game import MATCH_TAG, OPENING_TAG
from gameil.rollout.matches import MatchResult, Pairing, draw_chance, play_matches


class Recorder(RandomAgent):
    """A random agent that remembers how it was called."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.batches: list[int] = []
        self.open: set[int] = set()
        self.begun = 0

    def begin(self, games: Sequence[int]) -> None:
        assert not self.open & set(games)
        self.open |= set(games)
        self.begun += len(games)

    def act(self, requests: Sequence[Request]) -> Decisions:
        assert len({request.game for request in requests}) == len(requests)
        for request in requests:
            assert request.game in self.open
            assert request.seat == request.state.current_player()
        self.batches.append(len(requests))
        return super().act(requests)

    def end(self, games: Sequence[int]) -> None:
        self.open -= set(games)


class Stubborn(RandomAgent):
    """Always plays one action."""

    def act(self, requests: Sequence[Request]) -> Decisions:
        return Decisions(np.full(len(requests), 3, np.int64), np.zeros(len(requests), np.float32))


def _games(results: list[MatchResult]) -> dict[int, tuple[list[int], tuple[float, ...]]]:
    return {result.pairing.match: (result.played.actions.tolist(), result.returns) for result in results}


@pytest.mark.parametrize("game_id", ["connect_four", "backgammon", "leduc_poker(players=3)"])
@pytest.mark.parametrize("spec", ["random", "mcts:5"])
def test_games_do_not_depend_on_concurrency(game_id: str, spec: str) -> None:
    game = make_game(game_id)
    number = 2 if game_id == "backgammon" and spec == "mcts:5" else 12
    agents = [build_agent(spec, game), RandomAgent()]
    seats = tuple(agents[seat % 2] for seat in range(game.num_players))
    pairings = [Pairing(match, seats) for match in range(number)]
    limit = 30 if game_id == "backgammon" else None
    alone = _games(list(play_matches(game, pairings, seed=4, concurrency=1, max_plies=limit)))
    together = _games(list(play_matches(game, pairings[::-1], seed=4, concurrency=16, max_plies=limit)))
    other = _games(list(play_matches(game, pairings, seed=5, concurrency=16, max_plies=limit)))
    assert alone == together
    assert set(alone) == set(range(number))
    assert alone != other
    assert len({tuple(actions) for actions, _ in alone.values()}) > 1, "matches draw from streams of their own"


def test_each_agent_is_asked_once_a_ply_for_all_its_games() -> None:
    first, second = Recorder("a"), Recorder("b")
    pairings = [Pairing(match, (first, second) if match % 2 else (second, first)) for match in range(10)]
    results = list(play_matches(make_game("connect_four"), pairings, seed=1, concurrency=10))
    longest = max(len(result.played.actions) for result in results)
    assert len(first.batches) <= longest
    assert first.batches[0] == second.batches[0] == 5
    assert sum(first.batches) + sum(second.batches) == sum(len(result.played.actions) for result in results)
    assert first.open == second.open == set()
    assert first.begun == 10


def test_concurrency_bounds_the_games_begun_and_endless_pairings_are_fine() -> None:
    agent = Recorder("a")
    endless = (Pairing(match, (agent, agent)) for match in range(10**9))
    results = play_matches(make_game("tic_tac_toe"), endless, seed=1, concurrency=3)
    for _ in range(5):
        next(results)
    assert agent.begun <= 5 + 3
    assert max(agent.batches) <= 3
    results.close()  # type: ignore[attr-defined]
    assert agent.open == set()


def test_a_played_game_replays_and_names_its_players() -> None:
    game = make_game("connect_four")
    seats = (RandomAgent("left"), RandomAgent("right"))
    pairing = Pairing(7, seats, opening=(3, 3, 4))
    (result,) = play_matches(game, [pairing], seed=2, match_prefix="test")
    played = result.played
    assert played.actions[:3].tolist() == [3, 3, 4]
    state = game.initial_state()
    for action in played.actions.tolist():
        state.apply(action)
    assert state.is_terminal()
    assert played.returns == result.returns == tuple(state.returns().tolist())
    assert [player.name for player in played.players] == ["left", "right"]
    assert (played.source.file, played.source.offset, played.match_id) == ("gameil:arena", 7, "test/2/7")
    assert played.tags == {MATCH_TAG: "test/2/7", OPENING_TAG: "3"}
    assert played.termination == "rules"
    assert sum(result.moves.values()) == len(played.actions) - 3
    assert set(result.seconds) == set(result.moves) == {"left", "right"}


def test_chips_are_scaled_into_the_records_range() -> None:
    game = make_game("leduc_poker(players=3)")
    agent = RandomAgent()
    results = list(play_matches(game, [Pairing(match, (agent,) * 3) for match in range(20)], seed=1))
    largest = max(abs(bound) for bound in game.reward_range)
    assert any(max(result.returns) > 1.0 for result in results)
    for result in results:
        assert result.played.returns == pytest.approx([value / largest for value in result.returns])
        assert max(map(abs, result.played.returns or ())) <= 1.0


def test_a_game_at_the_limit_is_cut_and_has_no_result() -> None:
    agent = RandomAgent()
    (result,) = play_matches(make_game("chess"), [Pairing(0, (agent, agent))], seed=1, max_plies=10)
    assert result.truncated
    assert result.returns == (0.0, 0.0)
    assert result.played.returns is None
    assert len(result.played.actions) == 10


def test_games_with_one_chance_key_see_equal_dice() -> None:
    game = make_game("backgammon")
    agent = RandomAgent()
    pairings = [Pairing(match, (agent, agent), chance=match // 2) for match in range(4)]
    results = list(play_matches(game, pairings, seed=3, max_plies=1))
    first = {result.pairing.match: int(result.played.actions[0]) for result in results}
    assert first[0] == first[1]
    # Longer games: different moves, but equal dice wherever both games are at a chance node at the same ply.
    longer = {r.pairing.match: r.played.actions.tolist() for r in play_matches(game, pairings, seed=3, max_plies=60)}
    assert longer[0] != longer[1]
    one, two = game.initial_state(), game.initial_state()
    compared = 0
    for left, right in zip(longer[0], longer[1], strict=True):
        at_chance = one.current_player() == two.current_player() == CHANCE_PLAYER
        if at_chance and one.chance_outcomes() == two.chance_outcomes():
            assert left == right
            compared += 1
        one.apply(left)
        two.apply(right)
    assert compared > 5


def test_chance_is_drawn_by_its_probabilities() -> None:
    state = make_game("backgammon").initial_state()
    outcomes = dict(state.chance_outcomes())
    rng = np.random.default_rng(0)
    draws = [draw_chance(state, rng) for _ in range(4000)]
    for action, probability in outcomes.items():
        spread = 6 * np.sqrt(probability * (1 - probability) / 4000)
        assert draws.count(action) / 4000 == pytest.approx(probability, abs=spread)


def test_bad_agents_are_named() -> None:
    game = make_game("connect_four")
    with pytest.raises(AgentError, match=r"agent 'stubborn' chose an illegal action") as caught:
        list(play_matches(game, [Pairing(0, (Stubborn("stubborn"), Stubborn("stubborn")))], seed=0))
    assert isinstance(caught.value.__cause__, IllegalActionError)
    with pytest.raises(AgentError, match="connect_four has 2 players, got 1 agents"):
        list(play_matches(game, [Pairing(0, (RandomAgent(),))], seed=0))
