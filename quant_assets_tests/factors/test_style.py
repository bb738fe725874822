"""Reference: every style factor against its literal twin, day by day, on an awkward market."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from quant_assets.factors.catalogue import Catalogue, Factor, built_in
from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.plan import plan
from quant_assets_tests.factors.samples import fields_of, market
from quant_assets_tests.factors.style_reference import REFERENCES
from quant_assets_tests.prefix import PanelInputs

STYLE = Catalogue(built_in()).library("style")
PLAN = plan(STYLE.expressions)
NAMES = PLAN.names
DATA = market(430)
DAYS = [0, 1, 4, 5, 13, 20, 41, 42, 62, 64, 100, 134, 167, 168, 188, 199, 251, 252, 290, 360, 429]
OF_THE_INDEX = {
    name for name in NAMES if "benchmark_close" in plan({name: STYLE.expressions[name]}).fields
}

each_factor = pytest.mark.parametrize("factor", STYLE.factors, ids=lambda each: each.name)


def values_of(data: PanelInputs) -> dict[str, np.ndarray]:
    """Every style factor, (sessions, symbols) each."""
    return dict(zip(NAMES, compute(PLAN, fields_of(data)), strict=True))


@pytest.fixture(scope="module")
def values() -> dict[str, np.ndarray]:
    return values_of(DATA)


def expected(factor: Factor, data: PanelInputs, day: int, symbol: int) -> float:
    history = {name: values[: day + 1, symbol] for name, values in data.fields.items()}
    index = data.series["benchmark_close"][: day + 1]
    history["r"] = np.r_[np.nan, history["close"][1:] / history["close"][:-1] - 1]
    history["m"] = np.r_[np.nan, index[1:] / index[:-1] - 1]
    return float(REFERENCES[factor.name](history))


def test_every_style_factor_has_a_reference() -> None:
    assert set(NAMES) == set(REFERENCES)
    assert len(NAMES) >= 24


@each_factor
def test_agrees_with_the_literal_reference(factor: Factor, values: dict[str, np.ndarray]) -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        literal = [
            [expected(factor, DATA, day, symbol) for symbol in range(len(DATA.symbols))]
            for day in DAYS
        ]
    assert_allclose(values[factor.name][DAYS], literal, rtol=1e-9, atol=1e-12)
    assert np.isfinite(values[factor.name][-1, 0]), "a symbol with all its bars has every factor"


def test_history_is_no_longer_than_a_year() -> None:
    """It is short in many markets."""
    assert max(PLAN.lookbacks.values()) == 252
    assert PLAN.lookbacks["reversal_5"] == 5
    assert PLAN.lookbacks["high_52_week"] == 251
    assert PLAN.lookbacks["roll_spread_63"] == 64


def test_without_any_bar_nothing_is_known() -> None:
    data = market(300, 8)
    for each in data.fields.values():
        each[:, 0] = np.nan
    for name, found in values_of(data).items():
        assert np.isnan(found[:, 0]).all(), name


def test_without_an_index_only_the_factors_that_need_one_are_missing() -> None:
    data = market(300, 8)
    data.series["benchmark_close"][:] = np.nan
    assert "beta_252" in OF_THE_INDEX
    for name, found in values_of(data).items():
        assert np.isfinite(found[-1, 0]) == (name not in OF_THE_INDEX), name


def test_a_market_that_does_not_move_has_no_beta() -> None:
    data = market(300, 8)
    data.series["benchmark_close"][:] = 100.0
    found = values_of(data)
    for name in OF_THE_INDEX:
        assert np.isnan(found[name]).all(), name


def test_two_thirds_of_a_window_are_enough_and_one_less_is_not() -> None:
    data = market(120, 8, awkward=False)
    close = data.fields["close"]
    close[: 119 - 42, 0] = np.nan  # 43 closes: 42 returns of 63
    close[: 119 - 41, 1] = np.nan
    found = values_of(data)["volatility_63"]
    assert np.isfinite(found[-1, 0])
    assert np.isnan(found[-1, 1])
