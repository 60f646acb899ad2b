"""The results of ``stages.accuracy`` as a plain text table."""

from collections.abc import Mapping
from typing import Any

from gameil.stages.scored_positions import Means


def accuracy_table(results: Mapping[str, Any]) -> str:
    """The results as a plain text table."""
    lines = [f"{'':<22}{'positions':>10}{'top-1':>8}{'top-3':>8}{'top-5':>8}{'NLL':>8}{'ECE':>8}{'Brier':>8}"]
    rows: list[tuple[str, Means]] = [(results["agent"], results["overall"]), ("uniform", results["uniform"])]
    rows += [(text, results[name]) for name, text in _BASELINE_ROWS.items() if name in results]
    for name, text in _BAND_ROWS.items():
        rows += [(f"  {text} {band}", values) for band, values in results[name].items()]
    for name, values in rows:
        if len(name) > 21:
            lines.append(name)
            name = ""
        shares = "".join(_cell(values.get(key), ".1%") for key in ("top1", "top3", "top5"))
        losses = (
            _cell(values.get("nll"), ".3f") + _cell(values.get("ece"), ".1%") + _cell(values.get("value_brier"), ".3f")
        )
        lines.append(f"{name:<22}{values['positions']:>10,}{shares}{losses}")
    return "\n".join(lines)


def _cell(value: float | None, form: str) -> str:
    return f"{'-':>8}" if value is None else f"{format(value, form):>8}"


_BASELINE_ROWS = {
    "one_ply": "value one ply ahead",
    "lookup": "lookup table",
    "seen": "  seen in training",
    "lookup_seen": "  lookup where seen",
    "unseen": "  unseen in training",
}
_BAND_ROWS = {"by_rating": "rating", "by_ply": "ply", "by_phase": "", "by_legal": "legal"}
