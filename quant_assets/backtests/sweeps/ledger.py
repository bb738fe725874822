"""The ledger of trials: every parameter set ever tried on a market, each counted once.

The best of many trials looks good by luck alone; how many there were, and how far their Sharpe
ratios lay apart, is what the deflated Sharpe ratio needs (Bailey and López de Prado 2014, "The
Deflated Sharpe Ratio", Journal of Portfolio Management 40(5)). Sweeps, searches, backtests and
models record theirs here, before they show what came of them. The data set is the market: the same
parameters on longer data are no new trial. What a trial is stands in `trial.py`, what is made of
the numbers in `performance/deflation.py`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s

import numpy as np
import pyarrow as pa

from quant_assets.backtests.sweeps.trial import Trial
from quant_assets.market_data.panels import FloatArray, date_column
from quant_assets.performance.deflation import probability_of_overfitting
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse

TRIALS, RETURNS = "trials", "trial_returns"
# Of the cross-validation, as its authors use.
_BLOCKS = 16


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
