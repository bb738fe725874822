"""A sweep: many parameter sets of SMA crossover and of momentum over ten years of US stocks.

The peer is vectorbt with its Rust engine, in an environment of its own, each set one account over
all symbols. It is given the same sets and the same closes, without gaps and with enough history for
every window, and both trade without costs in fractions of shares at the next close: there the
definitions are the same, and results agree when every daily return of every set does to 1e-9.
Chunks of its sets are as large as fit into 4 GB.

Further cases have no peer: 1,000 sets with whole shares, commission, slippage and delistings, then
all metrics, plateau scores and the probability of overfitting of the grid. Prices are those of
QUANT_ASSETS_TEST_DATA; without it, and when quick, random walks of the same size or smaller. Quick
sets up no peer: ours is checked against one set after another.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from quant_assets import compiled
from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.simulation import simulate_returns
from quant_assets.backtests.strategies.base import StrategyData, StrategyParameters
from quant_assets.backtests.strategies.registry import find
from quant_assets.backtests.sweeps.evaluation import Evaluation, in_cash
from quant_assets.backtests.sweeps.spaces import Space, axes_of, space
from quant_assets.backtests.sweeps.sweep import Sweep, sweep
from quant_assets.backtests.trading_data import TradingData
from quant_assets.market_data.panels import FloatArray, Panel
from quant_assets.settings_sweeps import Grid
from quant_assets.settings_trading import Slippage, Trading
from quant_assets_tests.benchmarks import panels
from quant_assets_tests.benchmarks.harness import Result, compare, main
from quant_assets_tests.benchmarks.peers.environments import VECTORBT_SWEEPS, Peer
from quant_assets_tests.benchmarks.setting import say

JOB = "sweep"
TOLERANCE = 1e-9
THREADS = 2
# Sets of the comparison: vectorbt takes seconds for each.
COMPARED = 12
# Averages of whole cents can be equal but for their last digits, which shall decide nothing here.
BAND = 1e-6
HISTORY = 260  # sessions before a symbol is a member: every window of the sets is whole
FREE = Trading(
    execution="next_close", commission_bps=0, slippage=Slippage(bps=0), lot=0, stale_sessions=252
)
GRIDS: dict[str, Grid] = {
    "sma_crossover": {"fast": list(range(2, 42)), "slow": list(range(50, 250, 8))},
    "cross_sectional_momentum": {
        "lookback": list(range(63, 263, 5)),
        "skip": list(range(0, 50, 2)),
    },
}


@dataclass(frozen=True)
class Market:
    """Prices, who is a member, and the account's rules."""

    prices: Panel
    member: np.ndarray
    rules: Trading

    def evaluation(self, name: str) -> Evaluation:
        """A strategy on it."""
        data = TradingData.from_panel(self.prices)

        def simulate(weights: FloatArray) -> FloatArray:
            return simulate_returns(weights, data, self.rules)

        close = self.prices["close"]
        fields = {"close": close, "member": self.member}
        return Evaluation(
            find(name),
            StrategyData(self.prices.dates, self.prices.symbols, fields),
            simulate,
            None,
            np.zeros(len(close)),
            252,
        )

    def without_gaps(self) -> "Market":
        """The last close where there is none, members with enough history, no costs."""
        close = self.prices["close"]
        place = np.where(np.isfinite(close), np.arange(len(close))[:, np.newaxis], 0)
        filled = np.take_along_axis(close, np.maximum.accumulate(place, axis=0), axis=0)
        volume = np.where(np.isfinite(filled), 1e9, np.nan)
        prices = Panel(
            self.prices.dates,
            self.prices.symbols,
            {"open": filled, "close": filled, "volume": volume},
        )
        enough = np.isfinite(filled).cumsum(axis=0) > HISTORY
        return Market(prices, enough & np.isfinite(close), FREE)


def market(quick: bool) -> Market:
    """us_eod_shared from 2007 to 2017, or random walks."""
    folder = os.environ.get("QUANT_ASSETS_TEST_DATA")
    if quick or not folder:
        days, symbols = (420, 30) if quick else (2755, 647)
        fields = panels.market(days, symbols, missing=0.02)
        dates = np.busday_offset(np.datetime64("2007-01-03"), np.arange(days))
        names = np.array([f"S{k:04d}" for k in range(symbols)], object)
        prices = Panel(dates, names, {name: fields[name] for name in ("open", "close", "volume")})
    else:
        columns = ["date", "symbol", "open", "close", "volume"]
        table = pq.read_table(
            Path(folder) / "us_eod_shared/us_eod_2007_2017.parquet", columns=columns
        )
        prices = Panel.from_table(table.filter(pc.greater(table["open"], 0)), columns[2:])
    return Market(prices, np.isfinite(prices["close"]), Trading())


def compared(name: str) -> Space:
    """A part of the grid, spread over it, whose windows a member's history fills."""
    strategy = find(name)
    fixed = {"band": BAND} if name == "sma_crossover" else {}
    whole = space(strategy, axes_of(strategy, GRIDS[name]), fixed).sets
    chosen = [whole[k] for k in np.linspace(0, len(whole) - 1, COMPARED).astype(int)]
    return Space(axes_of(strategy, GRIDS[name]), tuple(chosen), {})


def peer_of(plain: Market, name: str, sets: Space) -> Peer:
    """vectorbt at the same sets."""
    parameters: Any = sets.sets[0].parameters
    due = rebalancing_days(plain.prices.dates, parameters.rebalance)
    return Peer(
        VECTORBT_SWEEPS,
        {"close": plain.prices["close"], "member": plain.member.astype(np.float64), "due": due},
        strategy=name,
        sets=[list(each.values.values()) for each in sets.sets],
        quantile=getattr(parameters, "quantile", 0.0),
        maximum=parameters.maximum_weight,
        band=BAND,
        chunk=6,
        engine="rust",
    )


def agree(ours: FloatArray, theirs: FloatArray) -> bool:
    """Every daily return of every set; cash earns nothing on both sides."""
    return bool(np.abs(in_cash(ours) - theirs).max() <= TOLERANCE)


def _beside_the_peer(whole: Market, name: str) -> Iterator[Result]:
    plain = whole.without_gaps()
    sets = compared(name)
    evaluation = plain.evaluation(name)
    parameters: list[StrategyParameters] = [each.parameters for each in sets.sets]
    days, symbols = plain.prices.shape
    with peer_of(plain, name, sets) as peer:
        result = compare(
            JOB,
            f"{name}, {len(parameters)} sets, {days} x {symbols}, free",
            lambda: evaluation.returns(parameters, THREADS),
            VECTORBT_SWEEPS.title,
            lambda: peer.run().copied()["returns"],
            agree,
            repeats=2,
        )
        cpu = peer.cpu_s / len(parameters)
    yield result
    say(f"vectorbt: {cpu:.2f} processor seconds a set, {1000 * cpu:,.0f} for 1,000")


def _one_by_one(evaluation: Evaluation, name: str, sets: Space) -> Result:
    strategy = evaluation.strategy
    parameters: list[StrategyParameters] = [each.parameters for each in sets.sets]

    def alone() -> FloatArray:
        weights = (strategy.target_weights(evaluation.data, each) for each in parameters)
        return np.stack([evaluation.simulate(each) for each in weights], axis=1)

    return compare(
        JOB,
        f"{name}, {len(parameters)} sets, one by one",
        lambda: evaluation.returns(parameters, THREADS),
        "set after set",
        alone,
        lambda ours, theirs: bool(np.array_equal(ours, theirs, equal_nan=True)),
        repeats=1,
    )


def cases(quick: bool) -> Iterator[Result]:
    """1,000 sets of both strategies over 647 symbols; 16 over 30 when quick."""
    compiled.warm_up_all()
    whole = market(quick)
    days, symbols = whole.prices.shape
    for name, grid in GRIDS.items():
        chosen = {axis: values[:4] for axis, values in grid.items()} if quick else grid  # type: ignore[index]
        sets = space(find(name), axes_of(find(name), chosen))
        evaluation = whole.evaluation(name)

        def swept(evaluation: Evaluation = evaluation, sets: Space = sets) -> Sweep:
            return sweep(evaluation, sets, "sharpe", THREADS)

        yield compare(
            JOB,
            f"{name}, {len(sets.sets):,} sets, {days} x {symbols}, full",
            swept,
            agree=lambda made, _: bool(np.isfinite(made.values).all()),
            repeats=1 if quick else 2,
        )
        if quick:
            yield _one_by_one(evaluation, name, sets)
    if quick:
        say("quick: no peer is set up, ours is checked against one set after another")
        return
    for name in GRIDS:
        yield from _beside_the_peer(whole, name)


if __name__ == "__main__":
    main(JOB, cases)
