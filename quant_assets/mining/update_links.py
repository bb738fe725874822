"""Whether Step Functions run factors when the platform has updated them.

Belongs here: the rows of table factor_update_links from those of factor_runs. Not here: the runs
themselves, pictures.

Updates are told by the platform's own (Dagster) runs, executions by Step Functions: a run that
makes an update would always agree with it. An update of a library (of a factor, where executions
name no library) is one of two things:

- computed: a run of the library that succeeded, at its end, when its partitions were replaced.
- version: a run whose formulas have another hash than in the run of the same batch before it, at
  its start. The first hash that is known is no change.

An execution is one that nothing else has started (not the child of a map), of any status, at its
start.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from quant_assets.mining.runs import SUCCEEDED
from quant_assets.warehouse.schemas import schema_of

KINDS = ("computed", "version")
_WEEK = 7
# With fewer weeks a rank correlation is noise.
LEAST_WEEKS = 4
_HOUR = 3600.0
_DAY = 24.0


def link(runs: pa.Table) -> pa.Table:
    """The rows of factor_update_links, in the order of their key.

    Args:
        runs: rows of factor_runs.

    Returns:
        One row a subject with executions and kind of update:

        - followed: executions with an update before (or at) their start; median_lag_hours is over
          those, within_a_day the share of all executions.
        - days: UTC days from the first event to the last, of updates and executions alike.
        - daily_correlation: Spearman correlation of the number of updates and the number of
          executions a day over the whole weeks up to the last of those days; null with fewer than 4
          weeks, or where either number never changes.
        - p_value: the share of all circular shifts of one series against the other by whole weeks,
          the shift by 0 among them, under which the correlation is at least as far from 0. Such
          shifts keep what both series do from day to day (weekends, bursts), which a plain p-value
          would take for a link; below 0.05 it takes 21 weeks.
    """
    frame: pd.DataFrame = runs.to_pandas(date_as_object=False)
    whole = frame[(frame["part"] == 0) & frame["parent_id"].isna()]
    executions = whole[whole["source"] == "step_functions"]
    subject = executions["library"].fillna(executions["factor"]).fillna("not named")
    updates = _updates(whole[whole["source"] == "dagster"])
    rows = [
        _row(str(name), kind, group["started"], updates[kind])
        for name, group in executions.groupby(subject, sort=True)
        for kind in KINDS
    ]
    schema = schema_of("factor_update_links")
    return schema.validate(pa.Table.from_pylist(rows, schema=schema.arrow))


def _updates(own: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By kind: columns library, factor and at, a row an update."""
    done = own[(own["status"] == SUCCEEDED) & own["ended"].notna()]
    known = own[own["factor_version"].notna()].sort_values(["started", "run_id"])
    before = known.groupby(["library", "factor"], dropna=False)["factor_version"].shift()
    new = known[before.notna() & (before != known["factor_version"])]
    names = ["library", "factor"]
    return {
        "computed": done[names].assign(at=done["ended"]),
        "version": new[names].assign(at=new["started"]),
    }


def _row(subject: str, kind: str, starts: pd.Series, updates: pd.DataFrame) -> dict[str, Any]:
    of_subject = (updates["library"] == subject) | (updates["factor"] == subject)
    at = _seconds(updates.loc[of_subject, "at"])
    started = _seconds(starts)
    lags = np.fromiter(_lags(started, at), float)
    days, correlation, p_value = _daily(at, started)
    return {
        "subject": subject,
        "update_kind": kind,
        "updates": len(at),
        "executions": len(started),
        "followed": len(lags),
        "median_lag_hours": float(np.median(lags)) if len(lags) else None,
        "within_a_day": float((lags <= _DAY).sum() / len(started)),
        "days": days,
        "daily_correlation": correlation,
        "p_value": p_value,
    }


def _seconds(instants: pd.Series) -> np.ndarray:
    """Instants as seconds since 1970, ascending."""
    nanoseconds = instants.to_numpy("datetime64[ns]").astype("int64")
    return np.sort(nanoseconds) / 1e9


def _lags(started: np.ndarray, updates: np.ndarray) -> Iterator[float]:
    """Hours from the last update before each execution to it; without one there is no lag."""
    last = np.searchsorted(updates, started, side="right") - 1
    for start, place in zip(started, last, strict=True):
        if place >= 0:
            yield float(start - updates[place]) / _HOUR


def _daily(updates: np.ndarray, executions: np.ndarray) -> tuple[int, float | None, float | None]:
    """(days, rank correlation of the daily numbers, its p-value); there are executions."""
    numbers = [np.floor(each / (_DAY * _HOUR)).astype(int) for each in (updates, executions)]
    both = np.concatenate(numbers)
    last, days = int(both.max()), int(both.max() - both.min()) + 1
    length = days // _WEEK * _WEEK
    if length < LEAST_WEEKS * _WEEK:
        return days, None, None
    counts = [
        np.bincount((last - each)[last - each < length], minlength=length) for each in numbers
    ]
    ranks = [_centred_ranks(each) for each in counts]
    scale = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    if scale == 0.0:
        return days, None, None
    shifted = [float(ranks[0] @ np.roll(ranks[1], by)) / scale for by in range(0, length, _WEEK)]
    p_value = np.mean([abs(each) >= abs(shifted[0]) - 1e-12 for each in shifted])
    return days, shifted[0], float(p_value)


def _centred_ranks(counts: np.ndarray) -> np.ndarray:
    """Average ranks less their mean."""
    ranks = pd.Series(counts).rank()
    centred: np.ndarray = (ranks - ranks.mean()).to_numpy()
    return centred
