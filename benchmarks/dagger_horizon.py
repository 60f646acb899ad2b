"""Does behavioural cloning's cost grow with the square of the horizon, and DAgger's in proportion to it?

Ross and Bagnell, "Efficient Reductions for Imitation Learning" (2010): a policy that errs with probability epsilon in
the expert's states may cost J <= J* + T^2 epsilon in T steps, since one error leads to states that nobody showed. Ross,
Gordon and Bagnell (2011): with labels of its own states, J <= J* + u T epsilon_N + O(1), u being what one error costs.

The game: a road with bends. At every step one of ``BENDS`` bends comes (few often, many rarely), and the driver chooses
one of ``ACTIONS``; the wrong choice leads off the road, where the right choice, another one for the same bend, leads
back. A step off the road costs 1; the expert never leaves it. The learner is a table of the labels it was given; for a
bend that it never saw off the road it does as on the road, and for one it never saw at all the first action. Both
methods get the same number of labels, whatever the horizon. Costs are computed exactly, not sampled.

    python benchmarks/dagger_horizon.py [--labels 4000] [--seeds 20] [--plot horizon.svg]
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.reports.charts import line_chart
from gameil.reports.svg import picture_file

BENDS, ACTIONS = 400, 4
HORIZONS = (4, 8, 16, 32, 64, 128)
ROUNDS = 10
"""Of DAgger; in the first the expert drives, as in cloning."""
UNSEEN = -1


@dataclass(frozen=True, eq=False)
class Road:
    """The game: how often each bend comes, and what is right there."""

    chances: NDArray[np.float64]
    """``[BENDS]``."""
    right: NDArray[np.int64]
    """``[2, BENDS]``: on the road, and off it."""

    @staticmethod
    def draw(rng: np.random.Generator) -> "Road":
        """Chances fall with the square of a bend's number: a few thousand labels show nearly all that matters."""
        chances = 1.0 / np.arange(1, BENDS + 1) ** 2.0
        on = rng.integers(1, ACTIONS, BENDS)
        off = (on + rng.integers(1, ACTIONS, BENDS)) % ACTIONS
        return Road(chances / chances.sum(), np.stack([on, off]))

    def labels(
        self, policy: NDArray[np.int64] | None, horizon: int, number: int, rng: np.random.Generator
    ) -> list[tuple[int, int]]:
        """``number`` places (off, bend) that a driver comes to in trips of ``horizon`` steps; None: the expert."""
        found: list[tuple[int, int]] = []
        off = 0
        for step, bend in enumerate(rng.choice(BENDS, number, p=self.chances).tolist()):
            if step % horizon == 0:
                off = 0
            found.append((off, bend))
            wrong = policy is not None and policy[off, bend] != self.right[off, bend]
            off = int(wrong)
        return found

    def learned(self, places: list[tuple[int, int]]) -> NDArray[np.int64]:
        """The table ``[2, BENDS]`` after the expert's labels of these places."""
        table = np.full((2, BENDS), UNSEEN)
        for off, bend in places:
            table[off, bend] = self.right[off, bend]
        table[0] = np.where(table[0] == UNSEEN, 0, table[0])
        table[1] = np.where(table[1] == UNSEEN, table[0], table[1])
        return table

    def cost(self, policy: NDArray[np.int64], horizon: int) -> float:
        """Expected steps off the road, exactly."""
        wrong = ((policy != self.right) * self.chances).sum(axis=1)
        off = total = 0.0
        for _ in range(horizon):
            off = (1.0 - off) * wrong[0] + off * wrong[1]
            total += off
        return total


def measure(horizon: int, labels: int, seed: int) -> tuple[float, float, float]:
    """Cost of cloning, of DAgger with as many labels, and cloning's error in the expert's states."""
    rng = np.random.default_rng([seed, horizon])
    road = Road.draw(rng)
    cloned = road.learned(road.labels(None, horizon, labels, rng))
    places = road.labels(None, horizon, labels // ROUNDS, rng)
    for _ in range(ROUNDS - 1):
        places += road.labels(road.learned(places), horizon, labels // ROUNDS, rng)
    error = float(((cloned[0] != road.right[0]) * road.chances).sum())
    return road.cost(cloned, horizon), road.cost(road.learned(places), horizon), error


def slope(horizons: tuple[int, ...], costs: list[float]) -> float:
    """Of the straight line through the logarithms."""
    return float(np.polyfit(np.log(horizons), np.log(costs), 1)[0])


def compare(labels: int, seeds: int) -> dict[str, list[float]]:
    """Mean costs by horizon: ``cloning``, ``dagger`` and the bound ``T^2 epsilon`` of cloning."""
    found: dict[str, list[float]] = {"cloning": [], "dagger": [], "bound": []}
    for horizon in HORIZONS:
        results = np.array([measure(horizon, labels, seed) for seed in range(seeds)])
        cloning, dagger, error = results.mean(axis=0).tolist()
        found["cloning"].append(cloning)
        found["dagger"].append(dagger)
        found["bound"].append(horizon**2 * error)
    return found


def main() -> None:
    """Prints the table and the slopes; draws the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, default=4000, help="that each method gets")
    parser.add_argument("--seeds", type=int, default=20, help="roads and drives")
    parser.add_argument("--plot", type=Path, help="where to draw it (SVG)")
    arguments = parser.parse_args()
    found = compare(arguments.labels, arguments.seeds)
    print(f"{arguments.labels} labels each, mean of {arguments.seeds} roads; cost: steps off the road of T")
    print("    T   cloning    DAgger   bound T^2 epsilon")
    for row, horizon in enumerate(HORIZONS):
        print(f"{horizon:>5} {found['cloning'][row]:9.4f} {found['dagger'][row]:9.4f} {found['bound'][row]:12.4f}")
    print(f"slope {slope(HORIZONS, found['cloning']):9.2f} {slope(HORIZONS, found['dagger']):9.2f} {2.0:12.2f}")
    if arguments.plot is not None:
        curves = {
            f"{name}, slope {slope(HORIZONS, costs):.2f}": [
                (float(np.log10(horizon)), float(np.log10(cost))) for horizon, cost in zip(HORIZONS, costs, strict=True)
            ]
            for name, costs in found.items()
        }
        chart = line_chart(curves, label="log10 of the cost", x_name="log10 of the horizon")
        arguments.plot.write_text(picture_file(chart))


if __name__ == "__main__":
    main()
