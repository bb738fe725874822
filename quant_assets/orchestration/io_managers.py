"""The IO manager between assets and warehouse: one frame for a range of partitions.

It reads an input's window (with look-back, columns and symbols as the input's metadata say) and
replaces exactly the partitions that a run asks for. Dagster's own IO managers write one partition
at a time. What a table holds is declared in `warehouse.schemas`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.settings import Market
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window


def table_of(key: dg.AssetKey) -> str:
    """The table of an asset: `us/bars`."""
    return "/".join(key.path)


@dataclass(frozen=True)
class Blocks:
    """Rows of a daily table that come in blocks of days, so that they need not be held at once.

    The windows, oldest first, have neither gap nor overlap and make up the run's; each is written
    before the next is asked for.
    """

    blocks: Iterable[tuple[Window, pa.Table]]


class WarehouseIOManager(dg.IOManager):
    """Frames in and out of the warehouse.

    Metadata of an input (`AssetIn(metadata=…)`): `lookback` sessions before the window, `columns`,
    `symbols`. An input annotated `pd.DataFrame` comes as such, every other one as `pa.Table`.
    """

    def __init__(self, warehouse: ParquetWarehouse, markets: dict[str, Market]) -> None:
        self.warehouse = warehouse
        self.partitions = {name: MarketPartitions(market) for name, market in markets.items()}

    def load_input(self, context: dg.InputContext) -> Any:
        """The rows of an input's partitions as one frame."""
        filters = context.definition_metadata or {}
        frame = self.warehouse.read(
            table_of(context.asset_key),
            self._input_window(context, int(filters.get("lookback", 0))),
            columns=filters.get("columns"),
            symbols=filters.get("symbols"),
        )
        wants_pandas = context.dagster_type.typing_type is pd.DataFrame
        return frame.to_pandas(date_as_object=False) if wants_pandas else frame

    def handle_output(
        self, context: dg.OutputContext, obj: pa.Table | pd.DataFrame | Blocks
    ) -> None:
        """Replace the partitions of the run with the rows of a frame, or of one after another."""
        table = table_of(context.asset_key)
        schema = schema_of(table)
        if schema.partition_by == "date":
            self._replace_days(context, table, obj)
            return
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        rows = self.warehouse.replace(table, list(keys) if keys is not None else None, obj)
        _count(context, rows, partitioned=keys is not None)

    def _replace_days(
        self, context: dg.OutputContext, table: str, obj: pa.Table | pd.DataFrame | Blocks
    ) -> None:
        days = context.asset_partitions_time_window
        window = Window(days.start.date(), days.end.date() - timedelta(days=1))
        market = self.partitions[context.asset_key.path[0]]
        rows: dict[str, int] = {}
        for part, frame in obj.blocks if isinstance(obj, Blocks) else [(window, obj)]:
            sessions = market.sessions_in(part).tolist()
            rows.update(self.warehouse.replace(table, part, frame, dates=sessions))
            if part != window:
                context.log.info(f"{table}: written until {part.end}")
        _count(context, rows, partitioned=True)

    def _input_window(self, context: dg.InputContext, lookback: int) -> Window | None:
        """The days of the run's own window, extended by the look-back; None for whole tables."""
        if not context.has_asset_partitions:
            return None
        market = self.partitions[context.asset_key.path[0]]
        days = context.step_context.partition_time_window
        own = Window(days.start.date(), days.end.date() - timedelta(days=1))
        return market.back(own, lookback)


def _count(context: dg.OutputContext, rows: dict[str, int], partitioned: bool) -> None:
    """Rows in the metadata of the event.

    Dagster copies a run's metadata onto the event of every partition, and the call for one
    partition's own lists all keys of the range each time (2,755 days: minutes). So the numbers of a
    range are named as the run's; a single partition gets its own.
    """
    total = sum(rows.values())
    if not partitioned:
        context.add_output_metadata({"dagster/row_count": total})
    elif len(rows) == 1:
        context.add_output_metadata({"dagster/partition_row_count": total})
    else:
        context.add_output_metadata({"rows_in_run": total, "partitions_in_run": len(rows)})
    context.log.info(f"{table_of(context.asset_key)}: {total:,} rows, {len(rows):,} partitions")
