"""A year of raw files fetched, checked and parsed, and what is told of it.

Here lives the order of the steps and the bookkeeping about them. Partial success is told as such:
every file is looked at before the first fault is raised.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from quant_assets.market_data.sources.b3.copies import Copy
from quant_assets.market_data.sources.b3.download import Progress
from quant_assets.market_data.sources.b3.publication import Fetched
from quant_assets.market_data.sources.b3.source import B3
from quant_assets.market_data.sources.base import SourceError

# A line of progress is told when a tenth of a file has come, or so much of one of unknown length.
_STEP_BYTES = 20_000_000

Described = dict[str, str | int | None]


@dataclass
class YearReport:
    """What became of a year's files.

    Attributes:
        copies: the files that are whole.
        faults: what is wrong with the others.
        fetched: what the server had, empty without one.
    """

    copies: list[Copy] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    fetched: Fetched = field(default_factory=Fetched)

    @property
    def records(self) -> int:
        """Quotes of all files."""
        return sum(copy.tally.records for copy in self.copies)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(copy.entry.size for copy in self.copies)

    @property
    def rejected(self) -> int:
        """Lines that cannot be read."""
        return sum(copy.tally.rejected for copy in self.copies)

    @property
    def rejected_by_field(self) -> dict[str, int]:
        """Lines that cannot be read, by the first field at fault."""
        return dict(Counter(f for c in self.copies for f in c.rejected["field"].to_pylist()))

    @property
    def absent(self) -> list[str]:
        """Files that the server does not have."""
        return [name for name, state in self.fetched.states.items() if state == "absent"]

    @property
    def remarks(self) -> list[str]:
        """What does not stop the year, but should be known."""
        return [
            f"{copy.file.name}: {copy.tally.rejected:,} lines cannot be read, the first: row "
            f"{copy.rejected['row'][0].as_py():,}: {copy.rejected['reason'][0].as_py()}"
            for copy in self.copies
            if copy.tally.rejected
        ]

    def rows(self) -> list[Described]:
        """The whole files, one row each, and what the server said of them: `fetched`."""
        return [
            described(copy) | {"fetched": self.fetched.states.get(copy.file.name)}
            for copy in self.copies
        ]

    def require_whole(self) -> None:
        """SourceError naming every file that is not whole, and how many are."""
        if self.faults:
            raise SourceError(
                f"{len(self.copies)} of {len(self.copies) + len(self.faults)} files are whole. "
                + " ".join(self.faults)
            )


def described(copy: Copy) -> Described:
    """A raw file for people: file, size, changed, sha256, records, rejected, first, last."""
    changed = datetime.fromtimestamp(copy.entry.mtime_ns / 1e9, UTC)
    return {
        "file": copy.file.name,
        "size": copy.entry.size,
        "changed": changed.isoformat(" ", "seconds"),
        "sha256": copy.entry.sha256,
        "records": copy.tally.records,
        "rejected": copy.tally.rejected,
        "first": str(copy.dates[0]) if len(copy.dates) else None,
        "last": str(copy.dates[-1]) if len(copy.dates) else None,
    }


def year_report(source: B3, year: int, thread_no: int, tell: Callable[[str], None]) -> YearReport:
    """Fetch, check and parse the files of a year.

    Args:
        source: the market's source.
        year: the year.
        thread_no: threads to parse with.
        tell: gets lines of progress.

    Raises:
        SourceError: there is no file of the year, or one could not be fetched.
    """
    report = YearReport(fetched=source.fetch(year, _by_steps(tell)))
    for checked in source.check_files(year, thread_no):
        if isinstance(checked, SourceError):
            report.faults.append(str(checked))
        else:
            report.copies.append(checked)
            tell(f"{checked.file.name}: {checked.tally.records:,} records")
    return report


def _by_steps(tell: Callable[[str], None]) -> Callable[[Progress], None]:
    """Progress as a line each time another step of a file has come."""
    told: dict[str, int] = {}

    def on_progress(progress: Progress) -> None:
        step = max((progress.total or 0) // 10, _STEP_BYTES)
        reached = progress.done // step
        if reached > told.get(progress.name, 0) or progress.done == progress.total:
            told[progress.name] = reached
            tell(str(progress))

    return on_progress
