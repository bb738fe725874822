"""The universe: what could be held on a day, and what of it is fit to be.

Here live the daily facts about each listed symbol (age, average turnover, halted, at the price
limit) and the membership that follows from the market's rules. Only the past is asked: when a
symbol will stop trading is never looked up.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import Panel, date_column, session_dates
from quant_assets.settings import UniverseRules
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

# Ages are counted up to about a year, so that a bounded look-back tells them; see `lookback`.
MAXIMUM_AGE = 252
# Exchanges round the limit price to their tick; half a hundredth covers that and the vendor's.
_HALF_TICK = 0.005
_UNIVERSE = schema_of("universe").arrow


def lookback(rules: UniverseRules) -> int:
    """Sessions before a day that its universe must see.

    The age needs most: up to MAXIMUM_AGE sessions, and `stale_sessions` more, so that a symbol that
    did not trade just then does not become younger by it.
    """
    return max(rules.turnover_window, MAXIMUM_AGE) + rules.stale_sessions


def membership(
    bars: pa.Table,
    adjusted: pa.Table,
    symbols: pa.Table | None,
    sessions: np.ndarray,
    rules: UniverseRules,
    window: Window,
    status: pa.Table | None = None,
) -> pa.Table:
    """The universe of each session of a window.

    A symbol is listed, and has a row, on sessions with a bar and on the `stale_sessions` sessions
    after its last bar. A row of `status` says as much as a bar: a halt, however long, ends no
    listing.

    Args:
        bars: `date`, `symbol`, `close`, `turnover` from `lookback(rules)` sessions before the
            window.
        adjusted: `date`, `symbol`, `price_factor` of the same days; only looked at if `limit_move`
            is set.
        symbols: the source's list (sector, industry, first), None if it has none.
        sessions: all sessions of the market, `datetime64[D]`; ages are counted in them.
        rules: bounds.
        window: the sessions to return.
        status: `date`, `symbol`, `halted`, `limit_up_price`, `limit_down_price` of table
            `trading_status`, of the same days as `bars`; None in markets without it. Where it has a
            row, it tells what is halted and which prices are the limits.

    Returns:
        Schema `universe`, by date and symbol. `average_turnover` is the mean over the bars of the
        last `turnover_window` sessions, null without any. `age` counts sessions from the first day
        of trading (the list's, or the first bar of the look-back if that is earlier or the list has
        none) to today, both included, at most MAXIMUM_AGE. `limit_up` and `limit_down` say that the
        raw close reached the limit of `status`, or else the last close, made ex right, times one
        plus or minus `limit_move`.
    """
    first = np.datetime64(window.start, "D")
    begin = max(int(np.searchsorted(sessions, first)) - lookback(rules), 0)
    stop = int(np.searchsorted(sessions, np.datetime64(window.end, "D"), "right"))
    days = sessions[begin:stop]
    names = None if status is None else _names(bars, status)
    panel = Panel.from_table(bars, ["close", "turnover"], dates=days, symbols=names)
    present = ~np.isnan(panel["close"])
    told = None if status is None else _told(status, panel)
    seen = present if told is None else present | told.there
    last = _last_bar(seen)
    now = np.arange(len(days))[:, None]
    listed = (last >= 0) & (now - last <= rules.stale_sessions)
    reference = _reference(symbols, panel.symbols)
    age = _age(seen, _list_day(reference["first"], sessions) - begin, rules)
    average = _average(panel["turnover"], rules.turnover_window)
    up, down = _at_limit(panel, adjusted, _last_bar(present), rules)
    halted = ~present
    if told is not None:
        halted = np.where(told.there, told.halted, halted)
        up, down = np.where(told.there, told.up, up), np.where(told.there, told.down, down)
    member = (
        present
        & (age >= rules.minimum_age)
        & (average >= rules.minimum_turnover)
        & (panel["close"] >= rules.minimum_price)
    )
    shown = listed & (days >= first)[:, None]
    rows, columns = np.nonzero(shown)
    return pa.table(
        {
            "date": date_column(days[rows]),
            "symbol": pa.array(panel.symbols[columns], pa.string()),
            "sector": reference["sector"].take(pa.array(columns)),
            "industry": reference["industry"].take(pa.array(columns)),
            "average_turnover": pa.array(average[rows, columns], from_pandas=True),
            "age": pa.array(age[rows, columns].astype(np.int32)),
            "halted": pa.array(halted[rows, columns]),
            "limit_up": pa.array(up[rows, columns]),
            "limit_down": pa.array(down[rows, columns]),
            "member": pa.array(member[rows, columns]),
        },
        schema=_UNIVERSE,
    )


class _Told(NamedTuple):
    """What `trading_status` says, boolean (T, N) each; `there` is where it has a row."""

    there: np.ndarray
    halted: np.ndarray
    up: np.ndarray
    down: np.ndarray


def _names(bars: pa.Table, status: pa.Table) -> np.ndarray:
    """The symbols of both tables, ascending."""
    both = pa.chunked_array(
        [*bars["symbol"].cast(pa.string()).chunks, *status["symbol"].cast(pa.string()).chunks],
        pa.string(),
    )
    return np.sort(pc.unique(both).to_numpy(zero_copy_only=False).astype(object))


def _told(status: pa.Table, panel: Panel) -> _Told:
    limits = ["limit_up_price", "limit_down_price"]
    told = Panel.from_table(status, ["halted", *limits], panel.dates, panel.symbols)
    close = panel["close"]
    # comparisons with NaN are false: no bar, or no limit
    return _Told(
        ~np.isnan(told["halted"]),
        told["halted"] == 1.0,
        close >= told["limit_up_price"] - _HALF_TICK,
        close <= told["limit_down_price"] + _HALF_TICK,
    )


def _last_bar(present: np.ndarray) -> np.ndarray:
    """For each session and symbol the row of the last bar up to it, -1 without any, (T, N)."""
    rows = np.where(present, np.arange(len(present))[:, None], -1)
    last: np.ndarray = np.maximum.accumulate(rows, axis=0)
    return last


def _age(present: np.ndarray, list_row: np.ndarray, rules: UniverseRules) -> np.ndarray:
    """Sessions since the first day of trading, both included, capped, (T, N).

    `list_row` is the row, possibly negative, of the list's first day; the number of rows if there
    is none. The first bar is looked for in exactly the look-back, wherever the rows begin.
    """
    total = len(present)
    none = total + rules.stale_sessions  # beyond every row
    next_bar = np.where(present, np.arange(total)[:, None], none)
    next_bar = np.minimum.accumulate(next_bar[::-1], axis=0)[::-1]
    now = np.arange(total)
    since = np.maximum(now - MAXIMUM_AGE - rules.stale_sessions, 0)
    first = np.minimum(next_bar[since], list_row[None, :])
    age: np.ndarray = np.clip(now[:, None] - first + 1, 0, MAXIMUM_AGE)
    return age


def _average(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the values that are there in the last `window` rows, NaN without any, (T, N).

    Each window is summed anew, oldest first: the bits do not depend on where the rows begin.
    """
    total, count = np.zeros(values.shape), np.zeros(values.shape)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    for back in range(min(window, len(values)) - 1, -1, -1):
        total[back:] += filled[: len(values) - back]
        count[back:] += known[: len(values) - back]
    average: np.ndarray = np.full(values.shape, np.nan)
    np.divide(total, count, out=average, where=count > 0)
    return average


def _at_limit(
    panel: Panel, adjusted: pa.Table, last: np.ndarray, rules: UniverseRules
) -> tuple[np.ndarray, np.ndarray]:
    """Whether the close of each day stands at its upper and lower limit, (T, N) each."""
    nowhere = np.zeros(panel.shape, bool)
    if rules.limit_move is None:
        return nowhere, nowhere.copy()
    factor = Panel.from_table(adjusted, ["price_factor"], dates=panel.dates, symbols=panel.symbols)[
        "price_factor"
    ]
    before = np.vstack([np.full((1, last.shape[1]), -1), last[:-1]])
    now = np.arange(len(before))[:, None]
    known = (before >= 0) & (now - before <= rules.stale_sessions)
    place = np.maximum(before, 0)
    close = panel["close"]
    # the last close as if the events since then had been before it
    ex_right = np.take_along_axis(close * factor, place, axis=0) / factor
    ex_right[~known] = np.nan
    up = close >= ex_right * (1 + rules.limit_move) - _HALF_TICK
    down = close <= ex_right * (1 - rules.limit_move) + _HALF_TICK
    return up, down


def _reference(symbols: pa.Table | None, names: np.ndarray) -> dict[str, pa.Array]:
    """Sector, industry and first day of the panel's symbols, null where not known."""
    wanted = pa.array(names, pa.string())
    fields = {"sector": pa.string(), "industry": pa.string(), "first": pa.date32()}
    if symbols is None:
        return {name: pa.nulls(len(names), kind) for name, kind in fields.items()}
    known = symbols["symbol"].combine_chunks().to_pylist()
    places = {name: place for place, name in enumerate(known)}
    rows = pa.array([places.get(name) for name in wanted.to_pylist()], pa.int64())
    return {name: symbols[name].combine_chunks().take(rows) for name in fields}


def _list_day(first: pa.Array, sessions: np.ndarray) -> np.ndarray:
    """Position of each symbol's first day in the sessions, beyond them where not known, (N,).

    Before the market's first session weekdays are counted, as a negative position.
    """
    positions = np.full(len(first), 1 << 40, np.int64)
    known = first.is_valid().to_numpy(zero_copy_only=False)
    days = session_dates(first.filter(pa.array(known)))
    inside = np.searchsorted(sessions, days)
    early = days < sessions[0]
    inside[early] = -np.busday_count(days[early], sessions[0])
    positions[known] = inside
    return positions
