"""Trading on target weights: from decisions to returns, trades and positions, costs included.

Here stand the rules of the simulation, its checks and its tables; the loop itself is compiled in
`kernels.py`. Where weights come from is not known here.

The rules, for each session t:

1. Prices are adjusted for splits and dividends, so a position earns the total return. Positions
   are valued at the price of execution: the open of t (`next_open`) or its close (`next_close`).
2. What was decided at the close of t-1 is traded now. Targets are shares of the equity that is
   left after the costs of reaching them (a fixed point): full investment leaves no debt.
3. Costs are a share of the traded value, bought or sold, and come out of cash.
4. A symbol without a bar, or with a volume of 0, cannot be traded: its order is dropped and
   counted, the position stays as it is until the next decision. If purchases then cost more than
   the cash there is, all of them are scaled down alike; cash is not borrowed.
5. Positions are valued at the close; without a bar at the last close.
6. A position without a bar for `stale_sessions` sessions is closed at its last close, with the
   usual costs, at the end of that session: only then is it known.

Cash earns nothing and short positions cost nothing but their trades. Without a decision positions
drift. If the capital is lost, the simulation ends on that session.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import FloatArray, Panel, date_column
from quant_assets.settings import Costs

Execution = Literal["next_open", "next_close"]


@dataclass(frozen=True)
class Ledger:
    """The account by session, in units of the initial capital; each of shape (S,).

    At every close equity = cash + sum of positions, and cash changes only by trades and costs.
    """

    dates: np.ndarray
    cash: FloatArray
    equity: FloatArray
    equity_before: FloatArray
    """Equity before the session's orders, at the prices of execution."""


@dataclass(frozen=True)
class Simulation:
    """What came of the decisions; the tables have the columns of the warehouse but `strategy`.

    Attributes:
        returns: one row a session, from the session after the first decision on. cost and the
            returns are shares of the equity at the close before, turnover of the equity before the
            orders; gross_return = net_return + cost; turnover counts purchases plus sales.
        trades: weights and cost are shares of the equity before the session's orders, so
            weight_before + traded_weight = weight_after.
        positions: weights at the close, of the symbols held.
        ledger: the account behind them.
        orders: executed orders.
        dropped: orders for symbols that did not trade on the session.
        scaled: sessions on which purchases were scaled down for want of cash.
        stale: positions closed at their last close for want of bars.
        ruined: the session on which the capital was lost, if it was.
    """

    returns: pa.Table
    trades: pa.Table
    positions: pa.Table
    ledger: Ledger
    orders: int
    dropped: int
    scaled: int
    stale: int
    ruined: date | None


def simulate(
    weights: FloatArray,
    prices: Panel,
    costs: Costs,
    initial: float = 1.0,
    execution: Execution = "next_open",
    stale_sessions: int = 10,
) -> Simulation:
    """Trade on target weights.

    Args:
        weights: (T, N), row t decided at the close of t; a row of NaN is no decision.
        prices: adjusted `open`, `close` and `volume` on every session of the market, (T, N); NaN
            where there is no bar. A bar without a close is none.
        costs: commission and slippage in basis points of the traded value.
        initial: capital at the start.
        execution: trade at the open or at the close of the session after the decision.
        stale_sessions: sessions without a bar after which a position is closed.

    Raises:
        ValueError: shapes that do not fit, weights that are infinite or decided in part only.
    """
    decided = decisions(weights, prices)
    if execution not in ("next_open", "next_close"):
        raise ValueError(
            f"execution must be 'next_open' or 'next_close'. Got {execution!r} instead."
        )
    if not (initial > 0 and stale_sessions >= 1):
        raise ValueError(
            f"initial must be above 0 and stale_sessions at least 1. "
            f"Got {initial} and {stale_sessions} instead."
        )
    from quant_assets.backtests.kernels import trade_targets
    from quant_assets.compiled import warm_up

    warm_up()
    # Before the first decision there is nothing to simulate; symbols never held cost only time.
    first = int(np.argmax(decided)) if decided.any() else len(decided)
    held = np.flatnonzero((np.nan_to_num(weights) != 0).any(axis=0))
    symbols = prices.symbols[held]
    close = np.ascontiguousarray(prices["close"][first:, held])
    quoted = prices["open" if execution == "next_open" else "close"][first:, held]
    price = np.where(close > 0, quoted, np.nan)
    sessions, count = close.shape
    equity, cash, equity_before = (np.zeros(sessions) for _ in range(3))
    before, traded, trade_price, value = (np.zeros((sessions, count)) for _ in range(4))
    counts = np.zeros((sessions, 4), np.int64)
    rate = (costs.commission_bps + costs.slippage_bps) * 1e-4
    lived: int = trade_targets(
        np.ascontiguousarray(weights[first:, held], np.float64),
        decided[first:],
        price,
        close,
        np.ascontiguousarray(prices["volume"][first:, held]),
        rate,
        initial,
        stale_sessions,
        equity,
        cash,
        equity_before,
        before,
        traded,
        trade_price,
        value,
        counts,
    )
    rows = slice(1, lived)
    dates = prices.dates[first:][rows]
    ledger = Ledger(dates, cash[rows], equity[rows], equity_before[rows])
    ruined = lived > 0 and bool(equity[lived - 1] <= 0)
    if ruined:
        value[lived - 1] = 0.0
    orders, dropped, scaled, stale = (int(n) for n in counts[rows].sum(axis=0))
    return Simulation(
        _returns(ledger, initial, rate, traded[rows], value[rows]),
        _trades(ledger, symbols, rate, before[rows], traded[rows], trade_price[rows]),
        _positions(ledger, symbols, value[rows]),
        ledger,
        orders,
        dropped,
        scaled,
        stale,
        dates[-1].astype(object) if ruined else None,
    )


def decisions(weights: FloatArray, prices: Panel) -> np.ndarray:
    """In which rows something was decided: bool, shape (T,); checks the weights on the way."""
    if weights.shape != prices.shape:
        raise ValueError(
            f"weights must have the shape of the prices {prices.shape} (sessions, symbols). "
            f"Got {weights.shape} instead."
        )
    known = ~np.isnan(weights)
    decided: np.ndarray = np.any(known, axis=1)
    faulty: np.ndarray = np.where(known, np.isinf(weights), decided[:, None])
    if faulty.any():
        t, i = (int(at[0]) for at in np.nonzero(faulty))
        raise ValueError(
            f"weights of {prices.dates[t]} must all be finite (0 is not held) or all NaN (no "
            f"decision). Got {weights[t, i]} for {prices.symbols[i]} instead."
        )
    return decided


def _returns(
    ledger: Ledger, initial: float, rate: float, traded: FloatArray, value: FloatArray
) -> pa.Table:
    turned = np.abs(traded).sum(axis=1)
    previous = np.concatenate([[initial], ledger.equity[:-1]])
    cost = rate * turned / previous
    net = ledger.equity / previous - 1.0
    return pa.table(
        {
            "date": date_column(ledger.dates),
            "gross_return": net + cost,
            "cost": cost,
            "net_return": net,
            "turnover": _share(turned, ledger.equity_before),
            "exposure": _share(np.abs(value).sum(axis=1), ledger.equity),
            "positions": pa.array((value != 0).sum(axis=1), pa.int32()),
            "equity": ledger.equity,
        }
    )


def _trades(
    ledger: Ledger,
    symbols: np.ndarray,
    rate: float,
    before: FloatArray,
    traded: FloatArray,
    trade_price: FloatArray,
) -> pa.Table:
    rows, columns = np.nonzero(traded)
    equity = ledger.equity_before[rows]
    weight_before = before[rows, columns] / equity
    traded_weight = traded[rows, columns] / equity
    return pa.table(
        {
            "date": date_column(ledger.dates[rows]),
            "symbol": _names(symbols, columns),
            "weight_before": weight_before,
            "weight_after": weight_before + traded_weight,
            "traded_weight": traded_weight,
            "price": trade_price[rows, columns],
            "cost": rate * np.abs(traded_weight),
        }
    )


def _positions(ledger: Ledger, symbols: np.ndarray, value: FloatArray) -> pa.Table:
    rows, columns = np.nonzero(value)
    return pa.table(
        {
            "date": date_column(ledger.dates[rows]),
            "symbol": _names(symbols, columns),
            "weight": value[rows, columns] / ledger.equity[rows],
        }
    )


def _names(symbols: np.ndarray, columns: np.ndarray) -> pa.Array:
    return pc.take(pa.array(symbols.astype(object), pa.string()), pa.array(columns))


def _share(amount: FloatArray, equity: FloatArray) -> FloatArray:
    """Amounts as shares of equity, 0 where the capital was lost."""
    return np.where(equity > 0, amount / np.where(equity > 0, equity, 1.0), 0.0)
