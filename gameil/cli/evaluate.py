"""``gameil evaluate --game G --agent A --against B --games N``: how strong one agent is against another."""

from collections.abc import Sequence

from gameil.cli.stage_command import run_stage


def main(argv: Sequence[str]) -> int:
    """Plays paired games and prints wins, draws, losses, score and Elo difference with 95 % intervals."""
    from gameil.arena.tables import series_table
    from gameil.stages.evaluate import EvaluateConfig, evaluate

    return run_stage(
        "evaluate",
        EvaluateConfig,
        evaluate,
        argv,
        description="Measures one agent against another: every opening is played from each seat.",
        summary=lambda results: series_table([results]),
    )
