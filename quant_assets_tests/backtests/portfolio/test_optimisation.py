"""Optimal weights against scipy's SLSQP, skfolio, and the conditions of an optimum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests.portfolio.bounds import Bounds
from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets.backtests.portfolio.covariance import sample_covariance, shrunk_covariance
from quant_assets.backtests.portfolio.optimisation import mean_variance, minimum_variance
from quant_assets.market_data.panels import FloatArray
from quant_assets_tests.backtests.portfolio import reference
from quant_assets_tests.backtests.portfolio.samples import covariances, factor_returns

GROUPS = ("A", "B", None)


def bounded(seed: int, count: int) -> Bounds:
    """Bounds that can be met."""
    random = np.random.default_rng(seed)
    lower = -0.2 * random.random(count) * random.integers(0, 2)
    upper = 0.05 + 0.6 * random.random(count)
    groups = [GROUPS[k] for k in random.integers(0, 3, count)]
    total = float(0.8 * min(1.0, upper.sum() * 0.5))
    cap = float(max(0.55 * total, 0.3))
    return Bounds(lower, upper, groups, cap, total, at_most=bool(random.integers(0, 2)))


@given(covariances(largest=8), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_no_better_weights_exist(covariance: FloatArray, seed: int) -> None:
    """The optimum of a convex problem: at no feasible point does the gradient point down."""
    count = len(covariance)
    covariance = covariance / covariance.diagonal().mean()
    mean = np.random.default_rng(seed).normal(size=count)
    bounds = bounded(seed, count)
    try:
        weights = mean_variance(covariance, mean, 2.0, bounds=bounds)
    except AllocationError as refused:
        assert any(word in str(refused) for word in ("allow", "singular"))  # noqa: PT017
        return
    lower, upper, codes, caps = bounds.arrays(count)
    assert (weights >= lower - 1e-12).all()
    assert (weights <= upper + 1e-12).all()
    for code, cap in enumerate(caps):
        assert weights[codes == code].sum() <= cap + 1e-9
    total = weights.sum()
    assert total <= bounds.total + 1e-9
    if not bounds.at_most:
        assert total == pytest.approx(bounds.total, abs=1e-9)
    gradient = 2.0 * covariance @ weights - mean
    assert _lowest(gradient, bounds, count) >= gradient @ weights - 1e-6


def _lowest(gradient: FloatArray, bounds: Bounds, count: int) -> float:
    """The smallest gradient'x over the feasible set.

    Groups lie within the total and do not overlap, so filling up the cheapest first is optimal
    (Edmonds 1970); that it is, `test_filling_the_cheapest_first_is_linear_programming` shows.
    """
    lower, upper, codes, caps = bounds.arrays(count)
    x = lower.copy()
    for place in np.argsort(gradient):
        if bounds.at_most and gradient[place] >= 0:
            break
        room = [upper[place] - lower[place], bounds.total - x.sum()]
        if codes[place] >= 0:
            room.append(caps[codes[place]] - x[codes == codes[place]].sum())
        x[place] += max(min(room), 0.0)
    return float(gradient @ x)


@pytest.mark.parametrize("seed", range(12))
def test_filling_the_cheapest_first_is_linear_programming(seed: int) -> None:
    from scipy.optimize import linprog

    bounds = bounded(seed, 8)
    gradient = np.random.default_rng(seed).normal(size=8)
    lower, upper, codes, caps = bounds.arrays(8)
    rows = [*((codes == code).astype(float) for code in range(len(caps))), np.ones(8)]
    found = linprog(
        gradient,
        np.array(rows),
        [*caps, bounds.total],
        None if bounds.at_most else np.ones((1, 8)),
        None if bounds.at_most else [bounds.total],
        list(zip(lower, upper, strict=True)),
    )
    assert found.status == 0
    assert _lowest(gradient, bounds, 8) == pytest.approx(found.fun, abs=1e-9)


def test_weights_are_slsqps() -> None:
    covariance = shrunk_covariance(factor_returns(1, 120, 12)) * 252
    mean = np.random.default_rng(1).normal(0.05, 0.1, 12)
    groups = ["A"] * 5 + ["B"] * 4 + [None] * 3
    bounds = Bounds(-0.05, 0.2, groups, 0.35)
    ours = mean_variance(covariance, mean, 3.0, bounds=bounds)
    inside = [np.array([name == group for name in groups], float) for group in "AB"]
    theirs = reference.quadratic_optimum(
        3.0 * covariance,
        mean,
        np.full(12, -0.05),
        np.full(12, 0.2),
        constraints=[
            {"type": "eq", "fun": lambda x: x.sum() - 1, "jac": lambda x: np.ones(12)},
            {"type": "ineq", "fun": lambda x: 0.35 - inside[0] @ x, "jac": lambda x: -inside[0]},
            {"type": "ineq", "fun": lambda x: 0.35 - inside[1] @ x, "jac": lambda x: -inside[1]},
        ],
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_minimum_variance_is_skfolios() -> None:
    from skfolio import moments, optimization, prior

    returns = 100 * factor_returns(2)
    estimate = prior.EmpiricalPrior(covariance_estimator=moments.LedoitWolf())
    groups = np.array([["A", "B", "C", "D"][k % 4] for k in range(40)])
    for more, bounds in (
        ({}, Bounds()),
        (
            {
                "max_weights": 0.1,
                "groups": [groups],
                "linear_constraints": [f"{name} <= 0.3" for name in "ABCD"],
            },
            Bounds(0.0, 0.1, groups.tolist(), 0.3),
        ),
    ):
        theirs = optimization.MeanRisk(prior_estimator=estimate, **more).fit(returns).weights_
        covariance = shrunk_covariance(returns)
        ours = minimum_variance(covariance, bounds=bounds)
        # Its solver stops at a gap of 1e-9 in the variance, which leaves weights some 1e-5.
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert ours @ covariance @ ours <= theirs @ covariance @ theirs + 1e-9


def test_without_bounds_it_is_the_closed_form() -> None:
    covariance = sample_covariance(factor_returns(3, 100, 6))
    inverse = np.linalg.solve(covariance, np.ones(6))
    free = Bounds(-10.0, 10.0)
    np.testing.assert_allclose(
        minimum_variance(covariance, bounds=free), inverse / inverse.sum(), rtol=1e-9
    )


def test_singular_covariances_name_the_asset() -> None:
    twins = np.array([[1.0, 0.2, 1.0], [0.2, 1.0, 0.2], [1.0, 0.2, 1.0]])
    with pytest.raises(AllocationError, match="CCC: the covariances are singular"):
        minimum_variance(twins, ("AAA", "BBB", "CCC"))
    with pytest.raises(AllocationError, match="asset 9: the covariances are singular"):
        minimum_variance(sample_covariance(factor_returns(1, 10, 12)))


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (Bounds(0.0, 0.2), "allow 0.6 in all, less than the total of 1"),
        (Bounds(0.0, 1.0, ["A", "A", "A"], 0.3), "allow 0.3 in all, less than the total of 1"),
        (Bounds(0.5, 1.0), "the lower bounds sum to 1.5, more than the total of 1"),
        (Bounds(np.array([0.0, 0.6, 0.0]), 0.5), "asset 1: its lower bound .* Got 0.6 and 0.5"),
        (Bounds(0.2, 1.0, ["A", "A", None], 0.3), "group 'A': .* sum to 0.4, more than its cap"),
        (Bounds(0.0, 1.0, ["A"]), "groups must be given for each of the 3 assets. Got 1"),
        (Bounds(0.0, 1.0, ["A", "B", None], {"A": 1.0}), "group 'B' has no cap"),
        (Bounds(0.0, np.ones(2)), r"upper bounds must be a number or have the shape \(3,\)"),
    ],
)
def test_bounds_that_cannot_be_met_are_told(bounds: Bounds, message: str) -> None:
    with pytest.raises(AllocationError, match=message):
        minimum_variance(np.eye(3), bounds=bounds)


def test_a_risk_aversion_below_zero_is_refused() -> None:
    with pytest.raises(AllocationError, match=r"risk_aversion must be above 0. Got -1"):
        mean_variance(np.eye(2), np.zeros(2), -1.0)


@pytest.mark.parametrize("seed", range(30))
def test_sums_are_exact_where_variances_differ_by_millions(seed: int) -> None:
    """The way from an optimum without constraints, of the order of a million, loses digits."""
    random = np.random.default_rng(seed)
    scale = 10.0 ** random.uniform(-4, 0, 8)
    covariance = (np.eye(8) * 0.05 + 1.0) * scale * scale[:, None]
    bounds = Bounds(-0.1, 0.4, ["A"] * 4 + ["B"] * 4, 0.6)
    weights = mean_variance(covariance, random.normal(size=8), 2.0, bounds=bounds)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert max(weights[:4].sum(), weights[4:].sum()) <= 0.6 + 1e-12
