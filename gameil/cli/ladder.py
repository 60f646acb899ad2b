"""``gameil ladder --game G --agent A``: an agent against the built-in levels."""

from collections.abc import Sequence

from gameil.cli.stage_command import run_stage


def main(argv: Sequence[str]) -> int:
    """Plays every level and prints one line a level: score and Elo difference with 95 % intervals."""
    from gameil.arena.tables import series_table
    from gameil.stages.ladder import LadderConfig, ladder

    return run_stage(
        "ladder",
        LadderConfig,
        ladder,
        argv,
        description="Measures an agent against the built-in levels of its game: beginner, easy, medium, hard, elite.",
        summary=lambda results: series_table(results["table"], first="level"),
    )
