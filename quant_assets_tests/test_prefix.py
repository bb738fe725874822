"""The prefix check itself: honesty passes, each kind of leak is found, nothing is vacuous."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets_tests.prefix import (
    PanelInputs,
    PrefixError,
    VacuousCheckError,
    check_absent_symbol,
    check_future,
    check_prefix,
    check_range_start,
)

T, N = 60, 5
X = np.random.default_rng(0).normal(size=(T, N))
DATA = PanelInputs(
    np.datetime64("2020-01-01") + np.arange(T),
    np.array(list("ABCDE")),
    {"x": X, "member": X > 0, "sector": np.where(X > 0, "up", "down").astype(object)},
    {"index": X[:, 0].copy()},
)


def honest(data: PanelInputs) -> np.ndarray:
    """x less x of five sessions ago."""
    x = data.fields["x"]
    result = np.full_like(x, np.nan)
    result[5:] = x[5:] - x[:-5]
    return result


def as_rows(data: PanelInputs) -> pd.DataFrame:
    values = honest(data)
    days, columns = np.nonzero(np.isfinite(values))
    return pd.DataFrame(
        {
            "date": data.dates[days],
            "symbol": data.symbols[columns],
            "weight": values[days, columns],
            "side": np.where(values[days, columns] > 0, "long", "short"),
        }
    )


@pytest.mark.parametrize(
    "function",
    [
        honest,
        as_rows,
        lambda data: pa.Table.from_pandas(as_rows(data)),
        lambda data: {"panel": honest(data), "member": data.fields["member"]},
        lambda data: data.series["index"] * 2,
        lambda data: np.nansum(np.where(data.fields["member"], honest(data), 0.0), axis=1),
    ],
    ids=["array", "frame", "table", "several", "series", "sum over symbols"],
)
def test_what_is_honest_passes(function: Callable[[PanelInputs], Any]) -> None:
    check_prefix(function, DATA, lookback=5)


def later_rows_vanish(data: PanelInputs) -> pd.DataFrame:
    rows = as_rows(data)
    return rows[rows["weight"] > rows["weight"].mean()]


@pytest.mark.parametrize(
    ("leak", "check", "match"),
    [
        (lambda d: honest(d) - np.nanmean(d.fields["x"]), check_future, "noise after"),
        (lambda d: honest(d) * len(d.dates), check_future, "nothing after"),
        (lambda d: d.fields["member"].mean() * honest(d), check_future, "changed 'value'"),
        (later_rows_vanish, check_future, "which rows there are"),
        (lambda d: honest(d) / len(d.symbols), check_absent_symbol, "absent symbol '!'"),
        (
            lambda d: {"w": np.where(d.symbols == d.symbols[-1], 1.0, honest(d))},
            check_absent_symbol,
            "changed 'w' at date=.*symbol=",
        ),
    ],
    ids=["values", "length", "booleans", "rows", "count", "place"],
)
def test_a_leak_is_found(
    leak: Callable[[PanelInputs], Any], check: Callable[..., None], match: str
) -> None:
    with pytest.raises(PrefixError, match=match):
        check(leak, DATA)


def test_the_last_bit_counts() -> None:
    def almost(data: PanelInputs) -> np.ndarray:
        return np.where(len(data.dates) < T, np.nextafter(honest(data), np.inf), honest(data))

    with pytest.raises(PrefixError, match="nothing after"):
        check_future(almost, DATA)


def test_a_start_that_matters_is_found() -> None:
    with pytest.raises(PrefixError, match="the range start 2020-01-02 changed 'value'"):
        check_range_start(lambda data: np.cumsum(data.fields["x"], axis=0), DATA, 5)
    with pytest.raises(PrefixError, match="range start"):
        check_range_start(honest, DATA, 4)
    with pytest.raises(ValueError, match="a look-back of 59 leaves no row"):
        check_range_start(honest, DATA, 59)


def test_a_check_that_compares_nothing_is_no_check() -> None:
    with pytest.raises(VacuousCheckError, match="every compared value is missing"):
        check_future(lambda data: np.full(data.fields["x"].shape, np.nan), DATA)


def test_results_of_another_form_are_refused() -> None:
    with pytest.raises(ValueError, match="'value' has the shape"):
        check_future(lambda data: data.fields["x"][1:], DATA)
    with pytest.raises(ValueError, match=r"the rows lack \['symbol'\]"):
        check_future(lambda data: as_rows(data).drop(columns="symbol"), DATA)


def test_noise_leaves_the_past_and_changes_the_rest() -> None:
    noisy = DATA.noise_after(30, seed=1)
    np.testing.assert_array_equal(noisy.fields["x"][:31], X[:31])
    assert not np.isin(noisy.fields["x"][31:], X[31:]).any()
    assert set(noisy.fields["sector"][31:].ravel()) == {"up", "down"}
    assert (noisy.dates == DATA.dates).all()
    np.testing.assert_array_equal(DATA.fields["x"], X)
