import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as db
from dagster._core.events import (
    AssetMaterializationPlannedData,
    AssetObservationData,
    DagsterEvent,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.event_log import sqlite as sqlite_event_log
from dagster._core.storage.event_log.schema import AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.sql import get_alembic_config, run_alembic_downgrade

from quant_assets.orchestration.event_log import PooledSqliteEventLogStorage

CHECKOUT = str(Path(__file__).parents[2])


@pytest.fixture
def log(tmp_path: Path) -> Iterator[PooledSqliteEventLogStorage]:
    storage = PooledSqliteEventLogStorage(str(tmp_path))
    yield storage
    storage.dispose()


def entry(run_id: str, event: DagsterEvent | None, message: str = "") -> EventLogEntry:
    return EventLogEntry(
        error_info=None,
        level=10,
        user_message=message,
        run_id=run_id,
        timestamp=1_600_000_000.0,
        dagster_event=event,
    )


def materialized(asset: str, partition: str | None, run_id: str = "run") -> EventLogEntry:
    what = dg.AssetMaterialization(
        asset, partition=partition, tags={"dagster/data_version": f"v-{partition}"}
    )
    kind = DagsterEventType.ASSET_MATERIALIZATION.value
    data = StepMaterializationData(what)
    return entry(run_id, DagsterEvent(kind, "job", event_specific_data=data))


def observed(asset: str, partition: str, run_id: str = "run") -> EventLogEntry:
    data = AssetObservationData(dg.AssetObservation(asset, partition=partition))
    kind = DagsterEventType.ASSET_OBSERVATION.value
    return entry(run_id, DagsterEvent(kind, "job", event_specific_data=data))


def planned(asset: str, partition: str, run_id: str = "run") -> EventLogEntry:
    data = AssetMaterializationPlannedData(dg.AssetKey(asset), partition=partition)
    kind = DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value
    return entry(run_id, DagsterEvent(kind, "job", event_specific_data=data))


def everything(storage: ConsolidatedSqliteEventLogStorage) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the tables that events write to, apart from the times of writing."""
    tables = {}
    with sqlite3.connect(storage.get_db_path()) as connection:
        for name in ("event_logs", "asset_keys", "asset_event_tags", "asset_check_executions"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            kept = ", ".join(n for n in names if n != "create_timestamp")
            tables[name] = connection.execute(f"SELECT {kept} FROM {name} ORDER BY id").fetchall()
    connection.close()
    return tables


def event_log_block(folder: Path) -> dict[str, object]:
    """What dagster.yaml says of the event log."""
    return {
        "event_log_storage": {
            "module": "quant_assets.orchestration.event_log",
            "class": "PooledSqliteEventLogStorage",
            "config": {"base_dir": str(folder)},
        }
    }


def python(body: str, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", textwrap.dedent(body), *arguments]
    environment = {**os.environ, "PYTHONPATH": CHECKOUT}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def test_an_instance_has_this_log(tmp_path: Path) -> None:
    with dg.instance_for_test(overrides=event_log_block(tmp_path)) as instance:
        assert type(instance.event_log_storage) is PooledSqliteEventLogStorage
        assert instance.event_log_storage.inst_data is not None
        assert "PooledSqliteEventLogStorage" in instance.info_str()
    assert (tmp_path / "event_log.db").exists()


def test_write_ahead_with_normal_sync(log: PooledSqliteEventLogStorage) -> None:
    with log.index_connection() as connection:
        settings = [
            connection.execute(db.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert settings == ["wal", 1, 60_000]


def test_one_connection_serves_a_thread(
    log: PooledSqliteEventLogStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: opened.append(a))
    for day in range(20):
        log.store_event(materialized("a", f"2020-01-{day + 1:02d}"))
        log.get_materialized_partitions(dg.AssetKey("a"))
    assert opened == []


def mixed_events() -> list[EventLogEntry]:
    days = [f"2020-01-{day:02d}" for day in range(1, 11)]
    return [
        *(planned(asset, day) for asset in ("a", "b") for day in days),
        *(materialized("a", day) for day in days),
        *(materialized("b", day) for day in days),
        *(observed("a", day) for day in days[:3]),
        materialized("whole", None),
    ]


@pytest.mark.parametrize("rows", [7, 500])
def test_a_batch_is_what_single_events_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr("quant_assets.orchestration.event_log.INSERT_ROWS", rows)
    stock = ConsolidatedSqliteEventLogStorage(str(tmp_path / "stock"))
    ours = PooledSqliteEventLogStorage(str(tmp_path / "ours"))
    for event in mixed_events():
        stock.store_event(event)
    ours.store_event_batch(mixed_events())
    ours.store_event_batch([])
    expected, found = everything(stock), everything(ours)
    assert len(expected["event_logs"]) == 44
    assert len(expected["asset_event_tags"]) == 21
    assert found == expected
    ours.dispose()


def test_a_batch_is_all_or_nothing(
    log: PooledSqliteEventLogStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(log, "store_asset_event", fail)
    with pytest.raises(RuntimeError, match="no"):
        log.store_event_batch([materialized("a", "1"), materialized("a", "2")])
    assert everything(log)["event_logs"] == []
    monkeypatch.undo()
    log.store_event_batch([materialized("a", "1"), materialized("a", "2")])
    assert log.get_materialized_partitions(dg.AssetKey("a")) == {"1", "2"}


def test_planned_checks_are_stored_in_a_batch(log: PooledSqliteEventLogStorage) -> None:
    from dagster._core.definitions.asset_checks.asset_check_evaluation import (
        AssetCheckEvaluationPlanned,
    )

    data = AssetCheckEvaluationPlanned(asset_key=dg.AssetKey("a"), check_name="check")
    kind = DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value
    check = entry("run", DagsterEvent(kind, "job", event_specific_data=data))
    log.store_event_batch([planned("a", "1"), check])
    found = log.get_asset_check_execution_history(dg.AssetCheckKey(dg.AssetKey("a"), "check"), 5)
    assert [record.run_id for record in found] == ["run"]


def test_threads_write_at_once(log: PooledSqliteEventLogStorage) -> None:
    def write(number: int) -> None:
        for day in range(25):
            log.store_event(materialized(f"asset{number}", str(day)))
            log.get_records_for_run("run", limit=1)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    for number in range(8):
        partitions = log.get_materialized_partitions(dg.AssetKey(f"asset{number}"))
        assert partitions == {str(day) for day in range(25)}


WRITER = """
    import sys
    from quant_assets.orchestration.event_log import PooledSqliteEventLogStorage
    from quant_assets_tests.orchestration.test_event_log import materialized

    log = PooledSqliteEventLogStorage(sys.argv[1])
    for day in range(0, 300, 10):
        days = [str(d) for d in range(day, day + 10)]
        log.store_event(materialized(sys.argv[2], days[0]))
        log.store_event_batch([materialized(sys.argv[2], d) for d in days[1:]])
"""


def test_processes_start_and_write_at_once(tmp_path: Path) -> None:
    home = tmp_path / "fresh"
    writers = [python(WRITER, str(home), f"asset{number}") for number in range(2)]
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    log = PooledSqliteEventLogStorage(str(home))
    for number in range(2):
        assert len(log.get_materialized_partitions(dg.AssetKey(f"asset{number}"))) == 300
    log.dispose()


def test_a_file_without_tables_is_mended(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "event_log.db").close()
    (tmp_path / "event_log.db").touch()
    log = PooledSqliteEventLogStorage(str(tmp_path))
    log.store_event(materialized("a", "1"))
    assert log.get_materialized_partitions(dg.AssetKey("a")) == {"1"}
    log.dispose()


FORK = """
    import os, sys
    from quant_assets.orchestration.event_log import PooledSqliteEventLogStorage
    from quant_assets_tests.orchestration.test_event_log import materialized

    log = PooledSqliteEventLogStorage(sys.argv[1])
    log.store_event(materialized("a", "parent"))
    child = os.fork()
    if not child:
        log.store_event(materialized("a", "child"))
        os._exit(0)
    os.waitpid(child, 0)
    log.store_event(materialized("a", "parent again"))
"""


def test_a_forked_process_has_connections_of_its_own(tmp_path: Path) -> None:
    process = python(FORK, str(tmp_path))
    process.communicate(timeout=120)
    assert process.returncode == 0
    log = PooledSqliteEventLogStorage(str(tmp_path))
    found = log.get_materialized_partitions(dg.AssetKey("a"))
    assert found == {"parent", "child", "parent again"}
    log.dispose()


def test_a_watch_sees_what_another_process_writes(log: PooledSqliteEventLogStorage) -> None:
    log.store_event(materialized("a", "before"))
    seen: list[tuple[str, str]] = []

    def callback(event: EventLogEntry, cursor: str) -> None:
        seen.append((str(event.get_dagster_event().partition), cursor))

    log.watch("run", None, callback)
    until(lambda: len(seen) == 1)
    other = PooledSqliteEventLogStorage(str(Path(log.get_db_path()).parent))
    other.store_event_batch([materialized("a", "1"), materialized("a", "2", "other run")])
    other.store_event(materialized("a", "3"))
    until(lambda: len(seen) == 3)
    assert [partition for partition, _ in seen] == ["before", "1", "3"]
    log.end_watch("run", callback)
    log.end_watch("run", callback)
    other.store_event(materialized("a", "4"))
    time.sleep(0.6)
    assert len(seen) == 3
    other.dispose()


def test_a_watch_begins_after_its_cursor(log: PooledSqliteEventLogStorage) -> None:
    log.store_event_batch([materialized("a", "1"), materialized("a", "2")])
    cursor = log.get_records_for_run("run", limit=1).cursor
    seen: list[object] = []
    log.watch("run", cursor, lambda event, _: seen.append(event.get_dagster_event().partition))
    until(lambda: bool(seen))
    assert seen == ["2"]


def test_a_watch_ends_by_its_status_and_survives_errors(
    log: PooledSqliteEventLogStorage, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def callback(event: EventLogEntry, cursor: str) -> dg.DagsterRunStatus | None:
        seen.append(str(event.get_dagster_event().partition))
        if seen == ["1"]:
            raise ValueError("a callback's own fault")
        return dg.DagsterRunStatus.SUCCESS if seen[-1] == "2" else None

    log.watch("run", None, callback)
    for partition in ("1", "2"):
        log.store_event(materialized("a", partition))
    until(lambda: len(seen) == 2)
    assert "Exception in callback for event watch on run run" in caplog.text
    log.store_event(materialized("a", "3"))
    time.sleep(0.6)
    assert seen == ["1", "2"]


def test_the_watcher_ends_with_the_log(tmp_path: Path) -> None:
    log = PooledSqliteEventLogStorage(str(tmp_path))
    log.watch("run", None, lambda event, cursor: None)
    names = [thread.name for thread in threading.enumerate()]
    assert "event-log-watcher" in names
    log.dispose()
    assert "event-log-watcher" not in [thread.name for thread in threading.enumerate()]
    log.dispose()


def revision(storage: PooledSqliteEventLogStorage) -> str:
    with storage.index_connection() as connection:
        return str(connection.execute(db.text("SELECT version_num FROM alembic_version")).scalar())


def test_an_older_database_is_upgraded(tmp_path: Path) -> None:
    overrides = event_log_block(tmp_path)
    with dg.instance_for_test(overrides=overrides) as instance:
        log = instance.event_log_storage
        assert isinstance(log, PooledSqliteEventLogStorage)
        head = revision(log)
        with log.index_connection() as connection:
            run_alembic_downgrade(
                get_alembic_config(str(sqlite_event_log.__file__)), connection, "6b7fb194ff9c"
            )
        assert revision(log) == "6b7fb194ff9c"
        instance.upgrade()
        assert revision(log) == head
        log.store_event(materialized("a", "1"))
        assert log.get_materialized_partitions(dg.AssetKey("a")) == {"1"}


def test_wiping(log: PooledSqliteEventLogStorage) -> None:
    log.store_event_batch([materialized("a", "1"), materialized("b", "1")])
    log.wipe_asset(dg.AssetKey("a"))
    assert log.all_asset_keys() == [dg.AssetKey("b")]
    log.wipe()
    assert {name: len(rows) for name, rows in everything(log).items()} == {
        "event_logs": 0,
        "asset_keys": 0,
        "asset_event_tags": 0,
        "asset_check_executions": 0,
    }


def test_tables_that_are_missing_are_looked_for_again(log: PooledSqliteEventLogStorage) -> None:
    assert log.has_table(AssetKeyTable.name)
    assert not log.has_table("later")
    with log.index_connection() as connection:
        connection.execute(db.text("CREATE TABLE later (x INT)"))
    assert log.has_table("later")
    assert log.has_table(SqlEventLogStorageTable.name)


def test_events_are_batched_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    PooledSqliteEventLogStorage(str(tmp_path)).dispose()
    assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "2000"
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "0")
    PooledSqliteEventLogStorage(str(tmp_path)).dispose()
    assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "0"
