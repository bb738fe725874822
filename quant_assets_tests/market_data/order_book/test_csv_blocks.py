"""Blocks of typed rows: the same whatever their size, and each fault with its row."""

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.market_data.order_book import csv_blocks
from quant_assets.market_data.order_book.csv_blocks import (
    CODE,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    Block,
    read_blocks,
)
from quant_assets.market_data.sources.base import SourceError

COLUMNS = {"word": CODE, "count": WHOLE, "share": NUMBER, "clock": TIME, "text": TEXT}
HEADER = "text,count,unused,share,clock,word"
GOOD = ["a b,1,x,0.5,09:30:00.123456789,A", ",,,,,", "c,-7,,1e-3,23:59:59,B"]
BAD = ["a,1.5,,0.5,09:30:00,A", "a,x,,y,z,A", "a,1,,,9:30,A", "a,99999999999999999999,,,,A", "a,1"]


def blocks(text: str, size: int) -> list[Block]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "BLOCK_BYTES", size)
        patch.setattr(csv_blocks, "_HEADER_BYTES", len(HEADER) + size)
        return list(read_blocks(io.BytesIO(text.encode()), "file.csv", COLUMNS))


def told(
    found: list[Block],
) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]], list[tuple[int, str]]]:
    """Rows by number with their values, unreadable fields, rows of a wrong length."""
    rows: list[tuple[int, str, str]] = []
    unreadable: list[tuple[int, str]] = []
    rejected: list[tuple[int, str]] = []
    for block in found:
        for position, row in enumerate(block.columns.to_pylist()):
            rows.append((int(block.rows[position]), str(row), block.record(position)))
        for field, wrong in block.quarrel:
            unreadable += [(int(number), field) for number in block.rows[wrong]]
        rejected += [(each["row"], each["record"]) for each in block.rejected.to_pylist()]
    return rows, sorted(unreadable), rejected


@given(st.lists(st.sampled_from(GOOD + BAD), min_size=1, max_size=12), st.integers(1, 80))
def test_the_size_of_blocks_does_not_matter(rows: list[str], size: int) -> None:
    text = "\n".join([HEADER, *rows])
    whole, pieces = told(blocks(text, 1 << 20)), told(blocks(text + "\n", size))
    assert whole == pieces
    numbers = [number for number, _, _ in whole[0]] + [number for number, _ in whole[2]]
    assert sorted(numbers) == list(range(1, len(rows) + 1))
    for number, _, record in whole[0]:
        assert record == rows[number - 1]


def test_every_fault_is_found_and_nothing_else_is_lost() -> None:
    rows, unreadable, rejected = told(blocks("\n".join([HEADER, *GOOD, *BAD]), 1 << 20))
    assert rejected == [(8, "a,1")]
    assert unreadable == [
        (4, "count"),
        (5, "clock"),
        (5, "count"),
        (5, "share"),
        (6, "clock"),
        (7, "count"),
    ]
    assert "'share': 0.5, 'clock': datetime.time(9, 30), 'text': 'a'}" in str(rows[3])


def test_values_have_their_types() -> None:
    (block,) = blocks("\n".join([HEADER, *GOOD]), 1 << 20)
    assert block.columns.schema.types == list(COLUMNS.values())
    assert block.columns["clock"].cast(pa.int64()).to_pylist() == [
        34_200_123_456_789,
        None,
        86_399_000_000_000,
    ]
    assert block.columns["word"].to_pylist() == ["A", None, "B"]
    assert block.columns["count"].to_pylist() == [1, None, -7]


def test_a_file_without_a_header_is_given_one() -> None:
    stream = io.BytesIO(b"1,2\n3,4\n")
    (block,) = read_blocks(stream, "f", {"b": WHOLE}, ["a", "b"])
    assert block.columns.to_pydict() == {"b": [2, 4]}
    assert np.array_equal(block.rows, [1, 2])


def test_a_header_alone_has_no_rows() -> None:
    assert sum(len(block.rows) for block in blocks(HEADER, 10_000)) == 0
    assert sum(len(block.rows) for block in blocks(HEADER + "\n", 10_000)) == 0


@pytest.mark.parametrize("text", ["", "other,names\n1,2\n"])
def test_a_wrong_header_is_named(text: str) -> None:
    with pytest.raises(SourceError, match=r"file.csv: there is no column 'word'"):
        blocks(text, 1 << 20)


def test_what_is_no_text_is_named() -> None:
    text = (HEADER + "\n").encode() + "中,1,,,,A\n".encode("gbk")
    with pytest.raises(SourceError, match=r"file\.csv: from row 1 on it is no text in UTF-8"):
        list(read_blocks(io.BytesIO(text), "file.csv", COLUMNS))
