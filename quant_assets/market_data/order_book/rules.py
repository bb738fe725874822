"""How an exchange tells its orders and trades, as far as a book depends on it.

Belongs here: the differences between exchanges as plain values. Not here: file formats (readers/)
and the replay itself (book.py).
"""

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True)
class BookRules:
    """What a replay must know of an exchange.

    Attributes:
        aggressor_added_first: true where an order that trades at once is told of before its
            trades, with its whole quantity (Shenzhen). False where its trades come first and only
            what is left of it is told of afterwards (Shanghai since 2021, NASDAQ), so that the
            aggressor of a trade need not be known.
        ticks_per_unit: how many price steps one unit of the currency has.
        timezone: IANA name, in which `continuous` is told.
        continuous: begin and end (exclusive) of each session of continuous trading; outside them
            are auctions, where orders rest unmatched and the two sides may cross. Empty where
            trading never stops.
    """

    aggressor_added_first: bool
    ticks_per_unit: int = 100
    timezone: str = "UTC"
    continuous: tuple[tuple[time, time], ...] = ()


_CHINA = ((time(9, 30), time(11, 30)), (time(13), time(14, 57)))

RULES = {
    "shanghai": BookRules(False, 100, "Asia/Shanghai", _CHINA),
    "shenzhen": BookRules(True, 100, "Asia/Shanghai", _CHINA),
    "nasdaq": BookRules(False),
    "bitstamp": BookRules(True),
}
