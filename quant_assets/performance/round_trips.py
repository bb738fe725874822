"""Round trips: each position from its first purchase to its last sale, and what it earned.

Belongs here: the accounting of trips from the tables of positions and fills, and their summary.
A trip begins on the session after whose close a symbol is held, and ends with the session on which
it no longer is; a position that turns from long to short is two trips. Shares may change through
splits, which no fill tells: so trips are found in what was held, and only money in the fills.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import FloatArray, session_dates


@dataclass(frozen=True)
class RoundTrips:
    """Trips by the day of their beginning; every array of shape (K,).

    Attributes:
        symbols: of the trips.
        opened: first session, `datetime64[D]`.
        closed: session of the last sale; NaT where still held.
        sides: 1 long, -1 short.
        sessions: closes after which it was held.
        profit: money that came out less what went in, costs taken off, dividends not counted; of
            an open trip with the value at the last close.
        invested: money traded in the direction of the position, over the whole trip.
    """

    symbols: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    sides: np.ndarray
    sessions: np.ndarray
    profit: FloatArray
    invested: FloatArray

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def returns(self) -> FloatArray:
        """Profit as a share of what was invested; NaN where that is not known."""
        out = np.full(len(self), np.nan)
        np.divide(self.profit, self.invested, out=out, where=self.invested > 0)
        return out


@dataclass(frozen=True)
class TripSummary:
    """Figures of the closed trips; NaN where undefined."""

    closed: int
    open: int
    hit_rate: float
    profit_factor: float
    mean_sessions: float
    median_sessions: float
    mean_return: float
    mean_gain: float
    mean_loss: float


def round_trips(dates: np.ndarray, positions: pa.Table, fills: pa.Table) -> RoundTrips:
    """The trips of a backtest.

    Args:
        dates: all sessions of the backtest, `datetime64[D]`, ascending, shape (T,).
        positions: date, symbol, shares and value, a row a symbol held at a close.
        fills: date, symbol, quantity (negative: sold), price, commission and stamp_tax in money;
            slippage lies in the price.
    """
    names = pc.unique(positions["symbol"].combine_chunks()).sort()
    width = len(dates) + 2  # a gap between symbols, so that neighbours never touch
    key = _keys(positions, names, dates, width)
    order = np.argsort(key, kind="stable")
    key = key[order]
    shares = positions["shares"].to_numpy()[order]
    value = positions["value"].to_numpy()[order]
    side = np.sign(shares).astype(np.int64)
    begins = np.ones(len(key), bool)
    begins[1:] = (np.diff(key) != 1) | (np.diff(side) != 0)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(key)) - 1 if len(first) else first
    trip, money, cost, bought = _flows(fills, names, dates, width, key, shares, first, last)
    count = len(first)
    ends = key[last] % width
    held = ends == len(dates) - 1
    earned = np.bincount(trip, money - cost, count).astype(np.float64)
    profit = earned + np.where(held, value[last], 0.0)
    in_direction = np.where(np.sign(bought) == side[first][trip], np.abs(money), 0.0)
    closed = dates[np.minimum(ends + 1, len(dates) - 1)].astype("datetime64[D]")
    begun = np.argsort(key[first] % width, kind="stable")
    return RoundTrips(
        names.to_numpy(zero_copy_only=False)[key[first] // width][begun],
        dates[key[first] % width][begun],
        np.where(held, np.datetime64("NaT"), closed)[begun],
        side[first][begun],
        (last - first + 1)[begun],
        profit[begun],
        np.bincount(trip, in_direction, count).astype(np.float64)[begun],
    )


def summary(trips: RoundTrips) -> TripSummary:
    """Figures of the closed trips: hit rate, profit factor (gains over losses), holding times."""
    over = ~np.isnat(trips.closed)
    profit, returns, sessions = trips.profit[over], trips.returns[over], trips.sessions[over]
    gains, losses = profit > 0, profit < 0
    lost = -float(profit[losses].sum())
    return TripSummary(
        closed=int(over.sum()),
        open=int((~over).sum()),
        hit_rate=_mean(gains.astype(float)),
        profit_factor=float(profit[gains].sum()) / lost if lost > 0 else np.nan,
        mean_sessions=_mean(sessions),
        median_sessions=float(np.median(sessions)) if len(sessions) else np.nan,
        mean_return=_mean(returns[np.isfinite(returns)]),
        mean_gain=_mean(returns[gains & np.isfinite(returns)]),
        mean_loss=_mean(returns[losses & np.isfinite(returns)]),
    )


def _keys(table: pa.Table, names: pa.Array, dates: np.ndarray, width: int) -> np.ndarray:
    """One number a row, ascending by symbol and session; negative where it is neither's."""
    code = pc.index_in(table["symbol"], names).fill_null(-1).to_numpy().astype(np.int64)
    days = session_dates(table["date"])
    day = np.searchsorted(dates, days)
    known = (code >= 0) & (day < len(dates)) & (dates[np.minimum(day, len(dates) - 1)] == days)
    return np.where(known, code * width + day, -1)


def _flows(
    fills: pa.Table,
    names: pa.Array,
    dates: np.ndarray,
    width: int,
    key: np.ndarray,
    shares: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
) -> tuple[np.ndarray, FloatArray, FloatArray, FloatArray]:
    """Trip, money received, costs and quantity of each fill; one that turns a position is two.

    A fill belongs to the trip that is open before or after it. One that was bought and sold within
    a session belongs to none and is left out.
    """
    at = _keys(fills, names, dates, width)
    quantity = fills["quantity"].to_numpy()
    money = -quantity * fills["price"].to_numpy()
    cost = fills["commission"].to_numpy() + fills["stamp_tax"].to_numpy()
    if not len(first):
        nothing = np.zeros(0)
        return np.zeros(0, np.int64), nothing, nothing, nothing
    trip = np.searchsorted(key[first], at, side="right") - 1
    inside = (at >= 0) & (trip >= 0)
    inside &= at <= key[last[np.maximum(trip, 0)]] + 1
    trip, at, quantity, money, cost = (v[inside] for v in (trip, at, quantity, money, cost))
    before = np.maximum(trip - 1, 0)
    turns = (at == key[first[trip]]) & (trip > 0) & (key[last[before]] == at - 1)
    opening = np.where(turns, shares[first[trip]] / np.where(quantity == 0, 1.0, quantity), 1.0)
    part = np.clip(opening, 0.0, 1.0)
    rest = 1.0 - part[turns]
    return (
        np.concatenate([trip, before[turns]]),
        np.concatenate([money * part, money[turns] * rest]),
        np.concatenate([cost * part, cost[turns] * rest]),
        np.concatenate([quantity * part, quantity[turns] * rest]),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
