"""Every strategy is held to the rules of time; a new one by being registered."""

from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.backtests.strategies.registry import discover
from quant_assets_tests.backtests.samples import all_fields, data_of, with_factors
from quant_assets_tests.backtests.strategies.leaky import Leaky
from quant_assets_tests.prefix import PanelInputs, PrefixError, check_prefix

STRATEGIES = discover()
FACTORS = [f for s in STRATEGIES.values() for f in s.fields(s.parse())]
INPUTS = with_factors(all_fields(days=640, symbols=24, seed=11), FACTORS, seed=12)
# A look ahead of one day shows only if the past ends on a day of decision: months and weeks begin.
MONTHS, WEEKS = (
    np.flatnonzero(rebalancing_days(INPUTS.dates, "monthly")),
    np.flatnonzero(rebalancing_days(INPUTS.dates, "weekly")),
)
CUTS = [int(t) for t in (MONTHS[-1], MONTHS[-4], WEEKS[-2])]
STARTS = (1, 97, 220)
BASE = {"minimum_names": 5}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"rebalance": "daily", "weighting": "score", "maximum_weight": 0.3},
    {"rebalance": "weekly", "weighting": "score", "long_short": True, "gross": 1.5},
]


# What differs from the defaults in what is read or how it is computed.
OWN: dict[str, dict[str, Any]] = {
    "betting_against_beta": {"long_short": False},
    "donchian_breakout": {"shared_among": "members"},
    "dual_momentum": {"absolute": "symbol"},
    "pairs": {"within": "industry", "trading": "monthly", "lags": 0, "significance": 0.1},
    "sector_rotation": {"group": "sector", "skip": 5, "rebalance": "daily"},
    "sharpe_momentum": {"skip": 0},
    "short_term_reversal": {"skip": 2},
    "small_cap_momentum": {"size": "float_value", "skip": 0},
    "sma_crossover": {"shared_among": "members", "fast": 1, "slow": 2},
    "time_series_momentum": {"shared_among": "members", "skip": 21},
    "value": {"measure": "book"},
}


def hold(strategy: Strategy, values: dict[str, Any], thorough: bool = True) -> None:
    """Run the three checks on a strategy's weights."""
    known = set(strategy.Parameters.model_fields)
    parameters = strategy.parse({k: v for k, v in {**BASE, **values}.items() if k in known})

    def weights(inputs: PanelInputs) -> np.ndarray:
        data = data_of(inputs, strategy.fields(parameters))
        return strategy.target_weights(data, parameters)

    cuts, starts = (CUTS, STARTS) if thorough else (CUTS[1:2], STARTS[1:2])
    check_prefix(weights, INPUTS, strategy.lookback(parameters), cuts, starts)


@pytest.mark.parametrize("values", VARIANTS, ids=["defaults", "daily_score", "weekly_long_short"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_no_strategy_knows_the_future_or_where_the_range_starts(
    name: str, values: dict[str, Any]
) -> None:
    hold(STRATEGIES[name], values, thorough=values is VARIANTS[1])


@pytest.mark.parametrize(("name", "values"), OWN.items(), ids=OWN)
def test_nor_does_it_with_other_parameters(name: str, values: dict[str, Any]) -> None:
    hold(STRATEGIES[name], values, thorough=False)


LEAKS = [
    "tomorrow", "tomorrow of a month", "last row", "whole sample", "range start", "symbols listed",
]  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leaky_strategy_is_caught(leak: str) -> None:
    with pytest.raises(PrefixError):
        hold(Leaky(leak), {})


def test_the_same_strategy_without_a_leak_passes() -> None:
    hold(Leaky("none"), {})
