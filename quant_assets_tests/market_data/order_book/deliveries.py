"""Small deliveries of every format, made by hand, and what reads them in tests.

from quant_assets_tests.market_data.order_book.deliveries import deliver, read

found = read("mdl_sse_orders", deliver(tmp_path, "orders.csv", MDL_ORDERS))
"""

import gzip
import lzma
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.events import validate
from quant_assets.market_data.order_book.files import files_of
from quant_assets.market_data.order_book.readers.base import SCHEMAS, Request
from quant_assets.market_data.order_book.readers.registry import content_of, open_reader

DAY = date(2024, 3, 4)
SHANGHAI = "Asia/Shanghai"


@dataclass(frozen=True)
class Found:
    """What a reader has made of a delivery, all pieces together."""

    table: pa.Table
    rows: list[int]
    rejected: list[dict[str, Any]]
    others: int
    empty: int

    def column(self, name: str) -> list[Any]:
        """A column as Python values; instants as their UTC text."""
        column = self.table[name]
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ns")).cast(pa.string())
        values: list[Any] = column.to_pylist()
        return values

    def faults(self) -> list[tuple[int, str, str]]:
        """(row, field, reason) of every rejected row."""
        return [(each["row"], each["field"], each["reason"]) for each in self.rejected]


def lines(header: str, *rows: str) -> str:
    """A delimited file."""
    return "\n".join([header, *rows]) + "\n"


def named(header: str, *parts: Mapping[str, object], fill: str = "", **more: object) -> str:
    """A row with values by column, later ones over earlier, every other field `fill`."""
    values: dict[str, object] = {}
    for part in (*parts, more):
        values |= part
    return ",".join(str(values.get(name, fill)) for name in header.split(","))


def deliver(folder: Path, name: str, text: str | bytes) -> Path:
    """A file of that name, packed as its suffix says."""
    content = text.encode() if isinstance(text, str) else text
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name.rsplit("/", 1)[-1].replace(".zip", ".csv"), content)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(content))
    elif name.endswith(".xz"):
        path.write_bytes(lzma.compress(content))
    else:
        path.write_bytes(content)
    return path


def read(
    format_name: str,
    path: Path | str,
    day: date = DAY,
    timezone: str = SHANGHAI,
    symbols: Iterable[str] | None = None,
    symbol: str | None = None,
) -> Found:
    """Everything that a format's reader makes of the files at a path."""
    request = Request(day, timezone, None if symbols is None else frozenset(symbols), symbol)
    schema = SCHEMAS[content_of(format_name)]
    files = files_of(str(path), day, "%Y%m%d")
    pieces = [p for file in files for p in open_reader(format_name).read(file, request)]
    assert pieces, f"nothing was read of {path}"
    return Found(
        validate(pa.concat_tables([piece.table for piece in pieces]), schema),
        np.concatenate([piece.rows for piece in pieces]).tolist(),
        pa.concat_tables([piece.rejected for piece in pieces]).to_pylist(),
        sum(piece.others for piece in pieces),
        sum(piece.empty for piece in pieces),
    )


MDL_ORDERS_HEADER = (
    "DataStatus,OrderIndex,OrderChannel,SecurityID,OrderTime,OrderType,OrderNO,OrderPrice,Balance,"
    "OrderBSFlag,BizIndex,LocalTime,SeqNo"
)
MDL_TRADES_HEADER = (
    "DataStatus,TradeIndex,TradeChan,SecurityID,TradTime,TradPrice,TradVolume,TradeMoney,"
    "TradeBuyNo,TradeSellNo,TradeBSFlag,BizIndex,LocalTime,SeqNo"
)
BOTH_TRADES_HEADER = (
    "ChannelNo,ApplSeqNum,MDStreamID,BidApplSeqNum,OfferApplSeqNum,SecurityID,SecurityIDSource,"
    "TradePrice,TradeQty,ExecType,TradeTime,LocalTime,SeqNo,DataStatus,TradeMoney,TradeBSFlag,"
    "BizIndex,OrderKind,Market"
)
INSIGHT_ORDERS_HEADER = (
    "MDDate,MDTime,SecurityType,Symbol,OrderIndex,OrderType,OrderPrice,OrderQty,OrderBSFlag,"
    "ChannelNo,ApplSeqNum,OrderNO,SecurityID"
)
INSIGHT_TRADES_HEADER = (
    "MDDate,MDTime,SecurityType,Symbol,TradeIndex,TradeBuyNo,TradeSellNo,TradeType,TradeBSFlag,"
    "TradePrice,TradeQty,TradeMoney,ChannelNo,ApplSeqNum,SecurityID"
)
MDL_ORDERS = lines(
    MDL_ORDERS_HEADER,
    "0,1,6,600001,09:15:00.020,A,90,10.109999999999999,50,S,7,09:25:26.145,1",
    "0,2,6,600001,09:15:01.3,A,91,10.1,200,B,8,09:25:26.145,2",
    "0,3,6,600001,09:30:00.000,D,90,10.109999999999999,50,S,10,09:30:26.145,3",
)
MDL_TRADES = lines(
    MDL_TRADES_HEADER,
    "0,1,6,600001,09:25:00.940,10.1,100,1010,91,90,N,9,09:25:08.075,1",
    "0,2,6,600001,10:00:00.001,10.119999999999999,200,2024,95,92,B,12,09:25:08.075,2",
    "0,3,6,600001,10:00:00.002,10.1,300,3030,91,96,S,13,09:25:08.075,3",
)


def insight_header() -> str:
    """The columns of Insight's snapshots."""
    levels = range(1, 11)
    return ",".join(
        [
            "MDDate,MDTime,SecurityID,PreClosePx,TotalVolumeTrade,TotalValueTrade,LastPx,OpenPx",
            "HighPx,LowPx",
            *(
                f"{side}{what}{n}"
                for side in ("Buy", "Sell")
                for what in ("Price", "OrderQty")
                for n in levels
            ),
            "TradingPhaseCode",
        ]
    )


def mdl_snapshot_header(phase: str, volume: str, trades: str) -> str:
    """The columns of MDL's snapshots."""
    levels = [
        f"{side}{what}{n}"
        for side in ("Ask", "Bid")
        for n in range(1, 11)
        for what in ("Price", "Volume")
    ]
    return ",".join(
        [
            "UpdateTime,SecurityID,ImageStatus,PreCloPrice,OpenPrice,HighPrice,LowPrice,LastPrice",
            f"{phase},{trades},{volume},Turnover",
            *levels,
            "LocalTime,SeqNo",
        ]
    )
