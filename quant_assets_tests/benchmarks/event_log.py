"""Bookkeeping of the instance: a range run of assets that do nothing, on our event log and stock's.

The peer is the SQLite storage that Dagster uses when dagster.yaml says nothing, with its default
settings. The results agree when both instances hold the same materialized partitions afterwards.
"""

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import dagster as dg

from quant_assets_tests.benchmarks.harness import Result, compare, main

ASSETS = 5
Block = dict[str, dict[str, str]]
OURS: Block = {
    "event_log_storage": {
        "module": "quant_assets.orchestration.event_log",
        "class": "PooledSqliteEventLogStorage",
    }
}
Partitions = dict[str, set[str]]


def graph(days: int) -> tuple[dg.JobDefinition, list[str]]:
    """A job of ASSETS daily assets in a chain that share one run for a range, and its dates."""
    start = date(2015, 1, 1)
    end = start + timedelta(days=days)
    daily = dg.DailyPartitionsDefinition(str(start), end_date=str(end))

    def asset(number: int) -> dg.AssetsDefinition:
        @dg.asset(
            name=f"asset_{number}",
            deps=[f"asset_{number - 1}"] if number else [],
            partitions_def=daily,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def nothing() -> None:
            pass

        return nothing

    definitions = dg.Definitions(
        assets=[asset(number) for number in range(ASSETS)],
        jobs=[dg.define_asset_job("range", executor_def=dg.in_process_executor)],
    )
    return definitions.resolve_job_def("range"), list(daily.get_partition_keys())


def run_range(days: int, block: Block) -> Partitions:
    """One run over all days on a fresh instance; the materialized partitions of each asset."""
    job, keys = graph(days)
    with tempfile.TemporaryDirectory() as folder:
        overrides = {
            name: {**storage, "config": {"base_dir": folder}} for name, storage in block.items()
        }
        with dg.instance_for_test(overrides=overrides, temp_dir=folder) as instance:
            tags = {
                "dagster/asset_partition_range_start": keys[0],
                "dagster/asset_partition_range_end": keys[-1],
            }
            job.execute_in_process(instance=instance, tags=tags)
            names = [f"asset_{number}" for number in range(ASSETS)]
            return {n: instance.get_materialized_partitions(dg.AssetKey(n)) for n in names}


def on(days: int, block: Block, batch: bool) -> Callable[[], Partitions]:
    """The run as a function without arguments, with Dagster's batching of events on or off."""

    def run() -> Partitions:
        os.environ.pop("DAGSTER_EVENT_BATCH_SIZE", None)
        result = run_range(days, block)
        assert ("DAGSTER_EVENT_BATCH_SIZE" in os.environ) is batch
        return result

    return run


def cases(quick: bool) -> Iterator[Result]:
    """A range run of 2,500 days x 5 assets; 20 days when quick."""
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")
    for days in [20] if quick else [100, 2500]:
        result = compare(
            "event_log",
            f"{days} days x {ASSETS} assets",
            on(days, OURS, batch=True),
            "stock SQLite",
            on(days, {}, batch=False),
            agree=lambda ours, theirs: ours == theirs and all(ours.values()),
            repeats=1 if days > 1000 else 2,
        )
        yield result
        each = [1000 * s / (days * ASSETS) for s in (result.ours_s, result.peer_s or 0)]
        note = f"ms for each asset-partition: {each[0]:.2f} ours, {each[1]:.2f} stock"
        print(note, file=sys.stderr)


if __name__ == "__main__":
    main("event_log", cases)
