"""Tables of backtests and tear sheets.

Belongs here: declarations only, each table once. Conventions stand in schemas.py. The account of a
simulation is told in units of the capital at its start, orders and fills in shares and currency.
"""

from quant_assets.warehouse.table_schema import DATE, FLOAT, INT32, STRING, Column, TableSchema
from quant_assets.warehouse.tables.common import SESSION, SYMBOL, number

STRATEGY = Column("strategy", STRING, "name of the strategy")
_UNIT = "starting capital"
_SIDE = Column("side", STRING, "buy or sell")

TABLES = (
    TableSchema(
        "backtest",
        (
            STRATEGY,
            SESSION,
            Column("gross_return", FLOAT, "return of the day before trading costs"),
            Column(
                "cost",
                FLOAT,
                "commission, stamp tax and slippage of the day as a share of equity",
                minimum=0,
            ),
            Column("net_return", FLOAT, "return of the day after everything"),
            Column("turnover", FLOAT, "traded value as a share of equity", minimum=0),
            Column("exposure", FLOAT, "sum of absolute weights", minimum=0),
            Column("positions", INT32, "securities held at the close", minimum=0),
            Column("equity", FLOAT, "value at the close of one unit of capital at the start"),
            Column("long_exposure", FLOAT, "sum of the weights above 0", minimum=0),
            Column("short_exposure", FLOAT, "sum of the weights below 0", maximum=0),
            Column("cash", FLOAT, "cash at the close, debt below 0", _UNIT),
            Column("dividends", FLOAT, "payments of securities, paid on short ones", _UNIT),
            Column("interest", FLOAT, "earned on cash, below 0: paid on debt", _UNIT),
            Column("borrow_cost", FLOAT, "fee for borrowed shares", _UNIT, minimum=0),
            Column("tax", FLOAT, "income tax paid on the day", _UNIT, minimum=0),
            Column(
                "tax_owed",
                FLOAT,
                "income tax on the month so far, not paid yet and no part of equity",
                _UNIT,
                minimum=0,
            ),
        ),
        ("strategy", "date"),
        "strategy",
        "Daily results of each strategy's simulation.",
    ),
    TableSchema(
        "backtest_orders",
        (
            STRATEGY,
            Column("decided", DATE, "session at whose close the order was decided"),
            Column("date", DATE, "session on which it was to be executed"),
            SYMBOL,
            _SIDE,
            Column(
                "wanted",
                FLOAT,
                "quantity still wanted on the day; of a filled purchase without what the account "
                "lacked for its costs",
                "shares",
                minimum=0,
            ),
            Column("filled", FLOAT, "quantity filled on the day", "shares", minimum=0),
            Column(
                "status",
                STRING,
                "filled, partial (a part of it), waiting, dropped (not possible on the day) or "
                "rejected (not possible at all)",
            ),
            Column("reason", STRING, 'why not all of it, "" where all of it'),
        ),
        ("strategy", "date", "symbol"),
        "strategy",
        "Every order of each strategy's simulation and what became of it, a row a session.",
    ),
    TableSchema(
        "backtest_fills",
        (
            STRATEGY,
            SESSION,
            SYMBOL,
            Column("quantity", FLOAT, "shares bought, below 0: sold", "shares"),
            Column("price", FLOAT, "raw price paid or got, slippage included", "currency", above=0),
            Column("commission", FLOAT, "of the fill", "currency", minimum=0),
            Column("stamp_tax", FLOAT, "of the fill", "currency", minimum=0),
            Column("slippage", FLOAT, "money lost to slippage, within `price`", "currency"),
        ),
        ("strategy", "date", "symbol"),
        "strategy",
        "Fills of each strategy's simulation.",
    ),
    TableSchema(
        "backtest_positions",
        (
            STRATEGY,
            SESSION,
            SYMBOL,
            Column("shares", FLOAT, "held at the close, below 0: owed", "shares"),
            Column("price", FLOAT, "raw price of the valuation", "currency", above=0),
            Column("value", FLOAT, "shares x price", "currency"),
            Column("weight", FLOAT, "value at the close", "share of equity"),
        ),
        ("strategy", "date", "symbol"),
        "strategy",
        "Holdings of each strategy's simulation.",
    ),
    TableSchema(
        "tear_sheet",
        (
            STRATEGY,
            Column("metric", STRING, "name of the metric"),
            number("value", "its value, null if undefined"),
        ),
        ("strategy", "metric"),
        "strategy",
        "Performance metrics of each strategy.",
    ),
)
