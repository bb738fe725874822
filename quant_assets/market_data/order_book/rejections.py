"""Rows of Level-2 files that cannot be used: which they are, why, and their text as delivered.

Belongs here: the form of a rejected row and the bookkeeping while a block of rows is judged. Not
here: what is wrong with a row; that the readers say, and `day.py` for repeated rows.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

UNREADABLE = "unreadable"
WRONG_COLUMNS = "wrong_columns"
MISSING = "missing"
UNKNOWN_CODE = "unknown_code"
OUT_OF_BOUNDS = "out_of_bounds"
OTHER_DAY = "other_day"
NOT_AN_EVENT = "not_an_event"
UNKNOWN_ORDER = "unknown_order"
GONE_ORDER = "gone_order"
DUPLICATE = "duplicate"
CONFLICT = "conflicting_sequence"

REASONS = {
    UNREADABLE: "the field is not of its column's type",
    WRONG_COLUMNS: "the row has more or fewer fields than the header",
    MISSING: "the field is empty",
    UNKNOWN_CODE: "the field holds a code that the format does not have",
    OUT_OF_BOUNDS: "the field is negative, or 0 where there is no such thing",
    OTHER_DAY: "the row is dated on another day than the file",
    NOT_AN_EVENT: "the row tells neither of an order nor of a trade (a halt, an unchanged order)",
    UNKNOWN_ORDER: "the order was placed before the file begins: what was executed is not told",
    GONE_ORDER: "the order had been deleted before",
    DUPLICATE: "the row repeats another one in everything",
    CONFLICT: "the row has symbol, timestamp and sequence of another one and differs from it",
}

REJECTED = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("field", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("record", pa.string(), nullable=False),
    ]
)


def rejected_rows(
    file: str, rows: np.ndarray, fields: list[str], reasons: list[str], records: list[str]
) -> pa.Table:
    """Rejected rows of one file in the form REJECTED; all shapes (rejected,)."""
    columns = [[file] * len(rows), pa.array(rows, pa.int64()), fields, reasons, records]
    return pa.table(columns, schema=REJECTED)


class Judgement:
    """The verdict on each row of a block: kept, or rejected for the first thing that is wrong."""

    def __init__(self, rows: int) -> None:
        self._verdict = np.full(rows, -1, np.int64)
        self._found: list[tuple[str, str]] = []

    def reject(self, wrong: np.ndarray, field: str, reason: str) -> None:
        """Reject the rows where `wrong` (bool, shape (rows,)) that nothing rejected before."""
        wrong = wrong & (self._verdict < 0)
        if wrong.any():
            self._verdict[wrong] = len(self._found)
            self._found.append((field, reason))

    @property
    def kept(self) -> np.ndarray:
        """Which rows nothing is wrong with, bool, shape (rows,)."""
        kept: np.ndarray = self._verdict < 0
        return kept

    def rejected(
        self, file: str, rows: np.ndarray, record: Callable[[int], str], among: np.ndarray
    ) -> pa.Table:
        """The rejected rows (REJECTED).

        Args:
            file: their file.
            rows: the number of each row of the block in the file, shape (rows,).
            record: the text of the row at a position of the block.
            among: the rows that were asked for, bool, shape (rows,).
        """
        positions = np.flatnonzero(~self.kept & among)
        found = [self._found[self._verdict[position]] for position in positions]
        fields, reasons = [field for field, _ in found], [reason for _, reason in found]
        records = [record(position) for position in positions.tolist()]
        return rejected_rows(file, rows[positions], fields, reasons, records)
