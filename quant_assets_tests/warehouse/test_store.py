"""What both stores do alike: reading and replacing windows."""

from datetime import date

import pandas as pd
import pytest

from quant_assets.warehouse.errors import (
    SchemaError,
    UnknownColumnError,
    UnknownTableError,
)
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.warehouse.frames import DAY, bars, days, factors, window


def correlations(*months: str) -> pd.DataFrame:
    rows = [(m, "size", "beta", 0.5, 20) for m in months]
    return pd.DataFrame(rows, columns=["month", "factor", "other", "correlation", "days"])


def backtests(strategy: str, dates: list[date]) -> pd.DataFrame:
    row = {"strategy": strategy, "symbol": "A", "shares": 5.0, "price": 2.0, "value": 10.0}
    row["weight"] = 0.5
    return pd.DataFrame([{**row, "date": day} for day in dates])


def test_what_is_written_is_read(warehouse: Warehouse) -> None:
    dates = days(4)
    frame = bars(dates)
    written = warehouse.replace("us/bars", window(dates), frame, dates=dates)
    assert written == {str(day): 3 for day in dates}
    assert warehouse.partitions("us/bars") == [str(day) for day in dates]
    stored = warehouse.read("us/bars")
    assert stored.equals(frame.cast(schema_of("bars").arrow))


def test_nothing_there_reads_as_no_rows(warehouse: Warehouse) -> None:
    assert warehouse.read("us/bars").equals(schema_of("bars").arrow.empty_table())
    assert warehouse.read("us/bars", columns=["close"]).column_names == ["close"]
    assert warehouse.partitions("us/bars") == []
    assert warehouse.tables() == []
    assert warehouse.tables() == []


def test_a_window_is_read(warehouse: Warehouse) -> None:
    dates = days(5)
    warehouse.replace("us/bars", window(dates), bars(dates))
    part = warehouse.read("us/bars", window(dates[1:3]))
    assert sorted(set(part.column("date").to_pylist())) == dates[1:3]
    assert warehouse.read("us/bars", [str(dates[4])]).column("date").to_pylist() == [dates[4]] * 3


def test_columns_and_symbols_are_chosen(warehouse: Warehouse) -> None:
    dates = days(2)
    warehouse.replace("us/bars", window(dates), bars(dates))
    part = warehouse.read("us/bars", columns=["close", "date"], symbols=["C", "A", "unknown"])
    assert part.column_names == ["close", "date"]
    assert part.num_rows == 4
    assert warehouse.read("us/bars", symbols=[]).num_rows == 0
    assert set(warehouse.read("us/bars", symbols={"B"}).column("symbol").to_pylist()) == {"B"}


def test_replacing_again_changes_nothing(warehouse: Warehouse) -> None:
    dates = days(3)
    warehouse.replace("us/bars", window(dates), bars(dates))
    before = warehouse.read("us/bars")
    warehouse.replace("us/bars", window(dates), bars(dates).take([8, 1, 2, 3, 4, 5, 6, 7, 0]))
    assert warehouse.read("us/bars").equals(before)
    assert warehouse.partitions("us/bars") == [str(day) for day in dates]


def test_only_the_window_is_replaced(warehouse: Warehouse) -> None:
    dates = days(4)
    warehouse.replace("us/bars", window(dates), bars(dates, seed=1))
    warehouse.replace("us/bars", window(dates[1:3]), bars(dates[1:3], seed=2))
    new, old = bars(dates, seed=1).to_pandas(), bars(dates[1:3], seed=2).to_pandas()
    expected = pd.concat([new[:3], old, new[9:]], ignore_index=True)
    pd.testing.assert_frame_equal(warehouse.read("us/bars").to_pandas(), expected)


def test_an_empty_day_is_materialized(warehouse: Warehouse) -> None:
    dates = days(3)
    frame = bars([dates[0], dates[2]])
    written = warehouse.replace("us/bars", window(dates), frame, dates=dates)
    assert written == {str(dates[0]): 3, str(dates[1]): 0, str(dates[2]): 3}
    assert warehouse.partitions("us/bars") == [str(day) for day in dates]
    assert warehouse.read("us/bars", window(dates[1:2])).num_rows == 0


def test_a_frame_without_rows(warehouse: Warehouse) -> None:
    dates = days(2)
    nothing = bars(dates).slice(0, 0)
    assert warehouse.replace("us/bars", window(dates), nothing) == {}
    warehouse.replace("us/bars", window(dates), bars(dates))
    assert warehouse.replace("us/bars", window(dates), nothing) == {str(d): 0 for d in dates}
    assert warehouse.read("us/bars").num_rows == 0


def test_a_partition_that_is_no_session_any_more_goes(warehouse: Warehouse) -> None:
    dates = days(4)
    warehouse.replace("us/bars", window(dates), bars(dates))
    sessions = [dates[0], dates[2]]
    warehouse.replace("us/bars", window(dates[:3]), bars(sessions), dates=sessions)
    assert warehouse.partitions("us/bars") == [str(dates[i]) for i in (0, 2, 3)]
    assert warehouse.read("us/bars").column("date").unique().to_pylist() == [
        dates[i] for i in (0, 2, 3)
    ]


def test_rows_outside_the_window_are_an_error(warehouse: Warehouse) -> None:
    dates = days(4)
    with pytest.raises(SchemaError, match=r"us/bars: 6 rows outside the window .*2020-01-08"):
        warehouse.replace("us/bars", window(dates[:2]), bars(dates))
    with pytest.raises(SchemaError, match="or on no session of it; first is date 2020-01-07"):
        warehouse.replace("us/bars", window(dates), bars(dates), dates=dates[:1])
    with pytest.raises(ValueError, match="session 2020-01-08 is outside the window"):
        warehouse.replace("us/bars", window(dates[:2]), bars(dates[:2]), dates=dates)
    assert warehouse.tables() == []


def test_nothing_is_written_of_a_frame_that_does_not_fit(warehouse: Warehouse) -> None:
    dates = days(2)
    with pytest.raises(SchemaError, match="us/bars: column 'close' is missing"):
        warehouse.replace("us/bars", window(dates), bars(dates).drop_columns(["close"]))
    assert warehouse.tables() == []


def test_tables_by_month(warehouse: Warehouse) -> None:
    months = ["2019-12", "2020-01", "2020-02"]
    written = warehouse.replace("us/factor_correlations", months, correlations(*months[:2]))
    assert written == {"2019-12": 1, "2020-01": 1, "2020-02": 0}
    assert warehouse.partitions("us/factor_correlations") == months
    touched = warehouse.read("us/factor_correlations", Window(date(2020, 1, 31), date(2020, 2, 1)))
    assert touched.column("month").to_pylist() == ["2020-01"]
    assert warehouse.read("us/factor_correlations", ["2019-12"]).num_rows == 1
    with pytest.raises(SchemaError, match="1 rows outside the window 2020-01; first is month 2019"):
        warehouse.replace("us/factor_correlations", ["2020-01"], correlations("2019-12"))


def test_tables_by_strategy(warehouse: Warehouse) -> None:
    dates = days(3)
    for name in ("momentum", "low_volatility"):
        warehouse.replace("us/backtest_positions", [name], backtests(name, dates))
    assert warehouse.partitions("us/backtest_positions") == ["low_volatility", "momentum"]
    rows = warehouse.read("us/backtest_positions", window(dates[1:]))
    assert rows.column("date").to_pylist() == dates[1:] * 2
    warehouse.replace("us/backtest_positions", ["momentum"], backtests("momentum", dates[:1]))
    assert warehouse.read("us/backtest_positions", ["momentum"]).num_rows == 1
    assert warehouse.read("us/backtest_positions").num_rows == 4


def test_tables_take_room(warehouse: Warehouse) -> None:
    dates = days(3)
    warehouse.replace("us/bars", window(dates[:1]), bars(dates[:1]))
    one = warehouse.sizes(["us/bars"])["us/bars"]
    warehouse.replace("us/bars", window(dates), bars(dates))
    both = warehouse.sizes(["us/bars", "us/universe"])
    assert 0 < one < both["us/bars"]
    assert both["us/universe"] == 0


def test_a_table_in_one_piece(warehouse: Warehouse) -> None:
    columns = ["ex_date", "symbol", "kind", "number", "ratio", "source"]
    split = pd.DataFrame([(DAY, "A", "split", 1, 2.0, "vendor")], columns=columns)
    split = split.reindex(columns=schema_of("corporate_actions").names)
    assert warehouse.partitions("us/corporate_actions") == []
    assert warehouse.replace("us/corporate_actions", None, split) == {"": 1}
    assert warehouse.partitions("us/corporate_actions") == [""]
    assert warehouse.read("us/corporate_actions").column("cash").to_pylist() == [None]
    assert warehouse.replace("us/corporate_actions", None, split[:0]) == {"": 0}
    assert warehouse.read("us/corporate_actions").num_rows == 0


@pytest.mark.parametrize(
    ("table", "keys", "message"),
    [
        ("us/bars", None, "partitioned by date: window must be a Window, not None"),
        ("us/bars", ["2020-01-06"], "partitioned by date: window must be a Window"),
        ("us/tear_sheet", None, "partitioned by strategy: window must be its keys, not None"),
        ("us/tear_sheet", window(days(2)), "partitioned by strategy: window must be its keys"),
        ("us/tear_sheet", "momentum", "a Window or a collection of keys, not 'momentum'"),
        ("us/corporate_actions", window(days(2)), "not partitioned: replace it whole"),
        ("us/corporate_actions", ["x"], "not partitioned: it has no keys"),
    ],
)
def test_a_window_of_the_wrong_kind(
    warehouse: Warehouse, table: str, keys: Window | None, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        warehouse.replace(table, keys, schema_of(table).arrow.empty_table())


@pytest.mark.parametrize("key", ["../x", "a/b", "", "a b", ".x"])
def test_a_key_cannot_leave_its_folder(warehouse: Warehouse, key: str) -> None:
    with pytest.raises(ValueError, match="is no key of a partition by strategy"):
        warehouse.replace("us/tear_sheet", [key], schema_of("tear_sheet").arrow.empty_table())


def test_dates_are_for_tables_by_date(warehouse: Warehouse) -> None:
    empty = schema_of("tear_sheet").arrow.empty_table()
    with pytest.raises(TypeError, match="us/tear_sheet is not partitioned by date"):
        warehouse.replace("us/tear_sheet", ["x"], empty, dates=days(1))
    with pytest.raises(TypeError, match=r"plain datetime\.date values, got Timestamp"):
        warehouse.replace("us/bars", window(days(1)), bars(days(1)), dates=[pd.Timestamp(DAY)])


def test_a_window_needs_a_date_column(warehouse: Warehouse) -> None:
    with pytest.raises(TypeError, match="us/tear_sheet has no column 'date' for the window 2020"):
        warehouse.read("us/tear_sheet", window(days(2)))


def test_unknown_names_are_answered_with_near_ones(warehouse: Warehouse) -> None:
    with pytest.raises(UnknownTableError, match="did you mean bars"):
        warehouse.read("us/bar")
    with pytest.raises(UnknownTableError, match="a table is named market/asset"):
        warehouse.read("bars")
    with pytest.raises(UnknownColumnError, match="us/bars has no column 'clos'; did you mean clo"):
        warehouse.read("us/bars", columns=["clos"])
    with pytest.raises(UnknownColumnError, match="us/tear_sheet has no column 'symbol'"):
        warehouse.read("us/tear_sheet", symbols=["A"])
    with pytest.raises(TypeError, match="symbols must be a collection of tickers"):
        warehouse.read("us/bars", symbols="AAPL")


def test_a_factor_added_later_is_null_before(warehouse: Warehouse) -> None:
    dates = days(4)
    warehouse.replace("us/factors_x", window(dates), factors(dates, ["size"]))
    warehouse.replace("us/factors_x", window(dates[2:3]), factors(dates[2:3], ["size", "beta"]))
    assert warehouse.columns("us/factors_x") == ["date", "symbol", "size", "beta"]
    everything = warehouse.read("us/factors_x")
    assert everything.column("beta").to_pylist() == [None] * 4 + [100, 101] + [None] * 2
    assert everything.column("size").null_count == 0
    # the newest file of this window has never heard of beta
    assert warehouse.read("us/factors_x", window(dates[:2])).column_names[2:] == ["size"]


def test_a_column_of_any_file_can_be_asked_for(warehouse: Warehouse) -> None:
    dates = days(2)
    warehouse.replace("us/factors_x", window(dates[:1]), factors(dates[:1], ["old", "size"]))
    warehouse.replace("us/factors_x", window(dates[1:]), factors(dates[1:], ["size"]))
    assert warehouse.read("us/factors_x").column_names == ["date", "symbol", "size"]
    assert warehouse.read("us/factors_x", columns=["old"]).column("old").to_pylist() == [
        0,
        1,
        None,
        None,
    ]
    with pytest.raises(UnknownColumnError, match="no column 'siz'; did you mean size"):
        warehouse.read("us/factors_x", columns=["siz"])


def test_an_empty_day_of_a_wide_table_keeps_its_columns(warehouse: Warehouse) -> None:
    dates = days(2)
    warehouse.replace("us/factors_x", window(dates), factors(dates[:1], ["size"]), dates=dates)
    assert warehouse.read("us/factors_x", window(dates[1:])).column_names[2:] == ["size"]
