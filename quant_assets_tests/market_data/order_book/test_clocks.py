"""Local clocks and UTC, against Python's own time zones."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.market_data.order_book.clocks import (
    NANOSECONDS_A_DAY,
    local_days,
    stamps,
    to_utc,
)

ZONES = st.sampled_from(["Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "UTC"])
DAYS = st.dates(date(1971, 1, 1), date(2037, 12, 31))


@given(DAYS, ZONES, st.integers(0, NANOSECONDS_A_DAY - 1))
def test_the_exchange_s_clock_is_python_s(day: date, zone: str, since: int) -> None:
    micro, rest = divmod(since, 1000)
    local = datetime(day.year, day.month, day.day, tzinfo=None) + timedelta(microseconds=micro)
    known = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    if known.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return  # a change to summer time leaves this hour out
    (found,) = to_utc(day, np.array([since]), zone)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert found == (known - epoch) // timedelta(microseconds=1) * 1000 + rest
    assert local_days(np.array([found]), zone).tolist() == [day]


@pytest.mark.parametrize(
    ("day", "utc"),
    [(date(2024, 3, 8), "14:30:00"), (date(2024, 3, 11), "13:30:00")],
)
def test_new_york_moves_its_clocks(day: date, utc: str) -> None:
    opening = np.array([34_200 * 10**9 + 1])
    found = stamps(to_utc(day, opening, "America/New_York"))
    assert found.type == pa.timestamp("ns", tz="UTC")
    assert str(found[0].as_py()) == f"{day} {utc}.000000001+00:00"


def test_no_rows() -> None:
    assert len(to_utc(date(2024, 3, 8), np.array([], np.int64), "UTC")) == 0
    assert len(local_days(np.array([], np.int64), "UTC")) == 0
