"""Rules for each symbol by itself, and rules for the universe as a whole."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from quant_assets.backtests.selection import rebalancing_days
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.backtests.strategies.hand_made import growing, noisy, weights_of


def test_what_lies_above_its_average_is_held() -> None:
    up, down = np.linspace(10, 20, 30), np.linspace(20, 10, 30)
    fields = {"close": np.column_stack([up, down, up, np.full(30, 5.0)])}
    weights = weights_of("sma_crossover", fields, fast=3, slow=10)
    assert np.isnan(weights[:9]).all()
    np.testing.assert_array_equal(weights[9:], np.tile([0.5, 0.0, 0.5, 0.0], (21, 1)))
    members = weights_of("sma_crossover", fields, fast=3, slow=10, shared_among="members")
    assert members[-1].tolist() == [0.25, 0.0, 0.25, 0.0]
    short = weights_of("sma_crossover", fields, fast=3, slow=10, long_short=True, gross=1.5)
    assert short[-1].tolist() == [0.5, -0.5, 0.5, 0.0]
    small = weights_of("sma_crossover", fields, fast=3, slow=10, maximum_weight=0.1)
    assert small[-1].tolist() == [0.1, 0.0, 0.1, 0.0]


def test_a_crossover_is_that_of_pandas() -> None:
    closes = noisy(120, 6, seed=1)
    frame = pd.DataFrame(closes)
    above = (frame.rolling(5).mean() > frame.rolling(20).mean()).to_numpy()
    weights = weights_of("sma_crossover", {"close": closes}, fast=5, slow=20)
    np.testing.assert_array_equal(weights[19:] > 0, above[19:])
    assert 0.2 < above[19:].mean() < 0.8


def test_within_the_band_there_is_no_signal() -> None:
    fields = {"close": np.column_stack([np.linspace(10, 11, 30), np.linspace(10, 40, 30)])}
    weights = weights_of("sma_crossover", fields, fast=1, slow=10, band=0.05)
    assert weights[-1].tolist() == [0.0, 1.0]


def breakout(closes: list[float], **parameters: Any) -> list[float]:
    """Weights of the first of two stocks, the second of which never moves."""
    path = np.array(closes)
    prices = np.column_stack([path, np.full(len(path), 1.0)])
    fields = {"close": prices, "high": prices * 1.0, "low": prices * 1.0}
    chosen = {"entry": 3, "exit": 2, "memory": 5, **parameters}
    weights = weights_of("donchian_breakout", fields, **chosen)
    held: list[float] = weights[:, 0].tolist()
    return held


def test_a_symbol_is_held_from_a_new_high_to_a_new_low() -> None:
    quiet = [10.0] * 8
    #                  enters, stays, stays, leaves, stays out, enters again
    path = [*quiet, 12.0, 11.5, 11.8, 11.0, 11.2, 12.5]
    assert breakout(path)[8:] == [1.0, 1.0, 1.0, 0.0, 0.0, 1.0]
    # the same height again is no new high
    assert breakout([*quiet, 10.0])[8:] == [0.0]


def test_an_entry_is_forgotten_after_its_memory() -> None:
    path = [*[10.0] * 8, 12.0, *[12.0] * 8]
    assert breakout(path)[8:] == [1.0] * 6 + [0.0] * 3


def test_new_lows_are_sold_short() -> None:
    path = [*[10.0] * 8, 9.0, 9.5, 9.1, 9.2, 9.3]
    # the last is a high of two sessions and none of three
    assert breakout(path, long_short=True)[8:] == [-1.0, -1.0, -1.0, -1.0, 0.0]


def test_with_a_long_memory_a_breakout_is_the_recursive_one() -> None:
    paths = noisy(120, 300, seed=3, spread=0.03)
    fields = dict.fromkeys(("close", "high", "low"), paths)
    held = weights_of("donchian_breakout", fields, entry=10, exit=5, memory=60) > 0
    for path, found in zip(paths.T, held.T, strict=True):
        state = False
        for t in range(10, 120):
            if path[t] > path[t - 10 : t].max():
                state, entered = True, t
            elif path[t] < path[t - 5 : t].min():
                state = False
            if t >= 70 and not (state and t - entered > 60):
                assert found[t] == state


def test_what_rose_is_held_by_the_inverse_of_its_volatility() -> None:
    calm = np.where(np.arange(60) % 2, 1.01, 1.0)
    wild = np.where(np.arange(60) % 2, 1.03, 1.0)
    rise, fall = 1.002 ** np.arange(60), 0.998 ** np.arange(60)
    closes = 100 * np.column_stack([rise * calm, rise * wild, fall * calm])
    deviation = pd.DataFrame(closes).pct_change().rolling(20).std().iloc[-1].to_numpy()
    inverse = 1 / deviation
    chosen = {"lookback": 30, "window": 20}
    weights = weights_of("time_series_momentum", {"close": closes}, **chosen)[-1]
    assert weights == pytest.approx([*inverse[:2] / inverse[:2].sum(), 0.0])
    shared = weights_of("time_series_momentum", {"close": closes}, shared_among="members", **chosen)
    assert shared[-1] == pytest.approx([*inverse[:2] / inverse.sum(), 0.0])
    short = weights_of("time_series_momentum", {"close": closes}, long_short=True, **chosen)[-1]
    assert short == pytest.approx(inverse / inverse.sum() * [1, 1, -1])


def test_every_member_is_held_and_then_left_alone() -> None:
    member = np.ones((200, 4), bool)
    member[:, 3] = False
    weights = weights_of("equal_weight", {"member": member}, rebalance="quarterly")
    quarters = rebalancing_days(sessions(200), "quarterly")
    np.testing.assert_array_equal(np.isfinite(weights[:, 0]), quarters)
    np.testing.assert_allclose(weights[quarters], [[1 / 3, 1 / 3, 1 / 3, 0.0]] * quarters.sum())
    capped = weights_of("equal_weight", {"member": member}, maximum_weight=0.25)
    assert capped[-1].tolist() == [0.25, 0.25, 0.25, 0.0]


def test_nobody_is_a_member() -> None:
    assert np.isnan(weights_of("equal_weight", {"member": np.zeros((9, 4), bool)})).all()


def test_the_universe_is_held_above_the_index_s_average() -> None:
    index = np.array([*np.full(6, 100.0), 110.0, 104.0, 90.0, np.nan, 130.0])
    fields = {"member": np.ones((11, 2), bool), "index_close": index}
    weights = weights_of("index_trend", fields, window=5, band=0.01, otherwise=0.2)
    assert np.isnan(weights[:5]).all()
    # averages of five: 100, 102, 102.8, 100.8, unknown, 108.5 of the four that are known
    np.testing.assert_allclose(weights[5:9, 0], [0.1, 0.5, 0.5, 0.1])
    assert np.isnan(weights[9]).all()
    assert weights[10].tolist() == [0.5, 0.5]


def easing(rates: list[float], **parameters: Any) -> list[float]:
    """What is held of each of two stocks, times two; rates come after 30 of the first one."""
    path = np.array([*[rates[0]] * 30, *rates])
    fields = {"member": np.ones((len(path), 2), bool), "risk_free_rate": path}
    weights = weights_of("rate_easing", fields, **{"memory": 21, **parameters})
    assert np.isnan(weights[:21]).all()
    held: list[float] = (2 * weights[30:, 0]).tolist()
    return held


def test_stocks_are_held_after_a_cut_until_a_rise() -> None:
    path = [0.05, 0.05, 0.045, 0.045, 0.045, 0.0475, 0.0475, 0.04]
    assert easing(path) == [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]
    assert easing(path, otherwise=0.5) == [0.5, 0.5, 1.0, 1.0, 1.0, 0.5, 0.5, 1.0]


def test_a_cut_of_a_quarter_point_is_one() -> None:
    assert easing([0.0525, 0.05], minimum_change=0.0025) == [0.0, 1.0]


def test_noise_is_no_move_but_small_steps_add_up() -> None:
    noise = [0.05, 0.0505, 0.0498, 0.0503, 0.05]
    assert easing(noise, minimum_change=0.001) == [0.0] * 5
    steps = [0.05, 0.0496, 0.0492, 0.0488, 0.0484]
    assert easing(steps, minimum_change=0.001) == [0.0, 0.0, 0.0, 1.0, 1.0]


def test_an_old_cut_is_no_easing() -> None:
    held = easing([0.05, *[0.04] * 30])
    assert held == [0.0, *[1.0] * 21, *[0.0] * 9]


def test_a_rate_that_is_not_known_decides_nothing() -> None:
    fields = {"member": np.ones((40, 2), bool), "risk_free_rate": np.full(40, np.nan)}
    assert np.isnan(weights_of("rate_easing", fields, memory=21)).all()


def test_exposure_is_target_over_volatility() -> None:
    closes = noisy(80, 5, seed=2, spread=0.03)
    closes[10:14, 1] = np.nan
    member = np.isfinite(closes)
    member[:, 4] = False
    weights = weights_of(
        "volatility_targeting", {"close": closes, "member": member}, target=0.1, window=21
    )
    frame = pd.DataFrame(closes).where(member)
    means = frame.pct_change(fill_method=None).mean(axis=1)
    for t in (21, 40, 79):
        volatility = means.iloc[t - 20 : t + 1].std(ddof=1) * np.sqrt(252)
        assert volatility > 0.1
        assert weights[t].sum() == pytest.approx(0.1 / volatility, rel=1e-12)
        assert weights[t, 4] == 0
    assert np.isnan(weights[:21]).all()


def test_a_calm_universe_is_held_in_full_and_not_above() -> None:
    fields = {"close": growing([0.001, 0.002], 40)}
    weights = weights_of("volatility_targeting", fields, window=10)
    assert weights[-1].tolist() == [0.5, 0.5]
    part = weights_of("volatility_targeting", fields, window=10, maximum_exposure=0.8)
    assert part[-1].tolist() == [0.4, 0.4]
