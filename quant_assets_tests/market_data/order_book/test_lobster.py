"""LOBSTER's pair of files, made by hand: every type of message, and the books after them."""

import math
from datetime import date
from pathlib import Path

import pytest

from quant_assets.market_data.order_book.events import ADD, CANCEL, TRADE
from quant_assets.market_data.sources.base import SourceError
from quant_assets_tests.market_data.order_book.deliveries import Found, deliver, read

DAY = date(2012, 6, 21)
NEW_YORK = "America/New_York"
MESSAGES = """34200.004241176,1,11,18,5853300,1
34200.25,1,12,30,5859100,-1
34201,2,11,8,5853300,1
34202.000000001,4,12,10,5859100,-1
34203,5,0,7,5858000,1
34204,3,11,10,5853300,1
34205,6,0,100,5855000,-1
34206,7,0,0,-1,-1
34207,7,0,0,1,-1
34208,9,1,1,1,1
34209,1,13,1,1,0
"""
# two levels: ask price, ask size, bid price, bid size
EMPTY = "9999999999,0,-9999999999,0"
BOOKS = "\n".join(
    [f"5859100,30,5853300,18,{EMPTY}"] * 5 + [f"5859100,20,-9999999999,0,{EMPTY}"] * 6
)


def delivered(
    folder: Path,
    messages: str = MESSAGES,
    books: str = BOOKS,
    day: str = "2012-06-21",
    levels: int = 2,
) -> str:
    stem = f"AB.C_{day}_34200000_57600000"
    deliver(folder, f"{stem}_message_{levels}.csv", messages)
    deliver(folder, f"{stem}_orderbook_{levels}.csv", books)
    return str(folder / f"{stem}_WHAT_{levels}.csv")


def of(format_name: str, path: str) -> Found:
    what = "message" if format_name == "lobster_messages" else "orderbook"
    return read(format_name, path.replace("WHAT", what), DAY, NEW_YORK)


def test_messages(tmp_path: Path) -> None:
    found = of("lobster_messages", delivered(tmp_path))
    assert set(found.column("symbol")) == {"AB.C"}
    assert found.column("timestamp")[0] == "2012-06-21 13:30:00.004241176"
    assert found.column("timestamp")[3] == "2012-06-21 13:30:02.000000001"
    assert found.column("sequence") == [1, 2, 3, 4, 5, 6, 7]
    assert found.column("kind") == [ADD, ADD, CANCEL, TRADE, TRADE, CANCEL, TRADE]
    # a trade's side is the aggressor's: the opposite of the resting order's, none in a cross
    assert found.column("side") == [1, -1, 1, 1, -1, 1, 0]
    assert found.column("price") == [585.33, 585.91, 585.33, 585.91, 585.8, 585.33, 585.5]
    assert found.column("quantity") == [18, 30, 8, 10, 7, 10, 100]
    assert found.column("order") == [11, 12, 11, 0, 0, 11, 0]
    assert found.column("buy_order") == [0] * 7
    assert found.column("sell_order") == [0, 0, 0, 12, 0, 0, 0]
    assert found.faults() == [
        (8, "type", "not_an_event"),
        (9, "type", "not_an_event"),
        (10, "type", "unknown_code"),
        (11, "direction", "unknown_code"),
    ]


def test_books(tmp_path: Path) -> None:
    found = of("lobster_books", delivered(tmp_path))
    assert found.table.num_rows == 11
    first, last = found.table.slice(0, 1).to_pylist()[0], found.table.slice(10).to_pylist()[0]
    assert (first["ask_price_1"], first["bid_price_1"], first["bid_size_1"]) == (585.91, 585.33, 18)
    assert math.isnan(first["ask_price_2"])
    assert math.isnan(first["bid_price_10"])
    assert math.isnan(first["last"])
    assert math.isnan(last["bid_price_1"])
    assert found.column("volume")[2:7] == [0, 10, 17, 17, 117]
    assert found.column("trades")[-1] == 3
    assert last["turnover"] == pytest.approx(585.91 * 10 + 585.8 * 7 + 585.5 * 100)
    assert (last["open"], last["high"], last["low"], last["last"]) == (585.91, 585.91, 585.5, 585.5)
    assert found.column("phase")[6:9] == ["TRADE", "SUSP", "TRADE"]
    assert found.column("timestamp")[3] == "2012-06-21 13:30:02.000000001"


def test_the_two_files_must_belong_together(tmp_path: Path) -> None:
    cut = delivered(tmp_path / "a", books="\n".join(BOOKS.split("\n")[:4]))
    with pytest.raises(SourceError, match="has 4 rows and its file of messages 11"):
        of("lobster_books", cut)
    with pytest.raises(SourceError, match="has more rows than its file of messages, 3"):
        of("lobster_books", delivered(tmp_path / "b", "\n".join(MESSAGES.split("\n")[:3])))
    with pytest.raises(SourceError, match="1 rows are damaged"):
        of("lobster_books", delivered(tmp_path / "c", MESSAGES.replace("34205,6,", "34205,")))


def test_the_name_must_tell_symbol_and_day(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is of 2012-06-22 and not of 2012-06-21"):
        of("lobster_messages", delivered(tmp_path, day="2012-06-22"))
    with pytest.raises(SourceError, match=r"SYMBOL_YYYY-MM-DD_from_until_message_levels\.csv"):
        read("lobster_messages", deliver(tmp_path, "aapl.csv", MESSAGES), DAY, NEW_YORK)
