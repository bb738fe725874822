"""Vendor files as a source: Parquet or CSV, a file, a folder or a glob, local or on s3://.

Here lives how the rows of many files become the rows of a window of sessions. How one file is read
is in tabular.py, how a column is converted in convert.py, where files lie in storage.py, and
lists of symbols and events in reference.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from quant_assets.market_data.calendars import exchange_days, sessions, sessions_between
from quant_assets.market_data.panels import date_column
from quant_assets.market_data.sources.base import PRICES, RAW_SCHEMA, VALUES, Source, SourceError
from quant_assets.market_data.sources.convert import Place, days, numbers, texts
from quant_assets.market_data.sources.objects import Prefix
from quant_assets.market_data.sources.reference import read_actions, read_symbols
from quant_assets.market_data.sources.series import compose
from quant_assets.market_data.sources.storage import SourceFile, Storage
from quant_assets.market_data.sources.tabular import TableFile, open_table
from quant_assets.settings import Market
from quant_assets.settings_sources import FilesSource
from quant_assets.warehouse.window import Window

_REQUIRED = ("date", "symbol", *PRICES, "volume")
_SETTING = "source.columns"


class _Span(NamedTuple):
    """First and last position of a file's rows in the calendar; none for a file without rows."""

    first: int
    last: int


# A file that has not changed keeps its span: in a folder with a file a day, a day's read then
# opens the files of that day only.
_SPANS: dict[tuple[object, ...], _Span] = {}


class Files(Source):
    """Prices, symbols, events and benchmark series from files."""

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        assert isinstance(market.source, FilesSource)
        self.settings = market.source
        self._storage = Storage(self.settings.path)
        self._columns = {ours: ours for ours in _REQUIRED} | dict(self.settings.columns)
        self._layout = (
            *(market.calendar, market.start, market.timezone),
            *(self._columns["date"], self.settings.date_format, self.settings.format),
        )

    @property
    def name(self) -> str:
        """The path of the settings."""
        return self.settings.path

    def list_files(self) -> list[SourceFile]:
        """The files of prices that are there now, by path.

        Raises:
            SourceError: nothing is there.
        """
        return self._storage.files(self._any_suffix, self._others())

    def prefix_on_s3(self) -> Prefix:
        """Where the files of prices lie on S3, to look for what is new (objects.py)."""
        others = self._others()
        return Prefix(
            self._storage.listed_from(self._any_suffix),
            lambda path: path not in others and self._storage.wants(path, self._any_suffix),
        )

    def nothing_there(self) -> SourceError:
        """What is said when there is no file of prices."""
        return self._storage.nothing_there()

    @property
    def _any_suffix(self) -> bool:
        return self.settings.format is not None

    def _others(self) -> frozenset[str]:
        """Files that lie among those of prices and are something else."""
        listed = self.settings.symbols
        others = [self.settings.corporate_actions, listed.path if listed else None]
        return frozenset(Storage(other).location for other in others if other)

    def coverage(self, path: str) -> list[date]:
        """The market's sessions for which one file has rows.

        Raises:
            SourceError: the file cannot be read as declared.
        """
        table = self._open(path)
        found = exchange_days(self.market)[np.unique(self._known(self._positions(table)))]
        known: list[date] = np.intersect1d(found, sessions(self.market)).tolist()
        return known

    def read(self, window: Window) -> pa.Table:
        """All raw rows that belong to the sessions of the window; see Source."""
        return self.read_further(window, {})

    def read_further(
        self,
        window: Window | None,
        columns: Mapping[str, str],
        optional: AbstractSet[str] = frozenset(),
    ) -> pa.Table:
        """`read`, with further columns of numbers behind those of RAW_SCHEMA.

        Args:
            window: None for all rows up to the last known session, also those before the market's
                start; the latter have the first known session.
            columns: our name -> the vendor's.
            optional: those of our names that files need not have: null there.

        Raises:
            SourceError: the input cannot be read as declared.
        """
        first, last = self._bounds(window) if window else (0, len(exchange_days(self.market)))
        pieces = [piece for piece in self._pieces(first, last, columns, optional) if piece.num_rows]
        if not pieces:
            return _with_further(RAW_SCHEMA, columns).empty_table()
        return pa.concat_tables(pieces).unify_dictionaries()

    def count_rows(self, window: Window) -> dict[date, int]:
        """Rows of each session of the window, counted on the date column of every file alone."""
        calendar = exchange_days(self.market)
        counts = np.zeros(len(calendar) + 1, np.int64)
        for file in self.list_files():
            positions = self._positions(self._open(file.path))
            counts += np.bincount(positions, minlength=len(counts))
        inside = sessions_between(sessions(self.market, window.end), window)
        return {
            day: int(counts[position])
            for day, position in zip(
                inside.tolist(), np.searchsorted(calendar, inside).tolist(), strict=True
            )
        }

    def symbols(self) -> pa.Table | None:
        """The symbols file, None if none is set."""
        if self.settings.symbols is None:
            return None
        return read_symbols(self.settings.symbols, self.market.timezone)

    def corporate_actions(self) -> pa.Table:
        """The events of the corporate-actions file, none if no file is set."""
        return read_actions(self.settings.corporate_actions, self.market.timezone)

    def benchmark(self, window: Window) -> pa.Table:
        """The series of the settings on the sessions of the window."""
        inside = sessions_between(sessions(self.market, window.end), window)
        return compose(self.market, inside)

    def _open(self, path: str) -> TableFile:
        table = open_table(self._storage, path, self.settings.format)
        table.require({str(ours): theirs for ours, theirs in self._columns.items()}, _SETTING)
        return table

    def _place(self, table: TableFile, ours: str) -> Place:
        return Place(table.path, self._columns[ours], f"{_SETTING}.{ours}")

    def _days(self, table: TableFile) -> np.ndarray:
        """The date of every row of a file, NaT where it has none."""
        return days(
            table.column(self._columns["date"]),
            self._place(table, "date"),
            self.settings.date_format,
            self.market.timezone,
        )

    def _positions(self, table: TableFile) -> np.ndarray:
        """Of every row the position, in the exchange's days, of the session that answers for it.

        Rows older than those days come to the first of them, which lies before the market's start.
        """
        dated = self._days(table)
        undated = np.isnat(dated)
        positions = self.session_positions(dated)
        if undated.any():
            if undated.all():
                raise SourceError(
                    f"{table.path}: no row has a date in column {self._columns['date']!r}, so no "
                    f"session can answer for them; correct the file"
                )
            known = self._known(positions[~undated])
            positions[undated] = known.max() if len(known) else len(exchange_days(self.market))
        return positions

    def _known(self, positions: np.ndarray) -> np.ndarray:
        """The positions that are sessions of the exchange."""
        return positions[positions < len(exchange_days(self.market))]

    def _bounds(self, window: Window) -> tuple[int, int]:
        """Position of the first session of the window, and of the one after its last."""
        calendar = exchange_days(self.market)
        inside = sessions_between(sessions(self.market, window.end), window)
        if not len(inside):
            return 0, 0
        first, last = np.searchsorted(calendar, inside[[0, -1]])
        return int(first), int(last) + 1

    def _pieces(
        self, first: int, last: int, further: Mapping[str, str], optional: AbstractSet[str]
    ) -> Iterator[pa.Table]:
        for file in self.list_files():
            key = (*self._layout, file)
            span = _SPANS.get(key)
            if span is not None and (span.last < first or span.first >= last):
                continue
            table = self._open(file.path)
            positions = self._positions(table)
            known = self._known(positions)
            _SPANS[key] = _Span(int(known.min()), int(known.max())) if len(known) else _Span(-1, -1)
            rows = np.flatnonzero((positions >= first) & (positions < last))
            there = {
                ours: theirs
                for ours, theirs in further.items()
                if ours not in optional or theirs in table.names
            }
            table.require(there, _SETTING)
            names = dict.fromkeys([*VALUES, *further])
            yield self._rows(table, positions[rows], rows, list(names), {**self._columns, **there})

    def _rows(
        self,
        table: TableFile,
        positions: np.ndarray,
        rows: np.ndarray,
        names: list[str],
        columns: Mapping[str, str],
    ) -> pa.Table:
        """Some rows of a file in the shape of RAW_SCHEMA, further numbers behind.

        `names` are the columns of numbers, `columns` says where those that the file has are.
        """
        taken = table.take(list(columns.values()), rows)

        def place(ours: str) -> Place:
            return Place(table.path, columns[ours], f"{_SETTING}.{ours}", rows + 1)

        def column(ours: str) -> pa.ChunkedArray:
            return taken.column(columns[ours])

        dated = days(column("date"), place("date"), self.settings.date_format, self.market.timezone)
        values = {
            name: pa.array(numbers(column(name), place(name)), from_pandas=True)
            if name in columns
            else pa.nulls(len(rows), pa.float64())
            for name in names
        }
        file = pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(len(rows), np.int32)),
            pa.array([self._storage.relative(table.path)], pa.string()),
        )
        data = {
            "session": date_column(exchange_days(self.market)[positions]),
            "date": pa.array(dated.astype("datetime64[D]"), pa.date32(), from_pandas=True),
            "symbol": texts(column("symbol"), place("symbol")),
            **values,
            "file": file,
            "row": pa.array(rows + 1, pa.int64()),
        }
        further = [name for name in names if name not in VALUES]
        return pa.table(data, schema=_with_further(RAW_SCHEMA, further))


def _with_further(schema: pa.Schema, names: Iterable[str]) -> pa.Schema:
    return pa.schema([*schema, *(pa.field(name, pa.float64()) for name in names)])
