"""Quality: which raw rows become bars, and why the others do not.

Here live the screening of raw rows and the bookkeeping about it. Nothing vanishes: every row of the
input is either a bar or in quarantine, with the reason and where it came from. The single rules are
in rules.py; reading is the business of sources/.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import date_column, session_dates
from quant_assets.market_data.quarantine import Rejected
from quant_assets.market_data.rules import FLAGS, KEY_RULES, ROW_RULES, UNREADABLE, Rows
from quant_assets.settings import QualityRules
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

# Vendors round turnover; a row of few shares may be off by this share of it.
_ROUNDING = 1e-3
VALUES = ("open", "high", "low", "close", "volume", "turnover")
_BARS = schema_of("bars").arrow


@dataclass(frozen=True)
class Screened:
    """Raw rows, sorted out.

    Attributes:
        bars: the accepted rows, one a date and symbol, sorted by them.
        quarantine: the rejected rows, by session, file and row.
        counts: rejected rows by the reason they are put down to; they add up to the quarantine.
        broken: rows by every rule they break, also the further ones of a row that breaks several.
        flags: accepted rows by flag.
        rows_in: rows of the input in the window: those of `bars` plus those of `quarantine`.
    """

    bars: pa.Table
    quarantine: pa.Table
    counts: dict[str, int]
    broken: dict[str, int]
    flags: dict[str, int]
    rows_in: int


def lookback(rules: QualityRules) -> int:
    """Sessions before the window that `screen` must see."""
    return rules.jump_lookback


def screen(
    raw: pa.Table,
    sessions: np.ndarray,
    symbols: pa.Table | None,
    actions: pa.Table,
    rules: QualityRules,
    window: Window,
) -> Screened:
    """Sort raw rows into bars and quarantine.

    What becomes of the rows of a session depends on that session's rows alone; the jump flag also
    on the accepted closes of the `lookback(rules)` sessions before it. So the result is the same
    wherever the rows begin, as long as those sessions are there.

    Args:
        raw: the source's rows (base.RAW_SCHEMA) from `lookback(rules)` sessions before the window.
        sessions: the market's sessions, `datetime64[D]`.
        symbols: the market's list of symbols; None accepts every symbol.
        actions: corporate actions; a jump on the ex-date of one is explained.
        rules: bounds.
        window: the sessions to return.

    Returns:
        Bars, quarantine and counts of the window's sessions. `turnover` is the vendor's, or
        close x volume where there is none.
    """
    rows = _arrays(raw, symbols)
    broken = {name: rule.broken(rows) for name, rule in ROW_RULES.items()}
    for name in broken.keys() - {UNREADABLE}:
        broken[name] &= ~broken[UNREADABLE]
    clean = np.ones(len(rows.symbol), bool)
    for mask in broken.values():
        clean &= ~mask
    key = _keys(rows, sessions)
    copies, conflicts, partner = _repeated(rows, key, clean)
    broken |= dict(zip(KEY_RULES, (copies, conflicts), strict=True))
    accepted = clean & ~copies & ~conflicts
    order = np.flatnonzero(accepted)
    order = order[np.argsort(key[order], kind="stable")]
    jumps = _jumps(rows, order, key, sessions, actions, rules)
    inside = (rows.session >= np.datetime64(window.start)) & (
        rows.session <= np.datetime64(window.end)
    )
    flagged = {
        "unexplained_jump": jumps,
        "average_outside_range": _average_outside(rows, order),
        "zero_volume": rows.values["volume"][order] == 0,
    }
    shown = inside[order]
    flagged = {name: flagged[name][shown] for name in FLAGS}
    order = order[shown]
    # by day and symbol: `key` orders by symbol first
    order_by_day = np.argsort(rows.session[order], kind="stable")
    order = order[order_by_day]
    flagged = {name: mask[order_by_day] for name, mask in flagged.items()}
    out = np.flatnonzero(~accepted & inside)
    out = out[np.argsort(rows.session[out], kind="stable")]
    rejected = Rejected(raw, rows, out, broken, partner)
    reasons = rejected.reasons()
    return Screened(
        bars=_bars(rows, order, flagged),
        quarantine=rejected.table(),
        counts={name: n for name in broken if (n := reasons.count(name))},
        broken={name: n for name, mask in broken.items() if (n := int(mask[inside].sum()))},
        flags={name: n for name, mask in flagged.items() if (n := int(mask.sum()))},
        rows_in=int(inside.sum()),
    )


def _arrays(raw: pa.Table, symbols: pa.Table | None) -> Rows:
    encoded = raw["symbol"].combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    different = encoded.dictionary.to_numpy(zero_copy_only=False).astype(object)
    names = np.sort(different)
    places = np.append(np.searchsorted(names, different), -1)
    codes = pc.fill_null(encoded.indices, len(different)).to_numpy()
    listed = None
    if symbols is not None:
        known = set(symbols["symbol"].to_pylist())
        listed = np.array([name in known for name in names], bool)
    return Rows(
        day=raw["date"].to_numpy().astype("datetime64[D]"),
        session=session_dates(raw["session"]),
        symbol=places[codes].astype(np.int64),
        names=names,
        listed=listed,
        values={name: raw[name].to_numpy() for name in VALUES},
        fault=_faults(raw),
    )


def _faults(raw: pa.Table) -> np.ndarray | None:
    """What the source says of records it could not read, None where it says nothing."""
    if "fault" not in raw.column_names or raw["fault"].null_count == raw.num_rows:
        return None
    faults: np.ndarray = raw["fault"].to_numpy()
    return faults


def _keys(rows: Rows, sessions: np.ndarray) -> np.ndarray:
    """One integer a (symbol, session), ordered by symbol, then session."""
    return rows.symbol * (len(sessions) + 1) + np.searchsorted(sessions, rows.session)


def _repeated(
    rows: Rows, key: np.ndarray, clean: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Among clean rows: (further copies, rows that disagree, and for both a row they repeat)."""
    count = len(key)
    copies, conflicts = np.zeros(count, bool), np.zeros(count, bool)
    partner = np.full(count, -1)
    order = np.flatnonzero(clean)
    order = order[np.argsort(key[order], kind="stable")]
    if len(order) < 2:
        return copies, conflicts, partner
    begins = np.append(True, key[order][1:] != key[order][:-1])
    if begins.all():
        return copies, conflicts, partner
    group = np.cumsum(begins) - 1
    first = order[begins][group]
    differs = np.zeros(len(order), bool)
    for values in rows.values.values():
        mine, other = values[order], values[first]
        differs |= (mine != other) & ~(np.isnan(mine) & np.isnan(other))
    disagree = np.bincount(group, differs)[group] > 0
    # the first row's partner is the first that differs from it
    odd = np.flatnonzero(differs)[::-1]
    first_odd = np.full(group[-1] + 1, -1)
    first_odd[group[odd]] = order[odd]
    copies[order] = ~begins & ~disagree
    conflicts[order] = disagree
    partner[order] = np.where(differs | (copies[order]), first, first_odd[group])
    return copies, conflicts, partner


def _jumps(
    rows: Rows,
    order: np.ndarray,
    key: np.ndarray,
    sessions: np.ndarray,
    actions: pa.Table,
    rules: QualityRules,
) -> np.ndarray:
    """Of the accepted rows, by symbol and session: whether the close jumps without a cause."""
    jumps = np.zeros(len(order), bool)
    if len(order) < 2:
        return jumps
    mine, previous = order[1:], order[:-1]
    close = rows.values["close"]
    near = (rows.symbol[mine] == rows.symbol[previous]) & (
        key[mine] - key[previous] <= rules.jump_lookback
    )
    candidates = np.flatnonzero(near & (np.abs(close[mine] / close[previous] - 1) > rules.jump))
    events = _event_keys(rows.names, sessions, actions)
    # events after the previous close and up to the day itself
    after = np.searchsorted(events, key[previous[candidates]], "right")
    until = np.searchsorted(events, key[mine[candidates]], "right")
    jumps[1 + candidates] = after == until
    return jumps


def _average_outside(rows: Rows, order: np.ndarray) -> np.ndarray:
    """Of the accepted rows: whether turnover / volume lies outside low to high."""
    volume, turnover = rows.values["volume"][order], rows.values["turnover"][order]
    low, high = rows.values["low"][order], rows.values["high"][order]
    # in products, so that nothing is divided by 0; comparisons with NaN are false: no turnover
    below = turnover < volume * low * (1 - _ROUNDING)
    above = turnover > volume * high * (1 + _ROUNDING)
    outside: np.ndarray = below | above
    return outside


def _event_keys(names: np.ndarray, sessions: np.ndarray, actions: pa.Table) -> np.ndarray:
    """Sorted keys, as of `_keys`, of the events of the symbols that occur."""
    places = {name: place for place, name in enumerate(names)}
    symbols = np.array([places.get(name, -1) for name in actions["symbol"].to_pylist()], np.int64)
    days = np.searchsorted(sessions, session_dates(actions["ex_date"]))
    keys = symbols * (len(sessions) + 1) + days
    return np.sort(keys[symbols >= 0])


def _bars(rows: Rows, order: np.ndarray, flagged: dict[str, np.ndarray]) -> pa.Table:
    values = {name: rows.values[name][order] for name in VALUES}
    traded = values["close"] * values["volume"]
    values["turnover"] = np.where(np.isfinite(values["turnover"]), values["turnover"], traded)
    data = {
        "date": date_column(rows.session[order]),
        "symbol": _names(rows, order),
        **{name: pa.array(column) for name, column in values.items()},
        "flags": _joined(flagged, len(order)),
    }
    return pa.table(data, schema=_BARS)


def _joined(flagged: dict[str, np.ndarray], count: int) -> pa.Array:
    """Comma-joined names of the flags of each row, "" for none."""
    names = list(flagged)
    code = np.zeros(count, np.int64)
    for bit, name in enumerate(names):
        code += flagged[name].astype(np.int64) << bit
    texts = [
        ",".join(name for bit, name in enumerate(names) if number >> bit & 1)
        for number in range(1 << len(names))
    ]
    return pa.array(texts, pa.string()).take(pa.array(code))


def _names(rows: Rows, order: np.ndarray) -> pa.Array:
    places = rows.symbol[order]
    return pa.array(rows.names, pa.string()).take(pa.array(places, mask=places < 0))
