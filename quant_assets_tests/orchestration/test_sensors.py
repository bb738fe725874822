"""The landing sensor: exactly the days that files bring, change or take away."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import dagster as dg
import pandas as pd
import pytest
from dagster._core.test_utils import freeze_time

from quant_assets.market_data import calendars
from quant_assets_tests.graphs import Graph
from quant_assets_tests.markets import (
    bars,
    files_market,
    market_block,
    sessions,
    simulated_market,
    small_settings,
)

BARS = dg.AssetKey(["tiny", "bars"])
DAYS = sessions()


class Landing:
    """A landing folder, and a sensor with its cursor that looks at it."""

    def __init__(self, folder: Path, block: dict[str, Any], instance: dg.DagsterInstance) -> None:
        self.graph = Graph(small_settings(folder, {"tiny": block}))
        self.folder = folder / "data"
        self.instance = instance
        self.cursor: str | None = None
        self.reason: str | None = None
        self.run_keys: list[str | None] = []
        self.requests: Sequence[dg.RunRequest] = []

    def deliver(self, name: str, days: Sequence[date], seed: int = 7) -> Path:
        """A vendor's file with bars on some days."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        return self.put(name, bars(days, seed=seed))

    def put(self, name: str, frame: pd.DataFrame) -> Path:
        path = self.folder / name
        half = path.with_name(f".{path.name}.half")
        frame.to_csv(half, index=False) if ".csv" in name else frame.to_parquet(half, index=False)
        half.replace(path)
        return path

    def look(self) -> list[tuple[str, str]]:
        """The ranges that one tick asks for."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=self.graph.repository
        )
        found = self.graph.repository.get_sensor_def("tiny_landing").evaluate_tick(context)
        self.cursor = found.cursor
        self.reason = found.skip_message
        self.requests = found.run_requests or []
        self.run_keys += [request.run_key for request in self.requests]
        return [
            (request.partition_key, request.partition_key)
            if request.partition_key
            else (
                request.tags["dagster/asset_partition_range_start"],
                request.tags["dagster/asset_partition_range_end"],
            )
            for request in self.requests
        ]


@pytest.fixture
def landing(tmp_path: Path) -> Iterator[Landing]:
    """A files market whose folder is empty as yet."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Landing(tmp_path, files_market(tmp_path / "data"), instance)


def span(first: date, last: date) -> tuple[str, str]:
    return str(first), str(last)


def test_an_empty_folder_asks_for_nothing(landing: Landing) -> None:
    assert landing.look() == []
    assert landing.reason is not None
    assert "no file matches" in landing.reason
    landing.deliver("a.parquet", DAYS[:2])
    assert landing.look() == [span(*DAYS[:2])]


def test_a_new_file_asks_for_its_days_once(landing: Landing) -> None:
    landing.deliver("a.parquet", DAYS[3:9])
    assert landing.look() == [span(DAYS[3], DAYS[8])]
    assert landing.look() == []
    assert landing.reason == "nothing new among 1 files"
    landing.deliver("b.parquet", DAYS[9:10])
    assert landing.look() == [span(DAYS[9], DAYS[9])]
    assert landing.look() == []


def test_days_with_gaps_become_several_ranges(landing: Landing) -> None:
    # the 5th and the 8th are neighbours (a weekend); the 12th and the 16th too (a long weekend)
    landing.deliver("a.parquet", [DAYS[i] for i in (0, 3, 4, 6, 8, 9, 20)])
    landing.deliver("b.csv", [DAYS[i] for i in (1, 30)])
    assert landing.look() == [
        span(DAYS[0], DAYS[1]),
        span(DAYS[3], DAYS[4]),
        span(DAYS[6], DAYS[6]),
        span(DAYS[8], DAYS[9]),
        span(DAYS[20], DAYS[20]),
        span(DAYS[30], DAYS[30]),
    ]


def test_a_changed_file_asks_for_the_days_it_has_and_had(landing: Landing) -> None:
    landing.deliver("a.parquet", DAYS[:3])
    landing.deliver("b.parquet", DAYS[10:12])
    landing.look()
    landing.deliver("a.parquet", DAYS[2:5], seed=8)
    assert landing.look() == [span(DAYS[0], DAYS[4])]
    assert landing.look() == []


def test_a_change_that_keeps_the_size_is_seen(landing: Landing) -> None:
    path = landing.deliver("a.csv", DAYS[:2])
    landing.look()
    text = path.read_text()
    changed = text.replace("AAA", "AAX")
    path.write_text(changed)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))
    assert len(changed) == len(text)
    assert landing.look() == [span(DAYS[0], DAYS[1])]


def test_a_removed_file_asks_for_the_days_it_had(landing: Landing) -> None:
    landing.deliver("a.parquet", DAYS[:3])
    removed = landing.deliver("b.parquet", [DAYS[5], DAYS[9]])
    landing.look()
    removed.unlink()
    assert landing.look() == [span(DAYS[5], DAYS[5]), span(DAYS[9], DAYS[9])]
    assert landing.look() == []


def test_a_folder_that_is_gone_asks_for_nothing(landing: Landing) -> None:
    """It may not be mounted: its days are still there, and no reason to run a whole history."""
    landing.deliver("a.parquet", DAYS[:3])
    landing.look()
    landing.folder.rename(landing.folder.with_name("away"))
    assert landing.look() == []
    assert "no file matches" in str(landing.reason)
    landing.folder.with_name("away").rename(landing.folder)
    assert landing.look() == []
    landing.deliver("b.parquet", DAYS[4:6])
    assert landing.look() == [span(DAYS[4], DAYS[5])]


def test_a_half_written_file_is_looked_at_again(landing: Landing) -> None:
    landing.deliver("a.parquet", DAYS[:2])
    whole = landing.deliver("b.parquet", DAYS[5:7]).read_bytes()
    (landing.folder / "b.parquet").write_bytes(whole[: len(whole) // 2])
    assert landing.look() == [span(*DAYS[:2])]
    assert landing.look() == []
    assert "b.parquet: is not a readable Parquet file" in str(landing.reason)
    (landing.folder / "b.parquet").write_bytes(whole)
    assert landing.look() == [span(*DAYS[5:7])]
    assert landing.look() == []


def test_a_file_that_has_become_unreadable_keeps_its_days(landing: Landing) -> None:
    landing.deliver("a.parquet", DAYS[:1])
    path = landing.deliver("b.parquet", DAYS[5:7])
    landing.look()
    path.write_bytes(b"PAR1 and no more")
    assert landing.look() == []
    assert "b.parquet" in str(landing.reason)
    landing.deliver("b.parquet", DAYS[8:9])
    assert landing.look() == [span(*DAYS[5:7]), span(DAYS[8], DAYS[8])]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("date", "soon", "'soon'"), ("close", None, "close")],
)
def test_a_file_that_cannot_be_read_as_declared_is_told(
    landing: Landing, column: str, value: str | None, message: str
) -> None:
    frame = bars(DAYS[:2]).astype({"date": str})
    if value is None:
        frame = frame.drop(columns=column)
    else:
        frame.loc[3, column] = value
    landing.put("a.csv", frame)
    assert landing.look() == []
    assert "a.csv" in str(landing.reason)
    assert message in str(landing.reason)


def test_files_on_their_way_are_left_alone(landing: Landing) -> None:
    landing.deliver("a.parquet", DAYS[:1])
    (landing.folder / ".b.parquet.half").write_bytes(b"half")
    (landing.folder / "_b.parquet").write_bytes(b"half")
    (landing.folder / "readme.md").write_text("notes")
    assert landing.look() == [span(DAYS[0], DAYS[0])]
    assert landing.reason is None


def test_days_off_the_calendar_ask_for_the_session_that_keeps_them(landing: Landing) -> None:
    saturday, early, late = date(2024, 1, 6), date(2023, 6, 1), date(2024, 3, 5)
    landing.deliver("a.parquet", [early, saturday, late])
    assert landing.look() == [("2024-01-08", "2024-01-08")]


def test_at_the_first_look_what_is_materialized_is_not_asked_for(landing: Landing) -> None:
    landing.deliver("a.parquet", DAYS[:6])
    report = landing.graph.backfill(landing.instance, "tiny", "+bars", DAYS[1], DAYS[3])
    assert report.success
    assert landing.look() == [span(DAYS[0], DAYS[0]), span(*DAYS[4:6])]
    # from then on a change is a change
    landing.deliver("a.parquet", DAYS[:6], seed=8)
    assert landing.look() == [span(DAYS[0], DAYS[5])]


def test_the_same_files_never_ask_twice(landing: Landing) -> None:
    landing.deliver("a.parquet", DAYS[:6])
    landing.look()
    first = list(landing.run_keys)
    landing.cursor = None  # somebody resets the sensor
    landing.look()
    assert landing.run_keys == first * 2  # the daemon knows these keys
    landing.deliver("a.parquet", DAYS[:6], seed=8)
    landing.look()
    assert landing.run_keys[-1] not in first


def test_what_is_asked_for_can_be_run(landing: Landing) -> None:
    landing.deliver("a.parquet", [*DAYS[:3], DAYS[5]])
    landing.look()
    job = landing.graph.repository.get_job("tiny_daily")
    for request in landing.requests:
        result = job.execute_in_process(
            instance=landing.instance, partition_key=request.partition_key, tags=request.tags
        )
        assert result.success
    done = landing.instance.get_materialized_partitions(dg.AssetKey(["tiny", "factors_style"]))
    assert done == {str(day) for day in (*DAYS[:3], DAYS[5])}


UTC = ZoneInfo("UTC")


def test_a_day_that_is_still_going_on_is_asked_for_when_it_has_ended(tmp_path: Path) -> None:
    """A vendor delivers in the evening; the day's partition exists from midnight on."""
    today = date(2024, 6, 5)
    source = {"kind": "files", "path": str(tmp_path / "data")}
    block = market_block(calendar="24/7", timezone="UTC", end=None, source=source)
    (tmp_path / "data").mkdir()
    with dg.DagsterInstance.ephemeral() as instance:
        landing = Landing(tmp_path, block, instance)

        def look(moment: datetime) -> list[tuple[str, str]]:
            with (
                freeze_time(moment),
                patch.object(calendars, "today", lambda market: moment.date()),
            ):
                return landing.look()

        evening = datetime(2024, 6, 5, 21, tzinfo=UTC)
        landing.deliver("a.parquet", [today - timedelta(days=1), today])
        assert look(evening) == [("2024-06-04", "2024-06-04")]
        assert look(evening + timedelta(hours=1)) == []
        assert look(evening + timedelta(hours=4)) == [("2024-06-05", "2024-06-05")]
        assert look(evening + timedelta(hours=5)) == []


def test_the_cursor_is_small(landing: Landing) -> None:
    """Ranges, not days: a file of a whole history must not make a cursor of thousands of dates."""
    landing.deliver("a.parquet", DAYS)
    landing.look()
    assert landing.cursor is not None
    (entry,) = json.loads(landing.cursor)["files"].values()
    assert entry["ranges"] == [[str(DAYS[0]), str(DAYS[-1])]]


def test_a_made_up_market_has_no_landing_folder(tmp_path: Path) -> None:
    graph = Graph(small_settings(tmp_path, {"sim": simulated_market()}))
    assert not graph.repository.has_sensor_def("sim_landing")
    assert graph.repository.has_sensor_def("sim_freshness")
