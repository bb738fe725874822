"""Regimes of a market, known on the day, and what a series was worth in each of them.

Two views by rule: the index above or below its long average (bull, bear), the volatility index up
to or above a level (calm, turbulent); and a third by model, a Markov chain of two states. A code
dated t was known at the close of t. The return of day t was earned from the close before, so what
applies to it is the regime of the session before: `Regimes.before`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.compiled import warm_up
from quant_assets.market_data.panels import FloatArray, session_dates
from quant_assets.performance.markov import turbulence_probability
from quant_assets.performance.metrics import metrics_of_many
from quant_assets.performance.rolling_kernels import moving_moments
from quant_assets.performance.sample import Values

UNKNOWN = -1
_KEPT = 10  # sessions without a close that keep a regime
_RECENT = np.timedelta64(21, "D")  # so old may the last session be: as many, and holidays
VIEWS: Mapping[str, tuple[str, str]] = {
    "trend": ("bear", "bull"),
    "volatility": ("calm", "turbulent"),
    "switching": ("quiet state", "restless state"),
}


@dataclass(frozen=True)
class Regimes:
    """Codes by session, as known at its close.

    Attributes:
        dates: `datetime64[D]`, ascending, shape (T,).
        codes: view -> int8 of shape (T,): 0 or 1 as named in `VIEWS`, -1 where unknown.
        probability: of the restless state by the switching model, shape (T,); NaN where unknown.
    """

    dates: np.ndarray
    codes: Mapping[str, np.ndarray]
    probability: FloatArray

    def before(self, dates: np.ndarray) -> dict[str, np.ndarray]:
        """The codes that apply to the returns of `dates`: of the last session before each.

        Unknown where that session is more than three weeks old.
        """
        if not len(self.dates):
            return {view: np.full(len(dates), UNKNOWN, np.int8) for view in self.codes}
        days = dates.astype("datetime64[D]")
        place = np.searchsorted(self.dates, days, side="left") - 1
        last = np.maximum(place, 0)
        lost = (place < 0) | (days - self.dates[last] > _RECENT)
        return {
            view: np.where(lost, UNKNOWN, codes[last]).astype(np.int8)
            for view, codes in self.codes.items()
        }


def regimes(benchmark: pa.Table, window: int = 200, threshold: float = 20.0) -> Regimes:
    """The regimes of a market.

    A session without a close of the index, or of the volatility index, keeps the regime of the last
    one that has it, for ten sessions at most; then it is unknown.

    Args:
        benchmark: table `benchmark` (date, index_close, volatility_index), rows by date.
        window: closes of the average, that of the session itself among them; unknown before there
            are so many.
        threshold: of the volatility index; above it a session is turbulent.
    """
    if window < 1:
        raise ValueError(f"window must be at least 1 session. Got {window} instead.")
    dates = session_dates(benchmark["date"])
    level = _column(benchmark, "index_close")
    feared = _column(benchmark, "volatility_index")
    returns = _returns(level)
    probability = turbulence_probability(returns, dates)
    codes = {
        "trend": _by_average(level, window),
        "volatility": _carried(np.where(np.isnan(feared), UNKNOWN, feared > threshold)),
        "switching": _carried(np.where(np.isnan(probability), UNKNOWN, probability > 0.5)),
    }
    return Regimes(dates, codes, probability)


def metrics_by_regime(
    returns: FloatArray,
    dates: np.ndarray,
    known: Regimes,
    benchmark: Values | None = None,
    risk_free: float | Values = 0.0,
    annualization: float = 252,
) -> dict[str, dict[str, FloatArray]]:
    """Metrics of the days of each regime: name of the regime -> metric -> array (S,).

    The days of a regime are put one after the other: drawdowns are those of a capital that is
    invested in this regime only, and nothing is counted by calendar periods. `sessions` says how
    many days there are. A regime without a day is left out.

    Args:
        returns: daily simple returns, shape (T, S).
        dates: of the returns, `datetime64[D]`, shape (T,).
        known: the regimes of the market.
        benchmark, risk_free, annualization: as in `metrics_of_many`.
    """
    index = None if benchmark is None else np.asarray(benchmark, np.float64)
    rates = np.broadcast_to(np.asarray(risk_free, np.float64), (len(returns),))
    found = {}
    for view, codes in known.before(dates).items():
        for code, name in enumerate(VIEWS[view]):
            days = codes == code
            if days.any():
                found[name] = metrics_of_many(
                    returns[days],
                    None if index is None else index[days],
                    rates[days],
                    annualization,
                )
    return found


def _column(table: pa.Table, name: str) -> FloatArray:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    values = table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(values > 0, values, np.nan)


def _returns(level: FloatArray) -> FloatArray:
    """From known close to known close, NaN on days without one."""
    known = np.flatnonzero(~np.isnan(level))
    returns = np.full(len(level), np.nan)
    returns[known[1:]] = level[known[1:]] / level[known[:-1]] - 1.0
    return returns


def _by_average(level: FloatArray, window: int) -> np.ndarray:
    known = np.flatnonzero(~np.isnan(level))
    rows = np.ascontiguousarray(level[known][None, :])
    mean, deviation, downside = (np.empty_like(rows) for _ in range(3))
    warm_up()
    moving_moments(rows, window, window, mean, deviation, downside)
    codes = np.full(len(level), UNKNOWN)
    codes[known] = np.where(np.isnan(mean[0]), UNKNOWN, rows[0] > mean[0])
    return _carried(codes)


def _carried(codes: np.ndarray) -> np.ndarray:
    """Unknown codes replaced by the last known one, if that is recent."""
    if not len(codes):
        return codes.astype(np.int8)
    here = np.arange(len(codes))
    place = np.maximum.accumulate(np.where(codes == UNKNOWN, -1, here))
    lost = (place < 0) | (here - place > _KEPT)
    return np.where(lost, UNKNOWN, codes[np.maximum(place, 0)]).astype(np.int8)
