"""A two-state Markov-switching model of returns, with what was known on each day only.

State 1 is the one of the greater deviation. Probabilities are filtered, never smoothed: that of day
t uses returns up to t, and parameters that were estimated on returns before t's year began.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.compiled import warm_up
from quant_assets.market_data.panels import FloatArray
from quant_assets.performance import markov_kernels as kernels

_STEPS = 500
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class SwitchingModel:
    """Parameters of the model; state 0 is the calm one.

    Attributes:
        means: of a session's return in each state.
        deviations: standard deviations, ascending.
        staying: probability that a state lasts another session.
        likelihood: logarithm, of the returns it was estimated on.
    """

    means: tuple[float, float]
    deviations: tuple[float, float]
    staying: tuple[float, float]
    likelihood: float

    def filtered(self, returns: FloatArray) -> FloatArray:
        """Probability of state 1 given the returns up to each day, shape (T,); NaN stays NaN."""
        known = ~np.isnan(returns)
        values = np.ascontiguousarray(returns[known], np.float64)
        both = np.empty((len(values), 2))
        warm_up()
        kernels.hamilton_filter(values, self._array(), both)
        probability = np.full(len(returns), np.nan)
        probability[known] = both[:, 1]
        return probability

    def _array(self) -> FloatArray:
        return np.array([*self.means, *self.deviations, *self.staying])


def fit_switching_model(returns: FloatArray) -> SwitchingModel:
    """Maximum likelihood by expectation and maximisation (Hamilton 1990), NaN left out.

    It begins with half and with twice the deviation of all returns, and states that last 20 and 10
    sessions; with few returns it may find a local maximum. That the first state is drawn from the
    stationary law counts in the likelihood, but not in the estimate of the probabilities, as is
    usual: the likelihood stays some thousandths below its maximum.

    Raises:
        ValueError: fewer than 20 returns, or all of them equal.
    """
    values = np.ascontiguousarray(returns[~np.isnan(returns)], np.float64)
    if len(values) < 20 or values.min() == values.max():
        raise ValueError(
            f"a switching model needs at least 20 returns that differ. Got {len(values)}."
        )
    spread = float(values.std())
    begin = np.array([values.mean(), values.mean(), spread / 2, spread * 2, 0.95, 0.9])
    warm_up()
    likelihood = kernels.estimate(values, _STEPS, _TOLERANCE, begin)
    if begin[2] > begin[3]:
        begin = begin[[1, 0, 3, 2, 5, 4]]
    m0, m1, d0, d1, s0, s1 = (float(each) for each in begin)
    return SwitchingModel((m0, m1), (d0, d1), (s0, s1), float(likelihood))


def turbulence_probability(
    returns: FloatArray, dates: np.ndarray, first_years: int = 2
) -> FloatArray:
    """Probability that a day lies in the turbulent state, as known at its close; shape (T,).

    The model is estimated anew at the beginning of every calendar year, on all returns before it;
    NaN in the first `first_years` calendar years, and on days without a return.

    Args:
        returns: of the index, shape (T,), NaN where a day has none.
        dates: `datetime64[D]`, ascending, shape (T,).
        first_years: calendar years before the first estimate, that of the first return (which may
            be a part of one) among them.
    """
    years = dates.astype("datetime64[Y]")
    probability = np.full(len(returns), np.nan)
    for year in np.unique(years):
        start = int(np.searchsorted(years, year))
        if not len(years) or year - years[0] < np.timedelta64(first_years, "Y"):
            continue
        past = returns[:start]
        known = past[~np.isnan(past)]
        if len(known) < 20 or known.min() == known.max():
            continue
        model = fit_switching_model(past)
        stop = int(np.searchsorted(years, year, side="right"))
        probability[start:stop] = model.filtered(returns[:stop])[start:]
    return probability
