"""What strategies are measured on, by the days of their returns: index, risk-free rate, regimes.

Belongs here: the way from table `benchmark` to arrays of given days, and the regime that applies to
a day. What is measured stands in the metrics, the regimes' rules in regimes.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.backtests.data import series
from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.regimes import UNKNOWN, VIEWS, Regimes, regimes
from quant_assets.performance.sample import carried, daily_rate
from quant_assets.performance.strategy_sheet import index_returns

# Those that a rule tells on the day; a model's view would be a second opinion.
RULES = ("trend", "volatility")


@dataclass(frozen=True)
class MarketDays:
    """A market by day; arrays of shape (T,).

    Attributes:
        dates: `datetime64[D]`, ascending.
        index: returns of the index, NaN where there is none.
        risk_free: annual rate as a fraction, NaN where not known.
        known: the regimes, by session; None without a benchmark.
        annualization: sessions a year.
    """

    dates: np.ndarray
    index: FloatArray
    risk_free: FloatArray
    known: Regimes | None
    annualization: float

    @property
    def daily_rate(self) -> FloatArray:
        """The risk-free rate of each day, 0 before the first that is known."""
        return daily_rate(carried(self.risk_free), self.annualization)

    @property
    def regime_days(self) -> Mapping[str, np.ndarray]:
        """Name of a regime -> bool (T,), whether it was known at the close before the day."""
        if self.known is None:
            return {}
        codes = self.known.before(self.dates)
        found = {VIEWS[view][code]: codes[view] == code for view in RULES for code in (1, 0)}
        return {name: days for name, days in found.items() if days.any()}

    @property
    def regime_codes(self) -> np.ndarray:
        """The regime at the close of each day, trend and volatility as one number; int64 (T,).

        Below 0 where neither is known. Where one of them never is, the other tells alone.
        """
        if self.known is None:
            return np.full(len(self.dates), UNKNOWN, np.int64)
        codes = self.known.before(self.dates + np.timedelta64(1, "D"))
        told = [codes[view].astype(np.int64) for view in RULES]
        return np.where((told[0] < 0) & (told[1] < 0), UNKNOWN, 3 * told[0] + told[1] + 4)


def market_days(benchmark: pa.Table | None, dates: np.ndarray, annualization: float) -> MarketDays:
    """A market on given days.

    Args:
        benchmark: table `benchmark` with all its days: regimes look back beyond the first of the
            given ones. None, or one without rows, where the market has none.
        dates: of the returns, ascending.
        annualization: sessions a year.
    """
    there = benchmark is not None and benchmark.num_rows > 0
    return MarketDays(
        dates,
        index_returns(benchmark, dates),
        series(benchmark, "risk_free_rate", dates),
        regimes(benchmark) if there else None,
        annualization,
    )
