"""Evaluation and summary against alphalens-reloaded, to 1e-9 wherever both define a number alike.

What is defined differently is listed in evaluation/daily.py.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from quant_assets.factors.evaluation.sectors import evaluate_sectors
from quant_assets.factors.summary import overall
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors.samples import long
from quant_assets_tests.factors.test_evaluation import evaluated, panels
from quant_assets_tests.prefix import PanelInputs

pytestmark = pytest.mark.filterwarnings("ignore")  # alphalens' own, under present pandas
HORIZONS = (1, 5)


def market(missing: float) -> PanelInputs:
    data = panels(50, 60, seed=9, missing=0.0)
    data.fields["member"][:] = True
    data.fields["sector"][:] = [name or "Water" for name in data.fields["sector"][0]]
    first = data.fields["first"]
    first[np.random.default_rng(0).random(first.shape) < missing] = np.nan
    return data


def clean(data: PanelInputs, horizons: tuple[int, ...] = HORIZONS) -> pd.DataFrame:
    """What alphalens computes on, with forward returns of its own."""
    from alphalens import utils

    index = pd.DatetimeIndex(data.dates, name="date", freq="B")
    factor: Any = pd.DataFrame(data.fields["first"], index, data.symbols).stack()
    factor.index.names = ["date", "asset"]
    sectors = dict(zip(data.symbols, data.fields["sector"][0], strict=True))
    result: pd.DataFrame = utils.get_clean_factor_and_forward_returns(
        factor,
        pd.DataFrame(data.fields["close"], index, data.symbols),
        groupby=sectors,
        quantiles=5,
        periods=horizons,
        filter_zscore=None,
        max_loss=1.0,
    )
    return result


def daily(data: PanelInputs, horizon: int) -> pd.DataFrame:
    """Our rows of the first factor by decision day."""
    rows: pd.DataFrame = evaluated(data, horizons=HORIZONS).to_pandas()
    rows = rows[(rows["factor"] == "first") & (rows["horizon"] == horizon)]
    return rows.set_index(pd.DatetimeIndex(rows["decision_date"]))


def check_equal(ours: Any, theirs: Any, name: str) -> None:
    assert_allclose(ours, theirs, rtol=0.0, atol=1e-9, err_msg=name)


def check(ours: pd.Series, theirs: Any, name: str) -> None:
    """Equal on every day that alphalens has; it drops days that lack any horizon's return."""
    known = theirs.dropna()
    assert len(known) > 20
    check_equal(ours.loc[known.index].astype(float), known, name)


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("missing", [0.0, 0.15])
def test_daily_measures(horizon: int, missing: float) -> None:
    from alphalens import performance

    data = market(missing)
    table, column = clean(data), f"{horizon}D"
    rows = daily(data, horizon)
    check(rows["rank_ic"], performance.factor_information_coefficient(table)[column], "rank_ic")
    for demeaned in (False, True):
        means, _ = performance.mean_return_by_quantile(table, by_date=True, demeaned=demeaned)
        by_day = means[column].unstack("factor_quantile")
        for q in range(1, 6):
            ours = rows[f"quantile_{q}"] - (rows["mean_return"] if demeaned else 0.0)
            check(ours, by_day[q], f"quantile {q}, demeaned {demeaned}")
    spread, _ = performance.compute_mean_returns_spread(means, 5, 1)
    check(rows["spread"], 2.0 * spread[column], "spread")
    check(rows["factor_return"], performance.factor_returns(table)[column], "factor_return")
    counts = table.groupby(["date", "factor_quantile"]).size().unstack()
    for name, q in (("turnover", 5), ("turnover_bottom", 1)):
        turnover = performance.quantile_turnover(table["factor_quantile"], q, period=horizon)
        check(rows[name], turnover, name)
        check(rows[f"count_{q}"], counts[q], "counts")
    persistence = performance.factor_rank_autocorrelation(table, period=horizon)
    check(rows["rank_autocorrelation"], persistence, "rank_autocorrelation")


@pytest.mark.parametrize("horizon", HORIZONS)
def test_statistics_over_all_days(horizon: int) -> None:
    from alphalens import performance

    data = market(0.15)
    table, column = clean(data, (horizon,)), f"{horizon}D"
    every = overall(evaluated(data, horizons=HORIZONS), HORIZONS).to_pandas()
    row = every.set_index(["factor", "horizon"]).loc[("first", horizon)]
    ic = performance.factor_information_coefficient(table)[column]
    test = stats.ttest_1samp(ic, 0.0)
    expected = {
        "rank_ic": performance.mean_information_coefficient(table)[column],
        "rank_ic_std": ic.std(),
        "rank_icir": ic.mean() / ic.std(),
        "rank_ic_t": test.statistic,
        "rank_ic_p": test.pvalue,
        "rank_ic_skewness": stats.skew(ic),
        "rank_ic_kurtosis": stats.kurtosis(ic),
    }
    means, _ = performance.mean_return_by_quantile(table, demeaned=False)
    expected |= {f"quantile_{q}": means[column][q] for q in range(1, 6)}
    returns = performance.factor_returns(table)
    regression = performance.factor_alpha_beta(table)[column]
    expected |= {"factor_return": returns[column].mean(), "factor_beta": regression["beta"]}
    for name, value in expected.items():
        check_equal(row[name], value, name)
    annual = (1.0 + row["factor_alpha"]) ** (252 / horizon) - 1.0
    check_equal(annual, regression["Ann. alpha"], "factor_alpha")
    if horizon == 1:
        growth = performance.cumulative_returns(returns[column]).iloc[-1] - 1.0
        check_equal(row["cumulative_factor_return"], growth, "cumulative_factor_return")


@pytest.mark.parametrize("horizon", HORIZONS)
def test_means_by_sector(horizon: int) -> None:
    from alphalens import performance

    data = market(0.15)
    theirs = performance.mean_information_coefficient(clean(data, (horizon,)), by_group=True)
    f, where = data.fields, (data.dates, data.symbols)
    table = evaluate_sectors(
        long(*where, first=f["first"]),
        long(*where, close=f["close"]),
        long(*where, member=f["member"], sector=f["sector"]),
        data.dates,
        Window(data.dates[0].item(), data.dates[-1].item()),
        (horizon,),
    )
    months = table.to_pandas().assign(total=lambda rows: rows["rank_ic"] * rows["days"])
    sums = months.groupby("sector")[["total", "days"]].sum()
    ours = sums["total"] / sums["days"]
    check_equal(ours, theirs[f"{horizon}D"].loc[ours.index], "rank_ic")
