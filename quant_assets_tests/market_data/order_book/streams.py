"""Streams of events for the tests: anything at all, and what a small exchange would publish."""

import random
from dataclasses import dataclass, field
from datetime import time
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from quant_assets.market_data.order_book.events import (
    ADD,
    ADD_BEST,
    ADD_MARKET,
    CANCEL,
    EVENTS,
    KINDS,
    TRADE,
)
from quant_assets.market_data.order_book.rules import BookRules

Event = dict[str, Any]

# An auction of ten seconds, continuous trading, a break, trading, an auction: midnight to 00:01.
SESSIONS = ((time(0, 0, 10), time(0, 0, 25)), (time(0, 0, 30), time(0, 0, 50)))
FIRST_LISTED = BookRules(True, 100, "UTC", SESSIONS)
LAST_LISTED = BookRules(False, 100, "UTC", SESSIONS)
DAY = np.datetime64("2024-03-04", "ns").astype(np.int64).item()
SECOND = 10**9


def is_continuous(timestamp: int) -> bool:
    second = (timestamp - DAY) / SECOND
    return 10 <= second < 25 or 30 <= second < 50


def event(kind: int, timestamp: int, sequence: int, **values: Any) -> Event:
    """An event; what is not named is 0, the price none."""
    blank = {"side": 0, "price": None, "quantity": 0, "order": 0, "buy_order": 0, "sell_order": 0}
    return {"kind": kind, "timestamp": timestamp, "sequence": sequence, **blank, **values}


def table(events: list[Event], symbol: str = "A", ticks_per_unit: int = 100) -> pa.Table:
    """EVENTS of events whose prices are ticks."""
    columns: dict[str, list[Any]] = {name: [each.get(name) for each in events] for name in _NAMES}
    columns["price"] = [np.nan if p is None else p / ticks_per_unit for p in columns["price"]]
    arrays = [
        pa.array([symbol] * len(events) if field.name == "symbol" else columns[field.name]).cast(
            field.type
        )
        for field in EVENTS
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS)


_NAMES = [name for name in EVENTS.names if name != "symbol"]


@st.composite
def any_events(draw: st.DrawFn) -> list[Event]:
    """Events that need not make sense: few prices and numbers, so that they meet."""
    number = st.integers(0, 12)
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "kind": st.sampled_from([*KINDS, ADD, ADD, ADD, TRADE, TRADE]),
                    "side": st.sampled_from([1, -1, 1, -1, 0]),
                    "price": st.integers(95, 112) | st.none(),
                    "quantity": st.integers(0, 6),
                    "order": number,
                    "buy_order": number,
                    "sell_order": number,
                }
            ),
            max_size=60,
        )
    )
    pace = draw(st.sampled_from([SECOND // 4, SECOND]))
    start = DAY + draw(st.integers(0, 20)) * SECOND
    for place, row in enumerate(rows):
        row.update(sequence=place + 1, timestamp=start + place * pace)
        if row["kind"] != TRADE:
            row.update(buy_order=0, sell_order=0)
        else:
            row["order"] = 0
    return rows


@dataclass
class Exchange:
    """Matches by price and time, and publishes as Shenzhen (`first`) or as Shanghai does."""

    first: bool
    resting: list[Event] = field(default_factory=list)  # in order of arrival
    events: list[Event] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)  # positions of events after which it is at rest

    def publish(self, kind: int, **values: Any) -> None:
        place = len(self.events)
        self.events.append(event(kind, DAY + 10 * SECOND + place * 10**7, place + 1, **values))

    def limit(self, number: int, side: int, price: int, quantity: int, kind: int = ADD) -> None:
        if kind == ADD_BEST:
            own = [each["price"] * side for each in self.resting if each["side"] == side]
            if not own:
                return
            price = max(own) * side
        order = {"order": number, "side": side, "price": price}
        if self.first:
            told = price if kind == ADD else None
            self.publish(kind, **{**order, "price": told}, quantity=quantity)
        left = self.match(number, side, price, quantity)
        if left and not self.first:
            self.publish(ADD, **order, quantity=left)
        if left:
            self.resting.append({**order, "quantity": left})
        self.whole.append(len(self.events) - 1)

    def market(self, number: int, side: int, quantity: int, cancels: bool) -> None:
        """A market order; what is left is cancelled, or rests at the first price it traded at."""
        others = [each["price"] * side for each in self.resting if each["side"] == -side]
        if not others:
            return
        if self.first:
            self.publish(ADD_MARKET, order=number, side=side, quantity=quantity)
        price = min(others) * side if not cancels else 10**6 * side
        left = self.match(number, side, price, quantity)
        if left and cancels and self.first:
            self.publish(CANCEL, order=number, side=side, quantity=left)
        elif left and not cancels:
            if not self.first:
                self.publish(ADD, order=number, side=side, price=price, quantity=left)
            self.resting.append({"order": number, "side": side, "price": price, "quantity": left})
        if not (self.first and left and not cancels):  # else known with the next event only
            self.whole.append(len(self.events) - 1)

    def cancel(self, place: int) -> None:
        if self.resting:
            order = self.resting.pop(place % len(self.resting))
            self.publish(CANCEL, **order)
            self.whole.append(len(self.events) - 1)

    def match(self, number: int, side: int, price: int, left: int) -> int:
        while left:
            others = [
                each
                for each in self.resting
                if each["side"] == -side and (price - each["price"]) * side >= 0
            ]
            if not others:
                return left
            best = min(others, key=lambda each: each["price"] * side)
            quantity = min(left, best["quantity"])
            pair = (number, best["order"]) if side > 0 else (best["order"], number)
            self.publish(
                TRADE,
                side=side,
                price=best["price"],
                quantity=quantity,
                buy_order=pair[0],
                sell_order=pair[1],
            )
            best["quantity"] -= quantity
            left -= quantity
            if best["quantity"] == 0:
                self.resting.remove(best)
        return left

    def levels(self, side: int) -> list[tuple[int, int]]:
        """(price, size), the best first."""
        prices = sorted({o["price"] for o in self.resting if o["side"] == side}, reverse=side > 0)
        return [
            (
                price,
                sum(
                    o["quantity"] for o in self.resting if (o["side"], o["price"]) == (side, price)
                ),
            )
            for price in prices
        ]


def traded_day(seed: int, steps: int, first: bool) -> tuple[Exchange, list[dict[str, Any]]]:
    """A day of random orders, and the exchange's own book after each step: event, bid, ask."""
    rng, exchange, books = random.Random(seed), Exchange(first), []
    for number in range(1, steps + 1):
        before, side = len(exchange.whole), rng.choice((1, -1))
        what, quantity = rng.random(), rng.randint(1, 9)
        if what < 0.6:
            exchange.limit(number, side, 1000 - side * rng.randint(-4, 20), quantity)
        elif what < 0.7:
            exchange.limit(number, side, 0, quantity, ADD_BEST)
        elif what < 0.8:
            exchange.market(number, side, quantity, rng.random() < 0.5)
        else:
            exchange.cancel(rng.randrange(10**6))
        if len(exchange.whole) > before:
            books.append(
                {
                    "event": exchange.whole[-1],
                    "bid": exchange.levels(1),
                    "ask": exchange.levels(-1),
                }
            )
    return exchange, books
