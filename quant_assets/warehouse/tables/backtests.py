"""Tables of backtests and tear sheets.

Belongs here: declarations only, each table once. Conventions stand in schemas.py.
"""

from quant_assets.warehouse.table_schema import FLOAT, INT32, STRING, Column, TableSchema
from quant_assets.warehouse.tables.common import SESSION, SYMBOL, number

STRATEGY = Column("strategy", STRING, "name of the strategy")

TABLES = (
    TableSchema(
        "backtest",
        (
            STRATEGY,
            SESSION,
            Column("gross_return", FLOAT, "return of the day before costs"),
            Column("cost", FLOAT, "trading costs of the day as a share of equity", minimum=0),
            Column("net_return", FLOAT, "return of the day after costs"),
            Column("turnover", FLOAT, "traded value as a share of equity", minimum=0),
            Column("exposure", FLOAT, "sum of absolute weights", minimum=0),
            Column("positions", INT32, "securities held at the close", minimum=0),
            Column("equity", FLOAT, "value at the close of one unit of capital at the start"),
        ),
        ("strategy", "date"),
        "strategy",
        "Daily results of each strategy's simulation.",
    ),
    TableSchema(
        "backtest_trades",
        (
            STRATEGY,
            SESSION,
            SYMBOL,
            Column("weight_before", FLOAT, "weight before the trade", "share of equity"),
            Column("weight_after", FLOAT, "weight after the trade", "share of equity"),
            Column("traded_weight", FLOAT, "weight bought (negative: sold)", "share of equity"),
            Column("price", FLOAT, "adjusted price of the trade", "currency", above=0),
            Column("cost", FLOAT, "cost of the trade", "share of equity", minimum=0),
        ),
        ("strategy", "date", "symbol"),
        "strategy",
        "Trades of each strategy's simulation.",
    ),
    TableSchema(
        "backtest_positions",
        (
            STRATEGY,
            SESSION,
            SYMBOL,
            Column("weight", FLOAT, "weight at the close", "share of equity"),
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
