"""A range of days launched over GraphQL: one run, and everything about it read back."""

import json
import re
import statistics

import pytest

from quant_assets_tests.end_to_end.platform import (
    CHAIN,
    END,
    FIRST,
    LAST,
    MARKET,
    MONTH,
    START,
    STRATEGY,
    STRATEGY_ASSETS,
    Platform,
)
from quant_assets_tests.end_to_end.servers import wait_for
from quant_assets_tests.markets import sessions

pytestmark = pytest.mark.ui


def test_a_range_of_the_daily_chain_is_one_run(platform: Platform) -> None:
    runs = platform.runs_of_backfill()
    assert [run["status"] for run in runs] == ["SUCCESS"], platform.servers[1].said()
    assets = {key["path"][-1] for key in runs[0]["assetSelection"]}
    assert assets == set(CHAIN)
    tags = {tag["key"]: tag["value"] for tag in runs[0]["tags"]}
    assert tags["dagster/asset_partition_range_start"] == str(FIRST)
    assert tags["dagster/asset_partition_range_end"] == str(LAST)


def test_the_webserver_answers_while_the_range_runs(platform: Platform) -> None:
    platform.runs_of_backfill()
    assert len(platform.api.seconds) > 10
    assert statistics.median(platform.api.seconds) < 0.5


@pytest.mark.parametrize("asset", CHAIN)
def test_exactly_the_range_is_materialized(platform: Platform, asset: str) -> None:
    platform.runs_of_backfill()
    node = platform.api.asset(MARKET, asset)
    assert node["partitionKeys"] == [str(day) for day in sessions(START, END)]
    assert node["partitionStats"] == {
        "numPartitions": len(sessions(START, END)),
        "numMaterialized": len(platform.days),
        "numFailed": 0,
        "numMaterializing": 0,
    }
    (done,) = node["assetPartitionStatuses"]["ranges"]
    assert (done["startKey"], done["endKey"], done["status"]) == (
        *(str(FIRST), str(LAST)),
        "MATERIALIZED",
    )


@pytest.mark.parametrize("asset", CHAIN)
def test_checks_ran_and_passed(platform: Platform, asset: str) -> None:
    platform.runs_of_backfill()
    checks = platform.api.asset(MARKET, asset)["assetChecksOrError"]["checks"]
    assert any(check["name"] == "schema" and check["blocking"] for check in checks)
    for check in checks:
        execution = check["executionForLatestMaterialization"]
        assert execution is not None, f"{check['name']} did not run"
        # A market whose last session is missing is not fresh, whatever was materialized just now.
        passes = LAST == END or check["name"] != "freshness_check"
        assert execution["status"] == ("SUCCEEDED" if passes else "FAILED"), check


def test_materializations_say_what_they_hold(platform: Platform) -> None:
    platform.runs_of_backfill()
    found = platform.api.metadata(MARKET, "bars", str(LAST))
    assert found["partitions_in_run"] == len(platform.days)
    assert found["rows_in_run"] + found["rejected_in_run"] == found["source_rows_in_run"] > 1000


def test_every_asset_is_described(platform: Platform) -> None:
    splits = ("detected_splits", "split_reconciliation")
    for asset in (*CHAIN, "corporate_actions", *splits, *STRATEGY_ASSETS):
        assert platform.api.asset(MARKET, asset)["description"], asset


def test_schedules_and_sensors_are_listed(platform: Platform) -> None:
    automation = platform.api.automation()
    schedules = {each["name"]: each for each in automation["schedules"]}
    assert set(schedules) == {
        f"{MARKET}_{name}"
        for name in (
            *("daily", "mining_daily", "market_data_summary_daily"),
            *("models_monthly", "summaries_monthly", "strategies_monthly"),
        )
    }
    daily = schedules[f"{MARKET}_daily"]
    assert (daily["cronSchedule"], daily["executionTimezone"]) == (
        "30 0 * * *",
        "America/New_York",
    )
    assert daily["scheduleState"]["status"] == "STOPPED"
    sensors = {each["name"]: each["sensorState"]["status"] for each in automation["sensors"]}
    stopped = {f"{MARKET}_freshness": "STOPPED", f"{MARKET}_combined": "STOPPED"}
    assert sensors == {**stopped, "run_failures": "RUNNING"}


def test_a_month_and_a_strategy_are_materialized_on_request(platform: Platform) -> None:
    platform.runs_of_backfill()
    runs = [
        platform.launch(("factor_summary",), MONTH),
        platform.launch(STRATEGY_ASSETS, STRATEGY),
    ]
    assert [platform.ended(run) for run in runs] == ["SUCCESS", "SUCCESS"]
    picture = platform.api.metadata(MARKET, "factor_summary", MONTH)["overview"]
    assert re.match(r"!\[.+\]\(data:image/png;base64,", picture)
    backtest = platform.api.metadata(MARKET, "backtest", STRATEGY)
    assert backtest["sessions"] > 10
    assert json.loads(backtest["parameters"])["window"] == 21
    assert platform.tear_sheet.is_file()


def test_the_daemon_calls_the_backfill_done(platform: Platform) -> None:
    platform.runs_of_backfill()
    assert platform.api.daemon_is_healthy()
    status = wait_for(
        lambda: (s := platform.api.backfill(platform.backfill_id)[0]) != "REQUESTED" and s,
        60,
        "the end of the backfill",
        *platform.servers,
    )
    assert status == "COMPLETED_SUCCESS"
