"""How KunQuant 0.1.12 reads Alpha101 otherwise than it is printed, and Alpha158 in float32.

Each reading was taken from KunQuant's predefined/Alpha101.py and is computed by our engine in every
run: a difference that its reading does not explain fails the benchmark.
"""

from quant_assets.factors.expressions.fields import DEFINITIONS
from quant_assets_tests.benchmarks.peers.agreement import Difference, Readings


def _filled(text: str, value: float = 0.0) -> str:
    """SetInfOrNanToValue."""
    return f"if_else(is_nan({text}), {value}, {text})"


def _whole_decay_3(text: str) -> str:
    """decay_linear over 3 days, missing where one of them is."""
    return f"decay_linear({text}, 3) + 0 * (delay({text}, 1) + delay({text}, 2) + {text})"


_POWER = "its pow is right to 7 digits"
_TIES = "values that are equal but for their last digits are ranked"
_LIKE = 0.99  # where a correlation of two days is ranked, 0.9
_FILLED = "an undefined correlation is 0"

_SCALED_29 = "scale(log(sum(rank(rank(-1 * rank(delta(close - 1, 5)))), 2)))"
_RANKS_34 = "2 - rank(stddev(returns, 2) / stddev(returns, 5)) - rank(delta(close, 1))"
_CORRELATED_2 = "correlation(sum(close, 5), sum(close, 20), 2)"
_CORRELATED_3 = "correlation(rank(high), rank(volume), 3)"
_CORRELATED_5 = "correlation(rank(volume), rank(vwap), 5)"
_CORRELATED_6 = "correlation(rank(vwap), rank(volume), 6)"
_CORRELATED_78 = "correlation(sum(low * 0.352233 + vwap * (1 - 0.352233), 20), sum(adv40, 20), 7)"
_CORRELATED_30 = "correlation(high * 0.876703 + close * (1 - 0.876703), adv30, 10)"
_CORRELATED_85 = "correlation(ts_rank((high + low) / 2, 4), ts_rank(volume, 10), 7)"
_DECAYED_88 = "decay_linear((rank(open) + rank(low)) - (rank(high) + rank(close)), 8)"
_DECAYED_92 = "decay_linear((high + low) / 2 + close < low + open, 15)"
_CORRELATED_94 = "correlation(ts_rank(vwap, 20), ts_rank(adv60, 4), 18)"
_CORRELATED_96 = "correlation(ts_rank(close, 7), ts_rank(adv60, 4), 4)"
_CORRELATED_98 = "correlation(rank(open), rank(adv15), 21)"
_CORRELATED_72 = "correlation(ts_rank(vwap, 4), ts_rank(volume, 19), 7)"

_DAYS = (5, 10, 20, 30, 60)

ALPHA101 = Readings(
    reason="windows rounded, the paper floors them; ts_rank from 1 to d, ours is a share",
    whole=round,
    templates={"ts_rank": "ts_rank({0}, {1}) * {1}"},
    # Average daily volume in shares; the paper's is in dollars.
    definitions={**DEFINITIONS, "adv": "ts_mean(volume, {d})"},
    differences={
        "alpha101_001": Difference(
            "0.5 is not subtracted",
            "rank(ts_argmax(signedpower((returns < 0) ? stddev(returns, 20) : close, 2), 5))",
        ),
        "alpha101_010": Difference(
            "not ranked",
            "(0 < ts_min(delta(close, 1), 4)) ? delta(close, 1)"
            ": ((ts_max(delta(close, 1), 4) < 0) ? delta(close, 1) : -1 * delta(close, 1))",
        ),
        "alpha101_013": Difference(
            _TIES, like=_LIKE, ranked="covariance(rank(close), rank(volume), 5)"
        ),
        "alpha101_015": Difference(
            f"{_FILLED}; {_TIES}",
            f"-1 * sum(rank({_filled(_CORRELATED_3)}), 3)",
            like=_LIKE,
            ranked=_CORRELATED_3,
        ),
        "alpha101_016": Difference(
            _TIES, like=_LIKE, ranked="covariance(rank(high), rank(volume), 5)"
        ),
        "alpha101_026": Difference(
            _FILLED,
            f"-1 * ts_max({_filled('correlation(ts_rank(volume, 5), ts_rank(high, 5), 5)')}, 3)",
        ),
        "alpha101_029": Difference(
            "min over 5 days, where two series are compared; sum over 2, where ts_min is",
            f"ts_min(rank(rank({_SCALED_29})), 5) + ts_rank(delay(-1 * returns, 6), 5)",
            like=_LIKE,
            ranked=_SCALED_29,
        ),
        "alpha101_031": Difference(
            _TIES, like=_LIKE, ranked="decay_linear(-1 * rank(rank(delta(close, 10))), 10)"
        ),
        "alpha101_032": Difference(
            "the mean is divided by 7 once more",
            "scale(sum(close, 7) / 7 / 7 - close)"
            " + 20 * scale(correlation(vwap, delay(close, 5), 230))",
        ),
        "alpha101_034": Difference(_TIES, like=_LIKE, ranked=_RANKS_34),
        "alpha101_036": Difference(
            "the mean is divided by 200 once more",
            "2.21 * rank(correlation(close - open, delay(volume, 1), 15))"
            " + 0.7 * rank(open - close) + 0.73 * rank(ts_rank(delay(-1 * returns, 6), 5))"
            " + rank(abs(correlation(vwap, adv20, 6)))"
            " + 0.6 * rank((sum(close, 200) / 200 / 200 - open) * (close - open))",
        ),
        "alpha101_038": Difference(
            "ts_rank of the open, where it is of the close",
            "-1 * rank(ts_rank(open, 10)) * rank(close / open)",
        ),
        "alpha101_045": Difference(
            _TIES,
            "-1 * (rank(sum(delay(close, 5), 20) / 20)"
            f" * {_filled('correlation(close, volume, 2)')} * rank({_filled(_CORRELATED_2, 1)}))",
            like=0.9,
            ranked=_CORRELATED_2,
        ),
        "alpha101_047": Difference(
            "the mean is divided by 5 once more",
            "rank(1 / close) * volume / adv20"
            " * (high * rank(high - close) / (sum(high, 5) / 5 / 5)) - rank(vwap - delay(vwap, 5))",
        ),
        "alpha101_050": Difference(
            f"{_FILLED}; {_TIES}",
            f"-1 * ts_max(rank({_filled(_CORRELATED_5)}), 5)",
            like=_LIKE,
            ranked=_CORRELATED_5,
        ),
        "alpha101_072": Difference(
            "0.0001 is added to both ranks; a decay is undefined where one of its days is",
            "(rank(decay_linear(correlation((high + low) / 2, adv40, 9), 10)) + 0.0001)"
            f" / (rank({_whole_decay_3(_CORRELATED_72)}) + 0.0001)",
        ),
        "alpha101_078": Difference(
            f"{_FILLED}; {_TIES}; {_POWER}",
            f"rank({_CORRELATED_78})^rank({_filled(_CORRELATED_6)})",
            like=_LIKE,
            ranked=_CORRELATED_6,
            tolerance=1e-6,
        ),
        "alpha101_084": Difference(_POWER, tolerance=1e-6),
        "alpha101_085": Difference(
            f"an undefined correlation is 1; {_TIES}; {_POWER}",
            f"rank({_filled(_CORRELATED_30, 1)})^rank({_filled(_CORRELATED_85, 1)})",
            like=_LIKE,
            ranked=_CORRELATED_85,
            tolerance=1e-6,
        ),
        "alpha101_088": Difference(_TIES, like=_LIKE, ranked=_DECAYED_88),
        "alpha101_092": Difference(
            f"{_FILLED}; {_TIES}",
            f"min(ts_rank({_DECAYED_92}, 19), ts_rank(decay_linear("
            f"{_filled('correlation(rank(low), rank(adv30), 8)')}, 7), 7))",
            like=_LIKE,
            ranked=_DECAYED_92,
        ),
        "alpha101_094": Difference(
            f"{_FILLED}; {_TIES}; {_POWER}",
            f"rank(vwap - ts_min(vwap, 12))^ts_rank({_filled(_CORRELATED_94)}, 3) * -1",
            like=_LIKE,
            ranked=_CORRELATED_94,
            tolerance=1e-6,
        ),
        "alpha101_096": Difference(
            f"{_FILLED}; {_TIES}",
            "max(ts_rank(decay_linear("
            f"{_filled('correlation(rank(vwap), rank(volume), 4)')}, 4), 8), "
            f"ts_rank(decay_linear(ts_argmax({_filled(_CORRELATED_96)}, 13), 14), 13)) * -1",
            like=_LIKE,
            ranked=_CORRELATED_96,
        ),
        "alpha101_098": Difference(
            f"{_FILLED}; {_TIES}",
            "rank(decay_linear(correlation(vwap, sum(adv5, 26), 5), 7))"
            f" - rank(decay_linear(ts_rank(ts_argmin({_filled(_CORRELATED_98)}, 9), 7), 8))",
            like=_LIKE,
            ranked=_CORRELATED_98,
        ),
    },
)

# Its regressions keep running sums whose errors grow with the days. Over 2,520 of them float64
# keeps 7 digits; in float32 R² over 5 and 10 days has none (it reaches 1e5), and nothing is asked.
_REGRESSIONS = tuple((name, days) for name in ("beta", "rsqr", "resi") for days in _DAYS)
_SUMS = "running sums over all days"
ALPHA158 = Readings(
    reason="",
    differences={
        f"alpha158_{name}{days}": Difference(_SUMS, tolerance=1e-6) for name, days in _REGRESSIONS
    },
)
ALPHA158_FLOAT = Readings(
    reason="",
    differences={
        f"alpha158_{name}{days}": Difference(
            f"{_SUMS}, in float32", like=-1.0 if name == "rsqr" and days <= 10 else 0.9
        )
        for name, days in _REGRESSIONS
    },
)
