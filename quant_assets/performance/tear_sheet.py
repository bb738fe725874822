"""The tear sheet of one backtest: metrics as a table, a picture, and a page to read.

Here stands the way from the warehouse's tables to the three. The metrics stand in `metrics.py`, the
pictures in `plots.py`, the words around the page in `page_parts.py` and all dealings with
QuantStats in `quantstats_page.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.backtests.data import series
from quant_assets.backtests.simulation import Execution
from quant_assets.backtests.strategies.base import Strategy, StrategyParameters
from quant_assets.market_data.panels import FloatArray, session_dates
from quant_assets.performance import page_parts
from quant_assets.performance.metrics import metrics
from quant_assets.performance.plots import equity_picture, monthly_picture
from quant_assets.performance.quantstats_page import quantstats_page
from quant_assets.settings import Market


@dataclass(frozen=True)
class TearSheet:
    """What one backtest came to.

    Attributes:
        table: table `tear_sheet`: strategy, metric, value (null where undefined).
        metrics: the same as numbers, NaN where undefined.
        picture: equity, benchmark and drawdown as PNG; empty without any return.
        monthly_picture: returns by month as PNG; empty without any return.
        page: the page, HTML that needs no network.
        shortened: why the page lacks the QuantStats part; None where it has it.
    """

    table: pa.Table
    metrics: dict[str, float]
    picture: bytes
    monthly_picture: bytes
    page: str
    shortened: str | None


def tear_sheet(
    backtest: pa.Table,
    benchmark: pa.Table | None,
    strategy: Strategy,
    parameters: StrategyParameters,
    market: Market,
    benchmark_title: str = "Index",
    execution: Execution = "next_open",
    warnings: Sequence[str] = (),
) -> TearSheet:
    """Measure a backtest and make its page.

    The page is QuantStats' report between the facts of the backtest and our own metrics. A series
    that QuantStats cannot treat (fewer than two returns, no variation) gets a page with the rest.

    Args:
        backtest: table `backtest`, the rows of this strategy only.
        benchmark: table `benchmark` (date, index_close, risk_free_rate), sessions before the first
            return included if the benchmark is to have a return on that day.
        strategy: the strategy.
        parameters: what it ran with.
        market: for its name, days a year and costs; a simulated one is called so everywhere.
        benchmark_title: name of the index.
        execution: when decisions were traded.
        warnings: of the backtest, for the reader of the page.

    Raises:
        ValueError: rows of another strategy.
    """
    others = set(backtest["strategy"].to_pylist()) - {strategy.name}
    if others:
        raise ValueError(f"the rows must be of {strategy.name!r} only. Got {sorted(others)}, too.")
    series_of = _aligned(backtest, benchmark)
    own = metrics(
        series_of.returns,
        series_of.index,
        series_of.rates,
        market.annualization,
        **{name: backtest[name].to_numpy() for name in ("turnover", "cost", "exposure")},
    )
    pictures = _pictures(series_of, strategy.title, market.label, benchmark_title)
    report, shortened = _report(series_of, strategy.title, market, benchmark_title)
    theirs = (
        None
        if series_of.shown_index is None
        else metrics(series_of.index, None, series_of.rates, market.annualization)
    )
    facts = page_parts.facts(strategy, parameters, market, series_of.dates, execution, warnings)
    table = page_parts.metrics_table(own, theirs, strategy.title, benchmark_title)
    title = _title(strategy.title, market)
    if shortened is None:
        page = page_parts.around(report, facts, table)
    else:
        page = page_parts.short_page(title, facts, table, shortened, pictures)
    rows = pa.table(
        {
            "strategy": pa.array([strategy.name] * len(own), pa.string()),
            "metric": pa.array(list(own), pa.string()),
            "value": pa.array(list(own.values()), pa.float64(), from_pandas=True),
        }
    )
    return TearSheet(rows, own, *pictures, page, shortened)


@dataclass(frozen=True)
class _Aligned:
    """Returns of the strategy and the index and the risk-free rate by day, each of shape (T,)."""

    dates: np.ndarray
    returns: FloatArray
    index: FloatArray
    rates: FloatArray

    @property
    def shown_index(self) -> FloatArray | None:
        """The index where there is any, days without it as no change; for drawing only."""
        return np.nan_to_num(self.index) if np.isfinite(self.index).any() else None

    @property
    def rate(self) -> float:
        """The mean risk-free rate, 0 where none is known."""
        return float(np.nanmean(self.rates)) if np.isfinite(self.rates).any() else 0.0


def _aligned(backtest: pa.Table, benchmark: pa.Table | None) -> _Aligned:
    dates = session_dates(backtest["date"])
    return _Aligned(
        dates,
        backtest["net_return"].to_numpy(),
        index_returns(benchmark, dates),
        series(benchmark, "risk_free_rate", dates),
    )


def _title(strategy_title: str, market: Market) -> str:
    return f"{strategy_title} · {market.label}"


def _pictures(
    aligned: _Aligned, title: str, label: str, benchmark_title: str
) -> tuple[bytes, bytes]:
    if not len(aligned.dates):
        return b"", b""
    dates, returns = aligned.dates, aligned.returns
    return (
        equity_picture(dates, returns, aligned.shown_index, title, label, benchmark_title),
        monthly_picture(dates, returns, title, label),
    )


def _report(
    aligned: _Aligned, strategy_title: str, market: Market, benchmark_title: str
) -> tuple[str, str | None]:
    """QuantStats' page, or why there is none."""
    untreatable = _untreatable(aligned.returns)
    if untreatable:
        return "", untreatable
    try:
        page = quantstats_page(
            aligned.dates,
            aligned.returns,
            aligned.shown_index,
            aligned.rate,
            market.annualization,
            _title(strategy_title, market),
            strategy_title,
            benchmark_title,
        )
    except Exception as error:
        # A foreign report must not cost the sheet: its metrics and pictures are ours.
        return "", f"QuantStats could not treat it ({type(error).__name__}: {error})"
    return page, None


def index_returns(benchmark: pa.Table | None, dates: np.ndarray) -> FloatArray:
    """Simple returns of the index from session to session of `dates`, shape (T,).

    The first is from the last close known before; NaN where the session has no close, and the next
    one then spans both.
    """
    returns = np.full(len(dates), np.nan)
    if benchmark is None or not benchmark.num_rows or not len(dates):
        return returns
    everything = np.unique(np.concatenate([session_dates(benchmark["date"]), dates]))
    level = series(benchmark, "index_close", everything)
    known = np.flatnonzero(np.isfinite(level) & (level > 0))
    changes = np.full(len(everything), np.nan)
    changes[known[1:]] = level[known[1:]] / level[known[:-1]] - 1.0
    return changes[np.searchsorted(everything, dates)]


def _untreatable(returns: FloatArray) -> str | None:
    """Why QuantStats is not asked at all."""
    if len(returns) < 2:
        return f"there are {len(returns)} returns, and a report needs at least 2"
    if returns.min() == returns.max():
        return f"every return is {returns[0]:g}: there is nothing to draw a distribution of"
    return None
