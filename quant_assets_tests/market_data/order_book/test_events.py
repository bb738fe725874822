"""The common form: what validate lets pass and what it names, and its twin in the warehouse."""

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data.order_book.day import TABLES
from quant_assets.market_data.order_book.events import (
    EVENTS,
    QUEUES,
    SNAPSHOTS,
    level_columns,
    validate,
)
from quant_assets.market_data.order_book.readers.base import SCHEMAS, Content, Reader
from quant_assets.market_data.order_book.readers.registry import FORMATS, content_of, open_reader
from quant_assets.warehouse.schemas import schema_of


def one(schema: pa.Schema, **values: object) -> pa.Table:
    columns = {}
    for field in schema:
        empty = "A" if pa.types.is_string(field.type) else 0
        columns[field.name] = pa.array([values.get(field.name, empty)] * 2, field.type)
    return pa.table(columns, schema=schema)


@pytest.mark.parametrize("schema", [EVENTS, SNAPSHOTS, QUEUES])
def test_what_fits_passes(schema: pa.Schema) -> None:
    assert validate(one(schema), schema).num_rows == 2
    assert validate(schema.empty_table(), schema).num_rows == 0


@pytest.mark.parametrize(
    ("schema", "values", "words"),
    [
        (EVENTS, {"kind": 5}, r"'kind' must be one of \[0, 1, 2, 3, 4\]\. Got 5 in row 0"),
        (EVENTS, {"side": 2}, r"'side' must be one of \[1, -1, 0\]"),
        (EVENTS, {"quantity": -3}, "'quantity' must be at least 0. Got -3"),
        (SNAPSHOTS, {"ask_size_10": -1}, "'ask_size_10' must be at least 0"),
        (SNAPSHOTS, {"volume": -1}, "'volume' must be at least 0"),
        (QUEUES, {"side": 3}, "'side' must be one of"),
    ],
)
def test_codes_and_counts(schema: pa.Schema, values: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        validate(one(schema, **values), schema)


def test_columns_types_and_nulls() -> None:
    table = one(EVENTS)
    with pytest.raises(ValueError, match=r"column 10 must be .*sell_order.*Got nothing"):
        validate(table.drop_columns(["sell_order"]))
    with pytest.raises(ValueError, match="'more' is no column of this form"):
        validate(table.append_column("more", pa.array([1, 2])))
    with pytest.raises(ValueError, match="column 6 must be"):
        validate(table.set_column(5, "price", pa.array([1.0, 2.0], pa.float32())))
    columns = [
        pa.array([1, None], pa.int64()) if name == "order" else table[name] for name in EVENTS.names
    ]
    with pytest.raises(ValueError, match=r"'order' must not be null\. Got null in row 1"):
        validate(pa.Table.from_arrays(columns, schema=EVENTS))
    assert np.isnan(validate(one(EVENTS, price=float("nan")))["price"][0].as_py())


@pytest.mark.parametrize("content", list(TABLES))
def test_tables_hold_the_common_form_and_the_day(content: Content) -> None:
    schema, form = schema_of(TABLES[content]), SCHEMAS[content]
    added = {"date"} if content == "events" else {"date", "sequence"}
    assert set(schema.names) == {*form.names, *added}
    assert [name for name in schema.names if name in form.names] == form.names
    for field in form:
        assert schema.column(field.name).type == field.type
    assert schema.huge


def test_every_format_can_be_opened() -> None:
    for name in FORMATS:
        reader = open_reader(name)
        assert isinstance(reader, Reader)
        assert reader.content == content_of(name)
    assert level_columns("bid", "price")[-1] == "bid_price_10"
