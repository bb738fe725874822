"""SQL over the Parquet store's files: what is about the files and the process's one engine."""

from pathlib import Path

import pytest

from quant_assets.warehouse.errors import QueryError, UnknownTableError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets_tests.warehouse.frames import bars, days, window

DATES = days(6)


def test_two_stores_in_one_process(parquet: ParquetWarehouse, tmp_path: Path) -> None:
    parquet.replace("us/bars", window(DATES), bars(DATES))
    other = ParquetWarehouse(str(tmp_path / "it's another"))
    other.replace("us/bars", window(DATES[:1]), bars(DATES[:1]))
    query = "SELECT count() AS n FROM us.bars"
    assert [w.sql(query)["n"][0] for w in (parquet, other, parquet)] == [18, 3, 18]


def test_an_unknown_table_of_an_empty_store(tmp_path: Path) -> None:
    with pytest.raises(UnknownTableError, match="nothing has been written under"):
        ParquetWarehouse(str(tmp_path)).sql("SELECT * FROM us.bars")


def test_a_cut_file_is_named(parquet: ParquetWarehouse) -> None:
    parquet.replace("us/bars", window(DATES), bars(DATES))
    Path(parquet.root, f"us/bars/date={DATES[2]}/part-0.parquet").write_bytes(b"PAR1")
    with pytest.raises(QueryError, match=f"date={DATES[2]}"):
        parquet.sql("SELECT sum(close) FROM us.bars")


def test_a_root_that_looks_like_a_pattern(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must not contain any of"):
        ParquetWarehouse(str(tmp_path / "a*b"), markets=["us"]).sql("SELECT 1")
