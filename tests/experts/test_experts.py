"""Experts against positions whose best move is known, and their labels against visit counts by hand."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gameil.agents.agent import Decisions, Request
from gameil.agents.random import RandomAgent
from gameil.errors import AgentError, ConfigError
from gameil.experts.build import build_expert
from gameil.experts.expert import Expert, label_from_visits
from gameil.experts.mcts import MctsExpert
from gameil.experts.mixture import BetaConfig, MixtureAgent
from gameil.experts.search import SearchExpert
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.search.evaluators import uniform_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig


def _play(game_id: str, actions: list[int]) -> State:
    state = make_game(game_id).initial_state()
    for action in actions:
        state.apply(action)
    return state


WIN_AT_ZERO = [0, 1, 0, 2, 0, 3]
BLOCK_AT_ZERO = [0, 1, 0, 2, 0]


def _experts() -> list[Expert]:
    search = BatchedSearch(uniform_evaluator, SearchConfig(simulations=300))
    return [
        MctsExpert("mcts:500", make_game("connect_four"), simulations=500, processes=1),
        SearchExpert("search", search),
    ]


@pytest.mark.parametrize("expert", _experts(), ids=lambda expert: expert.name)
def test_labels_find_the_only_move(expert: Expert) -> None:
    states = [_play("connect_four", WIN_AT_ZERO), _play("connect_four", BLOCK_AT_ZERO)]
    win, block = expert.label(states, [np.random.default_rng(row) for row in range(2)], round=3)
    assert win.actions[win.probs.argmax()] == 0
    assert block.actions[block.probs.argmax()] == 0
    assert win.value is not None
    assert win.value > 0.9
    assert win.round == 3
    assert win.expert == expert.name
    for label, state in ((win, states[0]), (block, states[1])):
        assert set(label.actions.tolist()) <= set(state.legal_actions())
        assert label.probs.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("expert", _experts(), ids=lambda expert: expert.name)
def test_a_label_does_not_depend_on_its_batch(expert: Expert) -> None:
    states = [_play("connect_four", [3] * depth) for depth in range(5)]
    together = expert.label(states, [np.random.default_rng(row) for row in range(5)])
    (alone,) = expert.label([states[3]], [np.random.default_rng(3)])
    np.testing.assert_array_equal(alone.actions, together[3].actions)
    np.testing.assert_array_equal(alone.probs, together[3].probs)


def test_processes_give_the_same_labels() -> None:
    """Also in a game whose action ids are turned for the second player: states travel by the mover's own ids."""
    game = make_game("breakthrough(columns=6,rows=6)")
    states, rng = [], np.random.default_rng(0)
    for depth in range(4):
        state = game.initial_state()
        for _ in range(depth):
            state.apply(int(rng.choice(state.legal_actions())))
        states.append(state)
    here = MctsExpert("mcts:40", game, simulations=40, processes=1)
    there = MctsExpert("mcts:40", game, simulations=40, processes=2)
    try:
        rngs = [[np.random.default_rng(row) for row in range(4)] for _ in range(2)]
        for one, other in zip(here.label(states, rngs[0]), there.label(states, rngs[1]), strict=True):
            np.testing.assert_array_equal(one.actions, other.actions)
            np.testing.assert_array_equal(one.probs, other.probs)
    finally:
        there.close()
        there.close()


_KILLED = """
import os, signal, sys
import numpy as np
from gameil.experts.mcts import MctsExpert
from gameil.games.registry import make_game

if __name__ == "__main__":
    game = make_game("tic_tac_toe")
    expert = MctsExpert("mcts:10", game, simulations=10, processes=2)
    expert.label([game.initial_state()] * 40, [np.random.default_rng(row) for row in range(40)])
    print(*expert._pool._processes, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(_KILLED)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 20
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie that waits to be collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_visits_to_probabilities_by_hand() -> None:
    actions, visits = np.array([2, 4, 5]), np.array([1, 0, 3])
    flat = label_from_visits("e", 0, actions, visits, 0.5, temperature=1.0)
    assert flat.actions.tolist() == [2, 5]
    np.testing.assert_allclose(flat.probs, [0.25, 0.75])
    sharp = label_from_visits("e", 0, actions, visits, 0.5, temperature=0.5)
    np.testing.assert_allclose(sharp.probs, [0.1, 0.9])  # 1 and 9
    assert label_from_visits("e", 0, actions, visits, 1.7, temperature=1.0).value == 1.0


def test_search_that_sees_hidden_cards_is_refused() -> None:
    expert = MctsExpert("mcts:10", make_game("kuhn_poker"), simulations=10, processes=1)
    state = make_game("kuhn_poker").initial_state()
    state.apply(0)
    state.apply(1)
    with pytest.raises(AgentError, match="perfect information"):
        expert.label([state], [np.random.default_rng(0)])


@pytest.mark.parametrize("spec", ["random", "builtin:easy", "snapshot:somewhere"])
def test_only_searches_are_experts(spec: str) -> None:
    with pytest.raises(ConfigError, match="only searches label"):
        build_expert(spec, make_game("connect_four"))


def test_build_expert() -> None:
    expert = build_expert("mcts:20", make_game("tic_tac_toe"), processes=1)
    (label,) = expert.label([_play("tic_tac_toe", [])], [np.random.default_rng(0)])
    assert label.expert == "mcts:20"


def test_mixture_lets_the_expert_act_in_its_share() -> None:
    state = _play("tic_tac_toe", [])
    for beta, low, high in ((0.0, 0, 0), (1.0, 500, 500), (0.3, 110, 190)):
        requests = [Request(index, 0, state, np.random.default_rng(index)) for index in range(500)]
        policy, expert = _Counting(), _Counting()
        decisions = MixtureAgent("mixture", policy, expert, beta=beta).act(requests)
        assert low <= expert.count <= high
        assert policy.count + expert.count == 500
        assert decisions.actions.shape == (500,)


class _Counting(RandomAgent):
    """Counts its requests."""

    count = 0

    def act(self, requests: Sequence[Request]) -> Decisions:
        self.count += len(requests)
        return super().act(requests)


def test_beta_schedules() -> None:
    shares = {kind: [BetaConfig(kind=kind, rounds=2, base=0.5).share(i) for i in range(4)] for kind in _KINDS}
    assert shares == {
        "never": [0, 0, 0, 0],
        "first": [1, 0, 0, 0],
        "linear": [1, 0.5, 0, 0],
        "exponential": [1, 0.5, 0.25, 0.125],
    }
    with pytest.raises(ConfigError):
        BetaConfig(base=1.0)


_KINDS = ("never", "first", "linear", "exponential")
