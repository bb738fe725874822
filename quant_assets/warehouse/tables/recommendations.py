"""The table of the daily recommendations.

Belongs here: the declaration only. Conventions stand in schemas.py.
"""

from quant_assets.warehouse.table_schema import FLOAT, INT32, STRING, Column, TableSchema
from quant_assets.warehouse.tables.common import SESSION, SYMBOL, number, share

_WEIGHT = "share of equity"

TABLES = (
    TableSchema(
        "recommendations",
        (
            SESSION,
            SYMBOL,
            Column(
                "rank", INT32, "place among the day's scores, 1 is best", nullable=True, minimum=1
            ),
            number(
                "score", "what it was ranked by: the model's score or the strategies' mean weight"
            ),
            share("confidence", "how sure the score is"),
            number("volatility", "of its returns, as the covariances have it", "a year", minimum=0),
            Column("sector", STRING, "group by which sectors are limited", nullable=True),
            Column("unconstrained_weight", FLOAT, "weight by method before any limit", _WEIGHT),
            Column(
                "previous_weight", FLOAT, "yesterday's target moved by the day's returns", _WEIGHT
            ),
            Column("target_weight", FLOAT, "weight after the order, negative is short", _WEIGHT),
            Column("change", FLOAT, "target_weight - previous_weight", _WEIGHT),
            Column("side", STRING, "buy, sell or none"),
            Column("quantity", FLOAT, "to buy, negative to sell, as traded", "shares"),
            Column(
                "price", FLOAT, "close of the day as traded", "currency", nullable=True, above=0
            ),
            Column("status", STRING, "order, reduced, hold, cut, blocked or closed"),
            Column("reasons", STRING, "why it was cut or changed, limit by limit; may be empty"),
        ),
        ("date", "symbol"),
        "date",
        "Orders for the session after the day: what to hold, and the reason for every cut.",
    ),
)
