"""Run as a process of its own: reads a file as ``gameil ingest`` does and tells what became of it, in how much memory.

    python tests/records/measure_reading.py FILE

Prints one JSON object. Memory is what the process ever held beyond what it needs for a small file.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from gameil.errors import RecordsError
from gameil.records.formats import read_records
from gameil.records.record import RecordError

SMALL = '[Event "x"]\n\n1. e4 {words} e5 (1... c5) 1-0\n'
MAX_SHOWN = 20


def most_memory() -> int:
    """The most memory that this process has held so far, bytes."""
    try:
        # Where there is no such file, what was held before this program was started counts too.
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main(path: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        small = Path(directory) / "small.pgn"
        small.write_text(SMALL)
        assert len(list(read_records(small))) == 1
    before = most_memory()
    started = time.process_time()
    number, errors, refusal = 0, [], None
    try:
        for record in read_records(path):
            number += 1
            if isinstance(record, RecordError) and len(errors) < MAX_SHOWN:
                errors.append([record.reason, record.detail])
    except RecordsError as error:
        refusal = str(error)
    found = {
        "records": number,
        "errors": errors,
        "refusal": refusal,
        "seconds": time.process_time() - started,
        "mebibytes": (most_memory() - before) / (1 << 20),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
