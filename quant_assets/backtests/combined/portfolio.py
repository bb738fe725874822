"""Portfolios of strategies: decided at month ends, switched a session later, held in between.

Belongs here: who joins when, the decisions, and what the portfolios earn of them. How weights are
made stands in weighting.py.

The rules of time. The last session of a month is known as such on the next one, so a decision is
made on the first session of a month from what was known at the close before it. The strategies are
switched at the close of that session, never at a price that the decision knew; the new weights earn
from the session after it. In between weights drift with what the strategies earn.

Costs of switching are `switching_bps` of all value moved out of and into strategies, the first
purchase included. Where two strategies hold the same shares a real account would move less.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.backtests.combined.returns import StrategyReturns
from quant_assets.backtests.combined.weighting import METHODS, Known, Method
from quant_assets.market_data.panels import FloatArray, date_column
from quant_assets.settings_combined import CombinedSettings

LEAST_STRATEGIES = 2
UNKNOWN = -1


@dataclass(frozen=True)
class Portfolio:
    """What one method came to from its first switch on; arrays of shape (D,), weights of (M, S).

    Attributes:
        dates: sessions, the one of the first switch included.
        gross: return of the day before costs of switching.
        cost: these costs as a share of the equity at the close before.
        turnover: value moved as a share of the equity that was switched.
        held: number of strategies held at the close.
        equity: product of 1 + gross - cost.
        weights: set at the close of each of `switched`, over all strategies; they sum to 1, or to
            0 where no strategy was left.
    """

    method: Method
    dates: np.ndarray
    gross: FloatArray
    cost: FloatArray
    turnover: FloatArray
    held: np.ndarray
    equity: FloatArray
    weights: FloatArray

    @property
    def net(self) -> FloatArray:
        """Returns after costs."""
        return self.gross - self.cost


@dataclass(frozen=True)
class Portfolios:
    """The portfolios of a market's strategies by all methods, over the same days.

    Attributes:
        names: of all strategies, shape (S,).
        decided, switched: last session that each decision knows, and the one at whose close it is
            traded; shape (M,).
        of: by name of the method.
        joined: first switch of each strategy that ever joined.
        notes: sentences about strategies that are not in, and why.
    """

    names: tuple[str, ...]
    decided: np.ndarray
    switched: np.ndarray
    of: dict[str, Portfolio]
    joined: dict[str, np.datetime64]
    notes: tuple[str, ...]


def combine(
    found: StrategyReturns,
    risk_free: FloatArray,
    regime: np.ndarray,
    settings: CombinedSettings,
    methods: Mapping[str, Method] = METHODS,
) -> Portfolios:
    """The portfolios by every method.

    Args:
        found: the strategies' returns. A day without one of a strategy that is held counts as 0.
        risk_free: rate of the day (not annual), shape (T,); NaN counts as 0.
        regime: code of the day's regime, known at its close, shape (T,); UNKNOWN below 0.
        settings: windows and costs.
        methods: by name.

    A portfolio begins when LEAST_STRATEGIES have joined, and goes on with those that are left, in
    cash without any. A strategy joins when `minimum_sessions` of the `window` sessions before a
    decision are known, the last one among them, and it lost on one of them: an account that never
    does lies in cash, with interest or without, and every method that looks at risk would put all
    into it. It leaves when that no longer holds.
    """
    excess = found.values - np.nan_to_num(risk_free)[:, None]
    rows = [(d, _who(found.values[: d + 1], settings)) for d in month_ends(found.dates)]
    enough = (k for k, (_, who) in enumerate(rows) if len(who) >= LEAST_STRATEGIES)
    rows = rows[next(enough, len(rows)) :]
    known = [_known(found.values, excess, regime, d, who, settings) for d, who in rows]
    made = {}
    for name, method in methods.items():
        weights = np.zeros((len(rows), len(found.names)))
        for k, (_, who) in enumerate(rows):
            if len(who):
                weights[k, who] = method.weigh(known[k])
        made[name] = _held(found, [d + 1 for d, _ in rows], weights, method, settings)
    decided = np.array([d for d, _ in rows], np.int64)
    joined: dict[str, np.datetime64] = {}
    for d, who in rows:
        for place in who:
            joined.setdefault(found.names[place], found.dates[d + 1])
    return Portfolios(
        found.names,
        found.dates[decided],
        found.dates[decided + 1],
        made,
        joined,
        tuple(_notes(found, rows, settings)),
    )


def month_ends(dates: np.ndarray) -> np.ndarray:
    """Rows of the last session of each month that is known to have ended: another one followed."""
    months = dates.astype("datetime64[M]")
    return np.flatnonzero(months[1:] != months[:-1])


def _who(until: FloatArray, settings: CombinedSettings) -> np.ndarray:
    """Places of the strategies that take part in a decision that knows these rows."""
    window = until[-settings.window :]
    known = np.isfinite(window)
    places = np.flatnonzero((known.sum(axis=0) >= settings.minimum_sessions) & known[-1])
    while len(places):
        complete = window[known[:, places].all(axis=1)][:, places]
        if len(complete) < settings.minimum_sessions:
            # Days must be common to all: whoever has the fewest leaves, until they are enough.
            places = np.delete(places, np.argmin(known[:, places].sum(axis=0)))
            continue
        lost = complete.min(axis=0) < 0
        if lost.all():
            break
        places = places[lost]
    return places


def _known(
    values: FloatArray,
    excess: FloatArray,
    regime: np.ndarray,
    d: int,
    who: np.ndarray,
    settings: CombinedSettings,
) -> Known:
    recent = slice(max(0, d + 1 - settings.window), d + 1)
    complete = np.isfinite(values[recent][:, who]).all(axis=1)
    # What is decided on d earns from the regime of d: so did a day whose eve had that regime.
    past = slice(max(1, d + 1 - settings.regime_window), d + 1)
    eve = slice(past.start - 1, d)
    alike = (regime[eve] == regime[d]) & np.isfinite(excess[past][:, who]).all(axis=1)
    same = excess[past][np.ix_(alike, who)]
    if regime[d] <= UNKNOWN or len(same) < settings.regime_sessions:
        same = same[:0]
    return Known(values[recent][np.ix_(complete, who)], excess[recent][np.ix_(complete, who)], same)


def _held(
    found: StrategyReturns,
    switches: list[int],
    weights: FloatArray,
    method: Method,
    settings: CombinedSettings,
) -> Portfolio:
    """What the weights earn, switched at the close of the given rows."""
    start = switches[0] if switches else len(found.dates)
    count = len(found.dates) - start
    gross, cost, turnover = np.zeros(count), np.zeros(count), np.zeros(count)
    held = np.zeros(count, np.int64)
    target = dict(zip(switches, weights, strict=True))
    holding = np.zeros(len(found.names))
    for k in range(count):
        earned = np.nan_to_num(found.values[start + k])
        gross[k] = float((holding * earned).sum())
        if 1.0 + gross[k] > 0:
            holding = holding * (1.0 + earned) / (1.0 + gross[k])
        wanted = target.get(start + k)
        if wanted is not None:
            turnover[k] = float(np.abs(wanted - holding).sum())
            cost[k] = settings.switching_bps * 1e-4 * turnover[k] * (1.0 + gross[k])
            holding = wanted
        held[k] = int((holding > 0).sum())
    equity = np.asarray(np.cumprod(1.0 + gross - cost), np.float64)
    return Portfolio(method, found.dates[start:], gross, cost, turnover, held, equity, weights)


def _notes(
    found: StrategyReturns, rows: list[tuple[int, np.ndarray]], settings: CombinedSettings
) -> list[str]:
    if not rows:
        return [
            f"there is no portfolio: at no month end {LEAST_STRATEGIES} strategies have "
            f"{settings.minimum_sessions} of the last {settings.window} sessions"
        ]
    last, who = rows[-1]
    known = np.isfinite(found.values[max(0, last + 1 - settings.window) : last + 1]).sum(axis=0)
    return [
        f"the strategy {name} is not in the portfolios since {found.dates[last + 1]}: of the last "
        f"{settings.window} sessions it has {known[place]} returns, {settings.minimum_sessions} "
        "with the last one among them are needed, and one of them must be a loss"
        for place, name in enumerate(found.names)
        if place not in who
    ]


def portfolio_table(made: Portfolios) -> pa.Table:
    """The rows of table `portfolio`."""
    parts = [
        pa.table(
            {
                "method": pa.array([name] * len(each.dates), pa.string()),
                "date": date_column(each.dates),
                "gross_return": each.gross,
                "cost": each.cost,
                "net_return": each.net,
                "turnover": each.turnover,
                "strategies": pa.array(each.held, pa.int32()),
                "equity": each.equity,
            }
        )
        for name, each in made.of.items()
    ]
    return pa.concat_tables(parts)


def weights_table(made: Portfolios) -> pa.Table:
    """The rows of table `portfolio_weights`: strategies with a share, decision by decision."""
    parts = []
    for name, each in made.of.items():
        row, place = np.nonzero(each.weights > 0)
        parts.append(
            pa.table(
                {
                    "method": pa.array([name] * len(row), pa.string()),
                    "date": date_column(made.switched[row]),
                    "decided_on": date_column(made.decided[row]),
                    "strategy": pa.array(np.array(made.names, object)[place], pa.string()),
                    "weight": each.weights[row, place],
                }
            )
        )
    return pa.concat_tables(parts)
