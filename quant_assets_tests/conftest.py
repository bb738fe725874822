"""Fixtures that several packages' tests share."""

import os
import signal
import warnings
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


@pytest.fixture(scope="session")
def tracking_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without a run, to be copied into homes (markets.tracked).

    MLflow makes one in 2 s, by all migrations of its past; all processes of the tests share this.
    """
    from filelock import FileLock

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / "mlflow.db"
    with FileLock(folder / "mlflow.lock"):
        if not path.exists():
            making = folder / "mlflow.making"
            with warnings.catch_warnings():
                warnings.simplefilter("default")  # MLflow's own are its to mend
                from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

                store = SqlAlchemyStore(f"sqlite:///{making}", str(folder))
            store.engine.dispose()
            making.rename(path)
    return path


VENDOR_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real market data; tests on it are skipped where it is absent."""
    folder = Path(os.environ.get("QUANT_ASSETS_TEST_DATA", VENDOR_DATA))
    if not folder.is_dir():
        pytest.skip(f"no real market data at {folder}; set QUANT_ASSETS_TEST_DATA to its folder")
    return folder
