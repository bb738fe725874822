"""The loop over sessions that trades on target weights, compiled.

Arrays in, arrays out: checks, alignment and tables stand in `simulation.py` and the modules beside
it, the rules in words in `simulation.py`. What is done with a session's orders stands in
`order_kernels.py`, with what is held in `holding_kernels.py`, and what is written down of both in
`telling_kernels.py`.
"""

import numpy as np

from quant_assets.backtests import holding_kernels as holdings
from quant_assets.backtests import order_kernels as orders
from quant_assets.backtests import simulation_codes as codes
from quant_assets.backtests import telling_kernels as telling
from quant_assets.compiled import kernel

# Cash may be short by this share of equity for rounding.
_ROUNDING = 1e-9

_ROW, _PANEL, _WHOLE = "float64[::1]", "float64[:, ::1]", "int64[::1]"


@kernel(f"int64({_PANEL}, boolean[::1], {_ROW})", counted=False)
def scan(
    weights: np.ndarray,  # (T, N)
    decided: np.ndarray,  # out (T,) bool: rows in which something was decided
    largest: np.ndarray,  # out (N,) largest absolute weight of each symbol, zeros before
) -> int:
    """Look at all weights; returns -1, or the place of the first that is no weight."""
    sessions, symbols = weights.shape
    for t in range(sessions):
        known, infinite = 0, 0
        for i in range(symbols):
            known += weights[t, i] == weights[t, i]
            infinite += abs(weights[t, i]) == np.inf
        decided[t] = known > 0
        if infinite or (known and known < symbols):
            for i in range(symbols):
                if not abs(weights[t, i]) < np.inf:
                    place: int = t * symbols + i
                    return place
        if known:
            for i in range(symbols):
                largest[i] = max(largest[i], abs(weights[t, i]))
    return -1


@kernel(
    f"int64({_PANEL}, boolean[::1], {_PANEL}, {_PANEL}, {_PANEL}, {_WHOLE}, boolean[:, ::1], "
    f"{_PANEL}, {_PANEL}, {_PANEL}, {_PANEL}, {_WHOLE}, {_WHOLE}, {_ROW}, {_ROW}, {_ROW}, {_ROW}, "
    f"{_ROW}, {_ROW}, {_WHOLE}, {_ROW}, {_WHOLE}, {_PANEL}, {_WHOLE}, int32[::1], {_ROW}, {_ROW}, "
    f"{_WHOLE}, int32[::1], {_ROW}, int8[::1])",
    regrouped=False,
)
def trade(
    weights: np.ndarray,  # (T, N) targets decided at the close of t; rows not decided are not read
    decided: np.ndarray,  # (T,) bool
    price: np.ndarray,  # (T, N) raw price of execution; NaN where there is none
    close: np.ndarray,  # (T, N) raw; NaN where there is no bar
    volume: np.ndarray,  # (T, N) raw
    columns: np.ndarray,  # (K,) the symbols that are traded, ascending
    halted: np.ndarray,  # bool (T, N), or (0, 0)
    upper: np.ndarray,  # (T, N) highest price allowed, NaN without, or (0, 0)
    lower: np.ndarray,  # the same, lowest
    turnover: np.ndarray,  # (T, N) average traded value before t, or (0, 0)
    volatility: np.ndarray,  # (T, N) daily volatility before t, or (0, 0)
    event_session: np.ndarray,  # (E,) ascending
    event_column: np.ndarray,  # (E,) places in `columns`
    event_ratio: np.ndarray,  # (E,) shares after for each one before
    event_cash: np.ndarray,  # (E,) money for each share before
    credit: np.ndarray,  # (T,) what cash above 0 earns from t-1 to t
    debit: np.ndarray,  # (T,) what cash below 0 costs
    borrow: np.ndarray,  # (T,) what short positions cost
    stamp: np.ndarray,  # (T,) tax on sales, as a share
    month: np.ndarray,  # (T,)
    numbers: np.ndarray,
    switches: np.ndarray,
    series: np.ndarray,  # out (T, SERIES), zeros before
    fill_start: np.ndarray,  # out (T + 1,): the fills of t are [fill_start[t], fill_start[t + 1])
    fill_column: np.ndarray,  # out: place in `columns`
    fill_quantity: np.ndarray,  # out: below 0: sold
    fill_price: np.ndarray,  # out
    told_start: np.ndarray,  # out (T + 1,): what is told of orders of t, as fill_start
    told_column: np.ndarray,  # out
    told_wanted: np.ndarray,  # out: the quantity of the order
    told_reason: np.ndarray,  # out: why it was not done, or not in full
) -> int:
    """Fill the outputs; returns the number of sessions until the capital was lost, at most T."""
    sessions, count = len(close), len(columns)
    rate, minimum = numbers[codes.COMMISSION], numbers[codes.MINIMUM]
    spread, impact = numbers[codes.SPREAD], numbers[codes.IMPACT]
    lot, band = numbers[codes.LOT], numbers[codes.BAND]
    record, taxed = switches[codes.RECORD] > 0, switches[codes.TAXED] > 0
    slippage, waits = switches[codes.SLIPPAGE], switches[codes.WAITS] > 0
    holding, limited = switches[codes.HOLDING], len(upper) > 0
    shares, marks, seen = np.zeros(count), np.zeros(count), np.zeros(count, np.int64)
    prices, closes, volumes = np.zeros(count), np.zeros(count), np.zeros(count)
    uppers, lowers = np.zeros(count), np.zeros(count)
    turnovers, volatilities = np.zeros(count), np.zeros(count)
    targets, valued, paid = np.zeros(count), np.zeros(count), np.zeros(count)
    wanted, fill, left = np.zeros(count), np.zeros(count), np.zeros(count)
    unsettled, recent = np.zeros(count), np.zeros((max(holding, 1), count))
    basis, gains = np.zeros(count), np.zeros(3)  # gain and sales of the month, losses before it
    tax_rate, exempt = numbers[codes.TAX_RATE], numbers[codes.EXEMPT_SALES]
    purse, shorted, debt, owed = numbers[codes.CAPITAL], 0.0, 0.0, 0.0
    total, waiting = 0.0, False
    event, fills, told = 0, 0, 0
    for t in range(sessions):
        row = series[t]
        if t > 0:
            row[codes.INTEREST] = purse * (credit[t] if purse > 0.0 else debit[t])
            row[codes.BORROW] = shorted * borrow[t]
            if taxed and month[t] != month[t - 1]:
                row[codes.TAX], owed = holdings.settle(gains, tax_rate, exempt), 0.0
        decision = t > 0 and decided[t - 1]
        fill_start[t], told_start[t] = fills, told
        while event < len(event_session) and event_session[event] == t:
            i, ratio = event_column[event], event_ratio[event]
            held, waited = shares[i] * ratio, left[i] * ratio
            row[codes.DIVIDENDS] += holdings.detach(
                i, ratio, event_cash[event], lot, shares, marks, left
            )
            if taxed:
                holdings.book_fraction(i, held, shares, marks, basis, gains)
            if record and waiting and not decision and waited != 0.0 and left[i] == 0.0:
                told_column[told], told_wanted[told] = i, waited
                told_reason[told] = codes.LESS_THAN_A_LOT
                told += 1
            for k in range(len(recent)):
                recent[k, i] *= ratio
            event += 1
        purse += row[codes.INTEREST] - row[codes.BORROW] - row[codes.TAX] + row[codes.DIVIDENDS]
        orders.take(close, t, columns, 0.0, closes)
        if holding > 0:
            for i in range(count):
                recent[t % holding, i] = 0.0
                unsettled[i] = 0.0
                for k in range(holding):
                    unsettled[i] += recent[k, i]
        trading = decision or waiting
        if trading:
            if decision:
                orders.take_weights(weights, t - 1, columns, targets)
            orders.take(price, t, columns, 0.0, prices)
            orders.take(volume, t, columns, 0.0, volumes)
            orders.only_traded(closes, volumes, halted, t, columns, prices)
            orders.value_prices(prices, marks, valued)
            total = purse + orders.total_of(shares, valued) - owed
            if not total > 0.0:  # without equity nothing can be ordered, and nothing waits
                if record:
                    told = telling.tell_without_equity(
                        targets, shares, left, decision, told_column, told_wanted, told_reason, told
                    )
                trading, waiting = False, False
        if trading:
            if decision:
                debt = max(orders.total_weight(targets) - 1.0, 0.0) * total
                orders.want(targets, shares, valued, total, lot, band, wanted)
                if record and orders.without_order(targets, shares, wanted):
                    told = telling.tell_none(
                        targets, shares, wanted, valued, total, band,
                        told_column, told_wanted, told_reason, told,
                    )  # fmt: skip
            else:
                for i in range(count):
                    wanted[i] = left[i]
            orders.allow_traded(wanted, prices, fill)
            if limited:
                orders.take(upper, t, columns, np.inf, uppers)
                orders.take(lower, t, columns, 0.0, lowers)
                orders.allow_limits(prices, uppers, lowers, fill)
            if holding > 1:
                orders.allow_settled(shares, unsettled, fill)
            if numbers[codes.VOLUME_SHARE] < np.inf:
                orders.allow_volume(volumes, numbers[codes.VOLUME_SHARE], lot, fill)
            blocked, blocked_sales = orders.leave(wanted, fill, left)
            if record and blocked:
                told = telling.tell_blocked(
                    wanted, left, prices, uppers, lowers, shares, unsettled, limited, holding,
                    told_column, told_wanted, told_reason, told,
                )  # fmt: skip
            if slippage == codes.SQUARE_ROOT:
                orders.take(turnover, t, columns, 0.0, turnovers)
                orders.take(volatility, t, columns, 0.0, volatilities)
            orders.pay_prices(
                fill, prices, slippage, spread, impact, volumes, turnovers, volatilities, paid
            )
            bought, sold, buying, selling, quoted, buys = orders.sums(
                fill, prices, paid, rate, minimum
            )
            money = purse - owed + sold * (1.0 - stamp[t]) - selling + debt
            if bought > 0.0 and bought + buying > money + _ROUNDING * total:
                row[codes.SCALED] = 1.0
                share = max((money - buys * minimum) / (bought * (1.0 + rate)), 0.0)
                orders.shrink(fill, share, lot)
                if record:
                    told = telling.tell_short(
                        wanted, left, fill, blocked_sales > 0, told_column, told_wanted,
                        told_reason, told,
                    )  # fmt: skip
                orders.pay_prices(
                    fill, prices, slippage, spread, impact, volumes, turnovers, volatilities, paid
                )
                bought, sold, buying, selling, quoted, buys = orders.sums(
                    fill, prices, paid, rate, minimum
                )
            row[codes.BOUGHT], row[codes.SOLD], row[codes.FEES] = bought, sold, buying + selling
            row[codes.STAMP] = sold * stamp[t]
            if spread > 0.0 or impact > 0.0:
                row[codes.SLIPPED] = max(bought - sold - quoted, 0.0)
            if taxed:
                for i in range(count):
                    if fill[i] != 0.0:
                        due = orders.fee(fill[i] * paid[i], rate, minimum)
                        holdings.book(i, fill[i], paid[i], due, stamp[t], shares[i], basis, gains)
            if holding > 0:
                for i in range(count):
                    recent[t % holding, i] = max(min(fill[i], shares[i] + fill[i]), 0.0)
            orders.add(fill, shares)
            if record:
                fills = telling.record(fill, paid, fill_column, fill_quantity, fill_price, fills)
            purse += sold - bought - row[codes.FEES] - row[codes.STAMP]
            waiting = waits and blocked > 0
        stale = holdings.mark(
            t, closes, halted, columns, shares, switches[codes.STALE], marks, seen, row
        )
        if stale:
            for i in range(count):
                if shares[i] != 0.0 and t - seen[i] >= switches[codes.STALE]:
                    quantity, amount = -shares[i], shares[i] * marks[i]
                    due = orders.fee(amount, rate, minimum)
                    duty = max(amount, 0.0) * stamp[t]
                    if taxed:
                        holdings.book(i, quantity, marks[i], due, stamp[t], shares[i], basis, gains)
                    row[codes.SOLD] += max(amount, 0.0)
                    row[codes.BOUGHT] -= min(amount, 0.0)
                    row[codes.FEES] += due
                    row[codes.STAMP] += duty
                    row[codes.LONG] -= max(amount, 0.0)
                    row[codes.SHORT] -= min(amount, 0.0)
                    row[codes.HELD] -= 1.0
                    purse += amount - due - duty
                    shares[i], left[i] = 0.0, 0.0
                    if record:
                        fill_column[fills], fill_quantity[fills] = i, quantity
                        fill_price[fills] = marks[i]
                        fills += 1
                        place = told  # an order that was blocked today is told in its place
                        for k in range(told_start[t], told):
                            if told_column[k] == i:
                                place = k
                        told_column[place], told_wanted[place] = i, quantity
                        told_reason[place] = codes.NO_BARS
                        told = max(told, place + 1)
        shorted = 0.0 - row[codes.SHORT]  # never -0
        if taxed:
            owed = holdings.owed(gains, tax_rate, exempt)
        row[codes.CASH], row[codes.OWED] = purse, owed
        row[codes.EQUITY] = purse + row[codes.LONG] + row[codes.SHORT] - owed
        fill_start[t + 1], told_start[t + 1] = fills, told
        if row[codes.EQUITY] <= 0.0:
            return t + 1
    return sessions
