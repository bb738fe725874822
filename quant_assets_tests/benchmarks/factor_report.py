"""The factor report: every daily measure of a factor and the statistics of all its days.

The peer is alphalens-reloaded: forward returns, ICs, quantile returns, turnover of both ends, rank
autocorrelation, factor returns, alpha and beta. Ours computes these and the rest of
factor_evaluation and factor_summary. Results agree when all that both define alike is equal to
1e-9 on every day that the peer has, and over all days for one horizon. Panels have no gaps, as the
peer drops a security for all horizons when it lacks the return of one. Many factors have no peer:
it would take a quarter of an hour.
"""

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from quant_assets import compiled
from quant_assets.factors.evaluation.daily import table_of
from quant_assets.factors.evaluation.market import Market
from quant_assets.factors.evaluation.scoring import Scores, score
from quant_assets.factors.summary import overall
from quant_assets_tests.benchmarks.harness import Result, compare, main

JOB = "factor_report"
PEER = "alphalens-reloaded"
HORIZONS = (1, 5, 21)
QUANTILES = 5
SECTORS = 11
TOLERANCE = 1e-9
THREADS = os.cpu_count() or 1
Report = dict[str, Any]


class Case:
    """A market of random walks and factors that are noise."""

    def __init__(self, days: int, symbols: int) -> None:
        random = np.random.default_rng(11)
        shape = (days, symbols)
        self.dates = np.busday_offset(np.datetime64("2007-01-01"), np.arange(days))
        self.symbols = np.array([f"S{k:04d}" for k in range(symbols)], object)
        self.close = 20.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, shape), axis=0))
        self.factors = [random.normal(size=shape) for _ in range(10)]
        self.sectors = np.tile(random.integers(0, SECTORS, symbols).astype(np.int32), (days, 1))
        self.size = random.normal(16.0, 2.0, shape)
        index = pd.DatetimeIndex(self.dates, name="date", freq="B")
        self.prices = pd.DataFrame(self.close, index, self.symbols)
        series: Any = pd.DataFrame(self.factors[0], index, self.symbols).stack()
        self.series = series.rename_axis(["date", "asset"])

    def report(self, names: list[str]) -> tuple[pa.Table, pa.Table]:
        """Daily rows and the statistics of all days, for so many factors."""
        market = Market.from_closes(self.close, HORIZONS, thread_no=THREADS)
        return self._tables(names, score(market, self._panels(names), thread_no=THREADS))

    def full_report(self, names: list[str]) -> tuple[pa.Table, pa.Table]:
        """The same with neutral measures and with scores by sector."""
        market = Market.from_closes(
            self.close,
            HORIZONS,
            sectors=self.sectors,
            size=self.size,
            by_sector=True,
            thread_no=THREADS,
        )
        scores = score(market, self._panels(names), by_sector=True, thread_no=THREADS)
        return self._tables(names, scores)

    def _panels(self, names: list[str]) -> list[np.ndarray]:
        return [self.factors[k % len(self.factors)] for k in range(len(names))]

    def _tables(self, names: list[str], scores: list[Scores]) -> tuple[pa.Table, pa.Table]:
        measures = np.stack([each.daily.transpose(2, 0, 1) for each in scores], axis=2)
        rows = table_of(measures, self.dates, 0, names, HORIZONS)
        return rows, overall(rows, HORIZONS)

    def theirs(self) -> Report:
        """What alphalens reports of the first factor."""
        from alphalens import performance, utils

        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            clean = utils.get_clean_factor_and_forward_returns(
                self.series,
                self.prices,
                quantiles=QUANTILES,
                periods=HORIZONS,
                filter_zscore=None,
                max_loss=1.0,
            )
            returns = performance.factor_returns(clean)
            means, _ = performance.mean_return_by_quantile(clean, by_date=True, demeaned=False)
            report = {
                "rank_ic": performance.factor_information_coefficient(clean),
                "factor_return": returns,
                "alpha_beta": performance.factor_alpha_beta(clean, returns),
                "quantiles": means,
            }
            for h in HORIZONS:
                for name, q in (("turnover", QUANTILES), ("turnover_bottom", 1)):
                    turnover = performance.quantile_turnover(clean["factor_quantile"], q, h)
                    report[f"{name}_{h}"] = turnover
                report[f"rank_autocorrelation_{h}"] = performance.factor_rank_autocorrelation(
                    clean, h
                )
        return report


def agree(ours: tuple[pa.Table, pa.Table], theirs: Report) -> bool:
    """Every daily number that both define alike, on the days that the peer has."""
    rows = ours[0].to_pandas()
    rows = rows[rows["factor"] == rows["factor"].iloc[0]]
    pairs = []
    for h in HORIZONS:
        days, column = rows[rows["horizon"] == h], f"{h}D"
        days = days.set_index(pd.DatetimeIndex(days["decision_date"]))
        pairs += [(days[name], theirs[name][column]) for name in ("rank_ic", "factor_return")]
        by_day = theirs["quantiles"][column].unstack("factor_quantile")
        pairs += [(days[f"quantile_{q}"], by_day[q]) for q in range(1, QUANTILES + 1)]
        pairs += [
            (days[name], theirs[f"{name}_{h}"])
            for name in ("turnover", "turnover_bottom", "rank_autocorrelation")
        ]
        # The peer's alpha and beta are of the days that all horizons have.
        known = days.loc[theirs["rank_ic"].index]
        beta, alpha = np.polyfit(known["mean_return"], known["factor_return"], 1)
        annual = (1.0 + alpha) ** (252 / h) - 1.0
        expected = theirs["alpha_beta"][column][["Ann. alpha", "beta"]]
        pairs.append((pd.Series([annual, beta], expected.index), expected))
    return all(_equal(first, second) for first, second in pairs)


def _equal(ours: "pd.Series[float]", theirs: "pd.Series[float]") -> bool:
    known = theirs.dropna()
    found = ours.loc[known.index].to_numpy(float)
    return len(known) > 0 and bool(np.abs(found - known.to_numpy(float)).max() <= TOLERANCE)


def complete(ours: tuple[pa.Table, pa.Table], _: None) -> bool:
    """Nothing is missing but the first days, which have no decision day or no earlier one."""
    rows = ours[0].slice(len(ours[0]) // 2)
    return all(rows[name].null_count == 0 for name in rows.column_names)


def cases(quick: bool) -> Iterator[Result]:
    """2,520 days x 1,000 symbols; 120 days x 60 symbols when quick."""
    days, symbols, many = (120, 60, 5) if quick else (2520, 1000, 100)
    case = Case(days, symbols)
    compiled.warm_up_all()
    size = f"{days} x {symbols}, {len(HORIZONS)} horizons"
    one, several = ["factor"], [f"factor_{k:03d}" for k in range(many)]
    yield compare(JOB, f"one factor, {size}", lambda: case.report(one), PEER, case.theirs, agree)
    yield compare(JOB, f"{many} factors, {size}", lambda: case.report(several))
    yield compare(
        JOB,
        "one factor, neutral and by sector",
        lambda: case.full_report(one),
        agree=complete,
    )
    yield compare(
        JOB,
        f"{many} factors, neutral and by sector",
        lambda: case.full_report(several),
        agree=complete,
    )


if __name__ == "__main__":
    main(JOB, cases)
