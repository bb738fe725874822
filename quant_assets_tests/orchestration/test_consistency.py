"""Names in the settings that no registry knows show when the graph is built."""

from pathlib import Path
from typing import Any

import pytest

from quant_assets.factors.catalogue import Catalogue, built_in
from quant_assets.orchestration.build import build_defs
from quant_assets.settings_files import ConfigError
from quant_assets_tests.markets import simulated_market, small_settings

VOLATILITY = "low_volatility"


def of_strategy(**keys: Any) -> dict[str, Any]:
    return {"strategies": {"strategies": {VOLATILITY: keys}}}


def reading(factor: str) -> dict[str, Any]:
    block = {"factor_quantile": {"parameters": {"factor": factor}}}
    return {"strategies": {"only": ["factor_quantile"], "strategies": block}}


SLIPS: dict[str, tuple[dict[str, Any], str]] = {
    "library of factors": (
        {"factors": {"disabled": {"styl": []}}},
        "factors.yaml: disabled: no library of factors 'styl' (did you mean 'style'?)",
    ),
    "factor": (
        {"factors": {"disabled": {"style": ["momentum_12"]}}},
        "factors.yaml: disabled.style: no factor 'momentum_12' (did you mean 'momentum_12_",
    ),
    "chosen library": (
        {"factors": {"libraries": ["styl"]}},
        "factors.yaml: libraries: no library of factors 'styl' (did you mean 'style'?)",
    ),
    "library of a market": (
        {"factors": {"markets": {"sim": {"libraries": ["styl"]}}}},
        "factors.yaml: markets.sim.libraries: no library of factors 'styl' (did you mean",
    ),
    "market of factors": (
        {"factors": {"markets": {"simm": {}}}},
        "factors.yaml: markets: no market 'simm' (did you mean 'sim'?)",
    ),
    "formula": (
        {"factors": {"expressions": {"mine": "rank(clsoe)"}}},
        "factors.yaml: expressions.mine: line 1, column 6: no field 'clsoe'",
    ),
    "name that is taken": (
        {"factors": {"expressions": {"beta_252": "close"}}},
        "factors.yaml: expressions: factor 'beta_252' of library 'own' is in 'style' already",
    ),
    "type": (
        {"factors": {"expressions": {"mine": {"formula": "close", "type": "speed"}}}},
        "factors.yaml: expressions: factor 'mine': its type must be one of",
    ),
    "derived field": (
        {"factors": {"definitions": {"vwpa": "close"}}},
        "factors.yaml: definitions: no field 'vwpa' (did you mean 'vwap'?)",
    ),
    "formula of a derived field": (
        {"factors": {"definitions": {"adv": "ts_meen(volume, {d})"}}},
        "factors.yaml: definitions.adv: line 1, column 1: no operator 'ts_meen'",
    ),
    "derived field of one market": (
        {"factors": {"markets": {"sim": {"definitions": {"vwap": "turnovr / volume"}}}}},
        "factors.yaml: markets.sim.definitions.vwap: line 1, column 1: no field 'turnovr'",
    ),
    "features": (
        {"models": {"lightgbm": {"features": ["style", "other"]}}},
        "models.yaml: lightgbm.features: no library of factors 'other'; there are style",
    ),
    "strategy": (
        {"strategies": {"strategies": {"low_volatilty": {}}}},
        "strategies.yaml: strategies.low_volatilty: no such strategy (did you mean",
    ),
    "market of a strategy": (
        of_strategy(markets={"simm": {}}),
        "strategies.low_volatility.markets: no market 'simm' (did you mean 'sim'?)",
    ),
    "parameter": (
        of_strategy(parameters={"windw": 5}),
        "strategies.yaml: on market sim: strategy 'low_volatility': windw: no such parameter",
    ),
    "parameter of one market": (
        of_strategy(markets={"sim": {"quantile": 3}}),
        "on market sim: strategy 'low_volatility': quantile: ",
    ),
    "strategy that alone shall run": (
        {"strategies": {"only": ["low_volatilty"]}},
        "strategies.yaml: only: low_volatilty: no such strategy (did you mean 'low_volatility'?)",
    ),
    "factor of a strategy": (
        reading("style.momentum_12"),
        "strategy 'factor_quantile': library style: no factor 'momentum_12' (did you mean 'mom",
    ),
    "library of a strategy": (
        reading("styl.momentum_12_1"),
        "strategy 'factor_quantile': no library of factors 'styl' (did you mean 'style'?)",
    ),
    "name of a factor": (
        reading("momentum_12_1"),
        "strategy 'factor_quantile': factor: must be library.factor, such as style.momentum_12_1. "
        "Got 'momentum_12_1' instead",
    ),
    "metric of a sweep": (
        of_strategy(sweep={"metric": "volatility"}),
        "strategies.yaml: strategies.low_volatility.sweep.metric: no metric 'volatility' to choose",
    ),
    "parameter of a sweep": (
        of_strategy(sweep={"grid": {"windw": [20]}}),
        "strategies.low_volatility.sweep: strategy 'low_volatility': windw: no such",
    ),
    "value of a search": (
        of_strategy(optimization={"space": {"window": {"low": 1, "high": 60}}}),
        "strategies.low_volatility.optimization: strategy 'low_volatility': window: ",
    ),
    "strategy of a blend that the market cannot run": (
        {
            "strategies": {"only": ["value", "low_volatility"]},
            "portfolio": {"source": "strategies", "strategies": {"value": 1.0}},
        },
        "portfolio.yaml: strategies: sim cannot run 'value': the market's source has no "
        "valuations; name others in markets.sim.strategies",
    ),
    "folder of strategies": (
        {"strategies": {"folders": ["/nowhere/at/all"]}},
        "the folder of strategies /nowhere/at/all does not exist",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named(tmp_path: Path, slip: str) -> None:
    config, message = SLIPS[slip]
    settings = small_settings(tmp_path, {"sim": simulated_market()}, config)
    with pytest.raises(ConfigError) as caught:
        build_defs(settings)
    assert message in str(caught.value)


def test_a_library_without_factors_is_an_error(tmp_path: Path) -> None:
    every = list(Catalogue(built_in()).library("style").expressions)
    config = {"factors": {"disabled": {"style": every}}}
    settings = small_settings(tmp_path, {"sim": simulated_market()}, config)
    with pytest.raises(ConfigError, match=r"factors\.yaml: disabled\.style: no factor is left"):
        build_defs(settings)


def test_what_is_inactive_may_be_named(tmp_path: Path) -> None:
    config = of_strategy(markets={"us": {"quantile": 0.1}})
    settings = small_settings(tmp_path, {"sim": simulated_market()}, config)
    assert "us" in settings.inactive
    build_defs(settings)


def test_a_strategy_that_is_switched_off_is_no_partition(tmp_path: Path) -> None:
    settings = small_settings(tmp_path, {"sim": simulated_market()}, of_strategy(enabled=False))
    graph = build_defs(settings).get_repository_def().asset_graph
    key = next(key for key in graph.get_all_asset_keys() if key.path[-1] == "backtest")
    definition = graph.get(key).partitions_def
    assert definition is not None
    assert definition.get_partition_keys() == ["cross_sectional_momentum", "model_quantile"]


def test_a_factor_that_is_switched_off_is_not_described(tmp_path: Path) -> None:
    config = {"factors": {"disabled": {"style": ["momentum_12_1"]}}}
    settings = small_settings(tmp_path, {"sim": simulated_market()}, config)
    graph = build_defs(settings).get_repository_def().asset_graph
    key = next(key for key in graph.get_all_asset_keys() if key.path[-1] == "factors_style")
    assert "| momentum_6_1 |" in str(graph.get(key).description)
    assert "| momentum_12_1 |" not in str(graph.get(key).description)


def test_a_strategy_that_does_not_fit_is_no_partition(tmp_path: Path) -> None:
    config = {"strategies": {"only": ["value", "low_volatility", "factor_quantile"]}}
    config["strategies"]["strategies"] = {"factor_quantile": {"parameters": {"factor": "own.up"}}}  # type: ignore[assignment]
    settings = small_settings(
        tmp_path,
        {"sim": simulated_market(), "other": simulated_market()},
        {**config, "factors": {"expressions": {"up": "close / open"}}},
    )
    graph = build_defs(settings).get_repository_def().asset_graph
    for key in graph.get_all_asset_keys():
        if key.path[-1] in ("backtest", "tear_sheet"):
            definition = graph.get(key).partitions_def
            assert definition is not None
            assert definition.get_partition_keys() == ["factor_quantile", "low_volatility"]
