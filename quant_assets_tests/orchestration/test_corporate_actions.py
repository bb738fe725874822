"""Corporate actions in the graph: declared, rejected, detected, reconciled, and what is shown."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data.sources import registry
from quant_assets.market_data.sources.base import REJECTED_ACTIONS_SCHEMA
from quant_assets.market_data.sources.files import Files
from quant_assets.orchestration.markdown import table_metadata
from quant_assets_tests.graphs import Graph
from quant_assets_tests.markets import bars, files_market, sessions, small_settings

DAYS = sessions()
DECLARED, SILENT = DAYS[25], DAYS[30]
SPLITS = [dg.AssetKey(["tiny", name]) for name in ("detected_splits", "split_reconciliation")]


class Rejecting(Files):
    """Files of which one event cannot be used."""

    rejects_actions = True

    def rejected_actions(self) -> pa.Table:
        values = ["a.json", "cashDividends 1", "AAA", "GIFT", "no_amount", "rate | is empty", "{}"]
        row = dict(zip(REJECTED_ACTIONS_SCHEMA.names, values, strict=True))
        return pa.Table.from_pylist([row], schema=REJECTED_ACTIONS_SCHEMA)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """AAA splits as declared, BBB splits and nobody says so; CCC's bonus is small."""
    folder = tmp_path_factory.mktemp("actions")
    frame = bars()
    for symbol, day, ratio in (("AAA", DECLARED, 4.0), ("BBB", SILENT, 2.0), ("CCC", SILENT, 1.05)):
        after = (frame["symbol"] == symbol) & (frame["date"] >= pd.Timestamp(day))
        frame.loc[after, ["open", "high", "low", "close"]] /= ratio
        frame.loc[after, "volume"] *= ratio
    events = folder / "events.csv"
    lines = ["ex_date,symbol,kind,ratio,cash,price"]
    lines += [f"{DECLARED},AAA,split,4,,", f"{SILENT},CCC,bonus,1.05,,"]
    lines += [f"{DECLARED},DDD,subscription,0.1,,", f"{DECLARED},EEE,interest_on_capital,,2,"]
    events.write_text("\n".join(lines) + "\n")
    source = {"corporate_actions": str(events)}
    market = files_market(folder / "data", frame, source, actions={"interest_tax": 0.15})
    return Graph(small_settings(folder, {"tiny": market}))


@pytest.fixture(scope="module")
def metadata(graph: Graph) -> dict[str, dict[str, Any]]:
    """What the materializations say, after one backfill of everything that is needed."""
    with dg.DagsterInstance.ephemeral() as instance:
        selection = "+split_reconciliation,adjusted_bars"
        assert graph.backfill(instance, "tiny", selection, DAYS[0], DAYS[-1]).success
        found = {}
        for name in ("corporate_actions", "adjusted_bars", "detected_splits", SPLITS[1].path[-1]):
            event = instance.get_latest_materialization_event(dg.AssetKey(["tiny", name]))
            assert event is not None
            assert event.asset_materialization is not None
            values = event.asset_materialization.metadata
            found[name] = {key: value.value for key, value in values.items()}
        return found


def test_declared_events_are_counted(metadata: dict[str, dict[str, Any]]) -> None:
    found = metadata["corporate_actions"]
    kinds = ["bonus", "interest_on_capital", "split", "subscription"]
    assert found["kinds"] == dict.fromkeys(kinds, 1)
    assert (found["symbols"], found["dagster/row_count"]) == (4, 4)
    assert (found["first_day"], found["last_day"]) == (str(DECLARED), str(SILENT))


def test_what_is_not_applied_is_shown(graph: Graph, metadata: dict[str, dict[str, Any]]) -> None:
    found = metadata["adjusted_bars"]
    assert found["not_applied"] == 1
    assert "| DDD | subscription |  | a subscription without ratio" in found["events_not_applied"]
    # interest on capital of 2 is applied net of the tax of the settings
    adjusted = graph.warehouse.read("tiny/adjusted_bars", symbols=["EEE"]).to_pandas()
    raw = graph.warehouse.read("tiny/bars", symbols=["EEE"]).to_pandas()
    before = raw["close"][DAYS.index(DECLARED) - 1]
    assert adjusted["price_factor"].iloc[-1] == pytest.approx(before / (before - 1.7), rel=1e-12)


def test_detected_and_reconciled_splits_are_tables(
    graph: Graph, metadata: dict[str, dict[str, Any]]
) -> None:
    detected = graph.warehouse.read("tiny/detected_splits").to_pylist()
    assert [(row["symbol"], row["ex_date"], row["ratio"]) for row in detected] == [
        ("AAA", DECLARED, 4.0),
        ("BBB", SILENT, 2.0),
    ]
    reconciled = graph.warehouse.read("tiny/split_reconciliation").to_pylist()
    assert [(row["symbol"], row["status"]) for row in reconciled] == [
        ("AAA", "confirmed"),
        ("BBB", "missing"),
        ("CCC", "undetected"),
    ]
    found = metadata["split_reconciliation"]
    counts = {"missing": 1, "contradicting": 0, "undetected": 1, "confirmed": 1}
    assert {name: found[name] for name in counts} == counts
    assert f"| AAA | {DECLARED} | split | 4 | 4 | day and" in found["confirmed_splits"]
    assert found["contradicting_splits"] == "none"
    assert f"| BBB | {SILENT} |" in metadata["detected_splits"]["latest"]


def test_the_monthly_job_looks_through_all_days(graph: Graph, metadata: object) -> None:
    before = graph.warehouse.read("tiny/split_reconciliation")
    job = graph.repository.get_job("tiny_summaries")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key="2024-01", asset_selection=SPLITS
        )
    assert result.success
    assert graph.warehouse.read("tiny/split_reconciliation").equals(before)


def test_rejected_records_are_a_table_where_a_source_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Graph(small_settings(tmp_path / "plain", {"tiny": files_market(tmp_path / "data")}))
    key = dg.AssetKey(["tiny", "rejected_actions"])
    assert key not in plain.repository.asset_graph.get_all_asset_keys()
    monkeypatch.setitem(registry.SOURCES, "files", (__name__, Rejecting.__name__))
    graph = Graph(small_settings(tmp_path, {"tiny": files_market(tmp_path / "data", bars())}))
    with dg.DagsterInstance.ephemeral() as instance:
        assert graph.backfill(instance, "tiny", "rejected_actions", DAYS[0], DAYS[0]).success
        event = instance.get_latest_materialization_event(key)
    assert event is not None
    assert event.asset_materialization is not None
    found = event.asset_materialization.metadata
    assert found["reasons"].value == {"no_amount": 1}
    assert "| AAA | GIFT | no_amount | rate \\| is empty |" in str(found["records"].value)
    assert graph.warehouse.read("tiny/rejected_actions").num_rows == 1


def test_a_long_table_says_how_much_more_there_is() -> None:
    table = pa.table({"a": list(range(60)), "b": [None] * 60, "c": [0.1234567] * 60})
    text = str(table_metadata(table, ["a", "c", "b"], most=2).value)
    assert (
        text
        == "| a | c | b |\n| --- | --- | --- |\n| 0 | 0.123457 |  |\n| 1 | 0.123457 |  |"
        + ("\n\n… and 58 more")
    )
    assert "more" not in str(table_metadata(table, ["a"], most=60).value)
