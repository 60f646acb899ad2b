"""Steps a second in PettingZoo's environments: bare, as gameil's states, and in several processes.

    python benchmarks/environments.py                       ratios within one process, by CPU time
    python benchmarks/environments.py --processes 1 2 4     rates of whole episodes in processes, by wall clock

A step is one action of one agent, drawn at random from a stream of its own; both sides look at what the agent is shown
before each. "Bare" is PettingZoo's own loop: over ``agent_iter`` for environments in turns, over ``env.agents`` for
those where all move at once. The two are measured in turns, and of several rounds the median counts: ratios stay
honest on a busy machine.
"""

import argparse
import itertools
import statistics
import time
import warnings
from functools import lru_cache, partial

import numpy as np

from gameil.games.pettingzoo import PettingZooGame
from gameil.games.registry import make_game
from gameil.stages.processes import map_in_order

GAMES = (
    "pettingzoo:knights_archers_zombies_v11(max_cycles=200)",
    "pettingzoo:knights_archers_zombies_v11(api=at_once,max_cycles=200)",
    "pettingzoo:cooperative_pong_v6(max_cycles=200)",
    "pettingzoo:pistonball_v6(max_cycles=60)",
    "pettingzoo:overcooked(horizon=400)",
    "pettingzoo:connect_four_v3",
)

STARTING_SECONDS = 6.0
"""In which processes are started, and their first episodes played."""


@lru_cache(maxsize=8)
def kept_env(game: PettingZooGame) -> object:
    return game.make_env()


def bare_episode(game: PettingZooGame, seed: int) -> int:
    """Random actions in the bare environment; returns the number of steps.

    The environment is kept from episode to episode, unless a seed gives the same episode only in a fresh one.
    """
    env = kept_env(game) if game.reusable else game.make_env()
    rng = np.random.default_rng(seed)
    steps = 0
    if hasattr(env, "agent_iter"):
        env.reset(seed=seed)
        for agent in env.agent_iter():
            shown, _, terminated, truncated, _ = env.last()
            action = None
            if not (terminated or truncated):
                codec = game.codecs[env.possible_agents.index(agent)]
                legal = np.flatnonzero(shown["action_mask"]) if game.masked else None
                number = int(rng.integers(codec.num_actions)) if legal is None else int(rng.choice(legal))
                action = codec.decode(number)
                steps += 1
            env.step(action)
        return steps
    env.reset(seed=seed)
    while env.agents:
        actions = {agent: game.codecs[0].decode(int(rng.integers(game.codecs[0].num_actions))) for agent in env.agents}
        env.step(actions)
        steps += len(actions)
    return steps


def state_episode(game: PettingZooGame, seed: int) -> int:
    """The same with gameil's states, everything a network would see written down."""
    rng = np.random.default_rng(seed)
    state = game.initial_state()
    if game.seeded:
        state.apply(seed)
    shown = np.empty(game.observation_shape, np.float32)
    steps = 0
    while not state.is_terminal():
        legal = state.legal_actions()
        state.write_observation(shown)
        state.apply(legal[int(rng.integers(len(legal)))])
        steps += 1
    return steps


def compare(game: PettingZooGame, rounds: int) -> tuple[float, float]:
    """Steps a CPU second: bare, and as states."""
    rates: tuple[list[float], list[float]] = ([], [])
    for seed in range(rounds):
        for place, play in enumerate((partial(bare_episode, game), partial(state_episode, game))):
            began = time.process_time()
            steps = 0
            while steps < 2000 and time.process_time() - began < 1.0:
                steps += play(seed)
            rates[place].append(steps / (time.process_time() - began))
    return statistics.median(rates[0]), statistics.median(rates[1])


def play_one(seed: int, game_id: str) -> int:
    game = make_game(game_id)
    assert isinstance(game, PettingZooGame)
    return state_episode(game, seed)


def scaled(game_id: str, processes: int, seconds: float) -> float:
    """Steps a second by the clock in so many processes, once all of them have begun."""
    results = map_in_order(partial(play_one, game_id=game_id), itertools.count(), processes)
    began = time.perf_counter()
    while time.perf_counter() - began < STARTING_SECONDS:
        next(results)
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        steps += next(results)
    rate = steps / (time.perf_counter() - began)
    results.close()  # type: ignore[attr-defined]
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", nargs="*", default=GAMES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", nargs="*", type=int, default=[])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement in processes")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.games:
        game = make_game(name)
        assert isinstance(game, PettingZooGame)
        bare, states = compare(game, options.rounds)
        print(f"{name:70} bare {bare:9,.0f} steps/s   gameil {states:9,.0f} steps/s   {states / bare:6.1%}", flush=True)
        for count in options.processes:
            print(f"{'':70} {count} processes {scaled(name, count, options.seconds):9,.0f} steps/s", flush=True)


if __name__ == "__main__":
    main()
