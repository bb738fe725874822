"""Minute bars from files: instants from every way of writing them, windows, faults."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from quant_assets.market_data.sources import minutes
from quant_assets.market_data.sources.base import SourceError
from quant_assets.settings_sources import MinuteFiles
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.baostock import DAYS, HOLIDAY, market

ZONE = ZoneInfo("Asia/Shanghai")
WHOLE = Window(DAYS[0], DAYS[-1])
FIRST = datetime(2023, 12, 27, 9, 31, tzinfo=ZONE)


def line(when: Any, **over: Any) -> dict[str, Any]:
    prices = {"open": 10.0, "high": 10.2, "low": 9.9, "close": 10.1}
    return {"symbol": "000001", "timestamp": when} | prices | {"volume": 100} | over


def read(path: Path, *lines: dict[str, Any], window: Window = WHOLE, **over: Any) -> pd.DataFrame:
    pd.DataFrame(list(lines)).to_csv(path, index=False)
    settings = MinuteFiles(path=str(path), **over)
    frame: pd.DataFrame = minutes.read_minutes(settings, market("x"), window).to_pandas()
    return frame


@pytest.mark.parametrize(
    ("written", "how"),
    [
        (1703640660, {"timestamp_unit": "s"}),
        (1703640660000, {"timestamp_unit": "ms"}),
        (1703640660000000, {"timestamp_unit": "us"}),
        (1703640660000000000, {"timestamp_unit": "ns"}),
        ("2023-12-27 09:31:00", {}),
        ("2023-12-27T01:31:00+00:00", {}),
        ("20231227093100000", {"timestamp_format": "%Y%m%d%H%M%S%f"}),
    ],
)
def test_every_way_of_writing_an_instant(tmp_path: Path, written: Any, how: dict[str, Any]) -> None:
    found = read(tmp_path / "m.csv", line(written), **how)
    assert found["timestamp"].tolist() == [FIRST]
    assert found["session"].tolist() == [DAYS[0]]


def test_bars_named_by_their_start_end_their_minutes_later(tmp_path: Path) -> None:
    early = "2023-12-27 09:30:00"
    found = read(tmp_path / "m.csv", line(early), stamp="start")
    assert found["timestamp"].tolist() == [FIRST]
    found = read(tmp_path / "n.csv", line(early), stamp="start", minutes=5)
    assert found["timestamp"].dt.tz_convert(ZONE).dt.minute.tolist() == [35]


def test_parquet_timestamps_are_local_unless_they_have_a_zone(tmp_path: Path) -> None:
    frame = pd.DataFrame([line(pd.Timestamp("2023-12-27 09:31"))])
    frame.to_parquet(tmp_path / "m.parquet")
    settings = MinuteFiles(path=str(tmp_path / "m.parquet"))
    found = minutes.read_minutes(settings, market("x"), WHOLE)
    assert found["timestamp"].to_pylist() == [FIRST]
    frame["timestamp"] = frame["timestamp"].dt.tz_localize(ZONE)
    frame.to_parquet(tmp_path / "m.parquet")
    assert minutes.read_minutes(settings, market("x"), WHOLE)["timestamp"].to_pylist() == [FIRST]


def test_a_window_has_its_days_and_a_holidays_row_goes_to_the_next(tmp_path: Path) -> None:
    stamps = [f"{day} 10:00:00" for day in (*DAYS[:4], HOLIDAY)]
    lines = [line(stamp) for stamp in stamps]
    found = read(tmp_path / "m.csv", *lines, window=Window(DAYS[2], DAYS[3]))
    assert found["session"].tolist() == [DAYS[2], DAYS[3], DAYS[3]]
    assert found["date"].tolist() == [DAYS[2], DAYS[3], HOLIDAY]
    assert found["row"].tolist() == [3, 4, 5]


def test_files_of_other_days_are_not_opened_again(tmp_path: Path) -> None:
    for day in DAYS[:3]:
        pd.DataFrame([line(f"{day} 10:00:00")]).to_csv(tmp_path / f"{day}.csv", index=False)
    settings, wanted = MinuteFiles(path=str(tmp_path)), Window(DAYS[1], DAYS[1])
    assert minutes.read_minutes(settings, market("x"), wanted).num_rows == 1
    other = tmp_path / f"{DAYS[0]}.csv"
    before = other.stat()
    # nothing that could be read, in a file that looks the same
    other.write_bytes(b"\0" * before.st_size)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert minutes.read_minutes(settings, market("x"), wanted).num_rows == 1
    os.utime(other)
    with pytest.raises(SourceError, match=str(DAYS[0])):
        minutes.read_minutes(settings, market("x"), wanted)


def test_the_vendors_columns_and_a_missing_turnover(tmp_path: Path) -> None:
    given = {"code": "sz.000001", "t": "2023-12-27 09:31:00", "vol": 5.0}
    prices = {"open": 1, "high": 1, "low": 1, "close": 1}
    found = read(
        tmp_path / "m.csv",
        given | prices,
        columns={"symbol": "code", "timestamp": "t", "volume": "vol"},
    )
    assert found["volume"].tolist() == [5.0]
    assert found["turnover"].isna().all()
    with pytest.raises(SourceError, match="no column 'vol' for 'volume'"):
        read(tmp_path / "n.csv", line("2023-12-27 09:31:00"), columns={"volume": "vol"})


@pytest.mark.parametrize("stamp", ["soon", "2023-02-30 09:31:00"])
def test_what_is_no_time_is_named(tmp_path: Path, stamp: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "m.csv", line("2023-12-27 09:31:00"), line(stamp))
    assert f"Got {stamp!r} in data row 2" in str(caught.value)


def test_a_row_without_a_time_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="must hold a time in every row"):
        read(tmp_path / "m.csv", line("2023-12-27 09:31:00"), line(None))
