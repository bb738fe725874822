"""The prefix test: what is dated t depends on nothing later, no range start, no absent symbol.

What belongs here: the generic check that takes ANY callable from market data to results (a factor,
a strategy, a feature) and holds it to the rules of time, bit by bit. Not here: the list of things
to check (each registry's own test parametrises over its registry), nor the data.

Use, for a function of arrays::

    inputs = PanelInputs(
        dates=dates,                                   # (T,) datetime64[D], never altered
        symbols=symbols,                               # (N,) str
        fields={"close": close, "volume": volume},     # (T, N) each: float, int, bool, str/object
        series={"benchmark": index_close},             # (T,) each, optional
    )
    check_prefix(lambda data: momentum(data.fields["close"]), inputs, lookback=252)

and for one that returns rows (pa.Table or pd.DataFrame with `date` and, by default, `symbol`)::

    check_prefix(lambda data: strategy_rows(my_panel(data)), inputs, lookback=strategy.lookback)

The callable receives a `PanelInputs` whose range, values or symbols were changed and must use only
that. It returns an array with one row for each of `data.dates` (and, if it has a second axis, one
column for each of `data.symbols`), a dict of such arrays, or rows. `lookback` is the number of
sessions before the day that the result of the day needs: from a range that starts at row s, rows
s + lookback and later must have the same bits. Rows outside the look-back are not compared. A check
that compared nothing but missing values proves nothing and raises `VacuousCheckError`.

`check_prefix` runs the three checks; they are public, too: `check_future` (everything after t
replaced by noise, and everything after t cut off), `check_range_start`, `check_absent_symbol`. A
violation raises `PrefixError` (an AssertionError) that names the check, the column, the day, the
symbol and both values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

Result = Any  # an array, a dict of arrays, or rows (pa.Table, pd.DataFrame)


class PrefixError(AssertionError):
    """A result changed although only something changed that it must not know."""


class VacuousCheckError(AssertionError):
    """The check compared no value at all: it could not have failed."""


@dataclass(frozen=True)
class PanelInputs:
    """Market data as arrays with time on the first axis; see the module's docstring."""

    dates: np.ndarray
    symbols: np.ndarray
    fields: Mapping[str, np.ndarray]
    series: Mapping[str, np.ndarray] = field(default_factory=dict)

    def between(self, start: int, stop: int) -> "PanelInputs":
        """The rows start <= t < stop of everything."""
        return replace(
            self,
            dates=self.dates[start:stop].copy(),
            fields={name: values[start:stop].copy() for name, values in self.fields.items()},
            series={name: values[start:stop].copy() for name, values in self.series.items()},
        )

    def noise_after(self, t: int, seed: int = 0) -> "PanelInputs":
        """Rows after t replaced by noise of the same kind and scale, one value in ten missing."""
        random = np.random.default_rng(seed)
        noisy = self.between(0, len(self.dates))
        for group in (noisy.fields, noisy.series):
            for values in group.values():
                values[t + 1 :] = _noise(values, values[t + 1 :].shape, random)
        return noisy

    def with_absent_symbol(self, position: int, name: str) -> "PanelInputs":
        """One more symbol, of which nothing is known on any day, put in at `position`."""
        return replace(
            self,
            symbols=np.insert(self.symbols.astype(object), position, name),
            fields={
                key: np.insert(values, position, _missing(values.dtype), axis=1)
                for key, values in self.fields.items()
            },
        )


def check_prefix(
    function: Callable[[PanelInputs], Result],
    inputs: PanelInputs,
    lookback: int,
    cuts: Iterable[int] | None = None,
    starts: Iterable[int] | None = None,
    keys: Sequence[str] = ("date", "symbol"),
    seed: int = 0,
) -> None:
    """All three checks; `cuts` are row numbers t, `starts` first rows.

    By default three each: cuts lie after the look-back, where there is something to compare.
    """
    if cuts is None:
        last = len(inputs.dates) - 1
        room = max(last - lookback, 1)
        cuts = sorted({max(last - room // 2, 0), max(last - room // 4, 0), max(last - 1, 0)})
    check_future(function, inputs, cuts, keys, seed)
    check_range_start(function, inputs, lookback, starts, keys)
    check_absent_symbol(function, inputs, keys)


def check_future(
    function: Callable[[PanelInputs], Result],
    inputs: PanelInputs,
    cuts: Iterable[int] | None = None,
    keys: Sequence[str] = ("date", "symbol"),
    seed: int = 0,
) -> None:
    """Rows up to t keep their bits when all after t is noise, and when all after t is cut off."""
    last = len(inputs.dates) - 1
    whole = _rows(function(inputs), inputs, keys)
    for t in (last // 2, (3 * last) // 4, last - 1) if cuts is None else cuts:
        noisy, cut = inputs.noise_after(t, seed + t), inputs.between(0, t + 1)
        upto = inputs.dates[t]
        expected = whole[_dates(whole) <= upto]
        for how, changed in (("noise after", noisy), ("nothing after", cut)):
            actual = _rows(function(changed), changed, keys)
            _compare(expected, actual[_dates(actual) <= upto], keys, f"{how} {upto}")


def check_range_start(
    function: Callable[[PanelInputs], Result],
    inputs: PanelInputs,
    lookback: int,
    starts: Iterable[int] | None = None,
    keys: Sequence[str] = ("date", "symbol"),
) -> None:
    """Rows from s + lookback on keep their bits when the range begins at row s."""
    total = len(inputs.dates)
    spare = total - lookback - 1
    if spare < 1:
        raise ValueError(
            f"a look-back of {lookback} leaves no row to compare in {total}: bring more"
        )
    whole = _rows(function(inputs), inputs, keys)
    for start in sorted({1, max(1, spare // 2), spare}) if starts is None else starts:
        since = inputs.dates[start + lookback]
        changed = inputs.between(start, total)
        actual = _rows(function(changed), changed, keys)
        expected = whole[_dates(whole) >= since]
        _compare(
            expected,
            actual[_dates(actual) >= since],
            keys,
            f"the range start {inputs.dates[start]}",
        )


def check_absent_symbol(
    function: Callable[[PanelInputs], Result],
    inputs: PanelInputs,
    keys: Sequence[str] = ("date", "symbol"),
) -> None:
    """A symbol without any data, first or last or between the others, changes nothing of theirs."""
    whole = _rows(function(inputs), inputs, keys)
    names = sorted(str(symbol) for symbol in inputs.symbols)
    middle = len(names) // 2
    for position, name in ((0, "!"), (middle, names[middle - 1] + "!"), (len(names), "~")):
        changed = inputs.with_absent_symbol(position, name)
        actual = _rows(function(changed), changed, keys)
        if "symbol" in actual.columns:
            actual = actual[actual["symbol"] != name]
        _compare(whole, actual, keys, f"the absent symbol {name!r}")


def _noise(values: np.ndarray, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Values drawn from the array itself, stretched where they are numbers."""
    drawn = random.choice(values.ravel(), size=shape)
    if values.dtype.kind == "f":
        drawn = drawn * np.exp(random.normal(size=shape))
        drawn[random.random(shape) < 0.1] = np.nan
    return drawn


def _missing(dtype: np.dtype) -> Any:
    return {"f": np.nan, "b": False, "i": 0, "u": 0, "M": np.datetime64("NaT")}.get(dtype.kind, "")


def _dates(rows: pd.DataFrame) -> np.ndarray:
    return rows["date"].to_numpy().astype("datetime64[D]")


def _rows(result: Result, inputs: PanelInputs, keys: Sequence[str]) -> pd.DataFrame:
    """Any of the allowed results as a frame of rows with a `date` column."""
    if isinstance(result, pa.Table):
        result = result.to_pandas()
    if isinstance(result, pd.DataFrame):
        absent = [key for key in {"date", *keys} if key not in result.columns]
        if absent:
            raise ValueError(f"the rows lack {absent}: they have {list(result.columns)}")
        return result
    named = result if isinstance(result, Mapping) else {"value": result}
    columns: dict[str, np.ndarray] = {}
    for name, values in named.items():
        array = np.asarray(values)
        wide = array.ndim == 2
        count = len(inputs.symbols) if wide else 1
        shape: tuple[int, ...] = (len(inputs.dates), count) if wide else (len(inputs.dates),)
        if array.shape != shape:
            raise ValueError(f"the result {name!r} has the shape {array.shape}, expected {shape}")
        columns["date"] = np.repeat(inputs.dates, count)
        columns["symbol"] = np.tile(inputs.symbols if wide else np.array(["-"]), len(inputs.dates))
        columns[name] = array.ravel()
    return pd.DataFrame(columns)


def _compare(
    expected: pd.DataFrame, actual: pd.DataFrame, keys: Sequence[str], change: str
) -> None:
    first, second = (
        rows.assign(date=_dates(rows)).sort_values(list(keys), kind="stable").reset_index(drop=True)
        for rows in (expected, actual)
    )
    same = first[list(keys)].equals(second[list(keys)])
    if not same and not first[list(keys)].astype(str).equals(second[list(keys)].astype(str)):
        marked = (
            first[list(keys)]
            .astype(str)
            .merge(second[list(keys)].astype(str), how="outer", indicator=True)
        )
        other = marked[marked["_merge"] != "both"].head(3).to_dict("records")
        raise PrefixError(f"{change} changed which rows there are: {other}")
    compared = 0
    for name in (column for column in first.columns if column not in keys):
        known, found = first[name].to_numpy(), second[name].to_numpy()
        differs = _bits(known) != _bits(found)
        if differs.any():
            row = int(np.argmax(differs))
            where = ", ".join(f"{key}={first[key].iloc[row]}" for key in keys)
            raise PrefixError(
                f"{change} changed {name!r} at {where}: {known[row]!r} became {found[row]!r} "
                f"({int(differs.sum())} of {len(differs)} values differ)"
            )
        compared += int(pd.notna(known).sum())
    if compared == 0:
        raise VacuousCheckError(
            f"{change}: every compared value is missing, bring more or denser data"
        )


def _bits(values: np.ndarray) -> np.ndarray:
    """Floats as their bits with one NaN; other kinds as they are, missing as one marker."""
    if values.dtype.kind == "f":
        doubles = values.astype(np.float64)
        doubles[np.isnan(doubles)] = np.nan
        return doubles.view(np.uint64)
    return np.where(pd.isna(values), "<missing>", values.astype(str))
