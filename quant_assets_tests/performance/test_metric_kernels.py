"""The compiled pass against literal loops, on short series full of edges."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.performance import metric_kernels as kernels
from quant_assets.performance.metrics import metrics
from quant_assets.performance.sample import make_sample

RETURNS = st.lists(
    st.one_of(
        st.sampled_from([0.0, 0.01, -0.01, 0.5, -0.5, -1.0, math.nan]),
        st.floats(-0.2, 0.2).map(lambda value: round(value, 4)),
    ),
    min_size=1,
    max_size=40,
)


def until_ruin(values: list[float]) -> list[float]:
    """A series ends with its capital: NaN from there on."""
    end = next((k for k, each in enumerate(values) if each <= -1), len(values))
    return [each if k <= end else math.nan for k, each in enumerate(values)]


def below(returns: list[float]) -> list[float]:
    value = peak = 1.0
    found = []
    for each in returns:
        value *= 1 + each
        peak = max(peak, value)
        found.append(value / peak - 1)
    return found


@settings(max_examples=150, deadline=None)
@given(RETURNS, st.integers(0, 2**31))
def test_drawdowns_and_periods_word_by_word(values: list[float], seed: int) -> None:
    gaps = np.random.default_rng(seed).integers(1, 40, len(values))
    dates = np.datetime64("2018-12-20") + np.cumsum(gaps)
    actual = metrics(values, dates=dates)
    lived = until_ruin(values)
    known = [(day, each) for day, each in zip(dates, lived, strict=True) if not math.isnan(each)]
    if not known:
        return
    days, returns = zip(*known, strict=True)
    falls = below(list(returns))
    runs: list[list[int]] = []
    for k, fall in enumerate(falls):
        if fall < 0 and (k == 0 or falls[k - 1] == 0):
            runs.append([k])
        elif fall < 0:
            runs[-1].append(k)
    spans = [(days[run[-1]] - days[run[0]]).astype(int) + 1 for run in runs]
    expected = {
        "drawdown_count": len(runs),
        "max_drawdown": min(falls),
        "longest_drawdown_sessions": max((len(run) for run in runs), default=0),
        "longest_drawdown_days": max(spans, default=0),
        "average_drawdown_sessions": np.mean([len(run) for run in runs]) if runs else math.nan,
        "average_drawdown": np.mean([min(falls[k] for k in run) for run in runs])
        if runs
        else math.nan,
        "average_drawdown_days": np.mean(spans) if runs else math.nan,
        "current_drawdown": falls[-1],
        "ulcer_index": math.sqrt(np.mean(np.square(falls))),
    }
    when = pd.DatetimeIndex(days)
    growth = pd.Series(1 + np.array(returns), when)
    for kind, code in (("week", "W-SUN"), ("month", "M"), ("quarter", "Q"), ("year", "Y")):
        earned = growth.groupby(when.to_period(code)).prod() - 1
        expected[f"best_{kind}"] = earned.max()
        expected[f"worst_{kind}"] = earned.min()
        expected[f"win_rate_by_{kind}"] = (earned > 0).mean()
    for name, value in expected.items():
        assert actual[name] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name


@settings(max_examples=60, deadline=None)
@given(RETURNS, st.integers(0, 2**31))
def test_runs_and_tails_word_by_word(values: list[float], seed: int) -> None:
    actual = metrics(values)
    known = np.array([each for each in until_ruin(values) if not math.isnan(each)])
    if not len(known):
        return
    signs = "".join("+" if each > 0 else "-" if each < 0 else "0" for each in known)
    assert actual["consecutive_wins"] == max(map(len, signs.replace("-", "0").split("0")))
    assert actual["consecutive_losses"] == max(map(len, signs.replace("+", "0").split("0")))
    for name, share in (("value_at_risk", 5), ("value_at_risk_99", 1)):
        assert actual[name] == pytest.approx(np.percentile(known, share), rel=1e-12, abs=1e-15)
    lowest = np.sort(known)[: int((len(known) - 1) * 0.05) + 1]
    assert actual["expected_shortfall"] == pytest.approx(lowest.mean(), abs=1e-15)


def test_every_column_is_written() -> None:
    """No figure is left as it was found: the fields fill the row, and a long series fills them."""
    random = np.random.default_rng(0)
    out = np.full((1, kernels.WIDTH), 123456.0)
    rows = random.normal(0, 0.01, (1, 3000))
    index = random.normal(0, 0.01, 3000)
    days = np.arange(3000)
    kernels.measure(
        rows,
        np.sort(rows, axis=1),
        rows,
        np.zeros(3000),
        np.zeros(3000),
        index,
        np.argsort(index),
        days,
        np.stack([days // 7, days // 30, days // 90, days // 365]),
        np.full(kernels.SPANS, 2000),
        out,
    )
    assert (out != 123456.0).all()
    names = [name for name in dir(kernels) if name.isupper() and not name.startswith("_")]
    assert {"OWN", "FRAGILITY", "WIDTH"} <= set(names)
    sample = make_sample(rows.T, index, 0.0, 252, None, None, None)
    assert sample.fragility.shape == (1,)
    assert sample.own.count[0] == sample.paired.count[0] == 3000


def test_sums_keep_their_accuracy_far_from_zero() -> None:
    """Deviations are taken about the mean: a large offset costs no digits of the variance."""
    noise = np.random.default_rng(1).normal(0, 1e-3, 60)
    plain, shifted = metrics(noise), metrics(noise + 1000.0)
    for name in ("volatility", "skewness", "excess_kurtosis", "autocorrelation"):
        assert shifted[name] == pytest.approx(plain[name], rel=1e-6), name
