"""The window: an inclusive range of session dates, the unit in which tables are read and replaced.

Belongs here: the value object and its checks. Not here: calendars (market_data), partitions and
look-backs (orchestration): a window does not know which of its days are sessions.
"""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Window:
    """Session dates from `start` to `end`, both included, in the market's local calendar.

    Raises TypeError when a bound is not a plain `datetime.date`, ValueError when `start` is after
    `end`.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self, name)
            # A datetime is a date to isinstance, but never compares equal to one: rows would go
            # missing.
            if not isinstance(value, date) or isinstance(value, datetime):
                raise TypeError(f"Window.{name} must be a datetime.date, got {value!r}")
        if self.start > self.end:
            raise ValueError(f"Window starts on {self.start}, after its end {self.end}")

    def contains(self, day: date) -> bool:
        """Whether `day` lies in the window."""
        return self.start <= day <= self.end

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"
