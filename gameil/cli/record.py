"""``gameil record --game G --agent A --against B --games N --out FILE``: games between agents as records."""

from collections.abc import Sequence

from gameil.cli.stage_command import run_stage


def main(argv: Sequence[str]) -> int:
    """Plays the games and writes them where ``gameil ingest`` can read them."""
    from gameil.stages.record import RecordConfig, record

    return run_stage(
        "record",
        RecordConfig,
        record,
        argv,
        description="Lets agents play against each other and writes the games down: .pgn, .sgf or .jsonl.",
    )
