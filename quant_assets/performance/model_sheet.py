"""From a model's predictions to the data of its tear sheet.

Belongs here: the paper portfolio of its scores and their rank IC. What is traded on a model in
earnest is a strategy of its own, with costs; this is what its scores were worth before them.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.backtests.data import series
from quant_assets.market_data.panels import FloatArray, Panel
from quant_assets.models.ranks import centred_ranks, day_starts, rank_ic
from quant_assets.performance.page.sheet_data import Forecast, Lineage, SheetData, Trials
from quant_assets.performance.regimes import Regimes
from quant_assets.performance.strategy_sheet import index_returns
from quant_assets.settings import Market

QUANTILES = 5
_LEAST = 2 * QUANTILES  # scored securities of a day


def model_sheet(
    predictions: pa.Table,
    adjusted: pa.Table,
    labels: pa.Table,
    benchmark: pa.Table | None,
    market: Market,
    model: str,
    horizon: int,
    importance: Mapping[str, float] | None = None,
    regimes: Regimes | None = None,
    lineage: Lineage | None = None,
    trials: Trials | None = None,
) -> SheetData:
    """The sheet of a model.

    Args:
        predictions: table `predictions`: date, symbol, score.
        adjusted: table `adjusted_bars`: date, symbol, open.
        labels: table `labels`: decision_date, symbol, horizon, value.
        benchmark: table `benchmark`.
        market: of the model.
        model: its name.
        horizon: of the labels that it learns, in sessions.
        importance: feature -> share of the gain of the last model.
        regimes: of the market.
        lineage: of the predictions.
        trials: ever made on the market.
    """
    opens = Panel.from_table(adjusted, ["open"])
    scores = Panel.from_table(predictions, ["score"], opens.dates, opens.symbols)["score"]
    spread = top_less_bottom(scores, opens["open"])
    known = np.flatnonzero(np.isfinite(spread))
    kept = slice(known[0], known[-1] + 1) if len(known) else slice(0, 0)
    dates = opens.dates[kept]
    index = index_returns(benchmark, dates)
    return SheetData(
        kind="model",
        name=model,
        title=f"Model {model}",
        description=(
            f"The mean return of the highest of {QUANTILES} quantiles of its scores less that of "
            "the lowest, day by day on paper: equal weights, no costs, no limits."
        ),
        market_title=market.title,
        calendar=market.calendar,
        currency=market.currency,
        dates=dates,
        returns=spread[kept],
        annualization=market.annualization,
        benchmark=index if np.isfinite(index).any() else None,
        benchmark_title=market.index_title,
        regimes=regimes,
        risk_free=series(benchmark, "risk_free_rate", dates),
        forecast=_forecast(predictions, labels, horizon, importance or {}),
        facts={
            "Return": "scored at the close, held from the next open to the open after it, and "
            "dated by that session; both sides are half of a portfolio that needs no capital",
            "Horizon": f"{horizon} sessions, of the returns that it learns and of the rank IC",
        },
        lineage=lineage or Lineage(),
        trials=trials,
        simulated=market.simulated,
    )


def top_less_bottom(scores: FloatArray, opens: FloatArray) -> FloatArray:
    """Mean return of the highest quantile of scores less that of the lowest, shape (T,).

    Args:
        scores: (T, N), row t known at the close of t; NaN is not scored.
        opens: adjusted, (T, N).

    Row t holds what was scored at the close of t - 2 and held from the open of t - 1 to that of t;
    NaN where fewer than ten securities were scored. A security without either open is left out.
    """
    days, _ = scores.shape
    spread = np.full(days, np.nan)
    if days < 3:
        return spread
    known = np.isfinite(scores[:-2])
    row, column = np.nonzero(known)
    ranks = np.full(known.shape, np.nan)
    ranks[row, column] = _ranks(scores[:-2][row, column], row, len(known))
    with np.errstate(invalid="ignore", divide="ignore"):
        held = opens[2:] / opens[1:-1] - 1.0
    edge = 0.5 - 1.0 / QUANTILES
    sides = [_mean_where(held, chosen) for chosen in (ranks >= edge, ranks <= -edge)]
    enough = known.sum(axis=1) >= _LEAST
    spread[2:] = np.where(enough, sides[0] - sides[1], np.nan)
    return spread


def _ranks(values: FloatArray, rows: np.ndarray, days: int) -> FloatArray:
    """Centred ranks within each row, of values in the order of rows."""
    counts = np.bincount(rows, minlength=days)
    starts = np.concatenate([[0], np.cumsum(counts[counts > 0])])
    return centred_ranks(values, starts) if len(values) else values


def _mean_where(values: FloatArray, chosen: np.ndarray) -> FloatArray:
    """Mean of the chosen finite values of each row; NaN where there is none."""
    inside = chosen & np.isfinite(values)
    counts = inside.sum(axis=1)
    sums = np.where(inside, values, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _forecast(
    predictions: pa.Table, labels: pa.Table, horizon: int, importance: Mapping[str, float]
) -> Forecast:
    """Rank IC of each day whose labels are known."""
    wanted = labels.filter(pc.equal(labels["horizon"], horizon))
    scored = Panel.from_table(predictions, ["score"])
    decided = pa.table(
        {"date": wanted["decision_date"], "symbol": wanted["symbol"], "value": wanted["value"]}
    )
    values = Panel.from_table(decided, ["value"], scored.dates, scored.symbols)["value"]
    scores = scored["score"]
    row, column = np.nonzero(np.isfinite(scores) & np.isfinite(values))
    starts = day_starts(row)
    daily = rank_ic(scores[row, column], values[row, column], starts)
    return Forecast(scored.dates[row[starts[:-1]]], daily, horizon, importance)
