"""The results of ``stages.accuracy`` as a plain text table."""

from collections.abc import Mapping
from typing import Any

from gameil.stages.scored_positions import Means


def accuracy_table(results: Mapping[str, Any]) -> str:
    """The results as a plain text table."""
    lines = [f"{'':<22}{'positions':>10}{'top-1':>8}{'top-3':>8}{'top-5':>8}{'NLL':>8}{'ECE':>8}{'Brier':>8}"]
    rows: list[tuple[str, Means]] = [(results["agent"], results["overall"]), ("uniform", results["uniform"])]
    if "against" in results:
        rows.insert(1, (results["against"], results["against_overall"]))
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
    if "gain" in results:
        lines += ["", *_gain_lines(results["gain"])]
    return "\n".join(lines)


def _gain_lines(gain: Mapping[str, Any]) -> list[str]:
    """What the agent gains over the other one, with 95 % intervals."""
    low, high = (100 * end for end in gain["top1_interval"])
    texts = [f"top-1 {100 * gain['top1']:+.2f} points ({low:+.2f} to {high:+.2f})"]
    if "nll" in gain:
        low, high = gain["nll_interval"]
        texts.append(f"NLL lower by {gain['nll']:.4f} nats ({low:.4f} to {high:.4f})")
    return [f"gain over {gain['games']:,} games: {', '.join(texts)}"]


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
