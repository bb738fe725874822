"""Calendars: sessions against an independent list of holidays, and arithmetic in sessions."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from quant_assets.market_data import calendars
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import DAYS, SESSIONS, market


def test_sessions_of_a_market_leave_out_holidays_and_weekends() -> None:
    assert calendars.sessions(market()).tolist() == DAYS


def test_sessions_end_at_the_day_asked_for_or_the_markets_end() -> None:
    assert calendars.sessions(market(), date(2024, 1, 6)).tolist() == DAYS[:4]
    assert calendars.sessions(market(), date(2030, 1, 1)).tolist() == DAYS
    assert calendars.sessions(market(), date(2023, 1, 1)).tolist() == []


def test_a_market_without_end_goes_on_to_today() -> None:
    last = calendars.sessions(market(end=None))[-1].item()
    today = calendars.today(market())
    assert today - timedelta(days=10) < last <= today


def test_sessions_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        calendars.sessions(market())[0] = np.datetime64("2020-01-01")


def test_exchange_days_reach_beyond_the_market_on_both_sides() -> None:
    days = calendars.exchange_days(market())
    assert days[0] < np.datetime64("2023-12-01")
    assert days[-1] > SESSIONS[-1]


def test_history_older_than_the_librarys_default_is_there() -> None:
    days = calendars.sessions(market(start=date(1995, 1, 3)), date(1995, 1, 10))
    assert days.tolist() == [date(1995, 1, d) for d in (3, 4, 5, 6, 9, 10)]


def test_an_unknown_calendar_is_named_with_its_neighbours() -> None:
    with pytest.raises(ConfigError, match=r"no calendar 'XNYSE' \(did you mean XNYS"):
        calendars.sessions(market(calendar="XNYSE"))


# Where the list and exchange_calendars differ up to 2025: a day of mourning of which the list does
# not know, and Brazilian holidays that were moved.
DIFFERENT = {
    "XNYS": ["2025-01-09"],
    "BVMF": ["2020-11-20", "2022-01-25", "2023-01-25", "2024-11-20"],
    "XSHG": [],
    "XSHE": [],
}


@pytest.mark.parametrize("exchange", DIFFERENT)
def test_sessions_agree_with_the_exchanges_holidays(test_data: Path, exchange: str) -> None:
    lines = (test_data / "calendars" / f"{exchange}.csv").read_text().split()[1:]
    holidays = np.array(sorted(line.replace(".", "-") for line in lines), "datetime64[D]")
    first, last = holidays[0].item(), date(2025, 12, 31)
    # Shenzhen trades on Shanghai's days, exchange_calendars has the one only
    calendar = "XSHG" if exchange == "XSHE" else exchange
    found = calendars.sessions(market(calendar=calendar, start=first, end=last))
    every = np.arange(np.datetime64(first), np.datetime64(last + timedelta(days=1)))
    expected = every[np.is_busday(every, holidays=holidays)]
    assert np.setxor1d(found, expected).astype(str).tolist() == DIFFERENT[exchange]
    assert len(found) > 5000


def test_sessions_between_includes_both_ends() -> None:
    window = Window(date(2024, 1, 5), date(2024, 1, 8))
    assert calendars.sessions_between(SESSIONS, window).tolist() == DAYS[3:5]
    assert not len(calendars.sessions_between(SESSIONS, Window(date(2024, 1, 6), date(2024, 1, 7))))


def test_previous_counts_sessions_and_stops_at_the_first() -> None:
    assert calendars.previous(SESSIONS, date(2024, 1, 8), 1) == date(2024, 1, 5)
    assert calendars.previous(SESSIONS, date(2024, 1, 8), 0) == date(2024, 1, 8)
    assert calendars.previous(SESSIONS, date(2024, 1, 8), 99) == DAYS[0]
    with pytest.raises(ValueError, match="2024-01-06 is not a session"):
        calendars.previous(SESSIONS, date(2024, 1, 6), 1)


def test_extended_puts_sessions_before_a_window() -> None:
    window = Window(date(2024, 1, 9), date(2024, 1, 10))
    assert calendars.extended(SESSIONS, window, 2) == Window(date(2024, 1, 5), date(2024, 1, 10))
    assert calendars.extended(SESSIONS, window, 50).start == DAYS[0]
    weekend = Window(date(2024, 1, 6), date(2024, 1, 7))
    assert calendars.extended(SESSIONS, weekend, 2) == weekend
