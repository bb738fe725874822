"""Weights of a decision: every method on its own terms."""

import numpy as np
import pytest

from quant_assets.backtests.combined.weighting import METHODS, Known

RANDOM = np.random.default_rng(0)
RETURNS = RANDOM.normal([0.001, 0.0005, -0.001], [0.01, 0.02, 0.005], (250, 3))
NOTHING = np.empty((0, 3))


def known(returns: np.ndarray = RETURNS, same: np.ndarray = NOTHING) -> Known:
    return Known(returns, returns, same)


@pytest.mark.parametrize("name", METHODS)
def test_weights_are_shares_of_the_whole(name: str) -> None:
    for returns in (RETURNS, RETURNS[:, :2], -np.abs(RETURNS)):
        weights = METHODS[name].weigh(known(returns, NOTHING[:, : returns.shape[1]]))
        assert weights.shape == (returns.shape[1],)
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_what_each_method_asks_for() -> None:
    weights = {name: method.weigh(known()) for name, method in METHODS.items()}
    np.testing.assert_allclose(weights["equal"], 1 / 3)
    inverse = 1 / RETURNS.std(axis=0, ddof=1)
    np.testing.assert_allclose(weights["inverse_volatility"], inverse / inverse.sum(), rtol=1e-9)
    sharpe = np.maximum(RETURNS.mean(axis=0) / RETURNS.std(axis=0, ddof=1), 0)
    np.testing.assert_allclose(weights["rolling_sharpe"], sharpe / sharpe.sum())
    assert weights["rolling_sharpe"][2] == 0
    np.testing.assert_array_equal(weights["regime_sharpe"], weights["rolling_sharpe"])
    for name in ("equal_risk_contribution", "hierarchical_risk_parity"):
        assert np.argmax(weights[name]) == 2  # the calmest


def test_the_regime_has_the_say_where_it_has_days() -> None:
    bear = RANDOM.normal([-0.01, -0.01, 0.01], 0.001, (80, 3))
    weights = METHODS["regime_sharpe"].weigh(known(same=bear))
    np.testing.assert_allclose(weights, [0, 0, 1])


def test_methods_are_described() -> None:
    for name, method in METHODS.items():
        assert method.name == name
        assert method.title
        assert method.description.endswith(".")


def test_interest_that_differs_by_rounding_is_no_sharpe_ratio() -> None:
    account = 1e6 * np.cumprod(np.full(251, 1.0002))
    saved = account[1:] / account[:-1] - 1
    assert np.ptp(saved) > 0
    excess = np.column_stack([RETURNS[:, 0] + 0.01, saved])
    assert METHODS["rolling_sharpe"].weigh(known(excess)).tolist() == [1.0, 0.0]
