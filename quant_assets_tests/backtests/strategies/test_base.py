"""The plugin's base: parameters with errors that name them, data that is declared."""

import itertools
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.strategies.base import (
    Strategy,
    StrategyData,
    StrategyError,
    factor_of,
    is_field,
)
from quant_assets.backtests.strategies.registry import discover, find
from quant_assets_tests.backtests.samples import all_fields, data_of, with_factors


@pytest.mark.parametrize(
    ("strategy", "values", "message"),
    [
        ("cross_sectional_momentum", {"lookback": 5}, "lookback: .* or equal to 21. Got 5 instead"),
        ("cross_sectional_momentum", {"lookback": "long"}, "lookback: .*integer.*Got 'long'"),
        ("cross_sectional_momentum", {"look": 5}, r"look: no such parameter \(its parameters: "),
        (
            "cross_sectional_momentum",
            {"skip": 63, "lookback": 63},
            "skip must leave at least 1 of the 63 sessions of lookback. Got 63 instead",
        ),
        (
            "low_volatility",
            {"window": 50},
            r"minimum_returns must be at most window \(50\). Got 100 instead",
        ),
        ("model_quantile", {"gross": 1.2}, "gross must be at most 1 without long_short"),
    ],
)
def test_parameters_out_of_bounds_are_named(
    strategy: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(StrategyError, match=message) as error:
        find(strategy).parse(values)
    assert str(error.value).startswith(f"strategy '{strategy}': ")


@pytest.mark.parametrize("name", discover())
def test_defaults_are_valid_and_cannot_be_changed(name: str) -> None:
    parameters = find(name).parse()
    assert find(name).lookback(parameters) >= 1
    with pytest.raises(ValueError, match="frozen"):
        parameters.quantile = 0.5  # type: ignore[attr-defined]


def test_undeclared_fields_cannot_be_read() -> None:
    dates, symbols = np.arange(2).astype("datetime64[D]"), np.array(["A"])
    data = StrategyData(dates, symbols, {"close": np.ones((2, 1)), "index_close": np.ones(2)})
    assert data.shape == (2, 1)
    with pytest.raises(KeyError, match="reads 'open' but its `needs` declare only close"):
        data["open"]


def test_shapes_are_checked() -> None:
    dates, symbols = np.arange(2).astype("datetime64[D]"), np.array(["A"])
    with pytest.raises(ValueError, match=r"'close'.*\(2, 1\). Got \(1, 2\)"):
        StrategyData(dates, symbols, {"close": np.ones((1, 2))})
    with pytest.raises(ValueError, match=r"'index_close'.*\(2,\). Got \(2, 1\)"):
        StrategyData(dates, symbols, {"index_close": np.ones((2, 1))})


def test_factors_are_panels_named_by_library_and_name() -> None:
    assert factor_of("factor:style.reversal_5") == ("style", "reversal_5")
    for text in (
        "close",
        "style.reversal_5",
        "factor:",
        "factor:style",
        "factor:a.b.c",
        "factor:.x",
    ):
        assert factor_of(text) is None
        assert is_field(text) is (text == "close")
    dates, symbols = np.arange(3).astype("datetime64[D]"), np.array(["A", "B"])
    data = StrategyData(dates, symbols, {"factor:style.reversal_5": np.ones((3, 2))})
    assert data["factor:style.reversal_5"].shape == data.shape
    with pytest.raises(ValueError, match=r"must have the shape \(3, 2\)"):
        StrategyData(dates, symbols, {"factor:style.reversal_5": np.ones(3)})


@pytest.mark.parametrize("name", discover())
def test_many_parameter_sets_are_each_as_alone(name: str) -> None:
    strategy = find(name)
    sets = [strategy.parse(chosen) for chosen in grid_sets(strategy)]
    fields = tuple(dict.fromkeys(f for each in sets for f in strategy.fields(each)))
    inputs = with_factors(all_fields(days=420, symbols=24, seed=11), fields, seed=12)
    data = data_of(inputs, fields)
    together = list(strategy.target_weights_of_each(data, iter(sets)))
    assert len(together) == len(sets)
    for weights, parameters in zip(together, sets, strict=True):
        np.testing.assert_array_equal(weights, strategy.target_weights(data, parameters))


def grid_sets(strategy: Strategy) -> list[dict[str, Any]]:
    """Some combinations of a strategy's grid that its constraints allow."""
    allowed = []
    for chosen in itertools.product(*strategy.grid.values()):
        values = dict(zip(strategy.grid, chosen, strict=True))
        with suppress(StrategyError):
            strategy.parse(values)
            allowed.append(values)
    return allowed[:: max(1, len(allowed) // 3)]


SHORT: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in discover()),
    ("dual_momentum", {"absolute": "index"}),
]


@pytest.mark.parametrize(("name", "values"), SHORT)
def test_with_little_history_nothing_fails(name: str, values: dict[str, Any]) -> None:
    strategy = find(name)
    parameters = strategy.parse(values)
    for sessions in (1, 7):
        fields = strategy.fields(parameters)
        inputs = with_factors(all_fields(days=sessions, symbols=9, seed=3), fields, seed=4)
        weights = strategy.target_weights(data_of(inputs, fields), parameters)
        assert weights.shape == (sessions, 9)
        decided = ~np.isnan(weights).any(axis=1)
        assert np.isnan(weights[~decided]).all()
