"""Lists of symbols and corporate actions from files."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quant_assets.market_data.actions.events import ACTIONS_SCHEMA
from quant_assets.market_data.sources.base import SYMBOLS_SCHEMA, SourceError
from quant_assets.market_data.sources.files import Files
from quant_assets.market_data.sources.reference import read_actions, read_symbols
from quant_assets.settings_sources import SymbolsFile
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.market_data.examples import files_market

ZONE = "America/New_York"


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_symbols_are_sorted_and_what_is_not_mapped_is_missing(tmp_path: Path) -> None:
    path = written(
        tmp_path / "symbols.csv", "Ticker,Branch,IPO", "BBB,Banks,2007-01-03", "AAA,,", "NA,Oil,"
    )
    columns = {"symbol": "Ticker", "industry": "Branch", "first": "IPO"}
    found = read_symbols(SymbolsFile.model_validate({"path": str(path), "columns": columns}), ZONE)
    assert found.schema.names == SYMBOLS_SCHEMA.names
    assert found["symbol"].to_pylist() == ["AAA", "BBB", "NA"]
    assert found["industry"].to_pylist() == [None, "Banks", "Oil"]
    assert found["first"].to_pylist() == [None, date(2007, 1, 3), None]
    assert found["sector"].null_count == 3


def test_a_symbol_whose_rows_disagree_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "symbols.csv", "symbol,sector", "AAA,x", "BBB,x", "AAA,y", "BBB,x")
    settings = SymbolsFile(path=str(path), columns={"symbol": "symbol", "sector": "sector"})
    with pytest.raises(SourceError, match=r"1 symbols stand twice and .* the first is 'AAA'"):
        read_symbols(settings, ZONE)


def test_a_row_that_says_the_same_again_counts_once(tmp_path: Path) -> None:
    path = written(tmp_path / "symbols.csv", "symbol,index", "AAA,one", "BBB,one", "AAA,two")
    found = read_symbols(SymbolsFile(path=str(path)), ZONE)
    assert found["symbol"].to_pylist() == ["AAA", "BBB"]


def test_a_row_without_symbol_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "symbols.csv", "symbol,x", "AAA,1", ",2")
    with pytest.raises(SourceError, match=r"must hold a value in every row.*in data row 2"):
        read_symbols(SymbolsFile(path=str(path)), ZONE)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "symbols.csv", "symbol", "AAA")
    settings = SymbolsFile(path=str(path), columns={"symbol": "symbol", "sector": "GICS"})
    with pytest.raises(SourceError, match=r"no column 'GICS' for 'sector'.*symbols\.columns"):
        read_symbols(settings, ZONE)


def test_a_source_without_lists_has_none(tmp_path: Path) -> None:
    source = Files(files_market(tmp_path / "a.csv"))
    assert source.symbols() is None
    assert source.corporate_actions().num_rows == 0


def test_actions_are_sorted_typed_and_keep_where_they_come_from(tmp_path: Path) -> None:
    path = written(
        tmp_path / "actions.csv",
        "symbol,ex_date,kind,ratio,cash",
        "BBB,2024-01-04,split,2,",
        "AAA,2024-01-04,dividend,,0.5",
        "AAA,2024-01-03,dividend,,0.25",
    )
    found = read_actions(str(path), ZONE)
    schema_of("corporate_actions").validate(found)
    assert found["symbol"].to_pylist() == ["AAA", "AAA", "BBB"]
    assert found["ratio"].to_pylist() == [None, None, 2.0]
    assert found["cash"].to_pylist() == [0.25, 0.5, None]
    assert set(found["source"].to_pylist()) == {"actions.csv"}


def test_an_event_counts_once_and_different_ones_of_a_key_are_numbered(tmp_path: Path) -> None:
    path = written(
        tmp_path / "actions.csv",
        "symbol,ex_date,kind,cash,source",
        *["AAA,2024-01-04,dividend,0.5,x"] * 2,
        "AAA,2024-01-04,dividend,0.25,x",
        "AAA,2024-01-05,dividend,,x",
    )
    found = read_actions(str(path), ZONE)
    schema_of("corporate_actions").validate(found)
    assert found["cash"].to_pylist() == [0.25, 0.5, None]
    assert found["number"].to_pylist() == [1, 2, 1]
    assert found["ratio"].to_pylist() == [None, None, None]


def test_an_event_of_two_files_counts_once(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        written(tmp_path / name, "symbol,ex_date,kind,cash", "AAA,2024-01-04,dividend,0.5")
    (event,) = read_actions(str(tmp_path), ZONE).to_pylist()
    assert (event["cash"], event["source"]) == (0.5, "a.csv")


def test_actions_in_parquet_and_in_a_folder(tmp_path: Path) -> None:
    columns = {"ex_date": [date(2024, 1, 3)], "symbol": ["AAA"], "kind": ["split"], "ratio": [3]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    written(tmp_path / "b.csv", "symbol,ex_date,kind,ratio", "BBB,2024-01-04,split,2")
    found = read_actions(str(tmp_path), ZONE)
    assert found.schema.equals(ACTIONS_SCHEMA)
    assert found["ratio"].to_pylist() == [3.0, 2.0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["symbol,ex_date", "AAA,2024-01-03"], "no column 'kind' for 'kind'"),
        (["symbol,ex_date,kind", "AAA,,split"], "a value in every row.*in data row 1"),
        (["symbol,ex_date,kind,ratio", "AAA,2024-01-03,split,two"], "Got 'two' in data row 1"),
        (
            ["symbol,ex_date,kind", "A,2024-01-03,split", "A,2024-01-03,splitt"],
            "Got 'splitt'.*row 2",
        ),
        (["symbol,ex_date,kind", "A,2024-01-03,dividendo"], r"did you mean 'dividend'\?"),
        (["symbol,ex_date,kind", "AAA,soon,split"], "hold dates.*Got 'soon' in data row 1"),
    ],
)
def test_actions_that_cannot_be_read_are_named(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    path = written(tmp_path / "actions.csv", *lines)
    with pytest.raises(SourceError, match=message):
        read_actions(str(path), ZONE)
