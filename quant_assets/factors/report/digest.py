"""What pictures and pages of a month of factors draw: arrays by factor, horizon and day.

Belongs here: numbers that are drawn and not stored. Not here: those of the tables (summary.py,
evaluation/), drawing (plots.py, page.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import session_dates

HISTORY_MONTHS = 60  # that are shown, the month itself among them
HISTORY_COLUMNS = ["month", "factor", "horizon", "rank_ic"]
PERCENTILES = (10, 25, 50, 75, 90)
OTHER = "other"  # the type of a factor that the catalogue does not know (any more)
# Lags of Newey-West errors past this share of the days leave too little to estimate from.
_LARGEST_LAGS = 1 / 3
# Months from which on their means say something of their mean.
_FEWEST_MONTHS = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A measure on all test dates of the factors of a type: percentiles, and how many there are."""

    type: str
    values: tuple[float, ...]
    count: int


@dataclass(frozen=True)
class Month:
    """A month of factor_summary with its days of factor_evaluation, as arrays; NaN is missing.

    Attributes:
        month: YYYY-MM.
        factors: their names, sorted, (F,).
        types: the type of each.
        horizons: in sessions, ascending, (H,).
        dates: of the days that have an evaluation, `datetime64[D]`, (D,).
    """

    month: str
    factors: tuple[str, ...]
    types: tuple[str, ...]
    horizons: tuple[int, ...]
    dates: np.ndarray
    _summary: pa.Table
    _summary_cells: np.ndarray
    _evaluation: pa.Table
    _evaluation_cells: np.ndarray

    @classmethod
    def of(cls, summary: pa.Table, evaluation: pa.Table, types: Mapping[str, str]) -> "Month":
        """Spread the tables over factors, horizons and days.

        Args:
            summary: rows of factor_summary of one month.
            evaluation: rows of factor_evaluation of the same month; those of factors and horizons
                without a summary are left out.
            types: factor -> type.

        Raises:
            ValueError: the summary is of several months, or of none.
        """
        month = only_month(summary)
        factors = tuple(sorted(summary["factor"].unique().to_pylist()))
        horizons = tuple(sorted(summary["horizon"].unique().to_pylist()))
        cells, _ = _places(summary, factors, horizons)
        rows, known = _places(evaluation, factors, horizons)
        evaluation, rows = evaluation.filter(pa.array(known)), rows[known]
        days = session_dates(evaluation["date"]).astype("datetime64[D]")
        dates, day = np.unique(days, return_inverse=True)
        return cls(
            month,
            factors,
            tuple(types.get(name, OTHER) for name in factors),
            horizons,
            dates,
            summary,
            cells,
            evaluation,
            rows * len(dates) + day,
        )

    def mean(self, name: str) -> np.ndarray:
        """A column of the summary, (F, H)."""
        shape = (len(self.factors), len(self.horizons))
        return _spread(self._summary, name, self._summary_cells, shape)

    def daily(self, name: str) -> np.ndarray:
        """A measure of the evaluation, (F, H, D)."""
        shape = (len(self.factors), len(self.horizons), len(self.dates))
        return _spread(self._evaluation, name, self._evaluation_cells, shape)

    def history(self, earlier: pa.Table) -> tuple[list[str], np.ndarray]:
        """Mean rank IC of months before, and of this one last: (their names, (F, H, M)).

        earlier: month, factor, horizon, rank_ic of summaries; of this month and later ones nothing
        is taken.
        """
        rows, known = _places(earlier, self.factors, self.horizons)
        months = np.array(earlier["month"].to_pylist(), str)
        known &= months < self.month
        names, place = np.unique(months[known], return_inverse=True)
        found = np.full((len(self.factors) * len(self.horizons), len(names) + 1), np.nan)
        found[rows[known], place] = _numbers(earlier["rank_ic"])[known]
        result = found.reshape(len(self.factors), len(self.horizons), -1)
        result[:, :, -1] = self.mean("rank_ic")
        return [*names.tolist(), self.month], result

    @cached_property
    def middle(self) -> int:
        """The place of the horizon that single numbers are told of."""
        return len(self.horizons) // 2

    @cached_property
    def strongest(self) -> list[int]:
        """Places of the factors by size of the mean rank IC at the middle horizon.

        Those with less than half of the days, and without a rank IC, come last.
        """
        size = np.abs(self.mean("rank_ic")[:, self.middle])
        days = np.nan_to_num(self.mean("days")[:, self.middle])
        size = np.where(2 * days >= days.max(initial=0), size, np.nan)
        found: list[int] = np.argsort(-size, kind="stable").tolist()  # NaN sorts last
        return found

    @cached_property
    def leaders(self) -> list[int]:
        """Places of the strongest factor of each type, strongest first: those of one type are much
        alike.
        """
        first: dict[str, int] = {}
        for place in self.strongest:
            first.setdefault(self.types[place], place)
        return list(first.values())

    def boxes(self, name: str, horizon: int) -> list[Box]:
        """A measure's test dates by type of factor, lowest median first.

        Args:
            name: a column of factor_evaluation.
            horizon: the place of one.
        """
        values = self.daily(name)[:, horizon]
        types = np.array(self.types, str)
        found = []
        for each in sorted(set(self.types)):
            known = values[types == each]
            known = known[np.isfinite(known)]
            if known.size:
                box = np.percentile(known, PERCENTILES)
                found.append(Box(each, tuple(box.tolist()), known.size))
        return sorted(found, key=lambda box: box.values[2])

    def quantile_curves(self, factors: Sequence[int], horizon: int) -> np.ndarray:
        """Growth of quantiles over the days, less that of all securities, (factors, 5, D).

        Of h overlapping portfolios each earns a h-th of the day's excess return, as summary.py has
        the cumulative spread; NaN for a quantile without any return.
        """
        chosen, h = list(factors), self.horizons[horizon]
        mean = self.daily("mean_return")[chosen, horizon]
        excess = np.stack(
            [self.daily(f"quantile_{q}")[chosen, horizon] - mean for q in range(1, 6)], axis=1
        )
        growth = np.cumprod(1.0 + np.nan_to_num(excess) / h, axis=2) - 1.0
        growth[~np.isfinite(excess).any(axis=2)] = np.nan
        return growth

    def p_values(self) -> np.ndarray:
        """The p-value of the mean rank IC that overlap leaves usable, (F, H).

        At one session Student's, for longer horizons that with Newey-West errors; NaN where their
        lags would be more than a third of the days.
        """
        horizons = np.array(self.horizons)
        lags, days = horizons - 1.0, self.mean("days")
        newey_west = np.where(lags <= _LARGEST_LAGS * days, self.mean("newey_west_p"), np.nan)
        return np.where(horizons == 1, self.mean("rank_ic_p"), newey_west)


def only_month(table: pa.Table) -> str:
    """The month of rows.

    Raises:
        ValueError: they are of several months, or there are none.
    """
    months = sorted(table["month"].unique().to_pylist())
    if len(months) != 1:
        raise ValueError(f"a figure shows one month. Got rows of {months or 'no month'} instead.")
    return str(months[0])


def adjusted(p_values: np.ndarray) -> np.ndarray:
    """Benjamini & Hochberg's (1995) p-values of each column: of all its factors together."""
    from scipy.stats import false_discovery_control

    result = np.full(p_values.shape, np.nan)
    for column in range(p_values.shape[1]):
        known = np.isfinite(p_values[:, column])
        if known.any():
            result[known, column] = false_discovery_control(p_values[known, column])
    return result


def by_chance(days: np.ndarray, bound: float) -> float:
    """How many factors would have |t| above a bound if none knew anything and no returns overlap.

    days: of each factor.
    """
    from scipy.special import stdtr

    days = days[days > 1]
    return float(2.0 * stdtr(days - 1.0, -bound).sum())


def t_of_months(history: np.ndarray) -> np.ndarray:
    """The t-statistic of the mean of monthly means, (F, H) of (F, H, M); NaN below six months."""
    known = np.isfinite(history)
    count = known.sum(axis=2)
    enough = count >= _FEWEST_MONTHS
    mean = np.where(known, history, 0.0).sum(axis=2) / np.maximum(count, 1)
    squares = np.where(known, history - mean[:, :, None], 0.0) ** 2
    deviation = np.sqrt(squares.sum(axis=2) / np.maximum(count - 1, 1))
    enough &= deviation > 0
    result = np.full(mean.shape, np.nan)
    np.divide(mean * np.sqrt(count), deviation, out=result, where=enough)
    return result


def _places(
    table: pa.Table, factors: Sequence[str], horizons: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Each row's place in a flat (factors, horizons) array, and whether it has one."""
    names = table["factor"].combine_chunks().dictionary_encode()
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    places = {name: k for k, name in enumerate(factors)}
    codes = np.array([places.get(name, -1) for name in names.dictionary.to_pylist()], np.int64)
    factor = codes[names.indices.to_numpy(zero_copy_only=False)] if len(table) else codes[:0]
    wanted = table["horizon"].to_numpy()
    horizon = np.searchsorted(horizons, wanted)
    known = np.isin(wanted, horizons) & (factor >= 0)
    return factor * len(horizons) + horizon, known


def _spread(table: pa.Table, name: str, cells: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    result = np.full(int(np.prod(shape)), np.nan)
    result[cells] = _numbers(table[name])
    return result.reshape(shape)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    values: np.ndarray = column.cast(pa.float64()).to_numpy()
    return values
