"""A series on the way of a longer stage: played from its start each time, under a progress bar."""

from gameil.agents.agent import Agent
from gameil.arena.series import SeriesResult, play_series
from gameil.games.game import Game
from gameil.ratings.sprt import SprtConfig
from gameil.tracking.run import Run

_AT_ONCE = 256
"""Most games at once: larger calls of the networks would not be faster."""


def shown_series(
    run: Run,
    description: str,
    game: Game,
    agent: Agent,
    opponent: Agent,
    *,
    games: int,
    seed: int,
    max_plies: int = 0,
    sprt: SprtConfig | None = None,
) -> SeriesResult:
    """A paired series; ``max_plies`` 0: only the rules end games. All else as of ``arena.series.play_series``."""
    with run.progress(description, games, "games") as bar:
        return play_series(
            game,
            agent,
            opponent,
            games=games,
            seed=seed,
            concurrency=min(_AT_ONCE, games),
            max_plies=max_plies or None,
            progress=lambda _: bar.advance(),
            sprt=sprt,
        )
