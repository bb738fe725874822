"""The Brazilian market as a source: quotes of COTAHIST files as the raw rows of sessions.

Here lives which file answers for which day, and which quotes become rows. Parsing, copies, names
and transfers stand in the modules beside.
"""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.calendars import exchange_days, sessions, sessions_between, today
from quant_assets.market_data.panels import date_column
from quant_assets.market_data.sources.b3.copies import Copies, Copy, Selection
from quant_assets.market_data.sources.b3.download import Downloader, Progress
from quant_assets.market_data.sources.b3.folder import list_files
from quant_assets.market_data.sources.b3.layout import FORWARD, MARKET_TYPES, SECURITY_MARKETS
from quant_assets.market_data.sources.b3.publication import Fetched, fetch_year
from quant_assets.market_data.sources.b3.tickers import LISTED_SCHEMA, changes
from quant_assets.market_data.sources.b3_actions.fetch import fetch_answers
from quant_assets.market_data.sources.b3_actions.folder import (
    NO_ACTIONS,
    CompanyActions,
    read_b3_actions,
)
from quant_assets.market_data.sources.b3_actions.listing import issuers, spans
from quant_assets.market_data.sources.base import RAW_SCHEMA, Source, SourceError
from quant_assets.market_data.sources.reference import read_actions, read_symbols
from quant_assets.market_data.sources.series import compose
from quant_assets.market_data.sources.storage import SourceFile
from quant_assets.settings import Market
from quant_assets.settings_sources import B3Source
from quant_assets.warehouse.window import Window

_PRICES = ("open", "high", "low", "close")
_COLUMNS = ("date", "ticker", "market_type", "term_days", *_PRICES, "volume", "turnover", "row")
_CACHE = ".parsed"
_TABLES = (".csv", ".csv.gz", ".parquet")  # files of events, as any source has them
# A row of a line that cannot be read says so in a column that RAW_SCHEMA lets a source add.
_ROWS_SCHEMA = RAW_SCHEMA.append(pa.field("fault", pa.string()))


class _Part(NamedTuple):
    """A file and the dates of a window for which it answers, ascending."""

    copy: Copy
    dates: np.ndarray


class B3(Source):
    """Quotes of the exchange's files, with the lists and series of the settings."""

    rejects_actions = True

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        assert isinstance(market.source, B3Source)
        self.settings = market.source
        types = self.settings.market_types
        self.selection = Selection(
            None if types is None else tuple(MARKET_TYPES[name] for name in types),
            None if self.settings.classes is None else tuple(self.settings.classes),
        )
        self.folder = Path(self.settings.path).expanduser()
        cache = self.settings.cache
        self._copies = Copies(Path(cache).expanduser() if cache else self.folder / _CACHE)

    @property
    def name(self) -> str:
        """The folder of the settings."""
        return self.settings.path

    def read(self, window: Window) -> pa.Table:
        """The selected quotes of the window's sessions, and every line that cannot be read.

        Such a line has no prices, and says in the further column `fault` what is wrong with it.
        A forward's symbol is its ticker and its term in days (`PETR4T-30`): a ticker has several.
        """
        pieces = [_ROWS_SCHEMA.empty_table()]
        for part in self._parts(window):
            pieces.append(self._quotes(part))
            pieces.append(self._faults(part))
        return pa.concat_tables(pieces).unify_dictionaries()

    def count_rows(self, window: Window) -> dict[date, int]:
        """Rows of each session of the window, from the counts that were taken when parsing."""
        inside = self._sessions(window)
        counts = dict.fromkeys(inside.tolist(), 0)
        for part in self._parts(window):
            chosen = part.copy.days.filter(self.selection.expression())
            quoted = np.repeat(chosen["date"].to_numpy(), chosen["records"].to_numpy())
            days = np.append(quoted.astype("datetime64[D]"), part.copy.rejected_dates)
            answering = self._answering(days[np.isin(days, part.dates)])
            for day, count in zip(*np.unique(answering, return_counts=True), strict=True):
                counts[day.item()] += int(count)
        return counts

    def symbols(self) -> pa.Table | None:
        """The symbols file, None if none is set."""
        if self.settings.symbols is None:
            return None
        return read_symbols(self.settings.symbols, self.market.timezone)

    def corporate_actions(self) -> pa.Table:
        """The events of a file or of the exchange's answers; none if they are not wanted."""
        path = self.settings.corporate_actions if self.settings.with_corporate_actions else None
        if path is not None and path.endswith(_TABLES):
            return read_actions(path, self.market.timezone)
        return self._actions(path).events

    def rejected_actions(self) -> pa.Table:
        """The records of the exchange's answers that are no events."""
        path = self.settings.corporate_actions if self.settings.with_corporate_actions else None
        return self._actions(path).rejected

    def _actions(self, folder: str | None) -> CompanyActions:
        if folder is None or folder.endswith(_TABLES):
            return NO_ACTIONS
        days = pa.concat_tables([LISTED_SCHEMA.empty_table(), *(c.listed for c in self.copies())])
        cash = days.filter(pc.equal(days["market_type"], MARKET_TYPES["cash"]))
        listed = spans(cash.rename_columns({"ticker": "symbol"}))
        if self.settings.actions_downloads is not None:
            fetch_answers(
                self.settings.actions_downloads, Path(folder).expanduser(), issuers(listed)
            ).require_all()
        return read_b3_actions(folder, exchange_days(self.market), listed)

    def benchmark(self, window: Window) -> pa.Table:
        """The series of the settings on the sessions of the window."""
        return compose(self.market, self._sessions(window))

    def ticker_changes(self, thread_no: int = 1) -> pa.Table:
        """The changes of ticker since the market's start: schema `ticker_changes`."""
        listed = [copy.listed for copy in self.copies(thread_no)]
        types = self.selection.market_types
        chosen = SECURITY_MARKETS if types is None else tuple(set(types) & set(SECURITY_MARKETS))
        return changes(pa.concat_tables([LISTED_SCHEMA.empty_table(), *listed]), chosen)

    def copies(self, thread_no: int = 1) -> list[Copy]:
        """The parsed copies of all files that tell of days since the market's start.

        Raises:
            SourceError: a file cannot be read, or is cut.
        """
        every = Window(self.market.start, self.market.end or today(self.market))
        files = [file for file in list_files(self.folder) if _overlap(file.days, every)]
        return [self._copies.open(file, thread_no) for file in files]

    def list_files(self) -> list[SourceFile]:
        """The files that are there now, by path.

        Raises:
            SourceError: there is none.
        """
        found = []
        for file in list_files(self.folder):
            state = file.path.stat()
            found.append(SourceFile(str(file.path), state.st_size, state.st_mtime_ns))
        if not found:
            raise self._no_files(str(self.folder))
        return sorted(found)

    def coverage(self, path: str) -> list[date]:
        """The market's sessions for which one file has quotes.

        Raises:
            SourceError: the file cannot be read, or is cut.
        """
        file = next((f for f in list_files(self.folder) if str(f.path) == path), None)
        if file is None:
            raise SourceError(f"{path}: the file is gone; list the files anew")
        answering = self._answering(self._copies.open(file).dates)
        known: list[date] = np.intersect1d(answering, sessions(self.market)).tolist()
        return known

    def fetch(self, year: int, on_progress: Callable[[Progress], None]) -> Fetched:
        """Bring the year's files up to date from the server of the settings, if they name one.

        Raises:
            DownloadError: a file could not be fetched.
            RefusedError: the server does not give one.
        """
        if self.settings.downloads is None:
            return Fetched()
        downloader = Downloader(
            self.settings.downloads, self.folder, self._copies.manifest, on_progress
        )
        days = Window(date(year, 1, 1), date(year, 12, 31))
        known = sessions_between(exchange_days(self.market), days).tolist()
        return fetch_year(downloader, year, known, today(self.market))

    def check_files(self, year: int, thread_no: int = 1) -> Iterator[Copy | SourceError]:
        """Each file of a year, its content read anew: its copy, or what is wrong with it.

        Raises:
            SourceError: there is no file of the year.
        """
        days = Window(date(year, 1, 1), date(year, 12, 31))
        files = [file for file in list_files(self.folder) if _overlap(file.days, days)]
        if not files:
            raise self._no_files(f"{self.folder}: of {year}")
        for file in files:
            try:
                yield self._copies.open(file, thread_no, anew=True)
            except SourceError as fault:
                yield fault

    def forget(self) -> None:
        """Throw away all parsed copies and checksums: every file is read anew, and fetched anew if
        its length is not that of the server's.
        """
        self._copies.forget()

    def _no_files(self, place: str) -> SourceError:
        return SourceError(
            f"{place}: there is no file named as the exchange names them (COTAHIST_A2024.ZIP, "
            f"COTAHIST_M012024.ZIP, COTAHIST_D02012024.ZIP); put files there, or set "
            f"source.downloads to fetch them"
        )

    def _sessions(self, window: Window) -> np.ndarray:
        return sessions_between(sessions(self.market, window.end), window)

    def _answering(self, days: np.ndarray) -> np.ndarray:
        """The session that answers for each day; days after the last known one are left out."""
        calendar = exchange_days(self.market)
        positions = self.session_positions(days.astype("datetime64[D]"))
        answering: np.ndarray = calendar[positions[positions < len(calendar)]]
        return answering

    def _parts(self, window: Window) -> list[_Part]:
        """The files that answer for the sessions of a window, and the dates of each, by path."""
        inside = self._sessions(window)
        if not len(inside):
            return []
        calendar = exchange_days(self.market)
        before = int(np.searchsorted(calendar, inside[0])) - 1
        # a day without a session belongs to the session after it
        first = calendar[before] + 1 if before >= 0 else inside[0]
        span = Window(first.item(), inside[-1].item())
        taken = np.empty(0, "datetime64[D]")
        parts = []
        files = list_files(self.folder)
        if not files:
            raise self._no_files(str(self.folder))
        for file in files:
            if not _overlap(file.days, span):
                continue
            copy = self._copies.open(file)
            dates = copy.dates[(copy.dates >= first) & (copy.dates <= inside[-1])]
            dates = np.setdiff1d(dates, taken)
            if len(dates):
                taken = np.union1d(taken, dates)
                parts.append(_Part(copy, dates))
        return sorted(parts, key=lambda part: part.copy.file.name)

    def _quotes(self, part: _Part) -> pa.Table:
        window = Window(part.dates[0].item(), part.dates[-1].item())
        table = part.copy.quotes(window, self.selection, _COLUMNS)
        days = table["date"].to_numpy().astype("datetime64[D]")
        mine = np.isin(days, part.dates)
        if not mine.all():
            table, days = table.filter(pa.array(mine)), days[mine]
        return self._rows(
            part,
            days,
            {
                "date": table["date"],
                "symbol": self._names(table),
                **{name: table[name].cast(pa.float64()) for name in (*_PRICES, "volume")},
                "turnover": table["turnover"],
                "row": table["row"],
            },
        )

    def _faults(self, part: _Part) -> pa.Table:
        rejected, days = part.copy.rejected, part.copy.rejected_dates
        mine = np.isin(days, part.dates)
        rejected, days = rejected.filter(pa.array(mine)), days[mine]
        return self._rows(
            part,
            days,
            {
                "date": rejected["date"],
                "symbol": rejected["ticker"],
                "row": rejected["row"],
                "fault": rejected["reason"],
            },
        )

    def _rows(
        self, part: _Part, days: np.ndarray, columns: dict[str, pa.Array | pa.ChunkedArray]
    ) -> pa.Table:
        """Columns in the shape of _ROWS_SCHEMA, those that are not there null."""
        count = len(days)
        columns["session"] = date_column(self._answering(days))
        columns["file"] = pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(count, np.int32)), pa.array([part.copy.file.name], pa.string())
        )
        return pa.table(
            [
                columns[field.name] if field.name in columns else pa.nulls(count, field.type)
                for field in _ROWS_SCHEMA
            ],
            schema=_ROWS_SCHEMA,
        )

    def _names(self, table: pa.Table) -> pa.ChunkedArray:
        tickers = table["ticker"].cast(pa.string())
        if not self.selection.forwards:
            return tickers
        terms = pc.binary_join_element_wise(tickers, table["term_days"].cast(pa.string()), "-")
        forward = pc.equal(table["market_type"], pa.scalar(FORWARD, pa.int16()))
        return pc.coalesce(pc.if_else(forward, terms, tickers), tickers)


def _overlap(one: Window, other: Window) -> bool:
    return one.start <= other.end and other.start <= one.end
