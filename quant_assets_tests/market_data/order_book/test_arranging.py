"""The order of rows within a symbol, their numbers, and repeated events."""

import math

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.market_data.order_book.arranging import FILE, ROW, arrange
from quant_assets.market_data.order_book.events import EVENTS, QUEUES, SNAPSHOTS


def rows(schema: pa.Schema, values: list[dict[str, object]]) -> pa.Table:
    """Rows of a form with 0, "" or NaN where nothing is said; `at` are nanoseconds."""
    columns = {}
    for field in schema:
        if pa.types.is_string(field.type):
            empty: object = "A" if field.name == "symbol" else ""
        else:
            empty = math.nan if pa.types.is_floating(field.type) else 0
        got = [each.get(field.name, empty) for each in values]
        columns[field.name] = pa.array(got, pa.int64() if "time" in field.name else field.type)
    table = pa.table(columns).cast(schema)
    table = table.append_column(FILE, pa.array([0] * len(values), pa.int32()))
    return table.append_column(ROW, pa.array(range(1, len(values) + 1), pa.int64()))


EVENT = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["A", "B"]),
        "timestamp": st.integers(0, 3),
        "sequence": st.integers(0, 3),
        "quantity": st.integers(0, 1),
    }
)


@given(st.lists(EVENT, max_size=12))
def test_events_are_ordered_and_each_stands_once(events: list[dict[str, object]]) -> None:
    events = sorted(events, key=lambda each: str(each["symbol"]))
    found = arrange("events", rows(EVENTS, events))
    wanted: dict[tuple[object, ...], tuple[int, object]] = {}
    for number, each in enumerate(events, 1):
        key = (each["symbol"], each["timestamp"], each["sequence"])
        wanted.setdefault(key, (number, each["quantity"]))
    assert found.table[ROW].to_pylist() == [wanted[key][0] for key in sorted(wanted)]
    assert found.table.num_rows + found.left_out.num_rows == len(events)
    assert len(found.reasons) == found.left_out.num_rows


def test_a_repeated_event_is_told_from_a_contradicting_one() -> None:
    event: dict[str, object] = {"timestamp": 5, "sequence": 1, "quantity": 7}
    found = arrange("events", rows(EVENTS, [event, event, {**event, "quantity": 8}]))
    assert found.left_out[ROW].to_pylist() == [2, 3]
    assert found.reasons == ["duplicate", "conflicting_sequence"]
    assert found.table[ROW].to_pylist() == [1]


def test_snapshots_of_one_instant_are_numbered_as_they_came() -> None:
    values = [("A", 2, 1), ("A", 1, 2), ("A", 2, 3), ("A", 2, 3), ("B", 1, 4), ("B", 1, 5)]
    table = rows(SNAPSHOTS, [{"symbol": s, "timestamp": t, "volume": v} for s, t, v in values])
    found = arrange("snapshots", table)
    assert found.table["volume"].to_pylist() == [2, 1, 3, 3, 4, 5]
    assert found.table["sequence"].to_pylist() == [0, 0, 1, 2, 0, 1]
    assert found.left_out.num_rows == 0


def test_queues_of_one_instant_and_side_are_numbered_by_their_heads() -> None:
    told = [
        # symbol, time, side, position
        ("A", 1, -1, 1),
        ("A", 1, -1, 2),
        ("A", 1, 1, 1),
        ("A", 1, -1, 1),
        ("A", 1, 1, 1),
        ("A", 1, 1, 2),
        ("A", 1, 1, 3),
        ("A", 2, 1, 1),
    ]
    names = ("symbol", "timestamp", "side", "position")
    table = rows(QUEUES, [dict(zip(names, row, strict=True)) for row in told])
    found = arrange("queues", table).table
    assert found["side"].to_pylist() == [-1, -1, -1, 1, 1, 1, 1, 1]
    assert found["sequence"].to_pylist() == [0, 0, 1, 0, 1, 1, 1, 0]
    assert found["position"].to_pylist() == [1, 2, 1, 1, 1, 2, 3, 1]


def test_no_rows() -> None:
    for content, schema in (("events", EVENTS), ("snapshots", SNAPSHOTS), ("queues", QUEUES)):
        assert arrange(content, rows(schema, [])).table.num_rows == 0  # type: ignore[arg-type]
