"""One vendor file as columns: Parquet and CSV behind one small interface.

Here lives reading, with nothing known of markets: names, one whole column, some rows of some
columns. Parquet reads only the row groups that hold wanted rows; a CSV file has to be read whole.
CSV values are left as texts, so that an error can name what stands there (convert.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.storage import Storage, format_of

# Enough for any header, and little to read where only the header is wanted.
_HEADER_BYTES = 1 << 16


class TableFile(ABC):
    """A file of rows; `path` names it in messages."""

    def __init__(self, storage: Storage, path: str) -> None:
        self.storage = storage
        self.path = path

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """The columns of the file."""

    @abstractmethod
    def column(self, name: str) -> pa.ChunkedArray:
        """One whole column."""

    @abstractmethod
    def take(self, names: Sequence[str], rows: np.ndarray) -> pa.Table:
        """The rows (0-based positions, ascending) of some columns."""

    def require(self, columns: dict[str, str], setting: str) -> None:
        """Check that the file has each column, given as our name -> the vendor's.

        Raises:
            SourceError: one is missing.
        """
        for ours, theirs in columns.items():
            if theirs not in self.names:
                raise SourceError(
                    f"{self.path}: there is no column {theirs!r} for {ours!r}; the file has "
                    f"{', '.join(self.names)}. Name the right one under {setting}.{ours}"
                )

    @contextmanager
    def _reading(self, kind: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise SourceError(f"{self.path}: the file is gone; list the files anew") from error
        except PermissionError as error:
            raise SourceError(f"{self.path}: may not be read; give permission") from error
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise SourceError(
                f"{self.path}: is not a readable {kind} file, it may be cut short or damaged; "
                f"deliver it again. The reader says: {error}"
            ) from error


class ParquetTable(TableFile):
    """A Parquet file."""

    @cached_property
    def _file(self) -> pq.ParquetFile:
        with self._reading("Parquet"):
            return pq.ParquetFile(self.storage.open_file(self.path))

    @property
    def names(self) -> list[str]:
        """The columns of the file."""
        return list(self._file.schema_arrow.names)

    def column(self, name: str) -> pa.ChunkedArray:
        """One whole column."""
        with self._reading("Parquet"):
            return self._file.read(columns=[name]).column(name)

    def take(self, names: Sequence[str], rows: np.ndarray) -> pa.Table:
        """The rows of some columns, from the row groups that hold them."""
        metadata = self._file.metadata
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        wanted = list(dict.fromkeys(names))
        pieces = []
        for group, (start, stop) in enumerate(pairwise(starts)):
            inside = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
            if len(inside):
                with self._reading("Parquet"):
                    piece = self._file.read_row_group(group, columns=wanted)
                whole = len(inside) == stop - start
                pieces.append(piece if whole else piece.take(pa.array(inside - start)))
        if not pieces:
            return self._file.schema_arrow.empty_table().select(wanted)
        return pa.concat_tables(pieces)


class CsvTable(TableFile):
    """A CSV file with a header, comma-separated, UTF-8; compressed by its suffix or not."""

    @cached_property
    def names(self) -> list[str]:
        """The columns of the header."""
        options = pacsv.ReadOptions(block_size=_HEADER_BYTES)
        with self._reading("CSV"), self.storage.open_stream(self.path) as stream:
            return list(pacsv.open_csv(stream, read_options=options).schema.names)

    @cached_property
    def _table(self) -> pa.Table:
        as_texts = pacsv.ConvertOptions(column_types=dict.fromkeys(self.names, pa.string()))
        with self._reading("CSV"), self.storage.open_stream(self.path) as stream:
            return pacsv.read_csv(stream, convert_options=as_texts)

    def column(self, name: str) -> pa.ChunkedArray:
        """One whole column, as texts."""
        return self._table.column(name)

    def take(self, names: Sequence[str], rows: np.ndarray) -> pa.Table:
        """The rows of some columns, as texts."""
        selected = self._table.select(list(dict.fromkeys(names)))
        return selected if len(rows) == len(selected) else selected.take(pa.array(rows))


_KINDS: dict[str, Callable[[Storage, str], TableFile]] = {
    "parquet": ParquetTable,
    "csv": CsvTable,
}


def open_table(storage: Storage, path: str, kind: str | None = None) -> TableFile:
    """A file as a table.

    Args:
        storage: where it lies.
        path: its path, as `Storage.files` gives it.
        kind: `parquet` or `csv`; by default what the suffix says.

    Raises:
        SourceError: the suffix says nothing.
    """
    kind = kind or format_of(path)
    if kind is None:
        raise SourceError(
            f"{path}: its name does not tell the format; set source.format to parquet or csv"
        )
    return _KINDS[kind](storage, path)
