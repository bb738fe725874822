"""The files of one day: found by a pattern of paths, unpacked while they are read.

Belongs here: archives and compression. Not here: what stands in the files (readers/).
"""

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from typing import IO, cast

from quant_assets.market_data.sources.base import NoFilesError, SourceError
from quant_assets.market_data.sources.storage import Storage

_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)


@dataclass(frozen=True)
class DayFile:
    """One delivered file, or one member of a ZIP archive.

    Attributes:
        storage: where it lies.
        path: the file's, or the archive's.
        member: the name within the archive, "" for a file of its own.
    """

    storage: Storage
    path: str
    member: str = ""

    @property
    def name(self) -> str:
        """The path, with the member behind it: for messages."""
        return f"{self.path}:{self.member}" if self.member else self.path

    @property
    def base_name(self) -> str:
        """The last part of the name, without folders."""
        return (self.member or self.path).rsplit("/", 1)[-1]

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes of the file, unpacked.

        Raises:
            SourceError: it cannot be opened, or turns out damaged while it is read.
        """
        with self._faults(), self._stream() as stream:
            yield stream

    def members(self) -> "list[DayFile]":
        """The members of an archive by name, or the file itself if it is none.

        Raises:
            SourceError: the archive is damaged.
        """
        if not self.path.endswith(".zip"):
            return [self]
        with self._faults(), self._archive() as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
        return [DayFile(self.storage, self.path, name) for name in sorted(names)]

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise SourceError(f"{self.path}: the file is gone; deliver it again") from error
        except PermissionError as error:
            raise SourceError(f"{self.path}: may not be read; give permission") from error
        except _DAMAGED as error:
            raise SourceError(
                f"{self.name}: cannot be unpacked, it may be cut short or damaged; deliver it "
                f"again. The reader says: {error}"
            ) from error

    def beside(self, base_name: str) -> "DayFile":
        """The file of another name in the same folder or archive."""
        place = self.member or self.path
        other = f"{place.rpartition('/')[0]}/{base_name}" if "/" in place else base_name
        if self.member:
            return DayFile(self.storage, self.path, other)
        return DayFile(self.storage, other)

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        with self.storage.open_file(self.path) as packed, zipfile.ZipFile(packed) as archive:
            yield archive

    @contextmanager
    def _stream(self) -> Iterator[IO[bytes]]:
        if self.member:
            with self._archive() as archive, archive.open(self.member) as stream:
                yield stream
        elif self.path.endswith(".xz"):
            with self.storage.open_file(self.path) as packed, lzma.open(packed) as stream:
                yield cast(IO[bytes], stream)
        else:
            with self.storage.open_stream(self.path) as packed, BufferedReader(packed) as stream:
                yield stream


def files_of(pattern: str, day: date, date_format: str) -> list[DayFile]:
    """The files that a pattern means on a day, by path and member; none where nothing is there.

    Args:
        pattern: a path, a folder or a glob in which `{date}` stands for the day.
        day: the local date.
        date_format: how the pattern writes it, in the signs of strftime.
    """
    storage = Storage(pattern.replace("{date}", day.strftime(date_format)))
    try:
        listed = storage.files(any_suffix=True)
    except NoFilesError:
        return []
    return [member for file in listed for member in DayFile(storage, file.path).members()]
