"""Market data: raw bars and quarantine, corporate actions, adjusted bars, universe, benchmark.

Bodies read, call the domain and report; rules stand in `quant_assets.market_data`.
"""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from quant_assets.market_data import adjustment, quality, rules, universe
from quant_assets.market_data.sources.registry import open_source
from quant_assets.orchestration.partitions import MarketPartitions, looking_back
from quant_assets.orchestration.policies import OWNERS, RANGE
from quant_assets.warehouse.parquet import ParquetWarehouse

_REASONS = "\n".join(
    [
        "Every rejected row with its reason and where it came from; flagged rows stay bars.",
        "",
        *(f"- {name}: {text}" for name, text in rules.explanations().items()),
    ]
)


def market_data_assets(partitions: MarketPartitions) -> list[dg.AssetsDefinition]:
    """What is known of a market before anything is computed from it."""
    return [
        _corporate_actions(partitions),
        _bars(partitions),
        _adjusted_bars(partitions),
        _universe(partitions),
        _benchmark(partitions),
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
        """Splits and dividends with their ex-dates, as the source knows them now."""
        return open_source(market).corporate_actions()

    return corporate_actions


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
        rejected = screened.quarantine.num_rows
        for reason, count in screened.counts.items():
            context.log.info(f"quarantine: {count:,} rows: {reason}")
        yield dg.Output(
            screened.bars,
            "bars",
            metadata={
                "source": source.name,
                "source_rows_in_run": screened.rows_in,
                "rejected_in_run": rejected,
                "flagged_in_run": screened.flags,
            },
        )
        yield dg.Output(
            screened.quarantine, "quarantine", metadata={"reasons_in_run": screened.counts}
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
        warehouse: dg.ResourceParam[ParquetWarehouse],
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
        result = adjustment.adjust(bars, corporate_actions, history)
        for event in result.not_applied.to_pylist():
            context.log.warning(f"event not applied: {event}")
        context.add_output_metadata(
            {"symbols_with_events": len(symbols), "not_applied": result.not_applied.num_rows}
        )
        return result.table

    return adjusted_bars


def _universe(partitions: MarketPartitions) -> dg.AssetsDefinition:
    market = partitions.market
    past = universe.lookback(market.universe)

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
        },
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def universe_(
        context: dg.AssetExecutionContext, bars: pa.Table, adjusted_bars: pa.Table
    ) -> pa.Table:
        """Who is listed, how old and how much traded, halted or at a limit, and who is a member."""
        return universe.membership(
            bars,
            adjusted_bars,
            open_source(market).symbols(),
            partitions.sessions,
            market.universe,
            partitions.window(context),
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
