"""Which of the exchange's files tell of a year, and how they are fetched.

Here lives the plan: a year that is over is one file; of the present one the months that are over
and the days of the month that is not. A file that is not published is replaced by its parts: a year
by its months, a month by its days. The transfer itself is download.py's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from quant_assets.market_data.sources.b3.download import Downloader, State
from quant_assets.market_data.sources.b3.folder import (
    day_period,
    file_name,
    month_period,
    year_period,
)


@dataclass
class Fetched:
    """What became of the files of a year, by name."""

    states: dict[str, State] = field(default_factory=dict)

    def count(self, state: State) -> int:
        """How many files are in a state."""
        return sum(each == state for each in self.states.values())


def fetch_year(downloader: Downloader, year: int, sessions: Iterable[date], today: date) -> Fetched:
    """Bring the files of a year up to date.

    Args:
        downloader: fetches one file.
        year: the year.
        sessions: its sessions.
        today: the present day of the exchange; later sessions are not asked for.

    Raises:
        DownloadError: a file could not be fetched.
    """
    fetched = Fetched()

    def here(period: str) -> bool:
        name = file_name(period)
        fetched.states[name] = downloader.fetch(name)
        return fetched.states[name] != "absent"

    if year < today.year and here(year_period(year)):
        return fetched
    past = [day for day in sessions if day <= today]
    for month in sorted({day.month for day in past}):
        over = (year, month) < (today.year, today.month)
        if over and here(month_period(year, month)):
            continue
        for day in past:
            if day.month == month:
                here(day_period(day))
    return fetched
