"""The table that sources make of events: repetitions, numbers, order, kinds."""

from datetime import date
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.actions.events import (
    ACTIONS_SCHEMA,
    KEY,
    KINDS,
    MAY_BE_NEGATIVE,
    SHARE_RATIO,
    event_table,
    unknown_kinds,
)
from quant_assets.warehouse.schemas import schema_of

DAY = date(2024, 1, 5)
FIELDS = pa.schema(
    [ACTIONS_SCHEMA.field(n) for n in ("ex_date", "symbol", "kind", "cash", "label", "source")]
)
Row = tuple[date, str, str, float | None, str | None, str]


def made(*rows: Row) -> pa.Table:
    named = [dict(zip(FIELDS.names, row, strict=True)) for row in rows]
    return event_table(pa.Table.from_pylist(named, schema=FIELDS))


def test_absent_columns_are_null_and_events_are_numbered() -> None:
    found = made(
        (DAY, "B", "dividend", 0.5, "x", "one"),
        (DAY, "A", "dividend", 0.7, None, "one"),
        (DAY, "A", "dividend", 0.5, None, "one"),
        (DAY, "A", "bonus", None, None, "one"),
    )
    schema_of("corporate_actions").validate(found)
    assert [(r["symbol"], r["kind"], r["number"], r["cash"]) for r in found.to_pylist()] == [
        ("A", "bonus", 1, None),
        ("A", "dividend", 1, 0.5),
        ("A", "dividend", 2, 0.7),
        ("B", "dividend", 1, 0.5),
    ]
    assert found["isin"].null_count == found["ratio"].null_count == 4


def test_where_an_event_was_read_makes_it_no_other() -> None:
    found = made(*((DAY, "A", "dividend", 0.5, "x", source) for source in ("two", "one", "two")))
    assert found["source"].to_pylist() == ["one"]
    differing = [(DAY, "A", "dividend", 0.5, label, "one") for label in ("x", "y", None)]
    assert made(*differing)["number"].to_pylist() == [1, 2, 3]


def test_no_events_are_an_empty_table() -> None:
    assert made().equals(ACTIONS_SCHEMA.empty_table())


ROWS = st.lists(
    st.tuples(
        st.sampled_from([DAY, date(2024, 1, 8)]),
        st.sampled_from("AB"),
        st.sampled_from(sorted(KINDS)),
        st.sampled_from([None, 0.25, 0.5]),
        st.sampled_from([None, "x"]),
        st.sampled_from(["one", "two"]),
    )
)


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_says_nothing(rows: list[Row], random: Random) -> None:
    found = made(*rows)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert made(*shuffled).equals(found)
    assert made(*rows, *rows).equals(found)
    assert found.num_rows == len({row[:5] for row in rows})
    keys = list(zip(*(found[name].to_pylist() for name in (*KEY, "number")), strict=True))
    assert keys == sorted(set(keys))


def test_kinds_are_known_by_name() -> None:
    assert set(KINDS) >= SHARE_RATIO | MAY_BE_NEGATIVE
    column = pa.chunked_array([["split", "splits", "other"]])
    assert unknown_kinds(column).to_pylist() == [False, True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_in_words(kind: str) -> None:
    assert len(KINDS[kind]) > 20
