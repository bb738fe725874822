"""Metrics of many series of returns at once.

Peers: QuantStats, asked for every metric that METRICS.md compares with it, and empyrical likewise.
They take one series at a time, a quarter of a second each, so they run on a few of the series: the
first case sets those few against those few. The second case is all series; its peer's time is that
of the few times their share, and the peer's name says so. Ours computes all metrics of the registry
each time, the ones without a peer included. Results agree when every metric that both have is equal
to 1e-9 on every series that the peer ran, differences taken into account as METRICS.md tells them.
"""

import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from quant_assets.compiled import warm_up_all
from quant_assets.performance.deflation import probability_of_overfitting
from quant_assets.performance.metrics import METRICS, metrics_of_many
from quant_assets.performance.rolling import Rolling
from quant_assets_tests.benchmarks.harness import Result, compare, main
from quant_assets_tests.benchmarks.setting import say
from quant_assets_tests.performance.peers import PEERS, Case, rows

JOB = "metrics"
RATE = 0.02
YEAR = 252
TOLERANCE = 1e-9
THREADS = os.cpu_count() or 1
Values = dict[str, np.ndarray]


class Panel:
    """Random series with fat tails and idle days, and a benchmark, on business days."""

    def __init__(self, days: int, series: int) -> None:
        random = np.random.default_rng(17)
        self.dates = pd.bdate_range("2014-03-05", periods=days)
        self.index = random.standard_t(4, days) * 0.008 + 0.0003
        noise = random.standard_t(4, (days, series)) * 0.006 + 0.0002
        self.returns = 0.5 * self.index[:, None] + noise
        self.returns[random.random((days, series)) < 0.05] = 0.0

    def ours(self, series: int, threads: int = THREADS) -> Values:
        """All metrics of so many series."""
        return metrics_of_many(
            np.ascontiguousarray(self.returns[:, :series]),
            self.index,
            RATE,
            YEAR,
            dates=self.dates.to_numpy(),
            thread_no=threads,
        )

    def theirs(self, series: int, names: list[str]) -> Values:
        """What the peer makes of these metrics, a series after the other."""
        from quantstats import utils

        utils._PREPARE_RETURNS_CACHE.clear()  # each run pays for its own preparations
        benchmark = pd.Series(self.index, self.dates)
        found: dict[str, list[float]] = {name: [] for name in names}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for k in range(series):
                own = pd.Series(self.returns[:, k], self.dates)
                case = Case(own, benchmark, RATE, YEAR)
                for name in names:
                    found[name].append(float(PEERS[name](case)))
        return {name: np.array(values) for name, values in found.items()}


def agree(ours: Values, theirs: Values) -> bool:
    """Every metric that the peer has, on every series that it ran."""
    return bool(theirs) and all(
        np.allclose(ours[name][: len(values)], values, rtol=TOLERANCE, atol=1e-12, equal_nan=True)
        for name, values in theirs.items()
    )


def compared_with(package: str) -> list[str]:
    """The metrics that METRICS.md compares with the package."""
    return [row.metric for row in rows() if row.peer.startswith(f"{package}.")]


def beside(panel: Panel, package: str, few: int) -> Iterator[Result]:
    """Ours and a peer on a few series, then ours on all of them and the peer's time scaled."""
    names = compared_with(package)
    days, series = panel.returns.shape
    say(
        f"{package}: {len(names)} metrics of {few} of {series} series; "
        f"ours: all {len(METRICS)}, {THREADS} threads"
    )
    some = compare(
        JOB,
        f"{few} x {days} days, {len(names)} metrics",
        lambda: panel.ours(few),
        package,
        lambda: panel.theirs(few, names),
        agree,
    )
    yield some
    theirs = panel.theirs(few, names)
    every = compare(
        JOB,
        f"{series} x {days} days, {len(names)} metrics",
        lambda: panel.ours(series),
        agree=lambda ours, _: agree(ours, theirs),
    )
    each = (some.peer_s or 0.0) / few
    say(f"{package}: {each:.3f} s a series")
    yield replace(
        every,
        peer=f"{package}, {few} scaled",
        peer_s=round(each * series, 3),
        ratio=round(each * series / every.ours_s, 1),
    )


def cases(quick: bool) -> Iterator[Result]:
    """1,000 series of 2,520 days, of which peers run 4; 40 of 600 and 1 when quick."""
    days, series, few = (600, 40, 1) if quick else (2520, 1000, 4)
    panel = Panel(days, series)
    warm_up_all()
    yield from beside(panel, "quantstats", few)
    yield from beside(panel, "empyrical", few)
    yield compare(JOB, f"{series} x {days} days, one thread", lambda: panel.ours(series, 1))
    start = time.process_time()
    panel.ours(series, 1)
    say(f"processor time of all series: {time.process_time() - start:.3f} s")
    yield compare(JOB, f"rolling Sharpe, {series} x {days}", lambda: Rolling(panel.returns).sharpe)
    trials = panel.returns[:, :100]
    yield compare(
        JOB,
        f"overfitting, {trials.shape[1]} trials, 16 blocks",
        lambda: probability_of_overfitting(trials),
    )


if __name__ == "__main__":
    main(JOB, cases)
