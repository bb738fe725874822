"""Minute bars: which raw rows are fit for use, and whether they add up to the day's bar.

Here lives the screening by the exchange's hours (lunch break, opening auction) and by the facts of
a bar. Reading is the business of sources/. Nothing vanishes: every row is a bar or in quarantine
with its reason.

A bar is named by its end, which is when it was known. Bars of the auction before the open are those
that end in the quarter of an hour before it or at it. Vendors without them put what the auction
matched into the first minute, or leave it out; the closing auction is in the last minute.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.calendars import exchange_days, exchange_hours
from quant_assets.market_data.facts import EXAMPLES, Finding
from quant_assets.market_data.panels import session_dates
from quant_assets.settings import Market
from quant_assets.warehouse.schemas import schema_of

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume", "turnover")
# `session` answers for the row, `date` is the local date of its time. `exchange` is the vendor's.
RAW_MINUTES = pa.schema(
    [
        pa.field("session", pa.date32(), nullable=False),
        pa.field("date", pa.date32(), nullable=False),
        pa.field("symbol", pa.string()),
        pa.field("exchange", pa.string()),
        pa.field("timestamp", pa.timestamp("ns", "UTC"), nullable=False),
        *(pa.field(name, pa.float64()) for name in VALUES),
        pa.field("file", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
    ]
)
_BARS = schema_of("minute_bars").arrow
_QUARANTINE = schema_of("minute_quarantine").arrow
_OPENING_AUCTION = np.timedelta64(15, "m")
_HALF_TICK = 0.005
# The opening auction, and trading at the closing price after hours, may have no minute.
_LACKING = 0.02
_ROUNDING = 1e-6

_Values = dict[str, np.ndarray]
RULES: dict[str, Callable[[_Values], np.ndarray]] = {
    "missing_price": lambda v: ~np.logical_and.reduce([np.isfinite(v[n]) for n in PRICES]),
    "non_positive_price": lambda v: np.logical_or.reduce([v[n] <= 0 for n in PRICES]),
    "inconsistent_ohlc": lambda v: (
        (v["high"] < np.fmax(v["open"], v["close"]))
        | (v["low"] > np.fmin(v["open"], v["close"]))
        | (v["high"] < v["low"])
    ),
    "missing_volume": lambda v: ~np.isfinite(v["volume"]),
    "negative_volume": lambda v: (v["volume"] < 0) | (v["turnover"] < 0),
}


@dataclass(frozen=True)
class Screened:
    """Minute bars sorted by symbol and time, and the rejected rows by file and row."""

    bars: pa.Table
    quarantine: pa.Table


def screen(raw: pa.Table, market: Market) -> Screened:
    """Sort raw minute bars into bars and quarantine.

    Args:
        raw: RAW_MINUTES.
        market: gives the calendar and its hours.
    """
    values = {name: raw[name].to_numpy().astype(np.float64) for name in VALUES}
    reasons = np.full(raw.num_rows, "", object)

    def reject(reason: str, broken: np.ndarray) -> None:
        reasons[broken & (reasons == "")] = reason

    reject("missing_symbol", pc.is_null(raw["symbol"]).to_numpy())
    reject("off_calendar", pc.not_equal(raw["date"], raw["session"]).to_numpy())
    reject("outside_hours", ~_within_hours(raw, market))
    for name, rule in RULES.items():
        with np.errstate(invalid="ignore"):
            reject(name, rule(values))
    copies, conflicts = _repeated(raw, values, reasons == "")
    reject("duplicate_key", copies)
    reject("conflicting_duplicate", conflicts)
    good = raw.filter(pa.array(reasons == ""))
    bars = pa.table(
        {"date": good["session"], **{n: good[n] for n in _BARS.names if n != "date"}},
        schema=_BARS,
    ).sort_by([("date", "ascending"), ("symbol", "ascending"), ("timestamp", "ascending")])
    bad = raw.filter(pa.array(reasons != ""))
    told = {
        "date": bad["session"],
        "reason": pa.array(reasons[reasons != ""].tolist(), pa.string()),
        "file": bad["file"].cast(pa.string()),
        **{n: _finite(bad[n]) for n in VALUES},
        **{n: bad[n] for n in ("symbol", "timestamp", "row")},
    }
    quarantine = pa.table({n: told[n] for n in _QUARANTINE.names}, schema=_QUARANTINE)
    return Screened(bars, quarantine.sort_by([("date", "ascending")]))


def within_daily_bars(minutes: pa.Table, bars: pa.Table) -> Finding:
    """No minute contradicts its day: prices in its range, no more volume, and the day's last price.

    Not judged is whether the minutes reach the day's open, high and low: many vendors build them
    from snapshots, which miss the opening auction and single trades. Of the day's volume and
    turnover they may lack _LACKING.

    Args:
        minutes: table `minute_bars`.
        bars: table `bars` of the same days; days and symbols without minutes are not judged.
    """
    traded = minutes.filter(pc.greater(minutes["volume"], 0)).sort_by("timestamp")
    sums = traded.group_by(["date", "symbol"], use_threads=False).aggregate(
        [("high", "max"), ("low", "min"), ("close", "last"), ("volume", "sum"), ("turnover", "sum")]
    )
    daily = bars.select(["date", "symbol", *VALUES[1:]])
    both = sums.join(daily, ["date", "symbol"], join_type="inner").sort_by(
        [("date", "ascending"), ("symbol", "ascending")]
    )

    def pair(name: str, how: str) -> tuple[np.ndarray, np.ndarray]:
        """(of the minutes, of the day); comparisons with NaN are false."""
        mine, its = both[f"{name}_{how}"], both[name]
        return mine.to_numpy().astype(np.float64), its.to_numpy().astype(np.float64)

    high, low, close = pair("high", "max"), pair("low", "min"), pair("close", "last")
    outside = {
        "high": (high, high[0] > high[1] + _HALF_TICK),
        "low": (low, low[0] < low[1] - _HALF_TICK),
        "close": (close, np.abs(close[0] - close[1]) > _HALF_TICK),
    }
    for name in ("volume", "turnover"):
        mine, its = pair(name, "sum")
        odd = (mine > its * (1 + _ROUNDING)) | (mine < its * (1 - _LACKING))
        outside[name] = ((mine, its), odd)
    wrong = np.logical_or.reduce([odd for _, odd in outside.values()])
    examples = []
    for row in np.flatnonzero(wrong)[:EXAMPLES].tolist():
        faults = [
            f"{name} {mine[row]:.10g} against {its[row]:.10g}"
            for name, ((mine, its), odd) in outside.items()
            if odd[row]
        ]
        day, symbol = both["date"][row].as_py(), both["symbol"][row].as_py()
        examples.append(f"{day} {symbol}: minutes against the day: {', '.join(faults)}")
    return Finding(both.num_rows, int(wrong.sum()), tuple(examples))


def _within_hours(raw: pa.Table, market: Market) -> np.ndarray:
    """Whether each row ends within trading, or within the opening auction."""
    hours = exchange_hours(market)
    places = np.searchsorted(exchange_days(market), session_dates(raw["session"]))
    ends = raw["timestamp"].cast(pa.timestamp("ns")).to_numpy()
    opens, closes = hours.opens[places], hours.closes[places]
    pause, resume = hours.break_starts[places], hours.break_ends[places]
    # comparisons with NaT are false: no lunch break
    at_lunch = (ends > pause) & (ends <= resume)
    within: np.ndarray = (ends > opens - _OPENING_AUCTION) & (ends <= closes) & ~at_lunch
    return within


def _repeated(raw: pa.Table, values: _Values, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Among clean rows: (further copies of a row, rows of one key that disagree)."""
    copies, conflicts = np.zeros(len(clean), bool), np.zeros(len(clean), bool)
    order = np.flatnonzero(clean)
    if not len(order):
        return copies, conflicts
    taken = raw["symbol"].combine_chunks().dictionary_encode()
    if isinstance(taken, pa.ChunkedArray):
        taken = taken.combine_chunks()
    codes = pc.fill_null(taken.indices, -1).to_numpy(zero_copy_only=False)
    times = raw["timestamp"].cast(pa.int64()).to_numpy()
    order = order[np.lexsort((order, times[order], codes[order]))]
    same = (codes[order][1:] == codes[order][:-1]) & (times[order][1:] == times[order][:-1])
    begins = np.append(True, ~same)
    group = np.cumsum(begins) - 1
    first = order[begins][group]
    differs = np.zeros(len(order), bool)
    for column in values.values():
        mine, other = column[order], column[first]
        differs |= (mine != other) & ~(np.isnan(mine) & np.isnan(other))
    disagree = np.bincount(group, differs)[group] > 0
    copies[order] = ~begins & ~disagree
    conflicts[order] = disagree
    return copies, conflicts


def _finite(column: pa.ChunkedArray) -> pa.Array:
    values = column.to_numpy().astype(np.float64)
    return pa.array(np.where(np.isfinite(values), values, np.nan), from_pandas=True)
