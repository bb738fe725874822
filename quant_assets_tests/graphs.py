"""The graph of small markets, for tests: built from settings, backfilled in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from quant_assets.orchestration.backfill import Report, Run, Stage, execute, plan, window_of
from quant_assets.orchestration.build import build_defs
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.orchestration.selection import parse_selection
from quant_assets.settings import Settings
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.staging import STAGING
from quant_assets.warehouse.storage import PART

DAILY = (
    *("bars", "quarantine", "adjusted_bars", "universe", "benchmark"),
    *("factors_style", "factor_evaluation", "labels", "predictions"),
    "recommendations",
)


def nothing(_: Any) -> None:
    """A listener that does not care."""


@dataclass(frozen=True)
class Graph:
    """The definitions of some settings."""

    settings: Settings

    @cached_property
    def repository(self) -> dg.RepositoryDefinition:
        """What the code location would hold."""
        return build_defs(self.settings).get_repository_def()

    @cached_property
    def warehouse(self) -> ParquetWarehouse:
        """The tables."""
        return ParquetWarehouse(self.settings.warehouse_root, self.settings.markets)

    def partitions(self, market: str) -> MarketPartitions:
        """The partitions of a market."""
        return MarketPartitions(self.settings.market(market))

    def plan(
        self,
        market: str,
        select: str | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> list[Stage]:
        """What `quant-assets backfill` would run."""
        partitions = self.partitions(market)
        selection = parse_selection(select, market, self.repository)
        return plan(self.repository, partitions, selection, window_of(partitions, start, end))

    def backfill(
        self,
        instance: dg.DagsterInstance,
        market: str,
        select: str | None = None,
        start: date | None = None,
        end: date | None = None,
        on_start: Callable[[Run], None] = nothing,
        on_event: Callable[[dg.DagsterEvent], None] = nothing,
    ) -> Report:
        """Plan and run."""
        stages = self.plan(market, select, start, end)
        return execute(stages, self.repository, instance, on_start, on_event, nothing)


def errors(report: Report) -> list[str]:
    """The messages of the runs that failed."""
    return [outcome.error for outcome in report.outcomes if outcome.error is not None]


def tables_of(warehouse: ParquetWarehouse, market: str) -> dict[str, pa.Table]:
    """Every daily table of a market, whole."""
    return {name: warehouse.read(f"{market}/{name}") for name in DAILY}


def stray_files(root: str | Path) -> list[Path]:
    """Everything below a warehouse's root that is neither a partition nor a folder of one."""
    return [
        path
        for path in Path(root).rglob("*")
        if STAGING in path.parts or (path.is_file() and path.name != PART)
    ]
