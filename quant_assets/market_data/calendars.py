"""Trading calendars: which days a market trades, and arithmetic in sessions.

Here live the sessions of a market and the helpers that count in them. Not here: partitions and
schedules (orchestration), and what is done to rows that are dated off the calendar (quality).

A calendar is an array of sessions, `datetime64[D]`, ascending, unique, local dates of the market,
shape (sessions,), read-only and cached: take it once with `sessions` and hand it to the helpers.
"""

import difflib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from quant_assets.settings import Market
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.window import Window

# Rows dated before the market's first session, but after the session before it, belong to the
# first session; the margin is longer than any closure of an exchange (China 2020: 10 days).
_MARGIN = timedelta(days=40)


def sessions(market: Market, until: date | None = None) -> np.ndarray:
    """The sessions of a market from its start to its end.

    Args:
        market: gives calendar, start and end.
        until: last day wanted; by default today in the market's time zone. The market's end, where
            one is set, comes first.

    Returns:
        `datetime64[D]`, shape (sessions,), read-only; empty if `until` lies before the start.
    """
    last = until or today(market)
    if market.end is not None:
        last = min(last, market.end)
    return _between(exchange_days(market), market.start, last)


def today(market: Market) -> date:
    """The current date in the market's time zone."""
    return datetime.now(ZoneInfo(market.timezone)).date()


def exchange_days(market: Market) -> np.ndarray:
    """Every session the exchange is known to hold, from some weeks before the market's start on.

    It reaches into the coming months, so that a row dated off the calendar finds the session after
    it; `sessions` is what the market itself uses.
    """
    return _exchange_days(market.calendar, market.start)


@lru_cache(maxsize=16)
def _exchange_days(calendar: str, start: date) -> np.ndarray:
    import exchange_calendars

    try:
        known = exchange_calendars.get_calendar(calendar)
    except exchange_calendars.errors.InvalidCalendarName:
        names = exchange_calendars.get_calendar_names()
        near = difflib.get_close_matches(calendar, names, n=3)
        hint = f" (did you mean {', '.join(near)}?)" if near else ""
        raise ConfigError(
            f"markets.yaml: calendar: exchange_calendars has no calendar {calendar!r}{hint}"
        ) from None
    first = start - _MARGIN
    if first < known.sessions[0].date():  # the library's default begins 20 years ago
        bound = known.bound_min()
        first = first if bound is None else max(first, bound.date())
        known = exchange_calendars.get_calendar(calendar, start=str(first))
    days = known.sessions
    days = days[days >= str(first)]
    found: np.ndarray = days.to_numpy().astype("datetime64[D]")
    found.flags.writeable = False
    return found


@dataclass(frozen=True)
class Hours:
    """The hours of `exchange_days`: instants in UTC, `datetime64[ns]`, shape (sessions,) each.

    Attributes:
        opens, closes: of continuous trading.
        break_starts, break_ends: of the lunch break, NaT where there is none.
    """

    opens: np.ndarray
    break_starts: np.ndarray
    break_ends: np.ndarray
    closes: np.ndarray


def exchange_hours(market: Market) -> Hours:
    """When the exchange trades on each of `exchange_days`."""
    return _exchange_hours(market.calendar, market.start)


@lru_cache(maxsize=16)
def _exchange_hours(calendar: str, start: date) -> Hours:
    import exchange_calendars

    days = _exchange_days(calendar, start)
    known = exchange_calendars.get_calendar(calendar, start=str(days[0]))
    schedule = known.schedule.loc[str(days[0]) : str(days[-1])]
    return Hours(
        *(
            schedule[name].dt.tz_convert(None).to_numpy().astype("datetime64[ns]")
            for name in ("open", "break_start", "break_end", "close")
        )
    )


def sessions_between(days: np.ndarray, window: Window) -> np.ndarray:
    """The sessions of a window; empty if it holds none."""
    return _between(days, window.start, window.end)


def previous(days: np.ndarray, session: date, count: int) -> date:
    """The session `count` sessions before a session; the first one where history is shorter.

    Raises:
        ValueError: `session` is no session of the calendar.
    """
    wanted = np.datetime64(session, "D")
    position = int(np.searchsorted(days, wanted, "left"))
    if position == len(days) or days[position] != wanted:
        raise ValueError(f"{wanted} is not a session of this calendar")
    return _as_date(days[max(position - count, 0)])


def extended(days: np.ndarray, window: Window, lookback: int) -> Window:
    """The window with `lookback` sessions before its first session, cut at the calendar's start."""
    inside = sessions_between(days, window)
    if not len(inside) or lookback == 0:
        return window
    return Window(min(window.start, previous(days, _as_date(inside[0]), lookback)), window.end)


def _between(days: np.ndarray, first: date, last: date) -> np.ndarray:
    start = np.searchsorted(days, np.datetime64(first, "D"), "left")
    stop = np.searchsorted(days, np.datetime64(last, "D"), "right")
    return days[start : max(start, stop)]


def _as_date(day: np.datetime64) -> date:
    value = day.astype("datetime64[D]").item()
    assert isinstance(value, date)
    return value
