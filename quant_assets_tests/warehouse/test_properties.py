"""Whatever is replaced and in whatever order, a read gives what a dictionary of rows would give."""

import tempfile
from collections.abc import Iterable
from datetime import date

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.warehouse.frames import days
from quant_assets_tests.warehouse.server_process import empty

# Around the end of a month and around that of a year: where one replaced window is several months.
CALENDAR = [*days(4, date(2020, 1, 30)), *days(4, date(2020, 12, 30))]
SYMBOLS = ("A", "B", "C")
Cells = dict[tuple[date, str], float]

WINDOWS = st.tuples(st.sampled_from(CALENDAR), st.sampled_from(CALENDAR)).map(
    lambda pair: Window(min(pair), max(pair))
)
CELLS = st.dictionaries(
    st.tuples(st.sampled_from(CALENDAR), st.sampled_from(SYMBOLS)),
    st.floats(0.01, 1e6, allow_nan=False) | st.integers(1, 9).map(float),
    max_size=20,
)


def frame(cells: Cells) -> pd.DataFrame:
    columns = ["date", "symbol", "score", "rank", "model_month"]
    rows = [(day, symbol, value, 0.5, "2020-01") for (day, symbol), value in cells.items()]
    return pd.DataFrame(rows, columns=columns)


def rows(cells: Cells, keep: Iterable[date], symbols: Iterable[str]) -> list[tuple[object, ...]]:
    return sorted((d, s, v) for (d, s), v in cells.items() if d in set(keep) and s in set(symbols))


STEPS = st.lists(st.tuples(WINDOWS, CELLS, st.booleans()), max_size=4)
ASKED = st.sets(st.sampled_from([*SYMBOLS, "Z"]))


@settings(max_examples=40, deadline=None)
@given(STEPS, WINDOWS, ASKED)
def test_replace_then_read_files(
    steps: list[tuple[Window, Cells, bool]], asked: Window, symbols: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as root:
        replace_then_read(ParquetWarehouse(root), steps, asked, symbols)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS, WINDOWS, ASKED)
def test_replace_then_read_on_a_server(
    clickhouse: ClickHouseWarehouse,
    steps: list[tuple[Window, Cells, bool]],
    asked: Window,
    symbols: set[str],
) -> None:
    empty(clickhouse.server)
    replace_then_read(clickhouse, steps, asked, symbols)


def replace_then_read(
    warehouse: Warehouse,
    steps: list[tuple[Window, Cells, bool]],
    asked: Window,
    symbols: set[str],
) -> None:
    held: Cells = {}
    materialized: set[date] = set()
    for window, cells, all_sessions in steps:
        inside = {key: value for key, value in cells.items() if window.contains(key[0])}
        sessions = [day for day in CALENDAR if window.contains(day)] if all_sessions else None
        warehouse.replace("us/predictions", window, frame(inside), dates=sessions)
        held = {key: value for key, value in held.items() if not window.contains(key[0])}
        held.update(inside)
        materialized |= set(sessions or ()) | {day for day, _ in inside}
    found = warehouse.read("us/predictions", asked, ["date", "symbol", "score"], symbols)
    expected = rows(held, [day for day in CALENDAR if asked.contains(day)], symbols)
    assert [tuple(row.values()) for row in found.to_pylist()] == expected
    assert warehouse.partitions("us/predictions") == sorted(map(str, materialized))
