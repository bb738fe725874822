"""Spaces: values of axes, products, and what breaks a constraint."""

import numpy as np
import pytest

from quant_assets.backtests.strategies.base import StrategyError
from quant_assets.backtests.strategies.registry import find
from quant_assets.backtests.sweeps.spaces import axes_of, corners, plain, space, trial_key
from quant_assets.settings_sweeps import OptimizationSettings, SweepSettings, ValueRange
from quant_assets_tests.backtests.sweeps.samples import Crossing

MOMENTUM = find("cross_sectional_momentum")


def test_the_strategy_s_own_grid_without_what_breaks_a_constraint() -> None:
    made = space(Crossing(), axes_of(Crossing()))
    assert [tuple(each.values.values()) for each in made.sets] == [
        (2, 4), (2, 8), (2, 16), (2, 32),
        (4, 8), (4, 16), (4, 32),
        (8, 16), (8, 32),
        (16, 32),
    ]  # fmt: skip
    assert made.left_out == {"fast must be below slow": 6}
    assert made.places[:2].tolist() == [[0, 0], [0, 1]]
    assert made.places[-1].tolist() == [3, 3]
    assert [axis.ordered for axis in made.axes] == [True, True]
    assert made.axes[0].span == (2, 16, None, False)
    assert made.axes[0].whole


def test_lists_ranges_and_all_that_a_type_allows() -> None:
    grid = {
        "lookback": ValueRange(low=21, high=756, count=4, log=True),
        "quantile": ValueRange(low=0.1, high=0.3, step=0.1),
        "weighting": None,
        "long_short": None,
    }
    lookback, quantile, weighting, long_short = axes_of(MOMENTUM, grid)
    assert lookback.values == (21, 69, 229, 756)
    assert quantile.values == (0.1, 0.2, 0.3)
    assert quantile.span == (0.1, 0.3, 0.1, False)
    assert (weighting.values, weighting.ordered, weighting.span) == (
        ("equal", "score"),
        False,
        None,
    )
    assert long_short.values == (False, True)
    assert not long_short.ordered
    whole = axes_of(MOMENTUM, {"lookback": None, "quantile": None})
    assert (whole[0].values[0], whole[0].values[-1]) == (21, 756)
    assert (whole[1].values[0], whole[1].values[-1]) == (0.0005, 0.5)
    listed = axes_of(MOMENTUM, {"skip": [21, 0, 21, 5]})[0]
    assert (listed.values, listed.span) == ((0, 5, 21), None)


def test_values_are_those_of_the_parameter_s_type() -> None:
    fast = axes_of(Crossing(), {"fast": ["10", 10, 10.0, 4]})[0]
    assert (fast.values, fast.ordered) == ((4, 10), True)
    share = axes_of(Crossing(), {"share": [1, 0.5, 1.0]})[0]
    assert [repr(value) for value in share.values] == ["0.5", "1.0"]


def test_a_search_keeps_to_a_count_and_to_its_steps() -> None:
    counted = axes_of(Crossing(), {"fast": ValueRange(low=2, high=80, count=3)})[0]
    assert (counted.values, counted.span) == ((2, 41, 80), None)
    stepped = axes_of(Crossing(), {"fast": ValueRange(low=2, high=9, step=3)})[0]
    assert (stepped.values, stepped.span) == ((2, 5, 8), (2, 8, 3, False))


def test_corners_of_a_space_too_large_for_a_grid() -> None:
    grid = {name: ValueRange(low=1 if name == "fast" else 2, high=90) for name in ("fast", "slow")}
    grid |= {"share": list(np.linspace(0.01, 1, 900)), "side": [f"{k}" for k in range(40)]}  # type: ignore[dict-item]
    axes = axes_of(Crossing(), grid)
    made = corners(Crossing(), axes)
    assert made.axes == axes
    assert max(each.parameters.slow for each in made.sets) == 90  # type: ignore[attr-defined]
    assert {each.values["side"] for each in made.sets} == {f"{k}" for k in range(40)}
    assert len(made.sets) < 27 * 40


def test_fixed_values_are_part_of_every_set() -> None:
    made = space(Crossing(), axes_of(Crossing(), {"fast": [2, 20]}), {"slow": 10, "share": 0.5})
    assert [plain(each.parameters) for each in made.sets] == [
        {"fast": 2, "slow": 10, "share": 0.5, "side": "long"}
    ]


def test_a_trial_is_known_by_its_strategy_and_all_its_parameters() -> None:
    first = trial_key("crossing", {"fast": 2, "slow": 4})
    assert first == trial_key("crossing", {"slow": 4, "fast": 2})
    assert len({first, trial_key("crossing", {"fast": 2, "slow": 5}), trial_key("b", {})}) == 3


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"fsat": [1]}, r"fsat: no such parameter \(did you mean 'fast'\?\)"),
        ({"fast": [0, 5]}, "fast: .*greater than or equal to 1. Got 0 instead"),
        ({"fast": ["many"]}, "fast: .*Got 'many' instead"),
        ({"slow": [2], "fast": [2, 3]}, "no set of the grid keeps .*fast must be below slow"),
        ({"side": ValueRange(low=1, high=2)}, "side: a range needs a parameter that is a number"),
        ({"side": None}, "side: has no bounds on both sides; give its values"),
        ({"fast": ValueRange(low=2.5, high=9)}, "fast: low must be a whole number. Got 2.5"),
        ({"fast": ValueRange(low=2, high=9, step=0.5)}, "fast: step must be a whole number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(grid: dict[str, object], message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        space(Crossing(), axes_of(Crossing(), grid))  # type: ignore[arg-type]


def test_a_grid_too_large_is_refused() -> None:
    grid = {"fast": list(range(1, 50)), "slow": list(range(2, 150))}
    with pytest.raises(StrategyError, match=r"at most 5000 .* Got 7252 \(49 fast x 148 slow\)"):
        space(Crossing(), axes_of(Crossing(), grid))
    with pytest.raises(StrategyError, match="names no values of its own to sweep: give a grid"):
        axes_of(type("Bare", (Crossing,), {"grid": {}, "name": "bare"})())


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"grid": {}}, "names no parameter"),
        ({"grid": {"fast": []}}, "fast has no values"),
        ({"grid": {"fast": {"low": 3, "high": 3}}}, "low 3 must lie below high 3"),
        ({"grid": {"fast": {"low": 1, "high": 3, "step": 1, "count": 3}}}, "exclude each other"),
        ({"grid": {"fast": {"low": 0, "high": 3, "log": True}}}, "log needs low above 0"),
    ],
)
def test_settings_that_are_wrong(block: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SweepSettings.model_validate(block)
    with pytest.raises(ValueError, match=message):
        OptimizationSettings.model_validate({"space": block["grid"]})
