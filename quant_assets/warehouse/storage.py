"""Where the warehouse's files lie: a local folder or an S3 bucket, behind one small interface.

Belongs here: listing a table's partition files, replacing files atomically, removing them, the
staging area and its lock. Not here: what a file holds (parquet_files.py, parquet.py).
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import NamedTuple, Protocol

from pyarrow import fs

from quant_assets.warehouse.parquet_files import Rows, write_file
from quant_assets.warehouse.s3 import SCHEME, is_s3, own_endpoint, region
from quant_assets.warehouse.staging import Staging, sweep
from quant_assets.warehouse.table_schema import TableSchema

PART = "part-0.parquet"
_LOCAL_THREADS = 2  # encoding releases the GIL; more threads than cores gain nothing
_COPY_BYTES = 8 << 20
_SPOOL_BYTES = 64 << 20
_S3_THREADS = 16  # a put waits for the network


class Part(NamedTuple):
    """A part file as listed: time of change (ns), and bytes where opening it would be dear."""

    mtime_ns: int
    size: int | None = None


class InterruptedWriteError(Exception):
    """Some of the files of a write are in place and the others are not; `cause` says why."""

    def __init__(self, written: list[str], cause: OSError) -> None:
        super().__init__(str(cause))
        self.written = written
        self.cause = cause


class Storage(Protocol):
    """Files named by paths relative to the root, with `/` between their parts."""

    filesystem: fs.FileSystem

    def path(self, relative: str) -> str:
        """The path under which `filesystem` knows a file."""

    def list_parts(self, folder: str, wanted: Callable[[str], bool]) -> dict[str, Part]:
        """Partition folders of `folder` that hold a part file, with what is known of it.

        The part file of an unpartitioned table, in `folder` itself, goes by the name "".
        """

    def size(self, folder: str) -> int:
        """Bytes of all part files in a folder and the folders in it."""

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in `folder`, sorted; hidden ones are left out."""

    def replace_files(self, files: Mapping[str, Rows], schema: TableSchema) -> None:
        """Writes the rows of each path as its file, each atomically; InterruptedWriteError."""

    def remove_files(self, files: Iterable[str]) -> None:
        """Removes files and the folders that they leave empty; absent ones are no error."""


def open_storage(root: str) -> Storage:
    """The storage at `root`: a local folder (made when first written) or `s3://bucket/prefix`.

    S3 takes credentials, region and AWS_ENDPOINT_URL from the environment, as AWS's own tools do.
    """
    if "://" not in root:
        return LocalStorage(Path(root).expanduser().absolute())
    if is_s3(root):
        return ObjectStorage(*open_filesystem(root))
    raise ValueError(f"warehouse root {root!r} must be a local folder or s3://bucket/prefix")


def open_filesystem(uri: str) -> tuple[fs.FileSystem, str]:
    """(filesystem, path in it) of a local path or an `s3://` address, without looking at it."""
    if not is_s3(uri):
        return fs.LocalFileSystem(), str(Path(uri).expanduser().absolute())
    options = {"endpoint_override": own_endpoint(), "region": region()}
    given = {name: value for name, value in options.items() if value}
    # What is smaller than a part goes up in one request, not in the three of an upload in parts.
    filesystem = fs.S3FileSystem(**given, allow_delayed_open=True)
    return filesystem, uri.removeprefix(SCHEME).rstrip("/")


class LocalStorage:
    """A local folder. Files are written in a staging folder of it and renamed into place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.filesystem = fs.LocalFileSystem()

    def path(self, relative: str) -> str:
        """See Storage."""
        return str(self.root / relative)

    def list_parts(self, folder: str, wanted: Callable[[str], bool]) -> dict[str, Part]:
        """See Storage."""
        base = self.root / folder
        names = [""] if wanted("") else []
        names += [name for name in self.folders(folder) if wanted(name)]
        parts = {}
        for name in names:
            # A folder without its part is what an interrupted write of a new partition leaves.
            with suppress(FileNotFoundError):
                parts[name] = Part(os.stat(os.path.join(base, name, PART)).st_mtime_ns)
        return parts

    def size(self, folder: str) -> int:
        """See Storage."""
        base = os.path.join(self.root, folder)
        total = 0
        for name in ["", *self.folders(folder)]:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(base, name, PART)).st_size
        return total

    def folders(self, folder: str) -> list[str]:
        """See Storage."""
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def replace_files(self, files: Mapping[str, Rows], schema: TableSchema) -> None:
        """See Storage. Nothing is renamed before everything is written: a full disk harms little.

        There is no fsync: a killed process leaves whole files, a power cut may lose the last ones.
        """
        written: list[str] = []
        try:
            sweep(self.root)
            with Staging(self.root) as staging, ThreadPoolExecutor(_LOCAL_THREADS) as threads:
                staged = [staging.folder / f"{number}.parquet" for number in range(len(files))]
                for _ in threads.map(write_file, files.values(), staged, repeat(schema)):
                    pass
                for relative, source in zip(files, staged, strict=True):
                    _rename(source, self.root / relative)
                    written.append(relative)
        except OSError as error:
            raise InterruptedWriteError(written, error) from error

    def remove_files(self, files: Iterable[str]) -> None:
        """See Storage."""
        for relative in files:
            path = self.root / relative
            path.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()


class ObjectStorage:
    """A prefix of an S3 bucket. One object is put at once or not at all; there is no staging."""

    def __init__(self, filesystem: fs.FileSystem, prefix: str) -> None:
        self.filesystem = filesystem
        self.prefix = prefix

    def path(self, relative: str) -> str:
        """See Storage."""
        return f"{self.prefix}/{relative}"

    def list_parts(self, folder: str, wanted: Callable[[str], bool]) -> dict[str, Part]:
        """See Storage."""
        base = self.path(folder)
        parts = {}
        for info in self._list(base, recursive=True):
            name, _, file = info.path.removeprefix(f"{base}/").rpartition("/")
            if file == PART and "/" not in name and wanted(name):
                parts[name] = Part(info.mtime_ns, info.size)
        return dict(sorted(parts.items()))

    def size(self, folder: str) -> int:
        """See Storage."""
        found = self._list(self.path(folder), recursive=True)
        return sum(info.size or 0 for info in found if info.base_name == PART)

    def folders(self, folder: str) -> list[str]:
        """See Storage."""
        entries = self._list(self.path(folder), recursive=False)
        return sorted(info.base_name for info in entries if info.type == fs.FileType.Directory)

    def replace_files(self, files: Mapping[str, Rows], schema: TableSchema) -> None:
        """See Storage."""
        written: list[str] = []

        def put(relative: str) -> None:
            # Written whole before anything is put: an upload that is begun cannot be called off.
            with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as sink:
                write_file(files[relative], sink, schema)
                sink.seek(0)
                with self.filesystem.open_output_stream(self.path(relative)) as stream:
                    shutil.copyfileobj(sink, stream, _COPY_BYTES)
            written.append(relative)

        try:
            with ThreadPoolExecutor(_S3_THREADS) as threads:
                for _ in threads.map(put, files):
                    pass
        except OSError as error:
            raise InterruptedWriteError(written, error) from error

    def remove_files(self, files: Iterable[str]) -> None:
        """See Storage."""
        for relative in files:
            with suppress(FileNotFoundError):
                self.filesystem.delete_file(self.path(relative))

    def _list(self, base: str, *, recursive: bool) -> list[fs.FileInfo]:
        selector = fs.FileSelector(base, recursive=recursive, allow_not_found=True)
        return list(self.filesystem.get_file_info(selector))


def _rename(source: Path, target: Path) -> None:
    """Moves a staged file into place, making the folder when it is the partition's first file."""
    for _ in range(3):
        try:
            os.replace(source, target)
            return
        except FileNotFoundError:
            # Also when another process has just removed the folder together with its last file.
            target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)
