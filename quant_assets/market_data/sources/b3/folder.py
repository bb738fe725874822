"""The folder of raw files: which are there, and which days each can answer for by its name.

Here live names and periods. What is in a file is known from its parsed copy (copies.py), and how
files come here is the downloader's business (download.py).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from quant_assets.market_data.sources.base import SourceError
from quant_assets.warehouse.window import Window

_NAME = re.compile(r"COTAHIST_(A\d{4}|M\d{6}|D\d{8})\.(ZIP|TXT)", re.IGNORECASE)
# A year answers before a month, a month before a day: the wider file is the later edition.
_WIDTHS = {"A": 0, "M": 1, "D": 2}


@dataclass(frozen=True)
class RawFile:
    """A COTAHIST file: its path, and the days its name says it is of."""

    path: Path
    period: str
    days: Window

    @property
    def name(self) -> str:
        """The name within the folder."""
        return self.path.name

    @property
    def rank(self) -> tuple[int, date, str]:
        """The order in which files answer for a day."""
        return _WIDTHS[self.period[0]], self.days.start, self.name


def list_files(folder: Path) -> list[RawFile]:
    """The files of a folder in the order in which they answer for a day.

    Of a ZIP and a text of one period only the ZIP counts: it is what the exchange publishes. Other
    names are left alone.

    Raises:
        SourceError: there is no such folder.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise SourceError(
            f"{folder}: the folder of COTAHIST files cannot be listed: {error.strerror}; make it, "
            f"or correct source.path"
        ) from error
    found: dict[str, RawFile] = {}
    for path in sorted(paths, key=lambda path: path.suffix.lower() != ".zip"):
        match = _NAME.fullmatch(path.name)
        if match:
            period = match[1].upper()
            days = days_of(period)
            if days is not None:
                found.setdefault(period, RawFile(path, period, days))
    return sorted(found.values(), key=lambda file: file.rank)


def file_name(period: str) -> str:
    """The exchange's name of the file of a period: `COTAHIST_A2024.ZIP` of `A2024`."""
    return f"COTAHIST_{period}.ZIP"


def year_period(year: int) -> str:
    """The period of a year: `A2024`."""
    return f"A{year:04d}"


def month_period(year: int, month: int) -> str:
    """The period of a month: `M012024`."""
    return f"M{month:02d}{year:04d}"


def day_period(day: date) -> str:
    """The period of a day: `D31012024`."""
    return f"D{day:%d%m%Y}"


def days_of(period: str) -> Window | None:
    """The days of a period, None where it is none (`M132024`)."""
    kind, number = period[0], period[1:]
    try:
        if kind == "A":
            return Window(date(int(number), 1, 1), date(int(number), 12, 31))
        if kind == "M":
            year, month = int(number[2:]), int(number[:2])
            return Window(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
        day = date(int(number[4:]), int(number[2:4]), int(number[:2]))
        return Window(day, day)
    except ValueError:
        return None
