"""From the tables of a backtest to the data of its tear sheet.

Belongs here: reading columns, shares of equity, what the header says of a strategy. The page does
not know tables of the warehouse, and this module does not know the page.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.backtests.data import series
from quant_assets.backtests.strategies.base import Strategy, StrategyParameters
from quant_assets.market_data.panels import FloatArray, session_dates
from quant_assets.performance.benchmark import LATEST, compare
from quant_assets.performance.page.sheet_data import (
    Activity,
    Holdings,
    Lineage,
    SheetData,
    Trials,
)
from quant_assets.performance.regimes import Regimes
from quant_assets.settings import Market


def strategy_sheet(
    backtest: pa.Table,
    strategy: Strategy,
    parameters: StrategyParameters,
    market: Market,
    benchmark: pa.Table | None = None,
    regimes: Regimes | None = None,
    positions: pa.Table | None = None,
    fills: pa.Table | None = None,
    sectors: Mapping[str, str] | None = None,
    lineage: Lineage | None = None,
    trials: Trials | None = None,
    warnings: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
) -> SheetData:
    """The sheet of one strategy.

    Args:
        backtest: table `backtest`, the rows of this strategy only.
        strategy: the strategy.
        parameters: what it ran with.
        market: for its name, days a year and rules of trading.
        benchmark: table `benchmark` (date, index_close, risk_free_rate), sessions before the first
            return included if the benchmark is to have a return on that day.
        regimes: of the market.
        positions: table `backtest_positions`, its rows.
        fills: table `backtest_fills`, its rows.
        sectors: symbol -> sector.
        lineage: of the backtest.
        trials: ever made on the market.
        warnings: of the backtest, for the reader of the page.
        links: further pages by name.

    Raises:
        ValueError: rows of another strategy.
    """
    others = set(pc.unique(backtest["strategy"]).to_pylist()) - {strategy.name}
    if others:
        raise ValueError(f"the rows must be of {strategy.name!r} only. Got {sorted(others)}, too.")
    dates = session_dates(backtest["date"])
    index = index_returns(benchmark, dates)
    lineage = lineage or Lineage()
    return SheetData(
        kind="strategy",
        name=strategy.name,
        title=strategy.title,
        description=strategy.description,
        market_title=market.title,
        calendar=market.calendar,
        currency=market.currency,
        dates=dates,
        returns=backtest["net_return"].to_numpy(),
        annualization=market.annualization,
        benchmark=index if np.isfinite(index).any() else None,
        benchmark_title=market.index_title,
        regimes=regimes,
        risk_free=series(benchmark, "risk_free_rate", dates),
        gross_returns=backtest["gross_return"].to_numpy(),
        capital=market.trading.capital,
        activity=_activity(backtest),
        holdings=None if positions is None else Holdings(positions, fills, sectors or {}),
        facts=_facts(strategy, market),
        parameters=parameters.model_dump(),
        lineage=lineage if lineage.data_hash else _hashed(lineage, backtest),
        trials=trials,
        warnings=(*warnings, *_gaps(backtest, dates, benchmark)),
        simulated=market.simulated,
        links=links or {},
    )


def index_returns(benchmark: pa.Table | None, dates: np.ndarray) -> FloatArray:
    """Simple returns of the index from session to session of `dates`, shape (T,).

    NaN where a session has no close: the next return then spans both. The first session's is from
    the last close before, NaN where that is older than `benchmark.LATEST`.
    """
    returns = np.full(len(dates), np.nan)
    if benchmark is None or not benchmark.num_rows or not len(dates):
        return returns
    everything = np.unique(np.concatenate([session_dates(benchmark["date"]), dates]))
    level = series(benchmark, "index_close", everything)
    known = np.flatnonzero(np.isfinite(level) & (level > 0))
    changes = np.full(len(everything), np.nan)
    changes[known[1:]] = level[known[1:]] / level[known[:-1]] - 1.0
    start = dates[0].astype("datetime64[D]")
    before, after = everything[known[:-1]], everything[known[1:]]
    beyond = (before < start) & ((after > start) | (before < start - LATEST))
    changes[known[1:][beyond & (after >= start)]] = np.nan
    return changes[np.searchsorted(everything, dates)]


def _activity(backtest: pa.Table) -> Activity:
    """The account as shares of equity; the table has some of it in units of the first capital."""
    equity = backtest["equity"].to_numpy()
    known = np.where(equity > 0, equity, np.nan)
    before = np.concatenate([[1.0], known[:-1]]) if len(known) else known

    def column(name: str) -> FloatArray | None:
        if name not in backtest.column_names:
            return None
        values: FloatArray = backtest[name].cast(pa.float64()).to_numpy()
        return values

    def of(name: str, whole: FloatArray) -> FloatArray | None:
        values = column(name)
        return None if values is None else values / whole

    tax, owed = column("tax"), column("tax_owed")
    if tax is not None and owed is not None:  # as returns have it: from the sale on
        tax = tax + np.diff(owed, prepend=0.0)
    short = column("short_exposure")
    long = column("long_exposure")
    return Activity(
        turnover=column("turnover"),
        cost=column("cost"),
        long_exposure=column("exposure") if long is None else long,
        short_exposure=None if short is None else np.abs(short),
        positions=column("positions"),
        cash=of("cash", known),
        borrow_cost=of("borrow_cost", before),
        tax=None if tax is None else tax / before,
        dividends=of("dividends", before),
        interest=of("interest", before),
    )


def _facts(strategy: Strategy, market: Market) -> dict[str, str]:
    rules = market.trading
    when = "open" if rules.execution == "next_open" else "close"
    return {
        "Family": strategy.family,
        "Capital": f"{rules.capital:,.0f} {market.currency} at the start",
        "Execution": f"decided at the close, traded at the {when} of the next session",
        "Costs": rules.described(market.currency),
    }


def _gaps(backtest: pa.Table, dates: np.ndarray, benchmark: pa.Table | None) -> tuple[str, ...]:
    """What a reader must know of days that only one of the two has."""
    if benchmark is None or not benchmark.num_rows or not len(dates):
        return ()
    index_dates = session_dates(benchmark["date"])
    level = series(benchmark, "index_close", index_dates)
    found = compare(dates, backtest["net_return"].to_numpy(), index_dates, level)
    return tuple(f"benchmark: {note}" for note in found.notes)


def _hashed(lineage: Lineage, backtest: pa.Table) -> Lineage:
    """With a hash of the returns themselves, where that of their data is not known."""
    digest = blake2b(digest_size=8)
    for name in ("date", "net_return", "gross_return"):
        digest.update(backtest[name].to_numpy().tobytes())
    return Lineage(
        f"{digest.hexdigest()} (of the returns)",
        lineage.run_id,
        lineage.run_url,
        lineage.tracking_url,
    )
