"""Orders and trades of Shanghai and Shenzhen, row by row, made by hand in each vendor's columns."""

from datetime import date
from pathlib import Path

import pytest

from quant_assets.market_data.order_book.events import (
    ADD,
    ADD_BEST,
    ADD_MARKET,
    BUY,
    CANCEL,
    NO_SIDE,
    SELL,
    TRADE,
)
from quant_assets_tests.market_data.order_book.deliveries import (
    BOTH_TRADES_HEADER,
    INSIGHT_ORDERS_HEADER,
    INSIGHT_TRADES_HEADER,
    MDL_ORDERS,
    MDL_ORDERS_HEADER,
    MDL_TRADES,
    MDL_TRADES_HEADER,
    deliver,
    lines,
    named,
    read,
)


def test_shanghai_orders_of_mdl(tmp_path: Path) -> None:
    found = read("mdl_sse_orders", deliver(tmp_path, "orders.csv.gz", MDL_ORDERS))
    assert found.table.to_pylist()[0] == {
        "symbol": "600001.SH",
        "timestamp": found.table["timestamp"][0].as_py(),
        "sequence": 7,
        "kind": ADD,
        "side": SELL,
        "price": 10.11,  # the file's binary fraction is the decimal that was meant
        "quantity": 50,
        "order": 90,
        "buy_order": 0,
        "sell_order": 0,
    }
    assert found.column("timestamp") == [
        "2024-03-04 01:15:00.020000000",
        "2024-03-04 01:15:01.300000000",
        "2024-03-04 01:30:00.000000000",
    ]
    assert found.column("kind") == [ADD, ADD, CANCEL]
    assert found.column("side") == [SELL, BUY, SELL]
    assert (found.rows, found.rejected, found.others, found.empty) == ([1, 2, 3], [], 0, 0)


def test_shanghai_trades_of_mdl(tmp_path: Path) -> None:
    found = read("mdl_sse_trades", deliver(tmp_path, "trades.csv", MDL_TRADES))
    assert found.column("kind") == [TRADE] * 3
    assert found.column("side") == [NO_SIDE, BUY, SELL]
    assert found.column("price") == [10.1, 10.12, 10.1]
    assert found.column("buy_order") == [91, 95, 91]
    assert found.column("sell_order") == [90, 92, 96]
    assert found.column("order") == [0, 0, 0]
    assert found.column("sequence") == [9, 12, 13]


def test_rejected_orders_say_row_field_and_reason(tmp_path: Path) -> None:
    good = {
        "SecurityID": "600001",
        "OrderTime": "09:30:00.1",
        "OrderType": "A",
        "OrderNO": 5,
        "OrderPrice": 10,
        "Balance": 100,
        "OrderBSFlag": "B",
        "BizIndex": 1,
    }
    wrong: list[dict[str, object]] = [
        {"OrderTime": "9h30"},
        {"OrderPrice": "ten"},
        {"OrderPrice": 0},
        {"OrderPrice": -1},
        {"OrderPrice": "inf"},
        {"Balance": 0},
        {"Balance": ""},
        {"Balance": 1.5},
        {"OrderType": "X"},
        {"OrderType": "S"},
        {"OrderBSFlag": ""},
        {"OrderNO": 0},
        {"BizIndex": ""},
        {"SecurityID": "60001"},
        {"SecurityID": ""},
        {"OrderTime": ""},
    ]
    rows = [named(MDL_ORDERS_HEADER, good, each) for each in wrong]
    rows[3:3] = [named(MDL_ORDERS_HEADER, good) + ",surplus"]
    rows.append(named(MDL_ORDERS_HEADER, good))
    found = read("mdl_sse_orders", deliver(tmp_path, "o.csv", lines(MDL_ORDERS_HEADER, *rows)))
    assert sorted(found.faults()) == [
        (1, "OrderTime", "unreadable"),
        (2, "OrderPrice", "unreadable"),
        (3, "OrderPrice", "out_of_bounds"),
        (4, "", "wrong_columns"),
        (5, "OrderPrice", "out_of_bounds"),
        (6, "OrderPrice", "out_of_bounds"),
        (7, "Balance", "out_of_bounds"),
        (8, "Balance", "missing"),
        (9, "Balance", "unreadable"),
        (10, "OrderType", "unknown_code"),
        (11, "OrderType", "not_an_event"),
        (12, "OrderBSFlag", "missing"),
        (13, "OrderNO", "out_of_bounds"),
        (14, "BizIndex", "missing"),
        (15, "symbol", "unknown_code"),
        (16, "symbol", "unknown_code"),
        (17, "OrderTime", "missing"),
    ]
    assert found.rows == [18]
    records = {each["row"]: each["record"] for each in found.rejected}
    assert records[2] == rows[1]
    assert records[4] == rows[3]


def test_trades_of_both_exchanges_in_one_file(tmp_path: Path) -> None:
    def shenzhen(sequence: int, bid: int, offer: int, kind: str, time: str, price: float) -> str:
        return named(
            BOTH_TRADES_HEADER,
            ApplSeqNum=sequence,
            BidApplSeqNum=bid,
            OfferApplSeqNum=offer,
            SecurityID="000001",
            SecurityIDSource="102 ",
            TradePrice=price,
            TradeQty=100,
            ExecType=kind,
            TradeTime=f"2024.03.04T{time}",
            Market="SZ",
        )

    shanghai = named(
        BOTH_TRADES_HEADER,
        ApplSeqNum=10123,
        BidApplSeqNum=671,
        OfferApplSeqNum=161465,
        SecurityID="600000",
        TradePrice=7.400000000000001,
        TradeQty=100,
        TradeTime="2024.03.04T10:00:00.320",
        TradeBSFlag="S",
        BizIndex=132518,
        Market="SH",
    )
    text = lines(
        BOTH_TRADES_HEADER,
        shanghai,
        shenzhen(5, 4, 0, "4", "09:15:00.040", 0),
        shenzhen(9, 7, 8, "F", "09:25:00.000", 15.0),
        shenzhen(20, 19, 8, "F", "09:30:00.000", 15.01),
        shenzhen(21, 17, 18, "F", "14:56:59.990", 15.02),
        shenzhen(30, 29, 28, "F", "15:00:00.000", 15.03),
        shenzhen(31, 0, 25, "4", "13:00:00.000", 0),
        shenzhen(32, 26, 25, "4", "13:00:00.000", 0),
        shenzhen(33, 26, 25, "9", "13:00:00.000", 1),
        shenzhen(34, 26, 25, "F", "13:00:00.000", 1).replace("2024.03.04", "2024.03.05"),
        shenzhen(35, 26, 25, "F", "24:00:00.000", 1),
        shanghai.replace(",SH", ",HK"),
        shanghai.replace(",S,", ",?,"),
        shanghai.replace("132518", ""),
    )
    found = read("mdl_trades", deliver(tmp_path, "trades.zip", text))
    assert found.column("symbol") == ["600000.SH", *["000001.SZ"] * 6]
    assert found.column("sequence") == [132518, 5, 9, 20, 21, 30, 31]
    assert found.column("kind") == [TRADE, CANCEL, TRADE, TRADE, TRADE, TRADE, CANCEL]
    # Shenzhen: the later order is the aggressor, but in the auctions of open and close
    assert found.column("side") == [SELL, BUY, NO_SIDE, BUY, SELL, NO_SIDE, SELL]
    assert found.column("order") == [0, 4, 0, 0, 0, 0, 25]
    assert found.column("buy_order") == [671, 0, 7, 19, 17, 29, 0]
    prices = found.column("price")
    assert prices[0] == 7.4
    assert [str(p) for p in prices[1:3]] == ["nan", "15.0"]
    assert found.faults() == [
        (8, "BidApplSeqNum", "out_of_bounds"),
        (9, "ExecType", "unknown_code"),
        (10, "TradeTime", "other_day"),
        (11, "TradeTime", "unreadable"),
        (12, "symbol", "unknown_code"),
        (13, "TradeBSFlag", "unknown_code"),
        (14, "BizIndex", "missing"),
    ]


def insight_order(**values: object) -> str:
    common = {
        "MDDate": "2024.03.04",
        "MDTime": "09:30:00.280",
        "OrderPrice": 15.929999999999999,
        "OrderQty": 300,
        "OrderBSFlag": 2,
    }
    return named(INSIGHT_ORDERS_HEADER, common, values)


def test_insight_orders_of_both_exchanges(tmp_path: Path) -> None:
    text = lines(
        INSIGHT_ORDERS_HEADER,
        insight_order(OrderType=2, ApplSeqNum=11, OrderNO=1329, SecurityID="605580.SH"),
        insight_order(OrderType=10, ApplSeqNum=12, OrderNO=1329, SecurityID="605580.SH"),
        insight_order(OrderType=1, ApplSeqNum=21, OrderNO=0, SecurityID="000001.SZ"),
        insight_order(
            OrderType=3,
            ApplSeqNum=22,
            OrderNO=0,
            SecurityID="000001.SZ",
            OrderPrice=0,
            OrderBSFlag=1,
        ),
        insight_order(OrderType=2, ApplSeqNum=23, OrderNO=0, SecurityID="000001.SZ"),
        insight_order(OrderType=2, ApplSeqNum=24, SecurityID="000001.SZ", MDDate="2024.03.05"),
        insight_order(OrderType=11, ApplSeqNum=25, OrderNO=0, SecurityID="605580.SH"),
    )
    found = read("insight_orders", deliver(tmp_path, "orders.csv", text))
    assert found.column("kind") == [ADD, CANCEL, ADD_MARKET, ADD_BEST, ADD]
    assert found.column("side") == [SELL, SELL, SELL, BUY, SELL]
    # trades name Shanghai's orders by OrderNO, Shenzhen's by ApplSeqNum
    assert found.column("order") == [1329, 1329, 21, 22, 23]
    assert [str(p) for p in found.column("price")] == ["15.93", "15.93", "nan", "nan", "15.93"]
    assert found.faults() == [(6, "MDDate", "other_day"), (7, "OrderType", "not_an_event")]


def test_insight_trades_of_both_exchanges(tmp_path: Path) -> None:
    def trade(time: str, flag: int, kind: int, buy: int, sell: int, symbol: str) -> str:
        return named(
            INSIGHT_TRADES_HEADER,
            MDDate="2024.03.04",
            MDTime=time,
            TradeBuyNo=buy,
            TradeSellNo=sell,
            TradeType=kind,
            TradeBSFlag=flag,
            TradePrice=0 if kind else 14.56,
            TradeQty=200,
            ApplSeqNum=77,
            SecurityID=symbol,
        )

    text = lines(
        INSIGHT_TRADES_HEADER,
        trade("09:25:00.180", 0, 0, 144909, 5491, "605580.SH"),
        trade("10:25:00.180", 1, 0, 144909, 5491, "605580.SH"),
        trade("10:25:00.180", 2, 0, 14, 5491, "605580.SH"),
        trade("10:25:00.180", 0, 0, 14, 5491, "000001.SZ"),
        trade("14:57:00.000", 0, 0, 14, 5491, "000001.SZ"),
        trade("10:25:00.180", 0, 1, 14, 0, "000001.SZ"),
    )
    found = read("insight_trades", deliver(tmp_path, "trades.csv", text))
    assert found.column("kind") == [TRADE] * 5 + [CANCEL]
    assert found.column("side") == [NO_SIDE, BUY, SELL, SELL, NO_SIDE, BUY]
    assert found.column("order") == [0, 0, 0, 0, 0, 14]
    assert found.column("buy_order") == [144909, 144909, 14, 14, 14, 0]
    assert not found.rejected


def test_only_the_wanted_symbols_are_read_and_judged(tmp_path: Path) -> None:
    text = MDL_TRADES + MDL_TRADES.split("\n", 1)[1].replace("600001", "600002")
    text += "0,3,6,600003,10:00:00.002,-1,300,3030,91,96,S,13,09:25:08.075,3\n"
    path = deliver(tmp_path, "t.csv", text)
    found = read("mdl_sse_trades", path, symbols=["600002.SH"])
    assert (found.column("symbol"), found.others) == (["600002.SH"] * 3, 4)
    assert (found.rows, found.rejected) == ([4, 5, 6], [])
    assert read("mdl_sse_trades", path).faults() == [(7, "TradPrice", "out_of_bounds")]


@pytest.mark.parametrize(
    ("day", "utc"),
    [(date(2024, 3, 4), "2024-03-04 01:15:00.020000000"), (date(1990, 7, 2), "00:15:00.020")],
)
def test_shanghai_had_summer_time_once(tmp_path: Path, day: date, utc: str) -> None:
    found = read("mdl_sse_orders", deliver(tmp_path, "o.csv", MDL_ORDERS), day=day)
    assert utc in found.column("timestamp")[0]


def test_a_missing_column_is_named_with_a_near_one(tmp_path: Path) -> None:
    path = deliver(tmp_path, "o.csv", MDL_ORDERS.replace("BizIndex", "BizIndx"))
    with pytest.raises(ValueError, match=r"no column 'BizIndex' \(did you mean 'BizIndx'\?\)"):
        read("mdl_sse_orders", path)
    with pytest.raises(ValueError, match=r"TradTime.*Set the format"):
        read("mdl_sse_trades", deliver(tmp_path, "o.csv", MDL_ORDERS))


def test_a_header_may_have_a_mark_quotes_and_carriage_returns(tmp_path: Path) -> None:
    text = "\ufeff" + MDL_TRADES.replace("SecurityID", '"SecurityID"').replace("\n", "\r\n")
    found = read("mdl_sse_trades", deliver(tmp_path, "t.csv", text))
    assert found.column("sequence") == [9, 12, 13]
    assert not found.rejected
    assert MDL_TRADES_HEADER in MDL_TRADES
