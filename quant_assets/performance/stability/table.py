"""The table `strategy_stability`: every strategy's history cut in several ways, and tested.

Belongs here: which parts there are and which figures of them become rows. The figures come from the
metrics, the intervals from bootstrap.py, the tests from breaks.py. How it is shown stands in
performance/comparison.

Views and their periods:
    whole       all days of the strategy
    year        each calendar year
    half        the first and the second half of its days
    regime      the days of each regime of the market
    rolling     Sharpe ratios of all windows of `window` sessions
    bootstrap   what the Sharpe ratio might as well have been
    break       tests of a change of the mean or the volatility, and the parts before and after
    parameters  the parameter sets of its sweep, where there is one
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.backtests.combined.returns import StrategyReturns
from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.market_days import MarketDays
from quant_assets.performance.metrics import metrics_of_many
from quant_assets.performance.rolling import Rolling
from quant_assets.performance.stability.bootstrap import sharpe_interval
from quant_assets.performance.stability.breaks import (
    BreakTest,
    break_in_mean,
    break_in_volatility,
)
from quant_assets.settings_combined import CombinedSettings

PART = ("total_return", "cagr", "volatility", "sharpe", "max_drawdown")
# Days of a regime do not follow one another: there is no path to fall from.
SCATTERED = ("cagr", "volatility", "sharpe")
# With returns on a smaller share of the days it was in cash: its Sharpe ratio would be that of the
# risk-free rate, far below -10, and says nothing.
LEAST_INVESTED = 0.1
# What is read of table `parameter_sweep`.
SWEPT = ("metric", "value", "first_part", "second_part", "plateau")


@dataclass(frozen=True)
class Row:
    """A row of the table; `days` are the row numbers of the returns behind the figure."""

    strategy: str
    view: str
    period: str
    measure: str
    value: float
    days: np.ndarray


def stability_table(
    found: StrategyReturns,
    market: MarketDays,
    settings: CombinedSettings,
    sweeps: Mapping[str, pa.Table] | None = None,
) -> pa.Table:
    """The rows of the table.

    Args:
        found: the strategies' returns.
        market: of the same days (`found.dates`).
        settings: the window of rolling figures, resamples, block and seed of the bootstrap.
        sweeps: rows of table `parameter_sweep` by strategy.
    """
    excess = found.values - market.daily_rate[:, None]
    rows: list[Row] = [*_parts(found, market), *_rolling(found, excess, market, settings)]
    for place, name in enumerate(found.names):
        days = np.flatnonzero(np.isfinite(excess[:, place]))
        rows += _bootstrap(name, excess[days, place], days, market, settings)
        rows += _breaks(name, excess[days, place], days, market)
        rows += _parameters(name, (sweeps or {}).get(name))
    return _table(rows, found.dates)


def _parts(found: StrategyReturns, market: MarketDays) -> Iterator[Row]:
    years = found.dates.astype("datetime64[Y]").astype(np.int64) + 1970
    everything = np.ones(len(found.dates), bool)
    cuts: list[tuple[str, str, np.ndarray, tuple[str, ...]]]
    cuts = [("whole", "all", everything, PART)]
    cuts += [("year", str(year), years == year, PART) for year in np.unique(years)]
    cuts += [("regime", name, days, SCATTERED) for name, days in market.regime_days.items()]
    for view, period, days, measures in cuts:
        yield from _part(found, market, view, period, np.flatnonzero(days), measures)
    for place, name in enumerate(found.names):
        known = np.flatnonzero(np.isfinite(found.values[:, place]))
        middle = len(known) // 2
        for period, days in (("first", known[:middle]), ("second", known[middle:])):
            yield from _part(found, market, "half", period, days, PART, [name])


def _part(
    found: StrategyReturns,
    market: MarketDays,
    view: str,
    period: str,
    days: np.ndarray,
    measures: Iterable[str],
    only: list[str] | None = None,
) -> Iterator[Row]:
    """Metrics of the strategies that have returns on some of the days."""
    known = np.isfinite(found.values[days]) if len(days) else np.zeros((0, len(found.names)), bool)
    places = [
        place
        for place, name in enumerate(found.names)
        if known[:, place].any() and (only is None or name in only)
    ]
    if not places:
        return
    figures = metrics_of_many(
        np.ascontiguousarray(found.values[days][:, places]),
        None,
        market.risk_free[days],
        market.annualization,
    )
    for k, place in enumerate(places):
        told = days[known[:, place]]
        idle = np.mean(found.values[told, place] != 0) < LEAST_INVESTED
        for measure in measures:
            value = np.nan if idle and measure == "sharpe" else float(figures[measure][k])
            yield Row(found.names[place], view, period, measure, value, told)


def _rolling(
    found: StrategyReturns, excess: FloatArray, market: MarketDays, settings: CombinedSettings
) -> Iterator[Row]:
    period = f"{settings.window} sessions"
    for place, name in enumerate(found.names):
        days = np.flatnonzero(np.isfinite(excess[:, place]))
        invested = found.values[days, place] != 0
        sharpe = _sharpes_of_windows(excess[days, place], invested, market, settings)
        known = sharpe[np.isfinite(sharpe)]
        if len(known):
            for measure, value in (
                ("lowest_sharpe", known.min()),
                ("median_sharpe", np.median(known)),
                ("highest_sharpe", known.max()),
                ("latest_sharpe", known[-1]),
                ("share_above_zero", np.mean(known > 0)),
            ):
                yield Row(name, "rolling", period, measure, float(value), days)


def _sharpes_of_windows(
    excess: FloatArray, invested: np.ndarray, market: MarketDays, settings: CombinedSettings
) -> FloatArray:
    """NaN where a window is not full, or was spent in cash."""
    window = settings.window
    if len(excess) < window:
        return np.empty(0)
    sharpe = Rolling(excess, window, annualization=market.annualization).sharpe
    days = np.cumsum(np.concatenate([[0], invested]))
    sharpe[window - 1 :][days[window:] - days[:-window] < LEAST_INVESTED * window] = np.nan
    return sharpe


def _bootstrap(
    name: str,
    excess: FloatArray,
    days: np.ndarray,
    market: MarketDays,
    settings: CombinedSettings,
) -> Iterator[Row]:
    found = sharpe_interval(
        excess, market.annualization, settings.resamples, settings.block, settings.seed
    )
    if found is not None:
        for measure, value in vars(found).items():
            yield Row(name, "bootstrap", "sharpe", measure, value, days)


def _breaks(name: str, excess: FloatArray, days: np.ndarray, market: MarketDays) -> Iterator[Row]:
    for what, test in (
        ("mean", break_in_mean(excess)),
        ("volatility", break_in_volatility(excess)),
    ):
        if test is not None:
            yield Row(name, "break", what, "statistic", test.statistic, days)
            yield Row(name, "break", what, "p_value", test.p_value, days)
            yield from _around(name, what, test, excess, days, market)


def _around(
    name: str,
    what: str,
    test: BreakTest,
    excess: FloatArray,
    days: np.ndarray,
    market: MarketDays,
) -> Iterator[Row]:
    """The annual Sharpe ratio or volatility before and after the supposed break."""
    root = np.sqrt(market.annualization)
    for when, part in (
        ("before", slice(0, test.place + 1)),
        ("after", slice(test.place + 1, None)),
    ):
        values = excess[part]
        deviation = values.std(ddof=1) if len(values) > 1 else np.nan
        figure = values.mean() / deviation if what == "mean" and deviation > 0 else deviation
        if what == "mean" and not deviation > 0:
            figure = np.nan
        measure = f"{'sharpe' if what == 'mean' else 'volatility'}_{when}"
        yield Row(name, "break", what, measure, float(figure * root), days[part])


def _parameters(name: str, sweep: pa.Table | None) -> Iterator[Row]:
    """Whether the parameter sets of a sweep agree, over all sessions and from part to part."""
    if sweep is None or not sweep.num_rows:
        return
    from scipy.stats import spearmanr

    values = sweep["value"].to_numpy()
    known = values[np.isfinite(values)]
    if not len(known):
        return
    parts = np.array([sweep["first_part"].to_numpy(), sweep["second_part"].to_numpy()])
    both = parts[:, np.isfinite(parts).all(axis=0)]
    varies = both.shape[1] > 2 and (np.ptp(both, axis=1) > 0).all()
    chosen = values[np.flatnonzero(sweep["plateau"].to_numpy(zero_copy_only=False))]
    nothing = np.empty(0, np.int64)
    for measure, value in (
        ("sets", float(len(known))),
        ("share_above_zero", float(np.mean(known > 0))),
        ("lowest", known.min()),
        ("median", np.median(known)),
        ("highest", known.max()),
        ("plateau", chosen[0] if len(chosen) else np.nan),
        ("rank_correlation_of_parts", spearmanr(*both).statistic if varies else np.nan),
    ):
        yield Row(name, "parameters", str(sweep["metric"][0]), measure, float(value), nothing)


def _table(rows: list[Row], dates: np.ndarray) -> pa.Table:
    firsts = [dates[row.days[0]].item() if len(row.days) else None for row in rows]
    lasts = [dates[row.days[-1]].item() if len(row.days) else None for row in rows]
    return pa.table(
        {
            **{
                name: pa.array([getattr(row, name) for row in rows], pa.string())
                for name in ("strategy", "view", "period", "measure")
            },
            "value": pa.array([row.value for row in rows], pa.float64(), from_pandas=True),
            "sessions": pa.array([len(row.days) for row in rows], pa.int32()),
            "first_date": pa.array(firsts, pa.date32()),
            "last_date": pa.array(lasts, pa.date32()),
        }
    )
