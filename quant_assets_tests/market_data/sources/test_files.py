"""The files source: windows over many files, provenance, and every bad input, named."""

import gzip
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quant_assets.market_data import quality
from quant_assets.market_data.sources.base import RAW_SCHEMA, SourceError
from quant_assets.market_data.sources.files import Files
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import DAYS, SESSIONS, WHOLE, files_market

HEADER = "date,symbol,open,high,low,close,volume"
SATURDAY, MONDAY = date(2024, 1, 6), date(2024, 1, 8)


def line(day: object, symbol: str = "AAA", close: object = 10.5, volume: object = 1000) -> str:
    return f"{day},{symbol},10,11,9,{close},{volume}"


def csv(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def parquet(path: Path, days: Sequence[object], group: int = 1 << 20, **over: Any) -> Path:
    count = len(days)
    columns: dict[str, Any] = {
        "date": pa.array(days, pa.date32()),
        "symbol": [f"S{i % 3}" for i in range(count)],
        "open": [10.0] * count,
        "high": [11.0] * count,
        "low": [9.0] * count,
        "close": (np.arange(count) / 1000 + 10).tolist(),
        "volume": list(range(count)),
    }
    pq.write_table(pa.table(columns | over), path, row_group_size=group)
    return path


def read(path: object, window: Window = WHOLE, **over: Any) -> pa.Table:
    table = Files(files_market(path, **over)).read(window)
    assert table.schema.equals(RAW_SCHEMA)
    return table


def one_day(day: date) -> Window:
    return Window(day, day)


def test_a_csv_file_becomes_raw_rows_with_their_place(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", line(DAYS[0]), line(DAYS[1], " BBB", "", "NA"))
    assert read(path).to_pylist() == [
        {
            "session": DAYS[0],
            "date": DAYS[0],
            "symbol": "AAA",
            "open": 10.0,
            "high": 11.0,
            "low": 9.0,
            "close": 10.5,
            "volume": 1000.0,
            "turnover": None,
            "file": "a.csv",
            "row": 1,
        },
        {
            "session": DAYS[1],
            "date": DAYS[1],
            "symbol": "BBB",
            "open": 10.0,
            "high": 11.0,
            "low": 9.0,
            "close": None,
            "volume": None,
            "turnover": None,
            "file": "a.csv",
            "row": 2,
        },
    ]


def test_columns_have_the_vendors_names_in_any_order(tmp_path: Path) -> None:
    header = "Volume,Ticker,When,C,L,H,O,Value"
    path = csv(tmp_path / "a.csv", "5,AAA,02/01/2024,3,1,4,2,99", header=header)
    columns = {
        "date": "When",
        "symbol": "Ticker",
        "open": "O",
        "high": "H",
        "low": "L",
        "close": "C",
        "volume": "Volume",
        "turnover": "Value",
    }
    (row,) = read(path, columns=columns, date_format="%d/%m/%Y").to_pylist()
    assert (row["date"], row["symbol"]) == (DAYS[0], "AAA")
    assert [row[k] for k in ("open", "high", "low", "close")] == [2, 4, 1, 3]
    assert (row["volume"], row["turnover"]) == (5, 99)


def test_compressed_csv_is_read_by_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n{line(DAYS[0])}\n".encode()))
    assert read(path).num_rows == 1


def test_a_symbol_with_leading_zeros_keeps_them(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", line(DAYS[0], "000001"))
    assert read(path)["symbol"].to_pylist() == ["000001"]


def test_parquet_reads_a_window_with_row_numbers_of_the_file(tmp_path: Path) -> None:
    days = [day for day in DAYS for _ in range(3)]
    path = parquet(tmp_path / "a.parquet", days, group=4)
    found = read(path, Window(DAYS[2], DAYS[3]))
    assert found["row"].to_pylist() == [7, 8, 9, 10, 11, 12]
    assert found["close"].to_pylist() == [10.006, 10.007, 10.008, 10.009, 10.010, 10.011]
    assert set(found["date"].to_pylist()) == {DAYS[2], DAYS[3]}


def test_parquet_reads_only_row_groups_with_wanted_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(tmp_path / "a.parquet", [day for day in DAYS for _ in range(3)], group=3)
    groups = []
    read_row_group = pq.ParquetFile.read_row_group

    def noted(self: pq.ParquetFile, group: int, **options: Any) -> pa.Table:
        groups.append(group)
        return read_row_group(self, group, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", noted)
    assert read(path, one_day(DAYS[4])).num_rows == 3
    assert groups == [4]


def test_files_of_other_days_are_not_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in DAYS:
        csv(tmp_path / f"{day}.csv", line(day))
    source = Files(files_market(tmp_path))
    assert source.read(WHOLE).num_rows == len(DAYS)
    opened = []
    open_table = Files._open

    def noted(self: Files, path: str) -> Any:
        opened.append(Path(path).name)
        return open_table(self, path)

    monkeypatch.setattr(Files, "_open", noted)
    assert Files(files_market(tmp_path)).read(one_day(DAYS[4])).num_rows == 1
    assert opened == [f"{DAYS[4]}.csv"]
    # a changed file is looked at again
    csv(tmp_path / f"{DAYS[0]}.csv", line(DAYS[0]), line(DAYS[4], "BBB"))
    assert source.read(one_day(DAYS[4])).num_rows == 2


def test_a_file_is_read_by_the_declared_format_whatever_its_name(tmp_path: Path) -> None:
    path = csv(tmp_path / "prices.dat", line(DAYS[0]))
    assert read(path, format="csv").num_rows == 1
    with pytest.raises(SourceError, match=r"prices\.dat: its name does not tell the format"):
        read(path)


def test_other_files_in_the_folder_are_no_prices(tmp_path: Path) -> None:
    csv(tmp_path / "2024.csv", line(DAYS[0]))
    listed = csv(tmp_path / "symbols.csv", "AAA", header="symbol")
    events = csv(tmp_path / "actions.csv", header="ex_date,symbol,kind")
    over: dict[str, Any] = {"symbols": {"path": str(listed)}, "corporate_actions": str(events)}
    assert read(tmp_path, **over).num_rows == 1


def test_dates_off_the_calendar_belong_to_the_next_session(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", line(DAYS[3]), line(SATURDAY), line(MONDAY))
    found = read(path, one_day(MONDAY))
    assert found["date"].to_pylist() == [SATURDAY, MONDAY]
    assert found["session"].to_pylist() == [MONDAY, MONDAY]
    assert read(path, one_day(DAYS[3]))["date"].to_pylist() == [DAYS[3]]


def test_what_lies_outside_the_market_is_not_read(tmp_path: Path) -> None:
    outside = [date(1999, 1, 4), date(2023, 12, 29), date(2024, 1, 16), date(2999, 1, 2)]
    path = csv(tmp_path / "a.csv", *map(line, [*outside, date(2024, 1, 1), DAYS[0]]))
    # New Year's Day belongs to the first session, which comes after it
    assert read(path)["date"].to_pylist() == [date(2024, 1, 1), DAYS[0]]
    everything = Window(date(1990, 1, 1), date(2030, 1, 1))
    assert read(path, everything).num_rows == 2
    assert sum(Files(files_market(path)).count_rows(everything).values()) == 2
    assert read(path, one_day(SATURDAY)).num_rows == 0


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_without_a_date_belong_to_the_last_session_of_their_file(
    tmp_path: Path, kind: str
) -> None:
    if kind == "csv":
        first = csv(tmp_path / "a.csv", line(""), line(DAYS[1]), line(DAYS[0]))
    else:
        first = parquet(tmp_path / "a.parquet", [None, DAYS[1], DAYS[0]], group=1)
    csv(tmp_path / "b.csv", line(DAYS[5]))
    found = read(tmp_path, one_day(DAYS[1]))
    assert found["date"].to_pylist() == [None, DAYS[1]]
    assert found["file"].to_pylist() == [first.name] * 2
    assert read(tmp_path, one_day(DAYS[5])).num_rows == 1


def test_an_empty_day_is_no_error(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", line(DAYS[0]), line(DAYS[2]))
    assert read(path, one_day(DAYS[1])).num_rows == 0
    counts = Files(files_market(path)).count_rows(Window(DAYS[0], DAYS[2]))
    assert counts == {DAYS[0]: 1, DAYS[1]: 0, DAYS[2]: 1}


def test_a_file_with_a_header_only_is_an_empty_one(tmp_path: Path) -> None:
    assert read(csv(tmp_path / "a.csv")).num_rows == 0


def test_coverage_is_the_sessions_of_one_file(tmp_path: Path) -> None:
    days = [DAYS[1], SATURDAY, DAYS[1], date(2023, 12, 1), date(2024, 1, 16)]
    path = csv(tmp_path / "a.csv", *map(line, days))
    csv(tmp_path / "b.csv", line(DAYS[7]))
    source = Files(files_market(tmp_path))
    assert source.coverage(str(path)) == [DAYS[1], MONDAY]
    assert [Path(file.path).name for file in source.list_files()] == ["a.csv", "b.csv"]
    assert all(file.size > 0 and file.mtime_ns > 0 for file in source.list_files())


def test_two_files_that_disagree_on_a_key_are_both_read_and_quarantined(tmp_path: Path) -> None:
    csv(tmp_path / "a.csv", line(DAYS[0]), line(DAYS[0], "BBB"))
    csv(tmp_path / "b.csv", line(DAYS[0], close=10.6))
    market = files_market(tmp_path)
    source = Files(market)
    screened = quality.screen(
        source.read(WHOLE),
        SESSIONS,
        source.symbols(),
        source.corporate_actions(),
        market.quality,
        WHOLE,
    )
    assert screened.bars["symbol"].to_pylist() == ["BBB"]
    assert screened.counts == {"conflicting_duplicate": 2}
    details = screened.quarantine["detail"].to_pylist()
    assert details[0] == "disagrees with b.csv row 1 on close (10.5 against 10.6)"
    assert details[1] == "disagrees with a.csv row 1 on close (10.6 against 10.5)"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", "2024-01-02,AAA,1,1,1,1", header=HEADER[:-7])
    message = (
        r"a\.csv: there is no column 'volume' for 'volume'; the file has date, symbol, open, high, "
        r"low, close\. Name the right one under source\.columns\.volume"
    )
    for call in (Files.read, Files.count_rows):
        with pytest.raises(SourceError, match=message):
            call(Files(files_market(path)), WHOLE)
    with pytest.raises(SourceError, match="no column 'px' for 'close'"):
        read(parquet(tmp_path / "a.parquet", DAYS), columns={"close": "px"})


def test_a_value_of_a_wrong_type_is_named_with_file_and_row(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", line(DAYS[0]), line(DAYS[1], close="1O.5"))
    message = r"a\.csv: column 'close' must hold numbers\. Got '1O\.5' in data row 2 instead"
    with pytest.raises(SourceError, match=message):
        read(path)
    # the other days can be worked with meanwhile
    assert read(path, one_day(DAYS[0])).num_rows == 1
    with pytest.raises(SourceError, match=message):
        read(path, one_day(DAYS[1]))


def test_a_column_of_a_wrong_type_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", DAYS, close=[True] * len(DAYS))
    with pytest.raises(SourceError, match=r"'close' must hold numbers; the file stores bool"):
        read(path)


def test_a_date_that_is_none_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", line(DAYS[0]), line("2024-13-01"))
    with pytest.raises(SourceError, match=r"hold dates.*Got '2024-13-01' in data row 2"):
        read(path)


def test_a_file_without_any_date_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no row has a date in column 'date'"):
        read(csv(tmp_path / "a.csv", line(""), line("")))


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_truncated_parquet_file_is_named(tmp_path: Path, keep: float) -> None:
    path = parquet(tmp_path / "a.parquet", DAYS * 50)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(SourceError, match=r"a\.parquet: is not a readable Parquet file, it may be"):
        read(path)
    with pytest.raises(SourceError, match="deliver it again"):
        Files(files_market(path)).coverage(str(path))


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", DAYS * 50)
    whole = bytearray(path.read_bytes())
    whole[4:200] = b"\xff" * 196
    path.write_bytes(bytes(whole))
    with pytest.raises(SourceError, match="is not a readable Parquet file"):
        read(path)


@pytest.mark.parametrize("text", ["", f"{HEADER}\n{line(DAYS[0])}\n2024-01-03,AAA,1"])
def test_a_cut_csv_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"a\.csv: is not a readable CSV file"):
        read(path)


def test_a_file_that_goes_away_meanwhile_is_named(tmp_path: Path) -> None:
    source = Files(files_market(tmp_path))
    with pytest.raises(SourceError, match=r"gone\.csv: the file is gone; list the files anew"):
        source.coverage(str(tmp_path / "gone.csv"))


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file matches"):
        read(tmp_path)


KINDS = st.sampled_from(["a.csv", "b.csv", "c.parquet"])
DATES = st.lists(
    st.none() | st.sampled_from([*DAYS, SATURDAY, DAYS[0] - timedelta(days=1), date(2024, 2, 1)]),
    max_size=12,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(KINDS, DATES.filter(lambda d: not d or any(d)), min_size=1), st.data())
def test_rows_are_counted_as_they_are_read_in_every_window(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, list[date | None]], data: Any
) -> None:
    folder = tmp_path_factory.mktemp("files")
    for name, days in files.items():
        if name.endswith(".csv"):
            csv(folder / name, *(line(day or "") for day in days))
        else:
            parquet(folder / name, days, group=3)
    source = Files(files_market(folder))
    whole = source.count_rows(WHOLE)
    assert list(whole) == DAYS
    first, last = sorted(data.draw(st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS))))
    found = source.read(Window(first, last))
    expected = {day: count for day, count in whole.items() if first <= day <= last}
    assert source.count_rows(Window(first, last)) == expected
    sessions = found["session"].to_pylist()
    assert {day: sessions.count(day) for day in expected} == expected
    assert len(sessions) == sum(expected.values())
