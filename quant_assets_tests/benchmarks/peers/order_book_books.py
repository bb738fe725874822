"""order-book (bmoscon/orderbook, a sorted dictionary in C) as its README uses it: a book a symbol.

It keeps price levels; the orders are in a dictionary beside it, as its users keep them. Runs in the
peer's environment; see serving.py. Input: the events' columns by symbol, `bounds` of the symbols,
and `instants`, `steps` (the bounds of each symbol's instants). Result: `levels`,
(instants, 2 sides, 10, 2), price and size, 0 where there is none.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from quant_assets_tests.benchmarks.peers.serving import Server

LEVELS = 10
CANCEL, TRADE = 3, 4
COLUMNS = ("timestamp", "kind", "side", "price", "quantity", "order", "buy_order", "sell_order")


def main(folder: Path) -> None:
    """Answer until the input ends."""
    server = Server()
    json.loads((folder / "options.json").read_text())
    given = np.load(folder / "input.npz")
    symbols = [
        (
            list(zip(*(given[name][start:stop].tolist() for name in COLUMNS), strict=True)),
            given["instants"][first:last].tolist(),
        )
        for start, stop, first, last in zip(
            given["bounds"][:-1],
            given["bounds"][1:],
            given["steps"][:-1],
            given["steps"][1:],
            strict=True,
        )
    ]
    latest: dict[str, Any] = {}

    def run() -> None:
        books = [rows for events, instants in symbols for rows in replay(events, instants)]
        latest["levels"] = np.array(books)

    server.serve(run, lambda: latest)


def replay(events: list[Any], instants: list[int]) -> list[Any]:
    """The ten best levels at each instant."""
    from order_book import OrderBook

    book, rows, coming = OrderBook(), [], 0
    orders: dict[int, list[Any]] = {}
    bids, asks = book.bids, book.asks

    def take(number: int, quantity: int) -> None:
        order = orders.get(number)
        if order is None:
            return
        levels, price = order[0], order[1]
        order[2] -= quantity
        if order[2] <= 0:
            del orders[number]
        left = levels[price] - quantity
        if left > 0:
            levels[price] = left
        else:
            del levels[price]

    for time, kind, side, price, quantity, order, buy, sell in events:
        while coming < len(instants) and instants[coming] < time:
            rows.append((best(bids), best(asks)))
            coming += 1
        if kind == TRADE:
            take(buy, quantity)
            take(sell, quantity)
        elif kind == CANCEL:
            take(order, quantity)
        else:
            levels = bids if side > 0 else asks
            orders[order] = [levels, price, quantity]
            known = price in levels  # there is no `get`
            levels[price] = levels[price] + quantity if known else quantity
    rows += [(best(bids), best(asks))] * (len(instants) - coming)
    return rows


def best(levels: Any) -> list[tuple[float, int]]:
    """(price, size) of the ten best levels."""
    shown = [levels.index(place) for place in range(min(LEVELS, len(levels)))]
    return shown + [(0.0, 0)] * (LEVELS - len(shown))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
