"""What securities are worth on their market, as far as the market's tables tell.

Here stand market values and the weights that they give. Who needs them is told elsewhere: the prior
of Black and Litterman (`portfolio/`), and strategies that rank by size.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.backtests.data import data_of_fields
from quant_assets.market_data.panels import FloatArray, Panel

FLOAT_VALUE = "market values: what was traded over the share of the tradable shares that it was"
TRADED_VALUE = "average traded values, which stand in for market values"
EQUAL = "equal weights: no market value is known"


def float_value(turnover: FloatArray, turnover_rate: FloatArray) -> FloatArray:
    """Value of the shares that can be traded, turnover over turnover rate.

    NaN where nothing was traded. The price in it is the average one of the session.
    """
    traded = turnover_rate > 0
    value: FloatArray = np.where(traded, turnover / np.where(traded, turnover_rate, 1.0), np.nan)
    return value


def float_values(prices: Panel, valuations: pa.Table) -> FloatArray:
    """Float values on the sessions and symbols of a panel, (T, N).

    Args:
        prices: with the field `turnover`.
        valuations: table `valuations`, the columns date, symbol, turnover_rate.
    """
    rates = data_of_fields(["turnover_rate"], prices, {"valuations": valuations})
    return float_value(prices["turnover"], rates["turnover_rate"])


@dataclass(frozen=True)
class MarketValues:
    """What a day's securities are worth; those without a value are absent.

    Attributes:
        values: by symbol, above 0.
        source: what the values are, for people.
    """

    values: Mapping[str, float]
    source: str

    @classmethod
    def traded(cls, universe: pa.Table) -> "MarketValues":
        """The average traded values of a day's universe (columns symbol, average_turnover).

        The larger a company, the more of it is traded: Brennan, Chordia and Subrahmanyam (1998),
        "Alternative factor specifications, security characteristics, and the cross-section of
        expected stock returns", Journal of Financial Economics 49(3).
        """
        pairs = zip(
            universe["symbol"].to_pylist(), universe["average_turnover"].to_pylist(), strict=True
        )
        return cls._known({symbol: value for symbol, value in pairs if value}, TRADED_VALUE)

    @classmethod
    def latest(cls, symbols: np.ndarray, values: FloatArray) -> "MarketValues":
        """The last known one of each column of float values, (L, N)."""
        last = len(values) - 1 - np.argmax(np.isfinite(values)[::-1], axis=0)
        found = np.take_along_axis(values, last[np.newaxis], axis=0)[0]
        known = np.flatnonzero(found > 0)
        return cls._known(
            {str(symbols[place]): float(found[place]) for place in known}, FLOAT_VALUE
        )

    @classmethod
    def _known(cls, values: Mapping[str, float], source: str) -> "MarketValues":
        return cls(values, source if values else EQUAL)


def market_weights(values: FloatArray) -> FloatArray:
    """Weights in proportion to market values, (K,), of sum 1.

    One that is not known (NaN) is taken as the median of the others; without any all are equal.
    """
    known = np.isfinite(values)
    if not known.any():
        return np.full(len(values), 1.0 / len(values))
    filled = np.where(known, values, np.median(values[known]))
    weights: FloatArray = filled / filled.sum()
    return weights
