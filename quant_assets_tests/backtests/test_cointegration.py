"""Engle and Granger's test against statsmodels."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests.cointegration import critical_value, engle_granger


def walks(rows: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    common = random.normal(0, 0.02, rows).cumsum()
    own = random.normal(0, 0.02, (rows, 4)).cumsum(axis=0)
    tied = common[:, np.newaxis] * [1.0, 0.7] + random.normal(0, 0.01, (rows, 2))
    return np.column_stack([own, tied])


@pytest.mark.parametrize("lags", [0, 1, 4])
@settings(max_examples=25, deadline=None)
@given(st.integers(60, 300), st.integers(0, 1000))
def test_statistics_are_those_of_statsmodels(lags: int, rows: int, seed: int) -> None:
    models = pytest.importorskip("statsmodels.api", exc_type=ImportError)
    tests = pytest.importorskip("statsmodels.tsa.stattools", exc_type=ImportError)
    logs = walks(rows, seed)
    y, x = [0, 1, 4, 5, 2], [1, 0, 5, 4, 4]
    found = engle_granger(logs[:, y], logs[:, x], lags)
    for pair, (i, j) in enumerate(zip(y, x, strict=True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = tests.coint(logs[:, i], logs[:, j], trend="c", maxlag=lags, autolag=None)
        assert found.statistic[pair] == pytest.approx(expected[0], rel=1e-7)
        for value, level in zip(expected[2], (0.01, 0.05, 0.1), strict=True):
            assert critical_value(level, rows) == pytest.approx(value, rel=1e-12)
        line = models.OLS(logs[:, i], models.add_constant(logs[:, j])).fit()
        assert found.slope[pair] == pytest.approx(line.params[1], rel=1e-8)
        assert found.intercept[pair] == pytest.approx(line.params[0], rel=1e-7, abs=1e-10)
        assert found.deviation[pair] == pytest.approx(np.sqrt(line.mse_resid), rel=1e-8)


def test_what_is_tied_is_told_from_what_is_not() -> None:
    logs = walks(252, 5)
    found = engle_granger(logs[:, [4, 0]], logs[:, [5, 1]])
    assert found.statistic[0] < critical_value(0.01, 252) < found.statistic[1]


def test_series_that_do_not_move_or_are_the_same_have_no_statistic() -> None:
    walk = walks(80, 1)[:, :1]
    still = np.ones((80, 1))
    y, x = np.hstack([walk, still, walk]), np.hstack([still, walk, walk])
    assert np.isnan(engle_granger(y, x).statistic).all()


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"at least 9 rows for 2 lags. Got \(8, 1\)"):
        engle_granger(np.ones((8, 1)), np.ones((8, 1)), 2)
    with pytest.raises(ValueError, match=r"one shape"):
        engle_granger(np.ones((20, 1)), np.ones((20, 2)))
    with pytest.raises(ValueError, match=r"one of 0.01, 0.05, 0.1. Got 0.2"):
        critical_value(0.2, 100)
