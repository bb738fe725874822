"""Price limits of China's exchanges: how far a price may move in a session, by board and history.

Here stand the limits and when they came into force; which board a code belongs to stands in
codes.py. Sources: the trading rules of the Shanghai, Shenzhen and Beijing exchanges (chapters on
price limits and on listing), with these changes:

- 1996-12-16: 10 % for all shares; 1998-04-22: 5 % for shares under special treatment (ST, *ST).
- 2014-01: on the day of listing between 64 % and 144 % of the issue price (notices of both
  exchanges of 13 December 2013); before, no limit on that day.
- 2019-07-22: the STAR market opens with 20 %, none in the first five sessions.
- 2020-08-24: ChiNext (registration) goes from 10 % to 20 %, ST shares too, no limit in the first
  five sessions of a share listed from then on.
- 2021-11-15: Beijing opens with 30 %, no limit on the day of listing.
- 2023-04-10: main boards (registration): no limit in the first five sessions of a share listed
  from then on.
- 2026-07-06: main boards: 10 % also under special treatment (trading rules as revised in 2026; a
  draft of 27 June 2025 announced it).

A limit is the previous close x (1 +- rate), rounded half up to 0.01; it lies at least 0.01 from the
previous close and is at least 0.01. The previous close is the ex-right one that the exchange
publishes; on the day of listing it is the issue price. The rules also lift the limit on a share's
first session after a suspended listing resumes, and in other cases that an exchange announces: no
daily file tells those, so the settings name them.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.market_data.china.codes import BEIJING, CHINEXT, MAIN, STAR

TICK = 0.01


@dataclass(frozen=True)
class _Rate:
    """Limits in percent of the previous close from a day on."""

    board: str
    begins: str
    ordinary: int
    special: int


@dataclass(frozen=True)
class _Listing:
    """What holds in the first sessions of a share that is listed from a day on.

    Attributes:
        free: sessions without a limit.
        up, down: percent of the issue price on the first session, where that is not free.
    """

    board: str
    begins: str
    free: int
    up: int = 0
    down: int = 0


# Later lines of a board replace earlier ones from their day on.
_RATES = (
    _Rate(MAIN, "1996-12-16", 10, 10),
    _Rate(MAIN, "1998-04-22", 10, 5),
    _Rate(MAIN, "2026-07-06", 10, 10),
    _Rate(CHINEXT, "2009-10-30", 10, 5),
    _Rate(CHINEXT, "2020-08-24", 20, 20),
    _Rate(STAR, "2019-07-22", 20, 20),
    _Rate(BEIJING, "2021-11-15", 30, 30),
)
_LISTINGS = (
    _Listing(MAIN, "1996-12-16", free=1),
    _Listing(MAIN, "2014-01-01", free=0, up=44, down=36),
    _Listing(MAIN, "2023-04-10", free=5),
    _Listing(CHINEXT, "2009-10-30", free=1),
    _Listing(CHINEXT, "2014-01-01", free=0, up=44, down=36),
    _Listing(CHINEXT, "2020-08-24", free=5),
    _Listing(STAR, "2019-07-22", free=5),
    _Listing(BEIJING, "2021-11-15", free=1),
)


def price_limits(
    boards: np.ndarray,
    days: np.ndarray,
    previous_close: np.ndarray,
    special: np.ndarray,
    listed: np.ndarray,
    calendar: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The highest and the lowest price at which each share may trade on a day, (rows,) each.

    Args:
        boards: of `codes.boards`, "" for what has no limit that is known here.
        days: sessions, `datetime64[D]`.
        previous_close: as the exchange publishes it, ex right; NaN where not known.
        special: 1.0 under special treatment, 0.0 not, NaN not known.
        listed: first day of trading, `datetime64[D]`, NaT where it is long ago or not known.
        calendar: sessions of the exchange from some weeks before the first of `days` on.

    Returns:
        NaN where there is no limit, or where it cannot be told.
    """
    up, down = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for rate in _RATES:
        rows = (boards == rate.board) & (days >= np.datetime64(rate.begins))
        percent = np.where(special == 1.0, float(rate.special), float(rate.ordinary))
        if rate.special != rate.ordinary:
            percent[np.isnan(special)] = np.nan
        up[rows] = down[rows] = percent[rows]
    known = ~np.isnat(listed)
    places = np.searchsorted(calendar, days) - np.searchsorted(calendar, listed)
    since = np.where(known, places, len(calendar))
    free, first_up, first_down = (np.zeros(len(days), np.int64) for _ in range(3))
    for listing in _LISTINGS:
        rows = known & (boards == listing.board) & (listed >= np.datetime64(listing.begins))
        free[rows], first_up[rows], first_down[rows] = listing.free, listing.up, listing.down
    first = (since == 0) & (free == 0)
    up, down = np.where(first, first_up, up), np.where(first, first_down, down)
    up[since < free] = np.nan
    cents = np.rint(previous_close / TICK)
    cents[~(cents > 0)] = np.nan
    # whole numbers of cents and percent: rounding half up is exact
    highest = np.floor((cents * (100 + up) + 50) / 100)
    lowest = np.floor((cents * (100 - down) + 50) / 100)
    highest = np.maximum(highest, cents + 1)
    lowest = np.maximum(np.minimum(lowest, cents - 1), 1)
    lowest[np.isnan(highest)] = np.nan
    return highest / 100, lowest / 100
