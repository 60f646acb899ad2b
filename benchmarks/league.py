"""How fast a league is apart from playing: opponents drawn a second, and jobs of fixed length through its workers.

    python benchmarks/league.py                          draws in a league of a thousand copies; 32 local workers
    python benchmarks/league.py --ray --workers 32       beside as many actors of a Ray cluster begun here

Jobs sleep, so that as many workers as wanted fit on any machine; the best possible rate is ``workers / seconds``.
"""

import argparse
import json
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from gameil.league.config import MatchmakingConfig
from gameil.league.matchmaking import draw_opponent
from gameil.league.payoff import Payoff, Result
from gameil.league.players import LeaguePlayer, Roster
from gameil.rollout.workers import Job, JobFunction, LocalWorkers, Workers


def start_sleeper() -> JobFunction:
    """A worker that sleeps as long as it is told."""

    def sleep(job: Job, paths: Mapping[str, Path]) -> int:
        time.sleep(job.payload)
        return len(job.id)

    return sleep


def draws(copies: int, times: int) -> float:
    """Opponents drawn for a main in a second of processor time."""
    roster, payoff = Roster(), Payoff()
    payoff.add_player(learns=True)
    roster.add(LeaguePlayer("main-0", "main"))
    for number in range(copies):
        payoff.add_player(learns=False)
        own = number % 2 == 0
        origin, role = ("main-0", "main") if own else ("main-exploiter-0", "main_exploiter")
        copy = LeaguePlayer(f"{origin}.{number}", "historical", origin=origin, origin_role=role)  # type: ignore[arg-type]
        payoff.add(Result(0, roster.add(copy), float(number % 3 == 0)))
    config, rng = MatchmakingConfig(), np.random.Generator(np.random.PCG64(0))
    began = time.process_time()
    for _ in range(times):
        draw_opponent(0, roster, payoff, config, rng)
    return times / (time.process_time() - began)


def throughput(workers: Workers, jobs: int, seconds: float, wanted: int) -> float:
    """Jobs a second once all workers are up."""

    def run(stem: str, number: int) -> float:
        given = ended = 0
        began = time.perf_counter()
        while ended < number:
            while given < number and workers.free:
                workers.submit(Job(f"{stem}-{given}", seconds))
                given += 1
            ended += len(workers.completed(1.0))
        return time.perf_counter() - began

    run("warm", 4 * wanted)
    return jobs / run("timed", jobs)


def main() -> None:
    """Measures and prints one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--jobs", type=int, default=960)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a job")
    parser.add_argument("--ray", action="store_true")
    options = parser.parse_args()
    print(json.dumps({"copies": options.copies, "draws_a_second": round(draws(options.copies, 20_000))}), flush=True)
    best = options.workers / options.seconds
    with closing(LocalWorkers(start_sleeper, options.workers)) as local:
        rate = throughput(local, options.jobs, options.seconds, options.workers)
    print(json.dumps({"workers": "local", "jobs_a_second": rate, "of_the_best": rate / best}), flush=True)
    if options.ray:
        from gameil.rollout.ray_workers import RayWorkers

        actors = RayWorkers(start_sleeper, options.workers, processors=0.01)
        with closing(actors):
            again = throughput(actors, options.jobs, options.seconds, options.workers)
        print(json.dumps({"workers": "ray", "jobs_a_second": again, "of_the_best": again / best}), flush=True)
        print(json.dumps({"ray_of_local": again / rate}), flush=True)


if __name__ == "__main__":
    main()
