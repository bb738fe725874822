"""What is materialized, missing and failed."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from quant_assets.orchestration.status import AssetStatus, asset_status
from quant_assets_tests.graphs import Graph
from quant_assets_tests.markets import bars, files_market, sessions, small_settings

DAYS = sessions()
EVENTS = "ex_date,symbol,kind,ratio\n2024-01-05,AAA,split,2\n"


def states(graph: Graph, instance: dg.DagsterInstance) -> dict[str, AssetStatus]:
    return {row.asset: row for row in asset_status(graph.repository, instance, "tiny")}


def counts(row: AssetStatus) -> tuple[int, int, int]:
    assert row.partitions == row.materialized + row.missing + row.failed
    return row.materialized, row.missing, row.failed


def test_a_market_through_its_troubles(tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    source = {"corporate_actions": str(events)}
    graph = Graph(
        small_settings(tmp_path, {"tiny": files_market(tmp_path / "data", bars(), source)})
    )
    with dg.DagsterInstance.ephemeral() as instance:

        def backfill(select: str, first: date, last: date) -> bool:
            return graph.backfill(instance, "tiny", select, first, last).success

        rows = states(graph, instance)
        assert counts(rows["bars"]) == (0, len(DAYS), 0)
        assert counts(rows["corporate_actions"]) == (0, 1, 0)
        assert counts(rows["model_lightgbm"]) == (0, 1, 0)
        assert counts(rows["backtest"]) == (0, 3, 0)
        assert {row.last for row in rows.values()} == {None}

        # an unpartitioned asset that fails
        assert not backfill("corporate_actions", DAYS[0], DAYS[0])
        assert counts(states(graph, instance)["corporate_actions"]) == (0, 0, 1)
        events.write_text(EVENTS)
        assert backfill("+universe,quarantine", DAYS[0], DAYS[3])
        rows = states(graph, instance)
        assert counts(rows["corporate_actions"]) == (1, 0, 0)
        when = datetime.strptime(str(rows["corporate_actions"].last), "%Y-%m-%d %H:%M")
        assert abs((datetime.now(UTC).replace(tzinfo=None) - when).total_seconds()) < 300
        for name in ("bars", "quarantine", "adjusted_bars", "universe"):
            assert counts(rows[name]) == (4, len(DAYS) - 4, 0)
            assert rows[name].last == str(DAYS[3])
        assert counts(rows["labels"]) == (0, len(DAYS), 0)

        # a delivery that cannot be read: two days fail that were there, and two that were not
        path = tmp_path / "data" / "bars.parquet"
        whole = path.read_bytes()
        path.write_bytes(whole[:1000])
        assert not backfill("bars", DAYS[2], DAYS[5])
        rows = states(graph, instance)
        assert counts(rows["bars"]) == (2, len(DAYS) - 6, 4)
        assert rows["bars"].last == str(DAYS[1])
        assert counts(rows["universe"]) == (4, len(DAYS) - 4, 0)

        # repaired
        path.write_bytes(whole)
        assert backfill("bars", DAYS[2], DAYS[5])
        assert counts(states(graph, instance)["bars"]) == (6, len(DAYS) - 6, 0)

        # and events that are gone again hide what was there
        events.unlink()
        assert not backfill("corporate_actions", DAYS[0], DAYS[0])
        row = states(graph, instance)["corporate_actions"]
        assert counts(row) == (0, 0, 1)
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}", str(row.last))


def test_rows_come_in_the_order_of_the_graph(tmp_path: Path) -> None:
    graph = Graph(small_settings(tmp_path, {"tiny": files_market(tmp_path / "data", bars())}))
    with dg.DagsterInstance.ephemeral() as instance:
        order = [row.asset for row in asset_status(graph.repository, instance, "tiny")]
        assert asset_status(graph.repository, instance, "other") == []
    assert len(order) == len(set(order)) == 29
    chain = ["corporate_actions", "bars", "adjusted_bars", "labels", "backtest", "tear_sheet"]
    assert sorted(chain, key=order.index) == chain
