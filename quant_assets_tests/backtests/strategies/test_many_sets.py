"""Weights of many parameter sets at once: bit by bit those of each set alone."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests.rows import DueAverages, DueRows
from quant_assets.backtests.strategies.base import Strategy, StrategyData
from quant_assets.backtests.strategies.registry import discover, find
from quant_assets.backtests.sweeps.spaces import axes_of, space
from quant_assets_tests.backtests.samples import all_fields, data_of

INPUTS = all_fields(330, 25, 5)
# What changes the way weights are made; every combination is tried.
FURTHER: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "cross_sectional_momentum": {
        "lookback": (21, 63), "skip": (0, 5), "quantile": (0.05, 0.3, 0.5),
        "rebalance": ("weekly", "quarterly"), "weighting": ("equal", "score"),
        "maximum_weight": (0.02, 1.0), "long_short": (False, True),
    },
    "sma_crossover": {
        "fast": (1, 7), "slow": (8, 50), "band": (0.0, 0.02),
        "rebalance": ("daily", "monthly"), "long_short": (False, True),
        "maximum_weight": (0.03, 1.0), "shared_among": ("held", "members"),
    },
}  # fmt: skip


def sets_of(strategy: Strategy, grid: Mapping[str, Sequence[Any]]) -> list[Any]:
    return [
        strategy.parse(dict(zip(grid, values, strict=True)))
        for values in itertools.product(*grid.values())
    ]


def same_bits(strategy: Strategy, data: StrategyData, sets: Sequence[Any]) -> None:
    found = list(strategy.target_weights_of_each(data, iter(sets)))
    assert len(found) == len(sets)
    for weights, parameters in zip(found, sets, strict=True):
        alone = strategy.target_weights(data, parameters)
        assert weights.dtype == alone.dtype == np.float64
        assert weights.tobytes() == alone.tobytes(), parameters


@pytest.mark.parametrize("name", FURTHER)
def test_every_way_of_weighing(name: str) -> None:
    strategy = find(name)
    data = data_of(INPUTS, strategy.needs)
    sets = sets_of(strategy, FURTHER[name])
    decided = sum(np.isfinite(w).any() for w in strategy.target_weights_of_each(data, sets))
    assert decided > len(sets) / 2
    same_bits(strategy, data, sets)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(2, 12))
@settings(max_examples=25, deadline=None)
def test_ties_and_missing_prices(seed: int, levels: int, symbols: int) -> None:
    """Few different prices: signals are equal, undefined or infinite."""
    random = np.random.default_rng(seed)
    inputs = all_fields(90, symbols, seed % 1000)
    close = random.integers(0, levels, (90, symbols)).astype(np.float64)
    close[random.random(close.shape) < 0.1] = np.nan
    for name, given_values in (
        (
            "cross_sectional_momentum",
            {"lookback": 21, "skip": 0, "rebalance": "weekly", "minimum_names": 2},
        ),
        ("sma_crossover", {"fast": 2, "slow": 4, "rebalance": "daily"}),
    ):
        strategy = find(name)
        data = data_of(inputs, strategy.needs)
        odd = StrategyData(data.dates, data.symbols, {**data.fields, "close": close})
        sets = [strategy.parse({**given_values, "long_short": side}) for side in (False, True)]
        with np.errstate(all="ignore"):
            same_bits(strategy, odd, sets)


def test_yielded_weights_are_not_written_again() -> None:
    strategy = find("sma_crossover")
    data = data_of(INPUTS, strategy.needs)
    stream = strategy.target_weights_of_each(data, sets_of(strategy, {"fast": (2, 5)}))
    first = next(stream)
    kept = first.copy()
    next(stream)
    assert first.tobytes() == kept.tobytes()


def test_averages_are_forgotten_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = find("sma_crossover")
    data = data_of(INPUTS, strategy.needs)
    monkeypatch.setattr(DueAverages, "KEPT_BYTES", 1)
    same_bits(strategy, data, sets_of(strategy, {"fast": (2, 5), "slow": (10, 20)}))
    due = DueRows(data.dates, np.isfinite(data["close"]))
    averages = DueAverages(data["close"], due)
    for window in (2, 3, 4, 5):
        averages.of(window, "weekly")
    assert len(averages._found) == 2


SHARING = [
    name
    for name, each in discover().items()
    if type(each).target_weights_of_each is not Strategy.target_weights_of_each
]


@pytest.mark.parametrize("name", SHARING)
def test_each_strategy_s_own_grid(name: str) -> None:
    """Whoever shares work among sets is held to it by being registered."""
    strategy = find(name)
    sets = [each.parameters for each in space(strategy, axes_of(strategy)).sets]
    fields = tuple(dict.fromkeys(f for each in sets for f in strategy.fields(each)))
    same_bits(strategy, data_of(INPUTS, fields), sets)


def test_due_rows_refuse_what_does_not_fit() -> None:
    momentum = find("cross_sectional_momentum")
    due = DueRows(INPUTS.dates, np.ones((330, 25), bool))
    with pytest.raises(ValueError, match=r"weighting must be 'equal' here. Got 'score' instead"):
        due.selected(np.zeros((15, 25)), momentum.parse({"weighting": "score"}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"shape of the due rows \(\d+, 25\). Got \(3, 25\)"):
        due.selected(np.zeros((3, 25)), momentum.parse())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"shape of the due rows \(\d+, 25\). Got \(3, 25\) and"):
        due.held_above(
            np.zeros((3, 25)),
            np.zeros((3, 25)),
            0.0,
            find("sma_crossover").parse(),  # type: ignore[arg-type]
        )
