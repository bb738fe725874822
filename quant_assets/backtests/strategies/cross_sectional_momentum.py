"""Cross-sectional momentum: hold the past year's winners."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

import numpy as np

from quant_assets.backtests.formation import FORMATIONS, FormationParameters
from quant_assets.backtests.rows import DueRows
from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class CrossSectionalMomentum(Strategy):
    """Rank by the return from `lookback` to `skip` sessions ago, hold the top quantile.

    Source: Jegadeesh and Titman (1993), "Returns to Buying Winners and Selling Losers", Journal of
    Finance 48(1); the last month is left out because of its reversal (Jegadeesh 1990).
    """

    name = "cross_sectional_momentum"
    title = "Cross-sectional momentum"
    description = (
        "Holds the members of the universe with the highest return of the past year without its "
        "last month (Jegadeesh and Titman 1993)."
    )
    family = "momentum"
    needs = ("close", "member")
    grid: ClassVar[Grid] = FORMATIONS

    class Parameters(FormationParameters, SelectionParameters):
        """Formation period and selection."""

    def lookback(self, parameters: "CrossSectionalMomentum.Parameters") -> int:
        """The first price of the formation period."""
        return parameters.lookback

    def target_weights(
        self, data: StrategyData, parameters: "CrossSectionalMomentum.Parameters"
    ) -> np.ndarray:
        """Weights by close[t - skip] / close[t - lookback] - 1; missing prices are not ranked."""
        close = data["close"]
        signal = parameters.returns(close)
        eligible = data["member"] & np.isfinite(close)
        due = rebalancing_days(data.dates, parameters.rebalance)
        return selection_weights(signal, eligible, due, parameters)

    def target_weights_of_each(
        self, data: StrategyData, parameter_sets: Iterable["CrossSectionalMomentum.Parameters"]
    ) -> Iterator[np.ndarray]:
        """As `target_weights` of each; sets share the due rows and compute nothing on others."""
        close = data["close"]
        due = DueRows(data.dates, data["member"] & np.isfinite(close))
        for parameters in parameter_sets:
            if parameters.weighting != "equal":
                yield self.target_weights(data, parameters)
                continue
            rows, eligible = due.of(parameters.rebalance)
            formed = rows >= parameters.lookback
            signal = np.full(eligible.shape, np.nan)
            start = close[rows[formed] - parameters.lookback]
            signal[formed] = close[rows[formed] - parameters.skip] / start - 1.0
            yield due.selected(signal, parameters)
