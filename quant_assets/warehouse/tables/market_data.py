"""Tables of market data: bars as traded and adjusted, rejected rows, events, universe, benchmark.

Belongs here: declarations only, each table once. Conventions stand in schemas.py.
"""

from quant_assets.warehouse.table_schema import (
    BOOL,
    DATE,
    FLOAT,
    INT32,
    INT64,
    STRING,
    Column,
    TableSchema,
)
from quant_assets.warehouse.tables.common import SESSION, SYMBOL, number


def prices(what: str) -> tuple[Column, ...]:
    """The four prices of a bar."""
    names = ("open", "high", "low", "close")
    return tuple(Column(n, FLOAT, f"{n} price, {what}", "currency", above=0) for n in names)


TABLES = (
    TableSchema(
        "bars",
        (
            SESSION,
            SYMBOL,
            *prices("raw as traded"),
            Column("volume", FLOAT, "shares traded", "shares", minimum=0),
            Column(
                "turnover",
                FLOAT,
                "traded value, the vendor's or close x volume",
                "currency",
                minimum=0,
            ),
            Column(
                "flags",
                STRING,
                'comma-joined names of suspicions that did not reject the row, "" for none',
            ),
        ),
        ("date", "symbol"),
        "date",
        "Raw daily bars as traded that passed the quality rules.",
    ),
    TableSchema(
        "quarantine",
        (
            Column("date", DATE, "session whose partition keeps the row"),
            Column("row_date", DATE, "date that the row itself claims", nullable=True),
            Column("symbol", STRING, "ticker that the row claims", nullable=True),
            *(
                number(name, f"{name} as delivered")
                for name in ("open", "high", "low", "close", "volume")
            ),
            Column("reason", STRING, "name of the rule that rejected the row"),
            Column("detail", STRING, "the values that broke the rule, in words"),
            Column("file", STRING, "source file of the row"),
            Column("row", INT64, "data row in that file, counted from 1", minimum=1),
        ),
        (),
        "date",
        "Every rejected input row, with the reason and where it came from.",
    ),
    TableSchema(
        "corporate_actions",
        (
            Column("ex_date", DATE, "first session without the right"),
            SYMBOL,
            Column("kind", STRING, "split or dividend"),
            Column("ratio", FLOAT, "new shares for each old one (splits)", nullable=True, above=0),
            number("cash", "cash paid for each share (dividends)", "currency", minimum=0),
            Column("source", STRING, "where the event was read"),
        ),
        ("ex_date", "symbol", "kind"),
        None,
        "Splits and dividends by ex-date.",
    ),
    TableSchema(
        "adjusted_bars",
        (
            SESSION,
            SYMBOL,
            *prices("adjusted forward by all events up to the day"),
            Column("volume", FLOAT, "shares traded x volume_factor", "shares", minimum=0),
            Column("turnover", FLOAT, "traded value, unadjusted", "currency", minimum=0),
            Column("price_factor", FLOAT, "product of all price factors up to the day", above=0),
            Column(
                "volume_factor", FLOAT, "1 / product of all split ratios up to the day", above=0
            ),
        ),
        ("date", "symbol"),
        "date",
        "Bars adjusted forward: a later event never changes an earlier row.",
    ),
    TableSchema(
        "universe",
        (
            SESSION,
            SYMBOL,
            Column("sector", STRING, "sector of the security", nullable=True),
            Column("industry", STRING, "industry of the security", nullable=True),
            number(
                "average_turnover",
                "mean traded value over the turnover window",
                "currency a day",
                minimum=0,
            ),
            Column(
                "age",
                INT32,
                "sessions since the listing, today included, at most 252",
                "sessions",
                minimum=0,
            ),
            Column("halted", BOOL, "no trading on the day"),
            Column("limit_up", BOOL, "closed at the upper price limit"),
            Column("limit_down", BOOL, "closed at the lower price limit"),
            Column("member", BOOL, "passes the market's universe rules on the day"),
        ),
        ("date", "symbol"),
        "date",
        "Which securities could be held on the day, and what they were.",
    ),
    TableSchema(
        "benchmark",
        (
            SESSION,
            Column(
                "index_open", FLOAT, "open of the market's index", "points", nullable=True, above=0
            ),
            Column(
                "index_close",
                FLOAT,
                "close of the market's index",
                "points",
                nullable=True,
                above=0,
            ),
            Column(
                "volatility_index",
                FLOAT,
                "close of the volatility index",
                "points",
                nullable=True,
                above=0,
            ),
            number("risk_free_rate", "risk-free rate, annual, 0.05 = 5 %"),
        ),
        ("date",),
        "date",
        "Index, volatility index and risk-free rate of the day.",
    ),
)
