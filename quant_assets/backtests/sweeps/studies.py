"""Where studies lie, and the locks by which workers share one.

A study lies in a journal file (any number of processes on one machine or a shared file system with
locks) or in PostgreSQL (any number of machines). Beside it stand claims: a lock held while a
parameter set is run. The operating system, or the server, frees the locks of a worker that died, so
nothing has to be waited for. What is searched stands in `search.py`.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from quant_assets.settings_files import ConfigError

if TYPE_CHECKING:
    import optuna

_POSTGRES = "postgresql"
_DRIVER = "postgresql+psycopg2"
# How long a worker that waits for a locked file sleeps before it looks again.
_POLL_SECONDS = 0.005


class Claims(Protocol):
    """Named locks among all workers of a study."""

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Wait for a lock and hold it."""

    def take(self, name: str) -> AbstractContextManager[bool]:
        """Hold a lock if it is free; whether it was."""


@dataclass(frozen=True)
class StudyPlace:
    """An open storage and the claims beside it."""

    storage: "optuna.storages.BaseStorage"
    claims: Claims


def open_place(address: str | None, file: Path) -> StudyPlace:
    """The storage of a study.

    Args:
        address: `postgresql+psycopg2://…`; None for the journal file.
        file: the journal file, made if it is not there.

    Raises:
        ConfigError: an address of another kind, or a driver that is not installed.
    """
    if address is None:
        return _journal(file)
    if not address.startswith(_POSTGRES):
        raise ConfigError(
            "optimization.storage: must be postgresql+psycopg2://user:password@host/database, or "
            f"left out for a journal file. Got {address.split('://')[0]}://… instead"
        )
    return _postgres(address)


def _journal(file: Path) -> StudyPlace:
    from filelock import FileLock
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna.storages.journal._file import BaseJournalFileLock

    class SystemLock(BaseJournalFileLock):
        """A locked file, which the system frees when its process ends.

        Optuna's own locks are files that a killed worker leaves behind: others wait half a minute.
        """

        def __init__(self) -> None:
            # By default each thread has a lock of its own, so that threads shut out one another.
            self._lock = FileLock(file.with_suffix(".lock"), poll_interval=_POLL_SECONDS)

        def acquire(self) -> bool:
            self._lock.acquire()
            _mend(file)
            return True

        def release(self) -> None:
            self._lock.release()

    file.parent.mkdir(parents=True, exist_ok=True)
    backend = JournalFileBackend(str(file), lock_obj=SystemLock())
    folder = file.with_suffix(".claims")
    folder.mkdir(exist_ok=True)
    return StudyPlace(JournalStorage(backend), FileClaims(folder))


def _mend(file: Path) -> None:
    """Cut off the half line of a writer that was killed or ran out of space; under the lock.

    A line that is appended to it could not be read, nor anything after it.
    """
    if not file.exists():
        return
    with file.open("r+b") as journal:
        size = journal.seek(0, os.SEEK_END)
        journal.seek(max(size - 1, 0))
        if size and journal.read(1) != b"\n":
            journal.seek(0)
            journal.truncate(journal.read().rfind(b"\n") + 1)


def _postgres(address: str) -> StudyPlace:
    from optuna.storages import RDBStorage
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    if address.startswith(f"{_POSTGRES}:"):
        address = _DRIVER + address.removeprefix(_POSTGRES)
    try:
        # A lock is held while a set is run: within a transaction it would hold up the vacuum.
        engine = create_engine(address, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    except ModuleNotFoundError as absent:
        raise ConfigError(
            f"optimization.storage: the driver {absent.name} is not installed: "
            "pip install 'quant-assets[postgres]'"
        ) from None
    storage = RDBStorage(address, engine_kwargs={"pool_pre_ping": True})
    return StudyPlace(storage, PostgresClaims(engine))


class FileClaims:
    """Locks as locked files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """See Claims."""
        with self._lock(name):
            yield

    @contextmanager
    def take(self, name: str) -> Iterator[bool]:
        """See Claims."""
        from filelock import Timeout

        lock = self._lock(name)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _lock(self, name: str) -> Any:
        from filelock import FileLock

        digest = blake2s(name.encode(), digest_size=8).hexdigest()
        return FileLock(self._folder / f"{digest}.lock", poll_interval=_POLL_SECONDS)


class PostgresClaims:
    """Locks as advisory locks of a PostgreSQL server, each on a connection of its own."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """See Claims."""
        from sqlalchemy import text

        with self._engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:name)"), {"name": _number(name)})
            yield

    @contextmanager
    def take(self, name: str) -> Iterator[bool]:
        """See Claims."""
        from sqlalchemy import text

        with self._engine.connect() as connection:
            asked = text("SELECT pg_try_advisory_lock(:name)")
            yield bool(connection.execute(asked, {"name": _number(name)}).scalar())


def _number(name: str) -> int:
    """The signed 64-bit number of a name, as advisory locks have no names."""
    return int.from_bytes(blake2s(name.encode(), digest_size=8).digest(), "big", signed=True)
