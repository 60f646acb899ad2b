"""Metrics to MLflow from a background thread, in batches: a learner never waits for a database.

The only importer of mlflow. It is imported in the thread, because the import alone takes seconds. The tracking store is
``mlflow.db`` (SQLite) unless ``MLFLOW_TRACKING_URI`` names a server. Logging 1,000 points one by one takes MLflow about
90 s, in batches 4 s (mlflow issue 5269).
"""

import json
import logging
import math
import os
import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_WAITING = 10_000
"""Metric lines kept for the thread; past that the oldest way out is to drop new ones (``log.jsonl`` has them all)."""
BATCH_METRICS = 1000
"""MLflow's own limit for one ``log_batch``."""
CLOSE_SECONDS = 90.0
"""How long ``close`` waits for the last batch."""
RUN_FILE = "mlflow.json"


class MlflowTracker:
    """Sends one run's metrics to MLflow. The thread (and the import) starts with the first metric."""

    def __init__(self, directory: Path, store: Path, stage: str, params: Mapping[str, Any] | None) -> None:
        self._directory = directory
        self._store = store
        self._stage = stage
        self._params = dict(params or {})
        self._queue: queue.Queue[tuple[int, int, dict[str, float]] | str] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._dropped = 0
        self._failure: str | None = None

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Puts metrics into the queue and returns at once."""
        if self._failure is not None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait((int(time.time() * 1000), int(step), dict(metrics)))
        except queue.Full:
            self._dropped += 1

    def close(self, status: str) -> str | None:
        """Flushes, ends the MLflow run with ``status`` and returns one warning line if anything went wrong."""
        if self._thread is None:
            return None
        try:
            self._queue.put(status, timeout=1.0)
        except queue.Full:
            return "warning: MLflow did not keep up; log.jsonl is complete"
        self._thread.join(CLOSE_SECONDS)
        if self._failure is not None:
            return f"warning: MLflow tracking stopped: {self._failure}; log.jsonl is complete"
        if self._thread.is_alive():
            return f"warning: MLflow did not finish within {CLOSE_SECONDS:.0f} s; log.jsonl is complete"
        if self._dropped:
            return f"warning: MLflow missed {self._dropped} lines of metrics; log.jsonl is complete"
        return None

    def _work(self) -> None:
        try:
            self._send_all()
        except Exception as error:  # a broken tracker must not end hours of training: close() reports it
            self._failure = " ".join(f"{type(error).__name__}: {error}".split())[:200]

    def _send_all(self) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["DO_NOT_TRACK"] = "true"
        # alembic reports every step of making a new database at level INFO
        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.WARNING)
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        from mlflow.entities import Metric, Param
        from mlflow.tracking import MlflowClient

        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(self._store / 'mlflow.db').resolve().as_posix()}"
        client = MlflowClient(tracking_uri=uri)
        run_id, fresh = self._find_run(client)
        if fresh:
            params = [Param(name, value[:500]) for name, value in flat(self._params).items()]
            for first in range(0, len(params), 100):
                client.log_batch(run_id, params=params[first : first + 100])
        while True:
            entries, status = self._next_entries()
            metrics = [
                Metric(name, value, stamp, step)
                for stamp, step, values in entries
                for name, value in values.items()
                if math.isfinite(value)
            ]
            for first in range(0, len(metrics), BATCH_METRICS):
                client.log_batch(run_id, metrics=metrics[first : first + BATCH_METRICS])
            if status is not None:
                client.set_terminated(run_id, status)
                return

    def _find_run(self, client: Any) -> tuple[str, bool]:
        """The MLflow run of this directory: the one it had before it was interrupted, or a new one."""
        known = self._directory / RUN_FILE
        if known.exists():
            run_id = json.loads(known.read_text(encoding="utf-8"))["run_id"]
            client.update_run(run_id, status="RUNNING")
            return run_id, False
        name = "gameil"
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            # Artifacts stay in the run directory; this only keeps MLflow from making ./mlruns.
            artifacts = (self._store / "mlartifacts").absolute().as_uri()
            experiment_id = client.create_experiment(name, artifact_location=artifacts)
        else:
            experiment_id = experiment.experiment_id
        tags = {"stage": self._stage, "directory": str(self._directory)}
        run = client.create_run(experiment_id, run_name=self._directory.name, tags=tags)
        known.write_text(json.dumps({"run_id": run.info.run_id}), encoding="utf-8")
        return str(run.info.run_id), True

    def _next_entries(self) -> tuple[list[tuple[int, int, dict[str, float]]], str | None]:
        """Waits for metrics, collects what comes within two seconds; a text is the final status."""
        entries: list[tuple[int, int, dict[str, float]]] = []
        deadline: float | None = None
        count = 0
        while count < BATCH_METRICS:
            try:
                item = self._queue.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if isinstance(item, str):
                return entries, item
            entries.append(item)
            count += len(item[2])
            deadline = deadline or time.monotonic() + 2.0
        return entries, None


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested configuration values as ``a.b`` -> text."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = str(value)
    return found
