"""Equal, inverse volatility and equal risk contribution: properties and a Newton reference."""

import random as randoms

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests.portfolio.allocators import ALLOCATORS
from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets.backtests.portfolio.covariance import sample_covariance
from quant_assets.backtests.portfolio.risk_parity import (
    equal_risk_contribution,
    equal_weight,
    inverse_volatility,
    risk_contributions,
)
from quant_assets.market_data.panels import FloatArray
from quant_assets_tests.backtests.portfolio import reference
from quant_assets_tests.backtests.portfolio.samples import covariances, factor_returns

# The order of assets must not matter; hierarchical risk parity halves an order, so it is tested
# apart from these.
BY_RISK = ("equal", "inverse_volatility", "equal_risk_contribution", "minimum_variance")


@given(covariances(), st.sampled_from(sorted(ALLOCATORS)))
@settings(deadline=None, max_examples=100)
def test_weights_are_long_only_and_sum_to_one(covariance: FloatArray, name: str) -> None:
    weights = ALLOCATORS[name](covariance)
    assert weights.shape == (len(covariance),)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)


@given(covariances(smallest=2), st.sampled_from(BY_RISK), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_the_order_of_assets_does_not_matter(
    covariance: FloatArray, name: str, random: randoms.Random
) -> None:
    places = list(range(len(covariance)))
    random.shuffle(places)
    shuffled = ALLOCATORS[name](covariance[np.ix_(places, places)])
    np.testing.assert_allclose(shuffled, ALLOCATORS[name](covariance)[places], atol=1e-7)


@given(covariances(), st.sampled_from(sorted(ALLOCATORS)), st.floats(1e-6, 1e6))
@settings(deadline=None, max_examples=100)
def test_the_unit_of_returns_does_not_matter(
    covariance: FloatArray, name: str, scale: float
) -> None:
    scaled = ALLOCATORS[name](covariance * scale)
    np.testing.assert_allclose(scaled, ALLOCATORS[name](covariance), atol=1e-8)


@given(covariances())
@settings(deadline=None, max_examples=100)
def test_contributions_are_equal(covariance: FloatArray) -> None:
    shares = risk_contributions(equal_risk_contribution(covariance), covariance)
    assert np.abs(shares * len(shares) - 1).max() < 1e-9  # 1e-10 before weights are rounded


@given(covariances(), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_contributions_are_as_budgeted_and_weights_newtons(
    covariance: FloatArray, seed: int
) -> None:
    budget = np.random.default_rng(seed).uniform(0.05, 1, len(covariance))
    weights = equal_risk_contribution(covariance, budget)
    shares = budget / budget.sum()
    np.testing.assert_allclose(risk_contributions(weights, covariance), shares, rtol=1e-9)
    np.testing.assert_allclose(weights, reference.risk_parity(covariance, shares), rtol=1e-6)


def test_two_assets_share_by_volatility_whatever_their_correlation() -> None:
    for correlation in (-0.9, 0.0, 0.7, 1.0):
        covariance = np.array([[0.01, 0.02 * correlation], [0.02 * correlation, 0.04]])
        np.testing.assert_allclose(equal_risk_contribution(covariance), [2 / 3, 1 / 3])
        np.testing.assert_allclose(inverse_volatility(covariance), [2 / 3, 1 / 3])


def test_equal_correlations_make_it_inverse_volatility() -> None:
    sigma = np.array([0.1, 0.2, 0.3, 0.4])
    covariance = (0.4 + 0.6 * np.eye(4)) * sigma * sigma[:, None]
    np.testing.assert_allclose(
        equal_risk_contribution(covariance), inverse_volatility(covariance), rtol=1e-9
    )
    assert equal_weight(covariance).tolist() == [0.25] * 4


def test_twins_share_a_place() -> None:
    three = np.array([[1.0, 1.0, 0.2], [1.0, 1.0, 0.2], [0.2, 0.2, 1.0]])  # singular
    weights = equal_risk_contribution(three)
    assert weights[0] == pytest.approx(weights[1])
    np.testing.assert_allclose(risk_contributions(weights, three), [1 / 3] * 3, rtol=1e-9)


def test_a_portfolio_without_risk_has_no_contributions() -> None:
    opposite = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    with pytest.raises(AllocationError, match=r"AAA and BBB: no weights .* cancel each other"):
        equal_risk_contribution(opposite, names=("AAA", "BBB", "CCC"))
    assert np.isnan(risk_contributions(np.array([0.5, 0.5, 0.0]), opposite)).all()


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ([1.0, 0.0], "asset 1: its budget of risk must be above 0. Got 0"),
        ([1.0, np.nan], "asset 1: budget must be finite. Got nan"),
        ([1.0], r"budget must have the shape \(2,\). Got \(1,\)"),
    ],
)
def test_a_bad_budget_is_named(budget: list[float], message: str) -> None:
    with pytest.raises(AllocationError, match=message):
        equal_risk_contribution(np.eye(2), np.array(budget))


def test_weights_are_skfolios() -> None:
    from skfolio import optimization

    returns = 100 * factor_returns(2)  # in percent, where its solver is most exact
    theirs = optimization.RiskBudgeting().fit(returns).weights_
    ours = equal_risk_contribution(sample_covariance(returns))
    # Its own contributions differ by 5e-5, relatively.
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    inverse = optimization.InverseVolatility().fit(returns).weights_
    np.testing.assert_allclose(inverse_volatility(sample_covariance(returns)), inverse, rtol=1e-12)
