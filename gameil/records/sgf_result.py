"""SGF's RE property in the ways people and servers write it."""

import re

from gameil.records.record import Termination

PLAIN = re.compile(r"\s*([BbWw])(?:lack|hite)?\s*\+\s*(.*)", re.DOTALL)
DRAWS = {"0", "jigo", "draw", "tie", "持碁", "和棋", "和局", "平局", "ジゴ"}
WINNERS = ((0, ("black", "黑", "黒")), (1, ("white", "白")))
WINS = ("win", "won", "胜", "勝", "+", "勝ち")
RESIGNED = ("resign", "中盘", "中盤", "中押", "投了")
TIMED = ("time", "forfeit on", "超时", "時間", "时间", "切れ")
ENDS: tuple[tuple[str, Termination], ...] = (
    ("r", "resignation"),
    ("t", "time"),
    ("f", "forfeit"),
    ("offline", "forfeit"),
)


def read_result(text: str) -> tuple[tuple[float, float] | None, Termination]:
    """Returns of Black and White (seats 0 and 1), None where nobody's win or a draw is stated, and how it ended."""
    plain = PLAIN.match(text)
    if plain:
        returns = (1.0, -1.0) if plain[1] in "Bb" else (-1.0, 1.0)
        return returns, _termination(plain[2].strip().lower())
    lower = text.strip().lower()
    if lower in DRAWS:
        return (0.0, 0.0), "rules"
    if any(win in lower for win in WINS):
        named = [(lower.find(name), seat) for seat, names in WINNERS for name in names if name in lower]
        if named:
            winner = min(named)[1]
            return ((1.0, -1.0) if winner == 0 else (-1.0, 1.0)), _words(lower)
    return None, "unknown"


def _termination(margin: str) -> Termination:
    if not margin:
        return "unknown"
    if margin[0].isdigit() or margin[0] == ".":
        return "rules"
    if margin.startswith("off"):
        return "forfeit"
    return next((end for sign, end in ENDS if margin.startswith(sign)), _words(margin))


def _words(lower: str) -> Termination:
    if any(word in lower for word in RESIGNED):
        return "resignation"
    if any(word in lower for word in TIMED):
        return "time"
    return "rules" if any(char.isdigit() for char in lower) else "unknown"
