"""Facts of finance that stored tables must keep; each looks at some rows and tells what it found.

Here are facts that cross tables or days. What one row of one table must be like is declared in
`warehouse.schemas`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import Panel, session_dates
from quant_assets.warehouse.window import Window

EXAMPLES = 10


@dataclass(frozen=True)
class Finding:
    """How many rows or days were looked at, how many break the fact, and the first of them."""

    checked: int
    violations: int
    examples: tuple[str, ...]


def rows_accounted(rows_in: Mapping[date, int], bars: pa.Table, quarantine: pa.Table) -> Finding:
    """Each session has as many bars and quarantined rows together as its source has rows.

    Args:
        rows_in: session -> rows of the source.
        bars: column `date`.
        quarantine: column `date`.
    """
    kept: dict[date, int] = {}
    for table in (bars, quarantine):
        days, counts = np.unique(session_dates(table["date"]), return_counts=True)
        for day, count in zip(days.tolist(), counts.tolist(), strict=True):
            kept[day] = kept.get(day, 0) + count
    wrong = [day for day in sorted(kept | dict(rows_in)) if kept.get(day, 0) != rows_in.get(day, 0)]
    examples = [
        f"{day}: {rows_in.get(day, 0)} rows came in, {kept.get(day, 0)} were kept"
        for day in wrong[:EXAMPLES]
    ]
    return Finding(len(rows_in), len(wrong), tuple(examples))


def sessions_present(sessions: Sequence[date], bars: pa.Table) -> Finding:
    """Every session has at least one bar.

    Args:
        sessions: those that are judged.
        bars: column `date`.
    """
    present = set(np.unique(session_dates(bars["date"])).tolist())
    absent = [day for day in sessions if day not in present]
    return Finding(len(sessions), len(absent), tuple(f"{d}: no bar" for d in absent[:EXAMPLES]))


def returns_in_bounds(
    adjusted: pa.Table, bars: pa.Table, window: Window, bounds: tuple[float, float]
) -> Finding:
    """Close-to-close returns between neighbouring sessions lie within bounds, inclusive.

    Args:
        adjusted: `date`, `symbol`, `close` of the window and the session before it.
        bars: `date`, `symbol`, `flags` of the window; a flagged bar may move as it likes.
        window: the days that are judged.
        bounds: least and greatest simple return.
    """
    panel = Panel.from_table(adjusted, ["close"])
    close = panel["close"]
    returns = np.full(close.shape, np.nan)
    if len(close) > 1:
        returns[1:] = close[1:] / close[:-1] - 1.0
    unflagged = bars.filter(pc.equal(bars["flags"], ""))
    ones = pa.array(np.ones(unflagged.num_rows))
    judged = Panel.from_table(
        unflagged.append_column("judged", ones), ["judged"], panel.dates, panel.symbols
    )["judged"]
    with np.errstate(invalid="ignore"):
        outside = (judged == 1.0) & ((returns < bounds[0]) | (returns > bounds[1]))
    outside &= (panel.dates >= np.datetime64(window.start))[:, None]
    rows, columns = np.nonzero(outside)
    examples = [
        f"{panel.dates[t]} {panel.symbols[n]}: {returns[t, n]:+.1%}"
        for t, n in zip(rows[:EXAMPLES], columns[:EXAMPLES], strict=True)
    ]
    return Finding(int((~np.isnan(returns)).sum()), len(rows), tuple(examples))


def decided_before_known(labels: pa.Table) -> Finding:
    """A label's decision lies before the day on which the label became known.

    Args:
        labels: `date` (the day known) and `decision_date`.
    """
    late = labels.filter(pc.greater_equal(labels["decision_date"], labels["date"]))
    examples = [
        f"known on {row['date']}, decided on {row['decision_date']}"
        for row in late.slice(0, EXAMPLES).to_pylist()
    ]
    return Finding(labels.num_rows, late.num_rows, tuple(examples))


def coverage(universe: pa.Table, factors: pa.Table, least: float) -> Finding:
    """On each day at least a share `least` of the universe's members have some factor.

    Args:
        universe: `date`, `symbol`, `member`.
        factors: `date`, `symbol` and factor columns.
        least: share between 0 and 1. Days without members are not judged.
    """
    members = universe.filter(universe["member"]).select(["date", "symbol"])
    names = [name for name in factors.column_names if name not in ("date", "symbol")]
    known = np.zeros(factors.num_rows, bool)
    for name in names:
        known |= factors[name].is_valid().to_numpy()
    having = factors.select(["date", "symbol"]).filter(pa.array(known))
    covered = members.join(having, ["date", "symbol"], join_type="inner")
    days, wanted = np.unique(session_dates(members["date"]), return_counts=True)
    found_days, found = np.unique(session_dates(covered["date"]), return_counts=True)
    share = np.zeros(len(days))
    share[np.searchsorted(days, found_days)] = found
    share /= np.maximum(wanted, 1)
    short = np.flatnonzero(share < least)
    examples = [f"{days[i]}: {share[i]:.0%} of {wanted[i]} members" for i in short[:EXAMPLES]]
    return Finding(len(days), len(short), tuple(examples))
