"""Windows along time for factors: the checked way to the kernels.

Here stand shapes, types, the share of valid sessions a window needs, and the threads. Every
function takes float64 arrays (symbols, sessions) with NaN for missing and returns NaN where a
window has too few valid sessions; a window ends on the day (or `ago` sessions before it).
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from quant_assets.factors.inputs import FactorInputs, FloatArray

# The share of its sessions that a window needs: a factor of fewer days is not the factor.
MINIMUM_SHARE = (2, 3)


def needed(window: int) -> int:
    """Valid sessions that a window needs at least."""
    return math.ceil(MINIMUM_SHARE[0] * window / MINIMUM_SHARE[1])


def mean(inputs: FactorInputs, values: FloatArray, window: int, ago: int = 0) -> FloatArray:
    """Mean of the window that ended `ago` sessions before the day."""
    from quant_assets.factors import kernels

    out = np.full(inputs.shape, np.nan)
    settings = (window, ago, needed(window), inputs.first)
    _by_symbols(inputs, kernels.window_mean, (values,), settings, out)
    return out


def maximum(inputs: FactorInputs, values: FloatArray, window: int) -> FloatArray:
    """Largest value of the window."""
    from quant_assets.factors import kernels

    out = np.full(inputs.shape, np.nan)
    settings = (window, needed(window), inputs.first)
    _by_symbols(inputs, kernels.window_maximum, (values,), settings, out)
    return out


def moments(inputs: FactorInputs, values: FloatArray, window: int) -> FloatArray:
    """Standard deviation (ddof=1), skewness and excess kurtosis, (symbols, 3, sessions).

    Skewness is the adjusted Fisher-Pearson G1, kurtosis the unbiased G2 (Joanes & Gill 1998), as in
    pandas; both are missing for a constant window.
    """
    from quant_assets.factors import kernels

    out = np.full((len(inputs.symbols), 3, len(inputs.dates)), np.nan)
    settings = (window, needed(window), inputs.first)
    _by_symbols(inputs, kernels.window_moments, (values,), settings, out)
    return out


def pair(inputs: FactorInputs, x: FloatArray, y: FloatArray, window: int) -> FloatArray:
    """Covariance (ddof=1) and correlation over sessions that have both, (symbols, 2, sessions)."""
    from quant_assets.factors import kernels

    out = np.full((len(inputs.symbols), 2, len(inputs.dates)), np.nan)
    settings = (window, needed(window), inputs.first)
    _by_symbols(inputs, kernels.window_pair, (x, y), settings, out)
    return out


def strength(inputs: FactorInputs, changes: FloatArray, window: int) -> FloatArray:
    """100 x gains / (gains + losses) of the window; missing where nothing moved."""
    from quant_assets.factors import kernels

    out = np.full(inputs.shape, np.nan)
    settings = (window, needed(window), inputs.first)
    _by_symbols(inputs, kernels.window_strength, (changes,), settings, out)
    return out


def market_model(inputs: FactorInputs, window: int, recent: int) -> dict[str, FloatArray]:
    """The market model r = alpha + beta m + e of each window, name -> (symbols, sessions).

    `beta`; `volatility` of e (ddof=2); `skewness` of e (G1); `downside_beta` over the sessions with
    m below its mean of the window, at least a third of the needed ones; `coskewness`
    E[e (m - E m)²] / (sd(e) var(m)); `residual_momentum`, mean / sd of r - beta m over the window
    without its `recent` last sessions. All missing where the market did not move.
    """
    from quant_assets.factors import kernels

    names = (
        "beta",
        "volatility",
        "skewness",
        "downside_beta",
        "coskewness",
        "residual_momentum",
    )
    out = np.full((len(inputs.symbols), len(names), len(inputs.dates)), np.nan)
    minimum = needed(window)
    settings = (window, minimum, needed(minimum) // 2, recent, needed(window - recent))
    market = np.ascontiguousarray(inputs.benchmark_returns)

    def kernel(returns: FloatArray, *rest: Any) -> None:
        kernels.market_model(returns, market, *rest)

    _by_symbols(inputs, kernel, (inputs.returns,), (*settings, inputs.first), out)
    return {name: out[:, place] for place, name in enumerate(names)}


def _by_symbols(
    inputs: FactorInputs,
    kernel: Callable[..., None],
    arrays: tuple[FloatArray, ...],
    settings: tuple[int, ...],
    out: FloatArray,
) -> None:
    """Run a kernel on blocks of symbols, one block a thread; blocks do not touch one another."""
    for values in arrays:
        if values.shape != inputs.shape or values.dtype != np.float64:
            raise ValueError(
                f"a window needs float64 values of the shape {inputs.shape} (symbols, sessions). "
                f"Got {values.dtype} of the shape {values.shape} instead."
            )
    rows = [np.ascontiguousarray(values) for values in arrays]
    edges = np.linspace(0, len(inputs.symbols), inputs.thread_no + 1).astype(int)

    def block(start: int, stop: int) -> None:
        kernel(*(values[start:stop] for values in rows), *settings, out[start:stop])

    blocks = [(a, b) for a, b in pairwise(edges) if a < b]
    if len(blocks) < 2:
        for a, b in blocks:
            block(a, b)
        return
    with ThreadPoolExecutor(len(blocks)) as pool:
        list(pool.map(lambda edge: block(*edge), blocks))
