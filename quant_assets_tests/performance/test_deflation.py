"""Luck: the published worked examples, and cross-validation against a literal computation."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats

from quant_assets.performance.deflation import (
    Overfitting,
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    probability_of_overfitting,
    sharpe_error,
)
from quant_assets.performance.metrics import metrics

MONTH, WEEK, DAY = math.sqrt(12), math.sqrt(52), math.sqrt(250)


def test_the_probabilistic_sharpe_ratio_of_the_paper() -> None:
    """Two years of months, annual 1.59, skewness -2.448, kurtosis 10.164: 0.982, in truth 0.913."""
    assert probabilistic_sharpe(1.59 / MONTH, 24) == pytest.approx(0.982, abs=5e-4)
    # The paper's monthly ratio has three digits: 0.458.
    assert probabilistic_sharpe(0.458, 24, -2.448, 10.164) == pytest.approx(0.913, abs=5e-4)
    # More digits of the same example, as the tests of the library pypbo have them.
    assert probabilistic_sharpe(1.585 / MONTH, 24, -2.448, 10.164) == pytest.approx(
        0.91323430688486, rel=1e-12
    )


def test_the_track_records_of_the_paper() -> None:
    """Years until an annual 2 is above an annual 1 at 95 %: 2.73 by day, 2.83 by week, 3.24 by
    month; 4.99 by month with skewness -0.72 and kurtosis 5.78. An annual 3 above a 2.5: 27.35."""
    for root, years in ((DAY, 2.73), (WEEK, 2.83), (MONTH, 3.24)):
        sessions = minimum_track_record(2 / root, benchmark_sharpe=1 / root)
        assert sessions / root**2 == pytest.approx(years, abs=5e-3)
    sessions = minimum_track_record(2 / MONTH, -0.72, 5.78, 1 / MONTH)
    assert sessions / 12 == pytest.approx(4.99, abs=5e-3)
    sessions = minimum_track_record(3 / MONTH, -0.72, 5.78, 2.5 / MONTH)
    assert sessions / 12 == pytest.approx(27.352920196040301, rel=1e-12)
    assert math.isnan(minimum_track_record(0.1, benchmark_sharpe=0.1))


def test_the_track_record_is_where_the_probability_reaches_the_confidence() -> None:
    sessions = minimum_track_record(0.05, -0.5, 6.0, 0.01, confidence=0.9)
    assert probabilistic_sharpe(0.05, sessions, -0.5, 6.0, 0.01) == pytest.approx(0.9)


def test_the_deflated_sharpe_ratio_of_the_paper() -> None:
    """Five years of days, annual 2.5, skewness -3, kurtosis 10, the best of 100 trials whose annual
    ratios have the variance 1/2: 0.1132 is the bar and 0.9004 the result; of 46 trials 0.9505, and
    so many as 88 if returns were normal."""
    variance = 0.5 / 250
    assert expected_maximum_sharpe(100, variance) == pytest.approx(0.1132, abs=5e-5)
    told = (2.5 / DAY, 1250)
    assert deflated_sharpe(*told, -3, 10, 100, variance) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(*told, -3, 10, 100, variance) == pytest.approx(
        0.90039683444939, rel=1e-12
    )
    assert deflated_sharpe(*told, -3, 10, 46, variance) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(*told, 0, 3, 88, variance) == pytest.approx(0.9505, abs=5e-5)


def test_the_metric_is_the_function_of_its_moments() -> None:
    returns = np.random.default_rng(3).standard_t(5, 900) * 0.01 + 0.0006
    excess = returns - (1.02 ** (1 / 252) - 1)
    expected = deflated_sharpe(
        excess.mean() / excess.std(ddof=1),
        900,
        scipy.stats.skew(excess, bias=False),
        scipy.stats.kurtosis(excess, bias=False) + 3,
        30,
        1e-3,
    )
    actual = metrics(returns, risk_free=0.02, trials=30, variance_of_sharpes=1e-3)
    assert actual["deflated_sharpe"] == pytest.approx(float(expected), rel=1e-12)
    assert actual["deflated_sharpe"] < actual["probabilistic_sharpe"]
    once = metrics(returns, risk_free=0.02, trials=1, variance_of_sharpes=0.0)
    assert once["deflated_sharpe"] == pytest.approx(once["probabilistic_sharpe"])


def test_the_best_of_worthless_trials() -> None:
    """The expected maximum is what a simulation has, within its own approximation."""
    random = np.random.default_rng(0)
    best = random.normal(0, 0.05, (4000, 50)).max(axis=1).mean()
    assert expected_maximum_sharpe(50, 0.05**2) == pytest.approx(best, rel=0.02)
    assert expected_maximum_sharpe(1, 1.0) == expected_maximum_sharpe(1, math.nan) == 0.0
    for trials, variance in ((0, 1.0), (math.nan, 1.0), (10, math.nan), (10, -1.0)):
        assert math.isnan(expected_maximum_sharpe(trials, variance))


def test_the_error_of_a_sharpe_ratio() -> None:
    """Of normal returns the root of (1 + SR² / 2) / (T - 1), as a simulation has it."""
    assert sharpe_error(0.1, 101, 0.0, 3.0) == pytest.approx(math.sqrt((1 + 0.005) / 100))
    assert math.isnan(sharpe_error(0.1, 1, 0.0, 3.0))
    returns = np.random.default_rng(1).normal(0.1, 1, (4000, 101))
    spread = (returns.mean(axis=1) / returns.std(axis=1, ddof=1)).std()
    assert sharpe_error(0.1, 101, 0.0, 3.0) == pytest.approx(spread, rel=0.05)


def literal(returns: np.ndarray, blocks: int) -> dict[str, Any]:
    """Cross-validation word by word."""
    length = len(returns) // blocks
    parts = np.split(returns[len(returns) - length * blocks :], blocks)
    logits, inside, outside, chosen = [], [], [], []
    for half in combinations(range(blocks), blocks // 2):
        sample = np.concatenate([parts[k] for k in half])
        test = np.concatenate([parts[k] for k in range(blocks) if k not in half])
        first = sample.mean(axis=0) / sample.std(axis=0, ddof=1)
        second = test.mean(axis=0) / test.std(axis=0, ddof=1)
        best = int(np.argmax(first))
        rank = scipy.stats.rankdata(second)[best] / (returns.shape[1] + 1)
        logits.append(math.log(rank / (1 - rank)))
        inside.append(first[best])
        outside.append(second[best])
        chosen.append(best)
    return {
        "logits": logits,
        "in_sample": inside,
        "out_of_sample": outside,
        "chosen": chosen,
        "probability": np.mean(np.array(logits) <= 0),
        "probability_of_loss": np.mean(np.array(outside) < 0),
        "slope": scipy.stats.linregress(inside, outside).slope,
    }


@pytest.mark.parametrize(("days", "trials", "blocks"), [(100, 7, 6), (107, 4, 8), (64, 2, 2)])
def test_cross_validation_word_by_word(
    days: int, trials: int, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    returns = np.random.default_rng(days).normal(0.02, 1, (days, trials))
    returns[:, 1] = returns[:, 0]  # equal trials share their rank
    expected = literal(returns, blocks)
    for cells in (2_000_000, 3 * trials):  # in one product, and in several
        monkeypatch.setattr("quant_assets.performance.deflation._AT_ONCE", cells)
        actual = probability_of_overfitting(returns, blocks)
        for name, values in expected.items():
            np.testing.assert_allclose(getattr(actual, name), values, rtol=1e-9, err_msg=name)


def normals_of_r(seed: int, count: int) -> np.ndarray:
    """What `set.seed(seed); rnorm(count)` draws in R: Mersenne Twister and inversion, its defaults.

    The seed fills the generator's state by a congruential sequence; a draw takes two numbers, the
    first for the 27 leading bits (R's RNG.c and snorm.c).
    """
    sequence = []
    for _ in range(50 + 625):
        seed = (69069 * seed + 1) % 2**32
        sequence.append(seed)
    generator = np.random.MT19937()
    generator.state = {
        "bit_generator": "MT19937",
        "state": {"key": np.array(sequence[51:], np.uint32), "pos": 624},
    }
    uniform = generator.random_raw(2 * count) * 2.3283064365386963e-10
    normals: np.ndarray = scipy.special.ndtri(
        (np.floor(2**27 * uniform[::2]) + uniform[1::2]) / 2**27
    )
    return normals


def line_of(found: Overfitting) -> tuple[float, float]:
    """Intercept and adjusted R² of the ratios in sample over those out of sample, which the R
    package pbo reports (under the name `slope` the intercept)."""
    fit = scipy.stats.linregress(found.out_of_sample, found.in_sample)
    splits = len(found.logits)
    return fit.intercept, 1 - (1 - fit.rvalue**2) * (splits - 1) / (splits - 2)


def test_the_published_example_of_overfitting() -> None:
    """The vignette of the R package pbo (CRAN), a hundred worthless trials drawn from seed 765:
    probability 1, intercept -0.0030456, adjusted R² 0.97, probability of loss 1."""
    assert normals_of_r(42, 3) == pytest.approx([1.37095845, -0.56469817, 0.36312841])
    drawn = normals_of_r(765, 2400 * 100).reshape(100, 2400).T
    scaled = drawn / math.sqrt(252) / drawn.std(axis=0, ddof=1)
    found = probability_of_overfitting(scaled - scaled.mean(axis=0) - 0.03 / 252, blocks=8)
    intercept, r_squared = line_of(found)
    assert found.probability == 1.0
    assert found.probability_of_loss == 1.0
    assert float(f"{intercept:.5g}") == -0.0030456
    assert float(f"{r_squared:.2g}") == 0.97


def test_the_small_examples_of_overfitting() -> None:
    """Those of the tests of the R package pbo, drawn from seed 852."""
    found = probability_of_overfitting(normals_of_r(852, 8000).reshape(200, 40) - 0.03 / 252, 4)
    intercept, r_squared = line_of(found)
    assert len(found.logits) == 6
    assert found.probability == found.probability_of_loss == 0.5
    assert 0.19 < intercept < 0.20
    assert -0.24 < r_squared < -0.22
    least = probability_of_overfitting(normals_of_r(852, 80).reshape(20, 4) - 0.03 / 252, 2)
    assert (least.probability, least.probability_of_loss) == (0.0, 0.5)


def centred(days: int, trials: int, annual: float, random: np.random.Generator) -> np.ndarray:
    """Normal trials as in the paper's simulations: each scaled to a Sharpe ratio of 0 over all
    days, the first to a higher one."""
    returns: np.ndarray = random.normal(size=(days, trials))
    returns = (returns - returns.mean(axis=0)) / returns.std(axis=0, ddof=1)
    returns[:, 0] += annual / DAY
    return returns


def by_simulation(days: int, trials: int, annual: float, random: np.random.Generator) -> float:
    """How often the best mean of one half ranks low in the other, in trials scaled alike."""
    merit = np.zeros(trials)
    merit[0] = annual / DAY
    off = random.normal(0, 1 / math.sqrt(days), (5000, trials))  # what one half has, other lacks
    best = np.argmax(merit + off, axis=1)
    test = merit - off
    rank = (test <= test[np.arange(5000), best][:, None]).sum(axis=1)
    return float(np.mean(rank <= (trials + 1) / 2))


def test_overfitting_of_the_paper() -> None:
    """Trials without any merit over all days: what is best in one half is worst in the other, and
    the probability is 1 at every length and number of trials; 16 blocks make 12,870 splits."""
    random = np.random.default_rng(7)
    for days, trials in ((500, 100), (1000, 50)):
        found = probability_of_overfitting(centred(days, trials, 0.0, random))
        assert len(found.logits) == math.comb(16, 8) == 12_870
        assert found.probability == 1.0
        assert found.slope == pytest.approx(-1.0, abs=0.15)


@pytest.mark.parametrize("annual", [1.0, 2.0])
def test_overfitting_is_as_frequent_as_in_a_simulation(annual: float) -> None:
    random = np.random.default_rng(8)
    found = [
        probability_of_overfitting(centred(500, 100, annual, random)).probability for _ in range(6)
    ]
    expected = by_simulation(500, 100, annual, random)
    assert np.mean(found) == pytest.approx(expected, abs=0.04)
    assert 0.3 < expected < 0.95


def test_a_planted_strategy_is_no_overfitting() -> None:
    returns = np.random.default_rng(2).normal(0, 1, (800, 30))
    returns[:, 11] += 0.25
    found = probability_of_overfitting(returns, 8)
    assert found.probability == 0.0
    assert (found.chosen == 11).all()
    assert found.probability_of_loss == 0.0
    noise = probability_of_overfitting(np.random.default_rng(3).normal(0, 1, (800, 30)), 8)
    assert noise.probability > 0.2


def test_a_trial_that_never_trades_has_no_ratio() -> None:
    returns = np.random.default_rng(2).normal(0.5, 1, (80, 3))
    returns[:, 2] = 0.1
    found = probability_of_overfitting(returns, 4)
    assert 2 not in found.chosen
    flat = probability_of_overfitting(np.full((80, 2), 0.01), 4)
    assert math.isnan(flat.slope)


@pytest.mark.parametrize(
    ("returns", "blocks", "message"),
    [
        (np.zeros((50, 1)), 4, "at least 2 trials"),
        (np.zeros(50), 4, r"must have the shape \(T, trials\)"),
        (np.zeros((50, 2)), 5, "blocks must be an even number"),
        (np.zeros((15, 2)), 8, "8 blocks need at least 16 sessions. Got 15"),
        (np.full((50, 2), np.nan), 4, "returns must be finite"),
    ],
)
def test_bad_trials(returns: np.ndarray, blocks: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        probability_of_overfitting(returns, blocks)


def test_hardly_more_than_one_trial_is_no_head_start() -> None:
    """An estimate of independent trials may be 1.01; the formula for many is then below 0."""
    assert expected_maximum_sharpe(1.01, 0.5) == 0.0
    assert 0 < expected_maximum_sharpe(1.5, 0.5) < expected_maximum_sharpe(2, 0.5)
