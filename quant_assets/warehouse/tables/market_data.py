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
    TIMESTAMP,
    Column,
    Derived,
    TableSchema,
)
from quant_assets.warehouse.tables.common import SESSION, SYMBOL, number, share


def prices(what: str) -> tuple[Column, ...]:
    """The four prices of a bar."""
    names = ("open", "high", "low", "close")
    return tuple(Column(n, FLOAT, f"{n} price, {what}", "currency", above=0) for n in names)


INTRADAY = Derived("intraday_return", "close / open - 1", "return from the open to the close")

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
        derived=(INTRADAY,),
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
            Column("kind", STRING, "what it is, one of the kinds of market_data.actions.events"),
            Column("number", INT32, "counts events of one day, symbol and kind", minimum=1),
            Column(
                "ratio",
                FLOAT,
                "shares after for each one before (split, bonus, reverse_split), new shares "
                "offered for each one (subscription)",
                nullable=True,
                above=0,
            ),
            number("cash", "detached from each share held before the day, gross", "currency"),
            number("price", "of a new share (subscription)", "currency", minimum=0),
            number("figure", "the source's own figure, as declared"),
            Column("label", STRING, "the source's own name of the event", nullable=True),
            Column("isin", STRING, "ISIN of the share that the event is about", nullable=True),
            Column("announced", DATE, "day on which the event was decided", nullable=True),
            Column("payment_date", DATE, "day of payment", nullable=True),
            Column("source", STRING, "where the event was read"),
        ),
        ("ex_date", "symbol", "kind", "number"),
        None,
        "Splits, bonuses, payments, subscriptions and other events, by ex-date.",
    ),
    TableSchema(
        "rejected_actions",
        (
            Column("source", STRING, "file of the record"),
            Column("place", STRING, "list and position in that file, counted from 1"),
            Column("company", STRING, "company that the file is about", nullable=True),
            Column("label", STRING, "the source's own name of the event", nullable=True),
            Column("reason", STRING, "why the record is no event, in one word"),
            Column("detail", STRING, "the same in words, with the values"),
            Column("record", STRING, "the record as it was delivered, JSON"),
        ),
        ("source", "place"),
        None,
        "Records of corporate actions that could not be used, each with its reason.",
    ),
    TableSchema(
        "detected_splits",
        (
            SYMBOL,
            Column("ex_date", DATE, "first session at the new price level"),
            Column("detected_on", DATE, "session at whose close the split was known from prices"),
            Column("ratio", FLOAT, "shares after for each one before", above=0),
            Column("numerator", INT32, "of the ratio, in lowest terms", minimum=1),
            Column("denominator", INT32, "of the ratio, in lowest terms", minimum=1),
            share("confidence", "probability of the split, by the model of detection.py"),
            Column("previous_date", DATE, "session of the close before"),
            Column("close_before", FLOAT, "last close at the old level", "currency", above=0),
            Column("open", FLOAT, "first open at the new level", "currency", above=0),
            Column("gap", FLOAT, "open / close_before", above=0),
            number("market_gap", "median of the symbols' open / close before, of that session"),
            number("misfit", "log of gap x ratio / market_gap; 0 is a perfect fit"),
            number("noise", "what misfit is measured by: usual overnight move, log"),
            number("range_ratio", "day's log(high / low), over its median before", minimum=0),
            number("turnover_ratio", "close x volume, over its median before", minimum=0),
            number("volume_ratio", "median volume since, over its median before", minimum=0),
            number("level_ratio", "median close since, over close_before / ratio", minimum=0),
        ),
        ("symbol", "ex_date"),
        None,
        "Splits that prices and volumes show by themselves, with the evidence.",
    ),
    TableSchema(
        "split_reconciliation",
        (
            SYMBOL,
            Column("ex_date", DATE, "ex-date as declared, as detected where none is declared"),
            Column("status", STRING, "confirmed, contradicting, missing or undetected"),
            Column("detail", STRING, "what agrees or differs, in words"),
            Column("kinds", STRING, "kinds of the declared events, with +", nullable=True),
            number("declared_ratio", "of all events declared for the day, money included"),
            Column("detected_ex_date", DATE, "ex-date as detected", nullable=True),
            number("detected_ratio", "as detected"),
            share("confidence", "of the detection"),
            Column("detected_on", DATE, "session at whose close it was detected", nullable=True),
        ),
        ("symbol", "ex_date", "status"),
        None,
        "Declared against detected splits: confirmed, contradicting, missing, undetected.",
    ),
    TableSchema(
        "ticker_changes",
        (
            Column("date", DATE, "first session under the new ticker"),
            Column("symbol", STRING, "ticker from that session on"),
            Column("isin", STRING, "the security, by its ISIN"),
            Column("previous_symbol", STRING, "ticker of the security before"),
            Column("previous_date", DATE, "its last session under that ticker"),
        ),
        ("date", "symbol", "isin"),
        None,
        "Securities that trade under another ticker than before; bars keep tickers as traded.",
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
        derived=(INTRADAY,),
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
    TableSchema(
        "indices",
        (
            SESSION,
            Column("index", STRING, "name of the index in the settings"),
            Column("open", FLOAT, "open of the index", "points", nullable=True, above=0),
            Column("close", FLOAT, "close of the index", "points", above=0),
        ),
        ("date", "index"),
        "date",
        "Further indices of the market.",
    ),
    TableSchema(
        "trading_status",
        (
            SESSION,
            SYMBOL,
            Column("halted", BOOL, "no trading on the day, by the exchange's word"),
            Column("special_treatment", BOOL, "under special treatment (ST, *ST)", nullable=True),
            Column(
                "previous_close",
                FLOAT,
                "close before, ex the rights of the day, as the exchange publishes it; the issue "
                "price on the day of listing",
                "currency",
                nullable=True,
                above=0,
            ),
            Column(
                "limit_up_price",
                FLOAT,
                "highest price allowed; null where none is set or it is not known",
                "currency",
                nullable=True,
                above=0,
            ),
            Column(
                "limit_down_price",
                FLOAT,
                "lowest price allowed; null where none is set or it is not known",
                "currency",
                nullable=True,
                above=0,
            ),
        ),
        ("date", "symbol"),
        "date",
        "Whether and within which prices each listed security could trade on the day.",
    ),
    TableSchema(
        "valuations",
        (
            SESSION,
            SYMBOL,
            number("pe_ttm", "price over the earnings of the last four quarters"),
            number("pb_mrq", "price over the book value of the most recent quarter"),
            number("ps_ttm", "price over the sales of the last four quarters"),
            number("pcf_ncf_ttm", "price over the net cash flow of the last four quarters"),
            number("turnover_rate", "volume over the shares that can be traded, 0.01 = 1 %", "", 0),
        ),
        ("date", "symbol"),
        "date",
        "Valuation ratios of the day as the vendor states them; negative where earnings are.",
    ),
    TableSchema(
        "minute_bars",
        (
            SESSION,
            SYMBOL,
            Column("timestamp", TIMESTAMP, "end of the bar: when it was known", "UTC"),
            *prices("raw as traded"),
            Column("volume", FLOAT, "shares traded", "shares", minimum=0),
            Column("turnover", FLOAT, "traded value", "currency", nullable=True, minimum=0),
        ),
        ("date", "symbol", "timestamp"),
        "date",
        "Bars of some minutes, as traded; those of an auction hold what it matched.",
    ),
    TableSchema(
        "minute_quarantine",
        (
            Column("date", DATE, "session whose partition keeps the row"),
            Column("symbol", STRING, "ticker that the row claims", nullable=True),
            Column("timestamp", TIMESTAMP, "end of the bar, as the row claims", "UTC"),
            *(
                number(name, f"{name} as delivered")
                for name in ("open", "high", "low", "close", "volume", "turnover")
            ),
            Column("reason", STRING, "name of the rule that rejected the row"),
            Column("file", STRING, "source file of the row"),
            Column("row", INT64, "data row in that file, counted from 1", minimum=1),
        ),
        (),
        "date",
        "Every rejected minute bar, with the reason and where it came from.",
    ),
    TableSchema(
        "market_data_summary",
        (
            Column("name", STRING, "table of market data"),
            Column("records", INT64, "rows", minimum=0),
            Column(
                "symbols",
                INT64,
                "different symbols; null where it has no symbols",
                nullable=True,
                minimum=0,
            ),
            Column("first_date", DATE, "earliest date; null without rows", nullable=True),
            Column("last_date", DATE, "latest date; null without rows", nullable=True),
            Column("partitions", INT64, "partitions, those without rows included", minimum=0),
            Column("bytes", INT64, "room that it takes", "bytes", minimum=0),
        ),
        ("name",),
        None,
        "What the tables of market data come to, as of the last look.",
    ),
)
