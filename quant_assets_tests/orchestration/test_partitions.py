"""Partitions: exactly the calendar's sessions, each a day long, also across clock changes."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import exchange_calendars
import numpy as np
import pytest
from dagster._core.test_utils import freeze_time

from quant_assets.orchestration.partitions import MarketPartitions, looking_back
from quant_assets.settings import Market
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.markets import bars, files_market, market_block, sessions, small_settings


def market(**keys: object) -> Market:
    source = {"kind": "simulated", "symbols": 20}
    return Market.model_validate(market_block(name="tiny", source=source) | keys)


def partitions(**keys: object) -> MarketPartitions:
    return MarketPartitions(market(**keys))


CALENDARS = {
    "XNYS": ("America/New_York", date(2023, 12, 20), date(2024, 7, 8)),
    "XTAE": ("Asia/Jerusalem", date(2023, 3, 1), date(2023, 11, 5)),  # Sunday to Thursday
    "XSHG": ("Asia/Shanghai", date(2023, 12, 25), date(2024, 3, 1)),
    "BVMF": ("America/Sao_Paulo", date(2018, 10, 1), date(2019, 3, 1)),  # clocks change at midnight
    "24/7": ("UTC", date(2024, 2, 20), date(2024, 3, 10)),
}


@pytest.mark.parametrize("calendar", CALENDARS)
def test_days_are_the_sessions_of_the_calendar(calendar: str) -> None:
    zone, start, end = CALENDARS[calendar]
    made = partitions(
        calendar=calendar,
        timezone=zone,
        start=start,
        end=end,
        models_from=date(end.year + 1, 1, 1),
    )
    known = exchange_calendars.get_calendar(calendar, start=str(start), end=str(end)).sessions
    expected = [str(day.date()) for day in known]
    assert made.daily.get_partition_keys() == expected
    assert [str(day) for day in made.sessions] == expected


def test_every_days_window_is_that_day() -> None:
    daily = partitions().daily
    for key in daily.get_partition_keys():
        window = daily.time_window_for_partition_key(key)
        assert str(window.start.date()) == key
        assert window.end.date() - window.start.date() == timedelta(days=1)
        assert window.start.tzinfo is not None
        assert window.start.hour == window.end.hour == 0


NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2024, 3, 1, 12), "2024-02-29"),  # a Friday that is still going on
        (datetime(2024, 3, 1, 23, 59), "2024-02-29"),
        (datetime(2024, 3, 2, 0, 0, 1), "2024-03-01"),
        (datetime(2024, 3, 2, 12), "2024-03-01"),  # Saturday
        (datetime(2024, 3, 3, 12), "2024-03-01"),
        (datetime(2024, 3, 4, 12), "2024-03-01"),  # Monday
        (datetime(2024, 3, 30, 12), "2024-03-28"),  # the Saturday after Good Friday
        (datetime(2024, 3, 10, 12), "2024-03-08"),  # the clocks went forward
    ],
)
def test_a_day_has_a_partition_once_it_has_ended(now: datetime, last: str) -> None:
    with freeze_time(now.replace(tzinfo=NEW_YORK)):
        assert partitions(end=None).daily.get_last_partition_key() == last


@pytest.mark.parametrize(
    ("now", "month", "model_month"),
    [
        (datetime(2024, 3, 31, 23, 59), "2024-02", "2024-03"),
        (datetime(2024, 4, 1, 0, 0, 1), "2024-03", "2024-04"),
        (datetime(2024, 12, 31, 23, 59), "2024-11", "2024-12"),
        (datetime(2025, 1, 1, 0, 0, 1), "2024-12", "2025-01"),
    ],
)
def test_a_month_has_a_summary_at_its_end_and_a_model_at_its_beginning(
    now: datetime, month: str, model_month: str
) -> None:
    with freeze_time(now.replace(tzinfo=NEW_YORK)):
        made = partitions(end=None)
        assert made.monthly.get_last_partition_key() == month
        assert made.model_months.get_last_partition_key() == model_month
        assert made.monthly.get_first_partition_key() == "2024-01"
        assert made.model_months.get_first_partition_key() == "2024-02"


@pytest.mark.parametrize(
    ("end", "last"), [(date(2024, 3, 11), "2024-03"), (date(2024, 12, 31), "2024-12")]
)
def test_a_market_that_has_ended_has_its_last_month(end: date, last: str) -> None:
    made = partitions(end=end)
    assert made.monthly.get_last_partition_key() == last
    assert made.model_months.get_last_partition_key() == last
    assert made.daily.get_last_partition_key() == str(end)


def test_a_market_without_a_session_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"markets\.yaml: tiny: XNYS has no session from start"):
        _ = partitions(start=date(2024, 1, 6), end=date(2024, 1, 7)).sessions
    with pytest.raises(ConfigError, match="to the end of its calendar"):
        _ = partitions(start=date(2090, 1, 6), end=None, models_from=date(2091, 1, 1)).sessions


def test_windows_of_sessions() -> None:
    made = partitions()
    week = Window(date(2024, 1, 13), date(2024, 1, 19))  # the 15th is a holiday
    expected = [date(2024, 1, day) for day in (16, 17, 18, 19)]
    assert made.sessions_in(week).tolist() == expected
    assert made.back(week, 3) == Window(date(2024, 1, 10), date(2024, 1, 19))
    assert made.back(week, 0) == week
    assert made.back(week, 500) == Window(date(2024, 1, 2), date(2024, 1, 19))
    assert made.until(date(2024, 1, 19)) == Window(date(2024, 1, 2), date(2024, 1, 19))


def test_windows_of_months() -> None:
    made = partitions()
    assert made.month("2024-01") == Window(date(2024, 1, 2), date(2024, 1, 31))  # from the start
    assert made.month("2024-02") == Window(date(2024, 2, 1), date(2024, 2, 29))
    assert made.months_in(Window(date(2024, 1, 31), date(2024, 2, 1))) == ["2024-01", "2024-02"]
    assert made.months_in(Window(date(2023, 12, 5), date(2023, 12, 5))) == ["2023-12"]


def test_the_sessions_that_a_table_spans(tmp_path: Path) -> None:
    warehouse = ParquetWarehouse(str(tmp_path))
    made = partitions()
    assert made.materialized(warehouse, "labels").tolist() == []
    days = [date(2024, 1, 3), date(2024, 1, 8)]
    empty = warehouse.read("tiny/labels")
    warehouse.replace("tiny/labels", Window(*days), empty, dates=days)
    assert made.materialized(warehouse, "labels").tolist() == sessions(*days)


def test_a_look_back_is_no_lineage_from_day_to_later_days() -> None:
    """A range asked for upstream must not be extended downstream by the look-back."""
    made = partitions()
    mapping = looking_back(dg.AssetKey("bars"), 3).partition_mapping
    assert mapping is not None
    days = [str(day) for day in made.sessions[3:6]]
    subset = made.daily.subset_with_partition_keys(days)
    down = mapping.get_downstream_partitions_for_partitions(subset, made.daily, made.daily)
    assert sorted(down.get_partition_keys()) == days


def test_the_look_back_of_an_input_tells_the_io_manager() -> None:
    asked = looking_back(dg.AssetKey("bars"), 3, ["date", "close"])
    assert asked.metadata == {"lookback": 3, "columns": ["date", "close"]}
    assert looking_back(dg.AssetKey("bars")).metadata == {"lookback": 0}


def test_the_window_of_a_run_is_what_it_asks_for(tmp_path: Path) -> None:
    """Slices come from time windows: a range that begins after a weekend does not reach into it."""
    settings = small_settings(tmp_path, {"tiny": files_market(tmp_path / "data", bars())})
    made = MarketPartitions(settings.market("tiny"))
    seen: list[Window] = []

    @dg.asset(partitions_def=made.daily, backfill_policy=dg.BackfillPolicy.single_run())
    def probe(context: dg.AssetExecutionContext) -> None:
        seen.append(made.window(context))

    @dg.asset(partitions_def=made.monthly, backfill_policy=dg.BackfillPolicy.single_run())
    def months(context: dg.AssetExecutionContext) -> None:
        seen.append(made.window(context))

    tags = {
        "dagster/asset_partition_range_start": "2024-01-16",
        "dagster/asset_partition_range_end": "2024-01-19",
    }
    dg.materialize([probe], tags=tags)
    dg.materialize([probe], partition_key="2024-01-12")
    dg.materialize([months], partition_key="2024-02")
    assert seen == [
        Window(date(2024, 1, 16), date(2024, 1, 19)),
        Window(date(2024, 1, 12), date(2024, 1, 12)),
        Window(date(2024, 2, 1), date(2024, 2, 29)),
    ]


def test_sessions_are_days_of_numpy() -> None:
    assert partitions().sessions.dtype == np.dtype("datetime64[D]")
