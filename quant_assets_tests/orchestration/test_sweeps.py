"""The assets of sweeps and searches on a small simulated market: tables, pages, ledger, MLflow."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from quant_assets.backtests.strategies.registry import find
from quant_assets.backtests.sweeps.ledger import trial_statistics
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.graphs import Graph, errors
from quant_assets_tests.markets import THEIR_WARNINGS, simulated_market, small_settings

# MLflow and dagster-mlflow warn of their own calls.
pytestmark = THEIR_WARNINGS

STRATEGY = "low_volatility"
PARAMETERS = {"window": 15, "minimum_returns": 8, "rebalance": "weekly", "minimum_names": 2}
SWEEP = {"grid": {"window": [10, 15, 20], "minimum_returns": [8, 12]}}
SEARCH = {
    "space": {"window": {"low": 10, "high": 20}, "minimum_returns": [8, 12]},
    "trials": 4, "training_sessions": 25, "test_sessions": 15, "metric": "sortino",
}  # fmt: skip


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """Four months of a simulated market up to the tables that strategies read."""
    folder: Path = tmp_path_factory.mktemp("sweeps")
    block = {"parameters": PARAMETERS, "sweep": SWEEP, "optimization": SEARCH}
    market = simulated_market(symbols=20, end=date(2024, 4, 30))
    settings = small_settings(
        folder, {"sim": market}, {"strategies": {"strategies": {STRATEGY: block}}}
    )
    graph = Graph(settings)
    with dg.DagsterInstance.ephemeral(tempdir=str(folder)) as instance:
        assert not errors(graph.backfill(instance, "sim", "+universe,+benchmark"))
    return graph


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path_factory.mktemp("runs"))) as made:
        yield made


def run(
    graph: Graph, instance: dg.DagsterInstance, asset: str, config: dict[str, Any] | None = None
) -> tuple[dict[str, Any], dg.ExecuteInProcessResult]:
    """The metadata of one run of an asset, and the run."""
    key = dg.AssetKey(["sim", asset])
    job = graph.repository.get_implicit_job_def_for_assets([key])
    assert job is not None
    done = job.get_subset(asset_selection={key}).execute_in_process(
        partition_key=STRATEGY, instance=instance, raise_on_error=False,
        run_config={"ops": {f"sim__{asset}": {"config": config}}} if config else None,
    )  # fmt: skip
    if not done.success:
        return {}, done
    event = done.get_asset_materialization_events()[0]
    metadata = event.step_materialization_data.materialization.metadata
    return {name: value.value for name, value in metadata.items()}, done


def test_a_sweep_fills_its_table_its_page_and_the_ledger(
    graph: Graph, instance: dg.DagsterInstance
) -> None:
    told, done = run(graph, instance, "parameter_sweep")
    table = graph.warehouse.read("sim/parameter_sweep", [STRATEGY])
    schema_of("parameter_sweep").validate(table)
    swept = [json.loads(text) for text in table["swept"].to_pylist()]
    assert {(each["window"], each["minimum_returns"]) for each in swept} == {
        (10, 8), (15, 8), (15, 12), (20, 8), (20, 12),
    }  # fmt: skip
    assert told["parameter_sets"] == 5
    assert told["left_out"] == {"minimum_returns must be at most window": 1}
    assert table["value"].to_pylist() == table["sharpe"].to_pylist()
    values = np.array(table["value"].to_pylist())
    assert table["peak"].to_pylist() == (values == values.max()).tolist()
    assert sum(table["plateau"].to_pylist()) == 1
    page = Path(told["page"]).read_text(encoding="utf-8")
    assert "simulated data" in page
    assert "left out because they break a constraint: minimum_returns" in page.lower()
    assert told["grid"].startswith("![parameter sweep](data:image/png;base64,")
    ledger = graph.warehouse.read("sim/trials")
    assert set(ledger["trial"].to_pylist()) >= set(table["trial"].to_pylist())
    assert set(ledger["run"].to_pylist()) == {done.run_id}
    assert trial_statistics(graph.warehouse, "sim").kinds == {"sweep": 5}
    run(graph, instance, "parameter_sweep")
    assert trial_statistics(graph.warehouse, "sim").count == 5  # the same trials are no new ones


def test_a_run_may_sweep_something_else(graph: Graph, instance: dg.DagsterInstance) -> None:
    config = {"sweep": {"grid": {"quantile": [0.2, 0.4]}, "metric": "cagr"}}
    told, _ = run(graph, instance, "parameter_sweep", config)
    assert told["parameter_sets"] == 2
    assert "cagr_of_the_peak" in told
    table = graph.warehouse.read("sim/parameter_sweep", [STRATEGY])
    assert set(table["metric"].to_pylist()) == {"cagr"}


@pytest.mark.parametrize(
    ("asset", "config", "message"),
    [
        ("parameter_sweep", {"sweep": {"gird": {}}}, "run config: sweep.gird: unknown key"),
        ("parameter_sweep", {"sweep": {"metric": "sharp"}}, "did you mean 'sharpe'?"),
        ("parameter_sweep", {"sweep": {"grid": {"windw": [1]}}}, "did you mean 'window'?"),
        ("optimization", {"optimization": {"trials": 0}}, "optimization.trials: "),
        ("optimization", {"optimization": {"training_sessions": 999}}, "needs 999 training"),
        ("optimization", {"optimization": {"storage": "mysql://x"}}, "must be postgresql"),
    ],
)
def test_what_is_wrong_in_a_run_s_configuration_is_said(
    graph: Graph, instance: dg.DagsterInstance, asset: str, config: dict[str, Any], message: str
) -> None:
    _, done = run(graph, instance, asset, config)
    failure = next(event for event in done.all_events if event.is_step_failure)
    error = failure.step_failure_data.error
    assert error is not None
    assert error.cause is not None
    assert message in error.cause.message


def test_a_search_fills_its_tables_and_is_tracked(
    graph: Graph, instance: dg.DagsterInstance
) -> None:
    import mlflow

    told, done = run(graph, instance, "optimization")
    assert "tracking_fault" not in told, told["tracking_fault"]
    table = graph.warehouse.read("sim/optimization", [STRATEGY])
    schema_of("optimization").validate(table)
    trials = graph.warehouse.read("sim/optimization_trials", [STRATEGY])
    schema_of("optimization_trials").validate(trials)
    assert table.num_rows == told["windows"] == 3
    assert set(table["metric"].to_pylist()) == {"sortino"}
    assert trials.num_rows == 12
    assert told["run_here"] == told["parameter_sets"] == len(set(trials["trial"].to_pylist()))
    assert "simulated data" in Path(told["page"]).read_text(encoding="utf-8")
    assert told["walk_forward"].startswith("![in sample against out of sample](data:image/png")
    mlflow.set_tracking_uri(graph.settings.mlflow_tracking_uri)
    client = mlflow.MlflowClient()
    parent = client.get_run(told["mlflow_run"])
    experiment = client.get_experiment(parent.info.experiment_id)
    assert experiment.name == f"quant_assets.equities.{find(STRATEGY).family}.{STRATEGY}"
    assert parent.data.tags["study"] == told["study"]
    assert parent.data.tags["dagster_run_id"] == done.run_id
    assert parent.data.tags["dagster_run_url"].endswith(f"/runs/{done.run_id}")
    marks = {name: v for name, v in parent.data.tags.items() if not name.startswith("mlflow.")}
    assert marks.items() >= {
        "project": "quant_assets", "team": "research", "status": "research", "market": "sim",
        "asset_class": "equities", "strategy": STRATEGY, "kind": "optimization",
        "strategy_family": find(STRATEGY).family, "simulated": "true",
    }.items()  # fmt: skip
    steps = client.get_metric_history(parent.info.run_id, "window_out_of_sample")
    assert [point.step for point in steps] == [0, 1, 2]
    assert parent.data.metrics["out_of_sample"] == pytest.approx(told["out_of_sample"], abs=1e-6)
    children = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    )
    assert len(children) == told["run_here"]
    assert {child.info.status for child in children} == {"FINISHED"}
    assert "window" in children[0].data.params
    for child in children:
        own = child.data.tags["trial"]
        assert child.data.tags.items() >= {**marks, "kind": "trial", "trial": own}.items()
    again, _ = run(graph, instance, "optimization")
    assert (again["run_here"], again["out_of_sample"]) == (0, told["out_of_sample"])
    counted = trial_statistics(graph.warehouse, "sim").kinds
    assert counted["optimization"] == told["run_here"]


def test_a_tracking_fault_is_told_and_fails_nothing(
    graph: Graph, instance: dg.DagsterInstance
) -> None:
    nowhere = graph.settings.model_copy(update={"mlflow_tracking_uri": "sqlite:////proc/no/a.db"})
    told, _ = run(Graph(nowhere), instance, "optimization", {"optimization": {"seed": 11}})
    assert told["tracking_fault"].startswith("FileNotFoundError: ")
    assert "mlflow_run" not in told
    assert told["run_here"] > 0
