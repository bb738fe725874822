"""The gate: fifty leaky and fifty clean expressions told apart, and each step's own verdict."""

from collections.abc import Iterator

import numpy as np
import pytest

from quant_assets.factors.catalogue import Catalogue, Factor, Library, built_in
from quant_assets.factors.expressions.plan import plan
from quant_assets.factors.gate import Rules, Verdict, judge
from quant_assets.factors.market_fields import MarketFields
from quant_assets.factors.point_in_time import random_panel
from quant_assets_tests.factors.leaky import LEAKY, leaky_operators
from quant_assets_tests.factors.samples import sessions

NEGATIVE = (
    "delay(close, -1)",
    "rank(delta(close, -2))",
    "ts_mean(returns, -5)",
    "correlation(close, delay(volume, 0 - 1), 10)",
    "ts_max(high, -(3)) / close - 1",
)
CLEAN = (
    "rank(-delta(close, 5))",
    "-1 * correlation(rank(open), rank(volume), 10)",
    "ts_rank(volume, 20) * ts_rank(-returns, 10)",
    "group_neutralize(ts_mean(returns, 10), sector)",
    "x = volume / ts_mean(volume, 20); rank(x) * sign(delta(close, 1))",
    "decay_linear(rank(vwap - close), 8)",
    "ts_std_dev(returns, 20)",
    "close > delay(close, 1) ? volume : -volume",
    "scale(ts_zscore(close, 15))",
    "ts_arg_max(high, 12) - ts_arg_min(low, 12)",
    "sma(close, 13, 2) / close - 1",
    "ts_slope(log(close), 20)",
    "ts_rsquare(close, 15)",
    "ts_percentile(close, 20, 0.8) / close",
    "(close - open) / (high - low + 0.001)",
    "min(rank(open), rank(low)) - max(rank(high), rank(close))",
    "ts_covariance(returns, delta(volume, 1), 12)",
    "log(high / low) ^ 2",
    "signedpower(returns, 0.5)",
    "ts_skewness(returns, 30)",
    "ts_kurtosis(returns, 30)",
    "ts_sum(returns > 0, 12) / 12",
    "adv20 / adv60",
    "zscore(log(turnover))",
    "winsorize(returns, std=3)",
    "group_rank(returns, industry)",
    "indneutralize(vwap, IndClass.subindustry) / close",
    "ts_backfill(close, 5)",
    "ts_product(1 + returns, 5) - 1",
    "delay(ts_max(high, 10), 3) / close",
    "ts_count(close > open, 10)",
    "sumif(volume, 10, close > delay(close, 1))",
    "ts_beta(returns, benchmark_close / delay(benchmark_close, 1) - 1, 40)",
    "ts_residual(close, 10) / close",
    "abs(ts_av_diff(close, 10))",
    "ts_decay_exp_window(returns, 10, 0.9)",
    "quantile(returns)",
    "normalize(returns)",
    "ts_median(close, 9) / close",
    "ts_scale(close, 14)",
    "truncate(rank(volume), 0.5)",
    "vector_neut(returns, rank(volume))",
    "wma(returns, 10)",
    "ts_min(low, 20) / ts_max(high, 20)",
    "is_nan(delay(close, 3)) ? 0 : 1 + rank(close)",
    "kth_element(close, 5, 2) / close",
    "ts_ir(returns, 20)",
    "inverse(close) + sqrt(volume) * 0",
    "not(close > open) && volume > 0",
    "sigmoid(ts_zscore(volume, 20))",
)


@pytest.fixture
def nothing() -> Catalogue:
    return Catalogue([])


@pytest.fixture
def leaking() -> Iterator[None]:
    with leaky_operators():
        yield


def failed(verdict: Verdict) -> set[str]:
    return {finding.step for finding in verdict.findings if finding.passed is False}


def made_up(rows: int, symbols: int = 24) -> MarketFields:
    panel = random_panel(rows, symbols, seed=11)
    names = np.array([f"S{k:02d}" for k in range(symbols)], object)
    return MarketFields(sessions(rows), names, panel, np.isfinite(panel["close"]), ())


def test_there_are_fifty_of_each() -> None:
    assert len(set(LEAKY)) == 50
    assert len(set(CLEAN)) == 50


@pytest.mark.usefixtures("leaking")
@pytest.mark.parametrize("text", LEAKY)
def test_a_leaky_expression_is_caught(nothing: Catalogue, text: str) -> None:
    verdict = judge(text, nothing)
    assert not verdict.passed
    assert failed(verdict) == {"future, made-up market"}


@pytest.mark.parametrize("text", NEGATIVE)
def test_a_negative_window_is_caught_before_anything_is_computed(
    nothing: Catalogue, text: str
) -> None:
    verdict = judge(text, nothing)
    assert failed(verdict) == {"syntax and types"}
    assert "would read the future" in verdict.findings[0].detail


@pytest.mark.parametrize("text", CLEAN)
def test_a_clean_expression_passes(nothing: Catalogue, text: str) -> None:
    verdict = judge(text, nothing)
    assert verdict.passed, verdict.findings
    assert verdict.lookback == plan({"x": text}).lookback


def test_the_real_market_is_asked_as_well(nothing: Catalogue) -> None:
    verdict = judge("rank(delta(close, 5))", nothing, made_up(200))
    passed = {finding.step: finding.passed for finding in verdict.findings}
    assert passed["future, real market"] is True
    assert passed["coverage"] is True
    short = judge("rank(delta(close, 25))", nothing, made_up(26))
    assert any("fewer sessions" in finding.detail for finding in short.findings)


def test_too_few_values_do_not_pass(nothing: Catalogue) -> None:
    market = made_up(200)
    market.fields["cap"][:, 4:] = np.nan
    verdict = judge("rank(cap)", nothing, market)
    assert failed(verdict) == {"coverage"}
    assert judge("rank(cap)", nothing, market, Rules(coverage=0.1)).passed


def test_an_expression_without_any_value_proves_nothing(nothing: Catalogue) -> None:
    assert failed(judge("close / 0", nothing)) == {"future, made-up market"}


def test_what_is_there_already_is_named() -> None:
    factor = Factor("old", "mine", "momentum", "rank(delta(close, 5))", "test")
    known = Catalogue([Library("mine", "Mine", "test", (factor,))])
    market = made_up(200)
    same = judge("x = delta(close, d=5.5); rank(rank(x))", known, market)
    assert failed(same) == {"duplicate by form", "duplicate by values"}
    assert "old of mine" in same.findings[-2].detail
    alike = judge("2 * rank(-1 * delta(close, 5)) + 1", known, market)
    assert failed(alike) == {"duplicate by values"}
    assert judge("rank(delta(close, 6))", known, market).passed


def test_odd_units_are_remarked_and_do_not_decide(nothing: Catalogue) -> None:
    verdict = judge("close + volume", nothing)
    finding = next(each for each in verdict.findings if each.step == "units")
    assert finding.passed is None
    assert finding.detail == "add of a price and shares"
    assert verdict.passed


def test_a_constant_and_a_slip_get_no_further(nothing: Catalogue) -> None:
    assert "it is constant" in judge("1 + 2", nothing).findings[0].detail
    assert "did you mean close" in judge("clsoe", nothing).findings[0].detail


def test_every_library_factor_is_clean_of_the_future() -> None:
    """The libraries as one plan: every factor of each, by the same test as the gate's."""
    from quant_assets.factors.point_in_time import ROOM, compared, leaks

    for library in built_in():
        chosen = plan(library.expressions)
        panel = random_panel(chosen.lookback + ROOM)
        assert leaks(chosen, panel) == [], library.name
        shares = compared(chosen, panel)
        silent = [name for name, share in shares.items() if share == 0.0]
        assert silent == [], library.name
