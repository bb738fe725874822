"""Trading on target weights, share by share: from decisions to an account, orders and fills.

Here stand the rules of the simulation and its entry points; the loop itself is compiled in
`simulation_kernels.py`, what is traded on is in `trading_data.py` and the tables of the result are
in `simulation_tables.py`. Where weights come from is not known here, and what each rule may be set
to stands in `settings_trading.py`.

The rules, for each session t, in this order:

1. Overnight. Cash above 0 earns `cash_interest` x the risk-free rate known at the close of t-1: an
   effective annual rate, so (1 + rate) ** (calendar days / 365) - 1, and a year of it is the rate
   that metrics take off; what short sales brought is such cash too. Cash below 0 costs
   `margin_rate`, short positions cost `borrow_rate` on their value at the close of t-1: nominal
   rates x calendar days / 365.
2. Income tax. On the first session of a month the tax on the month before is paid: `rate` x (net
   gain of its sales - losses carried forward). Gains are measured against the average cost of the
   position, costs included on both sides. Nothing is due if the month's sales were at most
   `exempt_sales`, and then no loss is used up; a loss is carried forward in any case. Until then
   what would be due if the month ended now is owed: equity is less by it from the sale on, orders
   are sized by what remains, and what was owed at the close of t-1 buys nothing. A fund's net asset
   value is told so. Were the tax in equity until it is paid, the day of payment would have a loss
   that no price made, an account without cash would pay it on credit, and the last month's tax
   would be in no return. Gains that are not realised owe nothing, and losses later in the month
   lower what is owed again.
3. Events. A split multiplies the shares held; what is then less than a share is paid out at the
   last close where lots are traded, which the income tax takes for a sale. It multiplies orders
   that wait too: one that closes the position closes it still, any other is cut to whole lots, and
   told if nothing is left of it. Payments come on the ex-date, net of what is kept back; short
   positions pay them. A right to buy new shares is sold for what it is worth.
4. Decision. What was decided at the close of t-1 becomes orders: (target weight x equity - value
   of the position) / price, rounded to whole lots towards 0. Equity and values are those before
   the orders, at the prices of execution: the raw open (`next_open`) or close (`next_close`) of t;
   the last close where the symbol does not trade. A target of 0 closes the position, odd lots
   included. A gap of at most `band` x equity is left alone. A new decision cancels what waits.
   If the account is worth nothing at these prices, all orders are rejected, waiting ones too.
5. What can be done. A symbol without a bar, with a volume of 0 or halted does not trade; nothing is
   bought at the upper price limit and nothing sold at the lower one; what was bought fewer than
   `holding_sessions` sessions ago is not sold; an order is at most `max_volume_share` of the
   session's volume. What cannot be done is dropped, or waits with its quantity for the next session
   (`blocked_orders`).
6. Prices and costs. Slippage is in the price that is paid or got, at most half of the quoted one.
   Commission is paid on every fill, stamp tax on sales.
7. Cash. Sales come first. If the purchases cost more than there is then, all of them are made
   smaller alike, and rounded down to lots: cash is not borrowed, unless the weights sum to more
   than 1, and then by so much. What the account lacks for its costs is no order that failed, unless
   nothing is left of it; where sales were blocked the orders are told as partial. What was cut for
   want of cash does not wait.
8. Close. Positions are valued at the close, without a bar at the last one. A position without a
   bar for `stale_sessions` sessions (days that the exchange calls halted are no such sessions) is
   closed at its last close, with commission and stamp tax, at the end of that session: only then
   is it known.

A symbol trades once a session at most: what is bought is held overnight, so one session of
`holding_sessions` (T+1) always holds, and there are no day trades to be taxed apart. If the capital
is lost, the simulation ends on that session. With every session

    cash(t) = cash(t-1) + interest - borrow cost - tax + dividends
              - purchases + sales - commission - stamp tax,
    equity(t) = cash(t) + sum of shares x close - tax owed.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.backtests import simulation_codes as codes
from quant_assets.backtests import simulation_tables as tables
from quant_assets.backtests.account import Account
from quant_assets.backtests.trading_data import TradingData
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_trading import Trading

_DAYS_A_YEAR = 365.0
_NO_PANEL = np.zeros((0, 0))
_NO_FLAGS = np.zeros((0, 0), bool)


@dataclass(frozen=True)
class Simulation:
    """What came of the decisions; the tables have the columns of the warehouse but `strategy`.

    Attributes:
        data: what was traded on.
        rules: by which.
        first: row of the first decision; the account begins on the session after it.
        columns: the symbols that ever had a weight, as columns of the data, ascending.
        decided: bool (T,), the rows whose decisions were traded.
        account: the account by session.
        events: fills and what is told of orders.
        ruined: the session on which the capital was lost, if it was.
    """

    data: TradingData
    rules: Trading
    first: int
    columns: np.ndarray
    decided: np.ndarray
    account: Account
    events: tables.Events
    ruined: date | None

    @cached_property
    def returns(self) -> pa.Table:
        """Table `backtest`: a row a session, from the one after the first decision on."""
        return tables.returns_table(self.account)

    @cached_property
    def orders(self) -> pa.Table:
        """Table `backtest_orders`."""
        return tables.orders_table(self)

    @cached_property
    def fills(self) -> pa.Table:
        """Table `backtest_fills`."""
        return tables.fills_table(self)

    @cached_property
    def positions(self) -> pa.Table:
        """Table `backtest_positions`."""
        return tables.positions_table(self)


def simulate(weights: FloatArray, data: TradingData, rules: Trading) -> Simulation:
    """Trade on target weights.

    Args:
        weights: (T, N) float64, row t decided at the close of t; a row of NaN is no decision.
        data: the market on the same sessions and symbols.
        rules: of trading.

    Raises:
        ValueError: shapes that do not fit, weights that are infinite or decided in part only.
    """
    run = _prepared(weights, data, rules)
    rooms = run.sessions * len(run.columns)
    events = tables.Events.of_at_most(rooms, run.sessions)
    lived = run.trade(events, record=True)
    return Simulation(
        data,
        rules,
        run.first,
        run.columns,
        run.decided,
        Account(data.dates[run.first :][1:lived], rules.capital, run.series[1:lived]),
        events.ended(lived),
        _ruin(run, lived, data),
    )


def simulate_returns(weights: FloatArray, data: TradingData, rules: Trading) -> FloatArray:
    """The net returns of `simulate`, without events: for sweeps over many sets of parameters.

    Returns:
        (T,); NaN up to the session of the first decision, 0 after the capital was lost.
    """
    run = _prepared(weights, data, rules)
    lived = run.trade(tables.Events.of_at_most(0, run.sessions), record=False)
    returns = np.zeros(len(data.dates))
    returns[: run.first + 1] = np.nan
    account = Account(data.dates[run.first :][1:lived], rules.capital, run.series[1:lived])
    returns[run.first + 1 : run.first + lived] = account.net_return
    return returns


def decisions(weights: FloatArray, data: TradingData) -> tuple[np.ndarray, np.ndarray]:
    """In which rows something was decided (T,), and which symbols ever have a weight (N,); bool.

    Raises:
        ValueError: weights of another shape, infinite or decided in part only.
    """
    from quant_assets.backtests.simulation_kernels import scan
    from quant_assets.compiled import warm_up

    warm_up()
    if weights.shape != data.shape or weights.dtype != np.float64:
        raise ValueError(
            f"weights must be float64 of the shape of the prices {data.shape} (sessions, "
            f"symbols). Got {weights.dtype} of {weights.shape} instead."
        )
    decided, largest = np.zeros(len(weights), bool), np.zeros(weights.shape[1])
    fault = scan(np.ascontiguousarray(weights), decided, largest)
    if fault >= 0:
        t, i = divmod(fault, weights.shape[1])
        raise ValueError(
            f"weights of {data.dates[t]} must all be finite (0 is not held) or all NaN (no "
            f"decision). Got {weights[t, i]} for {data.symbols[i]} instead."
        )
    return decided, largest > 0


def traded_decisions(decided: np.ndarray, dates: np.ndarray, rules: Trading) -> np.ndarray:
    """The decisions that the calendar of the rules lets through, bool (T,)."""
    if rules.rebalance == "decided":
        return decided
    if rules.rebalance == "weekly":
        periods = (dates.astype("datetime64[D]").astype(np.int64) + 3) // 7  # day 0: a Thursday
    else:
        periods = dates.astype("datetime64[M]").astype(np.int64)
    rows = np.flatnonzero(decided)
    through = np.zeros(len(decided), bool)
    through[rows[np.unique(periods[rows], return_index=True)[1]]] = True
    return through


@dataclass(frozen=True)
class _Run:
    """The arguments of the kernel, from the first decision on."""

    first: int
    columns: np.ndarray
    decided: np.ndarray
    series: FloatArray
    given: tuple[Any, ...]
    numbers: FloatArray
    switches: np.ndarray

    @property
    def sessions(self) -> int:
        return len(self.series)

    def trade(self, events: tables.Events, record: bool) -> int:
        """Run the kernel; returns the sessions until the capital was lost, at most all."""
        from quant_assets.backtests.simulation_kernels import trade

        self.switches[codes.RECORD] = record
        rules = (self.numbers, self.switches)
        arguments: tuple[Any, ...] = (*self.given, *rules, self.series, *events.arrays)
        lived: int = trade(*arguments)
        return lived


def _prepared(weights: FloatArray, data: TradingData, rules: Trading) -> _Run:
    decided, held = decisions(weights, data)
    decided = traded_decisions(decided, data.dates, rules)
    # Before the first decision there is nothing to simulate; symbols never held cost only time.
    first = int(np.argmax(decided)) if decided.any() else len(decided)
    columns = np.flatnonzero(held)

    def panel(values: FloatArray | None) -> FloatArray:
        return _NO_PANEL if values is None else np.ascontiguousarray(values[first:])

    price = data.open if rules.execution == "next_open" else data.close
    halted = _NO_FLAGS if data.halted is None else np.ascontiguousarray(data.halted[first:])
    if not len(columns):  # nothing is ever held: cash only
        columns = np.zeros(0, np.int64)
    slippage = rules.slippage
    numbers = np.zeros(10)
    numbers[codes.CAPITAL] = rules.capital
    numbers[codes.COMMISSION] = rules.commission_bps * 1e-4
    numbers[codes.MINIMUM] = rules.minimum_commission
    numbers[codes.SPREAD], numbers[codes.IMPACT] = slippage.bps * 1e-4, slippage.coefficient
    numbers[codes.LOT], numbers[codes.BAND] = rules.lot, rules.band
    numbers[codes.VOLUME_SHARE] = rules.max_volume_share or np.inf
    if rules.income_tax is not None:
        numbers[codes.TAX_RATE] = rules.income_tax.rate
        numbers[codes.EXEMPT_SALES] = rules.income_tax.exempt_sales
    switches = np.zeros(6, np.int64)
    switches[codes.SLIPPAGE] = codes.SLIPPAGE_KINDS.index(slippage.kind)
    switches[codes.WAITS] = rules.blocked_orders == "wait"
    switches[codes.HOLDING] = rules.holding_sessions
    switches[codes.STALE] = rules.stale_sessions
    switches[codes.TAXED] = rules.income_tax is not None
    return _Run(
        first,
        columns,
        decided,
        np.zeros((len(decided) - first, codes.SERIES)),
        (
            np.ascontiguousarray(weights[first:]),
            decided[first:],
            *(panel(values) for values in (price, data.close, data.volume)),
            columns,
            halted,
            *(panel(values) for values in (data.upper, data.lower)),
            *(panel(values) for values in (data.average_turnover, data.volatility)),
            *tables.events_from(data, first, columns),
            *_rates(data, first, rules),
        ),
        numbers,
        switches,
    )


def _rates(data: TradingData, first: int, rules: Trading) -> tuple[np.ndarray, ...]:
    """By session: what cash earns, debt and short positions cost, stamp tax, the month."""
    dates = data.dates[first:]
    years = np.zeros(len(dates))
    years[1:] = np.diff(dates.astype("datetime64[D]").astype(np.int64)) / _DAYS_A_YEAR
    risk_free = np.zeros(len(dates))
    if data.risk_free_rate is not None and rules.cash_interest and len(dates):
        known = _carried_forward(data.risk_free_rate)[first:]
        risk_free[1:] = known[:-1]
    return (
        (1.0 + rules.cash_interest * risk_free) ** years - 1.0,
        rules.margin_rate * years,
        rules.borrow_rate * years,
        stamp_rates(dates, rules),
        dates.astype("datetime64[M]").astype(np.int64),
    )


def stamp_rates(dates: np.ndarray, rules: Trading) -> FloatArray:
    """The stamp tax of each session as a share of the sold value, shape (T,)."""
    starts = sorted(rules.stamp_tax_bps)
    found = np.searchsorted(np.array(starts, "datetime64[D]"), dates, "right") - 1
    bps = np.array([rules.stamp_tax_bps[day] for day in starts])
    return np.where(found >= 0, bps[np.maximum(found, 0)], 0.0) * 1e-4


def _carried_forward(values: FloatArray) -> FloatArray:
    """Missing values are the last known one, 0 before the first."""
    rows = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.accumulate(rows)
    return np.where(last >= 0, values[np.maximum(last, 0)], 0.0)


def _ruin(run: _Run, lived: int, data: TradingData) -> date | None:
    if not lived or run.series[lived - 1, codes.EQUITY] > 0:
        return None
    day: date = data.dates[run.first + lived - 1].astype("datetime64[D]").astype(object)
    return day
