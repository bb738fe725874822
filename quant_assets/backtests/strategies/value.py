"""Value: hold what is cheap for its earnings, book value, sales and cash flow."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from quant_assets.backtests.blending import blended_ranks
from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData

Measure = Literal["earnings", "book", "sales", "cash_flow", "composite"]
_RATIOS = {
    "earnings": "pe_ttm",
    "book": "pb_mrq",
    "sales": "ps_ttm",
    "cash_flow": "pcf_ncf_ttm",
}


class Value(Strategy):
    """Rank by a yield, the inverse of a valuation ratio, or by the mean rank of four of them.

    Source: Basu (1977), "Investment Performance of Common Stocks in Relation to Their
    Price-Earnings Ratios", Journal of Finance 32(3); Fama and French (1992), "The Cross-Section of
    Expected Stock Returns", Journal of Finance 47(2); the composite as in Asness, Moskowitz and
    Pedersen (2013). Yields and not ratios, so that losses, whose ratio is negative, rank last.
    """

    name = "value"
    title = "Value"
    description = (
        "Holds the members of the universe that cost least for their earnings, book value, sales "
        "and cash flow (Basu 1977, Fama and French 1992)."
    )
    family = "value"
    needs = ("member",)
    grid: ClassVar[Grid] = {
        "measure": ("earnings", "book", "sales", "cash_flow", "composite"),
        "quantile": (0.05, 0.1, 0.2, 0.3),
    }

    class Parameters(SelectionParameters):
        """Measure of value and selection."""

        measure: Measure = Field("composite", description="which yield, or all four together")

    def fields(self, parameters: "Value.Parameters") -> tuple[str, ...]:
        """Membership and the valuation ratios of the measure."""
        return (*self.needs, *_ratios(parameters.measure))

    def lookback(self, parameters: "Value.Parameters") -> int:
        """The session before, which tells whether a period begins."""
        return 1

    def target_weights(self, data: StrategyData, parameters: "Value.Parameters") -> np.ndarray:
        """Weights by the yield of the day; a composite needs two of the four.

        A ratio of 0 is how vendors write that there is none.
        """
        due = rebalancing_days(data.dates, parameters.rebalance)
        yields = []
        for ratio in _ratios(parameters.measure):
            known = data[ratio] != 0
            yields.append(np.where(known, 1.0 / np.where(known, data[ratio], 1.0), np.nan))
        signal = blended_ranks(yields, [1.0] * len(yields), data["member"], due)
        return selection_weights(signal, data["member"], due, parameters)


def _ratios(measure: Measure) -> tuple[str, ...]:
    return tuple(_RATIOS.values()) if measure == "composite" else (_RATIOS[measure],)
