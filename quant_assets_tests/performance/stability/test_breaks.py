"""Tests of breaks: against statsmodels, at their size, and on breaks that are there."""

import numpy as np
import pytest

from quant_assets.performance.stability.breaks import (
    LEAST_SESSIONS,
    break_in_mean,
    break_in_volatility,
    long_run_variance,
)


def test_without_lags_it_is_statsmodels_cusum() -> None:
    from statsmodels.stats.diagnostic import breaks_cusumolsresid

    values = np.random.default_rng(0).normal(0.0, 1.0, 500)
    statistic, p_value, _ = breaks_cusumolsresid(values - values.mean())
    found = break_in_mean(values)
    assert found is not None
    plain = found.statistic * np.sqrt(long_run_variance(values) / long_run_variance(values, 0))
    assert plain == pytest.approx(statistic, rel=1e-12)
    assert found.p_value == pytest.approx(p_value, abs=0.2)


def test_the_long_run_variance_is_statsmodels() -> None:
    from statsmodels.regression.linear_model import OLS

    values = np.cumsum(np.random.default_rng(1).normal(0.0, 1.0, 400)) * 0.1
    model = OLS(values, np.ones(len(values)))
    fitted = model.fit(cov_type="HAC", cov_kwds={"maxlags": 7})
    assert long_run_variance(values, 7) / len(values) == pytest.approx(fitted.bse[0] ** 2, rel=1e-9)


def test_a_break_is_found_where_it_is() -> None:
    random = np.random.default_rng(2)
    mean = np.concatenate([random.normal(0.5, 1.0, 600), random.normal(-0.5, 1.0, 400)])
    found = break_in_mean(mean)
    assert found is not None
    assert found.p_value < 0.001
    assert abs(found.place - 599) < 30
    spread = np.concatenate([random.normal(0.0, 1.0, 600), random.normal(0.0, 2.0, 400)])
    found = break_in_volatility(spread)
    assert found is not None
    assert found.p_value < 0.001
    assert abs(found.place - 599) < 60


def test_noise_breaks_in_about_one_case_of_twenty() -> None:
    random = np.random.default_rng(3)
    found = [break_in_mean(random.normal(0.0, 1.0, 1000)) for _ in range(400)]
    share = np.mean([each is not None and each.p_value < 0.05 for each in found])
    assert 0.01 < share < 0.08


def test_what_cannot_be_tested() -> None:
    assert break_in_mean(np.zeros(LEAST_SESSIONS)) is None
    assert break_in_mean(np.arange(LEAST_SESSIONS - 1.0)) is None
    assert break_in_volatility(np.array([])) is None
