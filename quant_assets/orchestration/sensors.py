"""Sensors: what arrives in a landing folder asks for the partitions it covers.

How files are read stands in `market_data.sources`; here is what changed since the last look.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.files import Files
from quant_assets.orchestration.jobs import AssetJob
from quant_assets.orchestration.partitions import MarketPartitions

SECONDS_BETWEEN_LOOKS = 60


def landing_sensor(partitions: MarketPartitions, daily: AssetJob) -> dg.SensorDefinition:
    """Asks for exactly the days that a new, changed or removed file of a market covers.

    The cursor keeps size, time and days of every file, and the day that is still going on: its
    partition exists, and is asked for, once it has ended. At the first look, days whose bars are
    materialized already are not asked for again. A file that cannot be read (it may still be on its
    way) is looked at again at the next tick.
    """
    market = partitions.market
    bars = dg.AssetKey([market.name, "bars"])

    @dg.sensor(
        name=f"{market.name}_landing",
        job=daily,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        description=f"{market.label}: new and changed files",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = json.loads(context.cursor) if context.cursor else {"files": {}, "waiting": []}
        look = _look(Files(market), before["files"], partitions)
        existing = set(partitions.daily.get_partition_keys())
        covered = look.days | {date.fromisoformat(day) for day in before["waiting"]}
        days = {day for day in covered if str(day) in existing}
        if not before["files"]:
            done = context.instance.get_materialized_partitions(bars)
            days = {day for day in days if str(day) not in done}
        for fault in look.faults:
            context.log.warning(f"will be looked at again: {fault}")
        waiting = sorted(str(day) for day in covered if str(day) not in existing)
        cursor = json.dumps({"files": look.files, "waiting": waiting})
        requests = [
            _request(first, last, cursor) for first, last in _ranges(partitions, sorted(days))
        ]
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=cursor)
        reason = "; ".join(look.faults) or f"nothing new among {len(look.files)} files"
        return dg.SensorResult(skip_reason=reason, cursor=cursor)

    return landing


@dataclass
class _Look:
    """What a look at the folder found: days to ask for, the files as they are now, faults."""

    days: set[date] = field(default_factory=set)
    files: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def _look(source: Files, known: dict[str, Any], partitions: MarketPartitions) -> _Look:
    look = _Look()
    try:
        listed = source.list_files()
    except SourceError as fault:
        # The whole folder is gone, perhaps not mounted: that is no reason to ask for every day.
        return _Look(files=known, faults=[str(fault)])
    for file in listed:
        before = known.get(file.path)
        stamp = [file.size, file.mtime_ns]
        if before and before["stamp"] == stamp:
            look.files[file.path] = before
            continue
        try:
            covered = source.coverage(file.path)
        except SourceError as fault:
            look.faults.append(str(fault))
            if before:
                look.files[file.path] = before
            continue
        look.days.update(covered)
        if before:
            look.days.update(_days(partitions, before["ranges"]))
        look.files[file.path] = {"stamp": stamp, "ranges": list(_ranges(partitions, covered))}
    for path in known.keys() - {file.path for file in listed}:
        look.days.update(_days(partitions, known[path]["ranges"]))
    return look


def _request(first: str, last: str, cursor: str) -> dg.RunRequest:
    """A run over a range of days; the same files never ask twice."""
    state = hashlib.sha256(cursor.encode()).hexdigest()[:16]
    if first == last:
        return dg.RunRequest(run_key=f"{first}:{state}", partition_key=first)
    return dg.RunRequest(
        run_key=f"{first}:{last}:{state}",
        tags={ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last},
    )


def _ranges(partitions: MarketPartitions, days: Iterable[date]) -> Iterator[tuple[str, str]]:
    """Runs of sessions without a gap, as (first, last)."""
    places = np.searchsorted(partitions.sessions, np.array(list(days), "datetime64[D]"))
    for group in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1):
        if len(group):
            yield str(partitions.sessions[group[0]]), str(partitions.sessions[group[-1]])


def _days(partitions: MarketPartitions, ranges: Iterable[tuple[str, str]]) -> Iterator[date]:
    """The sessions of some ranges."""
    for first, last in ranges:
        inside = (partitions.sessions >= np.datetime64(first)) & (
            partitions.sessions <= np.datetime64(last)
        )
        yield from partitions.sessions[inside].tolist()
