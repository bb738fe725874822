"""The simulated market itself: prices of made-up companies as arrays, day after day.

Here lives the model; simulated.py dresses its arrays as a source. It is no model to forecast with:
it has what the platform must be able to digest (common factors, volatility clusters, gaps, splits,
dividends, halts, listings, delistings, faulty rows) and a planted signal of known strength.

Every day draws from a counter-based generator of its own, keyed by (seed, day), and takes its state
from the day before. So a day is the same whatever the last day of the simulation is.

Planted signal: each company has a latent AR(1) score; s, its cross-sectional z-score of day t,
shifts the total return of t + 1 to u + k s, where u is all else and k = IC / sqrt(1 - IC^2) x the
cross-sectional standard deviation of u. As s is independent of u, the expected Pearson correlation
between s(t) and the return of t + 1 is IC, up to terms of the order 1 / companies. Volume shows the
score: log volume is shifted by VOLUME_OF_SIGNAL x s.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.market_data.sources.companies import (
    FAULTS,
    SECTORS,
    Parameters,
    State,
    Traits,
    events,
    faults,
    first_state,
    generator,
    listings,
    publish,
    traits_of,
)

VOLUME_OF_SIGNAL = 0.4
_PERSISTENCE = 0.9  # of the latent score, a day
_DRIFT = 0.0003

_Shown = dict[str, np.ndarray | float | bool]  # what a day shows, by attribute of Simulation


@dataclass
class Simulation:
    """Simulated days; arrays of shape (T, N) over days and slots unless said otherwise.

    A slot holds one company at a time; after a delisting it is empty for some weeks, then lists
    another. NaN is missing.

    Attributes:
        company: number of the company in the slot, -1 if empty.
        open, high, low, close: raw prices, 4 decimals, also of halted days (then not published).
        volume: shares.
        signal: the planted score s.
        published: whether there is a bar: listed and not halted.
        ratio: new shares for an old one on ex-dates of splits.
        cash: dividend a share on its ex-date.
        fault: position in FAULTS of the row's fault, -1 for none.
        stray: (T,) whether a row of an unknown symbol is delivered with the day.
        early: (T,) whether a row dated the day before is delivered if that is no session.
        index_open, index_close: (T,) equally weighted total-return index of the companies.
        volatility_index: (T,) percent a year.
        risk_free_rate: (T,) annual, 0.02 is 2 %.
    """

    company: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    signal: np.ndarray
    published: np.ndarray
    ratio: np.ndarray
    cash: np.ndarray
    fault: np.ndarray
    stray: np.ndarray
    early: np.ndarray
    index_open: np.ndarray
    index_close: np.ndarray
    volatility_index: np.ndarray
    risk_free_rate: np.ndarray


def simulate(parameters: Parameters, days: int) -> Simulation:
    """The first `days` days of the market; a longer simulation begins with the same days."""
    traits = traits_of(parameters)
    state = first_state(parameters)
    n = parameters.slots
    columns: dict[str, np.ndarray] = {}
    for day in range(days):
        _advance(parameters, traits, state, day)
        for name, value in state.today.items():
            if name not in columns:
                kind = np.asarray(value).dtype
                columns[name] = np.empty((days, n) if np.ndim(value) else (days,), kind)
            columns[name][day] = value
    return Simulation(**columns)


@dataclass(frozen=True)
class _Day:
    """The draws of a day, and which slots list a company today or keep theirs."""

    normal: np.ndarray
    uniform: np.ndarray
    common: np.ndarray
    single: np.ndarray
    new: np.ndarray
    stays: np.ndarray

    @property
    def listed(self) -> np.ndarray:
        listed: np.ndarray = self.new | self.stays
        return listed


def _advance(parameters: Parameters, traits: Traits, state: State, number: int) -> None:
    """One day: the state becomes that of the day's close, `state.today` what the day shows."""
    day = _begin(parameters, state, number)
    market, own = _volatilities(traits, state, day)
    total = _total_returns(parameters, traits, state, day, market, own)
    ratio, cash = events(traits, state, number, day.stays, day.uniform[2])
    gap = 0.25 * np.log1p(total) + 0.4 * own * day.normal[2]
    shown = _prices(state, day, ratio, cash, total, gap, own)
    shown |= _benchmark(state, day, total, gap, market)
    state.signal = _signal(state, day)
    shown |= {"volume": _volume(traits, state, day, ratio, total, own), "signal": state.signal}
    published = publish(state, day.listed, day.new, day.uniform[4])
    fault = faults(published, day.uniform[5])
    state.close = np.asarray(shown["close"])
    state.clean = published & ((fault < 0) | (fault == FAULTS.index("copy")))
    state.today = shown | {
        "company": state.company.copy(),
        "published": published,
        "ratio": ratio,
        "cash": cash,
        "fault": fault,
        "stray": bool(day.single[2] < 0.02),
        "early": bool(day.single[2] > 0.9),
    }


def _begin(parameters: Parameters, state: State, number: int) -> _Day:
    random = generator(parameters, number + 1)
    normal = random.standard_normal((7, parameters.slots))
    uniform = random.random((6, parameters.slots))
    common, single = random.standard_normal(2 + SECTORS), random.random(4)
    return _Day(normal, uniform, common, single, *listings(state, uniform[0]))


def _volatilities(traits: Traits, state: State, day: _Day) -> tuple[float, np.ndarray]:
    """Daily volatility of the market factor and of each company: logs that return to their mean."""
    state.market_heat = 0.97 * state.market_heat + 0.09 * float(day.common[0])
    state.heat = np.where(day.new, 0.0, 0.95 * state.heat) + 0.12 * day.normal[0]
    return 0.0085 * float(np.exp(state.market_heat)), traits.volatility * np.exp(state.heat)


def _total_returns(
    parameters: Parameters,
    traits: Traits,
    state: State,
    day: _Day,
    market: float,
    own: np.ndarray,
) -> np.ndarray:
    """Total return since the last close, 0 for a company that lists today; carries the signal."""
    # one day in fifty a company has news of its own, three times as strong
    news = np.where(day.uniform[1] < 0.02, 3.0, 1.0)
    rest = (
        traits.beta * (_DRIFT + market * day.common[1])
        + 0.004 * day.common[2:][traits.sector]
        + own * news * day.normal[1]
    ).clip(-0.35, 0.35)
    strength = parameters.signal_ic / np.sqrt(1 - parameters.signal_ic**2)
    push = strength * rest[day.stays].std() if day.stays.any() else 0.0
    return np.where(day.stays, rest + push * state.signal, 0.0)


def _prices(
    state: State,
    day: _Day,
    ratio: np.ndarray,
    cash: np.ndarray,
    total: np.ndarray,
    gap: np.ndarray,
    own: np.ndarray,
) -> _Shown:
    """Open, high, low and close; a company lists at 20 to 200."""
    # what the last close is worth without the rights that detach today
    base = (state.close - np.nan_to_num(cash)) / np.where(np.isnan(ratio), 1.0, ratio)
    base = np.where(day.new, np.round(_start(day), 4), np.where(day.stays, base, np.nan))
    close = np.round(base * (1 + total), 4)
    opened = np.round(base * np.exp(gap), 4)
    reach = np.exp(0.5 * own * np.abs(day.normal[3:5]))
    return {
        "open": opened,
        "high": np.round(np.maximum(opened, close) * reach[0], 4),
        "low": np.round(np.minimum(opened, close) / reach[1], 4),
        "close": close,
    }


def _start(day: _Day) -> np.ndarray:
    """The price at which a company lists, 20 to 200."""
    price: np.ndarray = 20 * 10 ** day.uniform[3]
    return price


def _signal(state: State, day: _Day) -> np.ndarray:
    """The latent scores move on; their cross-sectional z-scores, NaN in empty slots."""
    score = np.where(day.new, 0.0, _PERSISTENCE * state.score)
    surprise = np.where(day.new, 1.0, np.sqrt(1 - _PERSISTENCE**2)) * day.normal[5]
    state.score = score + surprise
    known = state.score[day.listed]
    return np.where(day.listed, (state.score - known.mean()) / known.std(), np.nan)


def _volume(
    traits: Traits, state: State, day: _Day, ratio: np.ndarray, total: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """Shares traded: more where the signal is high, and where the price moves."""
    state.shares = np.where(day.new, traits.turnover / _start(day), state.shares)
    state.shares = state.shares * np.where(np.isnan(ratio), 1.0, ratio)
    activity = VOLUME_OF_SIGNAL * state.signal + 0.35 * day.normal[6] + 0.1 * np.abs(total) / own
    return np.where(day.listed, np.round(state.shares * np.exp(activity)), np.nan)


def _benchmark(
    state: State, day: _Day, total: np.ndarray, gap: np.ndarray, market: float
) -> _Shown:
    """The index of the companies that stayed, a volatility index, a policy rate."""
    before = state.index
    opened = before
    if day.stays.any():
        opened = before * float(np.exp(gap[day.stays]).mean())
        state.index = before * (1 + float(total[day.stays].mean()))
    if day.single[0] < 1 / 40:
        step = 0.0025 if day.single[1] < 0.55 else -0.0025
        state.rate = min(max(state.rate + step, 0.0), 0.06)
    fear = 1.15 * (0.95 + 0.1 * day.single[3])
    return {
        "index_open": round(opened, 2),
        "index_close": round(state.index, 2),
        "volatility_index": round(100 * np.sqrt(252) * market * fear, 2),
        "risk_free_rate": round(state.rate, 4),
    }
