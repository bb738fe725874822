"""The account of a simulation by session: money, and the returns and shares that follow from it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quant_assets.backtests import simulation_codes as codes
from quant_assets.market_data.panels import FloatArray


@dataclass(frozen=True)
class Account:
    """Sessions from the one after the first decision on.

    Attributes:
        dates: `datetime64[D]`, shape (S,).
        capital: at the start.
        series: (S, SERIES), the columns named in `simulation_codes.py`, in the market's currency.
    """

    dates: np.ndarray
    capital: float
    series: FloatArray

    def money(self, column: int) -> FloatArray:
        """One of the columns, shape (S,)."""
        values: FloatArray = self.series[:, column]
        return values

    @property
    def equity(self) -> FloatArray:
        """Cash and positions at the close, less the income tax that is owed."""
        return self.money(codes.EQUITY)

    @property
    def cash(self) -> FloatArray:
        """Cash at the close, debt below 0."""
        return self.money(codes.CASH)

    @cached_property
    def equity_yesterday(self) -> FloatArray:
        """Equity at the close before."""
        return np.concatenate([[self.capital], self.equity[:-1]])[: len(self.dates)]

    @cached_property
    def net_return(self) -> FloatArray:
        """Return of each session after everything."""
        return self.equity / self.equity_yesterday - 1.0

    @cached_property
    def cost(self) -> FloatArray:
        """Commission, stamp tax and slippage as a share of the equity at the close before."""
        parts = (codes.FEES, codes.STAMP, codes.SLIPPED)
        cost: FloatArray = self.series[:, parts].sum(axis=1) / self.equity_yesterday
        return cost

    @cached_property
    def turnover(self) -> FloatArray:
        """Purchases plus sales as a share of the equity at the close before."""
        traded = self.money(codes.BOUGHT) + self.money(codes.SOLD)
        return traded / self.equity_yesterday

    @cached_property
    def long_exposure(self) -> FloatArray:
        """Sum of the weights above 0 at the close; 0 where the capital was lost."""
        return share(self.money(codes.LONG), self.equity)

    @cached_property
    def short_exposure(self) -> FloatArray:
        """Sum of the weights below 0 at the close; 0 where the capital was lost."""
        return share(self.money(codes.SHORT), self.equity)

    @property
    def exposure(self) -> FloatArray:
        """Sum of the absolute weights at the close."""
        return self.long_exposure - self.short_exposure


def share(amount: FloatArray, equity: FloatArray) -> FloatArray:
    """Amounts as shares of equity, 0 where the capital was lost."""
    return np.where(equity > 0, amount / np.where(equity > 0, equity, 1.0), 0.0)
