"""How far the day's orders may go: from the weights that are held towards those that are wanted.

Only weights are known here; shares and lots belong to `lots.py`.
"""

import numpy as np

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.reasons import Reasons
from quant_assets.backtests.portfolio.sizing import ROUNDING
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_portfolio import PortfolioSettings


def within_turnover(
    previous: FloatArray, first: FloatArray, target: FloatArray, limit: float
) -> FloatArray:
    """The weights nearest to the target on the way previous -> first -> target, (M,).

    `first` is what must be done in any case (positions beyond their caps). The way is walked until
    what is bought and sold, sum |w - previous|, reaches the limit. Weights on the second part lie
    between `first` and `target`: caps that both keep are kept.
    """
    forced = float(np.abs(first - previous).sum())
    if forced >= limit:
        share = limit / forced if forced > 0 else 0.0
        partly: FloatArray = previous + share * (first - previous)
        return partly
    start, step = first - previous, target - first
    if float(np.abs(start + step).sum()) <= limit:
        return target.copy()
    # The traded sum is convex and piecewise linear in the share of the step, with a kink where a
    # change crosses 0: the last piece that begins within the limit crosses it.
    with np.errstate(divide="ignore", invalid="ignore"):
        kinks = -start / step
    shares = np.unique(np.concatenate([[0.0, 1.0], kinks[(kinks > 0) & (kinks < 1)]]))
    traded = np.abs(start + shares[:, None] * step).sum(axis=1)
    after = int(np.argmax(traded > limit))
    low, high = shares[after - 1], shares[after]
    rise = traded[after] - traded[after - 1]
    share = low + (high - low) * (limit - traded[after - 1]) / rise
    reached: FloatArray = first + share * step
    return reached


def outside_band(
    candidates: Candidates,
    settings: PortfolioSettings,
    first: FloatArray,
    reached: FloatArray,
    band: float,
    why: Reasons,
) -> FloatArray:
    """The weights with changes below the band left out, as far as caps and cash allow it.

    A purchase that is left out breaks nothing. A sale is left out if its sector and the whole then
    stay within their limits, or what they are anyway.
    """
    previous, weights = candidates.previous, reached.copy()
    small = (np.abs(reached - previous) < band) & (reached != previous)
    small &= (reached != 0) & (previous != 0) & (first == previous)
    larger = small & (np.abs(reached) > np.abs(previous))
    weights[larger] = previous[larger]
    left_out = list(np.flatnonzero(larger))
    gross = max(float(np.abs(reached).sum()), settings.gross)
    for place in np.flatnonzero(small & ~larger):
        trial = weights.copy()
        trial[place] = previous[place]
        same = [
            candidates.sectors[place] is not None and n == candidates.sectors[place]
            for n in candidates.sectors
        ]
        held = np.array(same, bool) & (trial * previous[place] > 0)
        if (
            float(np.abs(trial).sum()) <= gross + ROUNDING
            and float(np.abs(trial[held]).sum()) <= settings.limits.sector + ROUNDING
        ):
            weights = trial
            left_out.append(place)
    for place in left_out:
        change = reached[place] - previous[place]
        why.add(int(place), f"band: a change of {change:+.2%} is below {band:.2%}")
    return weights
