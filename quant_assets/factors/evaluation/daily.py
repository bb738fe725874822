"""How well factors order the returns that follow: one row a day, factor and horizon.

Here stands the table factor_evaluation and what its measures mean. Months of it are put together in
summary.py, ICs within sectors in sectors.py; how factors relate to one another stands in
correlations.py.

Measured against alphalens-reloaded: with one horizon at a time and no value missing, these are the
same numbers: rank_ic (its information coefficient), quantile_k (mean_return_by_quantile,
demeaned=False; its demeaned ones are quantile_k - mean_return), factor_return (factor_returns,
demeaned=True, equal_weight=False), mean_return (the universe's in factor_alpha_beta), turnover and
turnover_bottom (quantile_turnover with period h), rank_autocorrelation (with period h). Defined
differently, on purpose:

- alphalens dates a row by the decision, here the row stands on the day on which it became known.
- alphalens drops a security when the return of any horizon is missing, here each horizon has the
  pairs it has; turnover and rank_autocorrelation are of all members with a value, for a portfolio
  does not know whose return will be missing. It carries prices forward over gaps, here a return
  without a close on its last day is missing.
- alphalens drops a day whose quantile edges coincide because of ties, here equal values fall
  together and the quantiles between may be empty.
- spread is the return of the top less that of the bottom quantile; compute_mean_returns_spread
  halves it.
- below MINIMUM_OBSERVATIONS pairs, and where the factor does not vary, nothing is measured; the
  factor_returns of a constant factor are 0 there.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from quant_assets.factors.evaluation.inputs import Inputs, factor_names
from quant_assets.factors.evaluation.market import check_horizons
from quant_assets.factors.evaluation.measures import MEASURES, QUANTILE_COLUMNS, columns
from quant_assets.market_data.panels import date_column
from quant_assets.warehouse.window import Window

_COUNTS = tuple(f"count_{q}" for q in range(1, QUANTILE_COLUMNS + 1))


def lookback(horizons: Sequence[int]) -> int:
    """Sessions before a window whose factors, bars and members its evaluation needs.

    The factor of t - h is scored, and its ranks are compared with those of t - 2h.
    """
    return 2 * max(horizons)


def evaluate(
    factors: pa.Table,
    adjusted: pa.Table,
    universe: pa.Table,
    sessions: np.ndarray,
    window: Window,
    horizons: Sequence[int],
    quantiles: int = QUANTILE_COLUMNS,
    thread_no: int = 1,
) -> pa.Table:
    """Score the factors of each day t - h with the returns that ended on t.

    Only members of the universe of t - h count. The return is the adjusted close of t over that of
    t - h, less 1; it is missing without a bar on either day. Nothing after t is read.

    Args:
        factors: date, symbol, one column a factor (several libraries joined), of the window and
            `lookback(horizons)` sessions before it.
        adjusted: date, symbol, close, of the same days.
        universe: date, symbol, member and, for the neutral measures, sector and average_turnover,
            of the same days.
        sessions: the market's sessions, `datetime64[D]`, ascending, with those days among them.
        window: the days t of the result.
        horizons: h in sessions.
        quantiles: equal-count buckets, 2 to 5.
        thread_no: threads, over factors, and over days where there are fewer factors.

    Returns:
        The rows of table factor_evaluation by date, factor, horizon; null where not defined: below
        MINIMUM_OBSERVATIONS pairs, or where factor or return do not vary. Days whose t - h lies
        before the first session have no row. With r the returns and z the factor's z-score (mean
        and ddof=1 standard deviation of the pairs):

        - coverage: share of members with a factor value; observations: pairs of value and return.
        - ic: Pearson, rank_ic: Spearman with average ranks for ties (Grinold & Kahn 2000, ch. 6).
        - ..._sector_neutral: of the factor less the mean of the members of its sector that have a
          value; ..._size_neutral: of the residual of the factor's regression with intercept on the
          log of the average turnover, over the members that have both. What is rounding against
          the day's largest value counts as 0. Members without sector or size are left out.
        - beta, t_statistic, r_squared: OLS of r on z with intercept (Fama & MacBeth 1973);
          t_statistic is null where the fit leaves no residual.
        - mean_return: of the pairs. factor_return: of a portfolio that weights the pairs by the
          factor less its mean, long and short together 1.
        - quantile_k: mean return of bucket k, count_k: how many it has; a value with m smaller ones
          among n falls into the smallest k with (n - 1) k / quantiles >= m, as pandas.qcut cuts;
          equal values fall together, by the lowest of their ranks. spread: the top less the bottom
          bucket. monotonicity: Spearman between k and quantile_k; null where a bucket is empty.
        - turnover: share of the top bucket of t - h that was not in that of t - 2h,
          turnover_bottom: of the bottom one; rank_autocorrelation: correlation of the ranks of
          these two days over the securities that have both; here all members with a value count,
          whether they have a return or not.

    Raises:
        ValueError: horizons or quantiles out of bounds.
    """
    check_horizons(horizons)
    if not 2 <= quantiles <= QUANTILE_COLUMNS:
        raise ValueError(
            f"quantiles of an evaluation must be 2 to {QUANTILE_COLUMNS}. Got {quantiles} instead."
        )
    inputs = Inputs.of(
        adjusted, universe, sessions, window, horizons, lookback(horizons), False, thread_no
    )
    names, width = factor_names(factors), len(columns(quantiles))
    days = max(len(inputs.dates) - inputs.market.first, 0)
    measures = np.empty((width, days, len(names), len(horizons)))
    scores = inputs.scores(factors, quantiles, daily=True, by_sector=False, thread_no=thread_no)
    for place, (_, found) in enumerate(scores):
        measures[:, :, place, :] = found.daily.transpose(2, 0, 1)
    return table_of(measures, inputs.dates, inputs.market.first, names, horizons)


def table_of(
    measures: np.ndarray,
    dates: np.ndarray,
    first: int,
    names: Sequence[str],
    horizons: Sequence[int],
) -> pa.Table:
    """The rows of factor_evaluation, by date, factor, horizon.

    Args:
        measures: (measures.columns(quantiles), days, factors, horizons), of the days from `first`
            on; NaN where not defined.
        dates: the sessions, `datetime64[D]`.
        first: the first session with a row; rows whose decision day lies before all sessions are
            left out.
        names: of the factors.
        horizons: in sessions.
    """
    quantiles = (len(measures) - len(MEASURES)) // 2
    days, factors, lags = (axis.ravel() for axis in np.indices(measures.shape[1:], np.int32))
    rows, lags = first + days, np.asarray(horizons, np.int32)[lags]
    values = dict(zip(columns(quantiles), measures.reshape(len(measures), -1), strict=True))
    known = rows >= lags
    if not known.all():
        rows, lags, factors = rows[known], lags[known], factors[known]
        values = {name: column[known] for name, column in values.items()}
    data = {
        "date": date_column(dates[rows]),
        "factor": pa.array(names, pa.string()).take(pa.array(factors)),
        "horizon": pa.array(lags, pa.int32()),
        "decision_date": date_column(dates[rows - lags]),
    }
    absent = np.full(len(rows), np.nan)
    for name in (*MEASURES, *columns(QUANTILE_COLUMNS)[len(MEASURES) :]):
        data[name] = _column(values.get(name, absent), name == "observations" or name in _COUNTS)
    return pa.table(data)


def _column(values: np.ndarray, whole: bool) -> pa.Array:
    missing = np.isnan(values)
    if whole:
        return pa.array(np.where(missing, 0.0, values).astype(np.int32), mask=missing)
    return pa.array(values, mask=missing)
