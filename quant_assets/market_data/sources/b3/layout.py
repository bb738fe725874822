"""The layout of a COTAHIST record: its fields, their places and types, and what codes mean.

Here live declarations only, after the exchange's document "Series Historicas, layout do arquivo".
The parser (cotahist.py) and its kernel read the tables below; nothing else knows a position.

A record has 245 characters in latin-1. Numbers are unsigned, padded with zeros, with implied
decimals.
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

HEADER, TRAILER = b"00", b"99"
# Where the trailer counts all records, header and trailer included.
TRAILER_COUNT = slice(31, 42)

Kind = Literal["date", "count", "price", "amount", "text"]


@dataclass(frozen=True)
class Field:
    """One field of a record.

    Attributes:
        name: our column.
        code: the exchange's name.
        first: first position, counted from 1.
        last: last position, included.
        kind: how it is read; a `price` is divided by FATCOT, an `amount` is not.
        type: the column's type; texts are dictionaries.
        decimals: implied decimals.
        optional: blanks are a missing value; elsewhere they reject the record.
    """

    name: str
    code: str
    first: int
    last: int
    kind: Kind
    type: pa.DataType
    decimals: int = 0
    optional: bool = False

    @property
    def start(self) -> int:
        """Position of the first character, counted from 0."""
        return self.first - 1

    @property
    def length(self) -> int:
        """How many characters it has."""
        return self.last - self.first + 1

    @property
    def allowed(self) -> str:
        """What may stand in it, for messages."""
        blank = ", or blanks" if self.optional else ""
        if self.kind == "date":
            return f"a day written YYYYMMDD{blank}"
        if self.kind == "text":
            return f"printable characters{'' if self.optional else ', not only blanks'}"
        if self.code == "FATCOT":
            return f"{self.length} digits, at least 1"
        return f"{self.length} digits{blank}"


def _text(name: str, code: str, first: int, last: int, optional: bool = False) -> Field:
    return Field(
        name, code, first, last, "text", pa.dictionary(pa.int32(), pa.string()), 0, optional
    )


def _price(name: str, code: str, first: int) -> Field:
    return Field(name, code, first, first + 12, "price", pa.float64(), 2)


FIELDS = (
    Field("date", "DATA", 3, 10, "date", pa.date32()),
    _text("bulletin_class", "CODBDI", 11, 12),
    _text("ticker", "CODNEG", 13, 24),
    Field("market_type", "TPMERC", 25, 27, "count", pa.int16()),
    _text("name", "NOMRES", 28, 39, optional=True),
    _text("specification", "ESPECI", 40, 49, optional=True),
    Field("term_days", "PRAZOT", 50, 52, "count", pa.int16(), optional=True),
    _text("currency", "MODREF", 53, 56, optional=True),
    _price("open", "PREABE", 57),
    _price("high", "PREMAX", 70),
    _price("low", "PREMIN", 83),
    _price("average", "PREMED", 96),
    _price("close", "PREULT", 109),
    _price("best_bid", "PREOFC", 122),
    _price("best_ask", "PREOFV", 135),
    Field("trades", "TOTNEG", 148, 152, "count", pa.int64()),
    Field("volume", "QUATOT", 153, 170, "count", pa.int64()),
    Field("turnover", "VOLTOT", 171, 188, "amount", pa.float64(), 2),
    Field("strike", "PREEXE", 189, 201, "price", pa.float64(), 2, optional=True),
    Field("strike_correction", "INDOPC", 202, 202, "count", pa.int16(), optional=True),
    Field("expiry", "DATVEN", 203, 210, "date", pa.date32(), optional=True),
    Field("quotation_factor", "FATCOT", 211, 217, "count", pa.int32()),
    Field("strike_points", "PTOEXE", 218, 230, "amount", pa.float64(), 6, optional=True),
    _text("isin", "CODISI", 231, 242, optional=True),
    Field("distribution", "DISMES", 243, 245, "count", pa.int16(), optional=True),
)

# A quote as a row. Prices are for one share: divided by FATCOT, as is the strike. Bids and strikes
# of 0 are kept as delivered: there was none. `expiry` is null where there is none (99991231).
# `row` counts the records of the file after its header from 1.
RECORDS_SCHEMA = pa.schema(
    [
        *(pa.field(f.name, f.type, nullable=f.optional or f.name == "expiry") for f in FIELDS),
        pa.field("row", pa.int64(), nullable=False),
    ]
)

# A record that cannot be read. `date` is what it says where that is a day of the file; `field` is
# the exchange's name of the first one at fault; `text` is the whole record.
REJECTED_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("date", pa.date32()),
        pa.field("ticker", pa.string()),
        pa.field("field", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
    ]
)

# TPMERC
MARKET_TYPES = {
    "cash": 10,
    "call_exercise": 12,
    "put_exercise": 13,
    "auction": 17,
    "odd_lot": 20,
    "forward": 30,
    "future_retained": 50,
    "future": 60,
    "calls": 70,
    "puts": 80,
}
FORWARD = MARKET_TYPES["forward"]
# Where a ticker names one security: an option's record has the ISIN of its underlying share.
SECURITY_MARKETS = (MARKET_TYPES["cash"], MARKET_TYPES["odd_lot"])

# CODBDI, the classes that matter to a researcher; any other two digits may be selected, too.
BULLETIN_CLASSES = {
    "02": "standard lot",
    "05": "sanctioned by the exchange",
    "06": "in composition with creditors",
    "07": "in extrajudicial recovery",
    "08": "in judicial recovery",
    "09": "under temporary administration",
    "10": "rights and receipts",
    "11": "under intervention",
    "12": "real-estate funds",
    "14": "certificates and ETFs",
    "18": "bonds",
    "22": "bonus certificates",
    "26": "policies and public bonds",
    "32": "exercise of index calls",
    "33": "exercise of index puts",
    "38": "exercise of calls",
    "42": "exercise of puts",
    "46": "auction of unlisted shares",
    "48": "privatisation auction",
    "50": "auction",
    "56": "sale by court order",
    "58": "others",
    "60": "exchange for shares",
    "62": "forwards",
    "70": "futures with retained gains",
    "71": "futures",
    "74": "index calls",
    "75": "index puts",
    "78": "calls",
    "82": "puts",
    "96": "odd lot",
}
