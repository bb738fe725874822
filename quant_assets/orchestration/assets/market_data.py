"""Market data: raw bars and quarantine, adjusted bars, universe, benchmark.

Bodies read, call the domain and report; rules stand in `quant_assets.market_data`.
"""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from quant_assets.market_data import adjustment, quality, rules, universe
from quant_assets.market_data.sources.registry import open_source, source_class
from quant_assets.market_data.summary_page import reasons_markdown
from quant_assets.orchestration.assets.corporate_actions import corporate_action_assets
from quant_assets.orchestration.assets.raw_files import raw_files_dependency
from quant_assets.orchestration.markdown import table_metadata
from quant_assets.orchestration.partitions import MarketPartitions, looking_back
from quant_assets.orchestration.policies import OWNERS, RANGE
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse

_REASONS = "\n".join(
    [
        "Every rejected row with its reason and where it came from; flagged rows stay bars.",
        "",
        *(f"- {name}: {text}" for name, text in rules.explanations().items()),
    ]
)


_STATUS = "trading_status"
_STATUS_COLUMNS = ["date", "symbol", "halted", "limit_up_price", "limit_down_price"]


def market_data_assets(partitions: MarketPartitions) -> list[dg.AssetsDefinition]:
    """What is known of a market before anything is computed from it."""
    offered = source_class(partitions.market).further_tables(partitions.market)
    return [
        *corporate_action_assets(partitions),
        _bars(partitions),
        _adjusted_bars(partitions),
        _universe(partitions, _STATUS in offered),
        _benchmark(partitions),
        *(_further(partitions, table) for table in offered),
    ]


def _bars(partitions: MarketPartitions) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.multi_asset(
        name=f"{market.name}__bars",
        outs={
            "bars": dg.AssetOut(
                key=[market.name, "bars"],
                description="Raw bars as traded that passed the rules.",
                kinds={"python", "parquet"},
                owners=OWNERS,
            ),
            "quarantine": dg.AssetOut(
                key=[market.name, "quarantine"],
                description=_REASONS,
                kinds={"python", "parquet"},
                owners=OWNERS,
            ),
        },
        group_name=partitions.group("market_data"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            "corporate_actions": dg.AssetIn(key=dg.AssetKey([market.name, "corporate_actions"])),
        },
        deps=raw_files_dependency(partitions),
    )
    def bars(
        context: dg.AssetExecutionContext, corporate_actions: pa.Table
    ) -> Iterator[dg.Output[pa.Table]]:
        source = open_source(market)
        window = partitions.window(context)
        screened = quality.screen(
            source.read(partitions.back(window, quality.lookback(market.quality))),
            partitions.sessions,
            source.symbols(),
            corporate_actions,
            market.quality,
            window,
        )
        # A range's metadata stand on every day of it: they are small, and named as the run's.
        of = "" if len(partitions.sessions_in(window)) == 1 else "_in_run"
        rejected = reasons_markdown(screened.counts.items())
        context.log.info(f"quarantine: {screened.quarantine.num_rows:,} rows\n{rejected}")
        yield dg.Output(
            screened.bars,
            "bars",
            metadata={
                "source": source.name,
                f"source_rows{of}": screened.rows_in,
                f"rejected{of}": screened.quarantine.num_rows,
                f"flagged{of}": screened.flags,
            },
        )
        yield dg.Output(
            screened.quarantine,
            "quarantine",
            metadata={f"rejected_by_reason{of}": dg.MetadataValue.md(rejected)},
        )

    return bars


def _adjusted_bars(partitions: MarketPartitions) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "adjusted_bars"],
        group_name=partitions.group("market_data"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            "bars": looking_back(dg.AssetKey([market.name, "bars"])),
            "corporate_actions": dg.AssetIn(key=dg.AssetKey([market.name, "corporate_actions"])),
        },
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def adjusted_bars(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        bars: pa.Table,
        corporate_actions: pa.Table,
    ) -> pa.Table:
        """Bars adjusted forward: by all events up to the day, never by later ones."""
        window = partitions.window(context)
        symbols = adjustment.symbols_with_events(corporate_actions, window.end)
        # A dividend's factor needs the close before its ex-date, however long ago that was.
        history = warehouse.read(
            f"{market.name}/bars",
            partitions.until(window.end),
            ["date", "symbol", "close"],
            symbols,
        )
        result = adjustment.adjust(bars, corporate_actions, history, market.actions.interest_tax)
        not_applied = result.not_applied
        if not_applied.num_rows:
            context.log.warning(f"{not_applied.num_rows:,} events are not applied: see the table")
        shown = ["ex_date", "symbol", "kind", "label", "reason"]
        context.add_output_metadata(
            {
                "symbols_with_events": len(symbols),
                "not_applied": not_applied.num_rows,
                "events_not_applied": table_metadata(not_applied, shown),
            }
        )
        return result.table

    return adjusted_bars


def _universe(partitions: MarketPartitions, with_status: bool) -> dg.AssetsDefinition:
    market = partitions.market
    past = universe.lookback(market.universe)
    status = looking_back(dg.AssetKey([market.name, _STATUS]), past, _STATUS_COLUMNS)

    @dg.asset(
        key=[market.name, "universe"],
        group_name=partitions.group("market_data"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            "bars": looking_back(
                dg.AssetKey([market.name, "bars"]), past, ["date", "symbol", "close", "turnover"]
            ),
            "adjusted_bars": looking_back(
                dg.AssetKey([market.name, "adjusted_bars"]),
                past,
                ["date", "symbol", "price_factor"],
            ),
            **({_STATUS: status} if with_status else {}),
        },
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def universe_(context: dg.AssetExecutionContext, **tables: pa.Table) -> pa.Table:
        """Who is listed, how old and how much traded, halted or at a limit, and who is a member."""
        return universe.membership(
            tables["bars"],
            tables["adjusted_bars"],
            open_source(market).symbols(),
            partitions.sessions,
            market.universe,
            partitions.window(context),
            tables.get(_STATUS),
        )

    return universe_


def _benchmark(partitions: MarketPartitions) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "benchmark"],
        group_name=partitions.group("market_data"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def benchmark(context: dg.AssetExecutionContext) -> pa.Table:
        """Index, volatility index and risk-free rate of the day."""
        return open_source(market).benchmark(partitions.window(context))

    return benchmark


def _further(partitions: MarketPartitions, table: str) -> dg.AssetsDefinition:
    """A daily table that the market's source offers as it is."""
    market = partitions.market

    @dg.asset(
        key=[market.name, table],
        group_name=partitions.group("market_data"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        description=schema_of(table).description,
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def further(context: dg.AssetExecutionContext) -> pa.Table:
        rows = open_source(market).read_further_table(table, partitions.window(context))
        if "reason" in rows.column_names:
            for found in rows["reason"].value_counts().to_pylist():
                context.log.info(f"{table}: {found['counts']:,} rows: {found['values']}")
        return rows

    return further
