"""Labels: the forward returns that models learn, dated by the day on which they became known.

Belongs here: what a label is. Not here: which labels a model may use (walk_forward), their ranks
(datasets).
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import Panel, date_column
from quant_assets.models.walk_forward import session_array
from quant_assets.warehouse.window import Window

SCHEMA = pa.schema(
    [
        ("date", pa.date32()),
        ("symbol", pa.string()),
        ("decision_date", pa.date32()),
        ("horizon", pa.int32()),
        ("value", pa.float64()),
    ]
)


def look_back(horizon: int | Sequence[int]) -> int:
    """Sessions before a window that its labels need: the longest horizon."""
    return max(_horizons(horizon))


def labels(
    adjusted: pa.Table,
    sessions: Sequence[date] | np.ndarray,
    window: Window,
    horizon: int | Sequence[int],
) -> pa.Table:
    """The forward returns that became known on the days of a window.

    A decision of day d is traded at the next open and held h sessions: value = adjusted close(d+h)
    / adjusted open(d+1) - 1, a simple return as a decimal, before costs. It is known at the close
    of t = d+h, the date of its row. d and t are h sessions of the calendar apart, whether or not
    the symbol traded between them. Adjusted prices are of one scale, so splits and dividends that
    fall between the two are in the return.

    Args:
        adjusted: adjusted bars (`date`, `symbol`, `open`, `close`) of the window and of
            `look_back(horizon)` sessions before it.
        sessions: the calendar's session dates from the market's start on, ascending.
        window: the days t on which labels became known.
        horizon: h, sessions; one or several.

    Returns:
        Columns date, symbol, decision_date, horizon (int32), value; ordered by date, symbol,
        horizon. A symbol that lacks either price (missing or not above 0) has no row.

    Raises:
        ValueError: a horizon below 1, no horizon, sessions that do not ascend.
    """
    horizons = _horizons(horizon)
    days = session_array(sessions)
    start = int(np.searchsorted(days, np.datetime64(window.start, "D"), "left"))
    stop = int(np.searchsorted(days, np.datetime64(window.end, "D"), "right"))
    first = max(0, start - max(horizons) + 1)
    panel = Panel.from_table(adjusted, ["open", "close"], dates=days[first:stop])
    values = np.full((stop - start, len(panel.symbols), len(horizons)), np.nan)
    for place, length in enumerate(horizons):
        # Before session `length` there is no decision day on the calendar.
        begin = max(start, length)
        if begin >= stop:
            continue
        exits = panel["close"][begin - first : stop - first]
        entries = panel["open"][begin - length + 1 - first : stop - length + 1 - first]
        priced = (entries > 0) & (exits > 0)
        np.divide(exits, entries, out=values[begin - start :, :, place], where=priced)
    values -= 1.0
    row, column, which = np.nonzero(np.isfinite(values))
    lengths = np.array(horizons, np.int64)[which]
    symbols = pa.array(panel.symbols.astype(object), pa.string())
    return pa.table(
        [
            date_column(days[start + row]),
            pc.take(symbols, pa.array(column)),
            date_column(days[start + row - lengths]),
            pa.array(lengths, pa.int32()),
            pa.array(values[row, column, which]),
        ],
        schema=SCHEMA,
    )


def _horizons(horizon: int | Sequence[int]) -> tuple[int, ...]:
    """One or several horizons, ascending and each once."""
    given = (horizon,) if isinstance(horizon, int) else tuple(horizon)
    if not given or min(given) < 1:
        raise ValueError(f"horizons must be sessions >= 1, one or more. Got {given} instead")
    return tuple(sorted(set(given)))
