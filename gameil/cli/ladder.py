"""``gameil ladder --game G --agent A``: an agent's place among levels."""

from collections.abc import Sequence

from gameil.cli.stage_command import run_stage


def main(argv: Sequence[str]) -> int:
    """Plays and prints one line a level, then the ladder with the agent on it: Elo with 95 % intervals."""
    from gameil.arena.ladder import place_text
    from gameil.arena.tables import series_table
    from gameil.stages.ladder import LadderConfig, ladder

    return run_stage(
        "ladder",
        LadderConfig,
        ladder,
        argv,
        description="Finds an agent's place among levels (built-in ones, engines or any agents) with "
        "as few games as that takes.",
        summary=lambda results: f"{series_table(results['table'], first='level')}\n\n{place_text(results)}",
    )
