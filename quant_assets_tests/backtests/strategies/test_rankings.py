"""Strategies that rank: what they mean, on cases known by hand and against literal loops."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from quant_assets.backtests.strategies.base import StrategyError
from quant_assets.backtests.strategies.registry import find
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.backtests.strategies.hand_made import growing, noisy, weights_of


def test_sharpe_momentum_likes_the_smooth_winner() -> None:
    days = np.arange(40)
    smooth = 100 * 1.005**days * np.where(days % 2, 1.001, 1.0)
    wild = 100 * 1.008**days * np.where(days % 2, 1.08, 1.0)
    flat = np.full(40, 100.0) * np.where(days % 2, 1.001, 1.0)
    closes = np.column_stack([wild, smooth, flat])
    chosen = {"lookback": 30, "skip": 4, "quantile": 0.34}
    weights = weights_of("sharpe_momentum", {"close": closes}, **chosen)
    assert np.isnan(weights[:30]).all()
    np.testing.assert_array_equal(weights[30:], np.tile([0.0, 1.0, 0.0], (10, 1)))
    by_return = weights_of("cross_sectional_momentum", {"close": closes}, **chosen)
    np.testing.assert_array_equal(by_return[-1], [1.0, 0.0, 0.0])


def test_sharpe_momentum_is_mean_over_deviation_of_the_period() -> None:
    closes = noisy(90, 8, seed=3)
    weights = weights_of("sharpe_momentum", {"close": closes}, lookback=60, skip=10, quantile=0.25)
    for t in (60, 75, 89):
        returns = pd.DataFrame(closes[t - 60 : t - 9]).pct_change().dropna()
        assert len(returns) == 50
        ratio = (returns.mean() / returns.std(ddof=1)).to_numpy()
        assert set(np.flatnonzero(weights[t])) == set(np.argsort(-ratio)[:2])


def test_only_the_small_are_ranked() -> None:
    closes = growing([0.01, 0.008, 0.002, 0.001], 40)
    size = np.tile([9e6, 8e6, 2e6, 1e6], (40, 1))
    fields = {"close": closes, "average_turnover": size}
    weights = weights_of("small_cap_momentum", fields, lookback=30, skip=0, quantile=0.5)
    np.testing.assert_array_equal(weights[-1], [0.0, 0.0, 1.0, 0.0])
    everybody = weights_of("small_cap_momentum", fields, lookback=30, skip=0, quantile=0.5, small=1)
    np.testing.assert_array_equal(everybody[-1], [0.5, 0.5, 0.0, 0.0])


def test_size_is_the_value_of_the_float_where_the_rate_is_known() -> None:
    closes = growing([0.01, 0.008, 0.002, 0.001], 40)
    # 5e6 / 0.001 is five thousand million; the third was not traded, so its size is not known.
    fields = {
        "close": closes,
        "turnover": np.tile([5e6, 5e6, 0.0, 5e6], (40, 1)),
        "turnover_rate": np.tile([0.001, 0.1, 0.0, 0.05], (40, 1)),
    }
    chosen = {"size": "float_value", "lookback": 30, "skip": 0, "small": 0.34, "quantile": 0.5}
    weights = weights_of("small_cap_momentum", fields, **chosen)
    np.testing.assert_array_equal(weights[-1], [0.0, 1.0, 0.0, 0.0])


def test_the_nearest_to_the_high_are_held() -> None:
    closes = np.tile([90.0, 50.0, 99.0, 10.0], (30, 1))
    highs = np.tile([100.0, 50.0, 100.0, 20.0], (30, 1))
    highs[4] *= 3  # out of the window from row 25 on
    weights = weights_of("high_52_week", {"close": closes, "high": highs}, window=21, quantile=0.5)
    assert np.isnan(weights[:20]).all()
    np.testing.assert_array_equal(weights[25:], np.tile([0.0, 0.5, 0.5, 0.0], (5, 1)))


def test_losers_of_the_week_are_held() -> None:
    closes = growing([0.01, -0.02, 0.0, 0.005], 20)
    weights = weights_of("short_term_reversal", {"close": closes}, lookback=5, quantile=0.25)
    assert np.isnan(weights[:5]).all()
    np.testing.assert_array_equal(weights[5:], np.tile([0.0, 1.0, 0.0, 0.0], (15, 1)))


def test_a_skipped_session_does_not_count() -> None:
    closes = growing([0.0, 0.0, 0.001, 0.001], 20)
    closes[-1] *= [1.0, 0.5, 1.0, 1.0]  # a crash on the last day
    chosen = {"lookback": 5, "quantile": 0.25}
    now = weights_of("short_term_reversal", {"close": closes}, **chosen)
    later = weights_of("short_term_reversal", {"close": closes}, skip=1, **chosen)
    assert now[-1].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert later[-1].tolist() == [1.0, 0.0, 0.0, 0.0]


RATIOS = {
    #              cheap, loss-making, dear, unknown
    "pe_ttm": [5.0, -10.0, 50.0, np.nan],
    "pb_mrq": [0.8, 0.9, 9.0, 0.0],
    "ps_ttm": [1.0, 2.0, 20.0, np.nan],
    "pcf_ncf_ttm": [4.0, -3.0, 40.0, np.nan],
}


def test_value_holds_what_is_cheap_and_ranks_losses_last() -> None:
    fields = {name: np.tile(values, (3, 1)) for name, values in RATIOS.items()}
    composite = weights_of("value", fields, quantile=0.34)
    assert composite[-1].tolist() == [1.0, 0.0, 0.0, 0.0]
    earnings = weights_of("value", fields, measure="earnings", quantile=0.34, long_short=True)
    assert earnings[-1].tolist() == [0.5, -0.5, 0.0, 0.0]
    book = weights_of("value", fields, measure="book", quantile=0.34, long_short=True)
    assert book[-1].tolist() == [0.5, 0.0, -0.5, 0.0]
    assert find("value").fields(find("value").parse({"measure": "book"})) == ("member", "pb_mrq")


def test_factors_are_blended_by_rank_and_sign() -> None:
    first = np.tile([4.0, 3.0, 2.0, 1.0], (2, 1))
    second = np.tile([1e9, 1.0, 2.0, 3.0], (2, 1))
    fields = {"factor:style.a": first, "factor:own.b": second}
    alone = {"style.a": 1.0, "own.b": 0.1}
    weights = weights_of("multi_factor", fields, factors=alone, quantile=0.25)
    assert weights[-1].tolist() == [1.0, 0.0, 0.0, 0.0]
    # ranks of b turned round: S000 last, then S003, S002, S001
    turned = {"style.a": 1.0, "own.b": -2.0}
    weights = weights_of("multi_factor", fields, factors=turned, quantile=0.25)
    assert weights[-1].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_a_symbol_needs_most_of_its_factors() -> None:
    fields = {
        "factor:style.a": np.tile([np.nan, 3.0, 2.0, 1.0], (2, 1)),
        "factor:style.b": np.tile([9.0, np.nan, 2.0, 3.0], (2, 1)),
    }
    chosen = {"factors": {"style.a": 1.0, "style.b": 3.0}, "quantile": 0.5}
    half = weights_of("multi_factor", fields, **chosen)
    assert half[-1].tolist() == [1.0, 0.0, 0.0, 0.0]  # three are ranked, one is held
    every = weights_of("multi_factor", fields, least=1.0, **chosen)
    assert every[-1].tolist() == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("hold", ["high", "low"])
def test_one_factor_top_against_bottom(hold: str) -> None:
    values = np.tile([0.3, np.nan, -1.0, 5.0], (2, 1))
    chosen = {"factor": "alpha101.alpha_001", "quantile": 0.34, "hold": hold}
    weights = weights_of("factor_quantile", {"factor:alpha101.alpha_001": values}, **chosen)
    expected = np.array([0.0, 0.0, -0.5, 0.5])
    np.testing.assert_array_equal(weights[-1], expected if hold == "high" else -expected)


@pytest.mark.parametrize(
    ("strategy", "values", "message"),
    [
        (
            "sharpe_momentum",
            {"lookback": 21, "skip": 17},
            "skip must leave at least 5 of the 21 sessions of lookback. Got 17",
        ),
        (
            "small_cap_momentum",
            {"lookback": 63, "skip": 63},
            "skip must leave at least 1 of the 63.*Got 63",
        ),
        ("sector_rotation", {"lookback": 5, "skip": 9}, "at least 1 of the 5 .*Got 9"),
        ("time_series_momentum", {"lookback": 30, "skip": 30}, "at least 1 of the 30 .*Got 30"),
        ("multi_factor", {"factors": {}}, "factors: .*at least 1"),
        ("multi_factor", {"factors": {"momentum": 1.0}}, "library.factor.*Got 'momentum'"),
        ("multi_factor", {"factors": {"style.a": 0}}, "weight of style.a must be.*Got 0.0 instead"),
        ("factor_quantile", {"factor": "style"}, "library.factor.*Got 'style' instead"),
        ("sma_crossover", {"fast": 200}, r"fast must be shorter than slow \(200\). Got 200"),
        ("donchian_breakout", {"exit": 55}, r"exit must be shorter than entry \(55\). Got 55"),
        ("pairs", {"exit": 2.0}, "exit, entry and stop must ascend. Got 2.0, 2.0, 4.0 instead"),
        ("pairs", {"significance": 0.2}, "must be one of 0.01, 0.05, 0.1. Got 0.2 instead"),
        ("volatility_targeting", {"maximum_exposure": 1.5}, "less than or equal to 1"),
        ("equal_weight", {"rebalance": "yearly"}, "'daily', 'weekly', 'monthly' or 'quarterly'"),
    ],
)
def test_parameters_that_do_not_go_together(
    strategy: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(StrategyError, match=message):
        find(strategy).parse(values)


def test_members_of_the_strongest_group_are_held() -> None:
    closes = growing([0.02, -0.01, 0.003, 0.001, 0.05], 20)
    groups = np.tile([0, 0, 1, 1, -1], (20, 1))  # means 0.5 %, 0.2 %; the best is in no group
    fields = {"close": closes, "industry": groups}
    chosen = {"lookback": 5, "share": 0.5, "minimum_members": 2}
    weights = weights_of("sector_rotation", fields, **chosen)
    assert np.isnan(weights[:5]).all()
    assert weights[-1].tolist() == [0.5, 0.5, 0.0, 0.0, 0.0]
    both = weights_of("sector_rotation", fields, lookback=5, share=1.0, minimum_members=2)
    assert both[-1].tolist() == [0.25, 0.25, 0.25, 0.25, 0.0]
    large = weights_of("sector_rotation", fields, lookback=5, minimum_members=3)
    assert np.isnan(large).all()


def test_codes_of_groups_mean_nothing() -> None:
    closes = growing([0.02, 0.02, 0.02, 0.02, 0.01], 20)
    for codes in ([3, 3, 7, 7, 7], [7, 7, 3, 3, 3], [0, 0, 1, 1, 1]):
        fields = {"close": closes, "sector": np.tile(codes, (20, 1))}
        chosen = {"group": "sector", "lookback": 5, "share": 0.5, "minimum_members": 2}
        weights = weights_of("sector_rotation", fields, **chosen)
        assert weights[-1].tolist() == [0.5, 0.5, 0.0, 0.0, 0.0]


def dual(index: float, rate: float, **parameters: Any) -> list[float]:
    """The last decision on a rising and a falling stock."""
    days = 300
    fields = {
        "close": growing([0.001, 0.0001, -0.0001, -0.001], days),
        "index_close": growing([index], days)[:, 0],
        "risk_free_rate": np.full(days, rate),
    }
    chosen = {"lookback": 252, "quantile": 0.5, **parameters}
    last: list[float] = weights_of("dual_momentum", fields, **chosen)[-1].tolist()
    return last


def test_winners_are_held_while_the_index_beats_the_rate() -> None:
    assert dual(0.0005, 0.05) == [0.5, 0.5, 0.0, 0.0]
    assert dual(0.0001, 0.05) == [0.0, 0.0, 0.0, 0.0]  # 2.6 % against 5 %
    assert dual(0.0001, 0.02) == [0.5, 0.5, 0.0, 0.0]


def test_each_winner_must_beat_the_rate() -> None:
    assert dual(-0.01, 0.05, absolute="symbol") == [0.5, 0.0, 0.0, 0.0]
    assert dual(-0.01, 0.0, absolute="symbol") == [0.5, 0.5, 0.0, 0.0]
    assert dual(0.01, 0.0, absolute="symbol", long_short=True) == [0.25, 0.25, -0.25, -0.25]
    assert dual(-0.01, 0.0, long_short=True) == [0.0, 0.0, -0.25, -0.25]


def test_what_the_rate_earned_is_compounded_by_the_calendar() -> None:
    days = 300
    dates = sessions(days)
    years = (dates[-1] - dates[-253]).astype(int) / 365.25
    grown = 1.05**years
    closes = np.full((days, 2), 100.0)
    closes[-1] *= [grown * 1.0001, grown * 0.9999]
    fields = {"close": closes, "risk_free_rate": np.full(days, 0.05)}
    chosen = {"lookback": 252, "quantile": 0.5, "absolute": "symbol", "long_short": True}
    assert weights_of("dual_momentum", fields, **chosen)[-1].tolist() == [0.5, -0.5]


def test_without_a_rate_nothing_is_decided() -> None:
    days = 300
    rate = np.full(days, 0.01)
    rate[:200] = np.nan
    fields = {"close": growing([0.001, 0.0], days), "risk_free_rate": rate}
    weights = weights_of("dual_momentum", fields, lookback=21, absolute="symbol")
    # 14 of 21 rates are known for the first time on row 214
    assert np.flatnonzero(np.isfinite(weights[:, 0]))[0] == 214


def test_low_beta_is_held_and_high_beta_sold_so_that_beta_cancels() -> None:
    random = np.random.default_rng(4)
    days = 400
    market = random.normal(0.0005, 0.01, days)
    betas = np.linspace(0.5, 1.8, 12)
    noise = random.normal(0, 0.002, (days, 12))
    closes = 100 * np.exp((market[:, np.newaxis] * betas + noise).cumsum(axis=0))
    fields = {"close": closes, "index_close": 100 * np.exp(market.cumsum())}
    chosen = {"window": 252, "shrinkage": 1.0, "minimum_names": 4}
    weights = weights_of("betting_against_beta", fields, **chosen)[-1]
    assert (weights[:6] > 0).all()
    assert (weights[6:] < 0).all()
    assert (np.diff(weights) < 0).all()
    assert np.abs(weights).sum() == pytest.approx(1.0)
    assert weights @ betas == pytest.approx(0.0, abs=0.01)
    tight = weights_of("betting_against_beta", fields, maximum_weight=0.1, **chosen)[-1]
    assert np.abs(tight).max() == pytest.approx(0.1)
    assert tight @ betas == pytest.approx(0.0, abs=0.01)
    long = weights_of("betting_against_beta", fields, long_short=False, **chosen)[-1]
    assert long[:6] == pytest.approx(np.arange(11, 0, -2) / 36)
    assert (long[6:] == 0).all()
    few = weights_of("betting_against_beta", fields, **{**chosen, "minimum_names": 13})
    assert np.isnan(few).all()


def test_beta_is_correlation_times_the_ratio_of_volatilities() -> None:
    days, window = 100, 63
    closes, index = noisy(days, 6, seed=8), noisy(days, 1, seed=9)[:, 0]
    closes[50, 0] = np.nan
    fields = {"close": closes, "index_close": index}
    chosen = {"window": window, "minimum_names": 6, "long_short": False}
    weights = weights_of("betting_against_beta", fields, **chosen)
    assert np.flatnonzero(np.isfinite(weights[:, 0]))[0] == window + 2
    logs = pd.DataFrame(np.log(np.column_stack([closes, index])))
    daily, longer = logs.diff().iloc[-window:], logs.diff(3).iloc[-window:]
    beta = [longer[i].corr(longer[6]) * daily[i].std() / daily[6].std() for i in range(6)]
    assert weights[-1, np.argsort(beta)] == pytest.approx([5 / 9, 3 / 9, 1 / 9, 0, 0, 0])
