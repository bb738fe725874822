"""Values that QuantConnect's Lean holds its indicators against, where they define what we do.

Its ratios are not annual (so one session a year here) and its Sharpe ratio divides by the
population's deviation (ddof=0). Alpha and beta are those of returns over five sessions, correlation
that of prices over 252. Not reproduced, as they define nothing that is measured here: the backtest
statistics of test_report_data.json (texts without the series behind them).
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quant_assets.performance.metrics import metrics, metrics_of_many
from quant_assets.performance.rolling import Rolling


@pytest.fixture(scope="module")
def lean(test_data: Path) -> Path:
    return test_data / "ref_ta_lean"


def changes(close: np.ndarray) -> np.ndarray:
    """Returns, the first missing."""
    values: np.ndarray = np.concatenate([[np.nan], close[1:] / close[:-1] - 1])
    return values


def windows(returns: np.ndarray, length: int) -> np.ndarray:
    """Each window as a column, shape (length, windows)."""
    return np.lib.stride_tricks.sliding_window_view(returns, length).T.copy()


def known_equal(actual: np.ndarray, expected: "pd.Series[float]", rtol: float, least: int) -> None:
    there = np.isfinite(actual) & expected.notna().to_numpy()
    assert there.sum() >= least
    np.testing.assert_allclose(actual[there], expected.to_numpy()[there], rtol, 1e-9)


def test_sharpe(lean: Path) -> None:
    rows = pd.read_csv(lean / "spy_sr.txt")
    ours = Rolling(changes(rows["close"].to_numpy()), 10, annualization=1).sharpe
    # Its prices were rounded to cents after the ratio had been computed.
    known_equal(ours * math.sqrt(10 / 9), rows["SR_10"], 1e-3, 67)


@pytest.mark.parametrize("rate", ["0", "0.01"])
def test_sortino(lean: Path, rate: str) -> None:
    rows = pd.read_csv(lean / "spy_sortino.csv")
    ours = Rolling(changes(rows["close"].to_numpy()), 15, None, float(rate), 1).sortino
    known_equal(ours, rows[f"sortino_rf_{rate}_period_15"], 1e-8, 62)


def test_value_at_risk(lean: Path) -> None:
    rows = pd.read_csv(lean / "spy_valueatrisk.csv")
    found = metrics_of_many(windows(rows["returns"].to_numpy(float)[1:], 252))
    for level in (95, 99):
        ours = found[f"value_at_risk_gaussian_{level}"]
        known_equal(ours, rows[f"VaR_{level}"].iloc[252:], 1e-12, 5000)


def test_target_downside_deviation(lean: Path) -> None:
    rows = pd.read_csv(lean / "spy_tdd.csv")
    returns = changes(rows["close"].to_numpy(float))[1:]
    ours = metrics_of_many(windows(returns, 3), annualization=1)["downside_deviation"]
    known_equal(ours, rows["tdd"].iloc[3:], 1e-12, 5000)


@pytest.mark.parametrize(
    ("file", "column"), [("alpha_indicator_datatest.csv", "Alpha"), ("bi_datatest.csv", "Beta")]
)
def test_alpha_and_beta(lean: Path, file: str, column: str) -> None:
    rows = pd.read_csv(lean / file)
    own, index = (rows[rows["Symbol"] == name].set_index("Date") for name in ("AMZN", "SPX"))
    returns, benchmark = (changes(side["Adj Close"].to_numpy()) for side in (own, index))
    if column == "Alpha":
        ours = Rolling(returns, 5, benchmark, 0.0, 1).alpha
    else:
        ours = Rolling(returns, 5, benchmark).beta
    known_equal(ours, index[column], 1e-7, 20)


def test_correlation(lean: Path) -> None:
    rows = pd.read_csv(lean / "spy_qqq_corr.csv")
    both = rows.pivot(index="Date", columns="Symbol", values="Close")
    expected = rows[rows["Symbol"] == "QQQ"].set_index("Date")["Correlation_Pearson"]
    ours = Rolling(both["SPY"].to_numpy(), 252, both["QQQ"].to_numpy()).correlation
    known_equal(ours, expected.reindex(both.index).replace(0.0, np.nan), 1e-9, 3700)


def test_gross_leverage_is_the_exposure(test_data: Path) -> None:
    """pyfolio's gross leverage of its positions, by day, has the mean that `exposure` tells."""
    folder = test_data / "ref_pyfolio"
    positions = pd.read_csv(folder / "test_pos.csv.gz", index_col=0)
    leverage = pd.read_csv(folder / "test_gross_lev.csv.gz", header=None, index_col=0)[1]
    weights = positions.drop(columns="cash").abs().sum(axis=1) / positions.sum(axis=1)
    both = leverage.reindex(weights.index)
    np.testing.assert_allclose(weights, both, rtol=1e-9)
    days = len(weights)
    actual = metrics(np.zeros(days), exposure=weights.to_numpy())
    assert actual["exposure"] == pytest.approx(both.mean())
