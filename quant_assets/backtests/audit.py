"""Whether a stored account adds up: cash, equity and positions from the fills once more.

Reads the tables as they lie in the warehouse and knows nothing of the simulation's state, so it
finds what got lost or was mixed on the way there. Which rules the account keeps is told in
`simulation.py`.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.actions.events import SHARE_RATIO
from quant_assets.market_data.actions.factors import numbers
from quant_assets.market_data.facts import EXAMPLES
from quant_assets.market_data.panels import FloatArray, session_dates

# What is allowed to differ: of the capital and what was moved, of the shares and what was traded.
TOLERANCE = 1e-9
# A holding nearer than this to a whole number of shares is that number.
_WHOLE = 1e-6

COLUMNS = {
    "backtest": [
        "date", "equity", "cash", "dividends", "interest", "borrow_cost", "tax", "tax_owed",
    ],
    "backtest_fills": ["date", "symbol", "quantity", "price", "commission", "stamp_tax"],
    "backtest_positions": ["date", "symbol", "shares", "value"],
    "corporate_actions": ["ex_date", "symbol", "kind", "ratio"],
}  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """How far an account is from adding up; every deviation is relative to what was moved.

    Attributes:
        sessions: that were looked at.
        fills: the same.
        cash: the largest deviation of a session's cash from that before it and the day's flows.
        equity: that of equity from cash and the value of positions, less the tax owed.
        shares: that of a position from the one before it, splits and fills.
        violations: sessions and positions that deviate by more than TOLERANCE.
        examples: the first of them.
    """

    sessions: int
    fills: int
    cash: float
    equity: float
    shares: float
    violations: int
    examples: tuple[str, ...]


def audit(
    returns: pa.Table,
    fills: pa.Table,
    positions: pa.Table,
    actions: pa.Table,
    capital: float,
    lot: float,
) -> Audit:
    """Recompute an account from its fills.

    Args:
        returns: table `backtest` of one strategy, by date; of each table at least COLUMNS.
        fills: its `backtest_fills`.
        positions: its `backtest_positions`.
        actions: `corporate_actions` of the market: its splits change positions.
        capital: of the account at the start, in currency.
        lot: 0 where fractions of shares are held; else a split pays them out.
    """
    dates = session_dates(returns["date"])
    of = {name: numbers(returns[name]) for name in COLUMNS["backtest"] if name != "date"}
    fill_day, fill_outside = _days(fills, dates)
    held_day, held_outside = _days(positions, dates)
    amount = numbers(fills["quantity"]) * numbers(fills["price"])
    costs = numbers(fills["commission"]) + numbers(fills["stamp_tax"])
    sessions = len(dates)

    def by_day(day: np.ndarray, values: FloatArray) -> FloatArray:
        summed: FloatArray = np.bincount(day, values, sessions + 1)[:sessions] / capital
        return summed

    before = np.concatenate([[1.0], of["cash"][:-1]])[:sessions]
    flows = of["dividends"] + of["interest"] - of["borrow_cost"] - of["tax"]
    flows -= by_day(fill_day, amount + costs)
    moved = np.maximum(1.0, by_day(fill_day, np.abs(amount)))
    cash = np.abs(before + flows - of["cash"]) / moved
    value = numbers(positions["value"])
    worth = of["cash"] + by_day(held_day, value) - of["tax_owed"]
    size = np.maximum(1.0, by_day(held_day, np.abs(value)))
    equity = np.abs(worth - of["equity"]) / size
    lost = of["equity"] <= 0  # positions are not told of the session on which the capital is lost
    equity[lost] = 0.0

    names, held, traded = _panels(fills, fill_day, positions, held_day, sessions)
    wrong = np.subtract(held[1:] - held[:-1], traded, out=traded)
    for t, i, change in _splits(held, names, actions, dates, lot):
        wrong[t, i] -= change
    wrong = np.abs(wrong, out=wrong)
    wrong /= np.maximum(1.0, np.abs(held[1:]))
    wrong[lost] = 0.0
    examples = [f"{day}: a fill or position on no session of the account" for day in
                (*fill_outside[:EXAMPLES], *held_outside[:EXAMPLES])]  # fmt: skip
    for what, deviations in (("cash", cash), ("equity", equity)):
        examples += [
            f"{dates[t]}: {what} is off by {deviations[t]:.3g} of the capital"
            for t in np.flatnonzero(~(deviations <= TOLERANCE))[:EXAMPLES]
        ]
    amiss = ~(wrong <= TOLERANCE)
    examples += [
        f"{dates[t]}: {names[i]} is off by {wrong[t, i]:.3g} of the shares held"
        for t, i in np.argwhere(amiss)[:EXAMPLES]
    ]
    violations = [~(cash <= TOLERANCE), ~(equity <= TOLERANCE), amiss]
    return Audit(
        sessions=sessions,
        fills=fills.num_rows,
        cash=float(np.max(cash, initial=0.0)),
        equity=float(np.max(equity, initial=0.0)),
        shares=float(np.max(wrong, initial=0.0)),
        violations=sum(int(found.sum()) for found in violations)
        + len(fill_outside)
        + len(held_outside),
        examples=tuple(examples[:EXAMPLES]),
    )


def _days(rows: pa.Table, dates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place of each row's session, len(dates) if it is none, and the days that are none."""
    days = session_dates(rows["date"])
    place = np.searchsorted(dates, days)
    known = place < len(dates)
    known[known] = dates[place[known]] == days[known]
    return np.where(known, place, len(dates)), np.unique(days[~known])


def _panels(
    fills: pa.Table, fill_day: np.ndarray, positions: pa.Table, held_day: np.ndarray, sessions: int
) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Symbols (N,); shares held, from the start on (S + 1, N); shares traded (S, N)."""
    symbols = [table["symbol"].cast(pa.string()) for table in (fills, positions)]
    names = pc.unique(
        pa.chunked_array([c for column in symbols for c in column.chunks], pa.string())
    )
    column = [pc.index_in(each, value_set=names).to_numpy() for each in symbols]
    held = np.zeros((sessions + 2, len(names)))
    held[held_day + 1, column[1]] = numbers(positions["shares"])
    traded = np.zeros((sessions + 1, len(names)))
    traded[fill_day, column[0]] = numbers(fills["quantity"])
    return names.to_numpy(zero_copy_only=False), held[:-1], traded[:-1]


def _splits(
    held: FloatArray, names: np.ndarray, actions: pa.Table, dates: np.ndarray, lot: float
) -> list[tuple[int, int, float]]:
    """(session, column, change of the shares held) of the splits that met a position."""
    kinds = pc.is_in(actions["kind"], value_set=pa.array(sorted(SHARE_RATIO)))
    ours = pc.is_in(actions["symbol"], value_set=pa.array(names, pa.string()))
    events = actions.filter(pc.and_(pc.and_(kinds, ours), pc.greater(actions["ratio"], 0.0)))
    events = events.sort_by([("ex_date", "ascending"), ("symbol", "ascending")])
    sessions = np.searchsorted(dates, session_dates(events["ex_date"]))
    places = {name: i for i, name in enumerate(names)}
    after: dict[tuple[int, int], float] = {}
    for t, name, ratio in zip(
        sessions.tolist(), events["symbol"].to_pylist(), events["ratio"].to_pylist(), strict=True
    ):
        place = (t, places[name])
        if t < len(dates) and held[place]:
            shares = after.get(place, held[place]) * ratio
            after[place] = float(np.trunc(shares + np.copysign(_WHOLE, shares))) if lot else shares
    return [(*place, shares - held[place]) for place, shares in after.items()]
