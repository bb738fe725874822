"""Snapshots and queues of each vendor, made by hand in its columns."""

import math
from pathlib import Path

import pytest

from quant_assets.market_data.order_book.events import level_columns
from quant_assets_tests.market_data.order_book.deliveries import (
    Found,
    deliver,
    insight_header,
    lines,
    mdl_snapshot_header,
    named,
    read,
)


def plain(found: Found, name: str) -> list[float | None]:
    """A column of prices with None for NaN, so that lists compare."""
    return [None if math.isnan(value) else value for value in found.column(name)]


@pytest.mark.parametrize(
    ("format_name", "header", "code", "phases"),
    [
        (
            "mdl_sse_snapshots",
            mdl_snapshot_header("InstruStatus", "TradVolume", "TradNumber"),
            "600001",
            [("START", "START"), ("TRADE", "TRADE"), ("NEWWORD", "NEWWORD")],
        ),
        (
            "mdl_szse_snapshots",
            mdl_snapshot_header("TradingPhaseCode", "Volume", "TurnNum"),
            "000001",
            [
                ("S0      ", "START"),
                ("O0      ", "OCALL"),
                ("T0", "TRADE"),
                ("B0", "BREAK"),
                ("C0", "CCALL"),
                ("E0", "CLOSE"),
                ("T1", "SUSP"),
                ("H0", "SUSP"),
                ("?0", "?0"),
            ],
        ),
    ],
)
def test_snapshots_of_mdl(
    tmp_path: Path, format_name: str, header: str, code: str, phases: list[tuple[str, str]]
) -> None:
    volume, trades, phase = (
        ("TradVolume", "TradNumber", "InstruStatus")
        if "sse_" in format_name and "szse" not in format_name
        else ("Volume", "TurnNum", "TradingPhaseCode")
    )
    common = {"SecurityID": code, "UpdateTime": "09:30:01.000", volume: 0, trades: 0}
    rows = [named(header, common, {phase: word}) for word, _ in phases]
    book: dict[str, object] = {
        f"{s}Price{n}": 10 + (n if s == "Ask" else -n) / 100
        for s in ("Ask", "Bid")
        for n in range(1, 11)
    }
    book |= {f"{s}Volume{n}": 100 * n for s in ("Ask", "Bid") for n in range(1, 11)}
    book |= {"AskPrice10": 0, "AskVolume10": 0, "BidPrice1": "9.9900000000000002"}
    values = {"LastPrice": 10.005, "OpenPrice": 0, volume: 300, trades: 2, "Turnover": 3001.4999}
    rows.append(named(header, common, book, values, {"PreCloPrice": 9.5, phase: "T0"}))
    found = read(format_name, deliver(tmp_path, "s.csv", lines(header, *rows)))
    assert found.column("phase")[:-1] == [ours for _, ours in phases]
    assert found.column("symbol")[0] in ("600001.SH", "000001.SZ")
    last = {name: found.column(name)[-1] for name in found.table.column_names}
    assert [last[name] for name in level_columns("bid", "price")] == [
        9.99,
        9.98,
        9.97,
        9.96,
        9.95,
        9.94,
        9.93,
        9.92,
        9.91,
        9.9,
    ]
    assert [last[name] for name in level_columns("ask", "size")][:3] == [100, 200, 300]
    assert math.isnan(last["ask_price_10"])
    assert last["ask_size_10"] == 0
    assert (last["last"], last["volume"], last["trades"]) == (10.005, 300, 2)
    assert (last["turnover"], last["previous_close"]) == (3001.5, 9.5)
    # before the first trade, and with empty fields, there is no price and nothing in the book
    assert plain(found, "bid_price_1")[0] is None
    assert plain(found, "open")[-1] is None
    assert found.column("bid_size_1")[0] == 0


def test_a_snapshot_with_an_impossible_number_is_rejected(tmp_path: Path) -> None:
    header = mdl_snapshot_header("InstruStatus", "TradVolume", "TradNumber")
    good = {"SecurityID": "600001", "UpdateTime": "09:30:01", "TradVolume": 0}
    rows = [
        named(header, good),
        named(header, good, BidVolume3=-1),
        named(header, good, AskPrice10="x"),
        named(header, good, TradVolume=""),
    ]
    found = read("mdl_sse_snapshots", deliver(tmp_path, "s.csv", lines(header, *rows)))
    assert found.faults() == [
        (2, "BidVolume3", "out_of_bounds"),
        (3, "AskPrice10", "unreadable"),
        (4, "TradVolume", "missing"),
    ]
    assert found.rows == [1]


def test_snapshots_of_insight(tmp_path: Path) -> None:
    header = insight_header()
    words = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "12"]
    common = {"MDDate": "2024.03.04", "MDTime": "09:30:03.000", "SecurityID": "300001.SZ"}
    rows = [
        named(header, common, fill="0", TradingPhaseCode=word, BuyPrice2=8.18, BuyOrderQty2=7)
        for word in words
    ]
    rows.append(named(header, common, fill="0", MDDate="2024.03.01"))
    found = read("insight_snapshots", deliver(tmp_path, "s.csv", lines(header, *rows)))
    assert found.column("phase") == [
        "START",
        "OCALL",
        "BREAK",
        "TRADE",
        "BREAK",
        "CCALL",
        "CLOSE",
        "AFTER",
        "SUSP",
        "SUSP",
        "12",
    ]
    assert plain(found, "bid_price_2")[0] == 8.18
    assert plain(found, "bid_price_1")[0] is None
    assert found.column("bid_size_2")[0] == 7
    assert found.column("trades") == [0] * len(words)
    assert found.faults() == [(12, "MDDate", "other_day")]


def sse_header() -> str:
    names = ["SecurityID", "DateTime", "PreClosePx", "OpenPx", "HighPx", "LowPx", "LastPx"]
    names += ["TotalVolumeTrade", "TotalValueTrade", "InstrumentStatus", "NumTrades"]
    for side in ("Bid", "Offer"):
        names += [f"{side}{w}{n}" for w in ("Price", "OrderQty", "NumOrders") for n in range(10)]
        names += [f"{side}Orders{n}" for n in range(50)]
    return ",".join(names)


def sse_row(**values: object) -> str:
    common = {"SecurityID": 600103, "DateTime": '"2024.03.04T09:30:02.000"'}
    return named(sse_header(), common, values, fill="0")


def test_snapshots_with_queues_in_them(tmp_path: Path) -> None:
    row = sse_row(
        InstrumentStatus='"TRADE"',
        TotalValueTrade="5.6696320809999995E7",
        NumTrades=3,
        BidPrice0=82.65999999999998,
        BidOrderQty0=900,
        BidNumOrders0=2,
        BidOrders0=400,
        BidOrders1=500,
        OfferPrice0=82.67,
        OfferOrderQty0=60000,
        OfferNumOrders0=70,
        **{f"OfferOrders{n}": 100 + n for n in range(50)},
    )
    auction = sse_row(InstrumentStatus='"OCALL"', BidPrice0=80, BidOrderQty0=9, OfferPrice0=80)
    other_day = row.replace("2024.03.04", "2024.03.05")
    nowhere = sse_row(BidOrders0=400)
    text = lines(sse_header(), row, auction, other_day, nowhere)
    path = deliver(tmp_path, "s.zip", text)
    books = read("sse_snapshots", path)
    assert books.column("turnover")[0] == 56_696_320.81
    assert (books.column("bid_price_1")[0], books.column("bid_size_1")[0]) == (82.66, 900)
    assert books.column("phase")[:2] == ["TRADE", "OCALL"]
    assert books.faults() == [(3, "DateTime", "other_day")]
    queues = read("sse_queues", path)
    assert queues.table.num_rows == 52
    assert queues.column("quantity")[:3] == [400, 500, 100]
    assert queues.column("position")[:3] == [1, 2, 1]
    assert queues.column("side")[:3] == [1, 1, -1]
    assert queues.column("price")[:3] == [82.66, 82.66, 82.67]
    assert queues.column("orders")[:3] == [2, 2, 70]
    assert queues.column("size")[-1] == 60000
    assert set(queues.rows) == {1}
    assert queues.empty == 1
    assert queues.faults() == [(3, "DateTime", "other_day"), (4, "price", "missing")]


def test_queues_of_mdl(tmp_path: Path) -> None:
    orders = [f"OrderQty{n}" for n in range(1, 51)]
    header = ",".join(["UpdateTime,SecurityID,Side,Price,Volume,NumOrders,NoOrders", *orders])
    common = {"UpdateTime": "09:30:02.000", "SecurityID": "600519"}
    text = lines(
        header,
        named(header, common, Side="S"),
        named(
            header,
            **common,
            Side="B",
            Price=1838.76,
            Volume=300,
            NumOrders=2,
            OrderQty1=100,
            OrderQty2=200,
        ),
        named(header, common, Side="S", Price=1839, Volume=5, NumOrders=0),
        named(header, common, Side="X", Price=1839, Volume=5, NumOrders=1, OrderQty1=5),
    )
    found = read("mdl_sse_queues", deliver(tmp_path, "q.csv", text))
    assert found.table.drop_columns(["timestamp"]).to_pylist() == [
        {
            "symbol": "600519.SH",
            "side": 1,
            "position": n,
            "price": 1838.76,
            "quantity": 100 * n,
            "size": 300,
            "orders": 2,
        }
        for n in (1, 2)
    ]
    assert (found.rows, found.empty) == ([2, 2], 2)
    assert found.faults() == [(4, "Side", "unknown_code")]
