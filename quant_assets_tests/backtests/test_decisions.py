"""Decisions of any plugin: a look ahead ends the backtest, an error names the line it came from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.decisions import decide, hold_to_the_past
from quant_assets.backtests.strategies.base import Strategy, StrategyData, StrategyError
from quant_assets.backtests.strategies.registry import discover
from quant_assets_tests.backtests.samples import all_fields, data_of, with_factors
from quant_assets_tests.backtests.strategies.leaky import Leaky

STRATEGIES = discover()
FACTORS = [f for s in STRATEGIES.values() for f in s.fields(s.parse())]
INPUTS = with_factors(all_fields(days=500, symbols=24, seed=3), FACTORS, seed=4)


def decided(strategy: Strategy, **values: Any) -> np.ndarray:
    known = set(strategy.Parameters.model_fields)
    parameters = strategy.parse({k: v for k, v in values.items() if k in known})
    data = data_of(INPUTS, strategy.fields(parameters))
    weights = decide(strategy, data, parameters)
    hold_to_the_past(strategy, data, parameters, weights)
    return weights


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_is_shipped_passes_as_it_is(name: str) -> None:
    strategy = STRATEGIES[name]
    parameters = strategy.parse()
    expected = strategy.target_weights(data_of(INPUTS, strategy.fields(parameters)), parameters)
    np.testing.assert_array_equal(decided(strategy), expected)


@pytest.mark.parametrize("leak", ["tomorrow", "tomorrow of a month", "last row", "whole sample"])
def test_a_look_ahead_is_refused_with_the_first_place_that_it_changes(leak: str) -> None:
    with pytest.raises(StrategyError, match="'leaky' knows the future: its weight of S0") as told:
        decided(Leaky(leak))
    assert "leaky.py" in str(told.value)
    assert "where nothing after 20" in str(told.value)


def test_neither_an_honest_strategy_nor_one_that_never_decides_is_refused() -> None:
    assert decided(Leaky("none")).any()
    assert not decided(Leaky("")).any()


class Failing(Strategy):
    """Fails in its own code."""

    name = title = description = family = "failing"
    needs = ("close",)

    def lookback(self, parameters: Any) -> int:
        return 0

    def target_weights(self, data: StrategyData, parameters: Any) -> np.ndarray:
        return np.array([float("three")])  # the line that is named


def test_an_error_of_its_code_names_strategy_file_and_line() -> None:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.endswith("# the line that is named"))
    with pytest.raises(StrategyError) as told:
        decided(Failing())
    assert str(told.value).startswith("strategy 'failing': ValueError: could not convert")
    assert str(told.value).endswith(f"({__file__}, line {line})")
