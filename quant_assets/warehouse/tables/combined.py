"""Tables of what is said across the strategies of a market.

Belongs here: declarations only, each table once. Conventions stand in schemas.py.
"""

from quant_assets.warehouse.table_schema import DATE, FLOAT, INT32, STRING, Column, TableSchema
from quant_assets.warehouse.tables.backtests import STRATEGY
from quant_assets.warehouse.tables.common import SESSION, correlation, number, share

METHOD = Column("method", STRING, "how the portfolio weighs its strategies")

TABLES = (
    TableSchema(
        "strategy_correlations",
        (
            STRATEGY,
            Column("other", STRING, "name of the other strategy"),
            correlation("pearson", "of daily net returns over the common days"),
            correlation("spearman", "of their ranks over the common days"),
            correlation("downside", "Pearson's over the days on which both lost"),
            Column("sessions", INT32, "common days", minimum=0),
            Column("downside_sessions", INT32, "common days on which both lost", minimum=0),
            Column("first_date", DATE, "first common day", nullable=True),
            Column("last_date", DATE, "last common day", nullable=True),
            Column(
                "gaps",
                INT32,
                "sessions from the first to the last common day on which one of them has no return",
                minimum=0,
            ),
            Column("place", INT32, "place of the strategy in the hierarchical order", minimum=0),
        ),
        ("strategy", "other"),
        None,
        "How alike the daily returns of a market's strategies are.",
    ),
    TableSchema(
        "portfolio",
        (
            METHOD,
            SESSION,
            Column("gross_return", FLOAT, "return of the day before costs of switching"),
            Column("cost", FLOAT, "costs of switching as a share of equity", minimum=0),
            Column("net_return", FLOAT, "return of the day after costs"),
            Column("turnover", FLOAT, "value moved as a share of equity", minimum=0),
            Column("strategies", INT32, "strategies held at the close", minimum=0),
            Column("equity", FLOAT, "value at the close of one unit of capital at the start"),
        ),
        ("method", "date"),
        None,
        "Daily results of portfolios of a market's strategies.",
    ),
    TableSchema(
        "portfolio_weights",
        (
            METHOD,
            Column("date", DATE, "session at whose close the weights are set"),
            Column("decided_on", DATE, "last session that the decision knows"),
            STRATEGY,
            share("weight", "share of the portfolio's equity"),
        ),
        ("method", "date", "strategy"),
        None,
        "Weights of the strategies in each portfolio, from month to month.",
    ),
    TableSchema(
        "strategy_stability",
        (
            STRATEGY,
            Column("view", STRING, "how the history is cut, or which test this is"),
            Column("period", STRING, "part of the history, or what is tested"),
            Column("measure", STRING, "name of the figure"),
            number("value", "its value, null if undefined"),
            Column("sessions", INT32, "days that it is made of", minimum=0),
            Column("first_date", DATE, "first of these days", nullable=True),
            Column("last_date", DATE, "last of these days", nullable=True),
        ),
        ("strategy", "view", "period", "measure"),
        None,
        "Whether what each strategy earned held in all parts of its history.",
    ),
    TableSchema(
        "strategy_comparison",
        (
            Column("kind", STRING, "strategy, portfolio or benchmark"),
            Column("name", STRING, "its name"),
            Column("period", STRING, "own (all its days) or common (days that all have)"),
            Column("metric", STRING, "name of the metric"),
            number("value", "its value, null if undefined"),
        ),
        ("kind", "name", "period", "metric"),
        None,
        "Metrics of the strategies of a market side by side.",
    ),
)
