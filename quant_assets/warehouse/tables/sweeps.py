"""Tables of parameter sweeps, searches, and the ledger of all trials.

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
from quant_assets.warehouse.tables.common import number

STRATEGY = Column("strategy", STRING, "name of the strategy")
PARAMETERS = Column("parameters", STRING, "all parameters of the strategy, as JSON")
TRIAL = Column("trial", STRING, "hash of strategy and parameters, by which a trial is counted once")

TABLES = (
    TableSchema(
        "parameter_sweep",
        (
            STRATEGY,
            Column("parameter_set", INT32, "place of the set in the grid, from 0", minimum=0),
            Column("swept", STRING, "the swept parameters alone, as JSON"),
            PARAMETERS,
            TRIAL,
            Column("metric", STRING, "name of the metric that the sets are judged by"),
            number("value", "that metric over all sessions, higher is better"),
            number("first_part", "the metric over the first part of the sessions"),
            number("second_part", "the metric over the sessions after it"),
            number(
                "plateau_score",
                "lower quartile of `value` over the set and its neighbours, a missing one counted "
                "like the poorest; at most its own",
            ),
            Column("neighbours", INT32, "sets one step away that have a value", minimum=0),
            Column("peak", BOOL, "whether its value is the highest"),
            Column("plateau", BOOL, "whether its plateau score is the highest"),
        ),
        ("strategy", "parameter_set"),
        "strategy",
        "Every parameter set of a strategy's grid, with its metrics.",
        wide=True,
        wide_description="a metric of the set, by its name in the table tear_sheet",
    ),
    TableSchema(
        "optimization",
        (
            STRATEGY,
            Column("window", INT32, "place of the walk-forward window, from 0", minimum=0),
            Column("train_start", DATE, "first session of the training window"),
            Column("train_end", DATE, "last session of the training window"),
            Column("test_start", DATE, "first session that the choice is measured on"),
            Column("test_end", DATE, "last session that the choice is measured on"),
            Column("metric", STRING, "name of the metric that the training window chooses by"),
            PARAMETERS,
            TRIAL,
            number("in_sample", "the metric of the chosen set in the training window"),
            number("out_of_sample", "the metric of the chosen set in the test window"),
            number("median_out_of_sample", "median of the metric of all sets in the test window"),
            Column("trials", INT32, "different parameter sets that the window tried", minimum=0),
            Column("study", STRING, "name of the study in its storage"),
        ),
        ("strategy", "window"),
        "strategy",
        "What each walk-forward window of a strategy's search chose, and what came of it.",
    ),
    TableSchema(
        "optimization_trials",
        (
            STRATEGY,
            Column("window", INT32, "place of the walk-forward window, from 0", minimum=0),
            PARAMETERS,
            TRIAL,
            number("in_sample", "the metric in the training window"),
            number("out_of_sample", "the metric in the test window"),
            Column("repeated", INT32, "how often the set was suggested again", minimum=0),
        ),
        ("strategy", "window", "trial"),
        "strategy",
        "Every parameter set that a search tried, by walk-forward window.",
    ),
    TableSchema(
        "trials",
        (
            Column("batch", STRING, "trials that were recorded together"),
            TRIAL,
            Column("strategy", STRING, "name of the strategy, or of the model"),
            Column("kind", STRING, "what tried it: sweep, optimization, model or backtest"),
            PARAMETERS,
            number("sharpe", "mean over deviation of the excess returns of a session, not annual"),
            number("skewness", "of the excess returns of a session"),
            number("kurtosis", "of the excess returns of a session, 3 for a normal distribution"),
            Column("sessions", INT64, "returns that it was measured on", minimum=0),
            Column("first", DATE, "first session of the data", nullable=True),
            Column("last", DATE, "last session of the data", nullable=True),
            Column("data_hash", STRING, "hash of what it was computed from; empty if not known"),
            Column("run", STRING, "the Dagster run; empty if there was none"),
        ),
        ("batch", "trial"),
        "batch",
        "The ledger: every parameter set ever tried on a market.",
    ),
    TableSchema(
        "trial_returns",
        (
            Column("batch", STRING, "trials that were recorded together"),
            TRIAL,
            Column("month", DATE, "first day of the month"),
            Column("net_return", FLOAT, "return of the month after costs, compounded"),
        ),
        ("batch", "trial", "month"),
        "batch",
        "Monthly returns of the trials of the ledger.",
    ),
)
