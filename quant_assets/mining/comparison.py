"""Which setting of thread_no and parallel_m computes a batch of factors best.

Belongs here: the rows of table concurrency_report from those of factor_runs. Not here: pictures
(plots.py, page.py), the link to updates of factors (update_links.py).

Only whole runs (part 0) that ended by themselves are compared: a part's seconds depend on how the
library was split, and a run that was stopped says nothing of its setting. They are compared within
one source, one batch of factors and one size of runs (a power of ten of rows): a day's run takes
less than a decade's whatever the setting. A failed run that names no rows counts where most of the
batch's runs lie.
"""

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pyarrow as pa

from quant_assets.mining.runs import FAILED, SUCCEEDED, TIMED_OUT
from quant_assets.warehouse.schemas import schema_of

BATCH = ["source", "factor", "rows_from"]
SETTING = ["thread_no", "parallel_m"]
# With fewer runs the bootstrap of a median knows nothing of how runs scatter.
LEAST_RUNS = 5
RESAMPLES = 2000
SEED = 7


def compare(runs: pa.Table) -> pa.Table:
    """The rows of concurrency_report, in the order of their key.

    Args:
        runs: rows of factor_runs.

    Returns:
        One row a source, factor, size and setting:

        - median_seconds, p10_seconds, p90_seconds: of the runs that succeeded, linear interpolation
          between order statistics.
        - expected_seconds: median_seconds / share that succeeded: a setting under which every other
          run fails costs twice.
        - best: the lowest expected cost of the batch, which is expected_seconds, with seconds a row
          in place of seconds where all succeeded runs of the batch name their rows. Settings with
          fewer than 5 runs stand back where another has 5. A setting that names neither knob is no
          choice.
        - confidence: how sure it is that the setting is the cheapest: the share of 2,000 bootstrap
          resamples (Efron 1979; each setting's runs drawn anew with replacement, failed ones with
          them) in which its expected cost is the lowest, ties divided. Null for settings with fewer
          than 5 runs, and where fewer than two settings have 5. The draws depend on the seed and on
          the batch alone.
    """
    schema = schema_of("concurrency_report")
    rows = [row for batch in _batches(finished(runs)) for row in _rows(batch)]
    return schema.validate(pa.Table.from_pylist(rows, schema=schema.arrow))


def finished(runs: pa.Table) -> pd.DataFrame:
    """Whole runs that ended by themselves, with the batch and the setting that they count for.

    Columns of factor_runs, and: `factor` also where the run names only its library, `rows_from`,
    knobs as int with 0 for what is not told, `succeeded`, and `cost`: seconds, or seconds a row in
    batches whose succeeded runs all name their rows; NaN where it failed.
    """
    frame: pd.DataFrame = runs.to_pandas(date_as_object=False)
    ended = frame["status"].isin([SUCCEEDED, FAILED, TIMED_OUT]) & (frame["part"] == 0)
    # a success without seconds, such as a redriven execution's, says nothing of time
    timed = frame["seconds"].notna() | (frame["status"] != SUCCEEDED)
    frame = frame[ended & timed].copy()
    frame["factor"] = frame["factor"].fillna(frame["library"]).fillna("not named")
    for knob in SETTING:
        frame[knob] = frame[knob].fillna(0).astype(int)
    frame["succeeded"] = frame["status"] == SUCCEEDED
    frame["rows_from"] = _sizes(frame)
    groups = frame.groupby(BATCH)
    unknown = (frame["succeeded"] & ~(frame["rows"] > 0)).groupby([frame[c] for c in BATCH])
    by_row = ~unknown.transform("any") if len(groups) else frame["succeeded"]
    cost = frame["seconds"].where(
        ~by_row, frame["seconds"] / frame["rows"].where(frame["rows"] > 0)
    )
    frame["cost"] = cost.where(frame["succeeded"])
    return frame


def _sizes(frame: pd.DataFrame) -> pd.Series:
    """The power of ten below each run's rows; 0 where they are not told."""
    rows = frame["rows"].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.where(rows >= 1, 10.0 ** np.floor(np.log10(rows)), np.nan)
    known = pd.Series(sizes, index=frame.index)
    batch = [frame["source"], frame["factor"]]
    usual = known.where(frame["succeeded"]).groupby(batch).transform(_most_frequent)
    filled = known.where(known.notna() | frame["succeeded"], usual)
    return filled.fillna(0).astype("int64")


def _most_frequent(values: pd.Series) -> float:
    counts = values.value_counts()
    return float(counts.index[counts == counts.max()].min()) if len(counts) else float("nan")


Columns = dict[str, np.ndarray]


def _batches(frame: pd.DataFrame) -> Iterator[list[Columns]]:
    """Each batch as its settings, ascending; a setting as the columns of its runs.

    Arrays and not frames: with thousands of settings the frames would take most of the time.
    """
    ordered = frame.sort_values([*BATCH, *SETTING, "started", "run_id"])
    keys = ordered[[*BATCH, *SETTING]]
    new = (keys != keys.shift()).to_numpy()
    columns = {str(name): ordered[name].to_numpy() for name in ordered.columns}
    first = np.flatnonzero(new.any(axis=1))
    last = [*first[1:], len(ordered)][: len(first)]
    batch: list[Columns] = []
    for start, end in zip(first, last, strict=True):
        if batch and new[start, : len(BATCH)].any():
            yield batch
            batch = []
        batch.append({name: values[start:end] for name, values in columns.items()})
    if batch:
        yield batch


def _rows(batch: list[Columns]) -> Iterator[dict[str, Any]]:
    """The rows of one batch, by setting."""
    name = {column: batch[0][column][0] for column in BATCH}
    keys = [tuple(int(runs[knob][0]) for knob in SETTING) for runs in batch]
    costs = [runs["cost"] for runs in batch]
    chances = _confidences(costs, keys, "/".join(map(str, name.values())))
    best = _best(costs, keys)
    library = next((x for runs in batch for x in runs["library"] if isinstance(x, str)), None)
    for k, runs in enumerate(batch):
        good = runs["succeeded"].astype(bool)
        seconds, rows = (runs[column][good].astype(float) for column in ("seconds", "rows"))
        low, middle, high = np.percentile(seconds, [10, 50, 90]) if len(seconds) else [None] * 3
        with np.errstate(divide="ignore", invalid="ignore"):
            speed = np.where(seconds > 0, rows / seconds, np.nan)
        yield {
            **name,
            "library": library,
            **dict(zip(SETTING, keys[k], strict=True)),
            "runs": len(good),
            "failures": int((~good).sum()),
            "timeouts": int((runs["status"] == TIMED_OUT).sum()),
            "hosts": len({host for host in runs["host"] if isinstance(host, str)}),
            "median_seconds": middle,
            "p10_seconds": low,
            "p90_seconds": high,
            "expected_seconds": middle * len(good) / good.sum() if middle is not None else None,
            "rows_per_second": _median(speed),
            "memory_mb": _median(runs["memory_mb"][good].astype(float)),
            "best": k == best,
            "confidence": chances[k],
            "last_started": pd.Timestamp(runs["started"].max()).to_pydatetime(warn=False),
        }


def _median(values: np.ndarray) -> float | None:
    """The median of the values that are not NaN."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _best(costs: list[np.ndarray], keys: list[tuple[int, ...]]) -> int | None:
    """The place of the setting with the lowest expected cost; None where none has a cost."""
    choices = [k for k, key in enumerate(keys) if any(key) and np.isfinite(costs[k]).any()]
    many = [k for k in choices if len(costs[k]) >= LEAST_RUNS]
    expected = {k: float(expected_cost(costs[k][None, :])[0]) for k in many or choices}
    return min(expected, key=lambda k: (expected[k], k)) if expected else None


def expected_cost(costs: np.ndarray) -> np.ndarray:
    """Median cost of the runs that succeeded over their share, row by row.

    Args:
        costs: of shape (samples, runs), NaN where a run failed.

    Returns:
        Of shape (samples,); infinite where every run failed.
    """
    ordered = np.sort(costs, axis=1)  # NaN come last
    count = np.isfinite(costs).sum(axis=1)
    some = np.maximum(count, 1)
    every = np.arange(len(costs))
    middle = (ordered[every, (some - 1) // 2] + ordered[every, some // 2]) / 2.0
    return np.where(count > 0, middle * costs.shape[1] / some, np.inf)


def _confidences(
    costs: list[np.ndarray], keys: list[tuple[int, ...]], name: str
) -> list[float | None]:
    """Of each setting the share of resamples in which it is the cheapest."""
    chosen = [k for k, key in enumerate(keys) if any(key) and len(costs[k]) >= LEAST_RUNS]
    result: list[float | None] = [None] * len(costs)
    if len(chosen) < 2:
        return result
    random = np.random.default_rng([SEED, crc32(name.encode())])
    sampled = np.empty((RESAMPLES, len(chosen)))
    for column, k in enumerate(chosen):
        drawn = random.integers(0, len(costs[k]), (RESAMPLES, len(costs[k])))
        sampled[:, column] = expected_cost(costs[k][drawn])
    lowest = sampled.min(axis=1, keepdims=True)
    cheapest = (sampled == lowest) & np.isfinite(lowest)
    shares = cheapest / np.maximum(cheapest.sum(axis=1, keepdims=True), 1)
    for column, k in enumerate(chosen):
        result[k] = float(shares[:, column].mean())
    return result
