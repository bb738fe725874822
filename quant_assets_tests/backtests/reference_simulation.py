"""The simulation's rules written down a second time, slowly: dictionaries, one symbol at a time."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from quant_assets.market_data.panels import Panel


@dataclass
class Account:
    """What the reference did: the state, and rows as the simulation reports them."""

    cash: float
    units: dict[str, float] = field(default_factory=dict)
    last_close: dict[str, float] = field(default_factory=dict)
    days: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)


def reference(
    weights: np.ndarray, panel: Panel, rate: float, execution: str, stale_sessions: int
) -> Account:
    account = Account(1.0)
    bars = [
        {
            symbol: {name: float(panel[name][t, i]) for name in ("open", "close", "volume")}
            for i, symbol in enumerate(panel.symbols)
            if np.isfinite(panel["close"][t, i])
        }
        for t in range(len(panel.dates))
    ]
    pending: dict[str, float] | None = None
    equity_yesterday = 1.0
    for t, day in enumerate(panel.dates):
        at = "open" if execution == "next_open" else "close"
        before = {
            symbol: units
            * (bars[t][symbol][at] if symbol in bars[t] else account.last_close[symbol])
            for symbol, units in account.units.items()
        }
        equity_before = account.cash + sum(before.values())
        costs, turned, started = 0.0, 0.0, pending is not None or bool(account.days)
        if pending is not None:
            tradable = {s for s in pending if s in bars[t] and bars[t][s]["volume"] > 0}
            equity = equity_before
            for _ in range(500):
                equity = equity_before - rate * sum(
                    abs(pending[s] * equity - before.get(s, 0.0)) for s in tradable
                )
            orders = {s: pending[s] * equity - before.get(s, 0.0) for s in pending}
            orders = {s: x for s, x in orders.items() if abs(x) > 1e-12 * equity_before}
            possible = {s: x for s, x in orders.items() if s in tradable}
            purchases = sum(x for x in possible.values() if x > 0)
            sales = -sum(x for x in possible.values() if x < 0)
            floor = min(0.0, equity * (1 - sum(pending.values())))
            money = (account.cash + sales * (1 - rate) - floor) / (1 + rate)
            if len(possible) < len(orders) and purchases > money:
                share = max(0.0, money) / purchases
                possible = {s: x * share if x > 0 else x for s, x in possible.items()}
            for symbol, amount in possible.items():
                if abs(amount) <= 1e-12 * equity_before:
                    continue
                price = bars[t][symbol][at]
                cost = rate * abs(amount)
                account.cash -= amount + cost
                account.units[symbol] = (before.get(symbol, 0.0) + amount) / price
                if pending[symbol] == 0 and amount == orders[symbol]:
                    del account.units[symbol]
                costs, turned = costs + cost, turned + abs(amount)
                account.trades.append(
                    _trade(day, symbol, before.get(symbol, 0.0), amount, price, cost, equity_before)
                )
        for symbol, bar in bars[t].items():
            account.last_close[symbol] = bar["close"]
        for symbol in list(account.units):
            if t + 1 >= stale_sessions and all(
                symbol not in bars[u] for u in range(t - stale_sessions + 1, t + 1)
            ):
                price = account.last_close[symbol]
                value = account.units.pop(symbol) * price
                cost = rate * abs(value)
                account.cash += value - cost
                costs, turned = costs + cost, turned + abs(value)
                account.trades.append(
                    _trade(day, symbol, value, -value, price, cost, equity_before)
                )
        values = {s: units * account.last_close[s] for s, units in account.units.items()}
        equity_close = account.cash + sum(values.values())
        if started:
            net = equity_close / equity_yesterday - 1
            account.days.append(
                {
                    "date": day,
                    "gross_return": net + costs / equity_yesterday,
                    "cost": costs / equity_yesterday,
                    "net_return": net,
                    "turnover": turned / equity_before,
                    "exposure": sum(map(abs, values.values())) / equity_close,
                    "positions": len(values),
                    "equity": equity_close,
                    "cash": account.cash,
                }
            )
            account.positions += [
                {"date": day, "symbol": s, "weight": value / equity_close}
                for s, value in values.items()
            ]
        equity_yesterday = equity_close
        row = weights[t]
        pending = (
            None
            if np.isnan(row).all()
            else {s: float(w) for s, w in zip(panel.symbols, row, strict=True)}
        )
    return account


def _trade(
    day: Any, symbol: str, before: float, amount: float, price: float, cost: float, equity: float
) -> dict[str, Any]:
    return {
        "date": day,
        "symbol": symbol,
        "weight_before": before / equity,
        "weight_after": (before + amount) / equity,
        "traded_weight": amount / equity,
        "price": price,
        "cost": cost / equity,
    }
