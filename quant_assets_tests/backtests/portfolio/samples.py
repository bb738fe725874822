"""Returns with common factors, covariances and candidates for tests of portfolio construction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.construction import Construction, Order
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_portfolio import Limits, PortfolioSettings

NO_LIMITS = {"position": 1.0, "sector": 1.0, "correlation": 1.0, "turnover": 4.0}


def factor_returns(seed: int, sessions: int = 300, assets: int = 40) -> FloatArray:
    """Daily returns of assets that share a market and four further factors, (T, N)."""
    random = np.random.default_rng(seed)
    loads = random.normal(size=(assets, 5)) * [0.5, 0.3, 0.3, 0.2, 0.2] + [1, 0, 0, 0, 0]
    common = random.normal(size=(sessions, 5)) @ loads.T * 0.01
    own = random.normal(size=(sessions, assets)) * 0.015 * random.uniform(0.5, 2, assets)
    found: FloatArray = common + own
    return found


@st.composite
def covariances(draw: st.DrawFn, smallest: int = 1, largest: int = 12) -> FloatArray:
    """Positive definite covariances of a few assets, some nearly singular."""
    count = draw(st.integers(smallest, largest))
    seed = draw(st.integers(0, 2**32 - 1))
    rank = draw(st.integers(1, count))
    noise = draw(st.sampled_from([1.0, 0.1, 0.01]))
    random = np.random.default_rng(seed)
    loads = random.normal(size=(count, rank))
    scale = 10.0 ** random.uniform(-3, 0, count)
    matrix = (loads @ loads.T + noise * np.eye(count)) * scale * scale[:, None]
    found: FloatArray = (matrix + matrix.T) / 2
    return found


def candidates(
    symbols: str = "ABCD",
    *,
    volatility: float | Sequence[float] = 0.2,
    correlation: float | FloatArray = 0.0,
    **changes: Any,
) -> Candidates:
    """One candidate a letter, ranked in that order, equal but for what is changed."""
    count = len(symbols)
    sigma = np.broadcast_to(np.asarray(volatility, float), (count,))
    alike = np.broadcast_to(np.asarray(correlation, float), (count, count)).copy()
    np.fill_diagonal(alike, 1.0)
    nothing = (None,) * count
    values: dict[str, Any] = {
        "symbols": tuple(symbols),
        "ranks": np.arange(1, count + 1),
        "scores": np.arange(count, 0.0, -1.0),
        "confidences": np.ones(count),
        "expected": np.full(count, 0.05),
        "covariance": alike * sigma * sigma[:, None],
        "correlations": alike,
        "sectors": nothing,
        "previous": np.zeros(count),
        "prices": np.full(count, 100.0),
        "market_values": np.full(count, np.nan),
        "unfit": nothing,
        "no_buy": nothing,
        "no_sell": nothing,
    }
    for name, value in changes.items():
        values[name] = np.array(value, float) if isinstance(value, list) else value
    return Candidates(**values)


def how(**changes: Any) -> PortfolioSettings:
    """Equal weights without any limit, but for what is changed; `limits` by name."""
    limits = {**NO_LIMITS, "smallest_change": 0.0, **changes.pop("limits", {})}
    values = {"method": "equal", "names": 4, "volatility_target": None, **changes}
    return PortfolioSettings(limits=Limits(**limits), **values)


def by_symbol(made: Construction) -> dict[str, Order]:
    """The orders."""
    return {order.symbol: order for order in made.orders}


def targets(made: Construction) -> dict[str, Any]:
    """The weights after the orders, but for rounding."""
    return {order.symbol: pytest.approx(order.target, abs=1e-12) for order in made.orders}
