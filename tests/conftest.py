"""What all tests share: one thread, repeatable examples, run directories of their own, large data if there is some."""

import os
import signal
from pathlib import Path

# Before anything imports numpy or torch: tests run in parallel processes, and sums over one thread are repeatable.
for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# A shell that starts the tests in the background lets them, and all that they start, ignore Ctrl-C, which some test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[1]

settings.register_profile(
    "gameil",
    derandomize=True,
    deadline=None,
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("gameil")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Directory with large public record collections; the test is skipped where there is none."""
    configured = os.environ.get("GAMEIL_SHARED_DATA")
    path = Path(configured) if configured else REPOSITORY.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"no record collections at {path} (set GAMEIL_SHARED_DATA to a directory that has them)")
    return path


@pytest.fixture(autouse=True)
def _own_tracking_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into a tracking server that the user has configured, nor into the checkout."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """An empty directory for run directories."""
    directory = tmp_path / "runs"
    directory.mkdir()
    return directory
