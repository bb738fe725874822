"""The simulation's rules written down a second time, slowly: dictionaries, one symbol at a time."""

import math
from datetime import date
from typing import Any

import numpy as np

from quant_assets.backtests.trading_data import TradingData
from quant_assets.settings_trading import Trading
from quant_assets_tests.backtests.reference_account import Account


class Reference:
    """One run; `run` returns the account."""

    def __init__(self, weights: np.ndarray, data: TradingData, rules: Trading) -> None:
        self.weights, self.data, self.rules = weights, data, rules
        self.account = Account(rules.capital)
        self.day: dict[str, float] = {}
        self.debt = 0.0

    def run(self) -> Account:
        decided = self._decided_rows()
        account, rules, dates = self.account, self.rules, self.data.dates
        last_decision = None
        equity_yesterday = rules.capital
        for t in range(min(decided, default=len(dates)), len(dates)):
            self.day = dict.fromkeys(
                ("bought", "sold", "fees", "stamp", "slippage", "dividends", "interest"), 0.0
            )
            self.day |= {"borrow": 0.0, "tax": 0.0}
            started = last_decision is not None or t - 1 in decided
            if t - 1 in decided:
                last_decision = t - 1
            if started:
                self._overnight(t)
            self._events(t, None if t - 1 in decided else last_decision)
            self.day["equity_before"] = account.cash + sum(
                account.shares[i] * self._value_price(t, i) for i in sorted(account.shares)
            )
            self.day["equity_before"] -= account.owed
            new = t - 1 in decided
            if new:
                account.waiting = {}
            if self.day["equity_before"] <= 0:
                self._reject(t, last_decision, new)
            else:
                orders = self._wanted(t, t - 1) if new else account.waiting
                account.waiting = {}
                self._execute(t, orders, last_decision)
            for i in range(len(self.data.symbols)):
                if self.data.close[t, i] > 0:
                    account.marks[i] = float(self.data.close[t, i])
                    account.last_seen[i] = t
                elif self.data.halted is not None and self.data.halted[t, i]:
                    account.last_seen[i] = t
            self._close_stale(t)
            values = {i: n * account.marks[i] for i, n in account.shares.items()}
            account.owe(rules.income_tax)
            equity = account.cash + sum(values[i] for i in sorted(values)) - account.owed
            if started:
                self._report(t, equity, equity_yesterday, values)
            equity_yesterday = equity
            if equity <= 0:
                break
        return account

    def _decided_rows(self) -> list[int]:
        rows = [t for t in range(len(self.weights)) if not np.isnan(self.weights[t]).all()]
        if self.rules.rebalance == "decided":
            return rows
        found: dict[Any, int] = {}
        for t in rows:
            day: date = self.data.dates[t].astype(object)
            weekly = day.isocalendar()[:2]
            period = weekly if self.rules.rebalance == "weekly" else (day.year, day.month)
            found.setdefault(period, t)
        return list(found.values())

    # --- before the orders -----------------------------------------------------------------------

    def _overnight(self, t: int) -> None:
        account, rules, dates = self.account, self.rules, self.data.dates
        years = int((dates[t] - dates[t - 1]).astype(int)) / 365.0
        rate = 0.0
        if self.data.risk_free_rate is not None:
            known = [r for r in self.data.risk_free_rate[:t] if not np.isnan(r)]
            rate = known[-1] if known else 0.0
        if account.cash > 0:
            self.day["interest"] = account.cash * ((1 + rules.cash_interest * rate) ** years - 1)
        else:
            self.day["interest"] = account.cash * rules.margin_rate * years
        short = -sum(n * account.marks[i] for i, n in account.shares.items() if n < 0)
        self.day["borrow"] = short * rules.borrow_rate * years
        if rules.income_tax is not None and (
            dates[t].astype("datetime64[M]") != dates[t - 1].astype("datetime64[M]")
        ):
            self.day["tax"] = account.settle(rules.income_tax)
        account.cash += self.day["interest"] - self.day["borrow"] - self.day["tax"]

    def _events(self, t: int, waits_since: int | None) -> None:
        account, events, lot = self.account, self.data.events, self.rules.lot
        if events is None:
            return
        for k in np.flatnonzero(events.session == t):
            i, ratio, cash = int(events.column[k]), float(events.ratio[k]), float(events.cash[k])
            if i in account.marks:
                account.marks[i] = (account.marks[i] - cash) / ratio
            account.bought_on = [
                (day, j, n * ratio if j == i else n) for day, j, n in account.bought_on
            ]
            before = account.shares.get(i, 0.0)
            closes = i in account.waiting and account.waiting[i] == -before
            if i in account.waiting:
                account.waiting[i] *= ratio
            if i in account.waiting and lot and ratio != 1 and not closes:
                waited = account.waiting[i]
                lots = math.trunc(waited / lot + math.copysign(1e-6, waited))
                account.waiting[i] = float(lots * lot)
                if not lots:
                    del account.waiting[i]
                    if waits_since is not None:
                        self._tell(t, waits_since, i, waited, 0.0, "less than a lot")
            if not before:
                continue
            money, held = before * cash, before * ratio
            if lot and ratio != 1:
                whole = math.trunc(held + math.copysign(1e-6, held))
                fraction = held - whole
                if abs(fraction) > 1e-6:
                    worth = fraction * account.marks[i]
                    money += worth
                    if self.rules.income_tax is not None:
                        account.book(i, -fraction, -worth, 0.0, held)
                held = float(whole)
                if closes:
                    account.waiting[i] = -held
                    if not held:
                        del account.waiting[i]
            account.shares[i] = held
            if held == 0:
                del account.shares[i]
            self.day["dividends"] += money
            account.cash += money

    def _reject(self, t: int, decision: int | None, new: bool) -> None:
        account = self.account
        orders = dict(account.waiting)
        if new and decision is not None:
            weights = self.weights[decision]
            orders = {
                i: math.copysign(0.0, w) if w else -account.shares[i]
                for i, w in enumerate(map(float, weights))
                if w or i in account.shares
            }
        for i, wanted in sorted(orders.items()):
            self._tell(t, decision, i, wanted, 0.0, "no equity")
        account.waiting = {}

    # --- orders ----------------------------------------------------------------------------------

    def _price(self, t: int, i: int) -> float | None:
        """The price of execution, None if the symbol does not trade."""
        data = self.data
        price = (data.open if self.rules.execution == "next_open" else data.close)[t, i]
        if not (price > 0 and data.close[t, i] > 0 and data.volume[t, i] > 0):
            return None
        if data.halted is not None and data.halted[t, i]:
            return None
        return float(price)

    def _value_price(self, t: int, i: int) -> float:
        price = self._price(t, i)
        return self.account.marks.get(i, 0.0) if price is None else price

    def _wanted(self, t: int, decision: int) -> dict[int, float]:
        account, rules, equity = self.account, self.rules, self.day["equity_before"]
        least = max(rules.band, 1e-12) * equity
        row = [float(w) for w in self.weights[decision]]
        self.debt = max(sum(row) - 1.0, 0.0) * equity
        orders = {}
        for i, weight in enumerate(row):
            held, price = account.shares.get(i, 0.0), self._value_price(t, i)
            if weight == 0:
                if held:
                    orders[i] = -held
                continue
            if not price > 0:
                self._tell(t, decision, i, math.copysign(0.0, weight), 0.0, "no price yet")
                continue
            gap = weight * equity - held * price
            if abs(gap) <= least:
                continue
            quantity = gap / price
            if rules.lot:
                slack = math.copysign(1e-10 * abs(weight) * equity, gap)
                lots = math.trunc((gap + slack) / (price * rules.lot))
                quantity = float(lots * rules.lot)
            if quantity:
                orders[i] = quantity
            elif not held:
                self._tell(t, decision, i, gap / price, 0.0, "less than a lot")
        return orders

    def _possible(self, t: int, i: int, wanted: float) -> tuple[float, str]:
        """(what can be done of an order, what hinders the rest)."""
        data, rules, price = self.data, self.rules, self._price(t, i)
        if price is None:
            return 0.0, "no trading"
        if data.upper is not None and data.lower is not None:
            if wanted > 0 and price >= data.upper[t, i] * (1 - 1e-6):
                return 0.0, "upper price limit"
            if wanted < 0 and price <= data.lower[t, i] * (1 + 1e-6):
                return 0.0, "lower price limit"
        quantity, why = wanted, ""
        fresh = sum(
            n for day, j, n in self.account.bought_on if j == i and t - day < rules.holding_sessions
        )
        held = self.account.shares.get(i, 0.0)
        old = held - fresh if held - fresh > 1e-9 * held else 0.0
        if wanted < 0 and fresh > 0 and -wanted > old:
            quantity, why = -old, "bought too short ago"
        if rules.max_volume_share is not None:
            most = rules.max_volume_share * float(data.volume[t, i])
            if rules.lot:
                most = math.floor(most / rules.lot * (1 + 1e-9)) * rules.lot
            if abs(quantity) > most:
                quantity, why = math.copysign(most, quantity), why or "volume"
        return quantity, why

    def _paid(self, t: int, i: int, quantity: float, price: float) -> float:
        slippage, data = self.rules.slippage, self.data
        rate = slippage.bps * 1e-4
        if slippage.kind == "volume_share":
            rate += slippage.coefficient * (abs(quantity) / data.volume[t, i]) ** 2
        elif slippage.kind == "square_root":
            assert data.average_turnover is not None
            assert data.volatility is not None
            turnover, volatility = data.average_turnover[t, i], data.volatility[t, i]
            if turnover > 0 and volatility > 0:
                share = abs(quantity) * price / turnover
                rate += slippage.coefficient * volatility * math.sqrt(share)
        rate = min(rate, 0.5) if slippage.kind != "fixed" else rate
        return price * (1 + rate) if quantity > 0 else price * (1 - rate)

    def _fee(self, amount: float) -> float:
        return max(abs(amount) * self.rules.commission_bps * 1e-4, self.rules.minimum_commission)

    def _stamp(self, t: int) -> float:
        day: date = self.data.dates[t].astype(object)
        known = [rate for first, rate in sorted(self.rules.stamp_tax_bps.items()) if first <= day]
        return known[-1] * 1e-4 if known else 0.0

    def _execute(self, t: int, wanted: dict[int, float], decision: int | None) -> None:
        account, rules = self.account, self.rules
        possible = {i: self._possible(t, i, wanted[i]) for i in sorted(wanted)}
        done = {i: quantity for i, (quantity, _) in possible.items()}
        blocked_sale = any(wanted[i] - done[i] < 0 for i in done)
        blocked = {i for i in done if wanted[i] != done[i]}
        needed = brought = 0.0
        buys = [i for i in done if done[i] > 0]
        paid_for = 0.0
        for i, quantity in done.items():
            if not quantity:
                continue
            amount = quantity * self._paid(t, i, quantity, self._price(t, i) or 0.0)
            if amount > 0:
                needed += amount + self._fee(amount)
                paid_for += amount
            else:
                brought += -amount * (1 - self._stamp(t)) - self._fee(amount)
        money = account.cash - account.owed + brought + self.debt
        told_short = False
        if paid_for and needed > money + 1e-9 * self.day["equity_before"]:
            share = max(
                (money - len(buys) * rules.minimum_commission)
                / (paid_for * (1 + rules.commission_bps * 1e-4)),
                0.0,
            )
            told_short = blocked_sale
            for i in buys:
                done[i] *= share
                if rules.lot:
                    done[i] = float(math.floor(done[i] / rules.lot) * rules.lot)
        for i in sorted(wanted):
            quantity = done[i]
            if quantity:
                self._fill(t, i, quantity, self._price(t, i) or 0.0)
            if i in blocked:
                self._tell(t, decision, i, wanted[i], quantity, possible[i][1])
                if rules.blocked_orders == "wait":
                    account.waiting[i] = wanted[i] - possible[i][0]
            elif wanted[i] > quantity and (told_short or not quantity):
                self._tell(t, decision, i, wanted[i], quantity, "no cash")
            elif quantity:
                self._tell(t, decision, i, quantity, quantity, "")

    def _fill(self, t: int, i: int, quantity: float, price: float, slips: bool = True) -> None:
        account = self.account
        paid = self._paid(t, i, quantity, price) if slips else price
        amount, fee = quantity * paid, self._fee(quantity * paid)
        stamp = -amount * self._stamp(t) if amount < 0 else 0.0
        account.cash -= amount + fee + stamp
        self.day["bought" if amount > 0 else "sold"] += abs(amount)
        self.day["fees"] += fee
        self.day["stamp"] += stamp
        self.day["slippage"] += quantity * (paid - price)
        held = account.shares.get(i, 0.0)
        if self.rules.income_tax is not None:
            account.book(i, quantity, amount, fee + stamp, held)
        account.shares[i] = held + quantity
        if quantity > 0 and held + quantity > 0:
            account.bought_on.append((t, i, min(quantity, held + quantity)))
        if account.shares[i] == 0:
            del account.shares[i]
        account.fills.append(
            {
                "date": self.data.dates[t], "symbol": self.data.symbols[i], "quantity": quantity,
                "price": paid, "commission": fee, "stamp_tax": stamp,
                "slippage": quantity * (paid - price),
            }
        )  # fmt: skip

    def _tell(
        self, t: int, decision: int | None, i: int, wanted: float, filled: float, why: str
    ) -> None:
        if why in ("no price yet", "less than a lot", "no equity") or (
            why == "no cash" and not filled
        ):
            status = "rejected"
        elif wanted == filled:
            status = "filled"
        elif filled:
            status = "partial"
        else:
            status = "waiting" if self.rules.blocked_orders == "wait" else "dropped"
        assert decision is not None
        self.account.orders.append(
            {
                "decided": self.data.dates[decision], "date": self.data.dates[t],
                "symbol": self.data.symbols[i],
                "side": "sell" if math.copysign(1.0, wanted) < 0 else "buy",
                "wanted": abs(wanted), "filled": abs(filled), "status": status, "reason": why,
            }
        )  # fmt: skip

    # --- the close -------------------------------------------------------------------------------

    def _close_stale(self, t: int) -> None:
        account, data = self.account, self.data
        for i in sorted(account.shares):
            if t - account.last_seen[i] < self.rules.stale_sessions:
                continue
            quantity = -account.shares[i]
            self._fill(t, i, quantity, account.marks[i], slips=False)
            account.waiting.pop(i, None)
            told = [o for o in account.orders if o["date"] == data.dates[t]]
            for order in told:
                if order["symbol"] == data.symbols[i]:
                    account.orders.remove(order)
            self._tell(t, t, i, quantity, quantity, "no bars any more: closed at the last close")

    def _report(self, t: int, equity: float, yesterday: float, values: dict[int, float]) -> None:
        account, capital, day = self.account, self.rules.capital, self.day
        cost = (day["fees"] + day["stamp"] + day["slippage"]) / yesterday
        net = equity / yesterday - 1
        alive = equity > 0
        long = sum(v for v in values.values() if v > 0) / equity if alive else 0.0
        short = sum(v for v in values.values() if v < 0) / equity if alive else 0.0
        traded = day["bought"] + day["sold"]
        account.days.append(
            {
                "date": self.data.dates[t], "gross_return": net + cost, "cost": cost,
                "net_return": net, "turnover": traded / yesterday,
                "exposure": long - short, "positions": len(values) if alive else 0,
                "equity": equity / capital, "long_exposure": long, "short_exposure": short,
                "cash": account.cash / capital, "dividends": day["dividends"] / capital,
                "interest": day["interest"] / capital, "borrow_cost": day["borrow"] / capital,
                "tax": day["tax"] / capital, "tax_owed": account.owed / capital,
            }
        )  # fmt: skip
        if alive:
            account.positions += [
                {
                    "date": self.data.dates[t], "symbol": self.data.symbols[i],
                    "shares": account.shares[i], "price": account.marks[i], "value": value,
                    "weight": value / equity,
                }
                for i, value in sorted(values.items())
            ]  # fmt: skip
