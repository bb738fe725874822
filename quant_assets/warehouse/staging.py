"""The staging area of a local warehouse: private folders whose leftovers are found and removed.

A writer makes `<root>/.staging/<unique>/` and holds an flock on the file `lock` in it for as long
as it lives. The kernel drops the lock with the process, however that ends, so a folder whose lock
can be had belongs to nobody and is swept. Nothing remains of a write that ended in order.

Belongs here: making, locking and sweeping staging folders. Not here: what is written into them.
"""

import fcntl
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

STAGING = ".staging"
_LOCK = "lock"


class Staging:
    """A private folder on the warehouse's own file system, so that renames out of it are atomic.

    Used as a context manager: the folder is gone at the end of the block, whatever ended it.
    """

    def __init__(self, root: Path) -> None:
        self._area = root / STAGING

    def __enter__(self) -> Self:
        while True:
            self.folder = self._area / f"{os.getpid()}-{uuid.uuid4().hex}"
            try:
                self.folder.mkdir(parents=True)
                self._lock = _lock(self.folder)
            except FileNotFoundError:
                continue  # a sweep came between
            if self._lock is not None:
                return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
        with suppress(OSError):
            self._area.rmdir()  # only when no other writer is at work


def sweep(root: Path) -> None:
    """Removes the staging folders under `root` whose owners are dead; live ones stay untouched."""
    area = root / STAGING
    with suppress(FileNotFoundError):
        for folder in list(area.iterdir()):
            with suppress(FileNotFoundError, NotADirectoryError):
                lock = _lock(folder)
                if lock is not None:
                    shutil.rmtree(folder, ignore_errors=True)
                    os.close(lock)


def _lock(folder: Path) -> int | None:
    """The descriptor of the folder's lock file, locked; None if another process holds it.

    A lock on a file that a sweep has unlinked meanwhile is none: the inode is compared.
    """
    path = folder / _LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
