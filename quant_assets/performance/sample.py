"""The sample that metrics are computed on: aligned, without missing days, with excess returns.

Here stand alignment, the policy for missing values and the daily risk-free rate. What is computed
on a sample stands in `metrics.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quant_assets.market_data.panels import FloatArray

Values = Sequence[float] | FloatArray


@dataclass(frozen=True)
class Sample:
    """Days of simple returns; all arrays of one shape (T,), except the paired ones.

    Attributes:
        returns: of the strategy, days without one left out.
        excess: returns less the risk-free rate of the day.
        risk_free: rate of the day.
        paired: returns on the days on which the benchmark has one, too; shape (P,).
        benchmark: of these days, shape (P,).
        paired_risk_free: of these days, shape (P,).
        turnover, cost, exposure: of the days of `returns`; None where not given.
        annualization: days a year.
    """

    returns: FloatArray
    risk_free: FloatArray
    paired: FloatArray
    benchmark: FloatArray
    paired_risk_free: FloatArray
    turnover: FloatArray | None
    cost: FloatArray | None
    exposure: FloatArray | None
    annualization: float

    @property
    def excess(self) -> FloatArray:
        """Returns above the risk-free rate."""
        return self.returns - self.risk_free

    @property
    def active(self) -> FloatArray:
        """Returns above the benchmark's, shape (P,)."""
        return self.paired - self.benchmark


def make_sample(
    returns: Values,
    benchmark: Values | None,
    risk_free: float | Values,
    annualization: float,
    turnover: Values | None,
    cost: Values | None,
    exposure: Values | None,
) -> Sample:
    """Align and clean what the metrics are computed on.

    Missing values (NaN): a day without a return is left out of everything; a day without a
    benchmark is left out of what compares with it; a missing risk-free rate takes the last known,
    0 before the first.

    Raises:
        ValueError: lengths that differ, infinite values, a nonsensical annualization.
    """
    if not annualization > 0:
        raise ValueError(f"annualization must be above 0 days a year. Got {annualization} instead.")
    daily = _series("returns", returns, None)
    known = ~np.isnan(daily)
    rates = np.broadcast_to(np.asarray(risk_free, np.float64), daily.shape)
    rate = daily_rate(_carried(_series("risk_free", rates, len(daily))), annualization)
    index = (
        np.full(len(daily), np.nan)
        if benchmark is None
        else _series("benchmark", benchmark, len(daily))
    )
    both = known & ~np.isnan(index)
    further = {
        name: None if values is None else _series(name, values, len(daily))[known]
        for name, values in (("turnover", turnover), ("cost", cost), ("exposure", exposure))
    }
    return Sample(
        returns=daily[known],
        risk_free=rate[known],
        paired=daily[both],
        benchmark=index[both],
        paired_risk_free=rate[both],
        annualization=annualization,
        **further,
    )


def daily_rate(annual: FloatArray, annualization: float) -> FloatArray:
    """Rate of a day that compounds to the annual one: (1 + annual) ** (1 / days) - 1."""
    if (annual <= -1).any():
        raise ValueError(f"risk_free must be above -1 (a fraction). Got {annual.min()} instead.")
    rate: FloatArray = (1.0 + annual) ** (1.0 / annualization) - 1.0
    return rate


def _series(name: str, values: Values, length: int | None) -> FloatArray:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or (length is not None and len(array) != length):
        wanted = "(T,)" if length is None else f"({length},), that of the returns"
        raise ValueError(f"{name} must have the shape {wanted}. Got {array.shape} instead.")
    if np.isinf(array).any():
        raise ValueError(f"{name} must be finite or NaN. Got an infinite value instead.")
    return array


def _carried(values: FloatArray) -> FloatArray:
    """Missing values replaced by the last known one, by 0 before the first."""
    place = np.where(np.isnan(values), -1, np.arange(len(values)))
    place = np.maximum.accumulate(place) if len(place) else place
    return np.where(place < 0, 0.0, values[np.maximum(place, 0)])
