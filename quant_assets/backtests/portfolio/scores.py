"""What candidates are ranked by: the model's predictions, or the target weights of strategies.

Both become one table: date, symbol, score, confidence. How scores become orders belongs to
`recommendations.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.backtests.data import bar_fields, strategy_data
from quant_assets.backtests.strategies.base import Strategy, StrategyError, StrategyParameters
from quant_assets.market_data.panels import FloatArray, Panel

# Sessions of a quarter, the longest time from one decision of a strategy to the next.
DECISION_SESSIONS = 66

SCORES = pa.schema(
    [
        ("date", pa.date32()),
        ("symbol", pa.string()),
        ("score", pa.float64()),
        ("confidence", pa.float64()),
    ]
)


def model_scores(predictions: pa.Table) -> pa.Table:
    """The model's scores; the confidence is the distance of the rank from the middle, 0 to 1.

    Args:
        predictions: columns date, symbol, score, rank (a percentile, 0 to 1).
    """
    confidence = pc.abs(pc.subtract(pc.multiply(predictions["rank"], 2.0), 1.0))
    return (
        predictions.select(["date", "symbol", "score"])
        .append_column("confidence", confidence)
        .cast(SCORES)
    )


@dataclass(frozen=True)
class Part:
    """One strategy of a blend, its parameters and its share."""

    strategy: Strategy
    parameters: StrategyParameters
    share: float

    @property
    def lookback(self) -> int:
        """Sessions before a day on which its score depends."""
        return self.strategy.lookback(self.parameters) + DECISION_SESSIONS


def lookback(parts: Sequence[Part]) -> int:
    """Sessions before a day on which the scores of a blend depend."""
    return max((part.lookback for part in parts), default=0)


def blended_scores(
    parts: Sequence[Part],
    bars: pa.Table,
    tables: Mapping[str, pa.Table | None],
    sessions: np.ndarray,
    days: np.ndarray,
) -> pa.Table:
    """The mean target weight by the strategies, weighted by their shares.

    A strategy's last decision of the past quarter (DECISION_SESSIONS) counts; without one it has no
    say that day. The confidence is the share of those with a say that want the sign of the mean.
    Securities that none wants have no score.

    Args:
        parts: the blend.
        bars: table `adjusted_bars` with the columns that the strategies read, from `lookback`
            sessions before the first day on.
        tables: the other tables that they read.
        sessions: of the bars, ascending.
        days: of the sessions, those to score, ascending.

    Raises:
        StrategyError: weights of the wrong shape.
    """
    columns = sorted({name for p in parts for name in bar_fields(p.strategy, p.parameters)})
    prices = Panel.from_table(bars, columns, sessions)
    decided = [_decisions(part, prices, tables) for part in parts]
    shares = np.array([part.share for part in parts])
    rows: list[pa.Table] = []
    for day in days:
        t = int(np.searchsorted(prices.dates, day))
        held = [_last_decision(weights, t) for weights in decided]
        saying = np.array([weights is not None for weights in held])
        if not saying.any():
            continue
        wanted = np.array([weights for weights in held if weights is not None])
        part = shares[saying] / shares[saying].sum()
        score = part @ wanted
        places = np.flatnonzero(score != 0)
        agreeing = part @ (np.sign(wanted[:, places]) == np.sign(score[places]))
        rows.append(
            pa.table(
                {
                    "date": pa.array([day.item()] * len(places), pa.date32()),
                    "symbol": pa.array(prices.symbols[places].astype(object), pa.string()),
                    "score": score[places],
                    "confidence": np.minimum(agreeing, 1.0),
                }
            )
        )
    return pa.concat_tables(rows) if rows else SCORES.empty_table()


def _decisions(part: Part, prices: Panel, tables: Mapping[str, pa.Table | None]) -> FloatArray:
    data = strategy_data(part.strategy, part.parameters, prices, tables)
    weights = np.asarray(part.strategy.target_weights(data, part.parameters), np.float64)
    if weights.shape != prices.shape:
        raise StrategyError(
            f"strategy {part.strategy.name!r}: target weights must have the shape {prices.shape}. "
            f"Got {weights.shape} instead"
        )
    return weights


def _last_decision(weights: FloatArray, t: int) -> FloatArray | None:
    """The last row up to t, of those of a quarter, that is a decision."""
    for row in range(t, max(t - DECISION_SESSIONS, -1), -1):
        if not np.isnan(weights[row]).any():
            found: FloatArray = weights[row]
            return found
    return None
