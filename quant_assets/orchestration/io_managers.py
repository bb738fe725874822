"""The IO manager between assets and warehouse: one frame for a range of partitions.

It reads an input's window (with look-back, columns and symbols as the input's metadata say) and
replaces exactly the partitions that a run asks for. Dagster's own IO managers write one partition
at a time. What a table holds is declared in `warehouse.schemas`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.settings import Market
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.table_schema import TableSchema
from quant_assets.warehouse.window import Window


def table_of(key: dg.AssetKey) -> str:
    """The table of an asset: `us/bars`."""
    return "/".join(key.path)


@dataclass(frozen=True)
class Blocks:
    """Rows of a daily table that come in blocks of days, so that they need not be held at once.

    The windows, oldest first, have neither gap nor overlap and make up the run's; each is written
    before the next is asked for. A day that is itself too large to be held comes as a stream.
    `facts` are asked for when all is written: what is known only then goes to the metadata.
    """

    blocks: Iterable[tuple[Window, pa.Table | pa.RecordBatchReader]]
    facts: Callable[[], Mapping[str, Any]] = dict


class WarehouseIOManager(dg.IOManager):
    """Frames in and out of the warehouse.

    Metadata of an input (`AssetIn(metadata=…)`): `lookback` sessions before the window, `columns`,
    `symbols`. An input annotated `pd.DataFrame` comes as such, every other one as `pa.Table`.
    """

    def __init__(self, warehouse: Warehouse, markets: dict[str, Market]) -> None:
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
        written = _Written()
        written.add(
            schema, obj, self.warehouse.replace(table, keys if keys is None else list(keys), obj)
        )
        _tell(context, written, partitioned=keys is not None)

    def _replace_days(
        self, context: dg.OutputContext, table: str, obj: pa.Table | pd.DataFrame | Blocks
    ) -> None:
        schema, days = schema_of(table), context.asset_partitions_time_window
        window = Window(days.start.date(), days.end.date() - timedelta(days=1))
        market = self.partitions[context.asset_key.path[0]]
        written = _Written()
        for part, frame in obj.blocks if isinstance(obj, Blocks) else [(window, obj)]:
            sessions = market.sessions_in(part).tolist()
            written.add(schema, frame, self.warehouse.replace(table, part, frame, dates=sessions))
            if part != window:
                context.log.info(f"{table}: written until {part.end}")
        _tell(context, written, partitioned=True)
        if isinstance(obj, Blocks):
            context.add_output_metadata(dict(obj.facts()))

    def _input_window(self, context: dg.InputContext, lookback: int) -> Window | None:
        """The days of the run's own window, extended by the look-back; None for whole tables."""
        if not context.has_asset_partitions:
            return None
        market = self.partitions[context.asset_key.path[0]]
        days = context.step_context.partition_time_window
        own = Window(days.start.date(), days.end.date() - timedelta(days=1))
        return market.back(own, lookback)


@dataclass
class _Written:
    """What a run has written: rows by partition, and of all of them together symbols and dates."""

    rows: dict[str, int] = field(default_factory=dict)
    symbols: set[str] = field(default_factory=set)
    first: date | None = None
    last: date | None = None

    def add(
        self,
        schema: TableSchema,
        frame: pa.Table | pd.DataFrame | pa.RecordBatchReader,
        rows: dict[str, int],
    ) -> None:
        """Counts a frame that was written; of a stream, which has gone by, only the rows."""
        self.rows.update(rows)
        if isinstance(frame, pa.RecordBatchReader):
            return
        if "symbol" in schema.names:
            self.symbols.update(pc.unique(_column(frame, "symbol")).drop_null().to_pylist())
        if schema.dated_by is not None:
            ends = pc.min_max(_column(frame, schema.dated_by).cast(pa.date32(), safe=False)).as_py()
            self.first = min(filter(None, (self.first, ends["min"])), default=None)
            self.last = max(filter(None, (self.last, ends["max"])), default=None)


def _column(frame: pa.Table | pd.DataFrame, name: str) -> pa.Array | pa.ChunkedArray:
    values = frame[name]
    return values if isinstance(frame, pa.Table) else pa.Array.from_pandas(values)


def _tell(context: dg.OutputContext, written: _Written, partitioned: bool) -> None:
    """Rows, symbols and dates in the metadata of the event.

    Dagster copies a run's metadata onto the event of every partition, and the call for one
    partition's own lists all keys of the range each time (2,755 days: minutes). So the numbers of a
    range are few and named as the run's; a single partition gets its own. What each day of a long
    history holds is told by the summary of market data and by SQL.
    """
    rows, total = written.rows, sum(written.rows.values())
    one = not partitioned or len(rows) == 1
    told: dict[str, Any] = {}
    if not partitioned:
        told["dagster/row_count"] = total
    elif one:
        told["dagster/partition_row_count"] = total
    else:
        told |= {"rows_in_run": total, "partitions_in_run": len(rows)}
    suffix = "" if one else "_in_run"
    if written.symbols:
        told[f"symbols{suffix}"] = len(written.symbols)
    if written.first and written.last and not (partitioned and one):
        told[f"first_date{suffix}"] = str(written.first)
        told[f"last_date{suffix}"] = str(written.last)
    context.add_output_metadata(told)
    context.log.info(f"{table_of(context.asset_key)}: {total:,} rows, {len(rows):,} partitions")
