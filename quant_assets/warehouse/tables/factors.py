"""Tables of factors: the libraries' values, their evaluation and their correlations.

Belongs here: declarations only, each table once. Conventions stand in schemas.py.
"""

from quant_assets.warehouse.table_schema import DATE, INT32, STRING, Column, TableSchema
from quant_assets.warehouse.tables.common import SESSION, SYMBOL, correlation, number, share

MONTH = Column("month", STRING, "calendar month, YYYY-MM")
FACTOR = Column("factor", STRING, "name of the factor, a column of its library's table")
HORIZON = Column("horizon", INT32, "length of the forward return", "sessions", minimum=1)

# Measures that the evaluation of a day and its monthly summary share.
REGRESSION = (
    number("beta", "slope of the cross-sectional regression of returns on z-scores"),
    number("t_statistic", "t-statistic of that slope"),
    share("r_squared", "R² of that regression"),
)
QUANTILES = (
    *(
        number(f"quantile_{q}", f"mean forward return of quantile {q} (1: lowest factor values)")
        for q in range(1, 6)
    ),
    number("spread", "quantile_5 less quantile_1"),
    number("turnover", "share of quantile 5 that was not in it h sessions before"),
    number("rank_autocorrelation", "rank correlation of the factor with itself h sessions before"),
)

TABLES = (
    TableSchema(
        "factors_<library>",
        (SESSION, SYMBOL),
        ("date", "symbol"),
        "date",
        "One factor library: a row for each security and day, a column for each factor.",
        wide=True,
        wide_description="value of the factor of that name, known at the close of the day",
    ),
    TableSchema(
        "factor_evaluation",
        (
            SESSION,
            FACTOR,
            HORIZON,
            Column("decision_date", DATE, "session h before date, whose factor values are scored"),
            Column(
                "observations", INT32, "securities with both factor value and return", minimum=0
            ),
            share("coverage", "share of members with a factor value"),
            correlation("ic", "Pearson correlation of factor and forward return"),
            correlation("rank_ic", "Spearman correlation of factor and forward return"),
            *REGRESSION,
            *QUANTILES,
        ),
        ("date", "factor", "horizon"),
        "date",
        "How well the factors of h sessions ago ordered the returns that ended on the day.",
    ),
    TableSchema(
        "factor_summary",
        (
            MONTH,
            FACTOR,
            HORIZON,
            Column("days", INT32, "days of the month with an evaluation", "sessions", minimum=0),
            correlation("ic", "mean daily IC"),
            number("ic_std", "standard deviation of the daily IC (ddof=1)", minimum=0),
            number("icir", "ic / ic_std"),
            number("ic_t", "t-statistic of the mean IC"),
            share("ic_p", "two-sided p-value of ic_t"),
            correlation("rank_ic", "mean daily rank IC"),
            number("rank_ic_std", "standard deviation of the daily rank IC (ddof=1)", minimum=0),
            number("rank_icir", "rank_ic / rank_ic_std"),
            number("rank_ic_t", "t-statistic of the mean rank IC"),
            number("newey_west_t", "t-statistic of the mean rank IC with Newey-West errors"),
            share("positive_share", "share of days with IC above 0"),
            *REGRESSION,
            *QUANTILES,
            number(
                "half_life",
                "sessions until the IC has halved over the horizons",
                "sessions",
                minimum=0,
            ),
        ),
        ("month", "factor", "horizon"),
        "month",
        "factor_evaluation aggregated over a month.",
    ),
    TableSchema(
        "factor_correlations",
        (
            MONTH,
            FACTOR,
            Column("other", STRING, "name of the other factor"),
            correlation("correlation", "mean over days of the cross-sectional rank correlation"),
            Column("days", INT32, "days with a correlation", "sessions", minimum=0),
        ),
        ("month", "factor", "other"),
        "month",
        "Mean cross-sectional rank correlation of each pair of factors over a month.",
    ),
)
