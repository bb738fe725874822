"""The two stores hold the same: every declared table, every window of a backfill, bit for bit."""

import zlib
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
from quant_assets.warehouse.errors import SchemaError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import SCHEMAS, schema_of
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.table_schema import Column, TableSchema
from quant_assets.warehouse.validation import sort_by_key
from quant_assets.warehouse.window import Window

SESSIONS = [date(2019, 12, 20) + timedelta(days=5 * i) for i in range(14)]
KEYS: dict[str | None, list[str]] = {
    "date": [str(day) for day in SESSIONS],
    "month": ["2019-11", "2019-12", "2020-01", "2020-02"],
    "strategy": ["momentum", "low_volatility", "0", "x.y-z_1"],
    "batch": ["2019-12-30.dagster.a.x", "2020-01-02.dagster.b.x", "2020-01-02.c", "b"],
    None: [""],
}
TEXTS = [
    "A",
    "a",
    "",
    "Ω",
    "it's",
    "back\\slash",
    "tab\there",
    "naïve",
    "\x00",
    "comma,",
    "🙂",
    "10",
]
FLOATS = [-0.0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3, 1e-17, 123456789.123456789]
ROWS = 120


def values(column: Column, rng: np.random.Generator, count: int) -> pa.Array:
    """Values of a column, within its bounds and out to them, some of them missing if they may."""
    integers: Callable[..., np.ndarray] = rng.integers
    if pa.types.is_string(column.type):
        found: Any = rng.choice(TEXTS, count).tolist()
    elif pa.types.is_boolean(column.type):
        found = integers(0, 2, count).astype(bool)
    elif pa.types.is_date(column.type):
        found = pa.array(integers(-25_000, 80_000, count), pa.int32()).cast(column.type).to_pylist()
    elif pa.types.is_timestamp(column.type):
        found = pa.array(integers(-(2**60), 2**62, count)).cast(column.type)
    elif pa.types.is_integer(column.type):
        limits = np.iinfo(column.type.to_pandas_dtype())
        least = limits.min if column.minimum is None else int(column.minimum)
        most = limits.max if column.maximum is None else int(column.maximum)
        found = integers(least, most, count, endpoint=True)
    else:
        low = -1e9 if column.minimum is None else column.minimum
        high = 1e9 if column.maximum is None else column.maximum
        found = rng.uniform(low if column.above is None else column.above + 1e-9, high, count)
        odd = [x for x in FLOATS if (column.above is None or x > column.above) and low <= x <= high]
        chosen = rng.random(count) < 0.3
        found[chosen] = rng.choice(odd, chosen.sum())
    array = found if isinstance(found, pa.Array) else pa.array(found, column.type)
    if column.nullable:
        array = pc.if_else(pa.array(rng.random(count) < 0.3), pa.scalar(None, column.type), array)
    return array


def generated(schema: TableSchema, keys: list[str], seed: int) -> pa.Table:
    """Rows of the partitions `keys`; not of all of them, in no order."""
    rng = np.random.default_rng([seed, zlib.crc32(schema.name.encode())])
    columns = [*schema.columns]
    if schema.wide:
        columns += [schema.column(f"f{i}") for i in range(3 + seed)]
    arrays = {column.name: values(column, rng, ROWS) for column in columns}
    if schema.partition_by:
        some = keys[:1] if len(keys) == 1 else keys[:-1]
        arrays[schema.partition_by] = pa.array(rng.choice(some, ROWS))
        if schema.partition_by == "date":
            arrays["date"] = arrays["date"].cast(pa.date32())
    frame = pa.table(arrays)
    if schema.key:
        key = frame.select(list(schema.key)).to_pandas(types_mapper=pd.ArrowDtype)
        frame = frame.filter(pa.array(~key.duplicated()))
    return frame.cast(schema.arrow_with(frame.column_names))


def write(store: Warehouse, table: str, keys: list[str], seed: int) -> dict[str, int]:
    schema = schema_of(table)
    frame = generated(schema, keys, seed)
    if schema.partition_by == "date":
        days = [date.fromisoformat(key) for key in keys]
        return store.replace(table, Window(days[0], days[-1]), frame, dates=days)
    return store.replace(table, keys if schema.partition_by else None, frame)


def same(stores: list[Warehouse], table: str) -> None:
    """Whole, by columns, by windows: the same frames and the same lists."""
    ours, theirs = stores
    schema = schema_of(table)
    assert ours.partitions(table) == theirs.partitions(table)
    assert ours.columns(table) == theirs.columns(table)
    assert_equal(ours.read(table), theirs.read(table))
    back = list(reversed(ours.columns(table)))[:4]
    assert_equal(ours.read(table, columns=back), theirs.read(table, columns=back))
    if "date" in schema.names:
        for window in (Window(SESSIONS[2], SESSIONS[5]), Window(date.min, date.max)):
            assert_equal(ours.read(table, window), theirs.read(table, window))
    if schema.partition_by:
        for key in KEYS[schema.partition_by][1:4]:
            assert_equal(ours.read(table, [key]), theirs.read(table, [key]))
    if "symbol" in schema.names:
        chosen = ["A", "it's", "none"]
        assert_equal(ours.read(table, symbols=chosen), theirs.read(table, symbols=chosen))


def assert_equal(ours: pa.Table, theirs: pa.Table) -> None:
    assert ours.schema.equals(theirs.schema)
    assert ours.equals(theirs)
    for name in ours.column_names:
        if pa.types.is_floating(ours.schema.field(name).type):
            # 0.0 and -0.0 are equal and not the same
            mine, other = (np.asarray(t[name].fill_null(0.0)) for t in (ours, theirs))
            np.testing.assert_array_equal(mine.view(np.int64), other.view(np.int64))


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda schema: schema.name)
def test_every_table_and_window_of_a_backfill(
    parquet: ParquetWarehouse, clickhouse: ClickHouseWarehouse, schema: TableSchema
) -> None:
    stores: list[Warehouse] = [parquet, clickhouse]
    table = f"us/{schema.name.replace('<library>', 'x')}"
    keys = KEYS[schema.partition_by]
    step = 7 if schema.partition_by == "date" else 2
    windows = [(keys[i : i + step], 0) for i in range(0, len(keys), step)]
    # then some of it again, with other rows, and with sessions that are none any more
    for block, seed in [*windows, (keys[1:6:2], 1)]:
        counts = [write(store, table, block or keys, seed) for store in stores]
        assert counts[0] == counts[1]
    assert sum(counts[0].values()) > 0
    same(stores, table)


HUGE = [schema for schema in SCHEMAS.values() if schema.huge]
DAY = SESSIONS[3]


def streamed(frame: pa.Table, *rows: int) -> pa.RecordBatchReader:
    """The frame as a stream of batches of `rows` rows, then the rest."""
    batches, start = [], 0
    for count in (*rows, max(frame.num_rows - sum(rows), 0)):
        batches += frame.slice(start, count).to_batches()
        start += count
    return pa.RecordBatchReader.from_batches(frame.schema, batches)


@pytest.mark.parametrize("schema", HUGE, ids=lambda schema: schema.name)
def test_a_day_that_is_streamed_is_the_day_that_is_given_whole(
    parquet: ParquetWarehouse,
    clickhouse: ClickHouseWarehouse,
    schema: TableSchema,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # so that a day takes several inserts
    monkeypatch.setattr("quant_assets.warehouse.clickhouse_writing._BATCH_BYTES", 4000)
    stores: list[Warehouse] = [parquet, clickhouse]
    table, window = f"us/{schema.name}", Window(DAY, DAY)
    day = sort_by_key(schema, generated(schema, [str(DAY)], 2))
    for store in stores:
        write(store, table, KEYS["date"], 0)
        around = store.read(table)
        assert store.replace(table, window, streamed(day, 50, 1), [DAY]) == {str(DAY): len(day)}
        assert_equal(store.read(table, window), day)
        others = pc.not_equal(around["date"], pa.scalar(DAY))
        found = store.read(table)
        assert_equal(
            found.filter(pc.not_equal(found["date"], pa.scalar(DAY))), around.filter(others)
        )
        # a stream that turns out wrong changes nothing, an empty one empties the day
        backwards = day.take(pa.array(np.arange(len(day))[::-1]))
        with pytest.raises(SchemaError, match="must ascend"):
            store.replace(table, window, streamed(backwards, 50), [DAY])
        with pytest.raises(TypeError, match="streamed into one day, `dates` has 2"):
            store.replace(table, Window(SESSIONS[2], DAY), streamed(day), SESSIONS[2:4])
        assert_equal(store.read(table), found)
    same(stores, table)
    for store in stores:
        assert store.replace(table, window, streamed(day.slice(0, 0)), [DAY]) == {str(DAY): 0}
    same(stores, table)


def test_the_middle_and_the_spread_of_a_book_have_names_in_sql(
    parquet: ParquetWarehouse, clickhouse: ClickHouseWarehouse
) -> None:
    schema = schema_of("order_book")
    rows = generated(schema, [str(DAY)], 3)
    for name, values in (("bid", [10.1, None, 10.0]), ("ask", [10.2, 10.3, None])):
        place = schema.names.index(f"{name}_price_1")
        prices = pa.array((values * len(rows))[: len(rows)], pa.float64())
        rows = rows.set_column(place, schema.arrow.field(place), prices)
    query = "SELECT mid, spread FROM us.order_book WHERE date = '{}' ORDER BY mid, spread"
    for store in (parquet, clickhouse):
        store.replace("us/order_book", Window(DAY, DAY), rows, [DAY])
        found = store.sql(query.format(DAY))
        whole = -(-len(rows) // 3)
        assert found["mid"].notna().sum() == found["spread"].notna().sum() == whole
        np.testing.assert_allclose(found["mid"][:whole], 10.15, rtol=1e-12)
        np.testing.assert_allclose(found["spread"][:whole], 0.1, rtol=1e-12)
        assert "mid" not in store.sql("SELECT * FROM us.order_book LIMIT 1").columns
