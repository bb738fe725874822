"""All of Alpha158: 304 stocks x 2,520 days, with KunQuant and qlib, and real CSI300 bars with qlib.

KunQuant is compiled to C++ before (the seconds are told), in float32 as it ships and in float64.
qlib computes as it ships, on its float32 files, without any cache, in as many processes as others
have threads. The results are held against each other first: from each factor's look-back on, where
both are defined, to 1e-9 for float64, 1e-4 for float32.

On the CSI300 bars qlib reads float64 files, or its own rounding would be all that shows: logarithms
and quotients of float32 are float32. There every value must agree to 1e-6 where both are defined
and the window is complete; stderr lists what differs in windows that are not, and why.

`--quick` sets up no peer: our side on a small panel against factors written in pandas.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.plan import plan
from quant_assets_tests.benchmarks.harness import Result, compare, main
from quant_assets_tests.benchmarks.panels import Array, Fields, market
from quant_assets_tests.benchmarks.peers import kunquant_readings, qlib_readings
from quant_assets_tests.benchmarks.peers.agreement import Comparison, Readings, agreeing, report
from quant_assets_tests.benchmarks.peers.environments import KUNQUANT, QLIB, Peer
from quant_assets_tests.benchmarks.setting import THREADS, formulas, prepare, say

JOB = "alpha158"
FLOAT_TOLERANCE = 1e-4
EXACT_TOLERANCE = 1e-6  # qlib hands out float32, which has 7 digits
PRICES = ("open", "high", "low", "close")


class Ours:
    """Our side on one input."""

    def __init__(self, fields: Fields, size: str) -> None:
        self.fields, self.size = fields, size
        self.formulas = formulas("alpha158")
        self.plan = plan(self.formulas)
        self.cpu_s = float("inf")

    def compute(self, thread_no: int = THREADS) -> Array:
        """(158, days, symbols)"""
        start = time.process_time()
        results = compute(self.plan, self.fields, thread_no=thread_no)
        self.cpu_s = min(self.cpu_s, time.process_time() - start)
        return results

    def named(self, results: Array) -> dict[str, Array]:
        """Factor -> (days, symbols)."""
        return dict(zip(self.plan.names, results, strict=True))


def cases(quick: bool) -> Iterator[Result]:
    """The large panel against both peers, the real one against qlib; or the small case alone."""
    prepare()
    if quick:
        say("quick: no peer is set up, ours is checked against pandas")
        yield literal(Ours(market(200, 40), "40 x 200"))
        return
    ours = Ours(market(2520, 304), "304 x 2,520")
    yield from against_kunquant(ours, "float")
    yield from against_kunquant(ours, "double")
    yield from against_qlib(ours)
    bars = csi300()
    if bars is None:
        say("the CSI300 bars are not there (QUANT_ASSETS_TEST_DATA): left out")
        return
    days, symbols = bars["close"].shape
    yield from against_qlib_exactly(Ours(bars, f"CSI300, {symbols} x {days:,}"))


def against_kunquant(ours: Ours, dtype: str) -> Iterator[Result]:
    """All its 158, in float or double."""
    single = dtype == "float"
    name = f"{KUNQUANT.title} {'float32' if single else 'float64'}"
    readings = kunquant_readings.ALPHA158_FLOAT if single else kunquant_readings.ALPHA158
    tolerance = FLOAT_TOLERANCE if single else 1e-9
    options = {"library": "alpha158", "dtype": dtype, "threads": THREADS}
    with Peer(KUNQUANT, ours.fields, **options) as peer:

        def agree(results: Array, at: Peer) -> bool:
            comparison = Comparison(
                readings, ours.formulas, ours.fields, ours.named(results), tolerance
            )
            found = comparison.verdicts(_renamed(at.results()))
            return report(f"{name}, {ours.size}", found)

        yield compare(JOB, f"158, {ours.size}", ours.compute, name, peer.run, agree)
        say(f"{name}: compiled in {peer.facts['compile_s']:.1f} s")
        say(f"    processor time at best: {ours.cpu_s:.3f} s, {peer.cpu_s:.3f} s there")


def against_qlib(ours: Ours) -> Iterator[Result]:
    """qlib as it ships."""
    with Peer(QLIB, ours.fields, kernels=THREADS, digits="float") as peer:

        def agree(results: Array, at: Peer) -> bool:
            comparison = Comparison(
                Readings(""), ours.formulas, ours.fields, ours.named(results), FLOAT_TOLERANCE
            )
            found = comparison.verdicts(_renamed(at.results()))
            return report(f"{QLIB.title} float32, {ours.size}", found)

        yield compare(
            JOB, f"158, {ours.size}", ours.compute, f"{QLIB.title} float32", peer.run, agree, 2
        )
        say(f"    processor time at best: {ours.cpu_s:.3f} s, {peer.cpu_s:.3f} s there")


def against_qlib_exactly(ours: Ours) -> Iterator[Result]:
    """qlib's engine on float64: every value that both define, in complete windows, to 1e-6."""
    with Peer(QLIB, ours.fields, kernels=THREADS, digits="double") as peer:

        def agree(results: Array, at: Peer) -> bool:
            return exactly(ours, ours.named(results), _renamed(at.results()))

        yield compare(
            JOB, f"158, {ours.size}", ours.compute, f"{QLIB.title} float64", peer.run, agree, 1
        )


def exactly(ours: Ours, results: dict[str, Array], theirs: dict[str, Array]) -> bool:
    """Whether all values agree where windows are complete; tells what differs in the others."""
    wrong: list[str] = []
    told: dict[str, list[int]] = {}
    alone = [0, 0]
    both_define = 0
    for name, lookback in ours.plan.lookbacks.items():
        a, b = results[name], np.asarray(theirs[name], np.float64)
        known = np.isfinite(a) & np.isfinite(b)
        both_define += int(known.sum())
        alone[0] += int((np.isfinite(a) & ~known).sum())
        alone[1] += int((np.isfinite(b) & ~known).sum())
        with np.errstate(invalid="ignore"):
            far = np.abs(a - b) > EXACT_TOLERANCE * np.maximum(1.0, np.abs(b))
        whole = qlib_readings.complete(ours.fields, lookback)
        kind = name.removeprefix("alpha158_").rstrip("0123456789")
        if (far & known & whole).any() or (far.any() and kind not in qlib_readings.REASONS):
            wrong.append(name)
        counts = told.setdefault(kind, [0, 0])
        counts[0] += int((far & known).sum())
        counts[1] += int(known.sum())
    say(f"{QLIB.title}, {ours.size}: {both_define:,} values defined by both")
    say(f"    by ours alone {alone[0]:,}: qlib drops correlations of windows that hardly vary")
    say(f"    by qlib alone {alone[1]:,}: one value is enough for it, ours need two thirds")
    say("    all agree to 1e-6 in complete windows; in others these differ:")
    for kind, (count, of) in told.items():
        if count:
            reason = qlib_readings.REASONS.get(kind, "no reason known")
            say(f"    {kind:5} {count:7,} of {of:9,}: {reason}")
    if wrong:
        say(f" NO {', '.join(wrong)}")
    return not wrong


def literal(ours: Ours) -> Result:
    """Factors in pandas, and one thread against two."""

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

    return compare(JOB, f"158, 16 against pandas, {ours.size}", ours.compute, agree=agree)


def in_pandas(fields: Fields) -> dict[str, pd.DataFrame]:
    """Some of the 158, as one writes them in pandas; right once their windows are full."""
    open_, high, low, close, volume = (pd.DataFrame(fields[n]) for n in (*PRICES, "volume"))
    last = close.rolling(20)
    up, down = close.diff().clip(lower=0), (-close.diff()).clip(lower=0)
    moved = (close / close.shift(1) - 1).abs() * volume
    rolled: dict[str, Callable[[], pd.DataFrame]] = {
        "kmid": lambda: (close - open_) / open_,
        "kup2": lambda: (high - np.maximum(open_, close)) / (high - low + 1e-12),
        "ksft": lambda: (2 * close - high - low) / open_,
        "roc20": lambda: close.shift(20) / close,
        "ma20": lambda: last.mean() / close,
        "std20": lambda: last.std() / close,
        "max20": lambda: high.rolling(20).max() / close,
        "qtlu20": lambda: last.quantile(0.8) / close,
        "rank20": lambda: last.rank(pct=True),
        "imax20": lambda: (high.rolling(20).apply(np.argmax, raw=True) + 1) / 20,
        "corr20": lambda: last.corr((volume + 1).apply(np.log)),
        "cntp20": lambda: (close > close.shift(1)).rolling(20).mean(),
        "sump20": lambda: up.rolling(20).sum() / (close.diff().abs().rolling(20).sum() + 1e-12),
        "sumn20": lambda: down.rolling(20).sum() / (close.diff().abs().rolling(20).sum() + 1e-12),
        "vstd20": lambda: volume.rolling(20).std() / (volume + 1e-12),
        "wvma20": lambda: moved.rolling(20).std() / (moved.rolling(20).mean() + 1e-12),
    }
    return {f"alpha158_{name}": make() for name, make in rolled.items()}


def csi300() -> Fields | None:
    """Raw bars of the CSI300 members, missing where they did not trade; None if absent."""
    here = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("QUANT_ASSETS_TEST_DATA", here)) / "cn_csi300_baostock"
    files = sorted(folder.glob("*.parquet"))
    if not files:
        return None
    columns = ["date", "code", *PRICES, "volume", "amount", "tradestatus"]
    bars = pd.read_parquet(files[0], columns=columns)
    bars = bars[bars["tradestatus"] == 1]
    bars["vwap"] = bars["amount"] / bars["volume"]
    wide = bars.pivot(index="date", columns="code", values=[*PRICES, "volume", "vwap"])
    return {
        name: np.ascontiguousarray(wide[name].to_numpy(np.float64))
        for name in (*PRICES, "volume", "vwap")
    }


def _renamed(theirs: dict[str, Array]) -> dict[str, Array]:
    return {f"alpha158_{name.lower()}": values for name, values in theirs.items()}


if __name__ == "__main__":
    main(JOB, cases)
