"""The Brazilian market as a source: which file answers for a day, which quotes become rows."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from quant_assets.market_data.calendars import sessions as market_sessions
from quant_assets.market_data.quality import lookback, screen
from quant_assets.market_data.sources.b3.cotahist import CutFileError
from quant_assets.market_data.sources.b3.source import B3
from quant_assets.market_data.sources.base import ACTIONS_SCHEMA, RAW_SCHEMA, SourceError
from quant_assets.market_data.sources.registry import open_source
from quant_assets.settings import Market
from quant_assets.settings_files import ConfigError, checked
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.sources.b3.markets import (
    END,
    START,
    b3_market,
    quotes,
    sessions,
)
from quant_assets_tests.market_data.sources.b3.samples import record, write

EVER = Window(START, END)
JANUARY = sessions(date(2024, 1, 1))
FIRST, SECOND, THIRD = JANUARY[:3]  # Tuesday 2 January to Thursday


def market_of(folder: Path, source: dict[str, Any] | None = None, **keys: Any) -> Market:
    block = b3_market(folder, source, **keys)
    return checked(Market, "markets.yaml", "tiny", {"name": "tiny", **block})


def b3(folder: Path, source: dict[str, Any] | None = None, **keys: Any) -> B3:
    found = open_source(market_of(folder, source, **keys))
    assert isinstance(found, B3)
    return found


def year(folder: Path, lines: list[str], number: int = 2024) -> Path:
    return write(folder / f"COTAHIST_A{number}.ZIP", lines, year=number)


def test_quotes_become_raw_rows(tmp_path: Path) -> None:
    lines = [record(FIRST, factor=1000), record(SECOND, "EFGH4")]
    year(tmp_path, lines)
    table = b3(tmp_path).read(EVER)
    assert table.schema.names == [*RAW_SCHEMA.names, "fault"]
    first, second = table.to_pylist()
    assert first == {
        "session": FIRST,
        "date": FIRST,
        "symbol": "ABCD3",
        "open": 0.01,
        "high": 0.011,
        "low": 0.0099,
        "close": 0.0108,
        "volume": 3400.0,
        "turnover": 35.7,
        "file": "COTAHIST_A2024.ZIP",
        "row": 1,
        "fault": None,
    }
    assert (second["symbol"], second["row"]) == ("EFGH4", 2)


def test_windows_have_their_sessions_and_add_up(tmp_path: Path) -> None:
    days = sessions()
    year(tmp_path, quotes([day for day in days if day.year == 2023]), 2023)
    year(tmp_path, quotes([day for day in days if day.year == 2024]))
    source = b3(tmp_path)
    whole = source.read(EVER)
    assert whole.num_rows == 3 * len(days)
    for day in days:
        alone = source.read(Window(day, day))
        assert alone.to_pylist() == [row for row in whole.to_pylist() if row["session"] == day]
    assert source.count_rows(EVER) == dict.fromkeys(days, 3)
    assert source.read(Window(date(2024, 1, 6), date(2024, 1, 7))).num_rows == 0


def test_markets_and_classes_are_chosen(tmp_path: Path) -> None:
    year(
        tmp_path,
        [
            record(FIRST),
            record(FIRST, "ABCD3F", "96", 20),
            record(FIRST, "RECO3", "08"),
            record(FIRST, "ABCD3T", "62", 30, term="030"),
            record(FIRST, "ABCD3T", "62", 30, term="060"),
            record(FIRST, "ABCDA10", "78", 70, term="000", expiry="20240216"),
        ],
    )

    def symbols(**source: Any) -> list[str]:
        table = b3(tmp_path, source).read(EVER)
        assert sum(b3(tmp_path, source).count_rows(EVER).values()) == table.num_rows
        found: list[str] = table["symbol"].to_pylist()
        return found

    assert symbols() == ["ABCD3"]
    assert symbols(classes=[2, "08"]) == ["ABCD3", "RECO3"]
    assert symbols(market_types=["odd_lot"], classes=["96"]) == ["ABCD3F"]
    assert symbols(market_types=["forward"], classes=None) == ["ABCD3T-30", "ABCD3T-60"]
    assert symbols(market_types=["calls", "puts"], classes=None) == ["ABCDA10"]
    assert len(symbols(market_types=None, classes=None)) == 6


def test_a_line_that_cannot_be_read_is_a_row_of_its_session(tmp_path: Path) -> None:
    bad = record(SECOND, "EFGH4", "78", 70).replace("R$", "R\x03")
    undated = record(FIRST, "IJKL3").replace("20240102", "2024O102")
    year(tmp_path, [record(FIRST), bad, undated, record(THIRD)])
    source = b3(tmp_path)
    rows = {row["row"]: row for row in source.read(EVER).to_pylist()}
    assert [rows[i]["session"] for i in (1, 2, 3, 4)] == [FIRST, SECOND, THIRD, THIRD]
    assert (rows[2]["symbol"], rows[2]["open"], rows[2]["date"]) == ("EFGH4", None, SECOND)
    assert "MODREF (53-56) must be printable" in rows[2]["fault"]
    assert rows[3]["date"] is None
    assert "Got '2024O102' instead" in rows[3]["fault"]
    counts = source.count_rows(EVER)
    assert [counts[day] for day in (FIRST, SECOND, THIRD)] == [1, 1, 2]


def test_such_lines_are_quarantined_with_their_reason(tmp_path: Path) -> None:
    bad = record(FIRST, "EFGH4").replace("0000000001100", "00000000011O0")
    year(tmp_path, [record(FIRST), bad])
    market = market_of(tmp_path)
    source = open_source(market)
    screened = screen(
        source.read(EVER),
        market_sessions(market),
        source.symbols(),
        source.corporate_actions(),
        market.quality,
        EVER,
    )
    assert lookback(market.quality) > 0
    assert screened.bars["symbol"].to_pylist() == ["ABCD3"]
    assert screened.counts == screened.broken == {"unreadable_record": 1}
    (row,) = screened.quarantine.to_pylist()
    assert (row["symbol"], row["file"], row["row"]) == ("EFGH4", "COTAHIST_A2024.ZIP", 2)
    assert row["detail"] == ("PREMAX (70-82) must be 13 digits. Got '00000000011O0' instead")


def test_a_day_off_the_calendar_belongs_to_the_next_session(tmp_path: Path) -> None:
    new_year = date(2024, 1, 1)
    year(tmp_path, [record(new_year), record(FIRST)])
    source = b3(tmp_path)
    rows = source.read(Window(FIRST, FIRST)).to_pylist()
    assert [(row["date"], row["session"]) for row in rows] == [(new_year, FIRST), (FIRST, FIRST)]
    assert source.count_rows(EVER)[FIRST] == 2


def test_a_late_day_of_the_old_year_belongs_to_the_first_session(tmp_path: Path) -> None:
    eve = date(2023, 12, 30)  # a Saturday
    year(tmp_path, [record(eve)], 2023)
    year(tmp_path, [record(FIRST)])
    rows = b3(tmp_path).read(Window(FIRST, FIRST)).to_pylist()
    assert [row["date"] for row in rows] == [eve, FIRST]


def test_the_wider_file_answers_for_a_day(tmp_path: Path) -> None:
    def day_file(day: date) -> None:
        write(tmp_path / f"COTAHIST_D{day:%d%m%Y}.ZIP", [record(day, "DAYS3")])

    for day in (FIRST, SECOND, THIRD):
        day_file(day)
    write(tmp_path / "COTAHIST_M012024.TXT", [record(d, "MONT3") for d in (FIRST, SECOND)])
    year(tmp_path, [record(FIRST, "YEAR3")])
    source = b3(tmp_path)
    found = {row["session"]: row["symbol"] for row in source.read(EVER).to_pylist()}
    assert found == {FIRST: "YEAR3", SECOND: "MONT3", THIRD: "DAYS3"}
    assert sum(source.count_rows(EVER).values()) == 3
    paths = {Path(file.path).name: file.path for file in source.list_files()}
    assert len(paths) == 5
    assert source.coverage(paths["COTAHIST_M012024.TXT"]) == [FIRST, SECOND]


def test_a_cut_file_makes_no_bars(tmp_path: Path) -> None:
    write(tmp_path / "COTAHIST_A2024.ZIP", [record(FIRST)], count=700)
    source = b3(tmp_path)
    with pytest.raises(CutFileError, match=r"3 records were read .*its trailer says 700"):
        source.read(EVER)
    # of another year nothing is asked
    assert source.read(Window(START, date(2023, 12, 28))).num_rows == 0


def test_ticker_changes_follow_a_security(tmp_path: Path) -> None:
    isin = "BRABCDACNOR1"
    old = [record(day, "OLDT3", isin=isin) for day in sessions(START, date(2023, 12, 28))]
    year(tmp_path, old, 2023)
    new = [record(day, "NEWT3", isin=isin) for day in JANUARY]
    odd = [record(FIRST, "ODDL3F", "96", 20, isin=isin)]
    year(tmp_path, [*new, *odd, record(FIRST, "NEWTA1", "78", 70, isin=isin)])
    (change,) = b3(tmp_path).ticker_changes().to_pylist()
    assert change == {
        "date": FIRST,
        "symbol": "NEWT3",
        "isin": isin,
        "previous_symbol": "OLDT3",
        "previous_date": date(2023, 12, 28),
    }
    # bars keep the tickers as traded
    assert set(b3(tmp_path).read(EVER)["symbol"].to_pylist()) == {"OLDT3", "NEWT3"}


def test_nothing_there_is_told(tmp_path: Path) -> None:
    source = b3(tmp_path)
    with pytest.raises(SourceError, match=r"no file named as the exchange names them .*downloads"):
        source.list_files()
    with pytest.raises(SourceError, match="of 2024: there is no file named"):
        list(source.check_files(2024))
    with pytest.raises(SourceError, match="the file is gone"):
        source.coverage(str(tmp_path / "COTAHIST_A2024.ZIP"))
    with pytest.raises(SourceError, match="there is no file named"):
        source.read(EVER)


def test_corporate_actions_may_be_left_out(tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text("ex_date,symbol,kind,ratio\n2024-01-03,ABCD3,split,2\n")
    with_them = b3(tmp_path, {"corporate_actions": str(events)})
    assert with_them.corporate_actions()["ratio"].to_pylist() == [2.0]
    for left_out in ({}, {"corporate_actions": str(events), "with_corporate_actions": False}):
        table = b3(tmp_path, left_out).corporate_actions()
        assert table.num_rows == 0
        assert table.schema == ACTIONS_SCHEMA


def test_settings_are_checked(tmp_path: Path) -> None:
    for source, message in (
        ({"classes": ["2x"]}, r"source.classes: a bulletin class has two digits.*Got '2x'"),
        ({"market_types": ["cahs"]}, r"source.market_types.0: Input should be 'cash'"),
        ({"path": "s3://b/x"}, r"source.path: must be a local folder. Got 's3://b/x' instead"),
        ({"downloads": {"base_url": "ftp://x"}}, r"base_url: must begin with https://"),
        ({"downlods": {}}, r"source.downlods: unknown key \(did you mean 'downloads'\?\)"),
    ):
        with pytest.raises(ConfigError, match=message):
            market_of(tmp_path, source)
    kept = market_of(tmp_path, {"downloads": {"base_url": "https://x/y/"}})
    assert not kept.watched
    assert market_of(tmp_path).watched
