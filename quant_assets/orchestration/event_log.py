"""The event log of a single machine: SQLite in WAL mode behind pooled connections.

Stock SQLite opens a connection and syncs the disk for every event, 20 to 57 ms for each asset and
day of a backfill. Here connections stay open, a batch of events is one transaction, and what
Dagster itself computes is most of what is left. Several processes (webserver, daemon, run workers)
share the file: readers never wait, writers wait for each other up to BUSY_TIMEOUT_SECONDS.

Belongs here: the storage that dagster.yaml names and its watcher of new events. Not here: run and
schedule storage, which Dagster's own SQLite serves well, and Postgres, which replaces this class.
"""

import fcntl
import logging
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as db
from alembic.config import Config
from dagster import DagsterEventType, DagsterRunStatus
from dagster._core.event_api import EventLogCursor
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.event_log import sqlite as sqlite_event_log
from dagster._core.storage.event_log.schema import (
    SqlEventLogStorageMetadata,
    SqlEventLogStorageTable,
)
from dagster._core.storage.sql import (
    check_alembic_revision,
    get_alembic_config,
    stamp_alembic_rev,
)
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection

# A range run writes thousands of events in a moment; a batch holds the write lock for about 0.1 s.
BUSY_TIMEOUT_SECONDS = 60
# Rows of one INSERT: SQLite takes at most 32,766 values, a row has 7, and past some hundreds of
# rows the statement costs more to compile than the round trip saves.
INSERT_ROWS = 500
# How many events Dagster hands over at once, where the environment does not say otherwise.
EVENT_BATCH_SIZE = 2000
WATCH_PERIOD_SECONDS = 0.25

EventCallback = Callable[[EventLogEntry, str], Any]


class PooledSqliteEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """Dagster's consolidated SQLite event log over connections that stay open.

    dagster.yaml::

        event_log_storage:
          module: quant_assets.orchestration.event_log
          class: PooledSqliteEventLogStorage
          config:
            base_dir:
              env: DAGSTER_HOME

    A process holds one connection open and opens more while threads work at once. Within a thread
    the calls nest: what is called inside a transaction takes part in it. With synchronous=NORMAL a
    power cut may lose the last events, never the file; a killed process loses nothing.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Dagster batches events only when this is set; every process of the instance comes here.
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENT_BATCH_SIZE))
        folder = Path(base_dir).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "event_log.db"
        self._thread = threading.local()
        self._owner = os.getpid()
        self._engine = _open_engine(self._path)
        self._closer = weakref.finalize(self, self._engine.dispose)
        self._known_tables: set[str] = set()
        self._watcher: EventWatcher | None = None
        self._watcher_lock = threading.Lock()
        with _only_one_process(folder / ".event_log.lock"):
            with self._connect() as connection:
                revision, _ = check_alembic_revision(_migrations(), connection)
            super().__init__(str(folder), inst_data)
            if revision is None:
                self._make_tables()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> Self:
        """The storage that dagster.yaml describes."""
        return cls(inst_data=inst_data, **config_value)

    def _make_tables(self) -> None:
        """Makes what is missing of the tables, and says so to Alembic.

        The base class forgets to commit that (with SQLAlchemy 2), so that a later
        `dagster instance migrate` would take the newest tables for the oldest.
        """
        SqlEventLogStorageMetadata.create_all(self._engine)
        with self._connect() as connection:
            stamp_alembic_rev(_migrations(), connection)
        self.reindex_events()
        self.reindex_assets()

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        """A connection in a transaction: the thread's own if it has one, else one of the pool."""
        if os.getpid() != self._owner:
            self._leave_parents_connections()
        held: Connection | None = getattr(self._thread, "connection", None)
        if held is not None:
            yield held
            return
        with self._engine.begin() as connection:
            self._thread.connection = connection
            try:
                yield connection
            finally:
                self._thread.connection = None

    def _leave_parents_connections(self) -> None:
        """After a fork: SQLite's locks do not survive it, so this process opens its own."""
        self._owner = os.getpid()
        self._thread = threading.local()
        self._engine.dispose(close=False)

    def has_table(self, table_name: str) -> bool:
        """Whether the table exists; asked for each event, so a yes is remembered."""
        if table_name not in self._known_tables:
            with self._connect() as connection:
                if not db.inspect(connection).has_table(table_name):
                    return False
            self._known_tables.add(table_name)
        return True

    def store_event(self, event: EventLogEntry) -> None:
        """Stores the event and what it says about its asset in one transaction."""
        with self._connect():
            super().store_event(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores the events in one transaction, with the same rows as one by one.

        An asset's row is updated by its last event of each type only: the earlier updates would be
        overwritten.
        """
        with self._connect():
            stored = list(zip(events, self._insert(events), strict=True))
            assets = [(event, row) for event, row in stored if _is_of(event, ASSET_EVENTS)]
            self.store_asset_event_tags([e for e, _ in assets], [row for _, row in assets])
            last = {
                (e.get_dagster_event().asset_key, e.dagster_event_type): (e, r) for e, r in assets
            }
            for event, row in sorted(last.values(), key=lambda pair: pair[1]):
                self.store_asset_event(event, row)
            for event, row in stored:
                if _is_of(event, ASSET_CHECK_EVENTS):
                    self.store_asset_check_event(event, row)

    def _insert(self, events: Sequence[EventLogEntry]) -> list[int]:
        """Inserts the rows of the events; their ids in the order of the events."""
        rows: list[int] = []
        with self._connect() as connection:
            for first in range(0, len(events), INSERT_ROWS):
                insert = self.prepare_insert_event_batch(events[first : first + INSERT_ROWS])
                result = connection.execute(insert.returning(SqlEventLogStorageTable.c.id))
                # ids grow in the order of VALUES; that RETURNING keeps it is not promised
                rows += sorted(row[0] for row in result)
        return rows

    def watch(self, run_id: str, cursor: str | None, callback: EventCallback) -> None:
        """Calls `callback` with every event of the run after `cursor`, in a thread, as it comes."""
        with self._watcher_lock:
            if self._watcher is None:
                self._watcher = EventWatcher(self, self._path)
            self._watcher.add(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: EventCallback) -> None:
        """Ends the watch of `handler`; none is no error."""
        with self._watcher_lock:
            if self._watcher is not None:
                self._watcher.remove(run_id, handler)

    def dispose(self) -> None:
        """Ends the watches and closes the connections."""
        with self._watcher_lock:
            watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.close()
        self._engine.dispose()


class EventWatcher:
    """A thread that tells callbacks of new events of their runs.

    The base class watches the database file for changes, but in WAL mode that file changes only at
    a checkpoint. Instead this thread asks SQLite every WATCH_PERIOD_SECONDS whether any other
    connection has committed (`PRAGMA data_version`, some microseconds), and reads only then.
    """

    def __init__(self, storage: ConsolidatedSqliteEventLogStorage, path: Path) -> None:
        self._storage = weakref.proxy(storage)
        self._path = path
        self._lock = threading.Lock()
        self._cursors: dict[tuple[str, EventCallback], str | None] = {}
        self._added = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event-log-watcher", daemon=True)
        self._thread.start()

    def add(self, run_id: str, cursor: str | None, callback: EventCallback) -> None:
        """Starts to call `callback`, first with what the log already holds after `cursor`."""
        with self._lock:
            self._cursors[run_id, callback] = cursor
            self._added = True

    def remove(self, run_id: str, callback: EventCallback) -> None:
        """Stops to call `callback`."""
        with self._lock:
            self._cursors.pop((run_id, callback), None)

    def close(self) -> None:
        """Ends the thread; may be called by a callback."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=15)

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_SECONDS)
        try:
            seen = None
            while not self._stop.wait(WATCH_PERIOD_SECONDS):
                version = connection.execute("PRAGMA data_version").fetchone()
                with self._lock:
                    changed, self._added = self._added or version != seen, False
                    watches = list(self._cursors.items()) if changed else []
                seen = version
                for (run_id, callback), cursor in watches:
                    self._tell(run_id, callback, cursor)
        except ReferenceError:
            pass  # the storage is gone
        finally:
            connection.close()

    def _tell(self, run_id: str, callback: EventCallback, cursor: str | None) -> None:
        news = self._storage.get_records_for_run(run_id, cursor)
        with self._lock:
            if (run_id, callback) not in self._cursors:
                return
            self._cursors[run_id, callback] = news.cursor
        for record in news.records:
            status = None
            try:
                position = str(EventLogCursor.from_storage_id(record.storage_id))
                status = callback(record.event_log_entry, position)
            except Exception:
                logging.exception("Exception in callback for event watch on run %s.", run_id)
            if status in _ENDED:
                self.remove(run_id, callback)


_ENDED = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def _migrations() -> Config:
    return get_alembic_config(str(sqlite_event_log.__file__))


def _open_engine(path: Path) -> db.Engine:
    engine = db.create_engine(
        f"sqlite:///{path}",
        pool_size=1,
        max_overflow=-1,  # never wait for a connection: SQLite itself does the waiting
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )

    @db.event.listens_for(engine, "connect")
    def _configure(connection: Any, record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


@contextmanager
def _only_one_process(lock: Path) -> Iterator[None]:
    """Holds the lock file: several processes of a fresh instance start at once."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_of(event: EventLogEntry, types: set[DagsterEventType]) -> bool:
    if not event.is_dagster_event or event.dagster_event_type not in types:
        return False
    return types is ASSET_CHECK_EVENTS or event.get_dagster_event().asset_key is not None
