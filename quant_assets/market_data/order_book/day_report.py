"""What became of the rows of Level-2 files: the counts for people, and the rejected rows.

Belongs here: bookkeeping. Not here: the reading itself (day.py).
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.sources.base import SourceError
from quant_assets.warehouse.schemas import schema_of

QUARANTINE = "order_book_quarantine"
# More than this is no matter of single rows: the files are not what the settings say.
MOST_REJECTED = 1_000_000
_SYMBOLS_SHOWN = 20


@dataclass
class Report:
    """What became of the rows of some days' files.

    Attributes:
        rows: rows that are stored, by symbol.
        first: the earliest timestamp among them, int64 nanoseconds UTC; None without rows.
        last: the latest.
        others: rows of symbols that were not asked for.
        empty: rows that tell of nothing that is stored.
        files: names of the files that were read.
        days_without_files: days of which no file was there.
        reasons: how many rows were rejected, by reason.
        rejected: the rejected rows of each day (order_book_quarantine).
    """

    rows: Counter[str] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None
    others: int = 0
    empty: int = 0
    files: list[str] = field(default_factory=list)
    days_without_files: list[date] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    rejected: dict[date, list[pa.Table]] = field(default_factory=dict)

    def keep(self, table: pa.Table) -> None:
        """Count rows that are stored."""
        for each in pc.value_counts(table["symbol"].combine_chunks()).to_pylist():
            self.rows[each["values"]] += each["counts"]
        times = pc.min_max(table["timestamp"].cast(pa.int64())).as_py()
        self.first = times["min"] if self.first is None else min(self.first, times["min"])
        self.last = times["max"] if self.last is None else max(self.last, times["max"])

    def reject(self, day: date, format_name: str, rejected: pa.Table) -> None:
        """Keep rejected rows (REJECTED) of a day.

        Raises:
            SourceError: there are too many for single faults.
        """
        if not rejected.num_rows:
            return
        self.reasons.update(rejected["reason"].to_pylist())
        schema = schema_of(QUARANTINE).arrow
        origin = {"date": pa.scalar(day), "format": pa.scalar(format_name)}
        columns = {name: pa.repeat(value, len(rejected)) for name, value in origin.items()}
        columns |= {name: rejected[name] for name in rejected.column_names}
        kept = pa.table(columns).select(schema.names).cast(schema)
        self.rejected.setdefault(day, []).append(kept)
        if self.reasons.total() > MOST_REJECTED:
            row = rejected.slice(0, 1).to_pylist()[0]
            raise SourceError(
                f"{row['file']}: more than {MOST_REJECTED:,} rows are rejected, now row "
                f"{row['row']}, field {row['field']!r}: {row['reason']}; the format "
                f"{format_name!r}, the date in the path or the files themselves are wrong"
            )

    def quarantine(self, day: date) -> pa.Table:
        """The rejected rows of a day (order_book_quarantine)."""
        empty = schema_of(QUARANTINE).arrow.empty_table()
        return pa.concat_tables([empty, *self.rejected.get(day, [])])

    def facts(self) -> dict[str, Any]:
        """The counts by name, for the metadata of a run."""
        return {
            "symbols_in_run": len(self.rows),
            "rows_by_symbol": dict(self.rows.most_common(_SYMBOLS_SHOWN)),
            "first_timestamp": _shown(self.first),
            "last_timestamp": _shown(self.last),
            "files_in_run": len(self.files),
            "rejected_in_run": self.reasons.total(),
            "reasons_in_run": dict(self.reasons),
            "rows_of_other_symbols": self.others,
            "rows_without_content": self.empty,
            "days_without_files": [str(day) for day in self.days_without_files],
        }


def _shown(instant: int | None) -> str:
    if instant is None:
        return ""
    moment = pa.scalar(instant, pa.timestamp("ns"))
    return f"{moment.cast(pa.string()).as_py()} UTC"
