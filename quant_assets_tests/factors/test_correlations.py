"""Correlations between factors: reference, properties, contract."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from quant_assets.factors.correlations import correlate
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.factors.samples import long, sessions

T, N, MONTH = 30, 40, "2015-01"
DATES = sessions(T)
SYMBOLS = np.array([f"S{k:02d}" for k in range(N)], object)


def market(seed: int, missing: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Five factors, one the opposite of another, one rounded to many ties, one constant."""
    random = np.random.default_rng(seed)
    b, d = random.normal(size=(2, T, N))
    factors = {
        "b": b,
        "a": -b,
        "c": b + random.normal(size=(T, N)),
        "d": np.round(d),
        "e": np.ones((T, N)),
    }
    for values in factors.values():
        values[random.random((T, N)) < missing] = np.nan
    return factors, random.random((T, N)) < 0.9


@pytest.mark.parametrize("missing", [0.0, 0.2, 0.8])
def test_agrees_with_pandas(missing: float) -> None:
    factors, member = market(1, missing)
    table = correlate(long(DATES, SYMBOLS, **factors), long(DATES, SYMBOLS, member=member), MONTH)
    schema_of("us/factor_correlations").validate(table)
    days = []
    for t in np.flatnonzero(DATES.astype("datetime64[M]") == np.datetime64(MONTH)):
        day = pd.DataFrame({name: values[t] for name, values in factors.items()})[member[t]]
        days.append(day[sorted(factors)].rank().corr(min_periods=10))
    expected = pd.concat(days).groupby(level=0)
    result = table.to_pandas()
    means = result.pivot(index="factor", columns="other", values="correlation")
    counts = result.pivot(index="factor", columns="other", values="days")
    assert_allclose(means, expected.mean(), atol=1e-12)
    assert_allclose(counts, expected.count())
    if not missing:
        assert means.loc["a", "b"] == pytest.approx(-1.0)
    assert means.loc["e"].isna().all()


def test_a_month_without_days_has_pairs_without_correlation() -> None:
    factors, member = market(2, 0.1)
    table = correlate(
        long(DATES, SYMBOLS, **factors), long(DATES, SYMBOLS, member=member), "2020-01"
    )
    assert table.num_rows == 25
    assert table["correlation"].null_count == 25
    assert set(table["days"].to_pylist()) == {0}
    schema_of("us/factor_correlations").validate(table)


def test_one_more_symbol_without_values_changes_no_bit() -> None:
    factors, member = market(3, 0.2)
    table = correlate(long(DATES, SYMBOLS, **factors), long(DATES, SYMBOLS, member=member), MONTH)
    wider = np.insert(SYMBOLS, 7, "S06x")
    more = {name: np.insert(values, 7, np.nan, axis=1) for name, values in factors.items()}
    members = np.insert(member, 7, True, axis=1)
    again = correlate(long(DATES, wider, **more), long(DATES, wider, member=members), MONTH)
    assert again.equals(table)
