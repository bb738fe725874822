"""Six days of a market of files, materialized in a home: what faults are tried on."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.graphs import DAILY, Graph, errors, stray_files, tables_of
from quant_assets_tests.markets import files_market, sessions, small_settings

FIRST, LAST = date(2024, 1, 2), date(2024, 1, 9)
DAYS = sessions(FIRST, LAST)


@dataclass(frozen=True)
class Market:
    """A market of files in a folder of its own, and what its home holds."""

    folder: Path
    graph: Graph

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def tables(self) -> dict[str, pa.Table]:
        return tables_of(self.graph.warehouse, "tiny")

    def backfill(self, first: date = FIRST, last: date = LAST) -> list[str]:
        """Run the daily chain; the messages of what failed."""
        with dg.DagsterInstance.ephemeral() as instance:
            return errors(self.graph.backfill(instance, "tiny", "daily", first, last))

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.graph.warehouse.read(f"tiny/{table}").to_pylist()
        return rows

    @property
    def reasons(self) -> Counter[str]:
        return Counter(row["reason"] for row in self.rows("quarantine"))


def market_in(folder: Path, frame: pd.DataFrame | None = None, **keys: Any) -> Market:
    source = keys.pop("source", None)
    block = files_market(folder / "data", frame, source, **keys)
    return Market(folder, Graph(small_settings(folder, {"tiny": block})))


def assert_whole(graph: Graph, days: list[date]) -> None:
    """Every table holds these days, each file as its schema says, and nothing else lies there."""
    for name in DAILY:
        table = f"tiny/{name}"
        assert graph.warehouse.partitions(table) == [str(day) for day in days], name
        schema_of(table).validate(graph.warehouse.read(table), table=table)
    assert stray_files(graph.settings.warehouse_root) == []
