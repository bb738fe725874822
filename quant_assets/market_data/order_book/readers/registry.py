"""The registry of Level-2 formats: the name in the settings -> the class that reads it.

Adding a format: a subclass of `Reader` in a module of its own, and a line here.
"""

from importlib import import_module
from typing import NamedTuple

from quant_assets.market_data.order_book.readers.base import Content, Reader

_HERE = "quant_assets.market_data.order_book.readers"


class Format(NamedTuple):
    """What the files of a format tell of, and the module and class that read them."""

    content: Content
    module: str
    reader: str


# Modules are named, not imported: settings ask for the names alone.
FORMATS: dict[str, Format] = {
    "mdl_sse_orders": Format("events", "mdl_orders", "MdlShanghaiOrders"),
    "mdl_sse_trades": Format("events", "mdl_trades", "MdlShanghaiTrades"),
    "mdl_sse_snapshots": Format("snapshots", "mdl_snapshots", "MdlShanghaiSnapshots"),
    "mdl_sse_queues": Format("queues", "mdl_queues", "MdlShanghaiQueues"),
    "mdl_szse_snapshots": Format("snapshots", "mdl_snapshots", "MdlShenzhenSnapshots"),
    "mdl_trades": Format("events", "mdl_trades", "MdlTrades"),
    "insight_orders": Format("events", "insight_orders", "InsightOrders"),
    "insight_trades": Format("events", "insight_trades", "InsightTrades"),
    "insight_snapshots": Format("snapshots", "insight_snapshots", "InsightSnapshots"),
    "sse_snapshots": Format("snapshots", "sse_snapshots", "SseSnapshots"),
    "sse_queues": Format("queues", "sse_snapshots", "SseQueues"),
    "lobster_messages": Format("events", "lobster", "LobsterMessages"),
    "lobster_books": Format("snapshots", "lobster", "LobsterBooks"),
    "bitstamp_orders": Format("events", "bitstamp_orders", "BitstampOrders"),
    "bitstamp_log": Format("events", "bitstamp_log", "BitstampLog"),
    "bitstamp_log_books": Format("snapshots", "bitstamp_log", "BitstampLogBooks"),
}


def content_of(name: str) -> Content:
    """What the files of a format tell of."""
    return FORMATS[name].content


def open_reader(name: str) -> Reader:
    """A reader of a format; each file, or each of several read at once, gets its own."""
    found = FORMATS[name]
    reader = getattr(import_module(f"{_HERE}.{found.module}"), found.reader)()
    assert isinstance(reader, Reader)
    return reader
