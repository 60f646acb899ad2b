"""Results of series as plain text tables for the console."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gameil.arena.series import SeriesResult


def series_values(result: SeriesResult) -> dict[str, Any]:
    """A series as plain JSON values; ``interval`` and ``elo_interval`` take games as independent, ``pair_*`` do not."""
    values = {
        "game": result.game_id,
        "agent": result.agent,
        "against": result.opponent,
        "games": result.games,
        "wins": result.wins,
        "draws": result.draws,
        "losses": result.losses,
        "truncated": result.truncated,
        "endings": dict(result.endings),
        "failures": [asdict(failure) for failure in result.failures],
        "score": result.score,
        "interval": [result.interval.low, result.interval.high],
        "pair_interval": [result.pair_interval.low, result.pair_interval.high],
        "elo": result.elo,
        "elo_interval": [result.elo_interval.low, result.elo_interval.high],
        "elo_pair_interval": [result.elo_pair_interval.low, result.elo_pair_interval.high],
        "mean_return": result.mean_return,
        "mean_return_error": result.mean_return_error if math.isfinite(result.mean_return_error) else None,
        "seconds": result.seconds,
        "games_per_second": result.games / max(1e-9, result.seconds),
        "agent_seconds_per_move": result.agent_seconds_per_move,
        "against_seconds_per_move": result.opponent_seconds_per_move,
    }
    if result.sprt is not None:
        values["sprt"] = asdict(result.sprt)
    return values


def score_metrics(name: str, result: SeriesResult) -> dict[str, float]:
    """A series' score for a log, with its interval by openings under ``name/low`` and ``name/high``: reports draw it as
    a band."""
    return {name: result.score, f"{name}/low": result.pair_interval.low, f"{name}/high": result.pair_interval.high}


def series_table(rows: Sequence[Mapping[str, Any]], *, first: str = "against") -> str:
    """One line a series (``series_values``, perhaps with more keys); ``first`` is the key of the first column."""
    cells = [[first, "wins", "draws", "losses", "score", "95 % interval", "by openings", "Elo difference", "games/s"]]
    for row in rows:
        low, high = row["elo_interval"]
        cells.append(
            [
                str(row[first]),
                str(row["wins"]),
                str(row["draws"]),
                str(row["losses"]),
                f"{100 * row['score']:.1f} %",
                _percent(row["interval"]),
                _percent(row["pair_interval"]),
                f"{row['elo']:+.0f} ({low:+.0f} to {high:+.0f})",
                f"{row['games_per_second']:.2g}" if row["games_per_second"] < 10 else f"{row['games_per_second']:.0f}",
            ]
        )
    notes = ["score: a draw counts half; Elo differences of one-sided results are cut off, not measured"]
    truncated = sum(int(row["truncated"]) for row in rows)
    if truncated:
        notes.append(f"{truncated} games were stopped at the limit on plies and count as draws")
    failed = [failure for row in rows for failure in row["failures"]]
    if failed:
        counts = Counter((failure["agent"], failure["kind"]) for failure in failed)
        who = ", ".join(f"{agent} {count} {kind}" for (agent, kind), count in sorted(counts.items()))
        notes.append(f"{len(failed)} games failed and count for nobody: {who}; the first: {failed[0]['reason']}")
    for row in rows:
        if "sprt" in row:
            notes.append(sprt_text(row["sprt"]))
    return "\n".join([aligned(cells), *(f"  ({note})" for note in notes)])


def sprt_text(values: Mapping[str, Any]) -> str:
    """A sequential test (``series_values``'s ``sprt``) in one line."""
    said = {
        "H0": "accepted H0, no stronger than elo0",
        "H1": "accepted H1, at least elo1 stronger",
        "undecided": "not decided by these games",
    }
    return (
        f"sequential test: {said[values['decision']]}; log-likelihood ratio {values['log_likelihood_ratio']:+.2f}, "
        f"bounds {values['lower']:.2f} and {values['upper']:.2f}, trials by score {list(values['counts'])}"
    )


def aligned(cells: Sequence[Sequence[str]]) -> str:
    """Rows of texts in columns: the first to the left, the others to the right, a rule under the heading."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "   ".join(cell.ljust(width) if not place else cell.rjust(width) for place, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in cells)
    ]
    lines.insert(1, "   ".join("-" * width for width in widths))
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _percent(interval: Sequence[float]) -> str:
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"
