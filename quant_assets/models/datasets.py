"""Data sets: factors, labels and universe as the arrays a model is trained on and asked with.

Belongs here: which rows a model sees and how its inputs are scaled. Not here: which days it may
see (walk_forward), the model itself (trees).

Features and target are ranks among the day's members: what a model learns carries over from calm
to wild markets, and no value of another day is in any of them. A feature is ranked among all
members of the day that have it, whether or not a label follows, so that training and prediction
share one code path and nothing later can matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import session_dates
from quant_assets.models.alignment import Members, column, members, require_columns, within
from quant_assets.models.errors import DataSetError
from quant_assets.models.ranks import centred_ranks, day_starts
from quant_assets.models.walk_forward import Split
from quant_assets.warehouse.window import Window

KEYS = ("date", "symbol")


@dataclass(frozen=True)
class FeatureSet:
    """Ranked features, one row a day and member, ordered by day and symbol.

    Attributes:
        features: names of the columns of X.
        X: float32 (rows, features), C order: ranks from -0.5 to 0.5 among the day's members, ties
            averaged; NaN is missing (LightGBM gives it a branch of its own). Every row has at
            least one value.
        dates: `datetime64[D]`, shape (rows,).
        symbols: str objects, shape (rows,).
    """

    features: tuple[str, ...]
    X: np.ndarray
    dates: np.ndarray
    symbols: np.ndarray

    def __len__(self) -> int:
        return len(self.X)

    @property
    def starts(self) -> np.ndarray:
        """First row of each day and, last, the number of rows."""
        return day_starts(self.dates)


@dataclass(frozen=True)
class Dataset(FeatureSet):
    """Features with their target.

    Attributes:
        y: float32 (rows,): the label's rank from -0.5 to 0.5 among the day's rows; never missing.
    """

    y: np.ndarray

    def within(self, window: Window) -> "Dataset":
        """The rows of the days of a window; the arrays are views."""
        start = int(np.searchsorted(self.dates, np.datetime64(window.start, "D"), "left"))
        stop = int(np.searchsorted(self.dates, np.datetime64(window.end, "D"), "right"))
        rows = slice(start, stop)
        return Dataset(
            self.features, self.X[rows], self.dates[rows], self.symbols[rows], self.y[rows]
        )


@dataclass(frozen=True)
class TrainingSet:
    """What the model of one month is trained on."""

    split: Split
    train: Dataset
    validation: Dataset


def training_set(
    factors: pa.Table | Sequence[pa.Table],
    labels: pa.Table,
    universe: pa.Table,
    split: Split,
    features: Sequence[str] | None = None,
) -> TrainingSet:
    """The members of the split's decision days that have a label, with their features.

    Args:
        factors: wide tables (date, symbol and a column a factor), one for each library.
        labels: of `labels.labels`; other horizons and days are left out.
        universe: columns date, symbol, member, as known on the decision day.
        split: the windows; no label that became known after `split.last_known` gets in.
        features: columns to use, in this order; by default all, in the tables' order.

    Raises:
        DataSetError: a missing column, a key that occurs twice, a label that became known later
            than its decision day and horizon say.
    """
    whole = _features(factors, universe, split.decisions, features)
    usable = _usable_labels(labels, split)
    rows = whole.rows.find(usable, "the labels", "decision_date")
    value = column(usable, "value", rows)
    chosen = np.isfinite(value)
    kept = whole.rows.keep(chosen)
    starts = day_starts(kept.dates)
    target = centred_ranks(value[chosen], starts).astype(np.float32)
    data = Dataset(whole.names, whole.X[chosen], kept.dates, kept.symbols, target)
    return TrainingSet(split, data.within(split.train), data.within(split.validation))


def prediction_set(
    factors: pa.Table | Sequence[pa.Table],
    universe: pa.Table,
    window: Window,
    features: Sequence[str] | None = None,
) -> FeatureSet:
    """The members of the days of a window with their features; arguments as in `training_set`."""
    found = _features(factors, universe, window, features)
    return FeatureSet(found.names, found.X, found.rows.dates, found.rows.symbols)


def feature_names(factors: pa.Table | Sequence[pa.Table]) -> tuple[str, ...]:
    """The factor columns of one or several wide tables, in their order.

    Raises:
        DataSetError: a name occurs in two tables.
    """
    names = [name for table in _tables(factors) for name in table.column_names if name not in KEYS]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataSetError(f"the factors {twice} occur in more than one library: rename them")
    return tuple(names)


@dataclass(frozen=True)
class _Found:
    names: tuple[str, ...]
    X: np.ndarray
    rows: Members


def _features(
    factors: pa.Table | Sequence[pa.Table],
    universe: pa.Table,
    window: Window,
    features: Sequence[str] | None,
) -> _Found:
    """Ranked features of the window's members; members without any feature are left out."""
    available = feature_names(factors)
    names = available if features is None else tuple(features)
    absent = [name for name in names if name not in available]
    if absent or not names:
        raise DataSetError(
            f"the factors {absent or 'to learn from'} are missing; there are {list(available)}: "
            "materialize the factor library again, or train the model on the factors of today"
        )
    rows = members(universe, window)
    X = np.full((len(rows.dates), len(names)), np.nan, np.float32)
    starts = day_starts(rows.dates)
    for table in _tables(factors):
        require_columns(table, KEYS, "the factors")
        part = within(table, window)
        place = rows.find(part, "the factors")
        for name in (name for name in names if name in table.column_names):
            X[:, names.index(name)] = centred_ranks(column(part, name, place), starts)
    known = np.asarray(~np.isnan(X).all(axis=1))
    if known.all():
        return _Found(names, X, rows)
    return _Found(names, X[known], rows.keep(known))


def _usable_labels(labels: pa.Table, split: Split) -> pa.Table:
    """The labels of the split's horizon and decision days, checked against the future."""
    require_columns(labels, ("date", "symbol", "decision_date", "horizon", "value"), "the labels")
    chosen = labels.filter(pc.equal(labels["horizon"], split.horizon))
    chosen = within(chosen, split.decisions, "decision_date")
    known = session_dates(chosen["date"])
    late = known > np.datetime64(split.last_known, "D")
    if late.any():
        row = int(np.argmax(late))
        raise DataSetError(
            f"a label of {split.month}'s model would know the future: decided on "
            f"{chosen['decision_date'][row]}, known on {chosen['date'][row]}, after "
            f"{split.last_known}; the labels were made for another horizon or calendar"
        )
    return chosen


def _tables(factors: pa.Table | Sequence[pa.Table]) -> tuple[pa.Table, ...]:
    return (factors,) if isinstance(factors, pa.Table) else tuple(factors)
