"""Backfills: which runs a range needs, in which order, and what becomes of them."""

import signal
import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quant_assets.orchestration.backfill import RUN_TAG, Run, Stage, execute, plan, window_of
from quant_assets.orchestration.listener import listener_logger
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.window import Window
from quant_assets_tests.graphs import DAILY, Graph, errors, nothing, stray_files, tables_of
from quant_assets_tests.markets import (
    bars,
    files_market,
    sessions,
    simulated_market,
    small_settings,
)

FIRST, LAST = date(2024, 1, 2), date(2024, 1, 9)
DAYS = sessions(FIRST, LAST)

BROKEN = """
import numpy as np

from quant_assets.backtests.strategies.base import Strategy


class Broken(Strategy):
    name = "broken"
    title = "Broken"
    description = "Fails."
    family = "test"
    needs = ("close",)

    def target_weights(self, data, parameters):
        raise ArithmeticError("this strategy cannot count")

    def lookback(self, parameters):
        return 0
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """A market of files, and a simulated one beside it; one good strategy and a broken one."""
    folder: Path = tmp_path_factory.mktemp("backfill")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "broken.py").write_text(textwrap.dedent(BROKEN))
    strategies = {"folders": [str(folder / "plugins")], "only": ["broken", "low_volatility"]}
    markets = {
        "tiny": files_market(folder / "data", bars()),
        "sim": simulated_market(end=date(2024, 4, 30)),
    }
    return Graph(small_settings(folder, markets, {"strategies": strategies}))


def names(run: Run) -> set[str]:
    return {key.path[-1] for key in run.keys}


def shown(stages: list[Stage]) -> list[list[tuple[set[str], tuple[str, ...] | None]]]:
    return [[(names(run), run.partitions) for run in stage.runs] for stage in stages]


PREDICTED = {"predictions", "recommendations"}
CHAIN = {*DAILY} - PREDICTED
SPLITS = {"detected_splits", "split_reconciliation"}
OF_STRATEGIES = {"backtest", "tear_sheet"}
COMBINED = {"strategy_correlations", "portfolio", "strategy_stability", "strategy_comparison"}
SUMMARIES = {"factor_summary", "factor_sector_summary", "factor_correlations"}


def test_the_whole_graph(graph: Graph) -> None:
    stages = graph.plan("tiny")
    days = tuple(str(day) for day in sessions())
    assert shown(stages) == [
        [({"corporate_actions"}, None)],
        [(CHAIN, days)],  # the daily chain is one run
        [({"market_data_summary", "factor_runs", "concurrency_report", *SPLITS}, None)],
        [(SUMMARIES, ("2024-01", "2024-02"))],
        [(OF_STRATEGIES, (name,)) for name in ("broken", "low_volatility")],
        [(COMBINED, None)],  # once, after the last strategy
        [({"model_lightgbm"}, ("2024-02",))],
        [(PREDICTED, days)],
        [({"model_tear_sheet"}, None)],
    ]


def test_one_more_day(graph: Graph) -> None:
    """The daily job is one run, as its schedule's is: the month's model is there already."""
    day = date(2024, 2, 29)
    assert shown(graph.plan("tiny", "daily", day, day)) == [
        [({"corporate_actions"}, None)],
        [(set(DAILY), ("2024-02-29",))],
    ]
    run = graph.plan("tiny", "daily", day, day)[1].runs[0]
    assert run.tags == {}
    assert str(run).endswith("[2024-02-29]")


def test_a_month_of_models_is_one_run_each(graph: Graph) -> None:
    stages = graph.plan("sim", "models", date(2024, 1, 31), date(2024, 4, 1))
    assert shown(stages) == [
        [({"model_lightgbm"}, (month,)) for month in ("2024-02", "2024-03", "2024-04")]
    ]


def test_a_range_asks_for_the_months_it_touches(graph: Graph) -> None:
    stages = graph.plan("tiny", "summaries", date(2024, 1, 31), date(2024, 2, 1))
    assert shown(stages) == [
        [({*SPLITS, "model_tear_sheet"}, None)],
        [(SUMMARIES, ("2024-01", "2024-02"))],
    ]
    assert shown(graph.plan("tiny", "models", FIRST, LAST)) == []  # before the first model


def test_outputs_that_are_made_together_run_together(graph: Graph) -> None:
    (stage,) = graph.plan("tiny", "quarantine", FIRST, LAST)
    assert names(stage.runs[0]) == {"bars", "quarantine"}


def test_a_run_tells_its_range_and_its_size(graph: Graph) -> None:
    (stage,) = graph.plan("tiny", "universe", FIRST, LAST)
    (run,) = stage.runs
    assert run.tags == {
        "dagster/asset_partition_range_start": "2024-01-02",
        "dagster/asset_partition_range_end": "2024-01-09",
    }
    assert run.asset_partitions == len(DAYS) == 6
    assert str(run) == "universe [2024-01-02 … 2024-01-09]"
    (actions,) = graph.plan("tiny", "corporate_actions", FIRST, LAST)
    assert (str(actions.runs[0]), actions.runs[0].asset_partitions) == ("corporate_actions", 1)


ASSETS = [*DAILY, "corporate_actions", "model_lightgbm", "factor_summary"]
ASSETS += ["factor_correlations", "backtest", "tear_sheet"]


@given(chosen=st.sets(st.sampled_from(ASSETS), min_size=1))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_runs_before_what_it_needs(graph: Graph, chosen: set[str]) -> None:
    keys = [dg.AssetKey(["tiny", name]) for name in sorted(chosen)]
    stages = plan(
        graph.repository,
        graph.partitions("tiny"),
        dg.AssetSelection.assets(*keys),
        Window(date(2024, 1, 2), date(2024, 2, 29)),
    )
    assets = graph.repository.asset_graph
    together = {"bars", "quarantine"}
    wanted = chosen | (together if chosen & together else set())
    done: set[dg.AssetKey] = set()
    for stage in stages:
        assert all(run.keys == stage.keys for run in stage.runs)
        for key in stage.keys:
            assert key not in done
            needs = {k for k in assets.get(key).parent_keys if k.path[-1] in wanted}
            assert needs <= done | set(stage.keys)
        definitions = {assets.get(key).partitions_def for key in stage.keys}
        assert len(definitions) == 1
        done.update(stage.keys)
    assert {key.path[-1] for key in done} == wanted


def test_the_range_that_is_asked_for(graph: Graph) -> None:
    market = graph.partitions("tiny")
    assert window_of(market, None, None) == Window(FIRST, date(2024, 2, 29))
    assert window_of(market, date(2024, 1, 6), None) == Window(date(2024, 1, 6), date(2024, 2, 29))
    assert window_of(market, None, LAST) == Window(FIRST, LAST)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (
            date(2023, 12, 29),
            None,
            "--from 2023-12-29 lies before tiny begins: its first session is 2024-01-02. "
            "Ask from 2024-01-02, or set `start` of tiny in markets.yaml",
        ),
        (None, date(2024, 3, 1), "--to 2024-03-01 lies after the last session that has ended"),
        (date(2024, 1, 9), date(2024, 1, 8), "--to 2024-01-08 lies before --from 2024-01-09"),
        (
            date(2024, 1, 13),
            date(2024, 1, 15),
            "nothing to do: XNYS has no session from 2024-01-13 to 2024-01-15",
        ),
    ],
)
def test_a_range_that_cannot_be(
    graph: Graph, start: date | None, end: date | None, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        window_of(graph.partitions("tiny"), start, end)
    assert message in str(caught.value)


@pytest.fixture(scope="module")
def undisturbed(graph: Graph) -> dict[str, pa.Table]:
    """The daily tables of some days after one backfill, which shows its events meanwhile."""
    begun: list[Run] = []
    events: list[str] = []
    with dg.DagsterInstance.ephemeral() as instance:
        report = graph.backfill(
            instance,
            "tiny",
            "daily,strategies",
            FIRST,
            LAST,
            on_start=begun.append,
            on_event=lambda event: events.append(event.event_type_value),
        )
        runs = instance.get_runs()
    # the broken strategy fails alone
    (message,) = errors(report)
    assert message.startswith("strategy 'broken': ArithmeticError: this strategy cannot count (")
    assert message.endswith("broken.py, line 15)")
    assert [outcome.success for outcome in report.outcomes] == [True, True, False, True]
    assert [outcome.run for outcome in report.outcomes] == begun
    assert not report.success
    assert not report.interrupted
    assert {run.run_id for run in runs} == {outcome.run_id for outcome in report.outcomes}
    assert {run.tags[RUN_TAG] for run in runs} == {"quant-assets backfill"}
    good = sum(outcome.run.asset_partitions for outcome in report.outcomes if outcome.success)
    assert good == 1 + len(DAILY) * len(DAYS) + 2
    assert events.count("ASSET_MATERIALIZATION") == good
    return tables_of(graph.warehouse, "tiny")


def test_the_whole_range_is_there(graph: Graph, undisturbed: dict[str, pa.Table]) -> None:
    for name in DAILY:
        assert graph.warehouse.partitions(f"tiny/{name}") == [str(day) for day in DAYS], name
    assert undisturbed["bars"].num_rows == 5 * len(DAYS)
    assert undisturbed["factors_style"].num_rows == 5 * len(DAYS)
    assert graph.warehouse.partitions("tiny/backtest") == ["low_volatility"]
    assert graph.warehouse.partitions("tiny/tear_sheet") == ["low_volatility"]
    assert stray_files(graph.settings.warehouse_root) == []


def test_a_part_of_the_range_again_has_the_same_bits(
    graph: Graph, undisturbed: dict[str, pa.Table]
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert graph.backfill(instance, "tiny", "daily", DAYS[2], DAYS[4]).success
    assert tables_of(graph.warehouse, "tiny") == undisturbed


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # mlflow
def test_what_needs_a_failed_asset_is_skipped(graph: Graph) -> None:
    """Two months are too few for a model, so nothing predicts, and nothing is recommended."""
    with dg.DagsterInstance.ephemeral() as instance:
        report = graph.backfill(
            instance,
            "tiny",
            "model_lightgbm,predictions,recommendations,corporate_actions",
            date(2024, 2, 28),
            date(2024, 2, 29),
        )
    became = {
        str(o.run).split(" [")[0]: "skipped" if o.skipped else o.error and "failed"
        for o in report.outcomes
    }
    assert became == {
        "corporate_actions": None,
        "model_lightgbm": "failed",
        "predictions, recommendations": "skipped",
    }
    (message,) = errors(report)
    assert message.startswith("a model of 2024-02 needs 18 months of sessions before it")
    assert "2024-02-28" not in graph.warehouse.partitions("tiny/predictions")


def small_graph(fails: bool, faulty: bool) -> list[tuple[str, str]]:
    """What became of the runs when one of two assets of a run fails, or a check of the other."""
    parts = dg.StaticPartitionsDefinition(["one"])

    @dg.asset(partitions_def=parts, check_specs=[dg.AssetCheckSpec("whole", asset="good")])
    def good() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        yield dg.MaterializeResult()
        yield dg.AssetCheckResult(passed=not faulty, check_name="whole")

    @dg.asset(partitions_def=parts)
    def bad() -> None:
        if fails:
            raise ArithmeticError("no")

    @dg.asset(deps=[dg.AssetDep(good, partition_mapping=dg.AllPartitionMapping())])
    def after_good() -> None: ...

    @dg.asset(deps=[dg.AssetDep(bad, partition_mapping=dg.AllPartitionMapping())])
    def after_bad() -> None: ...

    loggers = {"listener": listener_logger}
    defs = dg.Definitions(assets=[good, bad, after_good, after_bad], loggers=loggers)
    repository = defs.get_repository_def()
    key = {name: dg.AssetKey(name) for name in ("good", "bad", "after_good", "after_bad")}
    stages = [
        Stage((Run((key["good"], key["bad"]), ("one",)),)),
        Stage((Run((key["after_good"],), None),)),
        Stage((Run((key["after_bad"],), None),)),
    ]
    with dg.DagsterInstance.ephemeral() as instance:
        report = execute(stages, repository, instance, nothing, nothing, nothing)
    return [
        (str(o.run), f"lacks {', '.join(o.lacks)}" if o.skipped else o.error or "done")
        for o in report.outcomes
    ]


def test_what_a_failed_run_made_all_the_same_can_be_used() -> None:
    assert small_graph(fails=True, faulty=False) == [
        ("good, bad [one]", "ArithmeticError: no"),
        ("after_good", "done"),
        ("after_bad", "lacks bad"),
    ]


def test_what_a_check_found_a_fault_in_is_not_used() -> None:
    became = dict(small_graph(fails=True, faulty=True))
    assert became["after_good"] == "lacks good"
    assert set(dict(small_graph(fails=False, faulty=False)).values()) == {"done"}


def test_an_interrupt_ends_the_backfill_and_leaves_whole_partitions(
    graph: Graph, undisturbed: dict[str, pa.Table]
) -> None:
    def interrupt(event: dg.DagsterEvent) -> None:
        if event.is_step_start and event.step_key == "tiny__universe":
            signal.raise_signal(signal.SIGINT)

    with dg.DagsterInstance.ephemeral() as instance:
        report = graph.backfill(
            instance, "tiny", "daily,strategies", FIRST, LAST, on_event=interrupt
        )
        assert report.interrupted
        assert not report.success
        assert [outcome.success for outcome in report.outcomes] == [True, False]
        (run,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert run.run_id == report.outcomes[-1].run_id
    assert errors(report) == ["interrupted"]
    assert tables_of(graph.warehouse, "tiny") == undisturbed  # all were there before
    assert stray_files(graph.settings.warehouse_root) == []


class Collected:
    """An object whose end is a bad moment for an interrupt: nobody can catch what is raised."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_is_lost_ends_the_backfill_before_the_next_step(
    graph: Graph, undisturbed: dict[str, pa.Table], capfd: pytest.CaptureFixture[str]
) -> None:
    steps: list[str] = []

    def interrupt(event: dg.DagsterEvent) -> None:
        if event.is_step_start:
            steps.append(str(event.step_key))
        if event.step_key == "tiny__bars" and event.is_step_success:
            Collected()

    with dg.DagsterInstance.ephemeral() as instance:
        report = graph.backfill(instance, "tiny", "daily", FIRST, LAST, on_event=interrupt)
        done = instance.get_materialized_partitions(dg.AssetKey(["tiny", "bars"]))
    assert report.interrupted
    assert errors(report) == ["interrupted"]
    assert "Exception ignored" not in capfd.readouterr().err
    assert done == {str(day) for day in DAYS}  # the step itself went on to its end
    assert len(steps) == steps.index("tiny__bars") + 2
    assert tables_of(graph.warehouse, "tiny") == undisturbed
