"""The launchpad's form: what it offers, what Dagster refuses, what the strategy refuses."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from quant_assets.backtests.strategies.base import StrategyError
from quant_assets.backtests.strategies.registry import discover
from quant_assets.orchestration.build import build_defs
from quant_assets.orchestration.strategy_config import (
    parameters_of_last_run,
    parameters_schema,
    run_parameters,
)
from quant_assets.settings import Settings
from quant_assets_tests.markets import simulated_market, small_settings

STRATEGIES = discover()
KEY = dg.AssetKey(["sim", "backtest"])


def asset(settings: Settings, market: str = "sim") -> dg.AssetsDefinition:
    """An asset by strategy that does nothing but settle its parameters."""

    @dg.asset(
        key=[market, "backtest"],
        partitions_def=dg.StaticPartitionsDefinition(list(STRATEGIES)),
        config_schema=parameters_schema(STRATEGIES.values()),
    )
    def backtest(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        name = context.partition_key
        here = settings.market("sim")
        settled = STRATEGIES[name].parse(run_parameters(context, STRATEGIES[name], settings, here))
        return dg.MaterializeResult(
            metadata={"parameters": dg.MetadataValue.json(settled.model_dump(mode="json"))}
        )

    return backtest


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    of_sma = {"parameters": {"slow": 120}, "markets": {"sim": {"band": 0.01}}}
    config = {"strategies": {"only": None, "strategies": {"sma_crossover": of_sma}}}
    return small_settings(tmp_path, {"sim": simulated_market()}, config)


def run(
    settings: Settings, strategy: str, parameters: dict[str, Any] | None
) -> dict[str, Any] | None:
    """What a run in the launchpad settles on."""
    config = {"ops": {"sim__backtest": {"config": {"parameters": parameters}}}}
    with dg.instance_for_test() as instance:
        assert parameters_of_last_run(instance, KEY, strategy) is None
        dg.materialize(
            [asset(settings)],
            partition_key=strategy,
            run_config=config if parameters is not None else {},
            instance=instance,
        )
        return parameters_of_last_run(instance, KEY, strategy)


def test_without_config_the_settings_hold(settings: Settings) -> None:
    settled = run(settings, "sma_crossover", None)
    assert settled is not None
    assert (settled["fast"], settled["slow"], settled["band"]) == (50, 120, 0.01)


def test_parameters_of_other_strategies_alone_are_told(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    settled = run(settings, "sma_crossover", {"low_volatility": {"window": 63}})
    assert settled is not None
    assert settled["slow"] == 120
    told = "parameters of low_volatility, and none of sma_crossover"
    assert told in capfd.readouterr().err
    run(settings, "sma_crossover", {"low_volatility": {"window": 63}, "sma_crossover": {"fast": 9}})
    assert "and none of" not in capfd.readouterr().err


def test_a_run_sets_parameters_of_its_own_strategy_only(settings: Settings) -> None:
    config = {"sma_crossover": {"fast": 20, "gross": 1}, "low_volatility": {"window": 63}}
    settled = run(settings, "sma_crossover", config)
    assert settled is not None
    assert (settled["fast"], settled["slow"], settled["band"]) == (20, 120, 0.01)
    assert settled["gross"] == 1.0


@pytest.mark.parametrize(
    "parameters",
    [
        {"sma_crosover": {}},
        {"sma_crossover": {"fats": 20}},
        {"sma_crossover": {"fast": "twenty"}},
        {"sma_crossover": {"rebalance": "hourly"}},
        {"multi_factor": {"factors": 3}},
    ],
)
def test_dagster_refuses_names_types_and_choices(
    settings: Settings, parameters: dict[str, Any]
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError):
        run(settings, "sma_crossover", parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"fast": 0}, r"strategy 'sma_crossover': fast: .*greater than or equal to 1. Got 0"),
        ({"fast": 200}, r"fast must be shorter than slow \(120\). Got 200 instead"),
    ],
)
def test_the_strategy_refuses_what_is_out_of_bounds(
    settings: Settings, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(StrategyError, match=message):
        run(settings, "sma_crossover", {"sma_crossover": parameters})


def test_what_the_market_does_not_have_is_refused(settings: Settings) -> None:
    with pytest.raises(StrategyError, match=r"'factor_quantile' on sim: the library of factors x"):
        run(settings, "factor_quantile", {"factor_quantile": {"factor": "x.y"}})


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_default_can_be_given_in_the_form(name: str) -> None:
    """The schema takes what the model gives: nothing is left out, nothing of another kind."""
    defaults = STRATEGIES[name].parse().model_dump(mode="json")
    seen: list[Any] = []

    @dg.op(config_schema=parameters_schema(STRATEGIES.values()))
    def settle(context: dg.OpExecutionContext) -> None:
        seen.append(context.op_config)

    given = {"parameters": {name: defaults}}
    settle(dg.build_op_context(op_config=given))
    assert seen == [given]


def test_descriptions_tell_bounds_and_defaults() -> None:
    shape = parameters_schema(STRATEGIES.values())["parameters"].config_type
    block = shape.fields["sma_crossover"].config_type  # type: ignore[attr-defined]
    assert block.fields["fast"].description == (
        "sessions of the fast average (>= 1, <= 250, default 50)"
    )
    choices = block.fields["rebalance"].config_type.config_values
    assert choices == ["daily", "weekly", "monthly", "quarterly"]


def test_markets_have_forms_beside_each_other(settings: Settings) -> None:
    graph = dg.Definitions([asset(settings), asset(settings, "other")]).get_repository_def()
    job = graph.get_all_jobs()[0]
    for market in ("sim", "other"):
        good, bad = (
            {"ops": {f"{market}__backtest": {"config": {"parameters": {"value": {"measure": x}}}}}}
            for x in ("book", "books")
        )
        assert dg.validate_run_config(job, good)
        with pytest.raises(dg.DagsterInvalidConfigError, match="not in enum type value_measure"):
            dg.validate_run_config(job, bad)


def test_the_backtest_of_a_market_has_the_form(settings: Settings) -> None:
    job = build_defs(settings).get_repository_def().get_job("sim_strategies")
    for name, accepted in (("sma_crossover", True), ("value", False)):  # value does not fit
        config = {"ops": {"sim__backtest": {"config": {"parameters": {name: {"gross": 0.5}}}}}}
        if accepted:
            assert dg.validate_run_config(job, config)
        else:
            with pytest.raises(dg.DagsterInvalidConfigError, match="unexpected config entry"):
                dg.validate_run_config(job, config)
