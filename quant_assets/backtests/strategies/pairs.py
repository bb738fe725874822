"""Pairs: trade the spread of two stocks that move together."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from quant_assets.backtests.cointegration import critical_value, engle_granger
from quant_assets.backtests.selection import LONGEST_PERIOD, rebalancing_days
from quant_assets.backtests.strategies.base import (
    Grid,
    Strategy,
    StrategyData,
    StrategyParameters,
)
from quant_assets.market_data.panels import FloatArray

# A pair whose legs differ by more in size hedges little.
_STEEPEST = 3.0
# Sessions without a price of both legs after which a pair is given up: a halt may end, and what was
# delisted leaves the other leg without its hedge.
_LONGEST_GAP = 5


class Pairs(Strategy):
    """Sell the dear leg of a cointegrated pair short and hold the cheap one until they meet.

    Source: Gatev, Goetzmann and Rouwenhorst (2006), "Pairs Trading: Performance of a Relative-Value
    Arbitrage Rule", Review of Financial Studies 19(3), for formation and trading periods;
    Vidyamurthy (2004), "Pairs Trading", for cointegration (Engle and Granger 1987) in place of
    distances.

    On the first session of a trading period all pairs of the most traded members are tested on the
    logarithms of the formation period's closes, in both directions. Those that pass are taken by
    their statistic, each symbol in one pair. Until the next period the spread is measured by the
    formation's regression: a pair is entered when the spread is `entry` deviations away, left when
    it is back within `exit`, and left for good in this period at `stop`, when a leg ceases to be a
    member, or when a leg has had no price for a week. Positions begin anew with each period, so a
    row depends on one formation and one period before it. Many pairs are tested, and some pass by
    chance.
    """

    name = "pairs"
    title = "Pairs by cointegration"
    description = (
        "Trades the spread of cointegrated pairs: long the cheap leg, short the dear one, until "
        "they meet (Gatev, Goetzmann and Rouwenhorst 2006; Engle and Granger 1987)."
    )
    family = "statistical arbitrage"
    needs = ("close", "member", "average_turnover")
    grid: ClassVar[Grid] = {"entry": (1.5, 2.0, 2.5, 3.0), "exit": (0.0, 0.25, 0.5, 1.0)}

    class Parameters(StrategyParameters):
        """Formation, the choice of pairs, when they are traded, and how much is held."""

        formation: int = Field(
            252, ge=63, le=756, description="sessions on which pairs are tested and measured"
        )
        trading: Literal["monthly", "quarterly"] = Field(
            "quarterly", description="period after which pairs are chosen anew"
        )
        candidates: int = Field(
            40, ge=2, le=100, description="members with the highest traded value that are paired"
        )
        within: Literal["universe", "sector", "industry"] = Field(
            "universe", description="whether both legs must be of one sector or industry"
        )
        pairs: int = Field(
            10, ge=1, le=50, description="pairs that are traded at most; each has an equal part"
        )
        significance: float = Field(
            0.05, description="of the test for cointegration: 0.01, 0.05 or 0.1"
        )
        lags: int = Field(1, ge=0, le=10, description="lagged changes in the test's regression")
        entry: float = Field(2.0, gt=0, le=10, description="deviations at which a pair is entered")
        exit: float = Field(0.5, ge=0, le=10, description="deviations at which it is left")
        stop: float = Field(4.0, gt=0, le=100, description="deviations at which it is given up")
        gross: float = Field(
            1.0, gt=0, le=2, description="both legs of all pairs together, as a share of equity"
        )
        maximum_weight: float = Field(
            0.1, gt=0, le=1, description="largest share of equity in one leg"
        )

        @field_validator("significance")
        @classmethod
        def _in_the_table(cls, value: float) -> float:
            critical_value(value, 252)
            return value

        @model_validator(mode="after")
        def _in_order(self) -> "Pairs.Parameters":
            if not self.exit < self.entry < self.stop:
                raise ValueError(
                    f"exit, entry and stop must ascend. "
                    f"Got {self.exit}, {self.entry}, {self.stop} instead"
                )
            return self

    def fields(self, parameters: "Pairs.Parameters") -> tuple[str, ...]:
        """Closes, membership, traded value, and the groups within which pairs are looked for."""
        return (*self.needs, *([] if parameters.within == "universe" else [parameters.within]))

    def lookback(self, parameters: "Pairs.Parameters") -> int:
        """A formation, and the period that followed it."""
        return parameters.formation + LONGEST_PERIOD[parameters.trading]

    def target_weights(self, data: StrategyData, parameters: "Pairs.Parameters") -> np.ndarray:
        """Weights on days on which a pair is entered or left; legs in proportion 1 to the slope.

        A symbol needs two thirds of the formation's closes, the first and the last among them; in
        between, a missing close is the last one known.
        """
        weights = np.full(data.shape, np.nan)
        starts = np.flatnonzero(rebalancing_days(data.dates, parameters.trading)).tolist()
        for start, end in pairwise([*starts, len(weights)]):
            if start >= parameters.formation:
                chosen = _formed(data, start, parameters)
                for t, sides in _traded(data, start, end, chosen, parameters):
                    weights[t] = _row(data.shape[1], chosen, sides, parameters)
        return weights


@dataclass(frozen=True)
class _Formed:
    """The pairs of a period, (K,) each: columns of the legs, and the regression of y on x."""

    y: np.ndarray
    x: np.ndarray
    slope: FloatArray
    intercept: FloatArray
    deviation: FloatArray


def _formed(data: StrategyData, start: int, parameters: Pairs.Parameters) -> _Formed:
    """The pairs chosen at the close of a period's first session."""
    first = start - parameters.formation + 1
    close, turnover = data["close"][first : start + 1], data["average_turnover"][start]
    known = np.isfinite(close)
    usable = data["member"][start] & known[0] & known[-1] & np.isfinite(turnover)
    usable &= 3 * known.sum(axis=0) >= 2 * len(close)
    columns = np.flatnonzero(usable)
    liquid = np.argsort(-turnover[columns], kind="stable")[: parameters.candidates]
    columns = np.sort(columns[liquid])
    one, other = (columns[place] for place in np.triu_indices(len(columns), 1))
    if parameters.within != "universe":
        groups = data[parameters.within][start]
        together = (groups[one] == groups[other]) & (groups[one] >= 0)
        one, other = one[together], other[together]
    y, x = np.concatenate([one, other]), np.concatenate([other, one])
    if not len(y):
        none = np.empty(0)
        return _Formed(y, x, none, none, none)
    logs = np.log(_filled(close))
    found = engle_granger(logs[:, y], logs[:, x], parameters.lags)
    passed = found.statistic < critical_value(parameters.significance, len(close))
    passed &= (found.slope > 1.0 / _STEEPEST) & (found.slope < _STEEPEST)
    kept: list[int] = []
    taken: set[int] = set()
    for place in np.argsort(np.where(passed, found.statistic, np.inf), kind="stable").tolist():
        if not passed[place] or len(kept) == parameters.pairs:
            break
        if taken.isdisjoint((y[place], x[place])):
            kept.append(place)
            taken |= {y[place], x[place]}
    return _Formed(
        y[kept], x[kept], found.slope[kept], found.intercept[kept], found.deviation[kept]
    )


def _filled(close: FloatArray) -> FloatArray:
    """The closes, each missing one replaced by the last one known; the first must be known."""
    rows = np.where(np.isfinite(close), np.arange(len(close))[:, np.newaxis], 0)
    latest: np.ndarray = np.maximum.accumulate(rows, axis=0)
    return np.take_along_axis(close, latest, axis=0)


def _traded(
    data: StrategyData, start: int, end: int, pairs: _Formed, parameters: Pairs.Parameters
) -> Iterator[tuple[int, np.ndarray]]:
    """Rows of a period with the side of each pair (1 holds y, -1 sells it short), on changes."""
    legs = np.concatenate([pairs.y, pairs.x])
    rows = slice(start, end)
    logs: FloatArray = np.log(data["close"][rows][:, legs])
    y, x = logs[:, : len(pairs.y)], logs[:, len(pairs.y) :]
    spread: FloatArray = (y - pairs.intercept - pairs.slope * x) / pairs.deviation
    member = data["member"][rows]
    both = member[:, pairs.y] & member[:, pairs.x]
    side = np.zeros(len(pairs.y))
    over = np.zeros(len(pairs.y), bool)
    unseen = np.zeros(len(pairs.y), np.int64)
    for t in range(end - start):
        now = spread[t]
        seen = np.isfinite(now)
        unseen = np.where(seen, 0, unseen + 1)
        before = side
        over = over | (seen & (~both[t] | (np.abs(now) >= parameters.stop)))
        over = over | (unseen >= _LONGEST_GAP)
        # Held is y when the spread is below 0: the way back to 0 is its gain.
        back = seen & (side * now >= -parameters.exit)
        side = np.where(over | back, 0.0, side)
        entered = seen & ~over & (side == 0) & (np.abs(now) >= parameters.entry)
        side = np.where(entered, -np.sign(now), side)
        if t == 0 or (side != before).any():
            yield start + t, side


def _row(
    symbols: int, pairs: _Formed, side: np.ndarray, parameters: Pairs.Parameters
) -> FloatArray:
    """Weights of a day, (N,): an equal part of `gross` a pair, legs 1 to the slope, none above."""
    of_y, of_x = 1.0 / (1.0 + pairs.slope), pairs.slope / (1.0 + pairs.slope)
    largest = parameters.maximum_weight / np.maximum(of_y, of_x)
    part = side * np.minimum(parameters.gross / parameters.pairs, largest)
    weights = np.zeros(symbols)
    weights[pairs.y] = part * of_y
    weights[pairs.x] = -part * of_x
    return weights
