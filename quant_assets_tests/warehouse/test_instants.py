"""Columns of instants: any zone in, UTC out, no guessing; and tables by batch."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.warehouse.errors import SchemaError
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse

TABLE = "us/factor_runs"
AT = datetime(2024, 3, 10, 6, 59, 59, 999999, tzinfo=UTC)  # a second before New York's clocks jump


def rows(**columns: Any) -> pa.Table:
    """Rows of factor_runs; by default one, with nothing but what it must have."""
    values: dict[str, Any] = {
        "batch": ["b"],
        "run_id": ["r"],
        "source": ["dagster"],
        "market": ["us"],
        "part": [0],
        "date": [AT.date()],
        "started": [AT],
        "status": ["RUNNING"],
    } | columns
    count = len(values["run_id"])
    schema = schema_of("factor_runs").arrow
    return pa.table({name: values.get(name, [None] * count) for name in schema.names})


def test_an_instant_of_any_zone_is_kept(warehouse: Warehouse) -> None:
    for zone in ("America/New_York", "Asia/Shanghai", "UTC"):
        there = pa.array([AT]).cast(pa.timestamp("us", tz=zone))
        warehouse.replace(TABLE, ["b"], rows(started=there, ended=there))
        found = warehouse.read(TABLE)
        assert found.schema.field("started").type == pa.timestamp("ns", tz="UTC")
        assert found["started"].to_pylist() == found["ended"].to_pylist() == [AT]
    local = (AT + timedelta(seconds=1)).astimezone(ZoneInfo("America/New_York"))
    frame = rows().to_pandas().assign(started=[pd.Timestamp(local)])
    warehouse.replace(TABLE, ["b"], frame)
    assert warehouse.read(TABLE)["started"].to_pylist() == [local]


def test_nanoseconds_are_kept_and_nothing_is_cut(warehouse: Warehouse) -> None:
    exact = pa.array([1710054000123456789], pa.timestamp("ns", tz="UTC"))
    warehouse.replace(TABLE, ["b"], rows(started=exact))
    assert warehouse.read(TABLE)["started"].cast(pa.int64()).to_pylist() == [1710054000123456789]
    far = pa.array([253402300799], pa.timestamp("s", tz="UTC"))  # the year 9999
    with pytest.raises(SchemaError, match=r"column 'started' must be timestamp\[ns, tz=UTC\]"):
        warehouse.replace(TABLE, ["b"], rows(started=far))


@pytest.mark.parametrize("got", [pa.array([AT.replace(tzinfo=None)]), pa.array([1710054000])])
def test_a_time_without_a_zone_is_refused(warehouse: Warehouse, got: pa.Array) -> None:
    words = r"column 'started' must be timestamp\[ns, tz=UTC\], got (timestamp\[us\]|int64)"
    with pytest.raises(SchemaError, match=words):
        warehouse.replace(TABLE, ["b"], rows(started=got))


def test_sql_sees_the_instant(warehouse: Warehouse) -> None:
    warehouse.replace(TABLE, ["b"], rows())
    query = "SELECT toString(started) AS text, started < now64() AS past, ended FROM us.factor_runs"
    found = warehouse.sql(query)
    assert found["text"].tolist() == ["2024-03-10 06:59:59.999999000"]
    assert found["past"].tolist() == [1]
    assert found["ended"].isna().all()


def test_batches_are_replaced_one_by_one(warehouse: Warehouse) -> None:
    warehouse.replace(TABLE, ["2024-01-02.a"], rows(batch=["2024-01-02.a"]))
    both = rows(
        batch=["x.y-z_1", "x.y-z_2"],
        run_id=["1", "2"],
        part=[0, 0],
        source=["dagster"] * 2,
        market=["us"] * 2,
        date=[AT.date()] * 2,
        started=[AT] * 2,
        status=["RUNNING"] * 2,
    )
    assert warehouse.replace(TABLE, ["x.y-z_1", "x.y-z_2"], both) == {"x.y-z_1": 1, "x.y-z_2": 1}
    assert warehouse.partitions(TABLE) == ["2024-01-02.a", "x.y-z_1", "x.y-z_2"]
    warehouse.replace(TABLE, ["x.y-z_1"], rows().slice(0, 0))
    assert warehouse.read(TABLE)["batch"].to_pylist() == ["2024-01-02.a", "x.y-z_2"]
    with pytest.raises(SchemaError, match="1 rows outside the window a; first is batch b"):
        warehouse.replace(TABLE, ["a"], rows())
    with pytest.raises(ValueError, match=r"'\.\./a' is no key of a partition by batch"):
        warehouse.replace(TABLE, ["../a"], rows(batch=["../a"]))
