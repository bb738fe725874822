"""Compiled filter and estimation of a two-state Markov-switching model: arrays in, arrays out.

Values are normal with a mean and a deviation of the state, states follow a Markov chain. Hamilton
(1989) for the filter, Kim (1994) for the smoother, Hamilton (1990) for estimation by EM.
`parameters` are mean 0, mean 1, deviation 0, deviation 1, probability of staying in 0, in 1.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel

_SERIES, _PANEL = "float64[::1]", "float64[:, ::1]"
_SMALLEST = 1e-3  # a state's deviation as a share of that of all values, at least


@helper_as_written
def _filter(
    values: np.ndarray, parameters: np.ndarray, filtered: np.ndarray, predicted: np.ndarray
) -> float:
    """Probabilities of the states given values up to t, and up to t - 1; the log-likelihood.

    The chain begins in its stationary law.
    """
    stay0, stay1 = parameters[4], parameters[5]
    leave = 2.0 - stay0 - stay1
    ahead0 = (1.0 - stay1) / leave if leave > 0.0 else 0.5
    likelihood = 0.0
    for t in range(len(values)):
        ahead1 = 1.0 - ahead0
        predicted[t, 0], predicted[t, 1] = ahead0, ahead1
        z0 = (values[t] - parameters[0]) / parameters[2]
        z1 = (values[t] - parameters[1]) / parameters[3]
        log0 = -0.5 * z0 * z0 - math.log(parameters[2])
        log1 = -0.5 * z1 * z1 - math.log(parameters[3])
        top = max(log0, log1)
        joint0 = ahead0 * math.exp(log0 - top)
        joint1 = ahead1 * math.exp(log1 - top)
        total = joint0 + joint1
        if total == 0.0:
            # Only the state that cannot be explains the value: it is then the one.
            joint0, joint1 = math.exp(log0 - top), math.exp(log1 - top)
            total = joint0 + joint1
        likelihood += top + math.log(total)
        filtered[t, 0], filtered[t, 1] = joint0 / total, joint1 / total
        ahead0 = filtered[t, 0] * stay0 + filtered[t, 1] * (1.0 - stay1)
    return likelihood - 0.5 * math.log(2.0 * math.pi) * len(values)


@kernel(f"float64({_SERIES}, {_SERIES}, {_PANEL})", regrouped=False)
def hamilton_filter(
    values: np.ndarray,  # (T,) without missing values
    parameters: np.ndarray,  # (6,)
    filtered: np.ndarray,  # out (T, 2)
) -> float:
    """Probabilities of the states given the values up to each day; returns the log-likelihood."""
    return _filter(values, parameters, filtered, np.empty((len(values), 2)))


@kernel(f"float64({_SERIES}, int64, float64, {_SERIES})", regrouped=False)
def estimate(
    values: np.ndarray,  # (T,) without missing values
    steps: int,  # at most
    tolerance: float,  # of the log-likelihood's growth in a step, relative
    parameters: np.ndarray,  # (6,) in: where to begin; out: the estimate
) -> float:
    """Maximum likelihood by expectation and maximisation; returns the log-likelihood."""
    n = len(values)
    filtered, predicted = np.empty((n, 2)), np.empty((n, 2))
    mean = values.sum() / n
    floor = _SMALLEST * math.sqrt(((values - mean) ** 2).sum() / n)
    before = -math.inf
    likelihood = before
    for _ in range(steps):
        likelihood = _filter(values, parameters, filtered, predicted)
        if likelihood - before <= tolerance * abs(likelihood):
            break
        before = likelihood
        stay0, stay1 = parameters[4], parameters[5]
        smooth0 = filtered[n - 1, 0]
        weight0 = smooth0
        weight1 = 1.0 - smooth0
        first0, first1 = weight0 * values[n - 1], weight1 * values[n - 1]
        from0 = from1 = kept0 = kept1 = 0.0
        probability = np.empty(n)
        probability[n - 1] = smooth0
        for t in range(n - 2, -1, -1):
            ratio0 = smooth0 / predicted[t + 1, 0] if predicted[t + 1, 0] > 0.0 else 0.0
            ratio1 = (1.0 - smooth0) / predicted[t + 1, 1] if predicted[t + 1, 1] > 0.0 else 0.0
            both00 = filtered[t, 0] * stay0 * ratio0
            both01 = filtered[t, 0] * (1.0 - stay0) * ratio1
            both10 = filtered[t, 1] * (1.0 - stay1) * ratio0
            both11 = filtered[t, 1] * stay1 * ratio1
            total = both00 + both01 + both10 + both11
            smooth0 = (both00 + both01) / total
            probability[t] = smooth0
            kept0 += both00 / total
            kept1 += both11 / total
            from0 += smooth0
            from1 += 1.0 - smooth0
            weight0 += smooth0
            weight1 += 1.0 - smooth0
            first0 += smooth0 * values[t]
            first1 += (1.0 - smooth0) * values[t]
        if min(weight0, weight1, from0, from1) < 1e-8:
            break  # one state has nothing left to be estimated from
        parameters[0], parameters[1] = first0 / weight0, first1 / weight1
        spread0 = spread1 = 0.0
        for t in range(n):
            spread0 += probability[t] * (values[t] - parameters[0]) ** 2
            spread1 += (1.0 - probability[t]) * (values[t] - parameters[1]) ** 2
        parameters[2] = max(math.sqrt(spread0 / weight0), floor)
        parameters[3] = max(math.sqrt(spread1 / weight1), floor)
        parameters[4], parameters[5] = kept0 / from0, kept1 / from1
    return likelihood
