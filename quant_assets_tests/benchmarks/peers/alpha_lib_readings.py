"""How py-alpha-lib 0.3.1 reads operators of the 101 otherwise than we do.

Each reading was taken from its documentation and its Rust sources. It ranks ties over time as the
lowest, which none of our operators does: `lowest_rank` is registered here for the comparison.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.factors.expressions.fields import DEFINITIONS
from quant_assets.factors.expressions.operators.registry import (
    Array,
    Constants,
    Contract,
    Operator,
    Parameter,
    register,
    window_lookback,
)
from quant_assets.factors.expressions.units import dimensionless
from quant_assets_tests.benchmarks.peers.agreement import Difference, Readings

_WHOLE = ("decay_linear", "sum", "ts_max", "ts_min")
_TIES = "values that are equal but for their last digits are ranked"
_RUNNING = "running sums have 5 digits here, which decide ranks and what is undefined"
_SCALE = "scale divides by the sum over all days, which is missing as soon as one value is"


def _whole(name: str) -> str:
    """An operator over a window that is missing where any of its values is."""
    return f"filter({name}({{0}}, {{1}}), ts_count_nans({{0}}, {{1}}) == 0)"


def alpha101(symbols: int) -> Readings:
    """Its readings for panels of so many symbols without missing values."""
    return Readings(
        reason=(
            "ts_rank counts from 1 to d, ties as the lowest, a missing value as the least; "
            "indneutralize gives the rank of the residual from 0 to 1"
        ),
        templates={
            "ts_rank": "lowest_rank({0}, {1})",
            **{name: _whole(name) for name in _WHOLE},
            "indneutralize": (
                f"(rank(indneutralize({{0}}, {{1}})) * {symbols} - 1) / {symbols - 1}"
            ),
        },
        # Average daily volume in shares; the paper's is in dollars.
        definitions={**DEFINITIONS, "adv": "ts_mean(volume, {d})"},
        differences=_DIFFERENCES,
        undefined=dict.fromkeys(
            (f"alpha101_{number:03d}" for number in (28, 29, 31, 32, 60, 100)), _SCALE
        ),
    )


# Factor -> what it ranks.
_RANKED = {
    13: "covariance(rank(close), rank(volume), 5)",
    15: "correlation(rank(high), rank(volume), 3)",
    16: "covariance(rank(high), rank(volume), 5)",
    27: "correlation(rank(volume), rank(vwap), 6)",
    45: "correlation(sum(close, 5), sum(close, 20), 2)",
    50: "correlation(rank(volume), rank(vwap), 5)",
    58: "correlation(indneutralize(vwap, IndClass.sector), volume, 3)",
    59: "correlation(indneutralize(vwap, IndClass.industry), volume, 4)",
    63: "decay_linear(delta(indneutralize(close, IndClass.industry), 2), 8)",
    67: (
        "correlation(indneutralize(vwap, IndClass.sector),"
        " indneutralize(adv20, IndClass.subindustry), 6)"
    ),
    69: "delta(indneutralize(vwap, IndClass.industry), 2)",
    70: "correlation(indneutralize(close, IndClass.industry), adv50, 17)",
    74: "correlation(rank(high * 0.0261661 + vwap * (1 - 0.0261661)), rank(volume), 11)",
    75: "correlation(rank(low), rank(adv50), 12)",
    76: "correlation(indneutralize(low, IndClass.sector), adv81, 8)",
    78: "correlation(rank(vwap), rank(volume), 5)",
    79: "delta(indneutralize(close * 0.60733 + open * (1 - 0.60733), IndClass.sector), 1)",
    81: "correlation(rank(vwap), rank(volume), 5)",
    85: "correlation(ts_rank((high + low) / 2, 3), ts_rank(volume, 10), 7)",
    87: "correlation(indneutralize(adv81, IndClass.industry), close, 13)",
    88: "decay_linear((rank(open) + rank(low)) - (rank(high) + rank(close)), 8)",
    89: "decay_linear(delta(indneutralize(vwap, IndClass.industry), 3), 10)",
    90: "correlation(indneutralize(adv40, IndClass.subindustry), low, 5)",
    91: "correlation(indneutralize(close, IndClass.industry), volume, 9)",
    92: "decay_linear((high + low) / 2 + close < low + open, 14)",
    93: "correlation(indneutralize(vwap, IndClass.industry), adv81, 17)",
    94: "correlation(ts_rank(vwap, 19), ts_rank(adv60, 4), 18)",
    96: "correlation(ts_rank(close, 7), ts_rank(adv60, 4), 3)",
    97: (
        "decay_linear(delta(indneutralize(low * 0.721001 + vwap * (1 - 0.721001),"
        " IndClass.industry), 3), 20)"
    ),
    98: "correlation(rank(open), rank(adv15), 20)",
}
# How alike the factors are where much of what is ranked, or undefined, is so by rounding.
_LIKE = {58: 0.3, 59: 0.3, 76: 0.8, 87: 0.6, 91: 0.8, 96: 0.0}
_NEWEST = "ts_argmax takes the newest of equal values"
_REASONS = dict.fromkeys((63, 69, 79, 88, 89, 92, 97), _TIES) | {96: _NEWEST}
_DIFFERENCES = {
    f"alpha101_{number:03d}": Difference(
        _REASONS.get(number, _RUNNING),
        like=_LIKE.get(number, 0.9),
        ranked=text,
        tolerance=1e-3 if number == 45 else 1e-5,
    )
    for number, text in _RANKED.items()
}


def ranked_formulas() -> dict[str, str]:
    """Factor -> what it ranks by its last digits, for the peer to compute."""
    return {name: each.ranked for name, each in _DIFFERENCES.items() if each.ranked}


def _lowest_rank(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    days = int(constants[0])
    given = inputs[0]
    for row in range(len(out)):
        last = past + row
        window = given[max(0, last - days + 1) : last + 1]
        today = given[last]
        lower = (window < today).sum(axis=0) + np.isnan(window).sum(axis=0) + 1.0
        out[row] = np.where(np.isnan(today), days, lower) if len(window) == days else np.nan


register(
    Operator(
        "lowest_rank",
        (),
        (Parameter("x", "panel"), Parameter("d", "window", minimum=1)),
        "window",
        _lowest_rank,
        "rank of today among the last d days from 1 to d, as py-alpha-lib counts",
        "py-alpha-lib 0.3.1, RANK",
        Contract(
            missing="counts as the least value; where today is missing, d",
            ties="the lowest rank",
            warm_up="missing until the window is full",
        ),
        dimensionless,
        window_lookback,
    )
)
