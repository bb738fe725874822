"""Splits that prices and volumes show by themselves, with the evidence.

Here lives the search through bars as traded. How likely a gap is a split is judged in gap_model.py;
what was declared is held against it in reconciliation.py.

Looked at is every open that is a fifth or more away from the last close, beyond the market's own
move. Then the levels must hold: the median of the closes before and each close since lie nearer to
their own level than to the other, so that a wrong price or two are no split. A gap is judged once
HELD sessions of the symbol have closed at the new level, the ex-date among them; `detected_on` is
the last of these. Nothing after it is looked at, so a row never changes once it is there.
"""

from datetime import date

import numpy as np
import pyarrow as pa

from quant_assets.market_data.actions.bar_rows import BarRows
from quant_assets.market_data.actions.gap_model import LEAST_GAP, RATIOS, Gap, Ratio, judge
from quant_assets.market_data.panels import session_dates
from quant_assets.warehouse.schemas import schema_of

HELD = 3
BEFORE = 60  # sessions of the symbol that say what is usual
LEAST_BEFORE = 10
LEVEL = 5  # closes that make the level before
LEAST_CONFIDENCE = 0.5
# An overnight move has ticks and rounding in it, however quiet the days before were.
_LEAST_NOISE = 0.004
_LEAST_RANGE = 0.002
# Where many opens repeat the last close, nights look quieter than they are: at least so much of a
# day's usual move.
_OVERNIGHT = 0.4
_MAD = 1.4826  # median absolute deviation x this is the standard deviation of a normal variable
_SCHEMA = schema_of("detected_splits").arrow


def detect_splits(
    bars: pa.Table,
    until: date | None = None,
    least: float = LEAST_CONFIDENCE,
    largest_move: float | None = None,
) -> pa.Table:
    """The splits that bars show: schema `detected_splits`, by symbol and ex-date.

    Args:
        bars: the columns bar_rows.COLUMNS of the whole history, raw as traded, in any order.
        until: nothing after this day is looked at.
        least: confidence below which a gap is taken for a move of the price.
        largest_move: how far the exchange lets a price move in a session, 0.2 is 20 %.
    """
    if until is not None:
        bars = bars.filter(pa.array(session_dates(bars["date"]) <= np.datetime64(until)))
    rows = BarRows.of(bars)
    with np.errstate(invalid="ignore"):
        large = np.abs(rows.gap - rows.market) >= LEAST_GAP
    judged = (_judged(rows, int(row), least, largest_move) for row in np.flatnonzero(large))
    found = [one for one in judged if one is not None]
    return pa.Table.from_pylist(found, schema=_SCHEMA)


def _judged(
    rows: BarRows, row: int, least: float, largest_move: float | None
) -> dict[str, object] | None:
    """The evidence of a gap if it is a split, None if not or if it is not known yet."""
    before = slice(max(int(rows.first[row]), row - BEFORE), row)
    since = slice(row, row + HELD)
    if before.stop - before.start < LEAST_BEFORE or since.stop > rows.stop[row]:
        return None
    gap = _gap(rows, row, before, since)
    confidence, best = judge(gap, largest_move)
    if confidence < least or not _levels_hold(rows, before, since, RATIOS[best]):
        return None
    return {
        "symbol": rows.names[rows.symbol[row]],
        "ex_date": rows.day[row].item(),
        "detected_on": rows.day[since.stop - 1].item(),
        "confidence": confidence,
        **_evidence(rows, row, before, since, gap, RATIOS[best]),
    }


def _gap(rows: BarRows, row: int, before: slice, since: slice) -> Gap:
    """What the model is told of a gap."""
    values = rows.values
    moves = np.diff(np.log(values["close"][before]))
    ranges = np.log(values["high"][before] / values["low"][before])
    day_range = np.log(values["high"][row] / values["low"][row])
    return Gap(
        size=float(rows.gap[row] - rows.market[row]),
        noise=max(_usual(rows.gap[before]), _OVERNIGHT * _usual(moves), _LEAST_NOISE),
        level=float(np.log(np.median(values["close"][since]) / values["close"][row - 1])),
        level_noise=max(_usual(moves), _LEAST_NOISE) * np.sqrt(HELD),
        range_ratio=_over(day_range, ranges, _LEAST_RANGE),
        turnover_ratio=_over(values["turnover"][row], values["turnover"][before]),
    )


def _levels_hold(rows: BarRows, before: slice, since: slice, ratio: Ratio) -> bool:
    """Whether the closes lie nearer to their own level than to the other one."""
    step = np.log(float(ratio.value))
    close = np.log(rows.values["close"][max(before.start, before.stop - LEVEL) : since.stop])
    old, new = close[:-HELD], close[-HELD:] + step
    return bool(max(abs(np.median(old) - old[-1]), np.abs(new - old[-1]).max()) < abs(step) / 2)


def _evidence(
    rows: BarRows, row: int, before: slice, since: slice, gap: Gap, ratio: Ratio
) -> dict[str, object]:
    """The columns of `detected_splits` that say why."""
    values = rows.values
    volume = _over(float(np.median(values["volume"][since])), values["volume"][before])
    return {
        "ratio": float(ratio.value),
        "numerator": ratio.numerator,
        "denominator": ratio.denominator,
        "previous_date": rows.day[row - 1].item(),
        "close_before": float(values["close"][row - 1]),
        "open": float(values["open"][row]),
        "gap": float(np.exp(rows.gap[row])),
        "market_gap": float(np.exp(rows.market[row])),
        "misfit": gap.size + float(np.log(float(ratio.value))),
        "noise": gap.noise,
        "range_ratio": _or_none(gap.range_ratio),
        "turnover_ratio": _or_none(gap.turnover_ratio),
        "volume_ratio": _or_none(volume),
        "level_ratio": float(np.exp(gap.level) * ratio.value),
    }


def _usual(moves: np.ndarray) -> float:
    """The usual size of moves, as a standard deviation that outliers do not touch; NaN left out."""
    known = moves[~np.isnan(moves)]
    return float(_MAD * np.median(np.abs(known - np.median(known)))) if len(known) else 0.0


def _over(value: float, usual: np.ndarray, least: float = 0.0) -> float:
    """A value over the median of the usual ones; NaN where that is 0."""
    middle = max(float(np.median(usual)), least)
    return value / middle if middle > 0 else float("nan")


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
