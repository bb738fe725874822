"""Days that come as streams: the same file as from a frame, checked as they pass."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.warehouse.errors import SchemaError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

TABLE = "cn/order_events"
DAY = date(2024, 3, 4)
ONE = Window(DAY, DAY)
SCHEMA = schema_of(TABLE)
COLUMNS = {"kind": 0, "side": 1, "price": 10.0, "quantity": 100, "order": 5}


def events(keys: list[tuple[str, int, int]], day: date = DAY, **columns: object) -> pa.Table:
    """Events by (symbol, nanoseconds, sequence)."""
    values: dict[str, list[object]] = {
        "date": [day] * len(keys),
        "symbol": [key[0] for key in keys],
        "timestamp": [key[1] for key in keys],
        "sequence": [key[2] for key in keys],
    }
    for name in SCHEMA.names:
        values.setdefault(name, [{**COLUMNS, **columns}.get(name, 0)] * len(keys))
    arrays = {
        name: pa.array(values[name], pa.int64()).cast(SCHEMA.column(name).type)
        if name == "timestamp"
        else pa.array(values[name], SCHEMA.column(name).type)
        for name in SCHEMA.names
    }
    return pa.table(arrays, schema=SCHEMA.arrow)


def stream(*tables: pa.Table) -> pa.RecordBatchReader:
    batches = [batch for table in tables for batch in table.to_batches()]
    return pa.RecordBatchReader.from_batches(SCHEMA.arrow, batches)


KEY = st.tuples(
    st.sampled_from(["600519.SH", "000001.SZ"]),
    st.integers(-(2**62), 2**62),  # any nanosecond of 1823 to 2116
    st.integers(-(2**63), 2**63 - 1),
)


@given(st.lists(KEY, unique=True, max_size=20), st.lists(st.integers(0, 20), max_size=3))
@settings(max_examples=40, deadline=None)
def test_a_stream_stores_what_a_frame_stores_to_the_nanosecond(
    tmp_path_factory: pytest.TempPathFactory,
    keys: list[tuple[str, int, int]],
    cuts: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("warehouse")
    whole = events(sorted(keys))
    places = [0, *sorted(cut for cut in cuts if cut < len(keys)), len(keys)]
    pieces = [whole.slice(a, b - a) for a, b in pairwise(places)]
    streamed, framed = ParquetWarehouse(str(folder / "s")), ParquetWarehouse(str(folder / "f"))
    rows = streamed.replace(TABLE, ONE, stream(*pieces), dates=[DAY])
    assert rows == framed.replace(TABLE, ONE, whole, dates=[DAY]) == {str(DAY): len(keys)}
    found = streamed.read(TABLE, ONE)
    assert found.equals(framed.read(TABLE, ONE))
    assert found["timestamp"].cast(pa.int64()).to_pylist() == [key[1] for key in sorted(keys)]
    assert found["sequence"].to_pylist() == [key[2] for key in sorted(keys)]


@pytest.fixture
def warehouse(tmp_path: Path) -> ParquetWarehouse:
    """A warehouse that holds one event of the day."""
    warehouse = ParquetWarehouse(str(tmp_path))
    warehouse.replace(TABLE, ONE, events([("A", 1, 1)]), dates=[DAY])
    return warehouse


FIRST = events([("A", 1, 1), ("B", 5, 1)])


@pytest.mark.parametrize(
    ("then", "words"),
    [
        (events([("B", 5, 1)]), r"streamed rows must ascend by \(date, symbol, timestamp, sequenc"),
        (events([("A", 9, 9)]), "must ascend"),
        (events([("C", 1, 1), ("C", 1, 1)]), r"1 rows repeat the key"),
        (events([("C", 1, 1)], date(2024, 3, 5)), "are streamed into 2024-03-04"),
        (events([("C", 1, 1)], kind=7), "column 'kind' is above 4"),
        (events([("C", 1, 1)], price=-1.0), "column 'price' is not above 0"),
    ],
)
def test_a_wrong_stream_changes_nothing(
    warehouse: ParquetWarehouse, then: pa.Table, words: str
) -> None:
    with pytest.raises(SchemaError, match=words):
        warehouse.replace(TABLE, ONE, stream(FIRST, then), dates=[DAY])
    assert warehouse.read(TABLE)["sequence"].to_pylist() == [1]
    assert [path.name for path in Path(warehouse.root).rglob("*") if path.is_file()] == [
        "part-0.parquet"
    ]


def test_a_source_that_fails_on_the_way_changes_nothing(warehouse: ParquetWarehouse) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from FIRST.to_batches()
        raise ValueError("the file is cut short")

    reader = pa.RecordBatchReader.from_batches(SCHEMA.arrow, failing())
    with pytest.raises(ValueError, match="the file is cut short"):
        warehouse.replace(TABLE, ONE, reader, dates=[DAY])
    assert warehouse.read(TABLE).num_rows == 1


def test_a_stream_is_one_day_and_removes_what_is_no_session(warehouse: ParquetWarehouse) -> None:
    saturday = DAY + timedelta(days=5)
    warehouse.replace(TABLE, Window(saturday, saturday), events([("A", 1, 1)], saturday))
    week = Window(DAY, saturday)
    with pytest.raises(TypeError, match="rows are streamed into one day, `dates` has 2"):
        warehouse.replace(TABLE, week, stream(FIRST), dates=[DAY, DAY + timedelta(days=1)])
    assert warehouse.replace(TABLE, week, stream(FIRST), dates=[DAY]) == {str(DAY): 2}
    assert warehouse.partitions(TABLE) == [str(DAY)]
    assert warehouse.replace(TABLE, week, stream(), dates=[DAY]) == {str(DAY): 0}
    assert warehouse.partitions(TABLE) == [str(DAY)]


def test_a_stream_to_s3_is_put_whole_or_not_at_all(s3_root: str) -> None:
    bucket = ParquetWarehouse(f"{s3_root}/streaming")
    assert bucket.replace(TABLE, ONE, stream(FIRST), dates=[DAY]) == {str(DAY): 2}
    wrong = events([("C", 1, 1)], kind=7)
    with pytest.raises(SchemaError, match="column 'kind' is above 4"):
        bucket.replace(TABLE, ONE, stream(FIRST, wrong), dates=[DAY])
    assert bucket.read(TABLE).equals(FIRST)


def test_columns_are_encoded_as_declared(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    count = 20_000
    keys = [("A", 1709514900 * 10**9 + 10_000_000 * n, n) for n in range(count)]
    table = events(keys).set_column(
        SCHEMA.names.index("order"), "order", pa.array(generator.integers(1, 10**7, count))
    )
    warehouse = ParquetWarehouse(str(tmp_path))
    warehouse.replace(TABLE, ONE, table.cast(SCHEMA.arrow), dates=[DAY])
    path = tmp_path / TABLE / f"date={DAY}" / "part-0.parquet"
    group = pq.ParquetFile(path).metadata.row_group(0)
    found = {name: group.column(n) for n, name in enumerate(SCHEMA.names)}
    assert "DELTA_BINARY_PACKED" in found["timestamp"].encodings
    assert "DELTA_BINARY_PACKED" in found["sequence"].encodings
    assert "RLE_DICTIONARY" in found["symbol"].encodings
    assert not {"RLE_DICTIONARY", "DELTA_BINARY_PACKED"} & set(found["order"].encodings)
    assert not {"RLE_DICTIONARY", "BYTE_STREAM_SPLIT"} & set(found["price"].encodings)
    assert {column.compression for column in found.values()} == {"ZSTD"}
    # steady columns cost next to nothing: 20,000 instants and numbers of 8 bytes each
    assert found["timestamp"].total_compressed_size < count // 10
    assert found["sequence"].total_compressed_size < count // 10


def test_sql_sees_what_was_streamed(tmp_path: Path) -> None:
    warehouse = ParquetWarehouse(str(tmp_path))
    at = 1709514900_020_000_001
    rows = events([("A", at, 1), ("B", at, 2)], kind=4, side=-1)
    warehouse.replace(TABLE, ONE, stream(rows), dates=[DAY])
    found = warehouse.sql(
        "SELECT symbol, toString(timestamp) AS at, kind, side, quantity * price AS money, `order` "
        "FROM cn.order_events WHERE kind = 4 ORDER BY sequence"
    )
    assert found.to_dict("list") == {
        "symbol": ["A", "B"],
        "at": ["2024-03-04 01:15:00.020000001"] * 2,
        "kind": [4, 4],
        "side": [-1, -1],
        "money": [1000.0, 1000.0],
        "order": [5, 5],
    }
