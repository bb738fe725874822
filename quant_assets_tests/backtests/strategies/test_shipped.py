"""The shipped strategies against literal computations of what their docstrings say."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.strategies.registry import find
from quant_assets_tests.backtests.samples import all_fields, data_of

INPUTS = all_fields(days=180, symbols=30, seed=5)
CLOSE, MEMBER = INPUTS.fields["close"], INPUTS.fields["member"]


def weights_of(name: str, **values: Any) -> np.ndarray:
    strategy = find(name)
    settled = strategy.parse({"maximum_weight": 1.0, "minimum_names": 5, **values})
    return strategy.target_weights(data_of(INPUTS, strategy.needs), settled)


def best(signal: dict[int, float], quantile: float) -> set[int]:
    ordered = sorted(signal, key=lambda i: (-signal[i], i))
    return set(ordered[: max(1, int(len(ordered) * quantile + 1e-9))])


def held(weights: np.ndarray, t: Any) -> set[int]:
    return set(np.flatnonzero(weights[t] > 0).tolist())


def test_momentum_holds_the_highest_formation_returns() -> None:
    weights = weights_of("cross_sectional_momentum", lookback=60, skip=10, rebalance="weekly")
    compared = 0
    for t in np.flatnonzero(rebalancing_days(INPUTS.dates, "weekly")):
        signal = {
            i: CLOSE[t - 10, i] / CLOSE[t - 60, i] - 1
            for i in range(30)
            if t >= 60 and MEMBER[t, i] and np.isfinite(CLOSE[[t - 10, t - 60], i]).all()
        }
        if len(signal) < 5:
            assert np.isnan(weights[t]).all()
        else:
            assert held(weights, t) == best(signal, 0.2)
            assert weights[t].sum() == pytest.approx(1.0)
            compared += 1
    assert compared > 15


def test_momentum_without_a_skipped_month_uses_the_last_close() -> None:
    weights = weights_of("cross_sectional_momentum", lookback=21, skip=0, rebalance="daily")
    t = 100
    known = [i for i in range(30) if MEMBER[t, i] and np.isfinite(CLOSE[t - 21, i])]
    assert held(weights, t) == best({i: CLOSE[t, i] / CLOSE[t - 21, i] for i in known}, 0.2)


def test_momentum_with_too_little_history_decides_nothing() -> None:
    assert np.isnan(weights_of("cross_sectional_momentum", lookback=252)).all()


def test_low_volatility_holds_the_calmest() -> None:
    weights = weights_of(
        "low_volatility", window=60, minimum_returns=50, quantile=0.3, rebalance="weekly"
    )
    compared = 0
    for t in np.flatnonzero(rebalancing_days(INPUTS.dates, "weekly")):
        signal = {}
        for i in range(30):
            returns = pd.Series(CLOSE[max(0, t - 60) : t + 1, i]).pct_change(fill_method=None)
            if t >= 60 and MEMBER[t, i] and returns.count() >= 50:
                signal[i] = -float(returns.std(ddof=1))
        if len(signal) < 5:
            assert np.isnan(weights[t]).all()
        else:
            assert held(weights, t) == best(signal, 0.3)
            compared += 1
    assert compared > 15


def test_low_volatility_does_not_rank_a_price_that_never_moved() -> None:
    strategy = find("low_volatility")
    inputs = all_fields(days=60, symbols=10, seed=2)
    inputs.fields["close"][:] = np.exp(np.random.default_rng(0).normal(0, 0.02, (60, 10)).cumsum(0))
    inputs.fields["close"][:, 3] = 7.0
    inputs.fields["member"][:] = True
    settled = strategy.parse({"window": 20, "minimum_returns": 20, "rebalance": "daily"})
    weights = strategy.target_weights(data_of(inputs, strategy.needs), settled)
    assert np.isfinite(weights[30:]).all()
    assert (weights[30:, 3] == 0).all()


def test_the_model_s_best_are_held_from_the_first_scores_on() -> None:
    inputs = all_fields(days=60, symbols=30, seed=3)
    score = inputs.fields["score"]
    score[:20] = np.nan
    strategy = find("model_quantile")
    settled = strategy.parse({"rebalance": "daily", "maximum_weight": 1.0})
    weights = strategy.target_weights(data_of(inputs, strategy.needs), settled)
    assert np.isnan(weights[:20]).all()
    for t in range(20, 60):
        known = {
            i: score[t, i]
            for i in range(30)
            if inputs.fields["member"][t, i] and np.isfinite(score[t, i])
        }
        if len(known) >= 5:
            assert held(weights, t) == best(known, 0.2)


@pytest.mark.parametrize("name", ["cross_sectional_momentum", "low_volatility", "model_quantile"])
def test_only_members_are_held(name: str) -> None:
    short = {"lookback": 40} if name == "cross_sectional_momentum" else {}
    if name == "low_volatility":
        short = {"window": 40, "minimum_returns": 20}
    weights = weights_of(name, rebalance="daily", long_short=True, quantile=0.5, **short)
    assert (np.nan_to_num(weights)[~MEMBER] == 0).all()
    assert np.count_nonzero(np.nan_to_num(weights)) > 500
