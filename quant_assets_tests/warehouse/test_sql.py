"""SQL over the tables of either store."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from quant_assets.warehouse.errors import QueryError, UnknownTableError
from quant_assets.warehouse.schemas import SCHEMAS
from quant_assets.warehouse.store import Warehouse
from quant_assets_tests.warehouse.frames import DAY, bars, days, factors, window

DATES = days(6)


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    warehouse.replace("us/bars", window(DATES), bars(DATES), dates=DATES)
    return warehouse


def pandas() -> pd.DataFrame:
    frame: pd.DataFrame = bars(DATES).to_pandas(date_as_object=False)
    return frame


def test_a_table_as_it_is(filled: Warehouse) -> None:
    found = filled.sql("SELECT * FROM us.bars ORDER BY date, symbol")
    pd.testing.assert_frame_equal(found, pandas())


def test_aggregates_agree_with_pandas(filled: Warehouse) -> None:
    query = "SELECT symbol, avg(close) AS mean, count() AS n FROM us.bars GROUP BY symbol"
    found = filled.sql(f"{query} ORDER BY symbol").set_index("symbol")
    expected = pandas().groupby("symbol")["close"].agg(["mean", "count"])
    pd.testing.assert_series_equal(found["mean"], expected["mean"], rtol=1e-12)
    assert found["n"].tolist() == expected["count"].tolist()


def test_filters_agree_with_pandas(filled: Warehouse) -> None:
    query = "SELECT date, symbol FROM us.bars WHERE date >= '{}' AND date < '{}' AND close > 50"
    found = filled.sql(query.format(DATES[1], DATES[4]) + " ORDER BY date, symbol")
    frame = pandas()
    inside = (frame["date"] >= str(DATES[1])) & (frame["date"] < str(DATES[4]))
    expected = frame[inside & (frame["close"] > 50)][["date", "symbol"]].reset_index(drop=True)
    assert len(expected) > 0
    pd.testing.assert_frame_equal(found, expected)


def test_windows_and_joins_agree_with_pandas(filled: Warehouse) -> None:
    frame = factors(DATES, ["size"], ["A", "B"])
    filled.replace("us/factors_x", window(DATES), frame)
    found = filled.sql(
        """
        SELECT date, symbol, size * close AS product,
               row_number() OVER (PARTITION BY date ORDER BY size DESC) AS place
        FROM us.bars INNER JOIN us.factors_x USING (date, symbol) ORDER BY date, symbol
        """
    )
    both = pandas().merge(frame.to_pandas(date_as_object=False), on=["date", "symbol"])
    assert found["product"].tolist() == pytest.approx((both["size"] * both["close"]).tolist())
    assert found["place"].tolist() == [2, 1] * len(DATES)


def test_derivations_are_known_by_name(filled: Warehouse) -> None:
    query = "SELECT *, intraday_return FROM us.bars WHERE date = '{}' ORDER BY date, symbol"
    found = filled.sql(query.format(DATES[1]))
    frame = pandas()
    frame = frame[frame["date"] == pd.Timestamp(DATES[1])].reset_index(drop=True)
    expected = frame.assign(intraday_return=frame["close"] / frame["open"] - 1)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-15)
    found = filled.sql("SELECT avg(intraday_return) AS mean FROM us.adjusted_bars")
    assert found["mean"].isna().all()


def test_dates_are_dates(filled: Warehouse) -> None:
    found = filled.sql("SELECT DISTINCT date, toTypeName(date) AS type FROM us.bars ORDER BY date")
    assert set(found["type"]) == {"Date32"}
    assert found["date"].dt.date.tolist() == DATES


def test_dates_before_1970(warehouse: Warehouse) -> None:
    old = days(2, DAY.replace(year=1950))
    warehouse.replace("us/bars", window(old), bars(old))
    found = warehouse.sql("SELECT DISTINCT date FROM us.bars WHERE date < '1960-01-01' ORDER BY 1")
    assert found["date"].dt.date.tolist() == old


def test_an_answer_without_rows_has_columns(filled: Warehouse) -> None:
    found = filled.sql("SELECT date, close FROM us.bars WHERE symbol = 'none'")
    assert found.columns.tolist() == ["date", "close"]
    assert found["close"].dtype == float
    assert len(found) == 0


def test_tables_without_files_are_empty_views(warehouse: Warehouse) -> None:
    declared = [schema for schema in SCHEMAS.values() if not schema.wide]
    for schema in declared:
        assert warehouse.sql(f"SELECT * FROM us.{schema.name}").columns.tolist() == [*schema.names]
    assert len(warehouse.sql("SHOW TABLES FROM us")) == len(declared)


def test_new_partitions_show_at_once(filled: Warehouse) -> None:
    count = "SELECT count() AS n FROM us.bars"
    assert filled.sql(count)["n"][0] == 18
    more = days(1, DATES[-1].replace(month=3))
    filled.replace("us/bars", window(more), bars(more))
    assert filled.sql(count)["n"][0] == 21
    filled.replace("us/bars", window(more), bars(more).slice(0, 1))
    assert filled.sql(count)["n"][0] == 19


def test_a_factor_added_later_is_null_before(warehouse: Warehouse) -> None:
    first, second = DATES[:1], DATES[1:2]
    warehouse.replace("us/factors_x", window(first), factors(first, ["size"]))
    assert warehouse.sql("SELECT * FROM us.factors_x").columns.tolist()[2:] == ["size"]
    warehouse.replace("us/factors_x", window(second), factors(second, ["size", "beta"]))
    found = warehouse.sql("SELECT avg(beta) AS mean, count(beta) AS n FROM us.factors_x")
    assert found["mean"].tolist() == [100.5]
    assert found["n"].tolist() == [2]


def test_missing_values_are_null_in_sql(warehouse: Warehouse) -> None:
    frame = factors(DATES[:1], ["size"]).to_pandas()
    frame.loc[0, "size"] = float("nan")
    warehouse.replace("us/factors_x", window(DATES[:1]), frame)
    found = warehouse.sql(
        "SELECT sum(size) AS total, countIf(size IS NULL) AS missing FROM us.factors_x"
    )
    assert found.to_dict("records") == [{"total": 1.0, "missing": 1}]


def test_tables_by_month_and_strategy(warehouse: Warehouse) -> None:
    columns = ["strategy", "metric", "value"]
    for name in ("2", "1"):  # a key that looks like a number stays text
        sheet = pd.DataFrame([(name, "sharpe", 1.5), (name, "sortino", None)], columns=columns)
        warehouse.replace("us/tear_sheet", [name], sheet)
    found = warehouse.sql("SELECT strategy, value FROM us.tear_sheet ORDER BY strategy, metric")
    assert found["strategy"].tolist() == ["1", "1", "2", "2"]
    assert found["value"].isna().tolist() == [False, True, False, True]


def test_several_threads(filled: Warehouse) -> None:
    with ThreadPoolExecutor(4) as threads:
        queries = [f"SELECT {i} AS i, count() AS n FROM us.bars" for i in range(12)]
        found = list(threads.map(filled.sql, queries))
    assert [frame["i"][0] for frame in found] == list(range(12))
    assert {frame["n"][0] for frame in found} == {18}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM us.bar", r"no table 'us\.bar'.* did you mean us\.bars"),
        ("SELECT * FROM uss.bars", "no table 'uss'.*"),
        ("SELECT * FROM bars", r"no table 'bars'.* did you mean us\.bars"),
        ("SELECT * FROM us.zzzzzzzz", r"markets are us, tables us\.adjusted_bars"),
        ("SELECT * FROM us.factors_none", "no table 'us.factors_none'"),
    ],
)
def test_an_unknown_table(filled: Warehouse, query: str, message: str) -> None:
    with pytest.raises(UnknownTableError, match=message):
        filled.sql(query)


def test_a_query_changes_nothing(filled: Warehouse) -> None:
    for query in ("drop table us.bars", "-- all of it\n DROP TABLE us.bars"):
        with pytest.raises(QueryError, match="READONLY"):
            filled.sql(query)
    assert filled.sql("select count() as n from us.bars")["n"][0] > 0


def test_a_wrong_query(filled: Warehouse) -> None:
    with pytest.raises(QueryError, match=r"Unknown expression identifier `clos`.*close"):
        filled.sql("SELECT clos FROM us.bars")
    for query in (
        "SELEC 1",
        "SELECT 1 FROM us.bars ORDER",
        "SELECT (1",
        "SELECT * FROM us.bars JOIN",
    ):
        with pytest.raises(QueryError, match="Syntax error"):
            filled.sql(query)
    assert filled.sql("SELECT 1 AS one;")["one"].tolist() == [1]


@pytest.mark.parametrize(
    "query", ["SELECT * FROM", "SELECT 1 FROM us. ;", "SELECT * FROM us.bars, "]
)
def test_a_query_that_ends_too_early(filled: Warehouse, query: str) -> None:
    with pytest.raises(QueryError, match="the query ends where the name of a table should stand"):
        filled.sql(query)
    with pytest.raises(UnknownTableError, match="no table 'FORMAT'"):
        filled.sql("SELECT * FROM FORMAT")
