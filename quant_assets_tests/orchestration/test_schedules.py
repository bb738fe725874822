"""Schedules: when they tick, in the market's time zone, and what they ask for."""

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import cron_string_iterator

from quant_assets_tests.graphs import Graph
from quant_assets_tests.markets import simulated_market, small_settings

NEW_YORK = ZoneInfo("America/New_York")
STRATEGIES = ["cross_sectional_momentum", "low_volatility", "model_quantile"]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    markets = {
        "sim": simulated_market(),
        "tokyo": simulated_market(calendar="XTKS", timezone="Asia/Tokyo", daily_at="02:15"),
        "going_on": simulated_market(end=None),
    }
    return Graph(small_settings(tmp_path_factory.mktemp("schedules"), markets))


def schedule(graph: Graph, name: str) -> dg.ScheduleDefinition:
    return graph.repository.get_schedule_def(name)


def asked(graph: Graph, name: str, day: date) -> list[str | None] | str:
    """The partitions that a tick asks for, or why it asks for none."""
    tick = dg.build_schedule_context(
        repository_def=graph.repository,
        scheduled_execution_time=datetime(day.year, day.month, day.day, 0, 30, tzinfo=NEW_YORK),
    )
    found = schedule(graph, name).evaluate_tick(tick)
    if found.skip_message is not None:
        assert not found.run_requests
        return found.skip_message
    requests = found.run_requests or []
    keys = [request.run_key for request in requests]
    assert len(set(keys)) == len(keys)
    return [request.partition_key for request in requests]


def test_schedules_tick_in_the_markets_time(graph: Graph) -> None:
    crons = {
        s.name: (s.cron_schedule, s.execution_timezone)
        for s in graph.repository.schedule_defs
        if not s.name.startswith("going_on")
    }
    assert crons == {
        "sim_daily": ("30 0 * * *", "America/New_York"),
        "sim_models_monthly": ("30 2 1 * *", "America/New_York"),
        "sim_summaries_monthly": ("30 2 1 * *", "America/New_York"),
        "sim_strategies_monthly": ("30 4 1 * *", "America/New_York"),
        "sim_market_data_summary_daily": ("30 3 * * *", "America/New_York"),
        "sim_mining_daily": ("30 5 * * *", "America/New_York"),
        "tokyo_daily": ("15 2 * * *", "Asia/Tokyo"),
        "tokyo_models_monthly": ("15 4 1 * *", "Asia/Tokyo"),
        "tokyo_summaries_monthly": ("15 4 1 * *", "Asia/Tokyo"),
        "tokyo_strategies_monthly": ("15 6 1 * *", "Asia/Tokyo"),
        "tokyo_market_data_summary_daily": ("15 5 * * *", "Asia/Tokyo"),
        "tokyo_mining_daily": ("15 7 * * *", "Asia/Tokyo"),
    }


def test_a_day_of_a_clock_change_has_one_tick(graph: Graph) -> None:
    daily = schedule(graph, "sim_daily")
    assert isinstance(daily.cron_schedule, str)
    start = datetime(2024, 3, 9, tzinfo=NEW_YORK).timestamp()
    ticks = cron_string_iterator(start, daily.cron_schedule, daily.execution_timezone)
    days = [next(ticks) for _ in range(4)]
    assert [tick.day for tick in days] == [9, 10, 11, 12]
    assert {(tick.hour, tick.minute) for tick in days} == {(0, 30)}


def test_the_last_session_is_asked_for(graph: Graph) -> None:
    assert asked(graph, "sim_daily", date(2024, 1, 4)) == ["2024-01-03"]
    assert asked(graph, "sim_daily", date(2024, 1, 6)) == ["2024-01-05"]  # Friday's, on Saturday


@pytest.mark.parametrize(
    ("today", "yesterday"),
    [
        (date(2024, 1, 7), "2024-01-06"),  # Saturday
        (date(2024, 1, 8), "2024-01-07"),  # Sunday
        (date(2024, 1, 16), "2024-01-15"),  # a holiday
    ],
)
def test_a_day_after_no_session_is_skipped(graph: Graph, today: date, yesterday: str) -> None:
    assert asked(graph, "sim_daily", today) == f"{yesterday} was no session of XNYS"


def test_after_the_markets_end_nothing_is_asked_for(graph: Graph) -> None:
    assert asked(graph, "sim_daily", date(2024, 3, 1)) == ["2024-02-29"]
    assert asked(graph, "sim_daily", date(2024, 3, 2)) == "2024-03-01 was no session of XNYS"
    assert asked(graph, "sim_models_monthly", date(2024, 3, 1)) == "sim has no partition 2024-03"
    assert asked(graph, "sim_summaries_monthly", date(2024, 4, 1)) == "sim has no partition 2024-03"


def test_months(graph: Graph) -> None:
    first = date(2024, 2, 1)
    assert asked(graph, "going_on_models_monthly", first) == ["2024-02"]
    assert asked(graph, "going_on_summaries_monthly", first) == ["2024-01"]
    assert asked(graph, "going_on_strategies_monthly", first) == STRATEGIES


def test_before_the_first_month_nothing_is_asked_for(graph: Graph) -> None:
    day = date(2024, 1, 1)
    assert asked(graph, "going_on_models_monthly", day) == "going_on has no partition 2024-01"
    assert asked(graph, "going_on_summaries_monthly", day) == "going_on has no partition 2023-12"


SUMMARIES = {"factor_summary", "factor_sector_summary", "factor_correlations"}


COMBINED = {"strategy_correlations", "portfolio", "strategy_stability", "strategy_comparison"}


def test_what_a_job_covers(graph: Graph) -> None:
    def assets(job: str) -> set[str]:
        keys = graph.repository.get_job(job).asset_layer.selected_asset_keys
        assert {key.path[0] for key in keys} == {"sim"}
        return {key.path[-1] for key in keys}

    daily = assets("sim_daily")
    assert {"corporate_actions", "bars", "factor_evaluation", "labels", "predictions"} <= daily
    assert assets("sim_models") == {"model_lightgbm"}
    of_all_days = {"detected_splits", "split_reconciliation", "model_tear_sheet"}
    assert assets("sim_summaries") == SUMMARIES | of_all_days
    assert assets("sim_strategies") == {"backtest", "tear_sheet"}
    assert assets("sim_sweeps") == {"parameter_sweep", "optimization"}
    assert assets("sim_combined") == COMBINED
    assert assets("sim_mining") == {"factor_runs", "concurrency_report"}
    assert assets("sim_market_data_summary") == {"market_data_summary"}
    names = ("daily", "models", "summaries", "strategies", "sweeps", "combined", "mining")
    jobs = [assets(f"sim_{name}") for name in (*names, "market_data_summary")]
    keys = graph.repository.asset_graph.get_all_asset_keys()
    every = {key.path[-1] for key in keys if key.path[0] == "sim"}
    assert set.union(*jobs) == every
    assert sum(len(job) for job in jobs) == len(every)


def test_the_summary_of_market_data_is_asked_for_every_day(graph: Graph) -> None:
    assert asked(graph, "sim_market_data_summary_daily", date(2024, 3, 2)) == [None]  # a Saturday


def test_a_tick_can_be_run(graph: Graph, tmp_path: Path) -> None:
    """A daily request of the schedule materializes that one day of every daily asset."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = graph.repository.get_job("sim_daily").execute_in_process(
            instance=instance, partition_key="2024-01-03"
        )
        assert result.success
        for name in ("bars", "universe", "factor_evaluation", "predictions"):
            done = instance.get_materialized_partitions(dg.AssetKey(["sim", name]))
            assert done == {"2024-01-03"}
