"""Strategies, portfolios of them and the benchmark, measured alike: over their own days and over
those that all have.

Belongs here: the arithmetic and the table `strategy_comparison`. How it is shown stands in the
modules of pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa

from quant_assets.backtests.combined.returns import StrategyReturns
from quant_assets.backtests.combined.weighting import Method
from quant_assets.market_data.panels import FloatArray, session_dates
from quant_assets.performance.market_days import MarketDays
from quant_assets.performance.metrics import metrics_of_many

Kind = Literal["strategy", "portfolio", "benchmark"]

# Name of the metric, and whether more of it is better (1), worse (-1) or neither (0).
KEY_METRICS: Mapping[str, int] = {
    "total_return": 1,
    "cagr": 1,
    "volatility": -1,
    "sharpe": 1,
    "probabilistic_sharpe": 1,
    "deflated_sharpe": 1,
    "sortino": 1,
    "calmar": 1,
    "omega": 1,
    "max_drawdown": 1,
    "longest_drawdown_sessions": -1,
    "expected_shortfall": 1,
    "tail_ratio": 1,
    "skewness": 0,
    "win_rate": 1,
    "beta": 0,
    "alpha": 1,
    "information_ratio": 1,
    "annual_turnover": 0,
    "annual_cost": -1,
}


_WEEK = np.timedelta64(7, "D")


class Trials(Protocol):
    """How many parameter sets were ever tried on the market, and how their results differ."""

    @property
    def count(self) -> int:
        """Trials, each counted once."""

    @property
    def variance_of_sharpes(self) -> float:
        """Variance of their Sharpe ratios per session (not annual); NaN with fewer than two."""


@dataclass(frozen=True)
class Subject:
    """One line of the comparison.

    Attributes:
        kind: what it is.
        name: identifier.
        title: name for people.
        returns: net returns by day, shape (T,), NaN where there is none.
        turnover, cost: of the same days, NaN where not known.
        link: address of its own page, empty without one.
    """

    kind: Kind
    name: str
    title: str
    returns: FloatArray
    turnover: FloatArray
    cost: FloatArray
    link: str = ""

    @property
    def known(self) -> np.ndarray:
        """The days on which it has a return: bool, shape (T,)."""
        there: np.ndarray = np.isfinite(self.returns)
        return there


@dataclass(frozen=True)
class Compared:
    """What a comparison shows.

    Attributes:
        market: by day, of the same days as the subjects' returns.
        subjects: strategies first, then portfolios, the benchmark last; those with returns.
        own: metric -> values of the subjects over their own days, shape (K,).
        common: the same over the common days; empty where there is none.
        common_days: first and last row that all subjects have, None where there is none.
        years: the calendar years, shape (Y,).
        yearly: compound return of each year and subject, shape (Y, K), NaN without a day.
        whole_years: whether the subject has all days of the year, bool (Y, K).
        trials: tried on the market; None where they are not counted.
        notes: sentences about what is missing.
    """

    market: MarketDays
    subjects: tuple[Subject, ...]
    own: Mapping[str, FloatArray]
    common: Mapping[str, FloatArray]
    common_days: tuple[int, int] | None
    years: np.ndarray
    yearly: FloatArray
    whole_years: np.ndarray
    trials: Trials | None
    notes: tuple[str, ...] = field(default=())


def strategy_subjects(
    found: StrategyReturns,
    backtest: pa.Table,
    titles: Mapping[str, str],
    links: Mapping[str, str],
) -> list[Subject]:
    """The strategies that have returns.

    Args:
        found: their returns.
        backtest: table `backtest` with strategy, date, turnover and cost.
        titles: by name.
        links: to their own pages, by name.
    """
    names = backtest["strategy"].to_numpy(zero_copy_only=False)
    days = session_dates(backtest["date"])
    subjects = []
    for place, name in enumerate(found.names):
        rows = np.flatnonzero(names == name)
        further = {}
        for column in ("turnover", "cost"):
            values = np.full(len(found.dates), np.nan)
            values[np.searchsorted(found.dates, days[rows])] = backtest[column].to_numpy()[rows]
            further[column] = values
        subjects.append(
            Subject(
                "strategy",
                name,
                titles.get(name, name),
                found.values[:, place],
                **further,
                link=links.get(name, ""),
            )
        )
    return subjects


def portfolio_subjects(
    portfolio: pa.Table,
    dates: np.ndarray,
    methods: Mapping[str, Method],
    links: Mapping[str, str],
) -> list[Subject]:
    """The portfolios of table `portfolio`, in the order of the methods.

    Args:
        portfolio: the table; other methods and other days (an older run's) are left out.
        dates: of the strategies, shape (T,).
        methods: by name.
        links: to their own pages, by name.
    """
    names = portfolio["method"].to_numpy(zero_copy_only=False)
    days = session_dates(portfolio["date"])
    inside = np.isin(days, dates)
    subjects = []
    for name, method in methods.items():
        rows = np.flatnonzero((names == name) & inside)
        columns = {}
        for column in ("net_return", "turnover", "cost"):
            values = np.full(len(dates), np.nan)
            values[np.searchsorted(dates, days[rows])] = portfolio[column].to_numpy()[rows]
            columns[column] = values
        if len(rows):
            returns = columns.pop("net_return")
            subjects.append(
                Subject(
                    "portfolio",
                    name,
                    method.title,
                    returns,
                    **columns,
                    link=links.get(name, ""),
                )
            )
    return subjects


def compare(
    subjects: Sequence[Subject],
    market: MarketDays,
    benchmark_title: str,
    trials: Trials | None = None,
    notes: Sequence[str] = (),
) -> Compared:
    """Measure subjects side by side; the benchmark joins them where there is one.

    The common days run from the day on which the last subject has begun to the day on which the
    first has ended; the benchmark does not shorten them.

    Args:
        subjects: strategies and portfolios.
        market: of the same days.
        benchmark_title: name of the index.
        trials: of the market, for the deflated Sharpe ratio; it is missing without.
        notes: sentences for the reader.
    """
    there = [each for each in subjects if each.known.any()]
    span = _common(there)
    if np.isfinite(market.index).any():
        nothing = np.full(len(market.dates), np.nan)
        there.append(
            Subject("benchmark", "benchmark", benchmark_title, market.index, nothing, nothing)
        )
    own = _measured(there, market, slice(None), trials)
    common = {} if span is None else _measured(there, market, slice(span[0], span[1] + 1), trials)
    years, yearly, whole = _by_year(there, market.dates)
    return Compared(
        market, tuple(there), own, common, span, years, yearly, whole, trials, tuple(notes)
    )


def _common(subjects: Sequence[Subject]) -> tuple[int, int] | None:
    if not subjects:
        return None
    first = max(int(np.argmax(each.known)) for each in subjects)
    last = min(len(each.known) - 1 - int(np.argmax(each.known[::-1])) for each in subjects)
    return (first, last) if first < last else None


def _measured(
    subjects: Sequence[Subject], market: MarketDays, days: slice, trials: Trials | None
) -> dict[str, FloatArray]:
    if not subjects:
        return {}
    panel = {
        name: np.ascontiguousarray(np.column_stack([getattr(s, name)[days] for s in subjects]))
        for name in ("returns", "turnover", "cost")
    }
    figures = metrics_of_many(
        panel["returns"],
        market.index[days],
        market.risk_free[days],
        market.annualization,
        turnover=panel["turnover"],
        cost=panel["cost"],
        dates=market.dates[days],
        trials=None if trials is None else trials.count,
        variance_of_sharpes=None if trials is None else trials.variance_of_sharpes,
    )
    return {name: figures[name] for name in KEY_METRICS}


def _by_year(
    subjects: Sequence[Subject], dates: np.ndarray
) -> tuple[np.ndarray, FloatArray, np.ndarray]:
    of_day = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    years = np.unique(of_day)
    yearly = np.full((len(years), len(subjects)), np.nan)
    whole = np.zeros(yearly.shape, bool)
    for y, year in enumerate(years):
        inside = of_day == year
        ends = dates[inside][[0, -1]].astype("datetime64[D]")
        first, last = np.datetime64(f"{year}-01-01"), np.datetime64(f"{year}-12-31")
        # The sessions of a year begin and end within days of it.
        covered = ends[0] - first < _WEEK and last - ends[1] < _WEEK
        for k, subject in enumerate(subjects):
            known = subject.known[inside]
            if known.any():
                yearly[y, k] = np.prod(1.0 + subject.returns[inside][known]) - 1.0
                whole[y, k] = covered and known.all()
    return years, yearly, whole


def comparison_table(compared: Compared) -> pa.Table:
    """The rows of table `strategy_comparison`."""
    rows = [
        (subject.kind, subject.name, period, metric, float(values[k]))
        for period, figures in (("own", compared.own), ("common", compared.common))
        for metric, values in figures.items()
        for k, subject in enumerate(compared.subjects)
    ]
    names = ("kind", "name", "period", "metric")
    return pa.table(
        {
            **{name: pa.array([r[k] for r in rows], pa.string()) for k, name in enumerate(names)},
            "value": pa.array([r[4] for r in rows], pa.float64(), from_pandas=True),
        }
    )
