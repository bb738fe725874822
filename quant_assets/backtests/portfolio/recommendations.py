"""The daily recommendations: each day's candidates, and the orders for the next session.

The way from the warehouse's tables to the candidates of `construction.py` and back stands here.
The state is the day before: its target weights, moved by the day's returns, are what is held. A day
whose previous session has no rows starts from cash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.backtests.market_value import MarketValues, float_values
from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.construction import (
    Construction,
    Order,
    construct,
    left_alone,
)
from quant_assets.backtests.portfolio.history import History
from quant_assets.market_data.panels import FloatArray, Panel, session_dates
from quant_assets.settings_portfolio import PortfolioSettings
from quant_assets.settings_trading import Trading

# So many times the names that are held are looked at on a side; limits pass over some of them.
CONSIDERED = 4
UNIVERSE = (
    *("date", "symbol", "sector", "industry", "member", "average_turnover"),
    *("halted", "limit_up", "limit_down"),
)
BARS = ("date", "symbol", "close", "price_factor")
# What market values follow from, where a market has them; of the bars and of `valuations`.
VALUE = "turnover"
VALUATIONS = ("date", "symbol", "turnover_rate")

Number = float | int | str


@dataclass(frozen=True)
class Recommended:
    """Rows of the table `recommendations`, and what a run report says of them."""

    table: pa.Table
    summary: dict[str, Number]


@dataclass(frozen=True)
class _Day:
    """What is known on one day: score and confidence, the universe, prices as traded, values."""

    scores: dict[str, tuple[float, float]]
    universe: pa.Table
    prices: dict[str, float]
    history: History
    market: MarketValues


def recommend(
    scores: pa.Table,
    bars: pa.Table,
    universe: pa.Table,
    previous: pa.Table | None,
    sessions: np.ndarray,
    days: np.ndarray,
    settings: PortfolioSettings,
    trading: Trading,
    annualization: int,
    valuations: pa.Table | None = None,
) -> Recommended:
    """The orders of each day for the session after it.

    A row is a security that is held, to be bought, or was ranked high enough and cut. Prices and
    quantities are in shares as traded, weights in shares of equity, volatilities a year.

    Args:
        scores: date, symbol, score, confidence (see `scores.py`).
        bars: table `adjusted_bars`, the columns BARS (and VALUE with valuations), from
            `settings.lookback` sessions before the first day on.
        universe: table `universe` of the days, the columns UNIVERSE.
        previous: rows of `recommendations` of the session before the first day.
        sessions: of the bars, ascending, `datetime64[D]`.
        days: of the sessions, those to make orders on, ascending.
        settings: method, sizes, limits.
        trading: capital, lot, band.
        annualization: sessions a year.
        valuations: table `valuations` of the sessions, the columns VALUATIONS: the market values
            of Black and Litterman's prior; without it traded values stand in for them.
    """
    fields = ["close", "price_factor", *([] if valuations is None else [VALUE])]
    prices = Panel.from_table(bars, fields, sessions)
    values = None if valuations is None else float_values(prices, valuations)
    held = _weights(previous)
    scored, known = _Days(scores), _Days(universe)
    rows: list[tuple[np.datetime64, Order]] = []
    made: list[Construction] = []
    for day in days:
        universe_of_day, rows_of_day = known.of(day), _until(prices, day, settings.lookback)
        today = _Day(
            _pairs(scored.of(day)),
            universe_of_day,
            _raw_prices(prices, day),
            History(prices.symbols, prices["close"][rows_of_day]),
            MarketValues.traded(universe_of_day)
            if values is None
            else MarketValues.latest(prices.symbols, values[rows_of_day]),
        )
        held, closed = _moved(held, today)
        for order in closed:  # what is closed today is not ordered today
            today.scores.pop(order.symbol, None)
        done = _orders(held, today, settings, trading, annualization)
        made.append(done)
        rows += [(day, order) for order in (*done.orders, *closed)]
        held = {order.symbol: order.target for order in done.orders if order.target != 0}
    summary = _summary(made, days, previous)
    if made and settings.method == "black_litterman":
        summary["prior"] = today.market.source
    return Recommended(_table(rows), summary)


def _orders(
    held: Mapping[str, float],
    today: _Day,
    settings: PortfolioSettings,
    trading: Trading,
    annualization: int,
) -> Construction:
    candidates = _candidates(held, today, settings, annualization)
    if not today.scores:  # nothing is known of the day, and to sell everything would be a bet
        return left_alone(candidates, "no scores on the day: positions are left alone")
    return construct(candidates, settings, trading.lot, trading.capital, trading.band)


def _candidates(
    held: Mapping[str, float], today: _Day, settings: PortfolioSettings, annualization: int
) -> Candidates:
    ranked = _ranked(today)
    ranks = {symbol: place + 1 for place, symbol in enumerate(ranked)}
    most = CONSIDERED * settings.names
    ends = ranked[:most] if settings.direction == "long_only" else ranked[:most] + ranked[-most:]
    symbols = sorted({*ends, *held})
    covariance, correlation, reasons = today.history.covariances(symbols, settings, annualization)
    values = np.array([today.scores[symbol][0] for symbol in ranked])
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    mean = float(values.mean()) if len(values) else 0.0
    scores = np.array([today.scores.get(symbol, (np.nan, np.nan))[0] for symbol in symbols])
    standard = (scores - mean) / spread if spread > 0 else np.where(np.isnan(scores), np.nan, 0.0)
    reach = settings.information_coefficient * np.sqrt(annualization / settings.horizon)
    known = _of_symbols(today.universe, symbols)
    rows = [known.get(symbol, {}) for symbol in symbols]
    halts = [_halted(symbol, row, today) for symbol, row in zip(symbols, rows, strict=True)]
    return Candidates(
        tuple(symbols),
        np.array([ranks.get(symbol, 0) for symbol in symbols], np.int64),
        scores,
        np.array([today.scores.get(symbol, (np.nan, np.nan))[1] for symbol in symbols]),
        np.nan_to_num(reach * np.sqrt(covariance.diagonal()) * standard),
        covariance,
        correlation,
        tuple(_text(row.get(settings.limits.sectors_by)) for row in rows),
        np.array([held.get(symbol, 0.0) for symbol in symbols]),
        np.array([today.prices.get(symbol, np.nan) for symbol in symbols]),
        np.array([today.market.values.get(symbol, np.nan) for symbol in symbols]),
        tuple(
            reason or (None if row.get("member") else "not a member of the universe")
            for reason, row in zip(reasons, rows, strict=True)
        ),
        tuple(
            halt or ("closed at its upper limit" if row.get("limit_up") else None)
            for halt, row in zip(halts, rows, strict=True)
        ),
        tuple(
            halt or ("closed at its lower limit" if row.get("limit_down") else None)
            for halt, row in zip(halts, rows, strict=True)
        ),
    )


def _ranked(today: _Day) -> list[str]:
    """Symbols by their scores, highest first; of equal ones the calmest, then by the alphabet.

    Strategies that weigh equally score many the same, and the alphabet is no reason to hold one.
    """
    symbols = sorted(today.scores)
    calm = today.history.volatilities(symbols)
    keys = [(-today.scores[symbol][0], calm[place]) for place, symbol in enumerate(symbols)]
    return [symbols[place] for place in sorted(range(len(symbols)), key=keys.__getitem__)]


def _halted(symbol: str, row: Mapping[str, Any], today: _Day) -> str | None:
    if row.get("halted"):
        return "halted"
    return None if symbol in today.prices else "no bar on the day"


def _moved(held: Mapping[str, float], today: _Day) -> tuple[dict[str, float], list[Order]]:
    """The weights that yesterday's targets have become, without those that no longer trade.

    A position without a bar that the universe no longer lists (a halt, however long, ends no
    listing) counts as paid out at its last close: it has a row of its own and is cash from then on.
    Where the day's returns have lost all of equity, every position has such a row.
    """
    symbols = sorted(held)
    weights = np.array([held[symbol] for symbol in symbols])
    growth = today.history.growth(symbols)
    equity = 1.0 + float((weights * (growth - 1.0)).sum())
    if equity <= 0:
        lost = f"equity: the day's returns lost {1.0 - equity:.0%} of it, so it begins anew as cash"
        return {}, [_closed(symbol, held[symbol], lost) for symbol in symbols]
    moved = weights * growth / equity
    absent = today.history.sessions_without_bar(symbols)
    listed = set(today.universe["symbol"].to_pylist())
    kept, closed = {}, []
    for symbol, weight, age in zip(symbols, moved.tolist(), absent.tolist(), strict=True):
        if age and symbol not in listed:
            reason = f"stale: no bar for {age} sessions, taken as paid out at the last close"
            closed.append(_closed(symbol, weight, reason))
        else:
            kept[symbol] = weight
    return kept, closed


def _closed(symbol: str, weight: float, reason: str) -> Order:
    """The row of a position that is no more."""
    nan = float("nan")
    return Order(symbol, None, nan, nan, nan, None, 0.0, weight, 0.0, 0.0, nan, "closed", (reason,))


def _weights(rows: pa.Table | None) -> dict[str, float]:
    """Target weights by symbol, those that are not 0."""
    if rows is None or not rows.num_rows:
        return {}
    pairs = zip(rows["symbol"].to_pylist(), rows["target_weight"].to_pylist(), strict=True)
    return {symbol: weight for symbol, weight in pairs if weight}


class _Days:
    """A table day by day."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table.sort_by([("date", "ascending"), ("symbol", "ascending")])
        self._dates = session_dates(self._table["date"])

    def of(self, day: np.datetime64) -> pa.Table:
        """The rows of a day, by symbol."""
        first, stop = np.searchsorted(self._dates, [day, day + 1])
        return self._table.slice(int(first), int(stop - first))


def _pairs(scores: pa.Table) -> dict[str, tuple[float, float]]:
    """Score and confidence by symbol, of those that have a score."""
    columns = [scores[name].to_pylist() for name in ("symbol", "score", "confidence")]
    return {
        symbol: (score, confidence)
        for symbol, score, confidence in zip(*columns, strict=True)
        if score is not None and np.isfinite(score)
    }


def _of_symbols(universe: pa.Table, symbols: list[str]) -> dict[str, dict[str, Any]]:
    """The rows of some symbols."""
    wanted = pc.is_in(universe["symbol"], pa.array(symbols, pa.string()))
    return {row["symbol"]: row for row in universe.filter(wanted).to_pylist()}


def _raw_prices(prices: Panel, day: np.datetime64) -> dict[str, float]:
    """The closes of the day as traded, of the securities with a bar."""
    t = int(np.searchsorted(prices.dates, day))
    raw: FloatArray = prices["close"][t] / prices["price_factor"][t]
    there = np.flatnonzero(np.isfinite(raw))
    return {str(prices.symbols[place]): float(raw[place]) for place in there}


def _until(prices: Panel, day: np.datetime64, lookback: int) -> slice:
    """The rows of a day and of the `lookback` sessions before it."""
    t = int(np.searchsorted(prices.dates, day))
    return slice(max(t - lookback, 0), t + 1)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _table(rows: list[tuple[np.datetime64, Order]]) -> pa.Table:
    orders = [order for _, order in rows]

    def numbers(name: str) -> pa.Array:
        return pa.array([getattr(order, name) for order in orders], pa.float64(), from_pandas=True)

    table = pa.table(
        {
            "date": pa.array([day.item() for day, _ in rows], pa.date32()),
            "symbol": pa.array([order.symbol for order in orders], pa.string()),
            "rank": pa.array([order.rank for order in orders], pa.int32()),
            "score": numbers("score"),
            "confidence": numbers("confidence"),
            "volatility": numbers("volatility"),
            "sector": pa.array([order.sector for order in orders], pa.string()),
            "unconstrained_weight": numbers("unconstrained"),
            "previous_weight": numbers("previous"),
            "target_weight": numbers("target"),
            "change": numbers("change"),
            "side": pa.array([order.side for order in orders], pa.string()),
            "quantity": numbers("quantity"),
            "price": numbers("price"),
            "status": pa.array([order.status for order in orders], pa.string()),
            "reasons": pa.array(["; ".join(order.reasons) for order in orders], pa.string()),
        }
    )
    return table.sort_by([("date", "ascending"), ("symbol", "ascending")])


def _summary(
    made: list[Construction], days: np.ndarray, previous: pa.Table | None
) -> dict[str, Number]:
    if not made:
        return {"sessions": 0}
    last = made[-1]
    return {
        "sessions": len(made),
        "sessions_with_orders": sum(any(o.quantity for o in each.orders) for each in made),
        "starts_from": "cash" if previous is None or not previous.num_rows else "the day before",
        "last_session": str(days[-1]),
        "positions": sum(order.target != 0 for order in last.orders),
        "orders": sum(order.quantity != 0 for order in last.orders),
        "gross": last.gross,
        "cash": last.cash,
        "turnover": last.turnover,
        "volatility": last.volatility,
    }


def of_day(table: pa.Table, day: date) -> pa.Table:
    """The rows of a day, in the order in which a reader wants them: best rank first."""
    rows = table.filter(pc.equal(table["date"], pa.scalar(day, pa.date32())))
    return rows.sort_by([("rank", "ascending"), ("symbol", "ascending")])
