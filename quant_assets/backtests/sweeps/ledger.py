"""The ledger of trials: every parameter set ever tried on a market, each counted once.

The best of many trials looks good by luck alone; how many there were, and how far their Sharpe
ratios lay apart, is what the deflated Sharpe ratio needs (Bailey and López de Prado 2014, "The
Deflated Sharpe Ratio", Journal of Portfolio Management 40(5)). Sweeps, searches, backtests and
models record theirs here. The data set is the market: the same parameters on longer data are no
new trial. What is made of the numbers stands in `performance/deflation.py`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2s
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from quant_assets.backtests.data import series
from quant_assets.backtests.sweeps.spaces import trial_key
from quant_assets.market_data.panels import FloatArray, date_column, session_dates
from quant_assets.performance.deflation import probability_of_overfitting
from quant_assets.performance.sample import daily_rate
from quant_assets.settings_research import ModelSettings
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse

Kind = Literal["sweep", "optimization", "model", "backtest"]
TRIALS, RETURNS = "trials", "trial_returns"
# Fewer returns say nothing of a distribution.
_LEAST = 3
# Of the cross-validation, as its authors use.
_BLOCKS = 16


@dataclass(frozen=True)
class Trial:
    """One parameter set that was tried.

    Attributes:
        strategy: its name, or that of a model.
        kind: what tried it.
        parameters: all of them, plain values.
        sharpe: mean over standard deviation (ddof=1) of the excess returns of a session, not made
            annual; NaN where there are no returns or no dispersion.
        skewness: third standardised moment of the same (without correction for bias).
        kurtosis: fourth standardised moment, 3 for a normal distribution.
        sessions: number of returns.
        first, last: sessions of the data, None where there are no returns.
        data_hash: of what it was computed from.
        run: the Dagster run.
        months: first days of months, `datetime64[M]`, and the compounded return of each.
    """

    strategy: str
    kind: Kind
    parameters: Mapping[str, Any]
    sharpe: float = np.nan
    skewness: float = np.nan
    kurtosis: float = np.nan
    sessions: int = 0
    first: date | None = None
    last: date | None = None
    data_hash: str = ""
    run: str = ""
    months: tuple[np.ndarray, FloatArray] = field(
        default_factory=lambda: (np.array([], "datetime64[M]"), np.zeros(0))
    )

    @property
    def key(self) -> str:
        """By which it is counted once."""
        return trial_key(self.strategy, self.parameters)


@dataclass(frozen=True)
class TrialStatistics:
    """What the ledger of a market comes to.

    Attributes:
        count: different trials ever made, whatever became of them.
        variance_of_sharpes: sample variance (ddof=1) of their Sharpe ratios of a session; NaN with
            fewer than two that are known.
        kinds: kind -> trials that it made; one that two made counts for both.
    """

    count: int
    variance_of_sharpes: float
    kinds: Mapping[str, int]


def trials_of(
    strategy: str,
    kind: Kind,
    parameter_sets: Sequence[Mapping[str, Any]],
    returns: FloatArray,
    dates: np.ndarray,
    risk_free: FloatArray | float = 0.0,
    data_hash: str = "",
    run: str = "",
) -> list[Trial]:
    """The trials behind a matrix of returns.

    Args:
        strategy: its name.
        kind: what tried them.
        parameter_sets: all parameters of each, plain values.
        returns: net returns of a session, shape (T, S); NaN before a set's first return.
        dates: sessions, shape (T,).
        risk_free: return of a session without risk, a number or shape (T,).
        data_hash: of what they were computed from.
        run: the Dagster run.
    """
    if returns.shape != (len(dates), len(parameter_sets)):
        raise ValueError(
            f"returns must have the shape {(len(dates), len(parameter_sets))} (sessions, sets). "
            f"Got {returns.shape} instead."
        )
    excess = returns - np.broadcast_to(np.asarray(risk_free, np.float64), len(dates))[:, None]
    sharpe, skewness, kurtosis, counts = _moments(excess)
    months, monthly = _by_month(returns, dates)
    found = []
    for k, parameters in enumerate(parameter_sets):
        known = np.flatnonzero(np.isfinite(returns[:, k]))
        whole = np.isfinite(monthly[:, k])
        found.append(
            Trial(
                strategy,
                kind,
                parameters,
                float(sharpe[k]),
                float(skewness[k]),
                float(kurtosis[k]),
                int(counts[k]),
                dates[known[0]].astype("datetime64[D]").item() if len(known) else None,
                dates[known[-1]].astype("datetime64[D]").item() if len(known) else None,
                data_hash,
                run,
                (months[whole], monthly[whole, k]),
            )
        )
    return found


def trial_of_backtest(
    table: pa.Table,
    strategy: str,
    parameters: Mapping[str, Any],
    benchmark: pa.Table | None = None,
    annualization: float = 252,
    data_hash: str = "",
    run: str = "",
) -> Trial:
    """The trial behind the rows of a backtest (table `backtest`: date, net_return).

    Args:
        table: its rows.
        strategy: its name.
        parameters: all of them, plain values.
        benchmark: table `benchmark`, whose risk-free rate is taken off; None: no rate.
        annualization: sessions a year.
        data_hash: of what it was computed from.
        run: the Dagster run.
    """
    dates = session_dates(table["date"])
    annual = np.nan_to_num(series(benchmark, "risk_free_rate", dates))
    return trials_of(
        strategy,
        "backtest",
        [parameters],
        table["net_return"].to_numpy()[:, np.newaxis],
        dates,
        daily_rate(annual, annualization),
        data_hash,
        run,
    )[0]


def model_trial(name: str, settings: ModelSettings, run: str = "") -> Trial:
    """The trial of a walk-forward model: its settings, whatever the month it is trained for.

    A model has no returns of its own: it is counted, and its Sharpe ratio is not known.
    """
    return Trial(f"model_{name}", "model", settings.model_dump(mode="json"), run=run)


def batch_name(trials: Sequence[Trial]) -> str:
    """The name of trials recorded together: the same trials again replace their own rows."""
    if not trials:
        raise ValueError("a batch needs at least one trial")
    first = trials[0]
    content = " ".join(sorted({trial.key for trial in trials}))
    digest = blake2s(content.encode(), digest_size=8).hexdigest()
    return f"{first.kind}.{first.strategy}.{digest}"


def record_trials(
    warehouse: Warehouse, market: str, batch: str, trials: Iterable[Trial]
) -> dict[str, int]:
    """Write a batch into the ledger, in place of what was recorded under its name.

    Nothing else is touched, so any number of runs may record at once. Of trials with the same
    parameters one is kept.

    Returns:
        Rows by batch.
    """
    once = list({trial.key: trial for trial in trials}.values())
    written = warehouse.replace(f"{market}/{TRIALS}", [batch], _rows(batch, once))
    warehouse.replace(f"{market}/{RETURNS}", [batch], _monthly_rows(batch, once))
    return written


def record(warehouse: Warehouse, market: str, trials: Sequence[Trial]) -> int:
    """Record trials under the name that follows from them; how many different ones they are."""
    if not trials:
        return 0
    return sum(record_trials(warehouse, market, batch_name(trials), trials).values())


def trial_statistics(warehouse: Warehouse, market: str) -> TrialStatistics:
    """How many different trials were made on a market, and how their Sharpe ratios vary."""
    frame = distinct_trials(warehouse, market)
    known = frame["sharpe"].drop_null().to_numpy()
    kinds = warehouse.read(f"{market}/{TRIALS}", columns=["trial", "kind"]).to_pylist()
    counted = {(row["kind"], row["trial"]) for row in kinds}
    return TrialStatistics(
        frame.num_rows,
        float(np.var(known, ddof=1)) if len(known) > 1 else np.nan,
        {
            kind: sum(each == kind for each, _ in counted)
            for kind in sorted({kind for kind, _ in counted})
        },
    )


def distinct_trials(warehouse: Warehouse, market: str) -> pa.Table:
    """Rows of table `trials`, each trial once: as it was measured on the latest data."""
    table = warehouse.read(f"{market}/{TRIALS}")
    order = [
        ("trial", "ascending"),
        ("last", "descending"),
        ("sessions", "descending"),
        ("batch", "ascending"),
    ]
    table = table.sort_by(order)
    keys = table["trial"].to_pylist()
    first = [k for k, key in enumerate(keys) if not k or key != keys[k - 1]]
    return table.take(pa.array(first, pa.int64()))


def monthly_returns(warehouse: Warehouse, market: str) -> tuple[np.ndarray, FloatArray]:
    """Monthly returns of every different trial over the months that most of them have.

    Trials that lack one of these months are left out: the probability of overfitting compares
    trials over the same months.

    Returns:
        months (M,) and returns (M, trials); without trials both are empty.
    """
    trials = distinct_trials(warehouse, market).select(["batch", "trial"])
    rows = warehouse.read(f"{market}/{RETURNS}").join(
        trials, keys=["batch", "trial"], join_type="inner"
    )
    if not rows.num_rows:
        return np.array([], "datetime64[M]"), np.zeros((0, 0))
    days = rows["month"].to_numpy().astype("datetime64[M]")
    months, row = np.unique(days, return_inverse=True)
    keys, column = np.unique(rows["trial"].to_numpy(zero_copy_only=False), return_inverse=True)
    matrix = np.full((len(months), len(keys)), np.nan)
    matrix[row, column] = rows["net_return"].to_numpy()
    common = np.isfinite(matrix).mean(axis=1) > 0.5
    complete = np.isfinite(matrix[common]).all(axis=0)
    return months[common], matrix[np.ix_(common, complete)]


def overfitting_of_market(warehouse: Warehouse, market: str) -> float:
    """Probability that the best of all trials of a market is overfitted (CSCV on months).

    NaN with fewer than two trials over the same months, or fewer than two months a block.
    """
    _, returns = monthly_returns(warehouse, market)
    blocks = min(_BLOCKS, len(returns) // 2 // 2 * 2)
    if returns.shape[1] < 2 or blocks < 2:
        return np.nan
    return probability_of_overfitting(returns, blocks).probability


def _moments(
    excess: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, np.ndarray]:
    """Sharpe ratio, skewness, kurtosis and number of returns of each column, shape (S,)."""
    known = np.isfinite(excess)
    counts = known.sum(axis=0)
    divisor = np.maximum(counts, 1)
    mean = np.where(known, excess, 0.0).sum(axis=0) / divisor
    away = np.where(known, excess - mean, 0.0)
    second = (away**2).sum(axis=0) / divisor
    measured = (counts >= _LEAST) & (np.abs(away).max(axis=0, initial=0.0) > 1e-15)
    safe = np.where(measured, second, 1.0)
    deviation = np.sqrt(safe * divisor / np.maximum(counts - 1, 1))
    third = (away**3).sum(axis=0) / divisor
    fourth = (away**4).sum(axis=0) / divisor
    return (
        np.where(measured, mean / deviation, np.nan),
        np.where(measured, third / safe**1.5, np.nan),
        np.where(measured, fourth / safe**2, np.nan),
        counts,
    )


def _by_month(returns: FloatArray, dates: np.ndarray) -> tuple[np.ndarray, FloatArray]:
    """Months (M,) and compounded returns (M, S); NaN where a month has no return at all."""
    months, first = np.unique(dates.astype("datetime64[M]"), return_index=True)
    if not len(months):
        return months, np.zeros((0, returns.shape[1]))
    grown = np.multiply.reduceat(np.where(np.isfinite(returns), 1.0 + returns, 1.0), first, axis=0)
    held = np.add.reduceat(np.isfinite(returns), first, axis=0)
    return months, np.where(held > 0, grown - 1.0, np.nan)


def _rows(batch: str, trials: Sequence[Trial]) -> pa.Table:
    columns = {
        "batch": [batch] * len(trials),
        "trial": [each.key for each in trials],
        "strategy": [each.strategy for each in trials],
        "kind": [each.kind for each in trials],
        "parameters": [
            json.dumps(dict(each.parameters), sort_keys=True, default=str) for each in trials
        ],
        **{
            name: [value if np.isfinite(value) else None for value in values]
            for name, values in (
                ("sharpe", [each.sharpe for each in trials]),
                ("skewness", [each.skewness for each in trials]),
                ("kurtosis", [each.kurtosis for each in trials]),
            )
        },
        "sessions": [each.sessions for each in trials],
        "first": [each.first for each in trials],
        "last": [each.last for each in trials],
        "data_hash": [each.data_hash for each in trials],
        "run": [each.run for each in trials],
    }
    return pa.table(columns, schema_of(TRIALS).arrow)


def _monthly_rows(batch: str, trials: Sequence[Trial]) -> pa.Table:
    counts = [len(each.months[0]) for each in trials]
    months = [each.months[0].astype("datetime64[D]") for each in trials]
    values = [each.months[1] for each in trials]
    joined = np.concatenate([np.array([], "datetime64[D]"), *months])
    return pa.table(
        {
            "batch": pa.array([batch] * sum(counts), pa.string()),
            "trial": pa.array(
                [each.key for each, n in zip(trials, counts, strict=True) for _ in range(n)],
                pa.string(),
            ),
            "month": date_column(joined),
            "net_return": np.concatenate([np.zeros(0), *values]),
        }
    )
