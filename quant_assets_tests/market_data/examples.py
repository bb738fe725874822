"""Small markets and tables that the tests of market data share."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.market_data.actions.events import ACTIONS_SCHEMA, event_table
from quant_assets.market_data.panels import date_column, session_dates
from quant_assets.market_data.sources.base import RAW_SCHEMA, SYMBOLS_SCHEMA
from quant_assets.settings import Market
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

# The first sessions of XNYS in 2024: the 1st is a holiday, the 6th and 7th a weekend.
DAYS = [date(2024, 1, d) for d in (2, 3, 4, 5, 8, 9, 10, 11, 12)]
SESSIONS = np.array(DAYS, "datetime64[D]")
WHOLE = Window(DAYS[0], DAYS[-1])


def market(**over: Any) -> Market:
    """A market on XNYS in January 2024; simulated unless `source` says otherwise."""
    block: dict[str, Any] = {
        "name": "test",
        "title": "Test market",
        "calendar": "XNYS",
        "timezone": "America/New_York",
        "currency": "USD",
        "start": DAYS[0],
        "end": DAYS[-1],
        "models_from": date(2024, 2, 1),
        "source": {"kind": "simulated"},
    }
    return Market.model_validate(block | over)


def files_market(path: object, **over: Any) -> Market:
    """A market of files; `columns`, `symbols` and the like go into its source."""
    known = {"columns", "format", "date_format", "symbols", "corporate_actions"}
    source = {"kind": "files", "path": str(path)} | {k: over.pop(k) for k in known & over.keys()}
    return market(source=source, **over)


def bar(day: date | None, symbol: str | None = "AAA", **over: Any) -> dict[str, Any]:
    """A raw row that breaks no rule, but for what `over` says."""
    row = {
        "session": day,
        "date": day,
        "symbol": symbol,
        "open": 10.0,
        "high": 11.0,
        "low": 9.0,
        "close": 10.5,
        "volume": 1000.0,
        "turnover": None,
        "file": "a.csv",
    }
    return row | over


def raw(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Raw rows; `row` counts within each file."""
    numbered = []
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["file"]] = counts.get(row["file"], 0) + 1
        numbered.append({"row": counts[row["file"]]} | dict(row))
    columns = {name: [row[name] for row in numbered] for name in RAW_SCHEMA.names}
    arrays = []
    for field in RAW_SCHEMA:
        column = pa.array(columns[field.name], pa.string() if field.name == "file" else field.type)
        arrays.append(column.dictionary_encode() if field.name == "file" else column)
    return pa.table(arrays, schema=RAW_SCHEMA)


def actions(
    *events: tuple[date, str, str, float | None, float | None], price: float | None = None
) -> pa.Table:
    """Corporate actions: (ex-date, symbol, kind, ratio, cash), all of one price."""
    names = ("ex_date", "symbol", "kind", "ratio", "cash")
    rows = [
        dict(zip(names, event, strict=True)) | {"price": price, "source": "test"}
        for event in events
    ]
    fields = [ACTIONS_SCHEMA.field(name) for name in (*names, "price", "source")]
    return event_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)))


def symbols(*names: str, first: Mapping[str, date] | None = None) -> pa.Table:
    """A list of symbols, all of one sector."""
    rows = [
        {"symbol": n, "sector": "S", "industry": "I", "first": (first or {}).get(n)} for n in names
    ]
    return pa.Table.from_pylist(rows, schema=SYMBOLS_SCHEMA)


def bars(days: np.ndarray, close: Mapping[str, Sequence[float]], volume: float = 100.0) -> pa.Table:
    """Bars with one price a day for each symbol; NaN is a day without a bar."""
    rows = []
    for symbol, prices in close.items():
        for day, price in zip(days.tolist(), prices, strict=True):
            if not np.isnan(price):
                rows.append((day, symbol, float(price)))
    rows.sort()
    prices_column = pa.array([price for _, _, price in rows], pa.float64())
    volumes = np.full(len(rows), volume)
    data = {
        "date": date_column(np.array([day for day, _, _ in rows], "datetime64[D]")),
        "symbol": pa.array([symbol for _, symbol, _ in rows], pa.string()),
        **dict.fromkeys(("open", "high", "low", "close"), prices_column),
        "volume": pa.array(volumes),
        "turnover": pa.array(prices_column.to_numpy() * volumes),
        "flags": pa.array([""] * len(rows), pa.string()),
    }
    return pa.table(data, schema=schema_of("bars").arrow)


def within(table: pa.Table, first: date, last: date) -> pa.Table:
    """The rows of a table from one day to another, by its `session` or `date` column."""
    name = "session" if "session" in table.column_names else "date"
    days = session_dates(table[name])
    keep = (days >= np.datetime64(first)) & (days <= np.datetime64(last))
    return table.filter(pa.array(keep, pa.bool_()))
