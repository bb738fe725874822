"""Fixtures that several packages' tests share."""

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# A shell starts what it puts into the background deaf to Ctrl-C, and so would be every process that
# a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile every kernel once, before tests that wait for a process only so long."""
    if not session.config.option.collectonly:
        from quant_assets.compiled import warm_up_all

        warm_up_all()


VENDOR_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real market data; tests on it are skipped where it is absent."""
    folder = Path(os.environ.get("QUANT_ASSETS_TEST_DATA", VENDOR_DATA))
    if not folder.is_dir():
        pytest.skip(f"no real market data at {folder}; set QUANT_ASSETS_TEST_DATA to its folder")
    return folder
