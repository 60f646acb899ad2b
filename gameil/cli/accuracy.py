"""``gameil accuracy --agent A --dataset D``: how often an agent chooses the move that people played."""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Prints top-1, top-3, top-5, NLL, calibration and value, overall and by bands, beside the baselines; with
    ``--against`` the gain over another agent."""
    from gameil.cli.stage_command import run_stage
    from gameil.stages.accuracy import AccuracyConfig, accuracy
    from gameil.stages.accuracy_table import accuracy_table

    return run_stage(
        "accuracy",
        AccuracyConfig,
        accuracy,
        argv,
        description="Measures human-move prediction of any agent on one split of a dataset.",
        summary=accuracy_table,
    )
