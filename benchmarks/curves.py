"""What runs measured on their way, as one picture with a curve for each.

    python benchmarks/curves.py runs/pong-0 runs/pong-1 --metric self_play/return --over self_play/frames --plot x.svg
    python benchmarks/curves.py runs/othello60 --metric validation/top1 --promise 10

Curves are averages over ``--window`` entries of each run's log. ``--promise N`` fits ``y = y_end + (y_begin - y_end)
x^-c`` to the second half of a curve, in which learning rates and warm-up matter least, and says what N times the last
``x`` would bring by it. An extrapolation: where the learning rate fell to zero on the way, it promises too much.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gameil.reports.charts import line_chart
from gameil.reports.svg import picture_file
from gameil.tracking.log import read_log
from gameil.tracking.run import LOG_FILE

Curve = list[tuple[float, float]]


def read(run: Path, metric: str, over: str) -> Curve:
    """``(x, y)`` of a run's log; ``over`` is ``step`` or a metric that is written with the other."""
    log = read_log(run / LOG_FILE)
    places = {step: float(step) for step, _ in log.metrics} if over == "step" else dict(log.curve(over))
    points = [(places[step], value) for step, value in log.curve(metric) if step in places]
    if not points:
        raise SystemExit(f"{run / LOG_FILE}: no {metric} over {over}")
    return points


def smooth(points: Curve, window: int) -> Curve:
    """Means of so many neighbours, each window beginning where the last one ended."""
    groups = [points[begin : begin + window] for begin in range(0, len(points), window)]
    return [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]


def promise(points: Curve, times: float) -> tuple[float, float]:
    """The value at ``times`` the last ``x`` by a power law fitted to the second half, and the fit's spread.

    For each exponent the two other numbers follow by least squares; the best exponent is kept.
    """
    half = points[len(points) // 2 :]
    x, y = (np.array([point[place] for point in half]) for place in (0, 1))
    last, best = x[-1], (np.inf, 0.0)
    for exponent in np.linspace(0.05, 1.5, 59):
        basis = np.stack([np.ones_like(x), (x / last) ** -exponent], axis=1)
        fit, *_ = np.linalg.lstsq(basis, y, rcond=None)
        error = float(np.sqrt(np.mean((basis @ fit - y) ** 2)))
        best = min(best, (error, float(fit[0] + fit[1] * times**-exponent)))
    return best[1], best[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--over", default="step")
    parser.add_argument("--names", nargs="*", default=[], help="of the curves; the runs' own otherwise")
    parser.add_argument("--window", type=int, default=1)
    parser.add_argument("--promise", type=float)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    names: Sequence[str] = options.names or [run.name for run in options.runs]
    if len(names) != len(options.runs):
        parser.error(f"{len(names)} names for {len(options.runs)} runs")
    curves = {
        name: smooth(read(run, options.metric, options.over), options.window)
        for name, run in zip(names, options.runs, strict=True)
    }
    for name, points in curves.items():
        shown = points if len(points) < 7 else [points[round(part * (len(points) - 1) / 6)] for part in range(7)]
        print(f"{name:20} " + "  ".join(f"{x:,.0f}: {y:.4g}" for x, y in shown))
        if options.promise is not None:
            value, spread = promise(points, options.promise)
            print(f"{'':20} at {options.promise:g} times {points[-1][0]:,.0f}: {value:.4g} (fit within {spread:.2g})")
    if options.plot is not None:
        label = f"{options.metric} over {options.over}"
        options.plot.write_text(picture_file(line_chart(curves, label=label, x_name=options.over.rpartition("/")[2])))


if __name__ == "__main__":
    main()
