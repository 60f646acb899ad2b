"""``gameil tournament --game G --agents A B C``: many agents against each other, with a cross table."""

from collections.abc import Sequence

from gameil.cli.stage_command import run_stage


def main(argv: Sequence[str]) -> int:
    """Plays a tournament and prints the cross table: Elo with 95 % intervals, points, every encounter."""
    from gameil.arena.cross_table import cross_table
    from gameil.stages.tournament import TournamentConfig, tournament

    return run_stage(
        "tournament",
        TournamentConfig,
        tournament,
        argv,
        description="Lets agents play each other: round robin, gauntlet or Swiss, with paired openings.",
        summary=cross_table,
    )
