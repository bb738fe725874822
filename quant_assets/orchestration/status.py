"""What is materialized, missing and failed: the numbers behind `quant-assets status`."""

from dataclasses import dataclass

import dagster as dg
from dagster._core.storage.partition_status_cache import AssetPartitionStatus


@dataclass(frozen=True)
class AssetStatus:
    """How many partitions of an asset are in which state; an unpartitioned asset counts as one."""

    asset: str
    partitions: int
    materialized: int
    failed: int
    last: str | None

    @property
    def missing(self) -> int:
        """Partitions that were never materialized and did not fail."""
        return self.partitions - self.materialized - self.failed


def asset_status(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, market: str
) -> list[AssetStatus]:
    """The state of every asset of a market, in the order of the graph.

    `last` is the last materialized partition, or the time of an unpartitioned asset's
    materialization (UTC).
    """
    graph = repository.asset_graph
    rows = []
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        if key.path[0] != market or not node.is_materializable:
            continue
        if node.partitions_def is None:
            rows.append(_unpartitioned(instance, key))
            continue
        existing = node.partitions_def.get_partition_keys()
        states = instance.get_status_by_partition(key, existing, node.partitions_def) or {}
        done = [k for k in existing if states.get(k) == AssetPartitionStatus.MATERIALIZED]
        failed = sum(state == AssetPartitionStatus.FAILED for state in states.values())
        last = done[-1] if done else None
        rows.append(AssetStatus(key.path[-1], len(existing), len(done), failed, last))
    return rows


def _unpartitioned(instance: dg.DagsterInstance, key: dg.AssetKey) -> AssetStatus:
    """As for a partition, the last run counts: one that failed hides the materialization before."""
    records = instance.get_asset_records([key])
    if not records:
        return AssetStatus(key.path[-1], 1, 0, 0, None)
    entry = records[0].asset_entry
    done = entry.last_materialization
    run = instance.get_run_by_id(entry.last_run_id) if entry.last_run_id else None
    failed = (
        run is not None
        and run.status == dg.DagsterRunStatus.FAILURE
        and (done is None or done.run_id != run.run_id)
    )
    when = _utc(done.timestamp) if done else None
    return AssetStatus(key.path[-1], 1, int(done is not None and not failed), int(failed), when)


def _utc(timestamp: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M")
