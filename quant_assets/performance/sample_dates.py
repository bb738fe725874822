"""Sessions as weeks, months, quarters and years, and the spans that end with the last of them.

Only the arithmetic of dates belongs here; returns by period are measured by the kernels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

Days = np.ndarray[Any, np.dtype[np.int64]]

# Of the calendar; weeks are those of ISO 8601, Monday to Sunday.
PERIODS = ("week", "month", "quarter", "year")

# Months back from the last day of `dates`; the first two begin with its month and its year.
SPANS: dict[str, int | None] = {
    "month_to_date": None,
    "year_to_date": None,
    "three_months": 3,
    "six_months": 6,
    "one_year": 12,
    "three_years": 36,
    "five_years": 60,
    "ten_years": 120,
}


@dataclass(frozen=True)
class Calendar:
    """What the kernels need of the dates.

    Attributes:
        known: whether there are dates; without, the arrays are mere numbers of days.
        days: days since 1970-01-01, shape (T,).
        codes: number of the period that a day lies in, ascending; a row each of `PERIODS`.
        since: the last day before each of `SPANS`, shape (8,).
    """

    known: bool
    days: Days
    codes: Days
    since: Days

    @classmethod
    def of(cls, dates: np.ndarray | None, length: int) -> "Calendar":
        """Of `datetime64` dates, ascending and unique; None where there are none.

        Raises:
            ValueError: another shape, another kind, no ascending order.
        """
        if dates is None or not length:
            count = np.arange(length, dtype=np.int64)
            return cls(False, count, np.zeros((4, length), np.int64), np.zeros(8, np.int64))
        array = np.asarray(dates)
        if array.shape != (length,) or array.dtype.kind != "M":
            raise ValueError(
                f"dates must be datetime64 of the shape ({length},), that of the returns. "
                f"Got {array.dtype} of the shape {array.shape} instead."
            )
        sessions = array.astype("datetime64[D]")
        days = sessions.astype(np.int64)
        if np.isnat(sessions).any() or (np.diff(days) <= 0).any():
            if np.isnat(sessions[0]):
                raise ValueError("dates must be days. Got NaT at place 0.")
            place = int(np.argmax(np.isnat(sessions[1:]) | (np.diff(days) <= 0))) + 1
            raise ValueError(
                f"dates must ascend without repetition. Got {sessions[place]} "
                f"after {sessions[place - 1]} at place {place}."
            )
        months = sessions.astype("datetime64[M]").astype(np.int64)
        years = sessions.astype("datetime64[Y]").astype(np.int64)
        # 1970-01-01 was a Thursday; ISO weeks begin on Monday.
        codes = np.stack([(days + 3) // 7, months, months // 3, years])
        return cls(True, days, codes, _since(sessions[-1]))


def _since(last: np.datetime64) -> Days:
    month, year = last.astype("datetime64[M]"), last.astype("datetime64[Y]")
    before = {
        "month_to_date": month.astype("datetime64[D]") - 1,
        "year_to_date": year.astype("datetime64[D]") - 1,
    }
    day = (last - month.astype("datetime64[D]")).astype(np.int64)
    for name, back in SPANS.items():
        if back is not None:
            first = (month - back).astype("datetime64[D]")
            end = (month - back + 1).astype("datetime64[D]") - 1
            before[name] = min(first + day, end)
    return np.array([before[name].astype(np.int64) for name in SPANS], np.int64)
