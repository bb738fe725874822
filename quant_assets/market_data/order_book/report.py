"""What a replay went through: totals, and the faults that no whole record of a day contains.

Not here: how faults are found (book_kernels.py).
"""

from dataclasses import dataclass

FAULTS = (
    "unknown order",
    "more than is left",
    "order twice",
    "malformed event",
    "crossed book",
    "locked book",
)


@dataclass(frozen=True)
class Fault:
    """Something that should not happen in a book.

    Attributes:
        what: one of FAULTS.
        count: number of events.
        sequence: the first such event.
        timestamp: of that event, nanoseconds since 1970.
    """

    what: str
    count: int
    sequence: int
    timestamp: int


@dataclass(frozen=True)
class BookReport:
    """What a replay went through.

    Attributes:
        symbol: whose book it is.
        events: number of events.
        orders: number of different orders.
        volume: shares traded.
        turnover: money traded.
        faults: of each kind that happened.
    """

    symbol: str
    events: int
    orders: int
    volume: int
    turnover: float
    faults: tuple[Fault, ...]

    @property
    def clean(self) -> bool:
        """Whether there is no fault."""
        return not self.faults
