"""What is made of all strategies: the four assets on tables that are there, and when they run."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
from pydantic import Field

from quant_assets.artifacts import open_artifacts
from quant_assets.backtests.combined.weighting import METHODS
from quant_assets.backtests.strategies.base import Strategy, StrategyParameters
from quant_assets.orchestration.assets.combined import combined_assets
from quant_assets.orchestration.combined import _after_strategies
from quant_assets.orchestration.combined_inputs import returns_of, titles_of
from quant_assets.orchestration.io_managers import WarehouseIOManager
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.settings import Settings
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.backtests.combined.samples import NAMES, dates
from quant_assets_tests.markets import simulated_market, small_settings
from quant_assets_tests.performance.comparison.samples import backtest, benchmark

MARKET = "sim"
PAGES = ("strategy_correlations", "portfolio", "strategy_stability", "strategy_comparison")


class Named(Strategy):
    """A strategy of which only the name is needed."""

    title = description = family = "Made up"
    needs = ("close",)

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]
        self.title = name.capitalize()  # type: ignore[misc]

    def target_weights(self, data: Any, parameters: Any) -> np.ndarray:
        raise AssertionError(f"{self.name}: only the name is needed")

    def lookback(self, parameters: Any) -> int:
        return 0


STRATEGIES = {name: Named(name) for name in (*NAMES, "failed")}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    days = dates()
    block = simulated_market(start=days[0].item(), end=days[-1].item())
    rules = {"window": 120, "minimum_sessions": 60, "regime_window": 240, "resamples": 200}
    folder = tmp_path_factory.mktemp("combined")
    return small_settings(folder, {MARKET: block}, {"strategies": {"combined": rules}})


def filled(name: str, table: pa.Table, value: float | None) -> pa.Table:
    """A table with all columns of its schema; those that it lacks hold one value."""
    return pa.table(
        {
            field.name: table[field.name]
            if field.name in table.column_names
            else pa.array([value] * table.num_rows, pa.float64()).cast(field.type)
            for field in schema_of(name).arrow
        }
    )


@pytest.fixture(scope="module")
def warehouse(settings: Settings) -> ParquetWarehouse:
    """The tables that the assets read."""
    made = ParquetWarehouse(settings.warehouse_root, settings.markets)
    rows = backtest()
    names = rows["strategy"].to_numpy(zero_copy_only=False)
    for name in NAMES:
        mine = rows.filter(pa.array(names == name))
        made.replace(f"{MARKET}/backtest", [name], filled("backtest", mine, 0.0))
    days = dates()
    window = Window(days[0].item(), days[-1].item())
    table = filled("benchmark", benchmark(), None)
    made.replace(f"{MARKET}/benchmark", window, table, dates=days.tolist())
    return made


@pytest.fixture(scope="module")
def run(settings: Settings, warehouse: ParquetWarehouse) -> Iterator[dg.ExecuteInProcessResult]:
    assets = combined_assets(MarketPartitions(settings.market(MARKET)), settings, STRATEGIES)
    with dg.DagsterInstance.ephemeral() as instance:
        yield dg.materialize(
            assets,
            instance=instance,
            resources={
                "warehouse": warehouse,
                "artifacts": open_artifacts(settings.artifacts_root),
                "io_manager": WarehouseIOManager(warehouse, settings.markets),
            },
        )


def metadata(run: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (event,) = run.asset_materializations_for_node(f"{MARKET}__{asset}")
    return dict(event.metadata)


def test_every_table_and_page_is_there(
    run: dg.ExecuteInProcessResult, settings: Settings, warehouse: ParquetWarehouse
) -> None:
    assert run.success
    for table in (*PAGES, "portfolio_weights"):
        assert warehouse.read(f"{MARKET}/{table}").num_rows > 0, table
    artifacts = open_artifacts(settings.artifacts_root)
    names = artifacts.names(MARKET)
    assert {f"{MARKET}/{page}/{page}.html" for page in PAGES} <= set(names)
    assert {f"{MARKET}/portfolio/{name}/tear_sheet.html" for name in METHODS} <= set(names)
    for name in names:
        assert len(artifacts.get(name)) < 400_000, name


@pytest.mark.parametrize("asset", PAGES)
def test_a_strategy_without_backtest_is_named(run: dg.ExecuteInProcessResult, asset: str) -> None:
    told = metadata(run, asset)
    assert "failed has no returns" in told["notes"].value
    assert str(told["page"].value).endswith(f"{MARKET}/{asset}/{asset}.html")


def test_pictures_stand_inline(run: dg.ExecuteInProcessResult) -> None:
    for asset, picture in (
        ("strategy_correlations", "correlations"),
        ("portfolio", "equity"),
        ("strategy_comparison", "equity"),
    ):
        assert "data:image/png;base64," in metadata(run, asset)[picture].value


def test_links_of_the_comparison_lead_to_files(
    run: dg.ExecuteInProcessResult, settings: Settings
) -> None:
    artifacts = open_artifacts(settings.artifacts_root)
    page = artifacts.get(f"{MARKET}/strategy_comparison/strategy_comparison.html").decode()
    for name in METHODS:
        assert f'href="../portfolio/{name}/tear_sheet.html"' in page
        assert f"{MARKET}/portfolio/{name}/tear_sheet.html" in artifacts.names(MARKET)
    for name in NAMES:
        assert f'href="../tear_sheet/{name}/tear_sheet.html"' in page


def test_a_second_run_leaves_the_same_bytes(
    run: dg.ExecuteInProcessResult, settings: Settings, warehouse: ParquetWarehouse
) -> None:
    artifacts = open_artifacts(settings.artifacts_root)
    before = {name: artifacts.get(name) for name in artifacts.names(MARKET)}
    assets = combined_assets(MarketPartitions(settings.market(MARKET)), settings, STRATEGIES)
    again = dg.materialize(
        assets,
        resources={
            "warehouse": warehouse,
            "artifacts": artifacts,
            "io_manager": WarehouseIOManager(warehouse, settings.markets),
        },
    )
    assert again.success
    assert {name: artifacts.get(name) for name in artifacts.names(MARKET)} == before


def test_a_failed_rerun_and_parameters_of_another_run_are_told(
    settings: Settings, warehouse: ParquetWarehouse
) -> None:
    """What stands beside each other says where it is older, or was run otherwise than is set."""
    fails = False

    @dg.asset(key=[MARKET, "backtest"], partitions_def=dg.StaticPartitionsDefinition([*STRATEGIES]))
    def remade(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        if fails:
            raise ArithmeticError
        window = 9 if context.partition_key == tried else 5
        return dg.MaterializeResult(metadata={"parameters": {"window": window}})

    class Parameters(StrategyParameters):
        window: int = Field(5, description="sessions")

    known = {**STRATEGIES}
    tried, broken, *others = NAMES
    for name in (tried, others[0]):
        known[name] = Named(name)
        known[name].Parameters = Parameters  # type: ignore[misc]
    with dg.instance_for_test() as instance:
        for name in (*NAMES, "failed"):
            dg.materialize([remade], instance=instance, partition_key=name)
        fails = True
        for name in (broken, "failed"):
            dg.materialize([remade], instance=instance, partition_key=name, raise_on_error=False)
        found, _ = returns_of(instance, warehouse, settings, settings.market(MARKET), known)
    assert list(found.notes[-2:]) == [
        f"the strategy {tried} ran with window = 9; the settings have window = 5 now",
        f"the last backtest of the strategy {broken} failed: what is shown is an older one",
    ]
    assert not any(other in note for other in others for note in found.notes[-2:])


def test_titles_that_two_strategies_have_are_told_apart() -> None:
    twins = {name: Named(name) for name in ("one", "two", "three")}
    twins["two"].title = twins["one"].title  # type: ignore[misc]
    assert titles_of(twins) == {"one": "One (one)", "two": "One (two)", "three": "Three"}


class Strategies:
    """The runs of the strategies' job as the sensor sees them."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        @dg.op
        def nothing() -> None: ...

        @dg.job(name="sim_strategies")
        def strategies() -> None:
            nothing()

        @dg.job(name="sim_combined")
        def combined() -> None:
            nothing()

        self.job, self.instance = strategies, instance
        self.cursor: str | None = None
        self.sensor = _after_strategies("sim", "sim_strategies", combined)  # type: ignore[arg-type]

    def begin(self) -> str:
        run: dg.DagsterRun = self.instance.create_run_for_job(
            self.job, status=dg.DagsterRunStatus.STARTED
        )
        return run.run_id

    def end(self, run_id: str, success: bool = True) -> None:
        kind = dg.DagsterEventType.RUN_SUCCESS if success else dg.DagsterEventType.RUN_FAILURE
        event = dg.DagsterEvent(kind.value, "sim_strategies")
        self.instance.handle_run_event(run_id, event)

    def look(self) -> str:
        """What a tick says: `run` or why not."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        found = self.sensor.evaluate_tick(context)
        self.cursor = found.cursor
        if found.run_requests:
            assert len(found.run_requests) == 1
            return "run"
        return str(found.skip_message)


@pytest.fixture
def strategies() -> Iterator[Strategies]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Strategies(instance)


def test_it_is_asked_for_once_when_all_strategies_have_ended(strategies: Strategies) -> None:
    idle = "no run of sim_strategies has succeeded since the last time"
    assert strategies.look() == idle
    first, second = strategies.begin(), strategies.begin()
    assert strategies.look() == "2 runs of sim_strategies have not ended"
    strategies.end(first)
    assert strategies.look() == "1 runs of sim_strategies have not ended"
    strategies.end(second, success=False)  # it is named in what is made of the others
    assert strategies.look() == "run"
    assert strategies.look() == idle
    third = strategies.begin()
    strategies.end(third, success=False)
    assert strategies.look() == idle
    fourth = strategies.begin()
    strategies.end(fourth)
    assert strategies.look() == "run"
    assert strategies.look() == idle
