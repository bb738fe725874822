"""China's daily files: what is a bar, a halt, an event; what is refused; how rows are accounted."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quant_assets.market_data import calendars, quality
from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.cn_daily import CnDaily
from quant_assets.settings import Market
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.baostock import (
    DAYS,
    HOLIDAY,
    block,
    halted,
    market,
    row,
    walk,
    write,
)
from quant_assets_tests.markets import small_settings

WHOLE = Window(DAYS[0], DAYS[-1])


def source(folder: Path, *rows: dict[str, Any], **over: Any) -> CnDaily:
    write(folder / "daily.csv", rows)
    return CnDaily(market(folder / "*.csv", **over))


def accounted(given: CnDaily) -> quality.Screened:
    """The screened rows; every row of the source is a bar, in quarantine or a halt."""
    sessions = calendars.sessions(given.market)
    screened = quality.screen(
        given.read(WHOLE),
        sessions,
        given.symbols(),
        given.corporate_actions(),
        given.market.quality,
        WHOLE,
    )
    kept = Counter(screened.bars["date"].to_pylist())
    kept += Counter(screened.quarantine["date"].to_pylist())
    assert kept == {day: n for day, n in given.count_rows(WHOLE).items() if n}
    return screened


def status(given: CnDaily) -> pd.DataFrame:
    table = given.read_further_table("trading_status", WHOLE)
    schema_of("trading_status").validate(table)
    frame: pd.DataFrame = table.to_pandas().set_index(["date", "symbol"])
    return frame


def test_a_traded_row_is_a_bar_with_the_vendors_turnover(tmp_path: Path) -> None:
    bars = accounted(source(tmp_path, row(DAYS[0]))).bars
    schema_of("bars").validate(bars)
    assert bars.to_pylist() == [
        {
            "date": DAYS[0],
            "symbol": "600000.SH",
            "open": 10.0,
            "high": 10.5,
            "low": 9.8,
            "close": 10.2,
            "volume": 1000.0,
            "turnover": 10_100.0,
            "flags": "",
        }
    ]


def test_a_halted_row_is_a_status_and_neither_bar_nor_quarantine(tmp_path: Path) -> None:
    given = source(tmp_path, row(DAYS[0]), halted(DAYS[1]), halted(DAYS[2], volume=0, amount=0))
    screened = accounted(given)
    assert screened.bars["date"].to_pylist() == [DAYS[0]]
    assert screened.quarantine.num_rows == 0
    found = status(given)
    assert found["halted"].tolist() == [False, True, True]
    assert found["previous_close"].tolist() == [10.2, 10.2, 10.2]
    assert found["limit_up_price"].tolist() == [11.22, 11.22, 11.22]
    valued = given.read_further_table("valuations", WHOLE)
    schema_of("valuations").validate(valued)
    assert valued["turnover_rate"].to_pylist() == [0.005, None, None]
    assert valued["pe_ttm"].to_pylist() == [12.5, 12.5, 12.5]


def test_a_halted_row_that_traded_is_a_bar(tmp_path: Path) -> None:
    given = source(tmp_path, row(DAYS[0], tradestatus=0))
    assert accounted(given).bars.num_rows == 1
    assert status(given)["halted"].tolist() == [False]


def test_halted_rows_of_nobody_reach_quarantine(tmp_path: Path) -> None:
    given = source(
        tmp_path,
        row(DAYS[0]),
        halted(HOLIDAY),
        halted(DAYS[1], code=""),
        halted(DAYS[2]) | {"date": ""},
    )
    screened = accounted(given)
    assert screened.counts == {"missing_date": 1, "off_calendar": 1, "missing_symbol": 1}
    assert len(status(given)) == 1


def test_a_row_on_a_holiday_is_no_event_and_no_status(tmp_path: Path) -> None:
    # the copy of the 29th that stands under 1 January must not become the close before the 2nd
    given = source(tmp_path, row(DAYS[2]), row(HOLIDAY, close=9.9), row(DAYS[3], preclose=10.2))
    assert given.corporate_actions().num_rows == 0
    screened = accounted(given)
    assert screened.counts == {"off_calendar": 1}
    (rejected,) = screened.quarantine.to_pylist()
    assert rejected["detail"] == "2024-01-01 is no session; kept with 2024-01-02"
    assert [day for day, _ in status(given).index] == [DAYS[2], DAYS[3]]


def test_duplicates_are_judged_by_the_rules_and_told_once(tmp_path: Path) -> None:
    given = source(tmp_path, row(DAYS[0]), row(DAYS[0]), row(DAYS[1]), row(DAYS[1], close=10.3))
    assert accounted(given).counts == {"duplicate_key": 1, "conflicting_duplicate": 2}
    assert len(status(given)) == 2


def test_turnover_in_other_units_is_flagged(tmp_path: Path) -> None:
    given = source(tmp_path, row(DAYS[0], amount=10.1), row(DAYS[1], volume=10.0))
    assert accounted(given).flags == {"average_outside_range": 2}


def test_events_are_differences_of_closes(tmp_path: Path) -> None:
    given = source(
        tmp_path,
        row(DAYS[0]),
        row(DAYS[1], preclose=10.0),
        halted(DAYS[2], close=9.9),
        row(DAYS[3], preclose=9.9),
        row(DAYS[0], "sz.000001"),
        row(DAYS[1], "sz.000001"),
    )
    events = given.corporate_actions()
    schema_of("corporate_actions").validate(events)
    found = events.select(["ex_date", "symbol", "kind", "ratio"]).to_pylist()
    assert found == [
        {"ex_date": day, "symbol": "600000.SH", "kind": "ex_right", "ratio": None}
        for day in DAYS[1:3]
    ]
    assert events["cash"].to_pylist() == pytest.approx([0.2, 0.3])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tradestatus": 2}, "column 'tradestatus' must hold 0 or 1. Got 2 in data row 2"),
        ({"isST": 5}, "column 'isST' must hold 0 or 1. Got 5 in data row 2"),
        ({"adjustflag": 1}, "column 'adjustflag' must hold 3 (prices as traded)"),
        ({"preclose": "x"}, "column 'preclose' must hold numbers. Got 'x' in data row 2"),
    ],
)
def test_what_the_columns_may_not_hold(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    given = source(tmp_path, row(DAYS[0]), row(DAYS[1], **wrong))
    with pytest.raises(SourceError) as caught:
        given.read_further_table("trading_status", WHOLE)
    assert message in str(caught.value)
    assert "daily.csv" in str(caught.value)


def test_a_needed_column_that_lacks_is_named_and_optional_ones_are_null(tmp_path: Path) -> None:
    bare = {k: v for k, v in row(DAYS[0]).items() if k not in ("peTTM", "adjustflag")}
    given = source(tmp_path, bare)
    assert given.read_further_table("valuations", WHOLE)["pe_ttm"].to_pylist() == [None]
    assert accounted(given).bars.num_rows == 1
    (tmp_path / "daily.csv").unlink()
    given = source(tmp_path, {k: v for k, v in bare.items() if k != "tradestatus"})
    with pytest.raises(SourceError, match="no column 'tradestatus' for 'trading'"):
        given.read(WHOLE)


def test_columns_of_another_vendor_are_mapped(tmp_path: Path) -> None:
    theirs = {"preclose": "pre_close", "code": "ts_code"}
    given = source(
        tmp_path,
        {theirs.get(k, k): v for k, v in row(DAYS[0], "600000.SH").items()},
        columns={"previous_close": "pre_close", "symbol": "ts_code"},
    )
    assert status(given)["previous_close"].tolist() == [10.2]


def test_a_symbol_that_appears_later_is_newly_listed(tmp_path: Path) -> None:
    given = source(
        tmp_path,
        *(row(day) for day in DAYS[:8]),
        *(row(day, "sh.688001") for day in DAYS[1:8]),
    )
    limits = status(given)["limit_up_price"].unstack("symbol")
    assert limits["688001.SH"].isna().tolist() == [True] * 6 + [False] * 2
    assert limits["600000.SH"].notna().all()  # since when, nobody knows


def test_the_list_brings_sectors_and_first_days_and_may_lack_symbols(tmp_path: Path) -> None:
    listed = tmp_path / "symbols.csv"
    listed.write_text(
        f"ts_code,trade,since\n688001.SH,Chips,{DAYS[2]}\n000001,Banks,19910403\n", "utf-8"
    )
    columns = {"symbol": "ts_code", "industry": "trade", "first": "since"}
    given = source(
        tmp_path,
        *(row(day, code) for code in ("sh.688001", "sh.600000") for day in DAYS[2:8]),
        row(DAYS[0], "sz.300001"),
        symbols={"path": str(listed), "columns": columns},
    )
    found = given.symbols()
    assert found is not None
    rows = {r["symbol"]: r for r in found.to_pylist()}
    assert list(rows) == ["000001.SZ", "300001.SZ", "600000.SH", "688001.SH"]
    assert rows["000001.SZ"]["first"] == date(1991, 4, 3)
    assert rows["600000.SH"] | {"first": None} == dict.fromkeys(found.column_names) | {
        "symbol": "600000.SH"
    }
    assert rows["600000.SH"]["first"] == DAYS[2]
    assert rows["300001.SZ"]["first"] is None
    assert rows["688001.SH"]["industry"] == "Chips"
    assert accounted(given).counts == {}  # 600000 is in no list, and no stranger
    limits = status(given)["limit_up_price"].unstack("symbol")
    assert limits["688001.SH"].isna().tolist()[1:] == [True] * 5 + [False]


def test_limits_are_lifted_on_named_days(tmp_path: Path) -> None:
    given = source(
        tmp_path, row(DAYS[0]), row(DAYS[1]), no_price_limit={"sh.600000": [str(DAYS[1])]}
    )
    assert status(given)["limit_up_price"].isna().tolist() == [False, True]


def test_files_of_the_past_before_the_market_tell_listings_and_closes(tmp_path: Path) -> None:
    old = [date(2020, 1, 2), date(2023, 12, 26)]
    given = source(tmp_path, row(old[0]), row(old[1], "sh.688001"), row(DAYS[0], preclose=9.0))
    assert given.corporate_actions()["ex_date"].to_pylist() == [DAYS[0]]
    assert given.read(WHOLE).num_rows == 1
    assert given.count_rows(WHOLE) == {day: int(day == DAYS[0]) for day in DAYS}


def test_a_changed_folder_is_read_again(tmp_path: Path) -> None:
    given = source(tmp_path, row(DAYS[0]), row(DAYS[1]))
    assert given.corporate_actions().num_rows == 0
    write(tmp_path / "more.csv", [row(DAYS[2], preclose=9.0)])
    assert given.corporate_actions().num_rows == 1
    (tmp_path / "more.csv").unlink()
    assert given.corporate_actions().num_rows == 0


def test_a_window_is_what_the_whole_says_of_its_days(tmp_path: Path) -> None:
    codes = ["sh.600000", "sz.300750", "sh.688981"]
    days = calendars.sessions(market("x", start=date(2023, 12, 1)))
    walk(days.tolist(), codes).to_csv(tmp_path / "daily.csv", index=False)
    given = CnDaily(market(tmp_path / "*.csv", start=date(2023, 12, 1)))
    middle = Window(DAYS[2], DAYS[5])
    inside = [day for day in days.tolist() if middle.start <= day <= middle.end]
    for table in ("trading_status", "valuations"):
        every = given.read_further_table(table, Window(days[0].item(), days[-1].item()))
        part = given.read_further_table(table, middle)
        mask = np.isin(every["date"].to_pylist(), inside)
        assert part.equals(every.filter(mask))
    assert given.read_further_table("trading_status", middle).num_rows == len(inside) * 3


def test_further_tables_follow_the_settings() -> None:
    def tables(**over: Any) -> tuple[str, ...]:
        return CnDaily.further_tables(market("x", **over))

    assert tables() == ("trading_status", "valuations")
    index = {"A": {"path": "i.csv"}}
    assert tables(indices=index, minute_bars={"path": "m"}) == (
        *("trading_status", "valuations", "indices"),
        *("minute_bars", "minute_quarantine"),
    )
    with pytest.raises(SourceError, match="offers no table 'minute_bars'"):
        CnDaily(market("x")).read_further_table("minute_bars", WHOLE)


def test_slips_in_the_settings_are_named(tmp_path: Path) -> None:
    wrong = {"path": "m", "timestamp_unit": "s", "timestamp_format": "%H"}
    with pytest.raises(ConfigError, match=r"china\.source\.minute_bars: set timestamp_unit"):
        small_settings(tmp_path, {"china": block("x", minute_bars=wrong)})
    with pytest.raises(ConfigError, match=r"china\.source\.indices\.A: `code` and"):
        small_settings(tmp_path, {"china": block("x", indices={"A": {"path": "i", "code": "1"}})})
    assert isinstance(market("x"), Market)
