"""The same store on S3, on moto's server."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from quant_assets.warehouse.errors import CorruptPartitionError, PartialWriteError, SchemaError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.s3 import open_client, s3_endpoint
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.sql import view_query
from quant_assets.warehouse.storage import Part, open_filesystem
from quant_assets_tests.warehouse import test_streaming
from quant_assets_tests.warehouse.frames import DAY, bars, days, factors, window


@pytest.fixture
def bucket(s3_root: str, request: pytest.FixtureRequest) -> ParquetWarehouse:
    return ParquetWarehouse(f"{s3_root}/{request.node.name}", markets=["us"])


def test_replace_and_read(bucket: ParquetWarehouse) -> None:
    dates = days(4)
    assert bucket.partitions("us/bars") == []
    assert bucket.read("us/bars").num_rows == 0
    written = bucket.replace("us/bars", window(dates), bars(dates[:3]), dates=dates)
    assert written == {str(day): 3 for day in dates[:3]} | {str(dates[3]): 0}
    assert bucket.partitions("us/bars") == [str(day) for day in dates]
    stored = bucket.read("us/bars")
    assert stored.equals(bars(dates[:3]).cast(schema_of("bars").arrow))
    part = bucket.read("us/bars", window(dates[1:2]), ["close"], ["B"])
    assert part.column("close").to_pylist() == [stored.column("close").to_pylist()[4]]
    assert bucket.tables() == ["us/bars"]


def test_a_day_of_order_events_is_streamed(bucket: ParquetWarehouse) -> None:
    table, day = "us/order_events", test_streaming.DAY
    first = test_streaming.events([("A", 1, 1), ("A", 2, 2)])
    second = test_streaming.events([("B", 1, 1)])
    both = test_streaming.stream(first, second)
    assert bucket.replace(table, test_streaming.ONE, both, dates=[day]) == {str(day): 3}
    assert bucket.read(table).equals(pa.concat_tables([first, second]))
    unordered = test_streaming.stream(second, first)
    with pytest.raises(SchemaError):
        bucket.replace(table, test_streaming.ONE, unordered, dates=[day])
    assert bucket.read(table).num_rows == 3


def test_what_is_no_session_is_removed(bucket: ParquetWarehouse) -> None:
    dates = days(3)
    bucket.replace("us/bars", window(dates), bars(dates))
    bucket.replace("us/bars", window(dates), bars(dates[1:]), dates=dates[1:])
    assert bucket.partitions("us/bars") == [str(day) for day in dates[1:]]


def test_tables_in_one_piece_and_by_strategy(bucket: ParquetWarehouse) -> None:
    actions = schema_of("corporate_actions").arrow.empty_table()
    assert bucket.replace("us/corporate_actions", None, actions) == {"": 0}
    assert bucket.partitions("us/corporate_actions") == [""]
    sheet = schema_of("tear_sheet").arrow.empty_table()
    bucket.replace("us/tear_sheet", ["momentum"], sheet)
    assert bucket.partitions("us/tear_sheet") == ["momentum"]
    assert bucket.tables() == ["us/corporate_actions", "us/tear_sheet"]


def test_wide_tables_follow_the_newest_object(bucket: ParquetWarehouse) -> None:
    dates = days(2)
    bucket.replace("us/factors_x", window(dates[:1]), factors(dates[:1], ["size"]))
    bucket.replace("us/factors_x", window(dates[1:]), factors(dates[1:], ["size", "beta"]))
    found = bucket.read("us/factors_x", columns=["beta"]).column("beta").to_pylist()
    assert found == [None, None, 100.0, 101.0]


@pytest.mark.parametrize("rows", [3, 1, 0])
def test_an_object_that_changes_while_it_is_read(
    bucket: ParquetWarehouse, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """What the listing said of its size is no longer true: the new one is read, whole."""
    dates = days(30)
    bucket.replace("us/bars", window(dates), bars(dates))
    list_parts = bucket.storage.list_parts
    after = bars(dates).slice(3 - rows)

    def stale_once(folder: str, wanted: Callable[[str], bool]) -> dict[str, Part]:
        monkeypatch.setattr(bucket.storage, "list_parts", list_parts)
        parts = list_parts(folder, wanted)
        there = dates if rows else dates[1:]
        bucket.replace("us/bars", window(dates), after, dates=there)
        return parts

    monkeypatch.setattr(bucket.storage, "list_parts", stale_once)
    assert bucket.read("us/bars").equals(after.cast(schema_of("bars").arrow))


def test_a_cut_object_is_named(bucket: ParquetWarehouse) -> None:
    bucket.replace("us/bars", window(days(1)), bars(days(1)))
    with bucket.storage.filesystem.open_output_stream(
        bucket.storage.path(f"us/bars/date={DAY}/part-0.parquet")
    ) as stream:
        stream.write(b"PAR1 cut")
    with pytest.raises(CorruptPartitionError, match=f"date={DAY}/part-0.parquet cannot be read"):
        bucket.read("us/bars")


def test_what_is_small_goes_up_in_one_request(bucket: ParquetWarehouse) -> None:
    """The tag of an object that came in parts ends with how many they were."""
    bucket.replace("us/bars", window(days(1)), bars(days(1)))
    large = bucket.storage.path("large")
    with bucket.storage.filesystem.open_output_stream(large) as stream:
        stream.write(bytes(12 << 20))
    client = open_client()
    names = (bucket.storage.path(f"us/bars/date={DAY}/part-0.parquet"), large)
    found = [client.head_object(**_place(name)) for name in names]
    assert [each["ETag"].partition("-")[1] for each in found] == ["", "-"]
    assert found[1]["ContentLength"] == 12 << 20


def _place(path: str) -> dict[str, str]:
    bucket, _, key = path.partition("/")
    return {"Bucket": bucket, "Key": key}


def test_a_refused_put_is_told(s3_root: str) -> None:
    nowhere = ParquetWarehouse("s3://no-such-bucket/warehouse")
    with pytest.raises(PartialWriteError, match="us/bars: 0 of 2 partitions were written whole"):
        nowhere.replace("us/bars", window(days(2)), bars(days(2)))


def test_sql_reads_the_objects(bucket: ParquetWarehouse) -> None:
    dates = days(3)
    bucket.replace("us/bars", window(dates), bars(dates), dates=dates)
    found = bucket.sql("SELECT date, max(close) AS top FROM us.bars GROUP BY date ORDER BY date")
    expected = bars(dates).to_pandas(date_as_object=False).groupby("date")["close"].max()
    assert found["top"].tolist() == expected.tolist()
    assert bucket.sql("SELECT count() AS n FROM us.benchmark")["n"].tolist() == [0]


def test_no_credential_stands_in_a_view(bucket: ParquetWarehouse) -> None:
    bucket.replace("us/bars", window(days(1)), bars(days(1)))
    shown = bucket.sql("SHOW CREATE VIEW `us.files`.bars").to_string()
    for text in (shown, view_query(bucket, "us/bars")):
        assert "a-secret-that-must-not-show" not in text
        assert "test-key" not in text


def test_addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert s3_endpoint() == "https://s3.amazonaws.com"
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    assert s3_endpoint() == "https://s3.sa-east-1.amazonaws.com"
    assert open_filesystem("s3://bucket/folder/")[1] == "bucket/folder"
    filesystem, path = open_filesystem(str(tmp_path))
    assert (filesystem.type_name, path) == ("local", str(tmp_path))
