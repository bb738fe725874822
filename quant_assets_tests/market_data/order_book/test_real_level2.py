"""Real Level-2 files of every format: how many rows, the first and last, and what must agree."""

import math
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quant_assets.market_data.order_book.events import ADD, CANCEL, TRADE
from quant_assets_tests.market_data.order_book.deliveries import Found, read

NEW_YORK = "America/New_York"


@pytest.fixture(scope="module")
def level2(test_data: Path) -> Path:
    return test_data / "cn_level2_shared"


def row(found: Found, number: int) -> tuple[Any, ...]:
    """An event in short: UTC time, sequence, kind, side, price, quantity, order, buy, sell."""
    names = ["timestamp", "sequence", "kind", "side", "price", "quantity"]
    names += ["order", "buy_order", "sell_order"]
    values = found.table.slice(number, 1).to_pylist()[0]
    time = str(values["timestamp"].tz_localize(None).time())
    price = None if math.isnan(values["price"]) else values["price"]
    return (
        time,
        values["sequence"],
        values["kind"],
        values["side"],
        price,
        *[values[name] for name in names[5:]],
    )


@pytest.mark.parametrize(
    ("format_name", "file", "day", "rows", "first", "last"),
    [
        (
            "insight_orders",
            "SHorders.zip",
            date(2023, 7, 11),
            149_359,
            ("01:15:00.280000", 186445, ADD, -1, 15.93, 300, 1329, 0, 0),
            ("06:59:59.630000", 13837259, ADD, -1, 21.42, 100, 8634173, 0, 0),
        ),
        (
            "insight_trades",
            "SHtrans.zip",
            date(2023, 7, 11),
            109_616,
            ("01:25:00.180000", 187467, TRADE, 0, 14.56, 200, 0, 144909, 5491),
            ("07:00:00.690000", 13837308, TRADE, 0, 21.5, 124, 0, 8625563, 8584274),
        ),
        (
            "mdl_sse_orders",
            "600519_20230201_until_1030_entrust.csv.gz",
            date(2023, 2, 1),
            19_095,
            ("01:15:00.020000", 76838, ADD, -1, 1745.0, 50, 90, 0, 0),
            None,
        ),
        (
            "mdl_sse_trades",
            "600519_20230201_until_1030_trade.csv.gz",
            date(2023, 2, 1),
            8_657,
            ("01:25:00.940000", 78259, TRADE, 0, 1854.98, 100, 0, 113304, 38420),
            None,
        ),
        (
            "mdl_sse_trades",
            "600519_20230202_Transaction.csv.gz",
            date(2023, 2, 2),
            23_168,
            ("01:25:00.940000", 102489, TRADE, 0, 1848.38, 100, 0, 91137, 81060),
            None,
        ),
        (
            "mdl_trades",
            "tradeData.zip",
            date(2023, 2, 1),
            181_683,
            ("01:25:00.320000", 132518, TRADE, 0, 7.4, 100, 0, 671, 161465),
            ("07:00:00", 35374403, TRADE, 0, 14.7, 579, 0, 35373572, 23544241),
        ),
    ],
)
def test_events(
    level2: Path,
    format_name: str,
    file: str,
    day: date,
    rows: int,
    first: tuple[Any, ...],
    last: tuple[Any, ...] | None,
) -> None:
    found = read(format_name, level2 / file, day)
    assert (found.table.num_rows, found.rejected, found.empty) == (rows, [], 0)
    assert row(found, 0) == first
    assert last is None or row(found, rows - 1) == last
    # prices are decimals of the tick, however the vendor wrote them
    prices = found.table["price"].to_numpy()
    cents = prices[~np.isnan(prices)] * 100
    assert np.abs(cents - np.rint(cents)).max() < 1e-9 * cents.max()


def test_both_exchanges_in_one_file(level2: Path) -> None:
    frame = read("mdl_trades", level2 / "tradeData.zip", date(2023, 2, 1)).table.to_pandas()
    kinds = frame.groupby(["symbol", "kind"]).size().to_dict()
    assert kinds == {
        ("000001.SZ", CANCEL): 32_996,
        ("000001.SZ", TRADE): 133_815,
        ("600000.SH", TRADE): 14_872,
    }
    shenzhen = frame[(frame["symbol"] == "000001.SZ") & (frame["kind"] == TRADE)]
    # the auctions' trades are those of 09:25:00.000 and 15:00:00.000
    assert int((shenzhen["side"] == 0).sum()) == 250 + 699
    cancels = frame[frame["kind"] == CANCEL]
    assert cancels.groupby("side").size().to_dict() == {1: 19_533, -1: 13_463}
    assert (cancels["order"] > 0).all()


@pytest.mark.parametrize(
    ("snapshots", "trades", "day", "count"),
    [
        (
            "600519_20230202_MarketData.csv.gz",
            "600519_20230202_Transaction.csv.gz",
            date(2023, 2, 2),
            5_127,
        ),
        (
            "600519_20230201_until_1030_snapshot.csv.gz",
            "600519_20230201_until_1030_trade.csv.gz",
            date(2023, 2, 1),
            1_364,
        ),
    ],
)
def test_snapshots_count_the_trades_that_are_there(
    level2: Path, snapshots: str, trades: str, day: date, count: int
) -> None:
    """After its `trades` trades a snapshot has their volume, turnover, last price, high and low."""
    books = read("mdl_sse_snapshots", level2 / snapshots, day).table.to_pandas()
    traded = read("mdl_sse_trades", level2 / trades, day).table.to_pandas()
    assert len(books) == count
    traded = traded.sort_values("sequence")
    money = (traded["price"] * traded["quantity"]).to_numpy()
    after = pd.DataFrame(
        {
            "volume": np.append(0, traded["quantity"].cumsum()),
            "turnover": np.append(0.0, money.cumsum()),
            "last": np.append(np.nan, traded["price"]),
            "high": np.append(np.nan, traded["price"].cummax()),
            "low": np.append(np.nan, traded["price"].cummin()),
        }
    ).iloc[books["trades"]]
    assert (after["volume"].to_numpy() == books["volume"].to_numpy()).all()
    np.testing.assert_allclose(after["turnover"], books["turnover"], rtol=0, atol=0.01)
    for name in ("last", "high", "low"):
        np.testing.assert_array_equal(after[name], books[name])


@pytest.mark.parametrize(
    ("format_name", "file", "day", "rows", "symbols", "phases"),
    [
        (
            "insight_snapshots",
            "tick.zip",
            date(2022, 6, 1),
            20_980,
            5,
            {"OCALL", "BREAK", "TRADE", "CCALL", "CLOSE"},
        ),
        (
            "sse_snapshots",
            "20211201snapshot_30stocks.zip",
            date(2021, 12, 1),
            32_972,
            30,
            {"OCALL", "TRADE"},
        ),
        (
            "mdl_szse_snapshots",
            "000333_20230202_mdl_6_28_0.csv.gz",
            date(2023, 2, 2),
            5_013,
            1,
            {"START", "OCALL", "BREAK", "TRADE", "CCALL", "CLOSE"},
        ),
    ],
)
def test_snapshots(
    level2: Path,
    format_name: str,
    file: str,
    day: date,
    rows: int,
    symbols: int,
    phases: set[str],
) -> None:
    found = read(format_name, level2 / file, day)
    books = found.table.to_pandas()
    assert (len(books), found.rejected) == (rows, [])
    assert books["symbol"].nunique() == symbols
    assert set(books["phase"]) == phases
    # what has been traded never shrinks, and levels lie in order in continuous trading
    assert (books.groupby("symbol")["volume"].diff().dropna() >= 0).all()
    continuous = books[books["phase"] == "TRADE"]
    prices = continuous.filter(like="_price_").to_numpy()
    bids, asks = prices[:, :10], prices[:, 10:]
    assert np.nanmax(np.diff(bids, axis=1)) < 0 < np.nanmin(np.diff(asks, axis=1))
    both = ~np.isnan(bids[:, 0]) & ~np.isnan(asks[:, 0])
    assert (bids[both, 0] < asks[both, 0]).all()
    empty = np.isnan(prices)
    sizes = continuous.filter(like="_size_").to_numpy()
    assert (sizes[empty] == 0).all()
    assert (sizes[~empty] > 0).all()
    if format_name != "mdl_szse_snapshots":
        cents = prices[~empty] * 100
        assert np.abs(cents - np.rint(cents)).max() < 1e-6


@pytest.mark.parametrize(
    ("format_name", "file", "day", "orders", "empty", "queues", "longer"),
    [
        (
            "mdl_sse_queues",
            "600519_20230202_OrderQueue.csv.gz",
            date(2023, 2, 2),
            23_008,
            464,
            9_792,
            10,
        ),
        (
            "sse_queues",
            "20211201snapshot_30stocks.zip",
            date(2021, 12, 1),
            452_125,
            1_197,
            63_550,
            1_557,
        ),
    ],
)
def test_queues_add_up_to_their_level(
    level2: Path,
    format_name: str,
    file: str,
    day: date,
    orders: int,
    empty: int,
    queues: int,
    longer: int,
) -> None:
    found = read(format_name, level2 / file, day)
    frame = found.table.to_pandas()
    assert (len(frame), found.empty, found.rejected) == (orders, empty, [])
    grouped = frame.groupby((frame["position"] == 1).cumsum())
    told = grouped.agg({"quantity": ["sum", "count"], "size": "first", "orders": "first"})
    told.columns = ["sum", "count", "size", "orders"]
    whole = told[told["orders"] <= 50]
    assert (len(told), len(told) - len(whole)) == (queues, longer)
    assert (whole["sum"] == whole["size"]).all()
    assert (whole["count"] == whole["orders"]).all()


def test_lobster(test_data: Path) -> None:
    """The sample's books follow from its messages: each changes the level it says by its size."""
    folder, day = test_data / "lob_lobster_aapl", date(2012, 6, 21)
    events = read("lobster_messages", folder / "*_message_10.csv", day, NEW_YORK).table.to_pandas()
    books = read("lobster_books", folder / "*_orderbook_10.csv", day, NEW_YORK).table.to_pandas()
    assert len(events) == len(books) == 999
    assert (events["timestamp"] == books["timestamp"]).all()
    assert str(events["timestamp"].iloc[0]) == "2012-06-21 13:30:00.004241176+00:00"
    assert events["kind"].value_counts().to_dict()[TRADE] == books["trades"].iloc[-1] == 159
    assert books["volume"].iloc[-1] == events[events["kind"] == TRADE]["quantity"].sum() == 10_592
    assert books[["bid_price_1", "ask_price_1"]].iloc[-1].tolist() == [585.35, 585.71]
    # an execution takes its size from the resting order's level, or the level is gone
    checked = 0
    for number in range(1, len(events)):
        event, before, now = events.iloc[number], books.iloc[number - 1], books.iloc[number]
        side = {1: "ask", -1: "bid"}[event["side"]]
        if event["kind"] == TRADE and event["buy_order"] + event["sell_order"]:
            assert before[f"{side}_price_1"] == event["price"]
            left = before[f"{side}_size_1"] - event["quantity"]
            same = now[f"{side}_price_1"] == event["price"]
            assert (now[f"{side}_size_1"] if same else 0) == left
            checked += 1
    assert checked > 80


def test_bitstamp(test_data: Path) -> None:
    folder, day = test_data / "lob_bitstamp", date(2015, 5, 1)
    orders = read("bitstamp_orders", folder / "orders.csv.xz", day, "UTC", symbol="BTCUSD")
    log = read("bitstamp_log", folder / "2015-05-01.log.xz", day, "UTC", symbol="BTCUSD")
    books = read("bitstamp_log_books", folder / "2015-05-01.log.xz", day, "UTC", symbol="BTCUSD")
    reasons = pd.Series([each["reason"] for each in orders.rejected]).value_counts().to_dict()
    assert reasons == {"gone_order": 27, "unknown_order": 25, "not_an_event": 21}
    assert orders.table.num_rows + len(orders.rejected) == 50_414
    assert log.table.num_rows + len(log.rejected) + log.empty == 56_000
    # Both recordings tell the same of each order, but for what an execution is called, and that the
    # maker of the CSV cut volumes to whole units where the log's are round: one unit is missing in
    # every twelfth row, and may be in what follows from two of them.
    names = ["timestamp", "price"]
    first, second = orders.table.to_pandas(), log.table.to_pandas()
    changes = second[second["kind"] != TRADE].reset_index(drop=True)
    pd.testing.assert_frame_equal(first[names], changes[names])
    assert (first["quantity"] - changes["quantity"]).abs().max() == 1
    assert (first["quantity"] != changes["quantity"]).mean() == pytest.approx(0.0815, abs=1e-4)
    number = first[["order", "buy_order", "sell_order"]].max(axis=1)
    assert (number == changes["order"]).all()
    assert (first["kind"] == ADD).sum() == (changes["kind"] == ADD).sum()
    trades = second[second["kind"] == TRADE]
    last = books.table.to_pandas().iloc[-1]
    assert (len(trades), books.table.num_rows) == (575, 5_011)
    assert last["volume"] == trades["quantity"].sum() == 84_765_711_841
