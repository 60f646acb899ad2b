"""Do error rates and intervals keep their nominal values? Simulated matches, 2,000 by default.

    python benchmarks/ratings.py [--matches 2000] [--seed 0]

Prints one JSON object: the shares of wrong decisions of both sequential tests where H0 and H1 are exactly true, the
mean number of games they took, and how often 95 % intervals of Bradley-Terry ratings, of single series and of places
found by an adaptive ladder covered the truth.
"""

import argparse
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.ratings.bradley_terry import ELO, bradley_terry
from gameil.ratings.intervals import elo_difference, pair_interval
from gameil.ratings.placement import Trial, next_level, place
from gameil.ratings.sprt import SprtConfig, log_likelihood_ratio
from gameil.seeding import generator

DRAWS = 0.4
"""Share of games drawn between equals."""
OPENING_SPREAD = 0.1
"""How much an opening favours its first player: the score of a game moves up or down by at most so much, and of the
game with seats swapped the other way."""


def pair_counts(elo: float, matches: int, pairs: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Scores in half points ``[matches, pairs, 2]`` of both games of each opening between agents ``elo`` apart, so that
    their mean is exactly what logistic Elo says."""
    score = 1.0 / (1.0 + 10.0 ** (-elo / 400.0))
    room = 2.0 * min(score, 1.0 - score)  # one-sided games have fewer draws, and openings matter less
    bias = room * rng.uniform(-OPENING_SPREAD, OPENING_SPREAD, (matches, pairs, 1)) * np.array([1.0, -1.0])
    win = score + bias - room * DRAWS / 2.0
    drawn = rng.random((matches, pairs, 2))
    points: NDArray[np.int64] = np.where(drawn < win, 2, np.where(drawn < win + room * DRAWS, 1, 0))
    return points


def sequential_errors(config: SprtConfig, elo: float, matches: int, rng: np.random.Generator) -> dict[str, float]:
    """Shares of the simulated tests that accept H0 and H1 where the difference is ``elo``, and their mean length."""
    assert config.elo0 is not None
    assert config.elo1 is not None
    width = 5 if config.model == "pentanomial" else 3
    lower, upper = config.bounds
    counts = np.zeros((matches, width), np.int64)
    decided = np.zeros(matches, np.int64)
    games = np.zeros(matches, np.int64)
    active = np.arange(matches)
    while len(active):
        points = pair_counts(elo, len(active), 1, rng)[:, 0]
        for trial in [points.sum(axis=1)] if width == 5 else [points[:, 0], points[:, 1]]:
            counts[active, trial] += decided[active] == 0
        games[active] += 2
        ratio = log_likelihood_ratio(counts[active], config.elo0, config.elo1)
        decided[active] = np.where(ratio >= upper, 1, np.where(ratio <= lower, -1, 0))
        active = active[decided[active] == 0]
    return {
        "H0": float((decided < 0).mean()),
        "H1": float((decided > 0).mean()),
        "games": float(games.mean()),
    }


def rating_coverage(tournaments: int, rng: np.random.Generator, *, agents: int = 5, games: int = 60) -> float:
    """Share of all differences of two ratings whose 95 % interval covers the truth, over simulated round robins."""
    covered, number = 0, 0
    nu = 1.0
    for _ in range(tournaments):
        truth = rng.normal(0.0, 0.6, agents)
        wins, draws = np.zeros((agents, agents)), np.zeros((agents, agents))
        for first in range(agents):
            for second in range(first):
                d = truth[first] - truth[second]
                chances = np.array([math.exp(d / 2), nu, math.exp(-d / 2)])
                won, drawn, lost = rng.multinomial(games, chances / chances.sum())
                wins[first, second], wins[second, first] = won, lost
                draws[first, second] = draws[second, first] = drawn
        ratings = bradley_terry(wins, draws)
        for first in range(agents):
            for second in range(first):
                true_elo = ELO / (1.0 + nu / 2.0) * (truth[first] - truth[second])
                covered += true_elo in ratings.difference(first, second).interval
                number += 1
    return covered / number


def series_coverage(series: int, elo: float, rng: np.random.Generator, *, pairs: int = 50) -> float:
    """Share of simulated series whose 95 % interval on the Elo difference, by pairs, covers the truth."""
    points = pair_counts(elo, series, pairs, rng) / 2.0
    covered = 0
    for games in points:
        interval = elo_difference(float(games.mean()), pair_interval(games.tolist()), games.size).interval
        covered += elo in interval
    return covered / series


def ladder_coverage(
    agents: int, rng: np.random.Generator, *, rated: bool, levels: int = 5, width: float = 120.0, block: int = 8
) -> dict[str, float]:
    """Share of agents somewhere on a ladder of 100 to 400 Elo a step whose adaptive place covers the truth, and what it
    took.

    Args:
        rated: the levels' ratings are known; else only that the first is 0.
        width: of the interval on the distance to the nearest level, at which the ladder stops.
    """
    covered, games, widths = 0, 0, 0.0
    for _ in range(agents):
        truth = np.concatenate([[0.0], np.cumsum(rng.uniform(100.0, 400.0, levels - 1))])
        agent = rng.uniform(-100.0, truth[-1] + 100.0)
        held = {level: float(truth[level]) for level in range(levels if rated else 1)}
        trials: list[Trial] = []
        while True:
            placement = place(levels, trials, held=held)
            distance = placement.above(placement.nearest)
            known = distance.interval.high - distance.interval.low <= width and len(trials) >= 16
            if known or len(trials) >= 200:
                break
            level = next_level(placement, block)
            scores = pair_counts(agent - truth[level], 1, block // 2, rng)[0].mean(axis=1) / 2.0
            trials += [Trial(levels, level, float(score), 2) for score in scores]
        covered += agent - truth[placement.nearest] in distance.interval
        games += 2 * len(trials)
        widths += distance.interval.high - distance.interval.low
    return {"coverage": covered / agents, "games": games / agents, "width": widths / agents}


def main() -> None:
    """Runs every simulation and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matches", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    found: dict[str, Any] = {"matches": arguments.matches, "seed": arguments.seed}
    for model in ("pentanomial", "trinomial"):
        config = SprtConfig(elo0=0.0, elo1=30.0, model=model)
        for truth in (0.0, 30.0):
            rng = generator(arguments.seed, "sprt", model, int(truth))
            found[f"sprt_{model}_at_{truth:g}"] = sequential_errors(config, truth, arguments.matches, rng)
    found["bradley_terry_coverage"] = rating_coverage(arguments.matches, generator(arguments.seed, "ratings"))
    found["series_coverage"] = {
        f"{elo:g}": series_coverage(arguments.matches, elo, generator(arguments.seed, "series", int(elo)))
        for elo in (0.0, 50.0, 150.0)
    }
    found["adaptive_ladder"] = {
        name: ladder_coverage(
            arguments.matches, generator(arguments.seed, "ladder", name), rated=name == "rated_levels"
        )
        for name in ("rated_levels", "unrated_levels")
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
