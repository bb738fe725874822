"""The vendors' files of the tests, through the readers."""

from datetime import date
from pathlib import Path

import pyarrow as pa

from quant_assets.market_data.order_book.files import files_of
from quant_assets.market_data.order_book.readers.base import Request
from quant_assets.market_data.order_book.readers.registry import open_reader

CHINA = "Asia/Shanghai"
MOUTAI = "cn_level2_shared/600519_20230201_until_1030_{}.csv.gz"
APPLE = "lob_lobster_aapl/AAPL_2012-06-21_34200000_57600000_{}_10.csv"


def read(
    form: str, path: Path, day: date, timezone: str = CHINA, symbol: str | None = None
) -> pa.Table:
    """All rows of a file in the common form."""
    request = Request(day, timezone, symbol=symbol)
    (file,) = files_of(str(path), day, "%Y%m%d")
    return pa.concat_tables(piece.table for piece in open_reader(form).read(file, request))


def shanghai_2023_07_11(folder: Path) -> pa.Table:
    """Orders and trades of five stocks over a whole day, by symbol and sequence."""
    day, place = date(2023, 7, 11), folder / "cn_level2_shared"
    parts = [
        read("insight_orders", place / "SHorders.zip", day),
        read("insight_trades", place / "SHtrans.zip", day),
    ]
    keys = [("symbol", "ascending"), ("sequence", "ascending")]
    return pa.concat_tables(parts).sort_by(keys).combine_chunks()


def moutai_2023_02_01(folder: Path) -> tuple[pa.Table, pa.Table]:
    """600519 until 10:30: (events, snapshots)."""
    events, trades, snapshots = (
        read(form, folder / MOUTAI.format(name), date(2023, 2, 1))
        for form, name in (
            ("mdl_sse_orders", "entrust"),
            ("mdl_sse_trades", "trade"),
            ("mdl_sse_snapshots", "snapshot"),
        )
    )
    return pa.concat_tables([events, trades]), snapshots


def apple_2012_06_21(folder: Path) -> tuple[pa.Table, pa.Table]:
    """AAPL's first 999 messages: (events, the book after each)."""
    day, zone = date(2012, 6, 21), "America/New_York"
    return (
        read("lobster_messages", folder / APPLE.format("message"), day, zone),
        read("lobster_books", folder / APPLE.format("orderbook"), day, zone),
    )


def bitcoin_2015_05_01(folder: Path) -> pa.Table:
    """Order events of BTC/USD."""
    path = folder / "lob_bitstamp/orders.csv.xz"
    return read("bitstamp_orders", path, date(2015, 5, 1), "UTC", "BTCUSD")
