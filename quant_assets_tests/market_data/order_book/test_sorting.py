"""Sorting through temporary files: the same rows as sorting in memory, whatever the cuts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.order_book import sorting
from quant_assets.market_data.order_book.sorting import SymbolSort

ROW = st.tuples(st.sampled_from(["A", "BB", "C.SH", "D", "E"]), st.integers(0, 9))


def table(rows: list[tuple[str, int]]) -> pa.Table:
    return pa.table(
        {
            "symbol": pa.array([s for s, _ in rows], pa.string()),
            "value": pa.array([v for _, v in rows], pa.int64()),
        }
    )


def unchanged(rows: pa.Table) -> pa.Table:
    return rows


@given(st.lists(st.lists(ROW, min_size=1, max_size=9), max_size=6), st.sampled_from([1, 2, 64]))
@settings(max_examples=40)
def test_rows_come_back_by_symbol_and_otherwise_as_they_came(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[list[tuple[str, int]]], buckets: int
) -> None:
    sort = SymbolSort(tmp_path_factory.mktemp("sort"), unchanged, buckets)
    for piece in pieces:
        sort.add(table(piece))
    found = [tuple(row.values()) for each in sort.tables() for row in each.to_pylist()]
    together = [row for piece in pieces for row in piece]
    assert found == sorted(together, key=lambda row: row[0])


def test_tables_are_small_and_a_large_symbol_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "_ROWS", 10)
    sort = SymbolSort(tmp_path, unchanged)
    symbols = ["A"] * 3 + ["B"] * 25 + ["C"] * 4 + ["D"] * 2
    order = np.random.default_rng(1).permutation(len(symbols))
    sort.add(table([(symbols[i], i) for i in order]))
    sizes = [each.num_rows for each in sort.tables()]
    assert sum(sizes) == len(symbols)
    assert max(sizes) <= 10


def test_arrange_sees_whole_symbols_and_may_leave_rows_out(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def first_of_each(rows: pa.Table) -> pa.Table:
        symbols = rows["symbol"].to_pylist()
        seen.append(symbols)
        return rows.filter(pa.array([i == 0 or symbols[i - 1] != s for i, s in enumerate(symbols)]))

    sort = SymbolSort(tmp_path, first_of_each, buckets=2)
    for number in range(3):
        sort.add(table([("A", number), ("BB", number), ("C.SH", number)]))
    found = pa.concat_tables(sort.tables())
    assert found.to_pydict() == {"symbol": ["A", "BB", "C.SH"], "value": [0, 0, 0]}
    assert sorted(s for symbols in seen for s in symbols) == sorted(["A", "BB", "C.SH"] * 3)


def test_nothing_in_nothing_out(tmp_path: Path) -> None:
    assert list(SymbolSort(tmp_path, unchanged).tables()) == []
