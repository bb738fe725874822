"""What is known of each raw file: size, checksum, and where it came from; kept as one small file.

Here lives bookkeeping only. It spares two things: reading a file to know that it has not changed,
and downloading one that has not. Several processes may use it at once.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from quant_assets.market_data.sources.base import SourceError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_NAME = "manifest.json"
_LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Entry:
    """One file as it was when last looked at.

    Attributes:
        size: bytes.
        mtime_ns: time of change.
        sha256: checksum of the content.
        url: where it was downloaded, None for a file that somebody put there.
        etag: the server's word for this edition of it.
        last_modified: the server's time of it.
    """

    size: int
    mtime_ns: int
    sha256: str
    url: str | None = None
    etag: str | None = None
    last_modified: str | None = None


class Manifest:
    """The entries of a folder's files by name, in `manifest.json` of a folder of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> dict[str, Entry]:
        """Every entry; none where nothing was noted yet, or what is there cannot be read."""
        try:
            content = json.loads((self.folder / _NAME).read_text(encoding="utf-8"))
            return {name: Entry(**entry) for name, entry in content.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def current(self, path: Path) -> Entry | None:
        """The entry of a file if it still has the size and time noted."""
        entry = self.entries().get(path.name)
        try:
            state = path.stat()
        except OSError:
            return None
        same = entry and (entry.size, entry.mtime_ns) == (state.st_size, state.st_mtime_ns)
        return entry if same else None

    def note(self, path: Path, origin: Entry | None = None) -> Entry:
        """Read a file's checksum and note it; what is known of its origin stays with its content.

        Args:
            path: the file.
            origin: gives url, etag and last_modified, of a file just downloaded.
        """
        state = path.stat()
        entry = Entry(state.st_size, state.st_mtime_ns, checksum(path))
        with self.lock():
            entries = self.entries()
            known = origin or entries.get(path.name)
            if known is not None and (origin is not None or known.sha256 == entry.sha256):
                entry = replace(
                    entry, url=known.url, etag=known.etag, last_modified=known.last_modified
                )
            if entries.get(path.name) != entry:
                self._write({**entries, path.name: entry})
        return entry

    def forget(self) -> None:
        """Note nothing of any file."""
        with self.lock():
            self._write({})

    def lock(self, name: str = _NAME, seconds: float = _LOCK_SECONDS) -> "BaseFileLock":
        """A lock under a name, held by one process at a time; -1 seconds wait for ever.

        Raises:
            SourceError: the folder cannot be made.
        """
        from filelock import FileLock

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError(
                f"{self.folder}: the folder of parsed copies cannot be made: {error.strerror}; "
                f"give permission, or name another in source.cache"
            ) from error
        return FileLock(self.folder / f".{name}.lock", timeout=seconds)

    def _write(self, entries: dict[str, Entry]) -> None:
        content = json.dumps({name: asdict(entries[name]) for name in sorted(entries)}, indent=1)
        beside = self.folder / f".{_NAME}.{os.getpid()}"
        beside.write_text(content, encoding="utf-8")
        beside.replace(self.folder / _NAME)


def checksum(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
