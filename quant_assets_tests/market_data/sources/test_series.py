"""Benchmark series: exact days, step series, what is missing, what is wrong."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from quant_assets.market_data.calendars import sessions
from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.files import Files
from quant_assets.market_data.sources.series import compose, read_indices, rows_on_sessions
from quant_assets.settings_sources import Series
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import DAYS, SESSIONS, files_market, market


def series(path: Path, *lines: str, **over: Any) -> Series:
    path.write_text("\n".join(["date,open,close", *lines]) + "\n")
    return Series(path=str(path), **over)


def composed(**named: Series) -> pa.Table:
    table = compose(market(**named), SESSIONS[:4])
    schema_of("benchmark").validate(table)
    assert table["date"].to_pylist() == DAYS[:4]
    return table


def test_a_series_is_taken_on_its_days_and_missing_on_the_others(tmp_path: Path) -> None:
    lines = ["2024-01-05,3,4", "2024-01-03,1,2", "2024-01-01,9,9", "2024-01-04,,"]
    table = composed(index=series(tmp_path / "i.csv", *lines, open_column="open"))
    assert table["index_close"].to_pylist() == [None, 2.0, None, 4.0]
    assert table["index_open"].to_pylist() == [None, 1.0, None, 3.0]
    assert table["volatility_index"].null_count == 4
    assert table["risk_free_rate"].null_count == 4


def test_a_step_series_holds_its_last_value_and_knows_no_later_one(tmp_path: Path) -> None:
    rate = series(tmp_path / "r.csv", "2024-01-04,,6", "2023-06-01,,5", carry_forward=True)
    table = composed(risk_free_rate=rate.model_copy(update={"scale": 0.01}))
    assert table["risk_free_rate"].to_pylist() == pytest.approx([0.05, 0.05, 0.06, 0.06])


def test_a_step_series_is_missing_before_its_first_row(tmp_path: Path) -> None:
    rate = series(tmp_path / "r.csv", "2024-01-04,,6", carry_forward=True)
    assert composed(risk_free_rate=rate)["risk_free_rate"].to_pylist() == [None, None, 6, 6]


def test_a_step_series_carries_over_missing_values(tmp_path: Path) -> None:
    rate = series(tmp_path / "r.csv", "2024-01-02,,5", "2024-01-04,,.", carry_forward=True)
    assert composed(risk_free_rate=rate)["risk_free_rate"].to_pylist() == [5.0] * 4


def test_a_level_is_its_growth_made_annual(tmp_path: Path) -> None:
    # 2 to 8 January 2024, without the 4th: 1 and 2 sessions between
    lines = ["2023-12-29,,100", "2024-01-02,,100.05", "2024-01-03,,100.1", "2024-01-05,,100.3"]
    rate = series(tmp_path / "c.csv", *lines, kind="level")
    first, second, third, fourth = composed(risk_free_rate=rate)["risk_free_rate"].to_pylist()
    assert first == pytest.approx((100.05 / 100) ** 252 - 1, rel=1e-12)
    assert second == pytest.approx((100.1 / 100.05) ** 252 - 1, rel=1e-12)
    assert third is None
    assert fourth == pytest.approx((100.3 / 100.1) ** 126 - 1, rel=1e-12)


def test_a_level_begins_with_its_second_row_and_may_be_carried(tmp_path: Path) -> None:
    lines = ["2024-01-02,,100", "2024-01-03,,100.1", "2024-01-06,,200"]  # a Saturday counts not
    rate = series(tmp_path / "c.csv", *lines, kind="level", carry_forward=True)
    found = composed(risk_free_rate=rate)["risk_free_rate"].to_pylist()
    assert found == [None, *[pytest.approx(1.001**252 - 1, rel=1e-9)] * 3]


def test_the_interbank_rate_of_brazil_is_read_from_its_index(test_data: Path) -> None:
    path = str(test_data / "br_b3_daily" / "cdi.csv")
    cdi = Series(kind="level", path=path, date_column="Date", value_column="CDI")
    brazil = market(calendar="BVMF", start=date(2010, 1, 4), risk_free_rate=cdi)
    days = sessions(brazil, date(2019, 12, 30))
    rates = compose(brazil, days)["risk_free_rate"].to_pylist()
    known = dict(zip(days.tolist(), rates, strict=True))
    # the policy rates of these days, less the tenth that the interbank market lies below them
    for day, policy in ((date(2012, 11, 1), 0.0725), (date(2016, 3, 1), 0.1425)):
        assert known[day] == pytest.approx(policy, abs=0.004)
    assert sum(rate is not None for rate in rates) > 2450


@pytest.mark.parametrize("carry_forward", [False, True])
def test_a_file_without_rows_is_missing_throughout(tmp_path: Path, carry_forward: bool) -> None:
    empty = series(tmp_path / "v.csv", carry_forward=carry_forward)
    assert composed(volatility_index=empty)["volatility_index"].null_count == 4


def test_the_source_gives_one_row_a_session_of_the_window(tmp_path: Path) -> None:
    index = series(tmp_path / "i.csv", "2024-01-05,3,4")
    source = Files(files_market(tmp_path / "none.csv", index=index))
    table = source.benchmark(Window(date(2024, 1, 5), date(2024, 1, 8)))
    assert table["date"].to_pylist() == [date(2024, 1, 5), date(2024, 1, 8)]
    assert table["index_close"].to_pylist() == [4.0, None]


@pytest.mark.parametrize(
    ("lines", "over", "message"),
    [
        (["2024-01-05,1,2", "2024-01-05,1,3"], {}, "two values for 2024-01-05 in 'close' of index"),
        (["2024-01-05,1,x"], {}, r"'close' must hold numbers\. Got 'x' in data row 1.*index\."),
        (["1/5/2024,1,2"], {}, "must hold dates written like 2024-01-31"),
        ([], {"value_column": "px"}, r"no column 'px' for 'value_column'.*index\.value_column"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, lines: list[str], over: dict[str, str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        composed(index=series(tmp_path / "i.csv", *lines, **over))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"i\.csv: no file matches"):
        composed(index=Series(path=str(tmp_path / "i.csv")))


MANY = ["date,code,close", "2024-01-02,sh.1,1", "2024-01-02,sh.2,2", "2024-01-03,sh.1,3"]


def test_of_a_file_with_several_indices_the_rows_of_one_are_read(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("\n".join(MANY) + "\n")
    one, two = (Series(path=str(path), code_column="code", code=f"sh.{k}") for k in (1, 2))
    assert composed(index=one)["index_close"].to_pylist() == [1.0, 3.0, None, None]
    assert composed(index=two)["index_close"].to_pylist() == [2.0, None, None, None]
    table = read_indices(market(), {"Two": two, "One": one}, SESSIONS[:4])
    schema_of("indices").validate(table)
    assert table.select(["date", "index", "close"]).to_pylist() == [
        {"date": DAYS[0], "index": "One", "close": 1.0},
        {"date": DAYS[0], "index": "Two", "close": 2.0},
        {"date": DAYS[1], "index": "One", "close": 3.0},
    ]
    with pytest.raises(SourceError, match=r"no row has 'sh\.3' in 'code' for index"):
        composed(index=one.model_copy(update={"code": "sh.3"}))
    with pytest.raises(SourceError, match="two values for 2024-01-02"):
        composed(index=Series(path=str(path)))


def test_rows_on_days_that_are_no_sessions_are_told_and_not_read(tmp_path: Path) -> None:
    lines = ["2024-01-01,,9", "2024-01-02,,1", "2024-01-06,,8"]
    index = series(tmp_path / "i.csv", *lines)
    other = series(tmp_path / "o.csv", *lines)
    given = market(index=index, risk_free_rate=other, volatility_index=other)
    found = rows_on_sessions(given, Window(date(2024, 1, 1), DAYS[-1]))
    assert (found.checked, found.violations) == (3, 2)
    assert found.examples == (
        f"{index.path}: 2024-01-01 is no session; its value 9 is not used for index",
        f"{index.path}: 2024-01-06 is no session; its value 8 is not used for index",
    )
    assert rows_on_sessions(given, Window(DAYS[0], DAYS[2])).violations == 0
    assert rows_on_sessions(market(), Window(DAYS[0], DAYS[2])).checked == 0
    # what lies before the known calendar cannot be judged
    assert rows_on_sessions(given, Window(date(1990, 1, 1), DAYS[0])).violations == 1
