"""Regimes by hand, on a real index, and without a look at the future."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data.panels import date_column
from quant_assets.performance.metrics import metrics_of_many
from quant_assets.performance.regimes import UNKNOWN, VIEWS, Regimes, metrics_by_regime, regimes
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.prefix import PanelInputs, check_future, check_range_start


def table(dates: np.ndarray, level: np.ndarray, feared: np.ndarray | None = None) -> pa.Table:
    columns = {"date": date_column(dates), "index_close": pa.array(level, from_pandas=True)}
    if feared is not None:
        columns["volatility_index"] = pa.array(feared, from_pandas=True)
    return pa.table(columns)


def days(count: int) -> np.ndarray:
    return sessions(count, "2015-01-01")


def test_bull_is_above_the_average_and_turbulent_above_the_level() -> None:
    level = np.array([1.0, 2.0, 3.0, 2.0, 1.0, 1.0])
    feared = np.array([np.nan, 19.0, 20.0, 20.5, np.nan, 10.0])
    found = regimes(table(days(6), level, feared), window=2)
    assert found.codes["trend"].tolist() == [-1, 1, 1, 0, 0, 0]  # equal to the average: no bull
    assert found.codes["volatility"].tolist() == [-1, 0, 0, 1, 1, 0]
    assert found.codes["switching"].tolist() == [-1] * 6
    assert np.isnan(found.probability).all()
    assert set(found.codes) == set(VIEWS)
    lower = regimes(table(days(6), level, feared), window=2, threshold=15.0)
    assert lower.codes["volatility"].tolist() == [-1, 1, 1, 1, 1, 0]


def test_a_session_without_a_close_keeps_the_regime_for_a_while() -> None:
    level = np.array([1.0, 2.0, np.nan, 3.0, *[np.nan] * 12, 1.0])
    codes = regimes(table(days(17), level), window=2).codes
    assert codes["trend"].tolist() == [-1, 1, 1, 1, *[1] * 10, -1, -1, 0]
    assert (codes["volatility"] == UNKNOWN).all()


def test_what_applies_to_a_return_was_known_at_the_close_before() -> None:
    dates = days(4)
    codes = {"trend": np.array([-1, 1, 0, 1], np.int8)}
    known = Regimes(dates, codes, np.full(4, np.nan))
    assert known.before(dates)["trend"].tolist() == [-1, -1, 1, 0]
    between = np.array([dates[0] - 1, dates[3] + 1, dates[3] + 21, dates[3] + 22])
    assert known.before(between)["trend"].tolist() == [-1, 1, 1, -1]  # no table of last year
    nothing = Regimes(dates[:0], {"trend": np.empty(0, np.int8)}, np.empty(0))
    assert nothing.before(dates)["trend"].tolist() == [-1] * 4


def test_an_empty_table_and_a_bad_window() -> None:
    assert len(regimes(table(days(0), np.empty(0))).codes["trend"]) == 0
    with pytest.raises(ValueError, match="window must be at least 1"):
        regimes(table(days(3), np.ones(3)), window=0)


def test_metrics_by_regime_are_those_of_its_days() -> None:
    random = np.random.default_rng(0)
    dates = days(500)
    index = random.normal(0.0005, 0.01, 500)
    level = 100 * np.cumprod(1 + index)
    feared = 20 + random.normal(0, 5, 500)
    returns = random.normal(0.0005, 0.01, (500, 3))
    rates = np.linspace(0.01, 0.04, 500)
    known = regimes(table(dates, level, feared), window=50)
    found = metrics_by_regime(returns, dates, known, index, rates, 244)
    assert set(found) == {"bull", "bear", "calm", "turbulent"}  # no two years: no model
    bull = np.concatenate([[False], level > pd.Series(level).rolling(50).mean()])[:-1]
    expected = metrics_of_many(returns[bull], index[bull], rates[bull], 244)
    for name, values in expected.items():
        np.testing.assert_array_equal(found["bull"][name], values, name)
    assert (found["bull"]["sessions"] == bull.sum()).all()
    counts = [len(returns) - (known.before(dates)[view] == UNKNOWN).sum() for view in VIEWS]
    assert counts == [450, 499, 0]
    assert np.isnan(found["bull"]["best_month"]).all()


def test_nothing_knows_the_future() -> None:
    random = np.random.default_rng(1)
    series = {
        "level": 100 * np.cumprod(1 + random.normal(0.0003, 0.01, 900)),
        "feared": 20 * np.exp(random.normal(0, 0.3, 900)),
    }
    inputs = PanelInputs(days(900), np.array(["I"]), {}, series)

    def codes(data: PanelInputs) -> dict[str, np.ndarray]:
        found = regimes(table(data.dates, data.series["level"], data.series["feared"]), window=60)
        shifted = {f"{view} before": values for view, values in found.before(data.dates).items()}
        return {**{k: v.astype(float) for k, v in found.codes.items()}, **shifted}

    def rules(data: PanelInputs) -> dict[str, np.ndarray]:
        return {name: values for name, values in codes(data).items() if "switching" not in name}

    check_future(codes, inputs, cuts=(400, 780, 898))
    check_range_start(rules, inputs, lookback=60)


def test_the_crisis_of_2008_was_known_in_time(test_data: Path) -> None:
    folder = test_data / "us_benchmarks"
    level = pd.read_csv(folder / "arch_sp500_ohlcv_1999_2018.csv.gz")
    when = pd.to_datetime(level["Date"], format="%m/%d/%Y").to_numpy().astype("datetime64[D]")
    feared = vix(folder).reindex(when).to_numpy()
    found = regimes(table(when, level["Close"].to_numpy(), feared))
    assert np.isfinite(feared).mean() > 0.99

    def share(view: str, start: str, end: str) -> float:
        inside = (when >= np.datetime64(start)) & (when <= np.datetime64(end))
        return float((found.codes[view][inside] == 1).mean())

    assert share("trend", "2008-09-15", "2009-03-31") == 0.0
    assert share("volatility", "2008-09-15", "2009-03-31") == 1.0
    assert share("switching", "2008-09-15", "2009-03-31") > 0.95
    assert share("trend", "2013-01-15", "2014-09-30") == 1.0
    assert share("volatility", "2017-01-15", "2017-12-31") == 0.0
    assert share("switching", "2017-01-15", "2017-12-31") < 0.05
    agree = found.codes["switching"] == found.codes["volatility"]
    assert agree[found.codes["switching"] != UNKNOWN].mean() > 0.7


def vix(folder: Path) -> "pd.Series[float]":
    """Closes of the volatility index by day."""
    path = next(each for each in sorted(folder.iterdir()) if "vix" in each.name.lower())
    rows = pd.read_csv(path)
    rows.columns = [str(name).strip().lower() for name in rows.columns]
    when = pd.to_datetime(rows["date"]).to_numpy().astype("datetime64[D]")
    return pd.Series(rows["close"].to_numpy(float), when)
