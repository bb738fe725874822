"""Summary of a month: literal statistics, Newey-West against statsmodels, half-life, contract."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from quant_assets.factors.evaluation import statistics
from quant_assets.factors.evaluation.statistics import Groups, Sample, half_life
from quant_assets.factors.summary import MEANS, QUANTILES, STATISTICS, overall, summarise
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.factors.test_evaluation import evaluated, panels

EVALUATION = evaluated(panels(60, 40, seed=21), horizons=(1, 5))
MONTH = "2015-02"
FRAME = EVALUATION.to_pandas()
FRAME = FRAME[pd.to_datetime(FRAME["date"]).dt.strftime("%Y-%m") == MONTH]


def summary(horizons: tuple[int, ...] = (1, 5), table: pa.Table = EVALUATION) -> pd.DataFrame:
    result = summarise(table, MONTH, horizons)
    schema_of("us/factor_summary").validate(result)
    frame: pd.DataFrame = result.to_pandas()
    return frame


def literal_newey_west(values: np.ndarray, lags: int) -> float:
    n, centred = len(values), values - values.mean()
    gammas = [sum(centred[t] * centred[t - k] for t in range(k, n)) / n for k in range(lags + 1)]
    weights = [1 - k / (lags + 1) for k in range(1, lags + 1)]
    variance = gammas[0] + 2 * sum(w * g for w, g in zip(weights, gammas[1:], strict=True))
    return float(values.mean() / math.sqrt(variance / n))


def newey_west_t(values: np.ndarray, lags: int) -> float:
    sample = Sample(Groups(np.zeros(len(values), np.int64), 1), values)
    return float(statistics.newey_west_t(sample, np.array([lags]))[0])


def test_statistics_of_each_factor_and_horizon() -> None:
    result = summary()
    assert list(zip(result["factor"], result["horizon"], strict=True)) == [
        ("first", 1),
        ("first", 5),
        ("second", 1),
        ("second", 5),
    ]
    for _, row in result.iterrows():
        days = FRAME[(FRAME["factor"] == row["factor"]) & (FRAME["horizon"] == row["horizon"])]
        ic, rank_ic = days["ic"].dropna(), days["rank_ic"].dropna()
        test = stats.ttest_1samp(ic, 0.0)
        assert row["days"] == len(rank_ic) == 20
        assert_allclose([row["ic"], row["ic_std"]], [ic.mean(), ic.std()])
        assert_allclose(row["icir"], ic.mean() / ic.std())
        assert_allclose([row["ic_t"], row["ic_p"]], [test.statistic, test.pvalue])
        assert_allclose(row["rank_ic_t"], stats.ttest_1samp(rank_ic, 0.0).statistic)
        assert_allclose(row["rank_icir"], rank_ic.mean() / rank_ic.std())
        expected = literal_newey_west(rank_ic.to_numpy(), int(row["horizon"]) - 1)
        assert_allclose(row["newey_west_t"], expected)
        expected = literal_newey_west(ic.to_numpy(), int(row["horizon"]) - 1)
        assert_allclose(row["ic_newey_west_t"], expected)
        assert_allclose(row["newey_west_p"], 2 * stats.norm.sf(abs(row["newey_west_t"])))
        assert_allclose(row["rank_ic_p"], stats.ttest_1samp(rank_ic, 0.0).pvalue)
        assert_allclose(row["rank_ic_skewness"], stats.skew(rank_ic))
        assert_allclose(row["rank_ic_kurtosis"], stats.kurtosis(rank_ic))
        assert row["positive_share"] == (ic > 0).mean()
        for name in MEANS:
            assert_allclose(row[name], days[name].mean(), err_msg=name)
        for neutral in ("sector_neutral", "size_neutral"):
            values = days[f"rank_ic_{neutral}"]
            assert_allclose(row[f"rank_icir_{neutral}"], values.mean() / values.std())


def test_portfolios_of_each_factor_and_horizon() -> None:
    for _, row in summary().iterrows():
        h = row["horizon"]
        days = FRAME[(FRAME["factor"] == row["factor"]) & (FRAME["horizon"] == h)]
        spread, earned = days["spread"].dropna(), days["factor_return"].dropna()
        assert_allclose(row["spread_std"], spread.std())
        assert_allclose(row["spread_t"], stats.ttest_1samp(spread, 0.0).statistic)
        assert_allclose(row["cumulative_spread"], np.prod(1 + spread / h) - 1)
        assert_allclose(row["cumulative_factor_return"], np.prod(1 + earned / h) - 1)
        known = days[["factor_return", "mean_return"]].dropna()
        fit = stats.linregress(known["mean_return"], known["factor_return"])
        assert_allclose(row["factor_alpha"], fit.intercept)
        assert_allclose(row["factor_beta"], fit.slope)
        assert_allclose(row["factor_alpha_t"], fit.intercept / fit.intercept_stderr)
        means = [days[name].mean() for name in QUANTILES]
        assert_allclose(row["monotonicity_of_means"], stats.spearmanr(range(5), means).statistic)


def test_fewer_quantiles_are_monotone_among_themselves() -> None:
    table = evaluated(panels(60, 40, seed=21), horizons=(1,), quantiles=3)
    for _, row in summary((1,), table).iterrows():
        means = [row[f"quantile_{q}"] for q in (1, 2, 3)]
        assert_allclose(row["monotonicity_of_means"], stats.spearmanr(range(3), means).statistic)


def test_a_factor_is_summarised_alike_whatever_stands_beside_it() -> None:
    alone = EVALUATION.filter(pc.equal(EVALUATION["factor"], "second"))
    whole = overall(EVALUATION, (1, 5))
    assert overall(alone, (1, 5)).equals(whole.filter(pc.equal(whole["factor"], "second")))


def test_all_days_are_the_months_together() -> None:
    whole = overall(EVALUATION, (1, 5)).to_pandas()
    months = [summarise(EVALUATION, f"2015-{k:02d}", (1, 5)).to_pandas() for k in range(1, 4)]
    assert (sum(month["days"] for month in months) == whole["days"]).all()
    growth = math.prod(1.0 + month["cumulative_spread"] for month in months)
    assert_allclose(whole["cumulative_spread"], growth - 1.0)


def test_constant_days_have_no_spread_to_divide_by() -> None:
    columns = ["ic", "rank_ic", "spread", "factor_return", "mean_return"]
    frame = EVALUATION.to_pandas()
    frame[columns] = 0.1
    row = overall(pa.Table.from_pandas(frame, EVALUATION.schema), (1,)).to_pandas().iloc[0]
    assert_allclose(row[["ic", "rank_ic", "spread"]].astype(float), 0.1)
    missing = ["icir", "ic_t", "ic_p", "rank_icir", "newey_west_t", "newey_west_p", "spread_t"]
    assert row[[*missing, "rank_ic_skewness", "factor_alpha", "factor_beta"]].isna().all()


@pytest.mark.parametrize("lags", [0, 1, 4, 20])
def test_newey_west_agrees_with_statsmodels(lags: int) -> None:
    ols = pytest.importorskip("statsmodels.regression.linear_model", exc_type=ImportError)
    values = np.convolve(np.random.default_rng(0).normal(size=70), np.ones(5))[5:-5] + 0.3
    fit = ols.OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds={"maxlags": lags})
    assert_allclose(newey_west_t(values, lags), fit.tvalues[0])


def test_newey_west_without_spread_or_length_is_missing() -> None:
    assert math.isnan(newey_west_t(np.full(10, 0.1), 3))
    assert math.isnan(newey_west_t(np.array([0.1]), 0))
    assert math.isfinite(newey_west_t(np.array([0.1, 0.3, 0.2]), 20)), "lags are cut at the length"


@pytest.mark.parametrize("sign", [1, -1])
def test_half_life_of_an_exponential_decay(sign: int) -> None:
    horizons = np.array([1, 5, 21])
    assert_allclose(half_life(horizons, sign * 0.08 * 2.0 ** (-horizons / 7.0)), 7.0)


@pytest.mark.parametrize(
    "ics", [[0.1, -0.1, 0.05], [0.01, 0.02, 0.03], [0.1, np.nan, np.nan], [0.1, 0.0, 0.01]]
)
def test_half_life_is_missing_where_the_ic_turns_or_grows(ics: list[float]) -> None:
    assert math.isnan(half_life(np.array([1, 5, 21]), np.array(ics)))


def test_the_half_life_stands_in_all_rows_of_a_factor() -> None:
    rows = summary().groupby("factor")["half_life"].nunique(dropna=False)
    assert (rows == 1).all()


def test_other_horizons_and_months_are_left_out() -> None:
    assert summary((5,))["horizon"].tolist() == [5, 5]
    assert summarise(EVALUATION, "2014-12", (1, 5)).num_rows == 0
    schema_of("us/factor_summary").validate(summarise(EVALUATION, "2014-12", (1, 5)))


def test_a_month_without_any_score_has_rows_of_nothing() -> None:
    few = evaluated(panels(60, 8, seed=21), horizons=(1, 5))
    result = summary(table=few)
    assert (result["days"] == 0).all()
    counted = ["coverage", "turnover", "turnover_bottom", "rank_autocorrelation"]
    assert result[[name for name in STATISTICS if name not in counted]].isna().all(axis=None)
