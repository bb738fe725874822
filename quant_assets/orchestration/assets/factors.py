"""Factors, their evaluation day by day, and what a month says of them.

Bodies read, call the domain and report; formulas and statistics stand in `quant_assets.factors`.
"""

from collections.abc import Callable, Iterator, Sequence

import dagster as dg
import pyarrow as pa

from quant_assets.artifacts import Artifacts
from quant_assets.factors.catalogue import Catalogue, Library, catalogue
from quant_assets.factors.compute import compute, plan_of
from quant_assets.factors.evaluation import daily as evaluation
from quant_assets.factors.evaluation import sectors
from quant_assets.factors.joining import joined
from quant_assets.factors.market_fields import Array, MarketFields, columns, market_fields
from quant_assets.factors.report.digest import HISTORY_COLUMNS, HISTORY_MONTHS
from quant_assets.mining.parts import compute_in_parts, split
from quant_assets.mining.recording import Recorder
from quant_assets.mining.run_log import RunLog
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.io_managers import Blocks
from quant_assets.orchestration.page_links import put_page
from quant_assets.orchestration.partitions import MarketPartitions, looking_back
from quant_assets.orchestration.policies import OWNERS, RANGE
from quant_assets.settings import Settings
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window

CLOSES = ["date", "symbol", "close"]
MEMBERS = ["date", "symbol", "member"]
NEUTRAL = [*MEMBERS, "sector", "average_turnover"]  # what neutral measures need besides
# Of a range of months the last ones get their picture and their page; a month that is run alone
# always does. For 480 factors they take a second, 60 kB of the event log and 400 kB of disk: a
# decade's would outweigh its data.
PICTURED_MONTHS = 24
# Sessions that are evaluated at a time: 480 factors of 650 symbols are 0.7 GB then.
EVALUATED_SESSIONS = 252
# Months that are evaluated by sector at a time: one alone reads as much before it as of itself.
SECTOR_MONTHS = 12


def factor_assets(partitions: MarketPartitions, settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset a library, the daily evaluation, and the monthly summary and correlations."""
    known = catalogue(settings.factors, partitions.market.name)
    return [
        *(_library(partitions, settings, known, library) for library in known.names),
        _evaluation(partitions, settings, known.names),
        _sectors(partitions, settings, known.names),
        _summary(partitions, settings, known),
        _correlations(partitions, known),
    ]


def _library(
    partitions: MarketPartitions, settings: Settings, known: Catalogue, name: str
) -> dg.AssetsDefinition:
    market, library = partitions.market.name, known.library(name)
    whole = plan_of(library.expressions, known.definitions)

    @dg.asset(
        key=[market, f"factors_{name}"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            table: looking_back(dg.AssetKey([market, table]), whole.lookback, chosen)
            for table, chosen in columns(whole.fields).items()
            if chosen
        },
        description=_description(library),
        owners=OWNERS,
        kinds={"python", "numba", "parquet"},
    )
    def factors(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        **tables: pa.Table,
    ) -> Blocks:
        fields = market_fields(
            whole.fields, tables["adjusted_bars"], tables["benchmark"], tables.get("universe")
        )
        context.add_output_metadata(
            {
                "factors": len(library.factors),
                "lookback_sessions": whole.lookback,
                "fields_that_the_market_lacks": list(fields.absent),
            }
        )
        window = partitions.window(context)
        recorder = Recorder(
            RunLog(warehouse, market),
            context.run.run_id,
            name,
            settings.thread_no,
            settings.factors.parallel_m,
            factor_version=known.version(name),
            rows=_rows(fields, window),
            attempt=context.retry_number,
        )
        return Blocks(_computed(library, known, fields, window, settings, recorder))

    return factors


def _computed(
    library: Library,
    known: Catalogue,
    fields: MarketFields,
    window: Window,
    settings: Settings,
    recorder: Recorder,
) -> Iterator[tuple[Window, pa.Table]]:
    """The library over a window, `parallel_m` parts of it at once, each on record."""
    names, at_once = list(library.expressions), settings.factors.parallel_m
    parts = [tuple(part) for part in split(names, at_once)]
    plans = [
        plan_of({name: library.expressions[name] for name in part}, known.definitions)
        for part in parts
    ]

    def run(work: Callable[[int], Array]) -> Sequence[Array]:
        return compute_in_parts(
            names,
            lambda part, threads: work(parts.index(tuple(part))),
            settings.thread_no,
            at_once,
            observer=recorder,
        )

    memory = settings.factors.memory_mb << 20
    with recorder:
        for days, rows in compute(plans, fields, window, settings.thread_no, memory, run):
            yield days, rows.select(["date", "symbol", *names])


def _rows(fields: MarketFields, window: Window) -> int:
    first, stop = fields.rows(window)
    return int(fields.present[first:stop].sum())


def _description(library: Library) -> str:
    rows = [f"| {f.name} | {f.type} | {_cell(f.formula)} | {f.source} |" for f in library.factors]
    left_out = [f"- {each.name} is left out: {each.reason}" for each in library.excluded]
    head = ["| factor | type | formula | source |", "| --- | --- | --- | --- |"]
    title = f"{library.title}: {len(library.factors)} factors."
    return "\n".join([title, "", library.conventions, "", *left_out, "", *head, *rows])


def _cell(text: str) -> str:
    """A formula inside a table: `||` and line breaks would end the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _evaluation(
    partitions: MarketPartitions, settings: Settings, libraries: tuple[str, ...]
) -> dg.AssetsDefinition:
    market = partitions.market.name
    past = evaluation.lookback(settings.factors.horizons)
    tables = {
        "adjusted_bars": CLOSES,
        "universe": NEUTRAL,
        **{f"factors_{each}": None for each in libraries},
    }

    @dg.asset(
        key=[market, "factor_evaluation"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        deps=[
            dg.AssetDep(
                dg.AssetKey([market, table]), partition_mapping=dg.TimeWindowPartitionMapping()
            )
            for table in tables
        ],
        owners=OWNERS,
        kinds={"python", "numba", "parquet"},
    )
    def factor_evaluation(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Blocks:
        """How each factor of h sessions ago ordered the returns that ended on the day."""

        def evaluated(window: Window) -> pa.Table:
            history = partitions.back(window, past)
            bars, universe, *factors = (
                warehouse.read(f"{market}/{table}", history, chosen)
                for table, chosen in tables.items()
            )
            return evaluation.evaluate(
                joined(factors),
                bars,
                universe,
                partitions.sessions,
                window,
                settings.factors.horizons,
                settings.factors.quantiles,
                settings.thread_no,
            )

        blocks = partitions.blocks(partitions.window(context), EVALUATED_SESSIONS)
        return Blocks((block, evaluated(block)) for block in blocks)

    return factor_evaluation


def _sectors(
    partitions: MarketPartitions, settings: Settings, libraries: tuple[str, ...]
) -> dg.AssetsDefinition:
    market, horizons = partitions.market.name, settings.factors.horizons
    past = sectors.lookback(horizons)
    tables = {"adjusted_bars": CLOSES, "universe": [*MEMBERS, "sector"]}

    @dg.asset(
        key=[market, "factor_sector_summary"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.monthly,
        backfill_policy=RANGE,
        deps=[[market, table] for table in (*tables, *(f"factors_{x}" for x in libraries))],
        owners=OWNERS,
        kinds={"python", "numba", "parquet"},
    )
    def factor_sector_summary(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> pa.Table:
        """How well each factor ordered the returns of a month within each sector."""
        found: list[pa.Table] = []
        keys = list(context.partition_keys)
        for start in range(0, len(keys), SECTOR_MONTHS):
            months = keys[start : start + SECTOR_MONTHS]
            window = Window(partitions.month(months[0]).start, partitions.month(months[-1]).end)
            history = partitions.back(window, past)
            universe = warehouse.read(f"{market}/universe", history, tables["universe"])
            if not sectors.any_sector(universe):
                continue
            bars = warehouse.read(f"{market}/adjusted_bars", history, tables["adjusted_bars"])
            # One library at a time is held: together they are a gigabyte of a large market.
            found += [
                sectors.evaluate_sectors(
                    warehouse.read(f"{market}/factors_{library}", history),
                    bars,
                    universe,
                    partitions.sessions,
                    window,
                    horizons,
                    settings.thread_no,
                )
                for library in libraries
            ]
        return pa.concat_tables(found or [schema_of("factor_sector_summary").arrow.empty_table()])

    return factor_sector_summary


def _summary(
    partitions: MarketPartitions, settings: Settings, known: Catalogue
) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "factor_summary"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.monthly,
        backfill_policy=RANGE,
        deps=[[market.name, "factor_evaluation"], [market.name, "factor_sector_summary"]],
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def factor_summary(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> pa.Table:
        """What a month's days say of each factor: IC, t-statistics, quantile returns, decay.

        With a page to sort the factors in and to look at each of them.
        """
        from quant_assets.factors.plots import summary_figure
        from quant_assets.factors.report.page import factor_page
        from quant_assets.factors.summary import summarise

        own, keys = f"{market.name}/factor_summary", list(context.partition_keys)
        before = [month for month in warehouse.partitions(own) if month < keys[0]][-HISTORY_MONTHS:]
        history = warehouse.read(own, before, HISTORY_COLUMNS)
        months: list[pa.Table] = []
        for month in keys:
            evaluation = warehouse.read(f"{market.name}/factor_evaluation", partitions.month(month))
            summary = summarise(evaluation, month, settings.factors.horizons)
            months.append(summary)
            if summary.num_rows and month in keys[-PICTURED_MONTHS:]:
                by_sector = warehouse.read(f"{market.name}/factor_sector_summary", [month])
                html = factor_page(summary, evaluation, by_sector, history, known, market.label)
                name = f"{market.name}/factor_summary/{month}.html"
                picture = summary_figure(summary, evaluation, known.types, market.label)
                context.add_asset_metadata(
                    {
                        "overview": inline(picture, "overview"),
                        "page": put_page(artifacts, settings, name, html),
                    },
                    partition_key=month,
                )
            own_rows = summary.select(HISTORY_COLUMNS).cast(history.schema)
            history = pa.concat_tables([history, own_rows])
        return pa.concat_tables(months)

    return factor_summary


def _correlations(partitions: MarketPartitions, known: Catalogue) -> dg.AssetsDefinition:
    market, libraries = partitions.market, known.names

    @dg.asset(
        key=[market.name, "factor_correlations"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.monthly,
        backfill_policy=RANGE,
        deps=[[market.name, name] for name in ["universe", *(f"factors_{x}" for x in libraries)]],
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def factor_correlations(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> pa.Table:
        """Mean cross-sectional rank correlation between all factors over a month's days."""
        from quant_assets.factors.correlation_plot import correlation_figure
        from quant_assets.factors.correlations import correlate

        months: dict[str, pa.Table] = {}
        for month in context.partition_keys:
            window = partitions.month(month)
            factors = joined(
                [warehouse.read(f"{market.name}/factors_{x}", window) for x in libraries]
            )
            universe = warehouse.read(f"{market.name}/universe", window, MEMBERS)
            months[month] = correlate(factors, universe, month)
        for month in list(months)[-PICTURED_MONTHS:]:
            if months[month].num_rows:
                picture = correlation_figure(months[month], known.types, market.label)
                shown = {"heat_map": inline(picture, "heat map")}
                context.add_asset_metadata(shown, partition_key=month)
        return pa.concat_tables(months.values())

    return factor_correlations
