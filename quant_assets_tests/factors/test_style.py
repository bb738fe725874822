"""Reference: every style factor against its literal twin, day by day, on an awkward market."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from quant_assets.factors.compute import values_of
from quant_assets.factors.registry import Factor, factors_of
from quant_assets_tests.factors.samples import factor_inputs, market
from quant_assets_tests.factors.style_reference import REFERENCES
from quant_assets_tests.prefix import PanelInputs

STYLE = factors_of("style")
DATA = market(430)
DAYS = [0, 1, 4, 5, 13, 20, 41, 42, 62, 64, 100, 134, 167, 168, 188, 199, 251, 252, 290, 360, 429]


def expected(factor: Factor, data: PanelInputs, day: int, symbol: int) -> float:
    history = {name: values[: day + 1, symbol] for name, values in data.fields.items()}
    index = data.series["benchmark"][: day + 1]
    history["r"] = np.r_[np.nan, history["close"][1:] / history["close"][:-1] - 1]
    history["m"] = np.r_[np.nan, index[1:] / index[:-1] - 1]
    return float(REFERENCES[factor.name](history))


def test_every_style_factor_has_a_reference() -> None:
    assert {each.name for each in STYLE} == set(REFERENCES)
    assert len(STYLE) >= 24


@pytest.mark.parametrize("factor", STYLE, ids=lambda each: each.name)
def test_agrees_with_the_literal_reference(factor: Factor) -> None:
    values = values_of(factor, factor_inputs(DATA, factor.inputs))
    with np.errstate(invalid="ignore", divide="ignore"):
        literal = [
            [expected(factor, DATA, day, symbol) for day in DAYS]
            for symbol in range(len(DATA.symbols))
        ]
    assert_allclose(values[:, DAYS], literal, rtol=1e-9, atol=1e-12)
    assert np.isfinite(values[0, -1]), "a symbol with all its bars has every factor"


@pytest.mark.parametrize("factor", STYLE, ids=lambda each: each.name)
def test_without_any_bar_nothing_is_known(factor: Factor) -> None:
    data = market(300, 8)
    for values in data.fields.values():
        values[:, 0] = np.nan
    assert np.isnan(values_of(factor, factor_inputs(data, factor.inputs))[0]).all()


def test_without_an_index_only_the_factors_that_need_one_are_missing() -> None:
    data = market(300, 8)
    data.series["benchmark"][:] = np.nan
    for factor in STYLE:
        known = np.isfinite(values_of(factor, factor_inputs(data, factor.inputs))[0, -1])
        assert known == ("benchmark" not in factor.inputs), factor.name


def test_a_market_that_does_not_move_has_no_beta() -> None:
    data = market(300, 8)
    data.series["benchmark"][:] = 100.0
    for factor in STYLE:
        if "benchmark" in factor.inputs:
            values = values_of(factor, factor_inputs(data, factor.inputs))
            assert np.isnan(values).all(), factor.name


def test_two_thirds_of_a_window_are_enough_and_one_less_is_not() -> None:
    volatility = next(each for each in STYLE if each.name == "volatility_63")
    data = market(120, 8, awkward=False)
    close = data.fields["close"]
    close[: 119 - 42, 0] = np.nan  # 43 closes: 42 returns of 63
    close[: 119 - 41, 1] = np.nan
    values = values_of(volatility, factor_inputs(data, volatility.inputs))
    assert np.isfinite(values[0, -1])
    assert np.isnan(values[1, -1])
