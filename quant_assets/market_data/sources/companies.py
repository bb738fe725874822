"""What companies go through in the simulated market: listings, events, halts, faulty rows.

Here lives what a company is like and what happens to it apart from its price; simulation.py moves
the prices. Chances and draws are those of one day; nothing here knows a later one.
"""

from dataclasses import dataclass, field

import numpy as np

SECTORS = 10
INDUSTRIES = 3  # a sector
_QUARTER = 63  # sessions between dividends
_DELISTING = 0.04 / 252  # chance a day
_HALT = 0.0008
_FAULT = 0.0003
# What is wrong with a faulty delivery; all but a copy lose the bar.
FAULTS = ("swapped_range", "zero_open", "no_volume", "conflict", "copy")


@dataclass(frozen=True)
class Parameters:
    """What the simulation depends on: companies at a time, seed of the draws, planted IC."""

    slots: int
    seed: int
    signal_ic: float


@dataclass(frozen=True)
class Traits:
    """What a slot is like for ever, (N,) each."""

    sector: np.ndarray
    beta: np.ndarray
    volatility: np.ndarray
    turnover: np.ndarray
    dividend: np.ndarray
    phase: np.ndarray


@dataclass
class State:
    """What a day hands to the next, (N,) each unless a single number."""

    company: np.ndarray
    wait: np.ndarray
    score: np.ndarray
    signal: np.ndarray
    heat: np.ndarray
    close: np.ndarray
    shares: np.ndarray
    halted: np.ndarray
    clean: np.ndarray
    companies: int = 0
    market_heat: float = 0.0
    index: float = 1000.0
    rate: float = 0.02
    today: dict[str, np.ndarray | float | bool] = field(default_factory=dict)


def sectors(parameters: Parameters) -> np.ndarray:
    """Sector of each slot, 0 … SECTORS - 1."""
    return np.arange(parameters.slots) % SECTORS


def industries(parameters: Parameters) -> np.ndarray:
    """Industry of each slot within its sector, 0 … INDUSTRIES - 1."""
    return np.arange(parameters.slots) // SECTORS % INDUSTRIES


def generator(parameters: Parameters, stream: int) -> np.random.Generator:
    """The generator of one stream of draws: 0 for what stays, 1 + t for day t."""
    return np.random.Generator(np.random.Philox(key=[parameters.seed, stream]))


def traits_of(parameters: Parameters) -> Traits:
    """What the slots are like."""
    random = generator(parameters, 0)
    n = parameters.slots
    pays = random.random(n) < 0.6
    return Traits(
        sector=sectors(parameters),
        beta=random.normal(1.0, 0.25, n).clip(0.3, 1.8),
        volatility=0.011 * np.exp(random.normal(0, 0.25, n)),
        turnover=20e6 * np.exp(random.normal(0, 1.0, n)),
        dividend=np.where(pays, random.uniform(0.002, 0.01, n), 0.0),
        phase=random.integers(0, _QUARTER, n),
    )


def first_state(parameters: Parameters) -> State:
    """The state before the first day: every slot empty."""
    n = parameters.slots
    # every slot lists on the first day, but one in twenty within the first year
    late = np.arange(n) % 20 == 19
    wait = np.where(late, 20 + np.arange(n) * 37 % 230, 0)
    return State(
        company=np.full(n, -1),
        wait=wait,
        score=np.zeros(n),
        signal=np.full(n, np.nan),
        heat=np.zeros(n),
        close=np.full(n, np.nan),
        shares=np.full(n, np.nan),
        halted=np.zeros(n, np.int64),
        clean=np.zeros(n, bool),
    )


def listings(state: State, draw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(slots that list a company today, slots whose company stays); the rest is empty."""
    was = state.company >= 0
    leaves = was & (draw < _DELISTING)
    stays = was & ~leaves
    # the chance that made it leave, stretched, tells how long the slot stays empty
    state.wait = np.where(leaves, 10 + (draw / _DELISTING * 50).astype(np.int64), state.wait)
    state.wait = np.where(stays, 0, state.wait - 1)
    new = ~stays & ~leaves & (state.wait < 0)
    state.company = np.where(leaves, -1, state.company)
    count = int(new.sum())
    state.company[new] = state.companies + np.arange(count)
    state.companies += count
    return new, stays


def publish(state: State, listed: np.ndarray, new: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Whether each slot has a bar today; halts last one to five days."""
    begins = listed & ~new & (state.halted == 0) & (draw < _HALT)
    state.halted = np.where(begins, 1 + (draw / _HALT * 5).astype(np.int64), state.halted)
    state.halted = np.where(listed & ~new, state.halted, 0)
    published: np.ndarray = listed & (state.halted == 0)
    state.halted = np.maximum(state.halted - 1, 0)
    return published


def events(
    traits: Traits, state: State, day: int, stays: np.ndarray, draw: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(split ratio, dividend a share) of the day, NaN for none.

    Only after a day with a good bar: then the close before the ex-date, which the adjustment uses,
    is the one the return starts from.
    """
    can = stays & state.clean
    close = state.close
    pays = can & (traits.dividend > 0) & (day % _QUARTER == traits.phase)
    cash = np.where(pays, np.round(close * traits.dividend, 4), np.nan)
    splits = can & ~pays & (close > 150) & (draw < 0.03)
    merges = can & ~pays & (close < 8) & (draw < 0.03)
    ratio = np.where(splits, np.where(close > 300, 4.0, 2.0), np.nan)
    return np.where(merges, 0.1, ratio), cash


def faults(published: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Position in FAULTS for the few bars that are delivered faulty, -1 for the others."""
    faulty = published & (draw < _FAULT)
    fault: np.ndarray = np.where(faulty, (draw / _FAULT * len(FAULTS)).astype(np.int64), -1)
    return fault
