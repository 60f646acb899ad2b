"""log.jsonl: appended to, torn by a kill, read back."""

import json
import math
from pathlib import Path

from gameil.tracking.log import LogWriter, read_log


def write(path: Path, *steps: int, name: str = "loss/policy") -> None:
    log = LogWriter(path)
    for step in steps:
        log.metrics(step, {name: step / 10})
    log.close()


def test_reads_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = LogWriter(path)
    log.metrics(1, {"loss/policy": 0.5, "accuracy/top1": 0.25})
    log.text("half way")
    log.metrics(2, {"loss/policy": 0.4})
    log.close()
    entries = read_log(path)
    assert entries.names() == ["loss/policy", "accuracy/top1"]
    assert entries.curve("loss/policy") == [(1, 0.5), (2, 0.4)]
    assert entries.lines == ("half way",)


def test_torn_last_line_is_cut_before_the_next_is_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write(path, 1, 2)
    with path.open("ab") as file:
        file.write(b'{"time": 1, "step": 3, "metr')
    write(path, 3)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_a_file_that_is_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"{" * 200_000)
    write(path, 7)
    assert read_log(path).curve("loss/policy") == [(7, 0.7)]


def test_what_a_resumed_run_measures_again_counts(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write(path, 10, 20, 30)
    write(path, 20, name="validation/loss/policy")
    write(path, 15, 25)
    assert [step for step, _ in read_log(path).curve("loss/policy")] == [10, 15, 25]
    assert [step for step, _ in read_log(path).curve("validation/loss/policy")] == [20]


def test_a_diverged_loss_leaves_a_log_that_any_json_reader_reads(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = LogWriter(path)
    log.metrics(1, {"loss/policy": math.nan, "loss/value": math.inf})
    log.close()
    assert "NaN" not in path.read_text()
    assert math.isnan(read_log(path).curve("loss/policy")[0][1])


def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none.jsonl").names() == []


def test_numbers_that_no_float_holds_and_deep_nesting_are_left_out(tmp_path: Path) -> None:
    lines = [
        f'{{"step": 1, "metrics": {{"a": {"9" * 5000}}}}}',
        f'{{"step": 2, "metrics": {{"a": {"9" * 400}, "b": 1}}}}',
        f'{{"step": {"9" * 400}, "metrics": {{"a": 1}}}}',
        '{"a": ' + "[" * 100_000,
        '{"step": 3, "metrics": {"a": 3}}',
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    assert read_log(tmp_path / "log.jsonl").metrics == ((2, {"b": 1.0}), (3, {"a": 3.0}))
