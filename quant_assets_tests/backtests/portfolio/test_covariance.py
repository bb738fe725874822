"""Covariances against the paper's equations and scikit-learn's estimate."""

import numpy as np
import pytest

from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets.backtests.portfolio.covariance import (
    ledoit_wolf,
    sample_covariance,
    shrunk_covariance,
)
from quant_assets_tests.backtests.portfolio import reference
from quant_assets_tests.backtests.portfolio.samples import factor_returns


def test_the_sample_is_numpys() -> None:
    returns = factor_returns(1)
    np.testing.assert_allclose(sample_covariance(returns), np.cov(returns.T), rtol=1e-12)


@pytest.mark.parametrize(("sessions", "assets"), [(30, 3), (20, 40), (300, 12), (2, 2)])
def test_shrinking_is_the_papers(sessions: int, assets: int) -> None:
    returns = factor_returns(sessions, sessions, assets)
    found, intensity = ledoit_wolf(returns)
    expected, share = reference.ledoit_wolf(returns)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-18)
    assert intensity == pytest.approx(share, abs=1e-10)
    assert 0 <= intensity <= 1


def test_shrinking_is_scikit_learns() -> None:
    from skfolio import moments

    returns = factor_returns(3, 60, 90)
    theirs = moments.LedoitWolf().fit(returns).covariance_
    np.testing.assert_allclose(shrunk_covariance(returns), theirs, rtol=1e-10, atol=1e-16)


def test_more_assets_than_sessions_can_be_inverted() -> None:
    found = shrunk_covariance(factor_returns(5, 20, 60))
    assert np.linalg.eigvalsh(found).min() > 0
    assert (found == found.T).all()


def test_the_unit_of_returns_is_that_of_the_estimate() -> None:
    returns = factor_returns(6)
    np.testing.assert_allclose(shrunk_covariance(100 * returns), 1e4 * shrunk_covariance(returns))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "BBB: returns must be finite. Got nan in row 4"),
        (np.inf, "BBB: returns must be finite. Got inf in row 4"),
    ],
)
def test_missing_returns_are_named(value: float, message: str) -> None:
    returns = factor_returns(7, 10, 2)
    returns[4, 1] = value
    with pytest.raises(AllocationError, match=message):
        sample_covariance(returns, ("AAA", "BBB"))


def test_what_never_varies_is_named() -> None:
    returns = factor_returns(8, 10, 3)
    returns[:, 2] = 0.001
    with pytest.raises(AllocationError, match=r"asset 2: its returns never vary \(all are 0.001\)"):
        shrunk_covariance(returns)


def test_one_session_is_too_few() -> None:
    with pytest.raises(AllocationError, match=r"T at least 2 sessions .* Got \(1, 3\) instead"):
        shrunk_covariance(np.zeros((1, 3)))
