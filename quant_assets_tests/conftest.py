"""Fixtures that several packages' tests share."""

import atexit
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from quant_assets_tests.end_to_end.browser import Browser, Page, chromium, executable

# How long an example takes is the machine's doing, and no test's assertion.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# A shell starts what it puts into the background deaf to Ctrl-C, and so would be every process that
# a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The tests make and delete tens of thousands of small files, and would wait for the disk at each:
# they lie in memory where there is plenty of it, unless TMPDIR names another place. What a process
# that a test kills leaves there is deleted at the end.
MEMORY = Path("/dev/shm")
if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK)
    and shutil.disk_usage(MEMORY).free > 4 * 2**30
):
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="qa-", dir=MEMORY)
    os.chmod(tempfile.tempdir, 0o755)  # a PostgreSQL server runs as another user
    atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)


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


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium; tests of pages are skipped where there is none.

    One a module, not one a session: while it runs, asyncio.run fails in the same thread.
    """
    pytest.importorskip("playwright.sync_api", reason="no playwright to drive a browser with")
    path = executable()
    if path is None:
        pytest.skip("no chromium to open pages in")
    with chromium(path, tmp_path_factory.mktemp("screenshots")) as started:
        yield started


@pytest.fixture
def opened(browser: Browser) -> Iterator[Page]:
    """A fresh page of it."""
    with browser.page() as view:
        yield view
