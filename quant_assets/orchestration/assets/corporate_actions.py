"""Corporate actions of a market: as its source declares them, and as prices show them.

Bodies read, call the domain and report; what an event is stands in `market_data.actions`.
"""

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.actions import bar_rows
from quant_assets.market_data.actions.detection import detect_splits
from quant_assets.market_data.actions.reconciliation import STATUSES, reconcile
from quant_assets.market_data.sources.registry import open_source, source_class
from quant_assets.orchestration.markdown import table_metadata
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import OWNERS
from quant_assets.warehouse.store import Warehouse


def corporate_action_assets(partitions: MarketPartitions) -> list[dg.AssetsDefinition]:
    """Declared events, the records that are none, detected splits, and both held together."""
    rejecting = source_class(partitions.market).rejects_actions
    return [
        _corporate_actions(partitions),
        *([_rejected_actions(partitions)] if rejecting else []),
        _detected_splits(partitions),
        _split_reconciliation(partitions),
    ]


def _corporate_actions(partitions: MarketPartitions) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "corporate_actions"],
        group_name=partitions.group("market_data"),
        owners=OWNERS,
        kinds={"python"},
    )
    def corporate_actions(context: dg.AssetExecutionContext) -> pa.Table:
        """Splits, payments and other events with their ex-dates, as the source knows them now."""
        events = open_source(market).corporate_actions()
        context.add_output_metadata(
            {
                "kinds": _counts(events, "kind"),
                "symbols": pc.count_distinct(events["symbol"]).as_py(),
                **_range(events, "ex_date"),
            }
        )
        return events

    return corporate_actions


def _rejected_actions(partitions: MarketPartitions) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "rejected_actions"],
        group_name=partitions.group("market_data"),
        owners=OWNERS,
        kinds={"python"},
    )
    def rejected_actions(context: dg.AssetExecutionContext) -> pa.Table:
        """Records of corporate actions that could not be used, each with its reason."""
        rejected = open_source(market).rejected_actions()
        context.add_output_metadata(
            {
                "reasons": _counts(rejected, "reason"),
                "records": table_metadata(rejected, ["company", "label", "reason", "detail"]),
            }
        )
        return rejected

    return rejected_actions


def _detected_splits(partitions: MarketPartitions) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "detected_splits"],
        group_name=partitions.group("market_data"),
        deps=[all_days(dg.AssetKey([market.name, "bars"]))],
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def detected_splits(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> pa.Table:
        """Splits that prices and volumes show by themselves, with the evidence."""
        found = detect_splits(
            _all_bars(warehouse, market.name), largest_move=market.actions.largest_move
        )
        shown = ["symbol", "ex_date", "detected_on", "ratio", "confidence", "gap", "turnover_ratio"]
        context.add_output_metadata(
            {
                "symbols": pc.count_distinct(found["symbol"]).as_py(),
                **_range(found, "ex_date"),
                "latest": table_metadata(found.sort_by([("ex_date", "descending")]), shown),
            }
        )
        return found

    return detected_splits


def _split_reconciliation(partitions: MarketPartitions) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "split_reconciliation"],
        group_name=partitions.group("market_data"),
        deps=[all_days(dg.AssetKey([market.name, "bars"]))],
        ins={
            name: dg.AssetIn(key=dg.AssetKey([market.name, name]))
            for name in ("detected_splits", "corporate_actions")
        },
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def split_reconciliation(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        detected_splits: pa.Table,
        corporate_actions: pa.Table,
    ) -> pa.Table:
        """Declared against detected splits: confirmed, contradicting, missing, undetected."""
        found = reconcile(detected_splits, corporate_actions, _all_bars(warehouse, market.name))
        shown = ["symbol", "ex_date", "kinds", "declared_ratio", "detected_ratio", "detail"]
        latest = found.sort_by([("ex_date", "descending")])
        context.add_output_metadata(
            {status: pc.sum(pc.equal(found["status"], status)).as_py() or 0 for status in STATUSES}
            | {
                f"{status}_splits": table_metadata(
                    latest.filter(pc.equal(latest["status"], status)), shown
                )
                for status in STATUSES
            }
        )
        return found

    return split_reconciliation


def _all_bars(warehouse: Warehouse, market: str) -> pa.Table:
    return warehouse.read(f"{market}/bars", columns=list(bar_rows.COLUMNS))


def _counts(table: pa.Table, column: str) -> dict[str, int]:
    """How often each value stands in a column, the most frequent first."""
    counts = pc.value_counts(table[column].combine_chunks()).to_pylist()
    ordered = sorted(counts, key=lambda each: (-each["counts"], each["values"]))
    return {each["values"]: each["counts"] for each in ordered}


def _range(table: pa.Table, column: str) -> dict[str, str]:
    """The first and the last day of a column, nothing of an empty one."""
    if not table.num_rows:
        return {}
    ends = pc.min_max(table[column]).as_py()
    return {"first_day": str(ends["min"]), "last_day": str(ends["max"])}
