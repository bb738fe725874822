"""The running platform: a range of days launched over GraphQL is one run, and everything about it
is read back, over GraphQL and on the pages of Dagster's UI in a browser.

One file, so that one process of the tests starts one platform for all of it.
"""

import json
import re
import statistics

import pytest

from quant_assets_tests.end_to_end.browser import Browser
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

ALL = (
    *("corporate_actions", *CHAIN, "factor_summary", "factor_correlations"),
    *("detected_splits", "split_reconciliation", "market_data_summary"),
    *("factor_sector_summary", "factor_runs", "concurrency_report"),
    *("labels", "model_lightgbm", "predictions", "backtest", "tear_sheet"),
    *("strategy_correlations", "portfolio", "strategy_stability", "strategy_comparison"),
    *("model_tear_sheet", "recommendations", "parameter_sweep", "optimization"),
)
GREEN_SPANS = """[...document.querySelectorAll('[class*=PartitionStatusBar_colorSpan]')]
    .filter(span => span.style.background.includes('green'))
    .map(span => span.getBoundingClientRect().width)"""


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


def test_the_asset_graph_shows_every_asset(platform: Platform, browser: Browser) -> None:
    platform.runs_of_backfill()
    groups = {platform.api.asset(MARKET, asset)["groupName"] for asset in ALL}
    with browser.page(height=1600) as page:  # nodes outside of the window are not drawn
        page.view.add_init_script("localStorage['asset-graph-direction'] = '\"vertical\"'")
        page.open(f"{platform.api.url}/asset-groups")
        page.shows(*groups)
        page.view.keyboard.press("Alt+e")  # expand all groups
        page.view.wait_for_url("**expanded=**")
        page.view.reload()  # a graph is fitted to the window when it is first drawn
        names = page.view.locator("[class*=AssetNode_assetName]")
        names.nth(len(ALL) - 1).wait_for(state="attached")
        drawn = names.all_inner_texts()
        assert len(drawn) == len(ALL)
        # Long names are shortened in the middle: fact…_correlations.
        for asset in ALL:
            assert any(re.fullmatch(n.replace("…", ".*"), asset) for n in drawn), asset
        page.keep("asset_graph")


def test_a_partitioned_asset_shows_its_days(platform: Platform, browser: Browser) -> None:
    platform.runs_of_backfill()
    days = sessions(START, END)
    with browser.page() as page:
        page.open(f"{platform.api.url}/assets/{MARKET}/bars?view=partitions")
        page.shows(
            f"Materialized ({len(platform.days)})",
            f"Missing ({len(days) - len(platform.days)})",
            *("Failed (0)", str(START), str(END)),
        )
        (green,) = page.view.evaluate(GREEN_SPANS)
        whole = page.view.locator("[class*=PartitionStatusBar_partitionSpansContainer]").first
        box = whole.bounding_box()
        assert box is not None
        assert green / box["width"] == pytest.approx(len(platform.days) / len(days), abs=0.02)
        page.view.get_by_text(str(LAST), exact=True).filter(visible=True).last.click()
        page.shows("rows_in_run", "partitions_in_run")
        page.keep("partitions")


def test_checks_are_shown_as_passed(platform: Platform, browser: Browser) -> None:
    platform.runs_of_backfill()
    checks = platform.api.asset(MARKET, "adjusted_bars")["assetChecksOrError"]["checks"]
    with browser.page() as page:
        page.open(f"{platform.api.url}/assets/{MARKET}/adjusted_bars?view=checks")
        page.shows(*(check["name"] for check in checks))
        succeeded = page.view.get_by_text("Succeeded", exact=True).filter(visible=True)
        succeeded.nth(len(checks) - 1).wait_for()
        page.keep("checks")


def test_a_picture_in_the_metadata_loads(platform: Platform, browser: Browser) -> None:
    platform.runs_of_backfill()
    assert platform.ended(platform.launch(("factor_summary",), MONTH)) == "SUCCESS"
    address = f"{platform.api.url}/assets/{MARKET}/factor_summary?view=partitions"
    with browser.page() as page:
        page.open(f"{address}&partition={MONTH}")
        page.shows("overview")
        page.view.get_by_text("[Show Markdown]").first.click()
        page.view.locator("img[src^='data:image/png']").wait_for()
        ((width, height),) = page.pictures()
        assert width > 600
        assert height > 400
        page.keep("picture")


def test_a_tear_sheet_stands_alone(platform: Platform, browser: Browser) -> None:
    platform.runs_of_backfill()
    assert platform.ended(platform.launch(STRATEGY_ASSETS, STRATEGY)) == "SUCCESS"
    address = platform.tear_sheet.as_uri()
    with browser.page() as page:
        page.open(address)
        page.view.wait_for_load_state("networkidle")
        text = page.view.inner_text("body")
        assert re.search("low.volatility", text, re.IGNORECASE)
        assert "simulated" in text.lower()
        assert "Sharpe" in text
        drawings = [*page.drawings(), *page.pictures()]
        assert len(drawings) > 5
        assert all(width > 100 and height > 20 for width, height in drawings)
        page.keep("tear_sheet", whole=True)
        assert page.errors == []
        fetched = [url for url in page.requests if not url.startswith(("data:", "blob:"))]
        assert fetched == [address]


def test_the_backfill_lists_its_assets(platform: Platform, browser: Browser) -> None:
    platform.runs_of_backfill()
    with browser.page() as page:
        page.open(f"{platform.api.url}/runs/b/{platform.backfill_id}")
        page.shows(*(f"{MARKET} / {asset}" for asset in CHAIN))
        page.keep("backfill")


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
