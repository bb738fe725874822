"""Bitstamp's order events in CSV and in a recorded log: executions follow from what is left."""

import json
import math
from datetime import date
from pathlib import Path
from unittest.mock import patch

import pytest

from quant_assets.market_data.order_book import csv_blocks
from quant_assets.market_data.order_book.events import ADD, CANCEL, TRADE
from quant_assets.market_data.order_book.readers import bitstamp_log
from quant_assets.market_data.sources.base import SourceError
from quant_assets_tests.market_data.order_book.deliveries import Found, deliver, lines, read

DAY = date(2015, 5, 1)
START = 1430438404000  # milliseconds
UNIT = 100_000_000
# (milliseconds after the start, order, action, volume left, side)
CHANGES = [
    (518, 7, "created", 2 * UNIT, "bid"),
    (519, 8, "created", 1 * UNIT, "ask"),
    (635, 7, "changed", 1 * UNIT, "bid"),  # executed: 1
    (636, 8, "deleted", 0, "ask"),  # executed in full: 1
    (637, 6, "deleted", 0, "ask"),  # placed before the file began
    (638, 5, "deleted", 3 * UNIT, "bid"),  # also before, but a cancel tells its volume
    (700, 7, "changed", 1 * UNIT, "bid"),  # nothing happened
    (701, 7, "changed", 4 * UNIT, "bid"),  # more than before
    (800, 7, "deleted", 4 * UNIT, "bid"),
    (801, 7, "deleted", 4 * UNIT, "bid"),  # told again
]
FAULTS = [
    (5, "id", "unknown_order"),
    (7, "volume", "not_an_event"),
    (8, "volume", "out_of_bounds"),
    (10, "id", "gone_order"),
]


def csv_text() -> str:
    rows = [
        f"{order},{START + at},{START},236.47,{left},{action},{side}"
        for at, order, action, left, side in CHANGES
    ]
    return lines("id,timestamp,exchange.timestamp,price,volume,action,direction", *rows)


def message(at: int, name: str, **body: object) -> str:
    return f"{START + at} {name} {json.dumps(body)}"


def log_text() -> str:
    told = [
        message(
            at,
            f"order_{action}",
            price="236.47",
            amount=f"{left / UNIT:.8f}",
            id=order,
            order_type=0 if side == "bid" else 1,
        )
        for at, order, action, left, side in CHANGES
    ]
    levels = [[f"{236 - n}.5", "0.5"] for n in range(20)]
    told.append(message(900, "trade", price=236.47, amount=1.00000001, id=1))
    told.append(message(901, "order_book", bids=levels, asks=levels[:1]))
    told.append(message(902, "trade", price=236.5, amount=2.9e-07, id=2))
    told.append(message(903, "order_book", bids=levels, asks=[]))
    told += [message(904, "news", text="x"), f"{START + 905} trade {{", "", "garbage"]
    told.append(message(86_400_000, "trade", price=1.0, amount=1.0, id=3))
    return "\n".join(told) + "\n"


def of(format_name: str, path: Path) -> Found:
    return read(format_name, path, DAY, "UTC", symbol="BTCUSD")


def test_orders_in_csv(tmp_path: Path) -> None:
    found = of("bitstamp_orders", deliver(tmp_path, "orders.csv.xz", csv_text()))
    assert found.rows == found.column("sequence") == [1, 2, 3, 4, 6, 9]
    assert found.column("kind") == [ADD, ADD, TRADE, TRADE, CANCEL, CANCEL]
    assert found.column("quantity") == [2 * UNIT, UNIT, UNIT, UNIT, 3 * UNIT, 4 * UNIT]
    # an execution names the one order that tells of it, and no aggressor
    assert found.column("side") == [1, -1, 0, 0, 1, 1]
    assert found.column("buy_order") == [0, 0, 7, 0, 0, 0]
    assert found.column("sell_order") == [0, 0, 0, 8, 0, 0]
    assert found.column("order") == [7, 8, 0, 0, 5, 7]
    assert found.column("timestamp")[0] == "2015-05-01 00:00:04.518000000"
    assert found.faults() == FAULTS


def test_orders_and_trades_of_a_log(tmp_path: Path) -> None:
    found = of("bitstamp_log", deliver(tmp_path, "feed.log.xz", log_text()))
    assert found.rows == found.column("sequence") == [1, 2, 3, 4, 6, 9, 11, 13]
    assert found.column("kind") == [ADD, ADD, CANCEL, CANCEL, CANCEL, CANCEL, TRADE, TRADE]
    assert found.column("order") == [7, 8, 7, 8, 5, 7, 0, 0]
    assert found.column("quantity")[-2:] == [UNIT + 1, 29]
    assert found.column("side")[-1] == 0
    assert found.faults() == [
        *FAULTS,
        (15, "message", "not_an_event"),
        (16, "message", "unreadable"),
        (17, "message", "unreadable"),
        (18, "message", "unreadable"),
        (19, "milliseconds", "other_day"),
    ]
    assert found.empty == 2  # the books


def test_books_of_a_log(tmp_path: Path) -> None:
    found = of("bitstamp_log_books", deliver(tmp_path, "feed.log", log_text()))
    assert found.rows == [12, 14]
    assert found.column("bid_price_1") == [236.5, 236.5]
    assert found.column("bid_price_10") == [227.5, 227.5]
    assert found.column("bid_size_10") == [UNIT // 2] * 2
    assert found.column("ask_size_1") == [UNIT // 2, 0]
    assert math.isnan(found.column("ask_price_2")[0])
    assert math.isnan(found.column("ask_price_1")[1])
    assert found.column("volume") == [UNIT + 1, UNIT + 30]
    assert found.column("last") == [236.47, 236.5]
    assert found.column("trades") == [1, 2]
    assert found.column("high") == [236.47, 236.5]
    assert found.column("turnover")[0] == pytest.approx(236.47 * 1.00000001)


@pytest.mark.parametrize("format_name", ["bitstamp_log", "bitstamp_log_books"])
def test_a_log_reads_the_same_in_pieces(tmp_path: Path, format_name: str) -> None:
    path = deliver(tmp_path, "feed.log", log_text())
    whole = of(format_name, path)
    with patch.object(bitstamp_log, "_LINES", 3):
        pieces = of(format_name, path)
    # NaN differs from itself to Arrow, and not as text
    assert str(pieces.table.to_pylist()) == str(whole.table.to_pylist())
    assert pieces.faults() == whole.faults()
    assert (pieces.rows, pieces.empty) == (whole.rows, whole.empty)


@pytest.mark.parametrize("size", [50, 60, 130])
def test_the_csv_reads_the_same_in_blocks(tmp_path: Path, size: int) -> None:
    path = deliver(tmp_path, "orders.csv", csv_text())
    whole = of("bitstamp_orders", path)
    with (
        patch.object(csv_blocks, "BLOCK_BYTES", size),
        patch.object(csv_blocks, "_HEADER_BYTES", 90),
    ):
        blocks = of("bitstamp_orders", path)
    assert blocks.table.equals(whole.table)
    assert blocks.faults() == whole.faults()


def test_the_symbol_must_be_set(tmp_path: Path) -> None:
    path = deliver(tmp_path, "feed.log", log_text())
    with pytest.raises(SourceError, match="does not tell its symbol; set `symbol`"):
        read("bitstamp_log", path, DAY, "UTC")
