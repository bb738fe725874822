"""What happened in a simulation, as tables: returns, orders, fills and positions.

Here stand the compact arrays into which the kernel writes events, and the way from them to the
tables of the warehouse, which lack only the column `strategy`. Nothing is decided here: what is not
written down follows from what is (an order that was filled wanted what it got).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.backtests import simulation_codes as codes
from quant_assets.backtests.account import Account
from quant_assets.backtests.trading_data import TradingData
from quant_assets.market_data.panels import FloatArray, date_column

if TYPE_CHECKING:
    from quant_assets.backtests.simulation import Simulation

_STATUSES = ("filled", "partial", "waiting", "dropped", "rejected")


@dataclass(frozen=True)
class Events:
    """Fills, and orders of which more is to be told; those of session t lie at [start[t], …[t+1]).

    `column` is the place in the simulation's columns; quantities are below 0 for sales.
    """

    fill_start: np.ndarray
    fill_column: np.ndarray
    fill_quantity: FloatArray
    fill_price: FloatArray
    told_start: np.ndarray
    told_column: np.ndarray
    told_wanted: FloatArray
    told_reason: np.ndarray

    @classmethod
    def of_at_most(cls, rooms: int, sessions: int) -> "Events":
        """Room for so many fills and orders; what is not written to takes no memory."""
        return cls(
            fill_start=np.zeros(sessions + 1, np.int64),
            fill_column=np.empty(rooms + 1, np.int32),
            fill_quantity=np.empty(rooms + 1),
            fill_price=np.empty(rooms + 1),
            told_start=np.zeros(sessions + 1, np.int64),
            told_column=np.empty(rooms + 1, np.int32),
            told_wanted=np.empty(rooms + 1),
            told_reason=np.empty(rooms + 1, np.int8),
        )

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """In the order of the kernel's arguments."""
        return (
            self.fill_start,
            self.fill_column,
            self.fill_quantity,
            self.fill_price,
            self.told_start,
            self.told_column,
            self.told_wanted,
            self.told_reason,
        )

    def ended(self, sessions: int) -> "Events":
        """What was written in so many sessions."""
        fills, told = self.fill_start[sessions], self.told_start[sessions]
        return Events(
            self.fill_start[: sessions + 1],
            self.fill_column[:fills],
            self.fill_quantity[:fills],
            self.fill_price[:fills],
            self.told_start[: sessions + 1],
            self.told_column[:told],
            self.told_wanted[:told],
            self.told_reason[:told],
        )


def events_from(
    data: TradingData, first: int, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The events of the shares after row `first`, by rows since it and places in `columns`."""
    events = data.events
    if events is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    place = np.searchsorted(columns, events.column)
    found = place < len(columns)
    found[found] = columns[place[found]] == events.column[found]
    found &= (events.session > first) & (events.session < len(data.dates))
    return (
        events.session[found].astype(np.int64) - first,
        place[found].astype(np.int64),
        events.ratio[found],
        events.cash[found],
    )


def returns_table(account: Account) -> pa.Table:
    """Table `backtest`."""
    capital = account.capital
    return pa.table(
        {
            "date": date_column(account.dates),
            "gross_return": account.net_return + account.cost,
            "cost": account.cost,
            "net_return": account.net_return,
            "turnover": account.turnover,
            "exposure": account.exposure,
            "positions": pa.array(
                np.where(account.equity > 0, account.money(codes.HELD), 0).astype(np.int32)
            ),
            "equity": account.equity / capital,
            "long_exposure": account.long_exposure,
            "short_exposure": account.short_exposure,
            "cash": account.cash / capital,
            "dividends": account.money(codes.DIVIDENDS) / capital,
            "interest": account.money(codes.INTEREST) / capital,
            "borrow_cost": account.money(codes.BORROW) / capital,
            "tax": account.money(codes.TAX) / capital,
            "tax_owed": account.money(codes.OWED) / capital,
        }
    )


def fills_table(result: "Simulation") -> pa.Table:
    """Table `backtest_fills`, by date and symbol."""
    events, rules = result.events, result.rules
    session = _sessions(events.fill_start)
    order = _order(session, events.fill_column)
    session, column = session[order], events.fill_column[order]
    quantity, price = events.fill_quantity[order], events.fill_price[order]
    amount = np.abs(quantity) * price
    stamp = np.where(quantity < 0, _stamp_rates(result)[session], 0.0)
    commission = np.maximum(rules.commission_bps * 1e-4 * amount, rules.minimum_commission)
    traded_at = result.data.open if rules.execution == "next_open" else result.data.close
    quoted = traded_at[result.first + session, result.columns[column]]
    lost = quantity * (price - quoted)
    # what is closed for want of bars has no quoted price, and no slippage
    lost[np.isnan(lost)] = 0.0
    return pa.table(
        {
            **_named(result, session, column),
            "quantity": quantity,
            "price": price,
            "commission": commission,
            "stamp_tax": stamp * amount,
            "slippage": lost,
        }
    )


def orders_table(result: "Simulation") -> pa.Table:
    """Table `backtest_orders`, by date and symbol: what was filled, and what is told of others."""
    events, count = result.events, max(len(result.columns), 1)
    session = _sessions(events.fill_start)
    order = _order(session, events.fill_column)
    fill_keys = (session * count + events.fill_column)[order]
    told_keys = _sessions(events.told_start) * count + events.told_column
    by_key = np.argsort(told_keys, kind="stable")
    told_keys = told_keys[by_key]
    unfilled = ~np.isin(told_keys, fill_keys)
    place = np.searchsorted(fill_keys, told_keys[unfilled])
    keys = np.insert(fill_keys, place, told_keys[unfilled])
    filled = np.insert(events.fill_quantity[order], place, 0.0)
    wanted, reason = filled.copy(), np.zeros(len(keys), np.int8)
    at = np.searchsorted(keys, told_keys)
    wanted[at], reason[at] = events.told_wanted[by_key], events.told_reason[by_key]
    session = keys // count
    status = np.zeros(len(keys), np.int8)
    blocked = 2 if result.rules.blocked_orders == "wait" else 3
    missed = filled != wanted
    status[missed] = np.where(np.isin(reason[missed], codes.REJECTING), 4, blocked)
    status[missed & (filled != 0)] = 1
    status[np.isin(reason, codes.WITHOUT_QUANTITY)] = 4
    decided = _decision_dates(result, session)
    forced = reason == codes.NO_BARS
    dates = result.data.dates[result.first + session]
    decided[forced] = dates[forced]
    return pa.table(
        {
            "decided": date_column(decided),
            **_named(result, session, keys % count),
            "side": _texts(np.signbit(wanted).astype(np.int8), ["buy", "sell"]),
            "wanted": np.abs(wanted),
            "filled": np.abs(filled),
            "status": _texts(status, list(_STATUSES)),
            "reason": _texts(reason, list(codes.REASONS)),
        }
    )


def positions_table(result: "Simulation") -> pa.Table:
    """Table `backtest_positions`: the fills once more, with the events of the shares."""
    from quant_assets.backtests.replay_kernels import replay

    account, events = result.account, result.events
    sessions, last = len(events.fill_start) - 1, len(account.dates)
    rows = int(account.series[:, codes.HELD].sum())
    start = np.zeros(sessions + 1, np.int64)
    column = np.zeros(rows, np.int32)
    shares, price = np.zeros(rows), np.zeros(rows)
    given: tuple[Any, ...] = (
        np.ascontiguousarray(result.data.close[result.first :]),
        result.columns,
        *events_from(result.data, result.first, result.columns),
        float(result.rules.lot),
        *events.arrays[:3],
    )
    written: tuple[Any, ...] = (start, column, shares, price)
    replay(*given, *written)
    if result.ruined is not None:
        rows = start[sessions - 1]
        start[sessions] = rows
        column, shares, price = column[:rows], shares[:rows], price[:rows]
    session = _sessions(start)
    value = shares * price
    equity = np.concatenate([[np.nan], account.equity])[: last + 1]
    return pa.table(
        {
            **_named(result, session, column),
            "shares": shares,
            "price": price,
            "value": value,
            "weight": value / equity[session],
        }
    )


def _sessions(start: np.ndarray) -> np.ndarray:
    """The session of each event, as rows since the first decision."""
    return np.repeat(np.arange(len(start) - 1), np.diff(start))


def _order(session: np.ndarray, column: np.ndarray) -> np.ndarray | slice:
    """By session and symbol; closed positions without bars stand at the end of their session."""
    sorted_already = (np.diff(column) > 0) | (np.diff(session) > 0)
    return slice(None) if sorted_already.all() else np.lexsort((column, session))


def _stamp_rates(result: "Simulation") -> np.ndarray:
    from quant_assets.backtests.simulation import stamp_rates

    return stamp_rates(result.data.dates[result.first :], result.rules)


def _decision_dates(result: "Simulation", session: np.ndarray) -> np.ndarray:
    """The date of the last decision before each session, a copy."""
    decided = result.decided[result.first :]
    rows = np.maximum.accumulate(np.where(decided, np.arange(len(decided)), 0))
    dates: np.ndarray = result.data.dates[result.first + rows[np.maximum(session - 1, 0)]]
    return dates


def _named(result: "Simulation", session: np.ndarray, column: np.ndarray) -> dict[str, pa.Array]:
    names = pa.array(result.data.symbols[result.columns].astype(object), pa.string())
    dates = date_column(result.data.dates[result.first + session])
    return {"date": dates, "symbol": pc.take(names, pa.array(column))}


def _texts(codes: np.ndarray, texts: list[str]) -> pa.Array:
    return pc.take(pa.array(texts, pa.string()), pa.array(codes))
