"""China's daily files: bars, halts, special treatment, previous closes and valuations in one row.

Here lives what the columns of such files mean, by default those of baostock. Files are found and
read as those of any vendor (files.py); what is made of the facts stands in market_data/china/.

- Symbols are written 600000.SH whatever the vendor writes.
- Prices must be as traded: files of adjusted prices are refused.
- A halted row repeats the last close with no volume. It is no bar and no fault: it is left out of
  `read` and of `count_rows`, and stands in `trading_status`. One without a symbol, or dated off the
  calendar, is read as any other row, so that it reaches quarantine.
- Corporate actions are read off the previous closes and turnover rates (china/ex_rights.py).
"""

from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data import minute_bars
from quant_assets.market_data.actions.events import event_table
from quant_assets.market_data.calendars import exchange_days, sessions, sessions_between
from quant_assets.market_data.china import ex_rights, status
from quant_assets.market_data.china.codes import canonical, canonical_column
from quant_assets.market_data.panels import session_dates
from quant_assets.market_data.sources.base import SYMBOLS_SCHEMA, SourceError
from quant_assets.market_data.sources.files import Files
from quant_assets.market_data.sources.minutes import read_minutes
from quant_assets.market_data.sources.reference import read_symbols
from quant_assets.market_data.sources.series import read_indices
from quant_assets.market_data.sources.storage import SourceFile
from quant_assets.settings import Market
from quant_assets.settings_sources import CnDailySource, FilesSource
from quant_assets.warehouse.window import Window

BAOSTOCK = {
    "date": "date",
    "symbol": "code",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume": "volume",
    "turnover": "amount",
    "previous_close": "preclose",
    "trading": "tradestatus",
    "special_treatment": "isST",
    "adjustment": "adjustflag",
    "turnover_rate": "turn",
    "pe_ttm": "peTTM",
    "pb_mrq": "pbMRQ",
    "ps_ttm": "psTTM",
    "pcf_ncf_ttm": "pcfNcfTTM",
}
_BARS = ("date", "symbol", "open", "high", "low", "close", "volume", "turnover")
_FLAGS = ("trading", "adjustment")
_AS_TRADED = 3.0
# A file need not have these; what is asked of the others is needed.
_OPTIONAL = frozenset({"adjustment", *status.RATIOS})
_SETTING = "source.columns"


class _History(NamedTuple):
    """What the rows of all files together tell: first days by symbol, every symbol, the events."""

    first: dict[str, date]
    symbols: list[str]
    events: pa.Table


# Files that have not changed are not read whole again: one entry a market, replaced when they do.
_HISTORIES: dict[tuple[object, ...], tuple[list[SourceFile], _History]] = {}


class CnDaily(Files):
    """Daily files of Chinese shares."""

    def __init__(self, market: Market) -> None:
        assert isinstance(market.source, CnDailySource)
        self.china = market.source
        self._vendor = BAOSTOCK | {str(k): v for k, v in market.source.columns.items()}
        bars = {
            "kind": "files",
            "path": self.china.path,
            "format": self.china.format,
            "date_format": self.china.date_format,
            "symbols": self.china.symbols,
            "columns": {name: self._vendor[name] for name in _BARS},
        }
        super().__init__(market.model_copy(update={"source": FilesSource.model_validate(bars)}))
        self._unlimited = {
            canonical(code): days for code, days in self.china.no_price_limit.items()
        }

    def read(self, window: Window) -> pa.Table:
        """All raw rows of the window but for halted ones; see Source."""
        rows, halted = self._screened(window, ())
        kept = rows.filter(pa.array(~halted)) if halted.any() else rows
        return kept.drop_columns(list(_FLAGS))

    def count_rows(self, window: Window) -> dict[date, int]:
        """Rows of each session of the window, halted ones left out."""
        counts = super().count_rows(window)
        rows, halted = self._screened(window, ())
        days, found = np.unique(session_dates(rows["session"])[halted], return_counts=True)
        for day, count in zip(days.tolist(), found.tolist(), strict=True):
            counts[day] -= count
        return counts

    def symbols(self) -> pa.Table | None:
        """Every symbol of the files and of the list, if there is one; None without a list.

        `first` is the list's, or else the symbol's first row where that comes after the first row
        of all: before it, nobody knows.
        """
        if self.china.symbols is None:
            return None
        listed = read_symbols(self.china.symbols, self.market.timezone)
        listed = listed.set_column(0, "symbol", canonical_column(listed["symbol"]))
        history = self._history()
        known = set(listed["symbol"].to_pylist())
        more = [symbol for symbol in history.symbols if symbol not in known]
        missing = {name: pa.nulls(len(more), field.type) for name, field in _fields(SYMBOLS_SCHEMA)}
        seen = pa.table({**missing, "symbol": pa.array(more, pa.string())}, schema=SYMBOLS_SCHEMA)
        every = pa.concat_tables([listed.cast(SYMBOLS_SCHEMA), seen]).sort_by("symbol")
        found = [history.first.get(symbol) for symbol in every["symbol"].to_pylist()]
        place = SYMBOLS_SCHEMA.get_field_index("first")
        first = pc.coalesce(every["first"], pa.array(found, pa.date32()))
        return every.set_column(place, SYMBOLS_SCHEMA.field("first"), first)

    def corporate_actions(self) -> pa.Table:
        """Ex-right events by previous closes (kinds `ex_right`, `bonus`), by date and symbol."""
        return event_table(self._history().events)

    @classmethod
    def further_tables(cls, market: Market) -> tuple[str, ...]:
        """Status and valuations; indices and minute bars where the settings name their files."""
        assert isinstance(market.source, CnDailySource)
        tables = ["trading_status", "valuations"]
        if market.source.indices:
            tables.append("indices")
        if market.source.minute_bars is not None:
            tables += ["minute_bars", "minute_quarantine"]
        return tuple(tables)

    def read_further_table(self, table: str, window: Window) -> pa.Table:
        """The rows of one of `further_tables`; see Source."""
        if table == "trading_status":
            return self._trading_status(window)
        if table == "valuations":
            return status.valuations(self._screened(window, status.RATIOS)[0])
        if table == "indices" and self.china.indices:
            inside = sessions_between(sessions(self.market, window.end), window)
            return read_indices(self.market, self.china.indices, inside)
        if table in ("minute_bars", "minute_quarantine") and self.china.minute_bars is not None:
            raw = read_minutes(self.china.minute_bars, self.market, window)
            raw = raw.set_column(
                raw.column_names.index("symbol"),
                "symbol",
                canonical_column(raw["symbol"], raw["exchange"]),
            )
            screened = minute_bars.screen(raw, self.market)
            return screened.bars if table == "minute_bars" else screened.quarantine
        return super().read_further_table(table, window)

    def _trading_status(self, window: Window) -> pa.Table:
        rows, halted = self._screened(window, ("previous_close", "special_treatment"))
        rows = rows.append_column("halted", pa.array(halted.astype(np.float64)))
        return status.trading_status(
            rows, self._first_days(), self._unlimited, exchange_days(self.market)
        )

    def _first_days(self) -> dict[str, date]:
        listed = self.symbols()
        if listed is None:
            return self._history().first
        pairs = zip(listed["symbol"].to_pylist(), listed["first"].to_pylist(), strict=True)
        return {symbol: first for symbol, first in pairs if first is not None}

    def _theirs(self, names: tuple[str, ...]) -> dict[str, str]:
        return {name: self._vendor[name] for name in names}

    def _screened(
        self, window: Window | None, names: tuple[str, ...]
    ) -> tuple[pa.Table, np.ndarray]:
        """(rows with the columns _FLAGS and `names`, which of them are halted)."""
        rows = self.read_further(window, self._theirs((*_FLAGS, *names)), _OPTIONAL)
        rows = rows.set_column(
            rows.column_names.index("symbol"), "symbol", canonical_column(rows["symbol"])
        )
        trading, adjustment = (rows[name].to_numpy() for name in _FLAGS)
        self._refuse(rows, "trading", ~np.isin(trading, (0.0, 1.0)) & ~np.isnan(trading), "0 or 1")
        self._refuse(
            rows,
            "adjustment",
            (adjustment != _AS_TRADED) & ~np.isnan(adjustment),
            "3 (prices as traded): adjusted prices change afterwards",
        )
        if "special_treatment" in names:
            special = rows["special_treatment"].to_numpy()
            wrong = ~np.isin(special, (0.0, 1.0)) & ~np.isnan(special)
            self._refuse(rows, "special_treatment", wrong, "0 or 1")
        placed = pc.and_(
            pc.is_valid(rows["symbol"]),
            pc.fill_null(pc.equal(rows["date"], rows["session"]), False),
        ).to_numpy()
        # a row with volume traded, whatever else it says
        idle = ~(rows["volume"].to_numpy() > 0)
        return rows, (trading == 0.0) & idle & placed

    def _refuse(self, rows: pa.Table, name: str, wrong: np.ndarray, allowed: str) -> None:
        if wrong.any():
            place = int(np.argmax(wrong))
            found = rows.slice(place, 1).to_pylist()[0]
            raise SourceError(
                f"{found['file']}: column {self._vendor[name]!r} must hold {allowed}. Got "
                f"{found[name]:g} in data row {found['row']} instead; correct the file, or map "
                f"another column in {_SETTING}.{name}"
            )

    def _history(self) -> _History:
        files = self.list_files()
        key = (*self._layout, self.china.path, *self._vendor.values())
        if key not in _HISTORIES or _HISTORIES[key][0] != files:
            _HISTORIES[key] = (files, self._read_history())
        return _HISTORIES[key][1]

    def _read_history(self) -> _History:
        rows, halted = self._screened(None, ("previous_close", "turnover_rate"))
        # rows from before the known calendar have its first session: their date counts
        oldest = pa.scalar(exchange_days(self.market)[0].item(), pa.date32())
        dated = pc.or_(pc.equal(rows["date"], rows["session"]), pc.less(rows["date"], oldest))
        known = pc.and_(pc.is_valid(rows["symbol"]), pc.fill_null(dated, False)).to_numpy()
        rows, halted = rows.filter(pa.array(known)), halted[known]
        codes = np.array(rows["symbol"].to_pylist(), dtype=object)
        days = session_dates(rows["date"])
        names, places = np.unique(codes.astype(str), return_inverse=True)
        first = np.full(len(names), np.datetime64("9999-12-31", "D"))
        np.minimum.at(first, places, days)
        volume, rate = rows["volume"].to_numpy(), rows["turnover_rate"].to_numpy()
        tradable = np.full(len(days), np.nan)
        np.divide(volume, rate, out=tradable, where=(volume > 0) & (rate > 0))
        begins = days.min() if len(days) else None
        pairs = zip(names.tolist(), first.tolist(), strict=True)
        _, once = np.unique(places * (1 << 32) + days.astype(np.int64), return_index=True)
        return _History(
            {name: day for name, day in pairs if begins is not None and day > begins},
            names.tolist(),
            ex_rights.ex_rights(
                names[places[once]],
                days[once],
                rows["close"].to_numpy()[once],
                rows["previous_close"].to_numpy()[once],
                ~halted[once],
                tradable[once],
            ),
        )


def _fields(schema: pa.Schema) -> list[tuple[str, pa.Field]]:
    return [(field.name, field) for field in schema]
