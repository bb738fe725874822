"""The lines of a COTAHIST file, ZIP or TXT, in blocks of bytes.

Here lives how bytes come from a file and where lines end. What stands in a line is the business of
records.py.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from quant_assets.market_data.sources.base import SourceError

# A block of about 68,000 records: its columns fit the memory of a few threads, and what is paid a
# block is small beside it.
BLOCK_BYTES = 1 << 24
_NEWLINE, _RETURN = 10, 13
# Blanks, line ends and the mark by which old systems ended texts: no record.
_NOTHING = b" \r\n\x1a\x00"


class Lines:
    """Some lines of a file: their bytes, and where each begins and ends, the line end excluded."""

    def __init__(self, data: np.ndarray) -> None:
        self.data = data
        ends = np.flatnonzero(data == _NEWLINE)
        if not len(ends) or ends[-1] != len(data) - 1:
            ends = np.append(ends, len(data))  # a last line without its end
        self.starts = np.append(0, ends[:-1] + 1)
        before = data[np.maximum(ends - 1, 0)]
        self.stops = ends - ((before == _RETURN) & (ends > self.starts))

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, line: int) -> bytes:
        """The bytes of one line."""
        return self.data[self.starts[line] : self.stops[line]].tobytes()

    def keep(self, first: int, last: int) -> None:
        """Leave only the lines from `first` up to `last`, that one excluded."""
        self.starts, self.stops = self.starts[first:last], self.stops[first:last]


def read_lines(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[Lines]:
    """The lines of a file, in blocks, without empty ones at its end.

    Raises:
        SourceError: the file cannot be read, is damaged, or is no text of lines.
    """
    with _opened(path) as stream:
        rest = np.empty(0, np.uint8)
        while True:
            data = np.empty(len(rest) + block_bytes, np.uint8)
            data[: len(rest)] = rest
            filled = len(rest) + _fill(stream, data[len(rest) :])
            at_end = filled < len(data)
            if at_end:
                stop = len(data[:filled].tobytes().rstrip(_NOTHING))
            else:
                stop = _after_last_line(data, path)
            if stop:
                yield Lines(data[:stop])
            if at_end:
                return
            rest = data[stop:filled]


def _fill(stream: BinaryIO, data: np.ndarray) -> int:
    """Read until the array is full or the file ends; how many bytes came."""
    view, count = memoryview(data.data), 0
    while count < len(view):
        read = stream.readinto(view[count:])  # type: ignore[attr-defined]
        if not read:
            break
        count += read
    return count


def _after_last_line(data: np.ndarray, path: Path) -> int:
    """The position after the last line end of a full block."""
    ends = np.flatnonzero(data[-(1 << 16) :] == _NEWLINE)
    if not len(ends):
        raise SourceError(
            f"{path}: no line ends within 65,536 characters; a COTAHIST file has lines of 245. "
            f"Deliver the file as the exchange publishes it"
        )
    return max(len(data) - (1 << 16), 0) + int(ends[-1]) + 1


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_member(path, archive)) as member:
                yield cast(BinaryIO, member)
        else:
            with path.open("rb", buffering=0) as plain:
                yield cast(BinaryIO, plain)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: the file is gone; list the files anew") from error
    except PermissionError as error:
        raise SourceError(f"{path}: may not be read; give permission") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise SourceError(
            f"{path}: is no readable ZIP file, it may be cut short or damaged; download it again. "
            f"The reader says: {error}"
        ) from error
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read; see to the disk, or deliver the file again. "
            f"The system says: {error}"
        ) from error


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one text in the archive."""
    texts = [info for info in archive.infolist() if not info.is_dir()]
    if len(texts) != 1:
        names = ", ".join(info.filename for info in texts) or "nothing"
        raise SourceError(
            f"{path}: must hold exactly one text. Got {names} instead; deliver it as the exchange "
            f"publishes it"
        )
    return texts[0]
