"""What pictures and pages of runs draw: five numbers a knob, medians a setting, counts a day.

Belongs here: numbers that are drawn and not stored. Not here: those of the table (comparison.py),
drawing (plots.py, page.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quant_assets.mining.comparison import BATCH

PERCENTILES = (10, 25, 50, 75, 90)


@dataclass(frozen=True, slots=True)
class Box:
    """The runs under one value of a knob: its name, their percentiles, their number."""

    label: str
    values: tuple[float, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Median cost by setting.

    `values` and `counts` have a row a value of thread_no and a column a value of parallel_m; NaN
    and 0 where no run succeeded.
    """

    threads: list[str]
    parts: list[str]
    values: np.ndarray
    counts: np.ndarray


def relative(frame: pd.DataFrame) -> pd.Series:
    """Each run's cost over the median of its batch, so that different batches can be pooled.

    Args:
        frame: as `comparison.finished` gives it; failed runs have no cost.
    """
    usual = frame.groupby(BATCH)["cost"].transform("median")
    return frame["cost"] / usual.where(usual > 0)


def boxes(frame: pd.DataFrame, knob: str, cost: pd.Series) -> list[Box]:
    """The boxes of a knob, by its value; runs without a cost are left out."""
    known = cost.notna()
    found = []
    for value, costs in cost[known].groupby(frame.loc[known, knob], sort=True):
        numbers = np.percentile(costs.to_numpy(), PERCENTILES)
        found.append(Box(knob_name(value), tuple(numbers.tolist()), len(costs)))
    return found


def grid(frame: pd.DataFrame, cost: pd.Series) -> Grid:
    """Medians of the settings, knobs ascending."""
    known = cost.notna()
    keys = [frame.loc[known, knob] for knob in ("thread_no", "parallel_m")]
    groups = cost[known].groupby(keys)
    values, counts = groups.median().unstack(), groups.size().unstack(fill_value=0)
    return Grid(
        [knob_name(value) for value in values.index],
        [knob_name(value) for value in values.columns],
        values.to_numpy(float),
        counts.to_numpy(int),
    )


def daily(instants: Sequence[pd.Series]) -> tuple[list[str], list[list[int]]]:
    """(UTC days from the first to the last instant, how many of each series fall on each day)."""
    days = [each.dropna().dt.floor("D") for each in instants]
    every = pd.concat(days)
    if every.empty:
        return [], [[] for _ in instants]
    index = pd.date_range(every.min(), every.max(), freq="D")
    counts = [each.value_counts().reindex(index, fill_value=0) for each in days]
    return [str(day.date()) for day in index], [each.tolist() for each in counts]


def knob_name(value: object) -> str:
    """The value of a knob as charts name it; 0 stands for what is not told."""
    return "?" if value == 0 else str(value)
