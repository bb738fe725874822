"""Lost connections, dying servers, several writers: nothing lost, nothing doubled, nothing half."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
from quant_assets.warehouse.clickhouse_locks import Claim, TableLocks
from quant_assets.warehouse.errors import BusyTableError, LostConnectionError
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.warehouse.frames import bars, days, factors, window
from quant_assets_tests.warehouse.server_process import ServerProcess, empty

MONTH = days(6)
MONTHS = days(6, date(2020, 1, 29))
FAR = date(2021, 5, 5)
STAGED = r"INSERT INTO .*stage"
IN_PLACE = r"REPLACE PARTITION|EXCHANGE"
FAULTS = [
    (MONTH, r"CREATE TABLE .*lock", "after"),
    (MONTH, r"CREATE TABLE .*stage", "after"),
    (MONTH, STAGED, "half"),
    (MONTH, STAGED, "after"),
    (MONTH, r"INSERT INTO .*stage.* SELECT", "after"),
    (MONTH, IN_PLACE, "before"),
    (MONTH, IN_PLACE, "after"),
    (MONTH, r"INSERT INTO .*partitions", "half"),
    (MONTH, r"INSERT INTO .*partitions", "after"),
    (MONTH, r"MODIFY COMMENT", "after"),
    (MONTH, r"DROP TABLE", "before"),
    (MONTHS, r"ATTACH PARTITION", "after"),
    (MONTHS, IN_PLACE, "before"),
    (MONTHS, IN_PLACE, "after"),
]
DEATHS = [
    (MONTH, IN_PLACE, "die_after"),
    (MONTHS, IN_PLACE, "die_before"),
    (MONTHS, IN_PLACE, "die_after"),
]


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of this module's own, which may be killed."""
    process = ServerProcess(tmp_path_factory.mktemp("mortal"))
    yield process
    process.kill()


@pytest.fixture
def store(mortal: ServerProcess) -> ClickHouseWarehouse:
    warehouse = mortal.warehouse("us")
    empty(warehouse.server)
    return warehouse


def stored(frame: pa.Table) -> pa.Table:
    return frame.cast(schema_of("bars").arrow)


def leftovers(store: ClickHouseWarehouse) -> list[str]:
    """Staging tables that nobody has removed."""
    found = store.server.rows(
        "SELECT name FROM system.tables WHERE database = 'quant_assets' AND name LIKE '%stage%'"
    )
    return [row["name"] for row in found]


def filled(store: ClickHouseWarehouse, dates: list[date]) -> None:
    """Old days, and one of a month that no window touches."""
    store.replace("us/bars", window(dates), bars(dates, seed=1), dates=dates)
    store.replace("us/bars", window([FAR]), bars([FAR], seed=4))


def replaced(store: ClickHouseWarehouse, dates: list[date]) -> None:
    """The inner days are replaced, and the outer ones are as they were."""
    inner = dates[1:-1]
    counts = store.replace("us/bars", window(inner), bars(inner, seed=2), dates=inner)
    assert counts == {str(day): 3 for day in inner}


def check(store: ClickHouseWarehouse, dates: list[date]) -> None:
    old = bars(dates, seed=1)
    parts = [old.slice(0, 3), bars(dates[1:-1], seed=2), old.slice(15), bars([FAR], seed=4)]
    assert store.read("us/bars").equals(stored(pa.concat_tables(parts)))
    assert store.partitions("us/bars") == [str(day) for day in [*dates, FAR]]
    assert leftovers(store) == []


@pytest.mark.parametrize(("dates", "pattern", "action"), FAULTS)
def test_a_connection_is_lost(
    store: ClickHouseWarehouse, mortal: ServerProcess, dates: list[date], pattern: str, action: str
) -> None:
    filled(store, dates)
    mortal.fault(pattern, action)
    replaced(store, dates)
    assert mortal.faults_due() == 0
    # a line that was dropped at the very end is the next writer's to remove
    store.replace("us/bars", window(dates[1:2]), bars(dates[1:-1], seed=2).slice(0, 3))
    check(store, dates)


@pytest.mark.parametrize("action", ["half", "after"])
def test_a_stream_that_was_lost_on_the_way_is_sent_again(
    store: ClickHouseWarehouse, mortal: ServerProcess, action: str
) -> None:
    filled(store, MONTH)
    day, rows = MONTH[1], bars(MONTH[1:2], seed=2)
    mortal.fault(STAGED, action)
    stream = stored(rows).to_reader(max_chunksize=2)
    assert store.replace("us/bars", window([day]), stream, dates=[day]) == {str(day): len(rows)}
    assert mortal.faults_due() == 0
    assert store.read("us/bars", window([day])).equals(stored(rows))
    assert leftovers(store) == []


@pytest.mark.parametrize(("dates", "pattern", "action"), DEATHS)
def test_the_server_is_restarted(
    store: ClickHouseWarehouse, mortal: ServerProcess, dates: list[date], pattern: str, action: str
) -> None:
    filled(store, dates)
    mortal.fault(pattern, action)
    with ThreadPoolExecutor(1) as threads:
        work = threads.submit(replaced, store, dates)
        mortal.wait()
        mortal.start()
        work.result()
    check(store, dates)


def test_a_connection_lost_while_reading(store: ClickHouseWarehouse, mortal: ServerProcess) -> None:
    store.replace("us/bars", window(MONTH), bars(MONTH))
    mortal.fault("SELECT .*`close`", "after")
    assert store.read("us/bars").equals(stored(bars(MONTH)))
    mortal.fault("avg", "before")
    assert len(store.sql("SELECT avg(close) FROM us.bars")) == 1
    assert mortal.faults_due() == 0


def test_a_server_that_does_not_come_back_is_told(mortal: ServerProcess) -> None:
    other = ServerProcess(mortal.folder.with_name("brief"))
    store = other.warehouse("us")
    store.server.patience = 0.5
    other.kill()
    with pytest.raises(LostConnectionError, match=rf"server 127.0.0.1:{other.port} was lost"):
        store.read("us/bars")


def test_a_writer_whose_claim_is_over_is_shut_out(
    store: ClickHouseWarehouse, mortal: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still before its last step; another has written the same month meanwhile."""
    store.replace("us/bars", window(MONTH), bars(MONTH, seed=1), dates=MONTH)
    slow, fast = mortal.warehouse("us", lease=1), mortal.warehouse("us", lease=1)
    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as threads:
        patch.setattr(TableLocks, "_renew", lambda *arguments: None)
        mortal.fault("REPLACE PARTITION", "stall", seconds=5)
        first, last = MONTH[:1], MONTH[-1:]
        work = threads.submit(
            slow.replace, "us/bars", window(first), bars(MONTH, seed=2).slice(0, 3)
        )
        while not leftovers(store):
            threading.Event().wait(0.05)
        fast.replace("us/bars", window(last), bars(MONTH, seed=3).slice(15))
        assert not work.done()
        work.result()
    old = bars(MONTH, seed=1)
    new = [bars(MONTH, seed=2).slice(0, 3), old.slice(3, 12), bars(MONTH, seed=3).slice(15)]
    assert store.read("us/bars").equals(stored(pa.concat_tables(new)))
    assert leftovers(store) == []


def test_a_table_that_stays_claimed_is_told(
    store: ClickHouseWarehouse, mortal: ServerProcess
) -> None:
    with TableLocks(store.server).claim("us.bars"):
        waiting = mortal.warehouse("us", wait=0.2)
        with pytest.raises(BusyTableError, match=r"us/bars has been written by another process"):
            waiting.replace("us/bars", window(MONTH), bars(MONTH))
        # another table is nobody else's business
        nothing = schema_of("benchmark").arrow.empty_table()
        waiting.replace("us/benchmark", window(MONTH), nothing, dates=MONTH)
    waiting.replace("us/bars", window(MONTH), bars(MONTH))


def test_a_claim_has_one_owner(store: ClickHouseWarehouse) -> None:
    """Ten writers at once: their claims follow one another, each with a number of its own."""
    locks, held, numbers = TableLocks(store.server), threading.Lock(), []

    def write(_: int) -> None:
        with locks.claim("us.bars") as claim:
            assert held.acquire(blocking=False)
            numbers.append(claim.number)
            held.release()

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(write, range(10)))
    assert numbers == list(range(1, 11))


def test_a_number_seen_long_ago_is_no_claim(store: ClickHouseWarehouse) -> None:
    locks = TableLocks(store.server)
    for _ in range(3):
        with locks.claim("us.bars"):
            pass
    assert not locks._take(Claim("quant_assets", "us.bars", 2), "a writer that slept")
    with locks.claim("us.bars") as claim:
        assert claim.number == 4


WRITER = """
    import sys
    from datetime import date
    from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
    from quant_assets.warehouse.clickhouse_address import Address
    from quant_assets.warehouse.clickhouse_locks import TableLocks
    from quant_assets.warehouse.clickhouse_server import Server
    from quant_assets_tests.warehouse.frames import bars, days, window

    root, seed, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    server = Server(Address.parse(root))
    store = ClickHouseWarehouse(server, ["us"], TableLocks(server, lease=2))
    dates = days(6, date(2020, 1, 29))
    for turn in range(times):
        mine = dates if turn % 2 else dates[:3]
        frame = bars(dates, seed=seed).slice(0, 3 * len(mine))
        store.replace("us/bars", window(mine), frame, dates=mine)
    print("done")
"""


def writer(root: str, seed: int, times: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), root, str(seed), str(times)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_writers_of_one_window_and_a_reader(
    store: ClickHouseWarehouse, mortal: ServerProcess
) -> None:
    """Windows of one month and of two, by two processes; each read finds whole windows only."""
    store.replace("us/bars", window(MONTHS), bars(MONTHS, seed=1), dates=MONTHS)
    versions = {seed: bars(MONTHS, seed=seed)["close"].to_pylist() for seed in (1, 2)}
    writers = [writer(mortal.root, seed, 6) for seed in (1, 2)]
    seen = set()
    while any(process.poll() is None for process in writers):
        found = store.read("us/bars", columns=["close"])["close"].to_pylist()
        halves = [
            [seed for seed, version in versions.items() if version[part] == found[part]]
            for part in (slice(0, 9), slice(9, 18))
        ]
        assert len(found) == 18
        assert all(halves), "a window is neither one version nor the other"
        seen.add((halves[0][0], halves[1][0]))
    assert [process.communicate()[0] for process in writers] == ["done\n", "done\n"]
    assert len(seen) > 1
    assert store.partitions("us/bars") == [str(day) for day in MONTHS]
    assert leftovers(store) == []


def test_a_killed_writer_is_followed_by_the_next(
    store: ClickHouseWarehouse, mortal: ServerProcess
) -> None:
    store.replace("us/bars", window(MONTHS), bars(MONTHS, seed=1), dates=MONTHS)
    mortal.fault("EXCHANGE", "stall", seconds=3)
    killed = writer(mortal.root, 2, 2)
    while not leftovers(store):
        threading.Event().wait(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    next_one = mortal.warehouse("us", lease=2)
    next_one.replace("us/bars", window(MONTHS), bars(MONTHS, seed=3), dates=MONTHS)
    assert store.read("us/bars").equals(stored(bars(MONTHS, seed=3)))
    assert leftovers(store) == []


def test_wide_tables_of_several_writers_keep_every_column(
    store: ClickHouseWarehouse, mortal: ServerProcess
) -> None:
    """Each adds its own factor to its own day at the same time."""
    others = [mortal.warehouse("us") for _ in MONTH]

    def write(number: int) -> None:
        day = MONTH[number : number + 1]
        others[number].replace("us/factors_x", window(day), factors(day, [f"f{number}"]))

    with ThreadPoolExecutor(len(MONTH)) as threads:
        list(threads.map(write, range(len(MONTH))))
    names = [f"f{number}" for number in range(len(MONTH))]
    found = store.read("us/factors_x", columns=["date", *names])
    for number, name in enumerate(names):
        assert found[name].to_pylist() == [
            float(i % 2) if i // 2 == number else None for i in range(2 * len(MONTH))
        ]
