"""What a researcher imports: tables as frames, SQL, and errors that help."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quant_assets.api import evaluate, load, sql
from quant_assets.settings import load_settings
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.errors import WarehouseError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.markets import (
    bars,
    files_market,
    process_environment,
    sessions,
    small_settings,
)

DAYS = sessions(end=date(2024, 1, 12))


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with bars of five symbols on nine days, and factors."""
    folder = tmp_path_factory.mktemp("api")
    markets = {"tiny": files_market(folder / "data")}
    settings = small_settings(folder, markets)
    warehouse = ParquetWarehouse(settings.warehouse_root)
    frame = bars(DAYS).assign(turnover=lambda table: table["close"] * table["volume"], flags="")
    window = Window(DAYS[0], DAYS[-1])
    warehouse.replace("tiny/bars", window, frame, dates=DAYS)
    factors = frame[["date", "symbol"]].assign(momentum=frame["close"], beta=np.nan)
    warehouse.replace("tiny/factors_style", window, factors, dates=DAYS)
    with process_environment(folder, markets):
        yield folder


def test_a_whole_table() -> None:
    frame = load("tiny/bars")
    assert len(frame) == 5 * len(DAYS)
    assert list(frame.columns[:3]) == ["date", "symbol", "open"]
    assert pd.api.types.is_datetime64_dtype(frame["date"])
    assert frame.equals(frame.sort_values(["date", "symbol"]))
    assert frame["close"].tolist() == bars(DAYS)["close"].tolist()


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2024-01-04", "2024-01-08", 2, 4),
        (date(2024, 1, 4), date(2024, 1, 8), 2, 4),
        ("2024-01-06", None, 4, 8),  # a Saturday
        (None, "2024-01-03", 0, 1),
        ("2023-01-01", "2025-01-01", 0, 8),
    ],
)
def test_a_range(start: date | str | None, end: date | str | None, first: int, last: int) -> None:
    days = load("tiny/bars", start, end)["date"].dt.date.unique().tolist()
    assert days == DAYS[first : last + 1]


def test_columns_and_symbols() -> None:
    frame = load("tiny/bars", columns=["close", "symbol"], symbols=["CCC", "AAA", "ZZZ"])
    assert list(frame.columns) == ["close", "symbol"]
    assert frame["symbol"].tolist() == ["AAA", "CCC"] * len(DAYS)
    assert load("tiny/bars", symbols=["ZZZ"]).empty
    assert load("tiny/factors_style", columns=["beta"])["beta"].isna().all()


def test_a_market_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match=r"no market 'tny' \(did you mean 'tiny'\?\)"):
        load("tny/bars")
    assert load("us/bars").empty  # a market that is not active may have tables


def test_no_expression_is_told() -> None:
    with pytest.raises(ValueError, match="there is no expression"):
        evaluate({}, "tiny", "2024-01-02", "2024-01-12")


def test_what_is_not_there_is_empty() -> None:
    frame = load("tiny/labels")
    assert frame.empty
    assert "decision_date" in frame.columns
    assert load("tiny/bars", "2023-01-01", "2023-02-01").empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": "tiny/barz"}, "did you mean .*bars"),
        ({"table": "bars"}, "market/asset|market/table"),
        ({"table": "tiny/bars", "columns": ["clos"]}, "no column 'clos'; did you mean close"),
        ({"table": "tiny/benchmark", "symbols": ["AAA"]}, "no column 'symbol'"),
    ],
)
def test_names_that_do_not_exist(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(WarehouseError, match=message):
        load(**arguments)  # type: ignore[arg-type]


def test_days_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="2024-01-05"):
        load("tiny/bars", "2024-01-05", "2024-01-04")
    with pytest.raises(ValueError, match="soon"):
        load("tiny/bars", "soon")


def test_sql() -> None:
    frame = sql("select symbol, count() as days from tiny.bars group by symbol order by symbol")
    assert frame["symbol"].tolist() == ["AAA", "BBB", "CCC", "DDD", "EEE"]
    assert frame["days"].tolist() == [len(DAYS)] * 5
    joined = sql(
        "select count() as n from tiny.bars b join tiny.factors_style f "
        "on b.date = f.date and b.symbol = f.symbol where f.momentum = b.close"
    )
    assert joined["n"].tolist() == [5 * len(DAYS)]


def test_sql_of_a_table_that_nothing_was_written_to() -> None:
    assert sql("select count() as n from tiny.labels")["n"].tolist() == [0]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select * from tiny.barz", "no table 'tiny.barz'.*did you mean tiny.bars"),
        ("select nothing from tiny.bars", "nothing"),
        ("selec 1", "(?i)syntax"),
    ],
)
def test_sql_that_is_wrong(query: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message):
        sql(query)


def test_a_home_without_data(tmp_path: Path) -> None:
    markets = {"tiny": files_market(tmp_path / "data")}
    small_settings(tmp_path, markets)
    with process_environment(tmp_path, markets):
        assert load("tiny/bars").empty
        assert sql("select count() as n from tiny.bars")["n"].tolist() == [0]
        assert not load_settings().home.exists()  # reading makes nothing


def test_settings_that_are_wrong(tmp_path: Path) -> None:
    with (
        process_environment(tmp_path, {}, QUANT_ASSETS_CONFIG=str(tmp_path / "nowhere")),
        pytest.raises(ConfigError, match="QUANT_ASSETS_CONFIG"),
    ):
        load("tiny/bars")
