"""Which strategies a market can run, and what is said of the others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from quant_assets.backtests.availability import fits, fitting, offered
from quant_assets.backtests.strategies.registry import discover, find
from quant_assets.settings import load_settings
from quant_assets_tests.markets import (
    environment,
    files_market,
    simulated_market,
    small_settings,
    write_config,
)

EVERYTHING: dict[str, Any] = {"strategies": {"only": None}}
ALL = discover()


def unable(folder: Path, block: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    settings = small_settings(folder, {"here": block}, {**EVERYTHING, **config})
    found = fitting(ALL, settings.market("here"), settings)
    assert set(found.able) | set(found.unable) == set(ALL)
    assert not set(found.able) & set(found.unable)
    return found.unable


def test_a_simulated_market_runs_all_but_value(tmp_path: Path) -> None:
    assert unable(tmp_path, simulated_market(), {}) == {
        "value": "the market's source has no valuations"
    }


def test_a_market_of_bars_alone_runs_what_needs_no_more(tmp_path: Path) -> None:
    no_index = "there are no index, volatility index and risk-free rate (markets.yaml)"
    assert unable(tmp_path, files_market(tmp_path / "data"), {}) == {
        "betting_against_beta": no_index,
        "dual_momentum": no_index,
        "index_trend": no_index,
        "rate_easing": no_index,
        "sector_rotation": "the market has no industry (markets.yaml: "
        "source.symbols.columns.industry)",
        "value": "the market's source has no valuations",
    }


def test_an_index_without_a_rate_is_told_by_its_key(tmp_path: Path) -> None:
    block = files_market(tmp_path / "data", index={"path": "index.csv"})
    found = unable(tmp_path, block, {})
    rate = "the market has no risk_free_rate (markets.yaml: risk_free_rate)"
    assert found["rate_easing"] == found["dual_momentum"] == rate
    assert "betting_against_beta" not in found


def test_parameters_decide_what_is_read(tmp_path: Path) -> None:
    def rotated(**parameters: Any) -> dict[str, Any]:
        return {"strategies": {"only": None, "strategies": {"sector_rotation": parameters}}}

    listed = {"path": "symbols.csv", "columns": {"symbol": "symbol", "sector": "sector"}}
    block = files_market(tmp_path / "data")
    block["source"]["symbols"] = listed
    assert "sector_rotation" in unable(tmp_path, block, {})
    of_sectors = rotated(markets={"here": {"group": "sector"}})
    assert "sector_rotation" not in unable(tmp_path, block, of_sectors)


def test_factors_that_are_not_computed_are_told(tmp_path: Path) -> None:
    block = simulated_market()
    without = {"factors": {"libraries": ["alpha101"]}, "models": {"lightgbm": {"features": []}}}
    no_library = "the library of factors style is not computed (factors.yaml: libraries)"
    found = unable(tmp_path, block, without)
    assert found["factor_quantile"] == found["multi_factor"] == no_library
    less = {"factors": {"disabled": {"style": ["momentum_12_1", "reversal_21"]}}}
    found = unable(tmp_path, block, less)
    not_computed = "is not computed (factors.yaml: disabled)"
    assert found["factor_quantile"] == f"the factor style.momentum_12_1 {not_computed}"
    assert found["multi_factor"] == (
        f"the factor style.momentum_12_1 {not_computed}; "
        f"the factor style.reversal_21 {not_computed}"
    )


def test_without_models_there_are_no_scores() -> None:
    columns = {"universe": {"member"}, "adjusted_bars": {"close"}}
    reason = fits(find("model_quantile"), columns, {})
    assert reason == "there is no model (models.yaml)"
    assert fits(find("model_quantile"), {**columns, "predictions": {"score"}}, {}) is None


@pytest.mark.parametrize(
    ("market", "folder", "missing"),
    [
        ("us", "US", {"value"}),
        ("b3", "B3", {"value", "sector_rotation"}),
        ("cn", "CN", {"dual_momentum", "rate_easing", "sector_rotation"}),
    ],
)
def test_the_shipped_markets(tmp_path: Path, market: str, folder: str, missing: set[str]) -> None:
    write_config(tmp_path)
    folders = {f"QUANT_ASSETS_{name}_DATA": "/data" for name in (folder, "BENCHMARK")}
    settings = load_settings(environment=environment(tmp_path, {market: {}}, **folders))
    found = fitting(ALL, settings.market(market), settings)
    assert set(found.unable) == missing
    if market == "us":
        assert len(found.able) >= 16


def test_valuations_are_offered_where_the_source_has_them(tmp_path: Path) -> None:
    write_config(tmp_path)
    variables = environment(tmp_path, {"cn": {}}, QUANT_ASSETS_CN_DATA="/data")
    settings = load_settings(environment=variables)
    there = offered(settings.market("cn"), settings)
    assert {"pe_ttm", "turnover_rate"} <= there["valuations"]
    assert fits(find("small_cap_momentum"), there, {"size": "float_value"}) is None
