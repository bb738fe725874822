"""The plugin's base: parameters with errors that name them, data that is declared."""

from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.strategies.base import StrategyData, StrategyError
from quant_assets.backtests.strategies.registry import discover, find


@pytest.mark.parametrize(
    ("strategy", "values", "message"),
    [
        ("cross_sectional_momentum", {"lookback": 5}, "lookback: .* or equal to 21. Got 5 instead"),
        ("cross_sectional_momentum", {"lookback": "long"}, "lookback: .*integer.*Got 'long'"),
        ("cross_sectional_momentum", {"look": 5}, r"look: no such parameter \(its parameters: "),
        (
            "cross_sectional_momentum",
            {"skip": 63, "lookback": 63},
            r"skip must be shorter than lookback \(63\). Got 63 instead",
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
