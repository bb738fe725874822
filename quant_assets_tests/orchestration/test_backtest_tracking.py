"""What an asset says of a log in MLflow: a fault is a warning and metadata, never an error."""

from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from quant_assets.artifacts import LocalArtifacts
from quant_assets.backtests.run import BacktestResult
from quant_assets.backtests.strategies.registry import find
from quant_assets.orchestration.backtest_tracking import (
    attach_pages,
    log_backtest,
    tracking_resource,
)
from quant_assets.orchestration.page_links import page_link, put_page
from quant_assets.settings import Settings
from quant_assets.settings_tracking import TearSheetSettings, TrackingSettings
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets_tests.end_to_end.servers import free_port
from quant_assets_tests.markets import THEIR_WARNINGS, simulated_market, small_settings
from quant_assets_tests.performance.samples import backtest

pytestmark = THEIR_WARNINGS
STRATEGY = find("low_volatility")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return small_settings(tmp_path, {"toy": simulated_market(20)})


def logged(settings: Settings) -> dg.ExecuteInProcessResult:
    """An asset that logs a backtest as the real one does."""
    rows = backtest(np.random.default_rng(0).normal(0.001, 0.01, 60))
    empty = rows.slice(0, 0)
    summary: dict[str, int | float | str | None] = {
        "orders": 7,
        "first_decision": "2020-01-02",
        "final_equity": None,
    }
    result = BacktestResult(rows, empty, empty, empty, summary, (), STRATEGY.parse(), "0f" * 8)

    @dg.asset(required_resource_keys={"backtest_tracking"})
    def logs(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        tracking = context.resources.backtest_tracking
        warehouse = ParquetWarehouse(settings.warehouse_root)
        market = settings.markets["toy"]
        told = log_backtest(context, tracking, warehouse, settings, market, STRATEGY, result)
        pages = attach_pages(context, tracking, told.get("mlflow_run", ""), {"a.html": b"<p>"})
        assert set(pages) <= {"mlflow_run", "tracking_seconds"}
        return dg.MaterializeResult(metadata=told)

    resources = {"backtest_tracking": tracking_resource(settings)}
    return dg.materialize([logs], resources=resources)


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (event,) = result.asset_materializations_for_node("logs")
    return {name: value.value for name, value in event.metadata.items()}


def test_a_backtest_and_its_run_know_each_other(settings: Settings) -> None:
    from mlflow import MlflowClient

    result = logged(settings)
    told = metadata(result)
    assert "tracking_fault" not in told
    client = MlflowClient(settings.mlflow_tracking_uri)
    run = client.get_run(str(told["mlflow_run"]))
    experiment = client.get_experiment(run.info.experiment_id)
    assert experiment.name == f"quant_assets.equities.{STRATEGY.family}.low_volatility"
    assert run.data.tags["dagster_run_id"] == result.run_id
    assert run.data.tags["dagster_run_url"] == f"http://127.0.0.1:3000/runs/{result.run_id}"
    assert run.data.tags["status"] == "research"
    assert run.data.tags["team"] == "research"
    assert run.data.metrics["run.orders"] == 7
    assert "sharpe" in run.data.metrics
    assert "deflated_sharpe" not in run.data.metrics  # no trials are counted
    assert run.data.params["window"] == str(STRATEGY.parse().model_dump()["window"])
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["a.html"]


def test_a_dead_server_is_a_warning_and_metadata(settings: Settings) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    result = logged(settings.model_copy(update={"mlflow_tracking_uri": dead}))
    assert result.success
    told = metadata(result)
    assert "mlflow_run" not in told
    assert "failed with exception" in str(told["tracking_fault"])


def test_tracking_can_be_switched_off(settings: Settings) -> None:
    off = settings.model_copy(update={"tracking": TrackingSettings(backtests=False)})
    assert metadata(logged(off)) == {}


def test_pages_are_linked_where_they_are_served(settings: Settings, tmp_path: Path) -> None:
    lies = page_link(settings, "us/a b.html", "/x/us/a b.html")
    assert lies == dg.MetadataValue.path("/x/us/a b.html")
    served = TearSheetSettings(pages_url="http://127.0.0.1:3001/")
    settings = settings.model_copy(update={"tear_sheets": served})
    linked = dg.MetadataValue.url("http://127.0.0.1:3001/us/a%20b.html")
    assert page_link(settings, "us/a b.html", "/x") == linked
    artifacts = LocalArtifacts(tmp_path / "artifacts")
    assert put_page(artifacts, settings, "us/a b.html", "<p>") == linked
    assert artifacts.get("us/a b.html") == b"<p>"
