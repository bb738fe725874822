"""What a market's stored data come to: tables, years, gaps, rejected rows, raw files, samples.

Here stands what is asked of the warehouse and counted, for people who look after the data. Counting
is left to SQL, so that a decade of bars is not read into memory. How it is shown stands in
summary_page.py and summary_plot.py; facts that must hold, and checks of them, in facts.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from quant_assets.market_data.calendars import sessions_between
from quant_assets.market_data.sources.storage import SourceFile
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

if TYPE_CHECKING:
    from quant_assets.warehouse.store import Warehouse

SAMPLED = 10  # rows of a sample
BARS, QUARANTINE = "bars", "quarantine"


@dataclass(frozen=True)
class TableFacts:
    """One table. `symbols`, `first` and `last` are None where it has no such column or no row."""

    name: str
    records: int
    symbols: int | None
    first: date | None
    last: date | None
    partitions: int
    size: int


@dataclass(frozen=True)
class YearFacts:
    """One year of bars.

    Attributes:
        year: the year.
        sessions: sessions of the calendar from the market's first day to the last day with bars.
        without_bars: those of them without any bar.
        bars: bars.
        symbols: symbols with a bar.
        gaps: sessions between a symbol's first and last bar ever on which it has none, summed up
            over the symbols; those without any bar at all included.
        rejected: rejected rows.
    """

    year: int
    sessions: int
    without_bars: int
    bars: int
    symbols: int
    gaps: int
    rejected: int


@dataclass(frozen=True)
class Summary:
    """What a market's data come to.

    Attributes:
        label: the market, for titles; of a simulated one with "simulated data" in it.
        tables: one entry a table.
        years: one entry a year, oldest first.
        without_bars: the sessions without any bar.
        bars: number of bars by session, oldest first.
        rejected: columns month (`YYYY-MM`), reason, rows; oldest first.
        files: the raw files, newest first; none where the source has none.
        files_fault: why the raw files could not be listed.
        samples: name -> some rows of the last day of that table.
    """

    label: str
    tables: tuple[TableFacts, ...]
    years: tuple[YearFacts, ...]
    without_bars: tuple[date, ...]
    bars: pd.Series
    rejected: pd.DataFrame
    files: tuple[SourceFile, ...]
    files_fault: str | None
    samples: dict[str, pa.Table]

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Rejected rows by reason, the most frequent first."""
        counts = self.rejected.groupby("reason")["rows"].sum()
        return sorted(((str(k), int(v)) for k, v in counts.items()), key=lambda x: (-x[1], x[0]))

    def table(self) -> pa.Table:
        """The tables in the schema `market_data_summary`."""
        rows = {
            "name": [t.name for t in self.tables],
            "records": [t.records for t in self.tables],
            "symbols": [t.symbols for t in self.tables],
            "first_date": [t.first for t in self.tables],
            "last_date": [t.last for t in self.tables],
            "partitions": [t.partitions for t in self.tables],
            "bytes": [t.size for t in self.tables],
        }
        return pa.table(rows, schema=schema_of("market_data_summary").arrow)


def summarise(
    warehouse: "Warehouse",
    market: str,
    label: str,
    names: Sequence[str],
    sessions: np.ndarray,
    files: Sequence[SourceFile] = (),
    files_fault: str | None = None,
) -> Summary:
    """Count a market's tables.

    Args:
        warehouse: holds the tables.
        market: whose.
        label: the market's, for titles.
        names: tables to count; those that are not there are left out.
        sessions: the market's, `datetime64[D]`, ascending.
        files: its raw files.
        files_fault: why they could not be listed.
    """
    there = [name for name in names if f"{market}/{name}" in set(warehouse.tables())]
    full = {name: f"{market}/{name}" for name in there}
    sizes = warehouse.sizes(list(full.values()))
    held = _bars_by_symbol(warehouse, market) if BARS in there else _EMPTY_BARS
    daily = _bars_by_day(warehouse, market) if BARS in there else pd.Series(dtype=np.int64)
    rejected = _rejected(warehouse, market) if QUARANTINE in there else _EMPTY_REJECTED
    known = {BARS: held, QUARANTINE: rejected}
    tables = tuple(
        _counted(warehouse, full[name], known.get(name), sizes[full[name]]) for name in there
    )
    judged = _judged(sessions, daily)
    absent = np.setdiff1d(judged, daily.index.to_numpy("datetime64[D]"))
    return Summary(
        label,
        tables,
        _years(judged, absent, held, rejected),
        tuple(absent.tolist()),
        daily,
        rejected.groupby(["month", "reason"])["rows"].sum().reset_index(),
        tuple(sorted(files, key=lambda file: (-file.mtime_ns, file.path))),
        files_fault,
        _samples(warehouse, market, {table.name: table for table in tables}),
    )


# The columns that queries give; also where there is no table to ask.
_EMPTY_BARS = pd.DataFrame(
    {"symbol": pd.Series(dtype=object), "year": pd.Series(dtype=np.int64)}
    | {"rows": pd.Series(dtype=np.int64)}
    | {name: pd.Series(dtype="datetime64[ns]") for name in ("first", "last")}
)
_EMPTY_REJECTED = _EMPTY_BARS.assign(month=pd.Series(dtype=object), reason=pd.Series(dtype=object))


def _bars_by_symbol(warehouse: "Warehouse", market: str) -> pd.DataFrame:
    """Bars of each symbol in each year: symbol, year, rows, first, last."""
    return warehouse.sql(
        "SELECT symbol, toYear(date) AS year, count() AS rows, min(date) AS first, "
        f"max(date) AS last FROM {market}.{BARS} GROUP BY symbol, year"
    )


def _bars_by_day(warehouse: "Warehouse", market: str) -> pd.Series:
    frame = warehouse.sql(
        f"SELECT date, count() AS rows FROM {market}.{BARS} GROUP BY date ORDER BY date"
    )
    rows: pd.Series = frame.set_index("date")["rows"].astype(np.int64)
    return rows


def _rejected(warehouse: "Warehouse", market: str) -> pd.DataFrame:
    """Rejected rows by symbol, month and reason: …, year, rows, first, last."""
    frame = warehouse.sql(
        "SELECT symbol, toYear(date) AS year, toMonth(date) AS number, reason, count() AS rows, "
        f"min(date) AS first, max(date) AS last FROM {market}.{QUARANTINE} "
        "GROUP BY symbol, year, number, reason ORDER BY year, number, reason, symbol"
    )
    months = [f"{y:04}-{m:02}" for y, m in zip(frame["year"], frame["number"], strict=True)]
    return frame.assign(month=pd.Series(months, frame.index, dtype=object))


def _counted(
    warehouse: "Warehouse", table: str, counts: pd.DataFrame | None, size: int
) -> TableFacts:
    """The facts of a table, out of counts that are there already or else by a query."""
    name, schema = table.split("/")[1], schema_of(table)
    day = schema.dated_by
    has_symbols = "symbol" in schema.names
    if counts is None:
        wanted = ["count() AS rows"]
        wanted += ["uniqExact(symbol) AS symbols"] if has_symbols else []
        wanted += [f"min({day}) AS first, max({day}) AS last"] if day else []
        source = table.replace("/", ".")
        found: dict[str, Any] = dict(
            warehouse.sql(f"SELECT {', '.join(wanted)} FROM {source}").iloc[0]
        )
    else:
        found = {
            "rows": counts["rows"].sum(),
            "symbols": counts["symbol"].nunique(),
            "first": counts["first"].min(),
            "last": counts["last"].max(),
        }
    records = int(found["rows"])
    return TableFacts(
        name,
        records,
        int(found["symbols"]) if has_symbols else None,
        pd.Timestamp(found["first"]).date() if day and records else None,
        pd.Timestamp(found["last"]).date() if day and records else None,
        len(warehouse.partitions(table)),
        size,
    )


def _judged(sessions: np.ndarray, daily: pd.Series) -> np.ndarray:
    """The sessions on which bars can be expected: up to the last day that has any."""
    if not len(daily) or not len(sessions):
        return sessions[:0]
    last = daily.index.to_numpy("datetime64[D]").max()
    return sessions_between(sessions, Window(sessions[0].item(), max(last, sessions[0]).item()))


def _years(
    judged: np.ndarray, absent: np.ndarray, held: pd.DataFrame, rejected: pd.DataFrame
) -> tuple[YearFacts, ...]:
    columns: tuple[dict[int, int], ...] = (
        _by_year(judged),
        _by_year(absent),
        _counts(held.groupby("year")["rows"].sum()),
        _counts(held.groupby("year")["symbol"].nunique()),
        _gaps(judged, held),
        _counts(rejected.groupby("year")["rows"].sum()),
    )
    years = sorted({year for column in columns for year in column})
    return tuple(YearFacts(year, *(column.get(year, 0) for column in columns)) for year in years)


def _counts(by_year: pd.Series) -> dict[int, int]:
    return {int(year): int(count) for year, count in zip(by_year.index, by_year, strict=True)}


def _by_year(days: np.ndarray) -> dict[int, int]:
    years, counts = np.unique(days.astype("datetime64[Y]").astype(int) + 1970, return_counts=True)
    return dict(zip(years.tolist(), counts.tolist(), strict=True))


def _gaps(judged: np.ndarray, held: pd.DataFrame) -> dict[int, int]:
    """By year the sessions that symbols lack between their first and their last bar."""
    if not len(held) or not len(judged):
        return {}
    spans = held.groupby("symbol").agg(first=("first", "min"), last=("last", "max"))
    firsts, lasts = (spans[name].to_numpy("datetime64[D]")[:, None] for name in ("first", "last"))
    years = np.arange(judged[0].astype("datetime64[Y]"), judged[-1].astype("datetime64[Y]") + 1)
    begin = np.maximum(firsts, years.astype("datetime64[D]"))
    end = np.minimum(lasts, (years + 1).astype("datetime64[D]") - 1)
    after = np.searchsorted(judged, end, "right")
    expected = np.maximum(after - np.searchsorted(judged, begin, "left"), 0).sum(axis=0)
    bars = held.groupby("year")["rows"].sum()
    return {
        int(year): max(int(count) - int(bars.get(year, 0)), 0)
        for year, count in zip(years.astype(int) + 1970, expected, strict=True)
    }


def _samples(
    warehouse: "Warehouse", market: str, tables: dict[str, TableFacts]
) -> dict[str, pa.Table]:
    """Some rows of the last day of the tables that people want to see rows of."""
    found = {}
    for name in (BARS, QUARANTINE):
        last = tables[name].last if name in tables else None
        if last is not None:
            rows = warehouse.read(f"{market}/{name}", Window(last, last))
            found[name] = rows.slice(0, SAMPLED)
    return found
