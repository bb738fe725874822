"""How likely an overnight gap is a split: a small model of what splits and news look like.

Here live its numbers. Each gap is explained either by a split of one of RATIOS or by news:

- A split moves the open to close / ratio, but for a usual overnight move, and the closes since to
  the same level, but for usual daily moves (Student's t with three degrees of freedom, since moves
  have fat tails, of the symbol's own scale). Simple and round ratios are more frequent: p for q has
  the weight 1 / (s(p) s(q)), s(n) being n for 1 to 5, less than n for the round numbers above and
  more for the others.
- News moves the open anywhere: beyond LEAST_GAP, the chance of a log gap above x falls off as
  1 / x³ (the inverse cubic law of returns: Gopikrishnan et al., 1998). Good news hardly ever more
  than triples a price in a night: there it falls off exponentially. The closes since lie about the
  open.
- Where the exchange lets no price move further in a session, one such move in a hundred is news
  all the same (the session after a long halt has no limit).
- On the day of a split as much money as usual changes hands, over a usual range of prices; on the
  day of news that move a price by a fifth, several times as much.

Before one looks, one gap in ten is a split. The numbers are round ones.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lgamma, log, pi

import numpy as np

LEAST_GAP = log(1.18)
_LEAST_RATIO = 1.2
_MOST_PARTS = 10  # p and q of ratios such as 3 for 2
# s(n) where it is not n: how seldom a number of shares is met
_SELDOM = {6: 8, 7: 12, 8: 10, 9: 18, 10: 5, 12: 15, 20: 8, 25: 12, 30: 15, 40: 20, 50: 15, 100: 15}
_WHOLE = (*range(2, 11), 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 500)
_SPLITS = 0.1
_NEWS_TAIL = 3
_GOOD_NEWS = log(3)
_GOOD_NEWS_SCALE = 0.2
_BEYOND_LIMIT = 0.01
_FREEDOM = 3
# mean and standard deviation of the log of each ratio to its usual size: of a split, of news
_RANGE = ((0.2, 0.5), (1.2, 0.6))
_TURNOVER = ((0.2, 0.8), (1.6, 0.9))


@dataclass(frozen=True)
class Ratio:
    """`numerator` shares after for `denominator` before, in lowest terms."""

    numerator: int
    denominator: int

    @property
    def value(self) -> Fraction:
        """Shares after for each one before."""
        return Fraction(self.numerator, self.denominator)


@dataclass(frozen=True)
class Gap:
    """What is known of a gap.

    Attributes:
        size: log of open / close before, less the market's.
        noise: the symbol's usual overnight move, log.
        level: log of the median close since / close before.
        level_noise: how far that usually moves, log.
        range_ratio: log(high / low) of the day over its usual size; NaN if not known.
        turnover_ratio: traded value of the day over its usual size; NaN if not known.
    """

    size: float
    noise: float
    level: float
    level_noise: float
    range_ratio: float
    turnover_ratio: float


def _ratios() -> list[Ratio]:
    pairs = {(p, 1) for p in _WHOLE} | {(1, q) for q in _WHOLE}
    parts = range(1, _MOST_PARTS + 1)
    pairs |= {(p, q) for p in parts for q in parts if gcd(p, q) == 1}
    # shares for ten, as Asian exchanges count them
    pairs |= {(p // gcd(p, 10), 10 // gcd(p, 10)) for p in range(11, 31)}
    least = Fraction(_LEAST_RATIO).limit_denominator(100)
    return sorted(
        (Ratio(p, q) for p, q in pairs if max(Fraction(p, q), Fraction(q, p)) >= least),
        key=lambda ratio: ratio.value,
    )


RATIOS = _ratios()
_LOGS = np.array([log(r.value) for r in RATIOS])
_WEIGHTS = np.array(
    [1.0 / np.prod([_SELDOM.get(n, n) for n in (r.numerator, r.denominator)]) for r in RATIOS]
)
_WEIGHTS /= _WEIGHTS.sum()


def judge(gap: Gap, largest_move: float | None = None) -> tuple[float, int]:
    """(probability that the gap is a split, position in RATIOS of the likeliest ratio).

    Args:
        gap: what is known.
        largest_move: how far the exchange lets a price move in a session, 0.2 is 20 %.
    """
    splits = np.log(_WEIGHTS) + _student((gap.size + _LOGS) / gap.noise) - log(gap.noise)
    splits += _student((gap.level + _LOGS) / gap.level_noise)
    best = int(np.argmax(splits))
    split = log(_SPLITS) + float(np.logaddexp.reduce(splits))
    # half of the news is good, half is bad
    beyond = max(abs(gap.size) / LEAST_GAP, 1.0)
    news = log((1.0 - _SPLITS) / 2 * _NEWS_TAIL / LEAST_GAP) - (_NEWS_TAIL + 1) * log(beyond)
    news -= max(gap.size - _GOOD_NEWS, 0.0) / _GOOD_NEWS_SCALE
    if largest_move is not None and abs(gap.size) > -log(1.0 - largest_move):
        news += log(_BEYOND_LIMIT)
    news += float(_student((gap.level - gap.size) / gap.level_noise))
    for value, (usual, large) in ((gap.range_ratio, _RANGE), (gap.turnover_ratio, _TURNOVER)):
        if value > 0:
            split += _normal(log(value), *usual)
            news += _normal(log(value), *large)
    return float(1.0 / (1.0 + np.exp(np.clip(news - split, -500, 500)))), best


def _student(z: np.ndarray | float) -> np.ndarray:
    n = _FREEDOM
    constant = lgamma((n + 1) / 2) - lgamma(n / 2) - 0.5 * log(n * pi)
    density: np.ndarray = constant - (n + 1) / 2 * np.log1p(z * z / n)
    return density


def _normal(x: float, mean: float, deviation: float) -> float:
    return -0.5 * ((x - mean) / deviation) ** 2 - log(deviation)
