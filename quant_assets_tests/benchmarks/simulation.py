"""Trading on daily target weights beside vectorbt: time, fills, memory.

Every symbol has a new weight on every session, which is the most that a simulation can be asked to
do. The fills of the features that both have (one cash pool, targets in shares of equity, whole
lots, fees, slippage) are compared one by one: the same session, symbol and quantity, prices and
fees within 1e-9. A share of equity stays in cash, for where money is short the two differ by
design: vectorbt fills the smallest purchases first, we make all of them smaller alike. Further
cases have no peer: everything that a market may ask for, with and without metrics, what a parameter
sweep runs, and the tables. They agree if cash follows from the day's flows to 1e-9.

`--quick` is a small market beside the literal simulation of the tests.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from quant_assets.backtests import simulation_codes as codes
from quant_assets.backtests.account import Account
from quant_assets.backtests.simulation import Simulation, simulate, simulate_returns
from quant_assets.backtests.trading_data import TradingData
from quant_assets.compiled import warm_up_all
from quant_assets.performance.metrics import metrics
from quant_assets.settings_trading import IncomeTax, Slippage, Trading
from quant_assets_tests.backtests.reference_simulation import Reference
from quant_assets_tests.benchmarks.harness import Result, compare, main
from quant_assets_tests.benchmarks.peers.environments import VECTORBT, Peer

JOB = "simulation"
_MODULE = "quant_assets_tests.benchmarks.simulation"
CAPITAL, FEES, SLIPPAGE, LOT = 1e9, 1e-3, 5e-4, 100
BOTH = Trading(
    capital=CAPITAL, lot=LOT, commission_bps=FEES * 1e4, slippage=Slippage(bps=SLIPPAGE * 1e4)
)
EVERYTHING = BOTH.model_copy(
    update={
        "minimum_commission": 5.0,
        "stamp_tax_bps": {min(BOTH.stamp_tax_bps): 5.0},
        "income_tax": IncomeTax(),
        "borrow_rate": 0.01,
        "margin_rate": 0.05,
        "max_volume_share": 0.1,
        "blocked_orders": "wait",
        "holding_sessions": 1,
    }
)
INVESTED = 0.9  # of equity; the rest pays for costs


@dataclass(frozen=True)
class Market:
    """Random walks with weights for every day."""

    data: TradingData
    weights: np.ndarray

    @classmethod
    def of(cls, sessions: int, symbols: int) -> "Market":
        """The same market whenever it is asked for."""
        random = np.random.default_rng(7)
        close = random.normal(0, 0.02, (sessions, symbols))
        np.exp(np.cumsum(close, axis=0, out=close), out=close)
        close *= 50
        opened = close * np.exp(random.normal(0, 0.005, close.shape))
        before = np.vstack([close[:1], close[:-1]])
        data = TradingData(
            np.busday_offset("2010-01-04", np.arange(sessions), roll="forward"),
            np.array([f"S{i:05d}" for i in range(symbols)], object),
            opened,
            close,
            random.uniform(5e6, 5e7, close.shape),
            upper=before * 1.1,
            lower=before * 0.9,
        )
        weights = random.random(close.shape)
        weights *= INVESTED / weights.sum(axis=1, keepdims=True)
        return cls(data, weights)

    @property
    def plain(self) -> TradingData:
        """Without price limits."""
        return replace(self.data, upper=None, lower=None)

    @property
    def size(self) -> str:
        """For titles."""
        sessions, symbols = self.data.shape
        return f"{sessions:,} x {symbols:,}"

    @property
    def megabytes(self) -> float:
        """What a simulation is given."""
        data = self.data
        panels = (data.open, data.close, data.volume, data.upper, data.lower, self.weights)
        return sum(values.nbytes for values in panels if values is not None) / 2**20


def same_fills(ours: Simulation, peer: Peer) -> bool:
    """Every fill of both: session, symbol and quantity equal, price and fees within 1e-9."""
    theirs = peer.copied()
    rows = ours.fills
    session = np.searchsorted(ours.data.dates, rows["date"].to_numpy().astype("datetime64[D]"))
    places = {name: i for i, name in enumerate(ours.data.symbols)}
    column = np.array([places[name] for name in rows["symbol"].to_pylist()])
    say(f"    {rows.num_rows:,} fills here, {len(theirs['session']):,} there")
    return (
        np.array_equal(session, theirs["session"])
        and np.array_equal(column, theirs["column"])
        and np.array_equal(rows["quantity"].to_numpy(), theirs["quantity"])
        and np.allclose(rows["price"].to_numpy(), theirs["price"], rtol=1e-9, atol=0)
        and np.allclose(rows["commission"].to_numpy(), theirs["fees"], rtol=1e-9, atol=0)
    )


def balanced(account: Account) -> bool:
    """Cash follows from the day's flows, within 1e-9 of what was moved."""
    money = account.money
    flows = money(codes.SOLD) - money(codes.BOUGHT) - money(codes.FEES) - money(codes.STAMP)
    flows += money(codes.DIVIDENDS) + money(codes.INTEREST) - money(codes.BORROW)
    flows -= money(codes.TAX)
    before = np.concatenate([[account.capital], account.cash[:-1]])
    moved = np.maximum(account.capital, money(codes.SOLD) + money(codes.BOUGHT))
    return bool((np.abs(before + flows - account.cash) <= 1e-9 * moved).all())


def against(market: Market) -> Result:
    """The features that both have."""
    targets = np.full(market.weights.shape, np.nan)
    targets[1:] = market.weights[:-1]  # decided at the close before
    fields = {"close": market.data.close, "price": market.data.open, "targets": targets}
    options = {"capital": CAPITAL, "fees": FEES, "slippage": SLIPPAGE, "lot": LOT}
    with Peer(VECTORBT, fields, **options) as peer:
        result = compare(
            JOB,
            f"both have, {market.size}",
            lambda: simulate(market.weights, market.plain, BOTH),
            VECTORBT.title,
            peer.run,
            same_fills,
            repeats=5,
        )
        say(f"    processor time there at best: {peer.cpu_s:.3f} s")
    return result


def alone(market: Market) -> Iterator[Result]:
    """Everything, with metrics, without events, as tables."""

    def everything() -> Simulation:
        return simulate(market.weights, market.data, EVERYTHING)

    def measured() -> tuple[Simulation, dict[str, float]]:
        result = everything()
        account = result.account
        return result, metrics(
            account.net_return, account.net_return, 0.0, 252,
            turnover=account.turnover, cost=account.cost, exposure=account.exposure,
        )  # fmt: skip

    def fair(ours: Simulation, _: None) -> bool:
        return balanced(ours.account)

    events = everything().events
    fills, told = len(events.fill_quantity), len(events.told_reason)
    say(f"    {fills:,} fills, {told:,} orders not done or not in full")
    yield compare(JOB, f"everything, {market.size}", everything, agree=fair, repeats=7)
    count = len(measured()[1])
    yield compare(
        JOB,
        f"everything and {count} metrics, {market.size}",
        measured,
        agree=lambda ours, _: fair(ours[0], None),
        repeats=7,
    )
    yield compare(
        JOB,
        f"returns only, {market.size}",
        lambda: simulate_returns(market.weights, market.data, EVERYTHING),
        agree=lambda ours, _: np.array_equal(ours[1:], everything().account.net_return),
        repeats=7,
    )

    def tables() -> Simulation:
        result = everything()
        for name in ("returns", "orders", "fills", "positions"):
            getattr(result, name)
        return result

    yield compare(JOB, f"everything, as tables, {market.size}", tables, agree=fair, repeats=2)


def growth(sessions: int, symbols: int) -> None:
    """Print by how much a process grows that simulates once and keeps the result."""
    market = Market.of(sessions, symbols)
    small = Market.of(50, symbols)
    simulate(small.weights, small.data, EVERYTHING)  # the kernels are loaded
    before = resident_mb()
    kept = simulate(market.weights, market.data, EVERYTHING)
    grown = resident_mb() - before
    say(
        f"    a process grew by {grown:.0f} MB, {grown / market.megabytes:.2f} x its inputs of "
        f"{market.megabytes:.0f} MB, for {len(kept.events.fill_quantity):,} fills"
    )


def told_growth(sessions: int, symbols: int) -> None:
    """`growth` in a process of its own, whose arrays use no memory that others have left."""
    script = f"from {_MODULE} import growth; growth({sessions}, {symbols})"
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


def resident_mb() -> float:
    """Memory of this process that is in use now; NaN where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * resource.getpagesize() / 2**20


def cases(quick: bool) -> Iterator[Result]:
    """The large market beside the peer, or a small one beside the literal simulation."""
    warm_up_all()
    if quick:
        say("no peer is set up: a small market beside the tests' literal simulation")
        market = Market.of(120, 20)
        yield compare(
            JOB,
            f"everything, {market.size}",
            lambda: simulate(market.weights, market.data, EVERYTHING),
            "dictionaries",
            lambda: Reference(market.weights, market.data, EVERYTHING).run(),
            lambda ours, theirs: np.allclose(
                ours.returns["equity"].to_numpy(), [day["equity"] for day in theirs.days], 1e-9
            ),
            repeats=1,
        )
        return
    told_growth(2520, 1000)
    market = Market.of(2520, 1000)
    yield against(market)
    yield from alone(market)


def say(text: str) -> None:
    """A note beside the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(JOB, cases)
