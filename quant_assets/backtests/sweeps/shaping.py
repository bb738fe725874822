"""Sets of a grid laid out for people: cells of two axes, and names of values.

Here stands what pictures and pages of a sweep share; how either is drawn stands in `plots.py` and
`page.py`.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.backtests.sweeps.spaces import Axis, Space
from quant_assets.market_data.panels import FloatArray


@dataclass(frozen=True)
class Cells:
    """One value a pair of values of two axes.

    Attributes:
        rows, columns: the axes; rows is None where a single parameter was swept.
        values: shape (rows, columns); NaN where no set of the pair has a value.
        over: names of the other axes, over which the values are means.
    """

    rows: Axis | None
    columns: Axis
    values: FloatArray
    over: tuple[str, ...]


def cells(space: Space, values: FloatArray, row: int | None, column: int) -> Cells:
    """Values of the sets on two axes, given by their places; means over all other axes."""
    axes, places = space.axes, space.places
    shape = (1 if row is None else len(axes[row].values), len(axes[column].values))
    rows = np.zeros(len(places), np.int64) if row is None else places[:, row]
    known = np.isfinite(values)
    at = rows[known] * shape[1] + places[known, column]
    sums = np.bincount(at, values[known], minlength=shape[0] * shape[1])
    counts = np.bincount(at, minlength=shape[0] * shape[1])
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).reshape(shape)
    others = tuple(axis.name for k, axis in enumerate(axes) if k not in (row, column))
    return Cells(None if row is None else axes[row], axes[column], means, others)


def pairs(space: Space) -> list[tuple[int | None, int]]:
    """The pairs of axes (rows, columns) to show, the first two first."""
    count = len(space.axes)
    if count == 1:
        return [(None, 0)]
    return [(row, column) for row in range(count) for column in range(row + 1, count)]


def labels(axis: Axis) -> list[str]:
    """The values of an axis as texts."""
    return [f"{v:g}" if isinstance(v, float) else str(v) for v in axis.values]


def set_in_words(space: Space, place: int | None) -> str:
    """`fast 10, slow 100` of a set; a dash for none."""
    if place is None:
        return "–"
    chosen = space.sets[place].place
    return ", ".join(
        f"{axis.name} {labels(axis)[k]}" for axis, k in zip(space.axes, chosen, strict=True)
    )
