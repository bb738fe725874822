"""Tables of factors: the libraries' values, their evaluation and their correlations.

Belongs here: declarations only, each table once. Conventions stand in schemas.py.
"""

from quant_assets.warehouse.table_schema import DATE, INT32, STRING, Column, TableSchema
from quant_assets.warehouse.tables.common import SESSION, SYMBOL, correlation, number, share

MONTH = Column("month", STRING, "calendar month, YYYY-MM")
FACTOR = Column("factor", STRING, "name of the factor, a column of its library's table")
HORIZON = Column("horizon", INT32, "length of the forward return", "sessions", minimum=1)

QUANTILES = range(1, 6)

# Measures that the evaluation of a day and its summary over days share.
REGRESSION = (
    number("beta", "slope of the cross-sectional regression of returns on z-scores"),
    number("t_statistic", "t-statistic of that slope"),
    share("r_squared", "R² of that regression"),
)
MEAN_RETURN = number("mean_return", "mean forward return of securities with a factor value")
FACTOR_RETURN = number(
    "factor_return", "forward return of a long-short portfolio weighted by the factor"
)
BUCKETS = (
    *(
        number(f"quantile_{q}", f"mean forward return of quantile {q} (1: lowest factor values)")
        for q in QUANTILES
    ),
    number("spread", "return of the top quantile less that of the bottom one"),
    correlation("monotonicity", "Spearman correlation of quantile number and mean return"),
)
PERSISTENCE = (
    share("turnover", "share of the top quantile that was not in it h sessions before"),
    share("turnover_bottom", "share of quantile 1 that was not in it h sessions before"),
    correlation(
        "rank_autocorrelation", "rank correlation of the factor with itself h sessions before"
    ),
)
NEUTRAL = (
    correlation("ic_sector_neutral", "IC of the factor less the mean of its sector"),
    correlation("rank_ic_sector_neutral", "rank IC of the factor less the mean of its sector"),
    correlation("ic_size_neutral", "IC of the factor's residual on log average turnover"),
    correlation("rank_ic_size_neutral", "rank IC of the factor's residual on log average turnover"),
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
            *NEUTRAL,
            *REGRESSION,
            MEAN_RETURN,
            FACTOR_RETURN,
            *BUCKETS,
            *PERSISTENCE,
            *(
                Column(f"count_{q}", INT32, f"securities in quantile {q}", nullable=True, minimum=0)
                for q in QUANTILES
            ),
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
            number("ic_newey_west_t", "t-statistic of the mean IC with Newey-West errors"),
            correlation("rank_ic", "mean daily rank IC"),
            number("rank_ic_std", "standard deviation of the daily rank IC (ddof=1)", minimum=0),
            number("rank_ic_skewness", "skewness of the daily rank IC"),
            number("rank_ic_kurtosis", "excess kurtosis of the daily rank IC"),
            number("rank_icir", "rank_ic / rank_ic_std"),
            number("rank_ic_t", "t-statistic of the mean rank IC"),
            share("rank_ic_p", "two-sided p-value of rank_ic_t"),
            number("newey_west_t", "t-statistic of the mean rank IC with Newey-West errors"),
            share("newey_west_p", "two-sided p-value of newey_west_t"),
            share("positive_share", "share of days with IC above 0"),
            *REGRESSION,
            *BUCKETS,
            *PERSISTENCE,
            share("coverage", "share of members with a factor value"),
            MEAN_RETURN,
            FACTOR_RETURN,
            *NEUTRAL,
            number("rank_icir_sector_neutral", "mean / standard deviation of that daily rank IC"),
            number("rank_icir_size_neutral", "mean / standard deviation of that daily rank IC"),
            number("spread_std", "standard deviation of the daily spread (ddof=1)", minimum=0),
            number("spread_t", "t-statistic of the mean spread"),
            correlation(
                "monotonicity_of_means", "Spearman correlation of quantile number and month's mean"
            ),
            number("cumulative_spread", "growth of h overlapping portfolios that earn the spread"),
            number(
                "cumulative_factor_return",
                "growth of h overlapping portfolios that earn the factor return",
            ),
            number("factor_alpha", "intercept of factor_return on mean_return, a horizon"),
            number("factor_alpha_t", "t-statistic of that intercept"),
            number("factor_beta", "slope of factor_return on mean_return"),
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
        "factor_sector_summary",
        (
            MONTH,
            FACTOR,
            HORIZON,
            Column("sector", STRING, "sector of the securities on the decision day"),
            Column("days", INT32, "days of the month with a rank IC", "sessions", minimum=0),
            number("observations", "mean pairs of factor value and return a day", minimum=0),
            correlation("ic", "mean daily IC among the sector's securities"),
            number("ic_std", "standard deviation of that daily IC (ddof=1)", minimum=0),
            number("icir", "ic / ic_std"),
            correlation("rank_ic", "mean daily rank IC among the sector's securities"),
            number("rank_ic_std", "standard deviation of that daily rank IC (ddof=1)", minimum=0),
            number("rank_icir", "rank_ic / rank_ic_std"),
        ),
        ("month", "factor", "horizon", "sector"),
        "month",
        "How well factors ordered the returns of a month within each sector.",
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
