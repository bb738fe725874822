"""Sensors: what arrives in a landing folder, or under a prefix on S3, asks for its partitions.

How files are listed and read stands in `market_data.sources`; here is what changed since the last
look.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, runtime_checkable

import dagster as dg
import numpy as np
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from quant_assets.market_data.sources import objects
from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.files import Files
from quant_assets.market_data.sources.registry import open_source
from quant_assets.market_data.sources.storage import SourceFile
from quant_assets.orchestration.jobs import AssetJob
from quant_assets.orchestration.partitions import MarketPartitions

SECONDS_BETWEEN_LOOKS = 60
# Files that are new are opened for so long a look; what is left comes at the next one. Dagster ends
# a look after a minute, and thousands of files of a first delivery on S3 would never be through.
SECONDS_OF_OPENING = 20.0


@runtime_checkable
class SourceOfFiles(Protocol):
    """A source whose files can be looked at one by one."""

    def list_files(self) -> list[SourceFile]:
        """The files that are there now."""

    def coverage(self, path: str) -> list[date]:
        """The sessions for which one file has rows."""


def landing_sensor(partitions: MarketPartitions, daily: AssetJob) -> dg.SensorDefinition:
    """Asks for exactly the days that a new, changed or removed file of a market covers.

    The cursor keeps what tells a file from another version of it (size and time; on S3 the ETag,
    too) and the days of every file, and the days that are still going on: their partitions exist,
    and are asked for, once they have ended. Until every file has been looked at once, days whose
    bars are materialized already are not asked for again. A file that cannot be read (it may still
    be on its way) is looked at again at the next tick.
    """
    market = partitions.market
    bars = dg.AssetKey([market.name, "bars"])

    @dg.sensor(
        name=f"{market.name}_landing",
        job=daily,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        description=f"{market.label}: new and changed files",
        required_resource_keys={"s3"} if market.lands_on_s3 else None,
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        before = _Memory.of(context.cursor)
        client = context.resources.s3 if market.lands_on_s3 else None
        look = _look(open_source(market), client, before, partitions)
        existing = set(partitions.daily.get_partition_keys())
        covered = look.days | {date.fromisoformat(day) for day in before.waiting}
        days = {day for day in covered if str(day) in existing}
        if before.first:
            done = context.instance.get_materialized_partitions(bars)
            days = {day for day in days if str(day) not in done}
        for fault in look.faults:
            context.log.warning(f"will be looked at again: {fault}")
        waiting = sorted(str(day) for day in covered if str(day) not in existing)
        cursor = _Memory(look.files, waiting, look.resume, before.first and look.more).cursor()
        requests = [
            _request(first, last, cursor) for first, last in _ranges(partitions, sorted(days))
        ]
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=cursor)
        reason = "; ".join(look.faults) or f"nothing new among {len(look.files)} files"
        return dg.SensorResult(skip_reason=reason, cursor=cursor)

    return landing


@dataclass(frozen=True)
class _Memory:
    """What is known from one look to the next.

    Attributes:
        files: path -> its stamp and the ranges of its days.
        waiting: days that are covered and have not ended.
        resume: where the next look at a prefix on S3 goes on.
        first: not every file has been looked at yet.
    """

    files: dict[str, Any]
    waiting: list[str]
    resume: str = ""
    first: bool = False

    @classmethod
    def of(cls, cursor: str | None) -> "_Memory":
        known = json.loads(cursor) if cursor else {"files": {}, "waiting": []}
        return cls(**({"first": not known["files"]} | known))

    def cursor(self) -> str:
        return json.dumps(vars(self))


@dataclass
class _Look:
    """What a look at the files found: days to ask for, the files as they are now, faults.

    `more` says that some files have not been looked at, `resume` where the next look goes on.
    """

    days: set[date] = field(default_factory=set)
    files: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    more: bool = False
    resume: str = ""


def _look(source: Any, client: Any, before: _Memory, partitions: MarketPartitions) -> _Look:
    assert isinstance(source, SourceOfFiles)
    try:
        listed = _listed(source, client, before)
    except SourceError as fault:
        # The whole folder is gone, perhaps not mounted: that is no reason to ask for every day.
        return _Look(files=before.files, faults=[str(fault)], more=True, resume=before.resume)
    look = _Look(more=bool(listed.resume), resume=listed.resume)
    until = time.monotonic() + SECONDS_OF_OPENING
    opened = False
    for path, stamp in sorted(listed.stamps.items()):
        known = before.files.get(path)
        if known:
            look.files[path] = known
            if known["stamp"] == stamp:
                continue
        if opened and time.monotonic() > until:
            look.more, look.resume = True, before.resume
            continue
        opened = True
        try:
            covered = source.coverage(path)
        except SourceError as fault:
            look.faults.append(str(fault))
            continue
        look.days.update(covered)
        if known:
            look.days.update(_days(partitions, known["ranges"]))
        look.files[path] = {"stamp": stamp, "ranges": list(_ranges(partitions, covered))}
    for path in before.files.keys() - listed.stamps.keys():
        if listed.saw(path):
            look.days.update(_days(partitions, before.files[path]["ranges"]))
        else:
            look.files[path] = before.files[path]
    return look


def _listed(source: SourceOfFiles, client: Any, before: _Memory) -> objects.Look:
    """The files as they lie there now; of a large prefix on S3 a part of them."""
    if client is None:
        stamps: dict[str, list[str | int]] = {
            file.path: [file.size, file.mtime_ns] for file in source.list_files()
        }
        return objects.Look(stamps, [("", None)])
    assert isinstance(source, Files)
    last = max(before.files, default="")
    found = objects.look_at(client, source.prefix_on_s3(), before.resume, last)
    if ("", None) in found.spans and not found.stamps:
        raise source.nothing_there()
    return found


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
