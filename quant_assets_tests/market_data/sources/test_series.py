"""Benchmark series: exact days, step series, what is missing, what is wrong."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.files import Files
from quant_assets.market_data.sources.series import compose
from quant_assets.settings import Series
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
