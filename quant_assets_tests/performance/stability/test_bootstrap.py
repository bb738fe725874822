"""The bootstrap of Sharpe ratios: against a literal one, known errors, and known block lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.performance.stability import bootstrap_kernels
from quant_assets.performance.stability.bootstrap import (
    LEAST_SESSIONS,
    block_length,
    sharpe_interval,
)

WORD = 2**64 - 1


def reference(values: list[float], block: float, seed: int, count: int) -> list[float]:
    """Resamples written down as the paper says them, day by day."""
    state = seed

    def uniform() -> float:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & WORD
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
        return ((z ^ (z >> 31)) >> 11) / 2**53

    ratios = []
    for _ in range(count):
        sample: list[float] = []
        while len(sample) < len(values):
            start = int(uniform() * len(values))
            length = 1
            if block > 1:
                drawn = np.log1p(-uniform()) / np.log1p(-1 / block)
                length = 1 + int(min(drawn, len(values)))
            sample += [values[(start + k) % len(values)] for k in range(length)]
        kept = np.array(sample[: len(values)])
        same = kept.min() == kept.max()  # one day again and again has no deviation
        ratios.append(np.nan if same else float(kept.mean() / kept.std(ddof=1)))
    return ratios


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 60),
    st.sampled_from([1.0, 1.5, 7.0, 500.0]),
    st.integers(0, WORD),
    st.floats(-1, 1),
)
def test_the_kernel_against_a_literal_bootstrap(
    days: int, block: float, seed: int, centre: float
) -> None:
    values = np.random.default_rng(days).normal(centre, 1.0, days)
    drawn = np.full(20, np.nan)
    bootstrap_kernels.resampled_sharpes(values, block, np.uint64(seed), drawn)
    expected = np.array(reference(values.tolist(), block, seed, 20))
    np.testing.assert_allclose(drawn, expected, rtol=1e-7, atol=1e-7)


def test_independent_days_give_the_known_error_of_the_sharpe_ratio() -> None:
    values = np.random.default_rng(1).normal(0.05, 1.0, 4000)
    found = sharpe_interval(values, 252, 4000, 1.0, 3)
    assert found is not None
    daily = values.mean() / values.std(ddof=1)
    assert found.sharpe == pytest.approx(daily * np.sqrt(252), rel=1e-12)
    error = np.sqrt((1 + daily**2 / 2) / len(values)) * np.sqrt(252)  # Lo (2002)
    assert found.deviation == pytest.approx(error, rel=0.05)
    assert found.upper - found.lower == pytest.approx(2 * 1.96 * error, rel=0.06)
    assert found.below_zero < 0.01


def test_blocks_widen_the_interval_of_dependent_days() -> None:
    noise = np.random.default_rng(2).normal(0.0, 1.0, 3000)
    values = noise.copy()
    for t in range(1, len(values)):
        values[t] = 0.5 * values[t - 1] + noise[t]
    single, blocks = (sharpe_interval(values, 252, 2000, block, 3) for block in (1.0, None))
    assert single is not None
    assert blocks is not None
    assert blocks.block > 5
    # the long-run deviation of the mean is sqrt((1 + 0.5) / (1 - 0.5)) times that of single days
    assert blocks.deviation / single.deviation == pytest.approx(np.sqrt(3), rel=0.15)


def test_the_block_of_an_autoregression_is_that_of_theory() -> None:
    lengths = []
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(0.0, 1.0, 10_000)
        values = noise.copy()
        for t in range(1, len(values)):
            values[t] = 0.5 * values[t - 1] + noise[t]
        lengths.append(block_length(values))
    # G / long-run variance is 4/3 for a coefficient of 1/2
    assert np.mean(lengths) == pytest.approx(((4 / 3) ** 2 * 10_000) ** (1 / 3), rel=0.15)
    assert block_length(np.random.default_rng(0).normal(0, 1, 10_000)) < 6


def test_the_same_seed_gives_the_same_bits_and_another_another() -> None:
    values = np.random.default_rng(4).normal(0.0, 0.01, 500)
    first, again, other = (sharpe_interval(values, 252, 200, 10.0, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_what_cannot_be_told() -> None:
    assert sharpe_interval(np.ones(LEAST_SESSIONS), 252, 100, None, 1) is None
    short = np.random.default_rng(0).normal(size=LEAST_SESSIONS - 1)
    assert sharpe_interval(short, 252, 100, None, 1) is None
    with pytest.raises(ValueError, match=r"excess must be finite .* Got NaN"):
        sharpe_interval(np.full(100, np.nan), 252, 100, None, 1)
    with pytest.raises(ValueError, match=r"block must be at least 1 session. Got 0.5"):
        sharpe_interval(np.arange(100.0), 252, 100, 0.5, 1)
