"""Daily evaluation: reference, properties, rules of time, contract with the schema, validation."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from quant_assets.factors.evaluation.daily import evaluate, lookback
from quant_assets.factors.evaluation.measures import columns
from quant_assets.factors.summary import overall
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors import evaluation_reference as reference
from quant_assets_tests.factors.samples import long, sessions
from quant_assets_tests.prefix import PanelInputs, check_prefix

COLUMNS = columns(5)
HORIZONS = (1, 3)
KEYS = ("date", "factor", "horizon")
UNIVERSE = ("member", "sector", "average_turnover")
SECTORS = np.array(["Energy", "Health", "Tech", None], object)


def panels(T: int, N: int, seed: int, ties: bool = False, missing: float = 0.1) -> PanelInputs:
    """Two factors, closes, members, sectors and turnover of a made-up market with gaps."""
    random = np.random.default_rng(seed)
    close = 20.0 * np.exp(np.cumsum(random.normal(0.0, 0.02, (T, N)), axis=0))
    first, second = random.normal(size=(T, N)), random.exponential(size=(T, N))
    if ties:
        first, second = np.round(first), np.floor(second)
    turnover = np.exp(random.normal(12.0, 2.0, (T, N)))
    for values in (first, second, close, turnover):
        values[random.random((T, N)) < missing] = np.nan
    turnover[random.random((T, N)) < 0.2 * missing] = 0.0
    sector = SECTORS[random.integers(0, 4, N)][None].repeat(T, axis=0)
    sector[T // 2 :, 0] = "Tech"
    return PanelInputs(
        sessions(T),
        np.array([f"S{k:02d}" for k in range(N)], object),
        {
            "close": close,
            "first": first,
            "second": second,
            "member": random.random((T, N)) < 0.9,
            "sector": sector,
            "average_turnover": turnover,
        },
    )


def evaluated(data: PanelInputs, window: Window | None = None, **options: Any) -> pa.Table:
    f = data.fields
    where = (data.dates, data.symbols)
    return evaluate(
        long(*where, first=f["first"], second=f["second"]),
        long(*where, close=f["close"]),
        long(*where, **{name: f[name] for name in UNIVERSE if name in f}),
        data.dates,
        window or Window(data.dates[0].item(), data.dates[-1].item()),
        **{"horizons": HORIZONS, **options},
    )


def frames_of(data: PanelInputs) -> dict[str, pd.DataFrame]:
    return {k: pd.DataFrame(v, columns=data.symbols) for k, v in data.fields.items()}


def literal(data: PanelInputs, quantiles: int = 5) -> pd.DataFrame:
    frames = frames_of(data)
    rows = []
    for t in range(len(data.dates)):
        for name in ("first", "second"):
            for h in HORIZONS:
                if t >= h:
                    row = reference.score(frames[name], frames, t, h, quantiles)
                    rows.append({"date": data.dates[t], "factor": name, "horizon": h, **row})
    return pd.DataFrame(rows)


def check_equal(table: pa.Table, expected: pd.DataFrame) -> None:
    found = table.to_pandas()
    assert (found["factor"] == expected["factor"]).all()
    assert (found["horizon"] == expected["horizon"]).all()
    assert (pd.to_datetime(found["date"]) == expected["date"]).all()
    for name in COLUMNS:
        assert_allclose(
            found[name].to_numpy(float), expected[name].to_numpy(float), atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize("quantiles", [5, 3])
@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_agrees_with_the_literal_reference(ties: bool, quantiles: int) -> None:
    data = panels(18, 35, seed=1, ties=ties)
    fields = data.fields
    fields["first"][10] = 0.1  # a constant factor
    fields["first"][11] = [0.1 * len(name or "") for name in fields["sector"][11]]
    fields["member"][12] = False
    fields["close"][15] = fields["close"][14]  # no return
    fields["average_turnover"][16] = 1e6  # one size
    check_equal(evaluated(data, quantiles=quantiles), literal(data, quantiles))


def test_agrees_where_nothing_is_missing() -> None:
    data = panels(12, 40, seed=12, missing=0.0)
    data.fields["member"][:] = True
    constant = data.fields["first"]
    constant[4] = 0.1
    constant[5] = np.where(np.arange(40) % 3, 0.1, np.nextafter(0.1, 1.0))  # but for rounding
    data.fields["close"][8] = data.fields["close"][7] * (1.0 + constant[5])
    check_equal(evaluated(data), literal(data))


def test_a_neutral_version_may_have_fewer_pairs_than_the_factor() -> None:
    """Sectors and sizes that lack different members, in equal number."""
    data = panels(8, 30, seed=13, missing=0.0)
    data.fields["member"][:] = True
    data.fields["sector"][:] = np.array(["Energy", "Tech"], object)[np.arange(30) % 2]
    data.fields["sector"][:, :5] = None
    data.fields["average_turnover"][:, 5:10] = np.nan
    check_equal(evaluated(data), literal(data))


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    N=st.integers(1, 30),
    ties=st.booleans(),
    missing=st.floats(0.0, 0.6),
)
def test_properties_of_any_market(seed: int, N: int, ties: bool, missing: float) -> None:
    data = panels(7, N, seed, ties, missing)
    table = evaluated(data)
    schema_of("us/factor_evaluation").validate(table)
    check_equal(table, literal(data))


def test_decision_date_lies_h_sessions_before() -> None:
    data = panels(12, 15, seed=2)
    table = evaluated(data).to_pandas()
    place = {day: k for k, day in enumerate(data.dates.astype(object))}
    lag = table["date"].map(place) - table["decision_date"].map(place)
    assert (lag == table["horizon"]).all()
    assert len(table) == 2 * sum(12 - h for h in HORIZONS)


def test_knows_no_future_no_range_start_no_absent_symbol() -> None:
    def rows(data: PanelInputs) -> pd.DataFrame:
        frame: pd.DataFrame = evaluated(data).to_pandas()
        counts = [name for name in COLUMNS if name.startswith("count_")]
        return frame.astype(dict.fromkeys(counts, float))  # whole or not, as nulls come and go

    data = panels(lookback(HORIZONS) + 20, 30, seed=3)
    check_prefix(rows, data, lookback(HORIZONS), keys=KEYS)


def test_threads_and_windows_change_no_bit() -> None:
    data = panels(30, 30, seed=4)
    whole = evaluated(data)
    for thread_no in (2, 3, 5):
        assert evaluated(data, thread_no=thread_no).equals(whole)
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
    measures = table.drop(columns=[*KEYS, "decision_date"])
    assert measures.count().sum() == 2 * len(table)


def test_without_sectors_and_sizes_neutral_measures_are_missing_and_others_the_same() -> None:
    data = panels(20, 30, seed=14)
    with_them = evaluated(data)
    del data.fields["sector"], data.fields["average_turnover"]
    without = evaluated(data)
    for name in without.column_names:
        if name.endswith("_neutral"):
            assert without[name].null_count == len(without)
            assert with_them[name].null_count < len(without)
        else:
            assert without[name].equals(with_them[name])


def test_a_sector_factor_has_nothing_left_but_its_sectors() -> None:
    data = panels(10, 40, seed=15, missing=0.0)
    data.fields["first"][:] = [0.1 * len(name or "") for name in data.fields["sector"][0]]
    rows = evaluated(data).to_pandas().query("factor == 'first'")
    assert rows["ic"].notna().all()
    assert rows[["ic_sector_neutral", "rank_ic_sector_neutral"]].isna().all(axis=None)


def test_a_size_factor_has_nothing_left_but_size() -> None:
    data = panels(10, 40, seed=16, missing=0.0)
    data.fields["first"][:] = 3.0 - 0.7 * np.log(data.fields["average_turnover"])
    rows = evaluated(data).to_pandas().query("factor == 'first'")
    assert rows["ic"].notna().all()
    assert rows["ic_size_neutral"].isna().all()


def test_rows_of_factors_in_any_order_and_of_strangers_count_for_their_place() -> None:
    data = panels(12, 20, seed=17)
    f, where = data.fields, (data.dates, data.symbols)
    factors = long(*where, first=f["first"], second=f["second"])
    stranger = long(data.dates, np.array(["!"], object), first=f["first"][:, :1])
    shuffled = pa.concat_tables([factors, stranger], promote_options="default")
    shuffled = shuffled.take(np.random.default_rng(0).permutation(len(shuffled)))
    table = evaluate(
        shuffled,
        long(*where, close=f["close"]),
        long(*where, **{name: f[name] for name in UNIVERSE}),
        data.dates,
        Window(data.dates[0].item(), data.dates[-1].item()),
        HORIZONS,
    )
    assert table.equals(evaluated(data))


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
    table = evaluated(planted(ic, seed=11), horizons=(1,))
    statistics = overall(table, (1,)).to_pandas().set_index("factor")
    for name, known in (("first", ic), ("second", 0.0)):
        row = statistics.loc[name]
        assert abs(row["ic"] - known) < 2 * row["ic_std"] / np.sqrt(row["days"])
        for t in ("ic_t", "rank_ic_t", "newey_west_t", "spread_t", "factor_alpha_t"):
            assert (abs(row[t]) > 3) == (name == "first"), t
    assert statistics.loc["first", "monotonicity_of_means"] > 0.8
