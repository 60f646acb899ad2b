"""What an engine thinks of a Go position, as Leela Zero's and KataGo's analysis commands write it."""

from gameil.engines.thinker import Thought
from gameil.games.game import State


def analysis_line(state: State, thought: Thought, command: str) -> str:
    """One report: every move with visits, winrate of the side to move, prior and expected line.

    ``lz-analyze`` counts winrate and prior in ten-thousandths, ``kata-analyze`` in [0, 1]. Points are not estimated, so
    no score is told.
    """
    parts = []
    for order, move in enumerate(thought.moves):
        winrate = 0.5 if move.value is None else (move.value + 1.0) / 2.0
        prior = move.prior or 0.0
        copy, texts = state.clone(), []
        for action in move.line:
            texts.append(copy.text(action, "gtp"))
            copy.apply(action)
        if command.startswith("lz-"):
            numbers = f"winrate {round(10_000 * winrate)} prior {round(10_000 * prior)}"
        else:
            numbers = f"utility {2.0 * winrate - 1.0:.4f} winrate {winrate:.4f} prior {prior:.4f}"
        head = f"info move {texts[0]} visits {max(1, move.visits)} {numbers}"
        parts.append(f"{head} order {order} pv {' '.join(texts)}")
    return " ".join(parts)
