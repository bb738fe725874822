"""Evaluation: reference, properties, contract with the schema and with alphalens, validation."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from quant_assets.factors.evaluation import MEASURES, evaluate, lookback
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors import evaluation_reference as reference
from quant_assets_tests.factors.samples import long, sessions
from quant_assets_tests.prefix import PanelInputs, check_prefix

COLUMNS = [*MEASURES, *(f"quantile_{q}" for q in range(1, 6))]
HORIZONS = (1, 3)


def panels(T: int, N: int, seed: int, ties: bool = False, missing: float = 0.1) -> PanelInputs:
    """Two factors, closes and members of a made-up market with gaps."""
    random = np.random.default_rng(seed)
    close = 20.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, (T, N)), axis=0))
    first, second = random.normal(size=(T, N)), random.exponential(size=(T, N))
    if ties:
        first, second = np.round(first), np.floor(second)
    for values in (first, second, close):
        values[random.random((T, N)) < missing] = np.nan
    return PanelInputs(
        sessions(T),
        np.array([f"S{k:02d}" for k in range(N)], object),
        {"close": close, "first": first, "second": second, "member": random.random((T, N)) < 0.9},
    )


def evaluated(data: PanelInputs, window: Window | None = None, **options: Any) -> pa.Table:
    f = data.fields
    where = (data.dates, data.symbols)
    return evaluate(
        long(*where, first=f["first"], second=f["second"]),
        long(*where, close=f["close"]),
        long(*where, member=f["member"]),
        data.dates,
        window or Window(data.dates[0].item(), data.dates[-1].item()),
        **{"horizons": HORIZONS, **options},
    )


def literal(data: PanelInputs, quantiles: int = 5) -> pd.DataFrame:
    frames = {k: pd.DataFrame(v, columns=data.symbols) for k, v in data.fields.items()}
    rows = []
    for t in range(len(data.dates)):
        for name in ("first", "second"):
            for h in HORIZONS:
                if t >= h:
                    row = reference.score(
                        frames[name], frames["close"], frames["member"], t, h, quantiles
                    )
                    rows.append({"date": data.dates[t], "factor": name, "horizon": h, **row})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("quantiles", [5, 3])
@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_agrees_with_the_literal_reference(ties: bool, quantiles: int) -> None:
    data = panels(25, 40, seed=1, ties=ties)
    data.fields["first"][10] = 1.0  # a constant factor
    data.fields["member"][12] = False
    data.fields["close"][15] = data.fields["close"][14]  # no return
    table, expected = evaluated(data, quantiles=quantiles).to_pandas(), literal(data, quantiles)
    assert (table["factor"] == expected["factor"]).all()
    assert (table["horizon"] == expected["horizon"]).all()
    assert (pd.to_datetime(table["date"]) == expected["date"]).all()
    for name in COLUMNS:
        assert_allclose(
            table[name].to_numpy(float), expected[name].to_numpy(float), atol=1e-9, err_msg=name
        )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    N=st.integers(1, 30),
    ties=st.booleans(),
    missing=st.floats(0.0, 0.6),
)
def test_properties_of_any_market(seed: int, N: int, ties: bool, missing: float) -> None:
    data = panels(9, N, seed, ties, missing)
    table, expected = evaluated(data), literal(data)
    schema_of("us/factor_evaluation").validate(table)
    for name in COLUMNS:
        assert_allclose(
            table[name].to_numpy().astype(float), expected[name].to_numpy(float), atol=1e-9
        )


def test_decision_date_lies_h_sessions_before() -> None:
    data = panels(12, 15, seed=2)
    table = evaluated(data).to_pandas()
    place = {day: k for k, day in enumerate(data.dates.astype(object))}
    lag = table["date"].map(place) - table["decision_date"].map(place)
    assert (lag == table["horizon"]).all()
    assert len(table) == 2 * sum(12 - h for h in HORIZONS)


def test_knows_no_future_no_range_start_no_absent_symbol() -> None:
    keys = ("date", "factor", "horizon")
    check_prefix(
        lambda data: evaluated(data),
        panels(lookback(HORIZONS) + 20, 30, seed=3),
        lookback(HORIZONS),
        keys=keys,
    )


def test_threads_and_windows_change_no_bit() -> None:
    data = panels(30, 30, seed=4)
    whole = evaluated(data)
    assert evaluated(data, thread_no=3).equals(whole)
    window = Window(data.dates[20].item(), data.dates[24].item())
    part = evaluated(data, window)
    date = whole["date"].to_numpy()
    inside = (date >= data.dates[20]) & (date <= data.dates[24])
    assert part.equals(whole.filter(pa.array(inside)).combine_chunks())


def test_one_factor_that_is_the_return_scores_perfectly() -> None:
    data = panels(8, 20, seed=5, missing=0.0)
    data.fields["member"][:] = True
    close = data.fields["close"]
    data.fields["first"][:-1] = close[1:] / close[:-1] - 1
    table = evaluated(data, horizons=(1,)).to_pandas()
    rows = table[table["factor"] == "first"]
    assert_allclose(rows["ic"], 1.0)
    assert_allclose(rows["rank_ic"], 1.0)
    assert_allclose(rows["r_squared"], 1.0)
    assert rows["t_statistic"].isna().all(), "no residual, no t-statistic"
    assert (rows["quantile_1"] < rows["quantile_2"]).all()
    assert (rows["quantile_4"] < rows["quantile_5"]).all()


def test_too_few_pairs_leave_only_counts() -> None:
    data = panels(6, 9, seed=6, missing=0.0)
    table = evaluated(data).to_pandas()
    assert (table["observations"] <= 9).all()
    assert table["coverage"].eq(1.0).all()
    assert table.drop(columns=["date", "factor", "horizon", "decision_date"]).count().sum() == (
        2 * len(table)
    )


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"horizons": ()}, "horizons of an evaluation"),
        ({"horizons": (5, 1)}, "ascending sessions"),
        ({"horizons": (0, 1)}, r"Got \(0, 1\) instead"),
        ({"quantiles": 6}, "quantiles of an evaluation must be 2 to 5. Got 6"),
        ({"quantiles": 1}, "Got 1 instead"),
    ],
)
def test_bad_settings_are_named(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        evaluated(panels(5, 12, seed=7), **options)


def test_no_rows_give_an_empty_table_of_the_schema() -> None:
    data = panels(5, 12, seed=8)
    far = Window(pd.Timestamp("2030-01-01").date(), pd.Timestamp("2030-01-31").date())
    table = evaluated(data, far)
    assert table.num_rows == 0
    schema_of("us/factor_evaluation").validate(table)


def planted(ic: float, seed: int, T: int = 250, N: int = 200) -> PanelInputs:
    """A market whose next returns correlate with `first` as known; `second` is it, shuffled."""
    random = np.random.default_rng(seed)
    signal = random.normal(size=(T, N))
    returns = np.zeros((T, N))
    noise = random.normal(size=(T - 1, N))
    returns[1:] = 0.01 * (ic * signal[:-1] + np.sqrt(1 - ic**2) * noise)
    symbols = np.array([f"S{k:03d}" for k in range(N)], object)
    shuffled = random.permuted(signal, axis=1)
    fields = {
        "close": 50 * np.cumprod(1 + returns, axis=0),
        "first": signal,
        "second": shuffled,
        "member": np.ones((T, N), bool),
    }
    return PanelInputs(sessions(T), symbols, fields)


@pytest.mark.parametrize("ic", [0.03, 0.1])
def test_a_planted_signal_is_found_again_and_its_permutation_is_not(ic: float) -> None:
    table = evaluated(planted(ic, seed=11), horizons=(1,)).to_pandas()
    for name, known in (("first", ic), ("second", 0.0)):
        daily = table.loc[table["factor"] == name, "ic"]
        error = daily.std(ddof=1) / np.sqrt(len(daily))
        assert abs(daily.mean() - known) < 2 * error
        assert (abs(daily.mean()) > 3 * error) == (name == "first")


@pytest.mark.filterwarnings("ignore")  # alphalens' own, under present pandas
def test_agrees_with_alphalens_where_defined_alike() -> None:
    from alphalens import performance, utils

    data = panels(30, 40, seed=9, missing=0.0)
    data.fields["member"][:] = True
    h = 3
    index = pd.DatetimeIndex(data.dates, name="date")
    close = pd.DataFrame(data.fields["close"], index, data.symbols)
    factor: Any = pd.DataFrame(data.fields["first"], index, data.symbols).stack()
    factor.index.names = ["date", "asset"]
    returns: Any = close.shift(-h) / close - 1
    forward = returns.stack().to_frame("3D")
    forward.index.names = ["date", "asset"]
    clean = utils.get_clean_factor(factor, forward, quantiles=5, max_loss=1.0)
    table = evaluated(data, horizons=(h,)).to_pandas()
    rows = table[table["factor"] == "first"].set_index("decision_date")
    ic = performance.factor_information_coefficient(clean)["3D"]
    assert_allclose(rows["rank_ic"], ic, atol=1e-9)
    means, _ = performance.mean_return_by_quantile(clean, by_date=True, demeaned=False)
    by_day = means["3D"].unstack("factor_quantile")
    for q in range(1, 6):
        assert_allclose(rows[f"quantile_{q}"], by_day[q], atol=1e-9)
    turnover = performance.quantile_turnover(clean["factor_quantile"], 5, period=h).dropna()
    assert_allclose(rows["turnover"].dropna(), turnover, atol=1e-9)
    persistence = performance.factor_rank_autocorrelation(clean, period=h).dropna()
    assert_allclose(rows["rank_autocorrelation"].dropna(), persistence, atol=1e-9)
