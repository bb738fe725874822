"""A rebuilt book held against the vendor's own snapshots of the same day.

Belongs here: which state of the book a snapshot shows, what is equal and what differs. Not here:
the rebuilding (book.py), files (readers/), the command (cli_order_book.py).

How a snapshot finds its state. A snapshot does not name the last event it knows of, and its time is
cut to whole seconds. So it is aligned by the number of trades so far (by the volume so far, where
the vendor tells no number): only a state of the book with exactly that many can be meant, and of
those only one that stood at some instant of the stamp's second, give or take `tolerance`. A
snapshot without such a state cannot be aligned and is listed with the reason. Prices and sizes of
levels, volume, turnover and last price take no part in that; they are what is judged then.

Between two trades orders come and go, so that several states may be left:
    one state           there is nothing to choose.
    by the clock        the state at the stamp plus a lag. The lag is not fitted to the book: it is
                        the one at which the numbers of trades of the neighbouring snapshots are
                        right most often.
    by search           the state at that instant differs, another one of those left is equal in all
                        levels. This is weaker evidence, and counted apart.
If none is equal, the one that is equal for the most levels from the best on is judged, the one by
the clock if it is as good, and its differences are listed.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.order_book.book import by_symbol, rebuild
from quant_assets.market_data.order_book.event_arrays import sessions
from quant_assets.market_data.order_book.events import LEVELS, TRADE, level_columns
from quant_assets.market_data.order_book.report import BookReport
from quant_assets.market_data.order_book.rules import BookRules
from quant_assets.market_data.order_book.sampling import AfterEvents, BookError

TOLERANCE = 0.25  # seconds
SECOND = 10**9
_STAMP = SECOND  # to which the vendors cut the time of a snapshot
_LAGS = np.arange(-250, 1250, 10) * 10**6  # that are tried
_NEIGHBOURS = 10  # snapshots before and after, whose lag is taken to be the same
_CENT = 0.005  # turnover that is less apart is equal: the vendors write cents

ONE_STATE, BY_CLOCK, BY_SEARCH, NOT_EQUAL = "one state", "by the clock", "by search", "not equal"


# Volume, turnover and last price, then the levels, the best first.
_JUDGED = (
    "volume",
    "turnover",
    "last",
    *(
        level_columns(side, what)[level]
        for level in range(LEVELS)
        for side in ("bid", "ask")
        for what in ("price", "size")
    ),
)


@dataclass(frozen=True)
class Difference:
    """A value of an aligned snapshot that is not what the rebuilt book says.

    Attributes:
        timestamp: of the snapshot, nanoseconds since 1970.
        column: of SNAPSHOTS.
        vendor: the snapshot's value.
        rebuilt: the book's value.
    """

    timestamp: int
    column: str
    vendor: float
    rebuilt: float


@dataclass(frozen=True)
class Unaligned:
    """A snapshot for which the events have no state.

    Attributes:
        timestamp: of the snapshot, nanoseconds since 1970.
        reason: for people.
    """

    timestamp: int
    reason: str


@dataclass(frozen=True)
class Comparison:
    """How the book of one symbol compares with its snapshots.

    Attributes:
        symbol: whose book it is.
        key: what the snapshots were aligned by, `trades` or `volume`.
        snapshots: number of snapshots of all phases.
        continuous: number of those in continuous trading: what is compared.
        aligned: number of those for which there is a state.
        chosen: for each way of choosing the state, the number of snapshots.
        states: mean number of different states that were left to choose from.
        equal: for each of `top 5`, `top 10`, `volume`, `turnover` and `last` the number of aligned
            snapshots that are equal to the book.
        unaligned: the others.
        differences: every value that differs.
        report: of the replay.
    """

    symbol: str
    key: str
    snapshots: int
    continuous: int
    aligned: int
    chosen: dict[str, int]
    states: float
    equal: dict[str, int]
    unaligned: tuple[Unaligned, ...]
    differences: tuple[Difference, ...]
    report: BookReport

    def passed(self, levels: int) -> bool:
        """Whether something was aligned, all of that is equal down to `levels`, and no fault."""
        judged = (f"top {levels}", "volume", "turnover", "last")
        return (
            self.aligned > 0
            and all(self.equal[what] == self.aligned for what in judged)
            and self.report.clean
        )


def verify(
    events: pa.Table, snapshots: pa.Table, rules: BookRules, tolerance: float = TOLERANCE
) -> tuple[Comparison, ...]:
    """The books of every symbol that has events and snapshots, held against each other.

    Args:
        events: EVENTS of one day.
        snapshots: SNAPSHOTS of the vendor, of the same day.
        rules: how the exchange tells its orders and trades.
        tolerance: seconds that a snapshot's state may lie outside the second of its stamp.

    Raises:
        BookError: there is no symbol with both, or events that no book can be built from.
    """
    theirs = dict(by_symbol(snapshots.append_column("sequence", snapshots.column("timestamp"))))
    blocks = [(symbol, block) for symbol, block in by_symbol(events) if symbol in theirs]
    if not blocks:
        names = [pc.unique(t.column("symbol")).to_pylist()[:5] for t in (events, snapshots)]
        raise BookError(
            f"no symbol has both events and snapshots. Events are of {names[0]}, snapshots of "
            f"{names[1]}; give both files of one day, with symbols written alike"
        )
    return tuple(
        _compare(symbol, block, theirs[symbol], rules, round(tolerance * SECOND))
        for symbol, block in blocks
    )


class _Snapshots:
    """The continuous session's snapshots of one symbol as arrays."""

    def __init__(self, table: pa.Table, rules: BookRules) -> None:
        stamp = pc.cast(table.column("timestamp"), pa.int64()).to_numpy()
        opens, closes = sessions(rules, int(stamp[0]))
        inside = ((stamp[:, None] >= opens) & (stamp[:, None] < closes)).any(axis=1)
        self.all = len(table)
        self.stamp = stamp[inside]
        self.table = table.filter(pa.array(inside))
        self.key = "trades" if pc.any(pc.greater(table.column("trades"), 0)).as_py() else "volume"

    def __len__(self) -> int:
        return len(self.stamp)


@dataclass(frozen=True)
class _States:
    """For each snapshot the events after which its state may have stood.

    Attributes:
        begin: from when the state after each event stood, nanoseconds, shape (events,).
        first, last: positions of events, inclusive; last < first where there is none.
        clock: the one of them at the stamp plus the lag.
    """

    begin: np.ndarray
    first: np.ndarray
    last: np.ndarray
    clock: np.ndarray


def _compare(
    symbol: str, events: pa.Table, table: pa.Table, rules: BookRules, tolerance: int
) -> Comparison:
    snapshots = _Snapshots(table, rules)
    count, begin = _progress(events, snapshots.key)
    states, unaligned = _align(count, begin, snapshots, tolerance)
    aligned = np.flatnonzero(states.last >= states.first)
    spans = [np.arange(states.first[k], states.last[k] + 1) for k in aligned]
    positions = np.unique(np.concatenate([np.zeros(0, np.int64), *spans]))
    rebuilt = rebuild(events, rules, AfterEvents(positions))
    ours, theirs = _levels(rebuilt.snapshots), _levels(snapshots.table)
    chosen = dict.fromkeys((ONE_STATE, BY_CLOCK, BY_SEARCH, NOT_EQUAL), 0)
    rows, choices = [], []
    for snapshot, span in zip(aligned.tolist(), spans, strict=True):
        left = np.searchsorted(positions, span)
        clock = int(np.searchsorted(positions, states.clock[snapshot]))
        row, how, different = _choose(ours, theirs[snapshot], left, clock)
        chosen[how] += 1
        rows.append(row)
        choices.append(different)
    pairs = (
        rebuilt.snapshots.take(pa.array(rows, pa.int64())),
        snapshots.table.take(pa.array(aligned, pa.int64())),
    )
    apart = _apart(*pairs)
    return Comparison(
        symbol=symbol,
        key=snapshots.key,
        snapshots=snapshots.all,
        continuous=len(snapshots),
        aligned=len(aligned),
        chosen=chosen,
        states=float(np.mean(choices)) if choices else 0.0,
        equal=_equal(apart),
        unaligned=tuple(unaligned),
        differences=_differences(*pairs, apart),
        report=rebuilt.reports[0],
    )


def _progress(events: pa.Table, key: str) -> tuple[np.ndarray, np.ndarray]:
    """(trades or volume up to and with each event; the time from which that stood)."""
    traded = events.column("kind").to_numpy() == TRADE
    weight = 1 if key == "trades" else events.column("quantity").to_numpy()
    begin = pc.cast(events.column("timestamp"), pa.int64()).to_numpy()
    return np.cumsum(traded * weight), np.maximum.accumulate(begin)


def _align(
    count: np.ndarray, begin: np.ndarray, snapshots: _Snapshots, tolerance: int
) -> tuple[_States, list[Unaligned]]:
    told = snapshots.table.column(snapshots.key).to_numpy()
    # A state is over when the next event comes.
    end = np.append(begin[1:], np.iinfo(np.int64).max)
    low, high = np.searchsorted(count, told, "left"), np.searchsorted(count, told, "right") - 1
    earliest, latest = snapshots.stamp - tolerance, snapshots.stamp + _STAMP + tolerance
    first = np.maximum(low, np.searchsorted(end, earliest, "right"))
    last = np.minimum(high, np.searchsorted(begin, latest, "left") - 1)
    instant = snapshots.stamp + _lags(begin, end, low, high, snapshots.stamp)
    clock = np.clip(np.searchsorted(begin, instant, "right") - 1, first, last)
    unaligned = [
        Unaligned(
            int(snapshots.stamp[k]),
            _reason(
                f"{snapshots.key} {told[k]}",
                None if low[k] > high[k] else (begin[low[k]] - snapshots.stamp[k]) / SECOND,
                len(count) == 0 or told[k] > count[-1],
            ),
        )
        for k in np.flatnonzero(last < first)
    ]
    return _States(begin, first, last, clock), unaligned


def _lags(
    begin: np.ndarray, end: np.ndarray, low: np.ndarray, high: np.ndarray, stamp: np.ndarray
) -> np.ndarray:
    """For each snapshot how long after its stamp the book was taken, nanoseconds.

    Right is a lag for a snapshot if the number of trades at the stamp plus the lag is the one told.
    Of the lags that are right for most of the neighbouring snapshots the middle one is taken.
    """
    if len(stamp) == 0:
        return stamp
    known = low <= high
    since = begin[np.where(known, low, 0)] - stamp
    until = end[np.where(known, high, 0)] - stamp
    right = known & (since <= _LAGS[:, None]) & (_LAGS[:, None] < until)
    so_far = np.concatenate([np.zeros((len(_LAGS), 1), np.int64), right.cumsum(axis=1)], axis=1)
    number = np.arange(len(stamp))
    after = np.minimum(number + _NEIGHBOURS + 1, len(stamp))
    votes = so_far[:, after] - so_far[:, np.maximum(number - _NEIGHBOURS, 0)]
    best = votes == votes.max(axis=0)
    middle = (best.cumsum(axis=0) * 2 >= best.sum(axis=0)).argmax(axis=0)
    lags: np.ndarray = _LAGS[middle]
    return lags


def _reason(state: str, late: float | None, after_all: bool) -> str:
    """Why there is no state; `late` seconds after the stamp the events come to it, if they do."""
    if late is not None:
        return f"the events come to {state} {late:+.3f} s from the stamp"
    return f"the events end before {state}" if after_all else f"the events never have {state}"


def _levels(table: pa.Table) -> np.ndarray:
    """Prices and sizes, (rows, 4 * LEVELS): level by level; 0 where there is no level."""
    columns = [table.column(name).to_numpy().astype(np.float64) for name in _JUDGED[3:]]
    levels: np.ndarray = np.nan_to_num(np.stack(columns, axis=1))
    return levels


def _choose(
    ours: np.ndarray, theirs: np.ndarray, left: np.ndarray, clock: int
) -> tuple[int, str, int]:
    """(the row of `ours` that is judged, how it was chosen, how many different ones were left)."""
    books = ours[left]
    different = 1 + int(np.count_nonzero((books[1:] != books[:-1]).any(axis=1)))
    if np.array_equal(ours[clock], theirs):
        return clock, ONE_STATE if different == 1 else BY_CLOCK, different
    alike = (books == theirs).cumprod(axis=1).sum(axis=1)  # values equal before the first other
    if alike[clock - left[0]] == alike.max():
        return clock, NOT_EQUAL, different
    best = int(alike.argmax())
    return int(left[best]), BY_SEARCH if alike[best] == ours.shape[1] else NOT_EQUAL, different


def _apart(ours: pa.Table, theirs: pa.Table) -> dict[str, np.ndarray]:
    """For each judged column the aligned snapshots, (rows,), in which it differs."""
    apart = {}
    for name in _JUDGED:
        pair = [table.column(name).to_numpy().astype(np.float64) for table in (ours, theirs)]
        distance = np.abs(np.nan_to_num(pair[0]) - np.nan_to_num(pair[1]))
        apart[name] = distance > (_CENT if name == "turnover" else 0)
    return apart


def _differences(
    ours: pa.Table, theirs: pa.Table, apart: dict[str, np.ndarray]
) -> tuple[Difference, ...]:
    """Snapshot by snapshot, column by column."""
    stamps = pc.cast(theirs.column("timestamp"), pa.int64())
    places = np.argwhere(np.stack([apart[name] for name in _JUDGED], axis=1)).tolist()
    return tuple(
        Difference(
            stamps[row].as_py(),
            _JUDGED[column],
            float(theirs.column(_JUDGED[column])[row].as_py()),
            float(ours.column(_JUDGED[column])[row].as_py()),
        )
        for row, column in places
    )


def _equal(apart: dict[str, np.ndarray]) -> dict[str, int]:
    groups = {
        "top 5": _JUDGED[3 : 3 + 4 * 5],
        "top 10": _JUDGED[3:],
        **{name: (name,) for name in _JUDGED[:3]},
    }
    return {
        what: int(np.count_nonzero(~np.any([apart[name] for name in names], axis=0)))
        for what, names in groups.items()
    }
