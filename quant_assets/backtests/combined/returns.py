"""The daily returns of all strategies of a market, side by side.

Belongs here: the way from table `backtest` to one array, and the report of what is not in it: a
strategy without a backtest, days in between without a return, a backtest that ends before the
others. Nothing is computed from the returns here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import FloatArray, session_dates


@dataclass(frozen=True)
class StrategyReturns:
    """Net returns of strategies by day.

    Attributes:
        dates: sessions on which at least one strategy has a return, `datetime64[D]`, shape (T,).
        names: of the strategies that have returns, in the order in which they were asked for.
        values: simple net returns, shape (T, S); NaN where a strategy has none.
        missing: names of strategies that were asked for and have no return at all.
        notes: sentences about what is missing, for the reader of a page.
    """

    dates: np.ndarray
    names: tuple[str, ...]
    values: FloatArray
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    def spans(self) -> list[tuple[np.datetime64, np.datetime64, int]]:
        """First and last day of each strategy, and the sessions between them without a return."""
        found = []
        for column in self.values.T:
            known = np.flatnonzero(np.isfinite(column))
            first, last = known[0], known[-1]
            gaps = int(last - first + 1 - len(known))
            found.append((self.dates[first], self.dates[last], gaps))
        return found

    def common(self) -> np.ndarray:
        """The days on which every strategy has a return: bool, shape (T,)."""
        return np.asarray(np.isfinite(self.values).all(axis=1))


def strategy_returns(backtest: pa.Table, expected: Sequence[str]) -> StrategyReturns:
    """The returns of the expected strategies; rows of others, or without a return, are left out.

    Args:
        backtest: strategy, date, net_return of table `backtest`.
        expected: names of the strategies of the market. One that has no row (its backtest failed,
            has not been run, or never decided anything) is named in `missing` and in the notes.
    """
    asked = pc.is_in(backtest["strategy"], pa.array(list(expected), pa.string()))
    rows = backtest.filter(pc.and_kleene(asked, pc.is_finite(backtest["net_return"])))
    present = set(pc.unique(rows["strategy"]).to_pylist())
    names = tuple(name for name in expected if name in present)
    missing = tuple(name for name in expected if name not in present)
    days = session_dates(rows["date"])
    dates = np.unique(days)
    values = np.full((len(dates), len(names)), np.nan)
    if names:
        column = pc.index_in(rows["strategy"], pa.array(names, pa.string())).to_numpy()
        values[np.searchsorted(dates, days), column] = rows["net_return"].to_numpy()
    found = StrategyReturns(dates, names, values, missing, ())
    return StrategyReturns(dates, names, values, missing, tuple(_notes(found)))


def _notes(found: StrategyReturns) -> list[str]:
    notes = [
        f"the strategy {name} has no returns: its backtest failed, has not been run or decided "
        "nothing"
        for name in found.missing
    ]
    for name, (_, last, gaps) in zip(found.names, found.spans(), strict=True):
        if gaps:
            notes.append(f"the strategy {name} has {gaps} sessions without a return in between")
        if last < found.dates[-1]:
            notes.append(
                f"the strategy {name} ends on {last}, the others on {found.dates[-1]}: its "
                "capital was lost, or its backtest is older than theirs"
            )
    return notes
