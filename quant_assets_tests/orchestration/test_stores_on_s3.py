"""Files and artefacts on S3 with either store: a chain to a model on ClickHouse, and books."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from quant_assets.artifacts import open_artifacts
from quant_assets.models.store import ModelStore
from quant_assets.orchestration.backfill import Report
from quant_assets.settings import Settings
from quant_assets.warehouse.s3 import open_client, split_address
from quant_assets.warehouse.store import Warehouse, open_warehouse
from quant_assets_tests.graphs import Graph, errors
from quant_assets_tests.markets import THEIR_WARNINGS, bars, market_block, small_settings, tracked
from quant_assets_tests.orchestration.s3_market import (
    DAYS,
    END,
    START,
    SYMBOLS,
    deliver,
    landed,
    settings_at,
)
from quant_assets_tests.orchestration.test_order_book import (
    MONDAY,
    ORDERS_OF_TWO,
    TUESDAY,
    deliver_two,
    rebuilt_block,
)
from quant_assets_tests.warehouse.conftest import s3_root, server_process
from quant_assets_tests.warehouse.server_process import ServerProcess, empty

__all__ = ["s3_root", "server_process"]

pytestmark = THEIR_WARNINGS


@dataclass
class OnClickHouse:
    """The market after its run: tables on ClickHouse, everything else on S3."""

    root: str
    settings: Settings
    warehouse: Warehouse
    instance: dg.DagsterInstance
    asked: list[Any]
    report: Report


@pytest.fixture(scope="module")
def clickhouse_root(server_process: ServerProcess) -> Iterator[str]:
    """The address of an empty server."""
    yield server_process.root
    empty(server_process.warehouse().server)


@pytest.fixture(scope="module")
def on_clickhouse(
    tmp_path_factory: pytest.TempPathFactory,
    s3_root: str,
    clickhouse_root: str,
    tracking_database: Path,
) -> Iterator[OnClickHouse]:
    folder, root = tmp_path_factory.mktemp("on_clickhouse"), f"{s3_root}/platform"
    deliver(folder, root)
    settings = tracked(settings_at(folder, root, clickhouse_root), tracking_database)
    graph = Graph(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        asked = landed(graph, instance)
        report = graph.backfill(instance, "tiny", "+predictions,market_data_summary")
        yield OnClickHouse(root, settings, open_warehouse(settings), instance, asked, report)


def test_files_that_land_on_s3_are_asked_for(on_clickhouse: OnClickHouse) -> None:
    (request,) = on_clickhouse.asked
    assert request.tags["dagster/asset_partition_range_start"] == str(START)
    assert request.tags["dagster/asset_partition_range_end"] == str(END)


def test_bars_of_files_on_s3_stand_on_clickhouse(on_clickhouse: OnClickHouse) -> None:
    assert errors(on_clickhouse.report) == []
    warehouse = on_clickhouse.warehouse
    assert warehouse.partitions("tiny/bars") == [str(day) for day in DAYS]
    held = warehouse.read("tiny/bars").to_pandas(date_as_object=False)
    expected = bars(DAYS, SYMBOLS).drop(index=3).reset_index(drop=True)
    columns = ["symbol", "open", "high", "low", "close", "volume"]
    pd.testing.assert_frame_equal(held[columns], expected[columns])
    assert warehouse.read("tiny/quarantine").num_rows == 1
    factors = warehouse.read("tiny/adjusted_bars", columns=["price_factor"])["price_factor"]
    assert set(factors.to_pylist()) == {1.0, 2.0}
    members = warehouse.sql(
        "SELECT date, countIf(member) AS n FROM tiny.universe GROUP BY 1 ORDER BY 1"
    )
    assert set(members["n"][1:]) == {len(SYMBOLS)}


def test_a_model_on_s3_predicts_into_clickhouse(on_clickhouse: OnClickHouse) -> None:
    predicted = on_clickhouse.warehouse.read("tiny/predictions")
    assert predicted.num_rows == 2 * len(SYMBOLS)
    assert set(predicted["model_month"].to_pylist()) == {"2024-02"}
    artifacts = open_artifacts(on_clickhouse.settings.artifacts_root)
    assert ModelStore(artifacts).months("tiny", "lightgbm") == ["2024-02"]
    page = artifacts.get("tiny/market_data_summary/market_data_summary.html")
    assert b"<!doctype html>" in page[:100].lower()
    home = on_clickhouse.settings.home
    assert not (home / "artifacts").exists()
    assert not (home / "warehouse").exists()


def test_nothing_of_the_tables_lies_on_s3(on_clickhouse: OnClickHouse) -> None:
    names = open_artifacts(on_clickhouse.root).names()
    assert {name.split("/")[0] for name in names} == {"vendor", "artefacts"}


def upload(folder: Path, root: str) -> None:
    """The files of a folder under a prefix."""
    bucket, prefix = split_address(root)
    client = open_client()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        key = f"{prefix}/{path.relative_to(folder)}"
        client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())


@pytest.mark.parametrize("store", ["parquet", "clickhouse"])
def test_books_of_files_on_s3(
    store: str, s3_root: str, clickhouse_root: str, tmp_path: Path
) -> None:
    """Two days of orders and trades; the second one is delivered anew, and replaced alone."""
    root = f"{s3_root}/level2/{store}"
    block = rebuilt_block(Path("files"))
    for files in block["files"]:
        files["path"] = f"{root}/{files['path']}"
    market = market_block(
        calendar="XSHG",
        timezone="Asia/Shanghai",
        start=MONDAY,
        end=TUESDAY,
        models_from=date(2024, 4, 1),
        source={"kind": "simulated"},
        order_book=block,
    )
    place = f"{root}/warehouse" if store == "parquet" else clickhouse_root
    settings = small_settings(tmp_path, {"deep": market}, QUANT_ASSETS_WAREHOUSE=place)
    graph, warehouse = Graph(settings), open_warehouse(settings)
    local = tmp_path / "delivered"
    for day in (MONDAY, TUESDAY):
        deliver_two(local / "files", day)
    upload(local, root)
    with dg.DagsterInstance.ephemeral() as instance:
        assert errors(graph.backfill(instance, "deep", "order_book")) == []
        first = warehouse.read("deep/order_book")
        rows = first.filter(_of(first, MONDAY)).to_pylist()
        assert [(r["symbol"], r["bid_price_1"], r["ask_size_1"], r["volume"]) for r in rows] == [
            ("600001.SH", 10.1, 200, 0),
            ("600001.SH", 10.1, 50, 150),
            ("600001.SH", None, 50, 150),
            ("600002.SH", 20.0, 0, 0),
        ]
        mid = warehouse.sql("SELECT mid FROM deep.order_book WHERE volume = 150 LIMIT 1")["mid"]
        assert mid.round(6).tolist() == [10.15]
        without_the_last = ORDERS_OF_TWO.rstrip("\n").rpartition("\n")[0] + "\n"
        deliver_two(local / "files", TUESDAY, without_the_last)
        upload(local, root)
        assert errors(graph.backfill(instance, "deep", "order_book", TUESDAY, TUESDAY)) == []
    second = warehouse.read("deep/order_book")
    assert second.filter(_of(second, MONDAY)).equals(first.filter(_of(first, MONDAY)))
    assert (first.num_rows, second.num_rows) == (8, 7)
    assert second.filter(_of(second, TUESDAY))["bid_price_1"].to_pylist() == [10.1, 10.1, 20.0]
    assert warehouse.partitions("deep/order_events") == [str(MONDAY), str(TUESDAY)]


def _of(table: pa.Table, day: date) -> pa.ChunkedArray:
    return pc.equal(table["date"], day)
