"""How the strategies of a portfolio are weighed: one function a method, registered by name.

Belongs here: from what is known on the day of a decision to weights that sum to 1. The allocators
themselves stand in `backtests/portfolio/`; when decisions are made, and what becomes of them, in
`portfolio.py`. A new method is registered here and held to the rules of time by that.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quant_assets.backtests.portfolio.covariance import sample_covariance, shrunk_covariance
from quant_assets.backtests.portfolio.hierarchical import hierarchical_risk_parity
from quant_assets.backtests.portfolio.risk_parity import (
    equal_risk_contribution,
    equal_weight,
    inverse_volatility,
)
from quant_assets.market_data.panels import FloatArray


@dataclass(frozen=True)
class Known:
    """What is known of K strategies when weights are decided; days are complete, oldest first.

    Attributes:
        returns: net returns of the trailing window, shape (W, K), none missing.
        excess: the same less the risk-free rate of the day.
        same_regime: excess returns of the days of a longer past on which the regime was that of the
            last day, shape (D, K); without rows where the regime is not known or they are too few.
    """

    returns: FloatArray
    excess: FloatArray
    same_regime: FloatArray


Weigh = Callable[[Known], FloatArray]


@dataclass(frozen=True)
class Method:
    """A registered method; the description is the docstring's first paragraph."""

    name: str
    title: str
    description: str
    weigh: Weigh


METHODS: dict[str, Method] = {}

# What the returns of an account that earns the same interest every day differ by is less.
_ROUNDING = 1e-13


def _method(name: str, title: str) -> Callable[[Weigh], Weigh]:
    """Register the function below."""

    def register(function: Weigh) -> Weigh:
        text = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        METHODS[name] = Method(name, title, text, function)
        return function

    return register


@_method("equal", "Equal weights")
def _equal(known: Known) -> FloatArray:
    """The same share for every strategy."""
    return equal_weight(sample_covariance(known.returns))


@_method("inverse_volatility", "Inverse volatility")
def _inverse_volatility(known: Known) -> FloatArray:
    """In proportion to the inverse of each strategy's volatility over the window."""
    return inverse_volatility(sample_covariance(known.returns))


@_method("equal_risk_contribution", "Equal risk contribution")
def _equal_risk_contribution(known: Known) -> FloatArray:
    """Every strategy contributes the same to the portfolio's variance, by shrunk covariances."""
    return equal_risk_contribution(shrunk_covariance(known.returns))


@_method("hierarchical_risk_parity", "Hierarchical risk parity")
def _hierarchical_risk_parity(known: Known) -> FloatArray:
    """Risk shared out down a tree of alike strategies (Lopez de Prado 2016), shrunk covariances."""
    return hierarchical_risk_parity(shrunk_covariance(known.returns))


@_method("rolling_sharpe", "Rolling Sharpe ratio")
def _rolling_sharpe(known: Known) -> FloatArray:
    """In proportion to the Sharpe ratio over the window, none for a strategy below 0.

    Equal weights where no strategy is above 0: there is nothing then to prefer one by.
    """
    return _by_sharpe(known.excess)


@_method("regime_sharpe", "Sharpe ratio of the regime")
def _regime_sharpe(known: Known) -> FloatArray:
    """As the rolling Sharpe ratio, over the past days whose regime was that of the day.

    Over the window where the regime is not known or had too few days.
    """
    return _by_sharpe(known.same_regime if len(known.same_regime) else known.excess)


def _by_sharpe(excess: FloatArray) -> FloatArray:
    deviation = excess.std(axis=0, ddof=1)
    sharpe = np.zeros(len(deviation))
    np.divide(excess.mean(axis=0), deviation, out=sharpe, where=deviation > _ROUNDING)
    strength = np.maximum(sharpe, 0.0)
    total = strength.sum()
    if not total > 0:
        return np.full(len(strength), 1.0 / len(strength))
    weights: FloatArray = strength / total
    return weights
