"""Tables of models: labels and predictions.

Belongs here: declarations only, each table once. Conventions stand in schemas.py.
"""

from quant_assets.warehouse.table_schema import DATE, FLOAT, INT32, STRING, Column, TableSchema
from quant_assets.warehouse.tables.common import SESSION, SYMBOL

HORIZON = Column("horizon", INT32, "length of the forward return", "sessions", minimum=1)

TABLES = (
    TableSchema(
        "labels",
        (
            Column("date", DATE, "session on which the label became known"),
            SYMBOL,
            Column("decision_date", DATE, "session of the decision, horizon sessions before date"),
            HORIZON,
            Column(
                "value",
                FLOAT,
                "adjusted close(date) / adjusted open(decision_date + 1) - 1",
                minimum=-1,
            ),
        ),
        ("date", "symbol", "horizon"),
        "date",
        "Forward returns, dated by the day on which they were known.",
    ),
    TableSchema(
        "predictions",
        (
            SESSION,
            SYMBOL,
            Column("score", FLOAT, "output of the model"),
            Column("rank", FLOAT, "percentile of the score on the day", minimum=0, maximum=1),
            Column("model_month", STRING, "month of the model that scored, YYYY-MM"),
        ),
        ("date", "symbol"),
        "date",
        "Scores of the model in force on the day.",
    ),
)
