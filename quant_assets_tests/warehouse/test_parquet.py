"""The Parquet store's files: what the tests of both stores cannot see."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quant_assets.warehouse.errors import (
    CorruptPartitionError,
    SchemaError,
)
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.storage import Part
from quant_assets_tests.warehouse.frames import DAY, bars, days, factors, window


@pytest.fixture
def warehouse(parquet: ParquetWarehouse) -> ParquetWarehouse:
    return parquet


def test_a_partition_is_a_file(warehouse: ParquetWarehouse) -> None:
    dates = days(4)
    assert not Path(warehouse.root).exists()
    warehouse.replace("us/bars", window(dates), bars(dates), dates=dates)
    assert files(warehouse.root) == [f"us/bars/date={day}/part-0.parquet" for day in dates]
    warehouse.replace("us/bars", window(dates), bars(dates[1:]), dates=dates[1:])
    assert sorted(os.listdir(Path(warehouse.root, "us/bars"))) == [f"date={d}" for d in dates[1:]]


def test_a_table_in_one_piece_is_one_file(warehouse: ParquetWarehouse) -> None:
    nothing = schema_of("corporate_actions").arrow.empty_table()
    warehouse.replace("us/corporate_actions", None, nothing)
    assert files(warehouse.root) == ["us/corporate_actions/part-0.parquet"]


def test_a_frame_that_does_not_fit_leaves_no_trace(warehouse: ParquetWarehouse) -> None:
    with pytest.raises(SchemaError, match="us/bars: column 'close' is missing"):
        warehouse.replace("us/bars", window(days(2)), bars(days(2)).drop_columns(["close"]))
    assert not Path(warehouse.root).exists()


def files(root: str | Path) -> list[str]:
    """Every file below the root, whatever it is, relative to it."""
    found = [p.relative_to(root) for p in Path(root).rglob("*") if not p.is_dir()]
    return sorted(map(str, found))


def test_replacing_again_changes_nothing(warehouse: ParquetWarehouse) -> None:
    dates = days(3)
    warehouse.replace("us/bars", window(dates), bars(dates))
    before = {name: Path(warehouse.root, name).read_bytes() for name in files(warehouse.root)}
    shuffled = bars(dates).take([8, 1, 2, 3, 4, 5, 6, 7, 0])
    warehouse.replace("us/bars", window(dates), shuffled)
    after = {name: Path(warehouse.root, name).read_bytes() for name in files(warehouse.root)}
    assert after == before


@pytest.mark.parametrize("keep", [0, 10, 0.5, -1])
def test_a_cut_file_is_named(warehouse: ParquetWarehouse, keep: float) -> None:
    dates = days(3)
    warehouse.replace("us/bars", window(dates), bars(dates))
    path = Path(warehouse.root, f"us/bars/date={dates[1]}/part-0.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(CorruptPartitionError, match=rf"date={dates[1]}.*materialize its partition"):
        warehouse.read("us/bars")
    assert warehouse.read("us/bars", window(dates[2:])).num_rows == 3
    warehouse.replace("us/bars", window(dates[1:2]), bars(dates[1:2]))
    assert warehouse.read("us/bars").num_rows == 9


def test_a_cut_file_of_a_wide_table_is_named(warehouse: ParquetWarehouse) -> None:
    warehouse.replace("us/factors_x", window(days(1)), factors(days(1), ["size"]))
    Path(warehouse.root, f"us/factors_x/date={DAY}/part-0.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorruptPartitionError, match=f"date={DAY}.*materialize its partition"):
        warehouse.read("us/factors_x")


def test_what_is_no_partition_is_passed_over(warehouse: ParquetWarehouse) -> None:
    dates = days(1)
    warehouse.replace("us/bars", window(dates), bars(dates))
    folder = Path(warehouse.root, "us/bars")
    (folder / "date=2020-01-07").mkdir()
    (folder / "date=someday").mkdir()
    (folder / "notes.txt").write_text("mine")
    Path(warehouse.root, "us/mine").mkdir()
    Path(warehouse.root, "us data").mkdir()
    assert warehouse.partitions("us/bars") == [str(DAY)]
    assert warehouse.read("us/bars").num_rows == 3
    assert warehouse.tables() == ["us/bars"]
    assert warehouse.markets == ["us"]


def test_a_partition_removed_while_reading(
    warehouse: ParquetWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    dates = days(2)
    warehouse.replace("us/bars", window(dates), bars(dates))
    list_parts = warehouse.storage.list_parts

    def stale_once(folder: str, wanted: object) -> dict[str, Part]:
        monkeypatch.setattr(warehouse.storage, "list_parts", list_parts)
        parts = list_parts(folder, wanted)  # type: ignore[arg-type]
        warehouse.storage.remove_files([f"us/bars/date={dates[0]}/part-0.parquet"])
        return parts

    monkeypatch.setattr(warehouse.storage, "list_parts", stale_once)
    assert warehouse.read("us/bars").column("date").to_pylist() == [dates[1]] * 3


def test_the_date_comes_from_the_rows_and_not_from_the_path(warehouse: ParquetWarehouse) -> None:
    warehouse.replace("us/bars", window(days(1)), bars(days(1)))
    path = Path(warehouse.root, f"us/bars/date={DAY}/part-0.parquet")
    assert pq.read_schema(path).field("date").type == pa.date32()
    assert warehouse.read("us/bars").schema.field("date").type == pa.date32()


def test_a_root_must_be_a_folder_or_s3() -> None:
    with pytest.raises(ValueError, match=r"warehouse root 'gs://x' must be a local folder or s3"):
        ParquetWarehouse("gs://x")
