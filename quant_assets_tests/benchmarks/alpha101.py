"""All of Alpha101 at once: 64 stocks x 260 days and 4,000 x 261, with KunQuant and py-alpha-lib.

KunQuant has 82 of the 101, compiled to C++ before (the seconds are told), in float32 as it ships
and in float64; py-alpha-lib has all 101. adv{d} is of shares on all sides, as theirs is. Each in an
environment of its own, made on first use; ours and the peer run in turn, two threads each.

The results are held against each other before a time is printed: to 1e-9, to 1e-4 for float32, from
each factor's look-back on, where both are defined. stderr lists the factors that the peer computes
otherwise than printed, how it reads them, and how far ours agrees in that reading.

`--quick` sets up no peer: our side on a small panel against twelve formulas written in pandas.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.fields import DEFINITIONS
from quant_assets.factors.expressions.plan import Plan, plan
from quant_assets_tests.benchmarks.harness import Result, compare, main, peak_mb
from quant_assets_tests.benchmarks.panels import Array, Fields, market
from quant_assets_tests.benchmarks.peers import alpha_lib_readings, kunquant_readings
from quant_assets_tests.benchmarks.peers.agreement import Comparison, agreeing, report
from quant_assets_tests.benchmarks.peers.environments import ALPHA_LIB, KUNQUANT, Peer
from quant_assets_tests.benchmarks.peers.rewriting import with_whole_windows
from quant_assets_tests.benchmarks.setting import THREADS, formulas, prepare, say

JOB = "alpha101"
# Shares, as both peers have it; the library's own definition is money, at the same cost.
DEFINED = {**DEFINITIONS, "adv": "ts_mean(volume, {d})"}
# float32 keeps few digits of a difference of prices, and rank and comparisons show it.
FLOAT_TOLERANCE, FLOAT_SHARE = 1e-4, 0.95


class Ours:
    """Our side of one size."""

    def __init__(self, days: int, symbols: int) -> None:
        self.size = f"{symbols:,} x {days}"
        self.symbols = symbols
        self.formulas = formulas("alpha101")
        self.plan: Plan = plan(self.formulas, DEFINED)
        self.fields: Fields = market(days, symbols)
        self.repeats = 100 if symbols < 1000 else 3
        self.cpu_s = float("inf")

    def compute(self, thread_no: int = THREADS) -> Array:
        """(101, days, symbols)"""
        start = time.process_time()
        results = compute(self.plan, self.fields, thread_no=thread_no)
        self.cpu_s = min(self.cpu_s, time.process_time() - start)
        return results

    def named(self, results: Array) -> dict[str, Array]:
        """Factor -> (days, symbols)."""
        return dict(zip(self.plan.names, results, strict=True))


def cases(quick: bool) -> Iterator[Result]:
    """Both sizes against the peers, and memory; or the small case alone."""
    prepare()
    if quick:
        say("quick: no peer is set up, ours is checked against pandas")
        yield literal(Ours(300, 40))
        return
    for days, symbols in ((260, 64), (261, 4000)):
        ours = Ours(days, symbols)
        yield from against_kunquant(ours, "float")
        yield from against_kunquant(ours, "double")
        yield from against_alpha_lib(ours)
    yield memory(261, 4000)


def against_kunquant(ours: Ours, dtype: str) -> Iterator[Result]:
    """Its 82, in float or double."""
    readings = kunquant_readings.ALPHA101
    small = ours.symbols < 1000
    options = {"library": "alpha101", "dtype": dtype, "threads": THREADS}
    ranked: dict[str, Array] | None = None
    if dtype == "double" and small:
        with Peer(KUNQUANT, ours.fields, **options, inner=True) as inner:
            ranked = _renamed(inner.run().copied())
    digits = (FLOAT_TOLERANCE, FLOAT_SHARE) if dtype == "float" else ()
    name = f"{KUNQUANT.title} {'float32' if dtype == 'float' else 'float64'}"
    with Peer(KUNQUANT, ours.fields, **options) as peer:

        def agree(results: Array, at: Peer) -> bool:
            found = Comparison(
                readings, ours.formulas, ours.fields, ours.named(results), *digits
            ).verdicts(_renamed(at.results()), ranked)
            return report(f"{name}, {ours.size}", found, readings.reason, ranked is not None)

        yield compare(
            JOB, f"101, its 82, {ours.size}", ours.compute, name, peer.run, agree, ours.repeats
        )
        say(f"{name}, {ours.size}: compiled in {peer.facts['compile_s']:.1f} s")
        say(f"    processor time at best: {ours.cpu_s:.3f} s, {peer.cpu_s:.3f} s there")


def against_alpha_lib(ours: Ours) -> Iterator[Result]:
    """All 101."""
    readings = alpha_lib_readings.alpha101(ours.symbols)
    whole = {name: with_whole_windows(text, int) for name, text in ours.formulas.items()}
    small = ours.symbols < 1000
    ranked: dict[str, Array] | None = None
    if small:
        inside = alpha_lib_readings.ranked_formulas()
        with Peer(ALPHA_LIB, ours.fields, formulas=inside) as inner:
            ranked = inner.run().copied()
    name = f"{ALPHA_LIB.title} float64"
    with Peer(ALPHA_LIB, ours.fields, formulas=whole) as peer:

        def agree(results: Array, at: Peer) -> bool:
            found = Comparison(readings, ours.formulas, ours.fields, ours.named(results)).verdicts(
                at.results(), ranked
            )
            return report(f"{name}, {ours.size}", found, readings.reason, small)

        yield compare(
            JOB, f"101, its 101, {ours.size}", ours.compute, name, peer.run, agree, ours.repeats
        )
        say(f"    processor time at best: {ours.cpu_s:.3f} s, {peer.cpu_s:.3f} s there")


def literal(ours: Ours) -> Result:
    """Twelve formulas in pandas, and one thread against two."""

    def agree(results: Array, peer: None) -> bool:
        named, settled = ours.named(results), ours.plan.lookbacks
        same = np.array_equal(results, ours.compute(1), equal_nan=True)
        bad = [
            name
            for name, frame in in_pandas(ours.fields).items()
            if agreeing(named[name], frame.to_numpy(), settled[name], 1e-9)[0] < 1.0
        ]
        if bad:
            say(f"not as in pandas: {', '.join(bad)}")
        return same and not bad

    return compare(JOB, f"101, 12 against pandas, {ours.size}", ours.compute, agree=agree)


def in_pandas(fields: Fields) -> dict[str, pd.DataFrame]:
    """Some of the 101, as one writes them in pandas; right once their windows are full."""
    open_, high, low, close, volume, vwap = (
        pd.DataFrame(fields[name]) for name in ("open", "high", "low", "close", "volume", "vwap")
    )

    def rank(x: pd.DataFrame) -> pd.DataFrame:
        return x.rank(axis=1, pct=True)

    formulas: dict[int, Callable[[], pd.DataFrame]] = {
        3: lambda: -rank(open_).rolling(10).corr(rank(volume)),
        4: lambda: -rank(low).rolling(9).rank(pct=True),
        5: lambda: rank(open_ - vwap.rolling(10).sum() / 10) * -rank(close - vwap).abs(),
        6: lambda: -open_.rolling(10).corr(volume),
        11: lambda: (
            (rank((vwap - close).rolling(3).max()) + rank((vwap - close).rolling(3).min()))
            * rank(volume.diff(3))
        ),
        12: lambda: volume.diff(1).apply(np.sign) * -close.diff(1),
        20: lambda: (
            -rank(open_ - high.shift(1)) * rank(open_ - close.shift(1)) * rank(open_ - low.shift(1))
        ),
        33: lambda: rank(-(1 - open_ / close)),
        40: lambda: -rank(high.rolling(10).std()) * high.rolling(10).corr(volume),
        41: lambda: (high * low) ** 0.5 - vwap,
        53: lambda: -(((close - low) - (high - close)) / (close - low)).diff(9),
        101: lambda: (close - open_) / ((high - low) + 0.001),
    }
    return {f"alpha101_{number:03d}": make() for number, make in formulas.items()}


def memory(days: int, symbols: int) -> Result:
    """What a process that does nothing else grows by; agrees up to 1.5 x the results."""
    ours = Ours(days, symbols)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fields.npz"
        wanted: dict[str, Any] = {name: ours.fields[name] for name in ours.plan.fields}
        np.savez(path, **wanted)
        code = f"from {__spec__.name} import tell_growth; tell_growth({str(path)!r})"
        told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    before, after = json.loads(told.stdout)
    results = len(ours.plan.names) * days * symbols * 8 / 2**20
    ratio = (after - before) / results
    say(f"memory, {ours.size}: {results:.0f} MB of results, grown by {ratio:.2f} x as much")
    return Result(JOB, f"memory, {ours.size}", 0.0, None, None, None, ratio <= 1.5, round(after, 1))


def tell_growth(path: str) -> None:
    """Print the most memory of this process before and after a computation, in MB."""
    with np.load(path) as file:
        fields = {name: file[name] for name in file.files}
    made = plan(formulas("alpha101"), DEFINED)
    compute(made, {name: values[:, :8].copy() for name, values in fields.items()})
    before = _own_peak_mb()
    compute(made, fields, thread_no=THREADS)
    print(json.dumps([before, _own_peak_mb()]))


def _own_peak_mb() -> float:
    """As harness.peak_mb, without what the process had that started this one, where Linux tells."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) / 2**10 if found else peak_mb()


def _renamed(theirs: dict[str, Array]) -> dict[str, Array]:
    return {name.replace("alpha", "alpha101_"): values for name, values in theirs.items()}


if __name__ == "__main__":
    main(JOB, cases)
