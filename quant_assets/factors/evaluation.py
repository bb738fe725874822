"""How well factors order the returns that follow: one row a day, factor and horizon.

Here stands the daily evaluation. Months of it are put together in summary.py; how factors relate to
one another stands in correlations.py.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.factors.layout import Layout, symbols_of
from quant_assets.market_data.panels import date_column
from quant_assets.warehouse.window import Window

# Fewer pairs of factor and return say nothing: the measures of such a day are missing.
MINIMUM_OBSERVATIONS = 10
QUANTILE_COLUMNS = 5
KEYS = ("date", "symbol")
MEASURES = (  # in the order of the kernel's columns, quantiles apart
    "observations",
    "coverage",
    "ic",
    "rank_ic",
    "beta",
    "t_statistic",
    "r_squared",
    "spread",
    "turnover",
    "rank_autocorrelation",
)
COLUMNS = (*MEASURES[:7], *(f"quantile_{k + 1}" for k in range(QUANTILE_COLUMNS)), *MEASURES[7:])


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
        universe: date, symbol, member, of the same days.
        sessions: the market's sessions, `datetime64[D]`, ascending, with those days among them.
        window: the days t of the result.
        horizons: h in sessions.
        quantiles: equal-count buckets, 2 to 5.
        thread_no: threads, over factors.

    Returns:
        The rows of table factor_evaluation by date, factor, horizon; null where not defined: below
        MINIMUM_OBSERVATIONS pairs, or where factor or return do not vary. Days whose t - h lies
        before the first session have no row. With r the returns and z the factor's z-score (mean
        and ddof=1 standard deviation of the pairs):

        - coverage: share of members with a factor value; observations: pairs of value and return.
        - ic: Pearson, rank_ic: Spearman with average ranks for ties (Grinold & Kahn 2000, ch. 6).
        - beta, t_statistic, r_squared: OLS of r on z with intercept (Fama & MacBeth 1973);
          t_statistic is null where the fit leaves no residual.
        - quantile_k: mean return of bucket k; a value with m smaller ones among n falls into the
          smallest k with (n - 1) k / quantiles >= m, as pandas.qcut cuts; equal values fall
          together, by the lowest of their ranks. spread: the top less the bottom bucket.
        - turnover: share of the top bucket of t - h that was not in that of t - 2h;
          rank_autocorrelation: correlation of the ranks of these two days over the securities that
          have both; here all members with a value count, whether they have a return or not.

    Raises:
        ValueError: horizons or quantiles out of bounds.
    """
    from quant_assets.factors import kernels

    _check(horizons, quantiles)
    kernels.warm()
    market = _Market.of(adjusted, universe, sessions, window, horizons)
    names = sorted(set(factors.column_names) - set(KEYS))
    layout = Layout.of(factors, market.dates, market.symbols)

    def one(name: str) -> np.ndarray:
        return market.score(layout.spread(factors[name]), quantiles)

    with ThreadPoolExecutor(max(1, min(thread_no, len(names)))) as pool:
        scores = list(pool.map(one, names))
    return _table(names, scores, market, quantiles)


@dataclass(frozen=True)
class _Market:
    """What the evaluation of every factor shares.

    returns[h] and order[h]: (sessions, symbols); members: their number by session; `first`: the
    first session of the window.
    """

    dates: np.ndarray
    symbols: np.ndarray
    first: int
    member: np.ndarray
    members: np.ndarray
    returns: dict[int, np.ndarray]
    order: dict[int, np.ndarray]

    @classmethod
    def of(
        cls,
        adjusted: pa.Table,
        universe: pa.Table,
        sessions: np.ndarray,
        window: Window,
        horizons: Sequence[int],
    ) -> "_Market":
        days = np.asarray(sessions, "datetime64[D]")
        begin = int(np.searchsorted(days, np.datetime64(window.start, "D")))
        stop = int(np.searchsorted(days, np.datetime64(window.end, "D"), "right"))
        start = max(begin - lookback(horizons), 0)
        dates, symbols = days[start:stop], symbols_of(universe)
        close = Layout.of(adjusted, dates, symbols).spread(adjusted["close"])
        member = Layout.of(universe, dates, symbols).spread(universe["member"]) == 1.0
        returns = {h: _returns(close, h) for h in horizons}
        return cls(
            dates,
            symbols,
            begin - start,
            member,
            member.sum(axis=1).astype(np.int64),
            returns,
            {h: ascending(values) for h, values in returns.items()},
        )

    def score(self, values: np.ndarray, quantiles: int) -> np.ndarray:
        """A factor's measures, (sessions of the window, horizons, columns)."""
        from quant_assets.factors import cross_section_kernels as cross

        values[~self.member] = np.nan
        order = ascending(values)
        T = len(self.dates)
        ranks = np.full(values.shape, np.nan)
        top = np.zeros(values.shape, bool)
        cross.rank_members(values, order, 0, T, quantiles, MINIMUM_OBSERVATIONS, ranks, top)
        out = np.full((len(self.returns), T - self.first, cross.QUANTILES + quantiles), np.nan)
        for place, (h, returns) in enumerate(self.returns.items()):
            cross.score(
                values,
                order,
                ranks,
                top,
                self.members,
                returns,
                self.order[h],
                h,
                self.first,
                quantiles,
                MINIMUM_OBSERVATIONS,
                out[place],
            )
        return out.transpose(1, 0, 2)


def ascending(values: np.ndarray) -> np.ndarray:
    """Places of the values along the last axis in ascending order, the missing ones last, int32."""
    return np.argsort(values, axis=-1).astype(np.int32)


def _check(horizons: Sequence[int], quantiles: int) -> None:
    if not horizons or any(h < 1 for h in horizons) or list(horizons) != sorted(set(horizons)):
        raise ValueError(
            "horizons of an evaluation must be ascending sessions from 1 on. "
            f"Got {horizons} instead."
        )
    if not 2 <= quantiles <= QUANTILE_COLUMNS:
        raise ValueError(
            f"quantiles of an evaluation must be 2 to {QUANTILE_COLUMNS}. Got {quantiles} instead."
        )


def _returns(close: np.ndarray, horizon: int) -> np.ndarray:
    returns = np.full(close.shape, np.nan)
    returns[horizon:] = close[horizon:] / close[:-horizon] - 1.0
    return returns


def _table(names: list[str], scores: list[np.ndarray], market: _Market, quantiles: int) -> pa.Table:
    """The rows, by date, factor, horizon; without those whose decision day is not known."""
    horizons, width = np.array(list(market.returns)), len(MEASURES) + quantiles
    shape = (len(market.dates) - market.first, len(names), len(horizons))
    every = np.stack(scores, axis=1) if scores else np.zeros((*shape, width))
    days, factors, lags = (axis.ravel() for axis in np.indices(shape))
    rows, lags = market.first + days, horizons[lags]
    known = rows >= lags
    rows, lags, measures = rows[known], lags[known], every.reshape(-1, width)[known]
    columns = {name: measures[:, k] for k, name in enumerate(MEASURES)}
    for k in range(QUANTILE_COLUMNS):
        there = k < quantiles
        columns[f"quantile_{k + 1}"] = (
            measures[:, len(MEASURES) + k] if there else np.full(len(rows), np.nan)
        )
    data = {
        "date": date_column(market.dates[rows]),
        "factor": pa.array(names, pa.string()).take(pa.array(factors[known])),
        "horizon": pa.array(lags, pa.int32()),
        "decision_date": date_column(market.dates[rows - lags]),
    }
    for name in COLUMNS:
        data[name] = pa.array(columns[name], mask=np.isnan(columns[name]))
    data["observations"] = pa.array(columns["observations"].astype(np.int32))
    return pa.table(data)
