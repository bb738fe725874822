"""Sorting a day's rows by symbol when the day is larger than memory.

Belongs here: the spill to disk and the way back. Not here: the order within a symbol, which the
caller gives, and what the rows mean.

Rows go into one of many temporary files by their symbol as they come; each file is then sorted on
its own and read back symbol by symbol. Memory is bounded by the largest of the files, which is
about a day's size over their number, or that of the largest symbol.
"""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BUCKETS = 256
_ROWS = 1 << 18


class _Slice(NamedTuple):
    """Where the rows of one symbol lie in a sorted file."""

    bucket: int
    start: int
    rows: int


class SymbolSort:
    """Rows in, in any order; rows out by symbol, each symbol's in the order that `arrange` makes.

    `arrange` gets all rows of some symbols, ordered by symbol and otherwise as they came, and gives
    them back as they should be, still ordered by symbol.
    """

    def __init__(
        self, folder: Path, arrange: Callable[[pa.Table], pa.Table], buckets: int = BUCKETS
    ) -> None:
        self._folder = folder
        self._arrange = arrange
        self._buckets = buckets
        self._writers: dict[int, pa.RecordBatchFileWriter] = {}
        self._schema: pa.Schema | None = None

    def add(self, table: pa.Table) -> None:
        """Take rows; there is a column `symbol`, and every table has the same columns."""
        self._schema = table.schema
        encoded = table["symbol"].combine_chunks().dictionary_encode()
        names = encoded.dictionary.to_pylist()
        bucket_of = np.array([zlib.crc32(name.encode()) % self._buckets for name in names])
        if len(set(bucket_of.tolist())) == 1:
            self._write(int(bucket_of[0]), table)
            return
        buckets = bucket_of[encoded.indices.to_numpy()] if len(names) else np.array([], int)
        order = np.argsort(buckets, kind="stable")
        sorted_table, ends = table.take(pa.array(order)), np.cumsum(np.bincount(buckets))
        start = 0
        for bucket, end in enumerate(ends.tolist()):
            if end > start:
                self._write(bucket, sorted_table.slice(start, end - start))
            start = end

    def tables(self) -> Iterator[pa.Table]:
        """All rows by symbol, in tables of at most 2^18 rows; no more can be added."""
        for writer in self._writers.values():
            writer.close()
        places = dict(sorted(p for bucket in self._writers for p in self._sort(bucket)))
        waiting: list[pa.Table] = []
        count = 0
        for place in places.values():
            for start in range(place.start, place.start + place.rows, _ROWS):
                rows = min(_ROWS, place.start + place.rows - start)
                if count + rows > _ROWS:
                    yield pa.concat_tables(waiting)
                    waiting, count = [], 0
                waiting.append(self._sorted(place.bucket).slice(start, rows))
                count += rows
        if waiting:
            yield pa.concat_tables(waiting)

    def _write(self, bucket: int, table: pa.Table) -> None:
        if bucket not in self._writers:
            self._writers[bucket] = pa.ipc.new_file(self._path(bucket, "as_came"), table.schema)
        self._writers[bucket].write_table(table)

    def _sort(self, bucket: int) -> list[tuple[str, _Slice]]:
        """Sorts the rows of a file into another one, and tells where each symbol's are."""
        unsorted = self._path(bucket, "as_came")
        table = _mapped(unsorted)
        by_symbol = pc.sort_indices(table, sort_keys=[("symbol", "ascending")])
        arranged = self._arrange(table.take(by_symbol))
        del table
        unsorted.unlink()
        with pa.ipc.new_file(self._path(bucket, "sorted"), arranged.schema) as writer:
            writer.write_table(arranged)
        runs = pc.run_end_encode(arranged["symbol"].combine_chunks())
        ends = [0, *runs.run_ends.to_pylist()]
        return [
            (name, _Slice(bucket, start, end - start))
            for name, start, end in zip(runs.values.to_pylist(), ends[:-1], ends[1:], strict=True)
        ]

    def _sorted(self, bucket: int) -> pa.Table:
        return _mapped(self._path(bucket, "sorted"))

    def _path(self, bucket: int, state: str) -> Path:
        return self._folder / f"{bucket}.{state}.arrow"


def _mapped(path: Path) -> pa.Table:
    """A file's rows as they lie on disk: they take memory only where they are looked at."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
