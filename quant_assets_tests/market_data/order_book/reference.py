"""A slow, literal book: dictionaries, every level summed anew, every rule spelt out.

It shares no code with the kernels. An order is a dict with its side, price, what is left of it and
where it is: `level`, `aside` or `nowhere`.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from quant_assets.market_data.order_book.events import (
    ADD,
    ADD_BEST,
    ADD_MARKET,
    CANCEL,
    LEVELS,
    TRADE,
)

Event = dict[str, Any]
Order = dict[str, Any]


@dataclass
class ReferenceBook:
    """The book of one symbol; prices are whole ticks."""

    aggressor_added_first: bool
    orders: dict[int, Order] = field(default_factory=dict)
    seeded: dict[tuple[int, int], int] = field(default_factory=dict)
    trades: list[tuple[int, int]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    market_order: int | None = None
    market_price: int | None = None
    has_seed: bool = False

    def apply(self, event: Event, continuous: bool) -> None:
        named = {event["order"], event["buy_order"], event["sell_order"]}
        hold = continuous and self.aggressor_added_first
        self.sequence = event["sequence"]
        if self.market_order is not None and self.market_order not in named:
            left_over = self.orders[self.market_order]
            if left_over["left"] > 0 and self.market_price is not None:
                left_over["price"] = self.market_price
                left_over["where"] = "aside" if hold and self.crosses(left_over) else "level"
            self.market_order = None
        if event["kind"] in (ADD, ADD_MARKET, ADD_BEST):
            self.add(event, hold)
        elif event["kind"] == CANCEL:
            own = 1 if event["side"] > 0 else -1
            self.take(event["order"], event["quantity"], own, event["price"], True)
        else:
            assert event["kind"] == TRADE
            self.trade(event)
        for order in self.orders.values():
            if order["where"] == "aside" and order["left"] == 0:
                order["where"] = "nowhere"
            elif order["where"] == "aside" and not (hold and self.crosses(order)):
                order["where"] = "level"
        if continuous:
            self.check(named)

    def add(self, event: Event, hold: bool) -> None:
        number, side, price = event["order"], event["side"], event["price"]
        missing = event["kind"] == ADD and price is None
        if number <= 0 or event["quantity"] <= 0 or side == 0 or missing:
            return self.fault("malformed event")
        if number in self.orders:
            return self.fault("order twice")
        order = {"side": side, "price": price, "left": event["quantity"], "where": "nowhere"}
        if event["kind"] == ADD_MARKET:
            self.market_order, self.market_price = number, None
        else:
            if event["kind"] == ADD_BEST:
                own = self.levels(side)
                order["price"] = own[0][0] if own else None
            if order["price"] is not None:
                order["where"] = "aside" if hold and self.crosses(order) else "level"
        self.orders[number] = order
        return None

    def trade(self, event: Event) -> None:
        buy, sell, side = event["buy_order"], event["sell_order"], event["side"]
        if event["quantity"] <= 0 or event["price"] is None:
            return self.fault("malformed event")
        if not (side == 0 and buy == 0 and sell != 0):
            self.trades.append((event["price"], event["quantity"]))
        if self.market_order is not None:
            self.market_price = event["price"]
        first = self.aggressor_added_first
        if buy != 0:
            self.take(buy, event["quantity"], 1, event["price"], first or side <= 0)
        if sell != 0:
            self.take(sell, event["quantity"], -1, event["price"], first or side >= 0)
        return None

    def take(
        self, number: int, quantity: int, side: int, price: int | None, required: bool
    ) -> None:
        if number not in self.orders:
            if not required:
                return
            sizes = dict(self.levels(side)) if self.has_seed else {}
            if price is not None and 0 < quantity <= sizes.get(price, 0):
                self.seeded[side, price] = self.seeded.get((side, price), 0) - quantity
            else:
                self.fault("unknown order")
            return
        order = self.orders[number]
        if quantity > order["left"]:
            self.fault("more than is left")
        order["left"] -= order["left"] if quantity == 0 else min(quantity, order["left"])

    def levels(self, side: int) -> list[tuple[int, int]]:
        """(price, size), the best first."""
        sizes: Counter[int] = Counter()
        for order in self.orders.values():
            if order["where"] == "level" and order["side"] == side:
                sizes[order["price"]] += order["left"]
        for (own, price), size in self.seeded.items():
            if own == side:
                sizes[price] += size
        return sorted(((p, s) for p, s in sizes.items() if s > 0), key=lambda x: -side * x[0])

    def crosses(self, order: Order) -> bool:
        other = self.levels(-order["side"])
        return bool(other) and (order["price"] - other[0][0]) * order["side"] >= 0

    def check(self, named: set[int]) -> None:
        if self.sides_cross():
            locked = self.levels(1)[0][0] == self.levels(-1)[0][0]
            self.fault("locked book" if locked else "crossed book")
            return
        for number, order in self.orders.items():
            if order["where"] == "aside" and order["left"] > 0 and number not in named:
                other = self.levels(-order["side"])
                locked = order["price"] == other[0][0]
                self.fault("locked book" if locked else "crossed book")
                return

    def fault(self, what: str) -> None:
        self.faults[what] += 1
        self.first.setdefault(what, self.sequence)

    def sides_cross(self) -> bool:
        bids, asks = self.levels(1), self.levels(-1)
        return bool(bids and asks) and bids[0][0] >= asks[0][0]

    def shown(self, continuous: bool) -> dict[str, list[tuple[float, int]]]:
        """Ten levels of each side, (price in ticks or NaN, size)."""
        bids, asks = self.levels(1), self.levels(-1)
        if not continuous and self.sides_cross():
            price, matched, surplus = auction(bids, asks)
            bids = [(price, matched), (math.nan, max(surplus, 0))]  # type: ignore[list-item]
            asks = [(price, matched), (math.nan, max(-surplus, 0))]  # type: ignore[list-item]
        empty = [(math.nan, 0)] * LEVELS
        return {"bid": [*bids, *empty][:LEVELS], "ask": [*asks, *empty][:LEVELS]}


def auction(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> tuple[int, int, int]:
    """(price, matched, surplus of the bids): every order price is tried."""

    def bought(price: int) -> int:
        return sum(size for at, size in bids if at >= price)

    def sold(price: int) -> int:
        return sum(size for at, size in asks if at <= price)

    prices = sorted({at for at, _ in bids + asks})
    most = max(min(bought(p), sold(p)) for p in prices)
    prices = [p for p in prices if min(bought(p), sold(p)) == most]
    prices = [
        p
        for p in prices
        if sum(size for at, size in bids if at > p) <= most
        and sum(size for at, size in asks if at < p) <= most
    ]
    least = min(abs(bought(p) - sold(p)) for p in prices)
    prices = [p for p in prices if abs(bought(p) - sold(p)) == least]
    price = math.ceil((prices[0] + prices[-1]) / 2)
    return price, min(bought(price), sold(price)), bought(price) - sold(price)
