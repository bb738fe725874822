"""Level-2 data: books, orders and trades, order queues, and their rejected rows.

Only markets with an `order_book` block have them, each table where a format of the block tells of
it; books may be rebuilt from orders and trades instead. Bodies read, call the domain and report.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa

from quant_assets.market_data.order_book.day import TABLES, contents, read_day, require_files
from quant_assets.market_data.order_book.day_report import QUARANTINE, Report
from quant_assets.market_data.order_book.readers.base import Content
from quant_assets.market_data.order_book.rebuilt_day import Soundness, rebuild_day
from quant_assets.market_data.order_book.rejections import REASONS
from quant_assets.orchestration.io_managers import Blocks
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.orchestration.policies import OWNERS, RANGE
from quant_assets.settings_sources import OrderBookSource, RebuiltBooks
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

_REJECTED = "\n".join(
    [
        "Every rejected row of Level-2 files with its reason and where it came from.",
        "",
        *(f"- {name}: {text}" for name, text in REASONS.items()),
    ]
)

_BOOKS = TABLES["snapshots"]
_SOUND = "book_is_sound"
_SOUND_MEANS = (
    "Every event fits the book that it is replayed in, and no book is crossed or locked in "
    "continuous trading."
)


def order_book_assets(partitions: MarketPartitions) -> list[dg.AssetsDefinition]:
    """The Level-2 tables of a market, none if it has no such data."""
    source = partitions.market.order_book
    return [] if source is None else [_order_book(partitions, source)]


def _order_book(partitions: MarketPartitions, source: OrderBookSource) -> dg.AssetsDefinition:
    market, books = partitions.market, source.rebuild
    offered = contents(source)
    told = [TABLES[content] for content in offered]
    tables = [*told, *([_BOOKS] if books else [])]
    sound = dg.AssetCheckSpec(_SOUND, asset=[market.name, _BOOKS], description=_SOUND_MEANS)
    described = {table: schema_of(table).description for table in tables}

    @dg.multi_asset(
        name=f"{market.name}__order_book",
        outs={
            table: dg.AssetOut(
                key=[market.name, table],
                description=description,
                kinds={"python", "parquet"},
                owners=OWNERS,
            )
            for table, description in {**described, QUARANTINE: _REJECTED}.items()
        },
        check_specs=[sound] if books else None,
        group_name=partitions.group("market_data"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
    )
    def order_book(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.Output[Blocks] | dg.AssetCheckResult]:
        days = partitions.blocks(partitions.window(context), 1)
        require_files(source, partitions.sessions_in(partitions.window(context)).tolist())
        reports = [Report() for _ in offered]
        for content, table, report in zip(offered, told, reports, strict=True):
            rows = _days(partitions, source, days, content, report)
            yield dg.Output(Blocks(rows, report.facts), table)
        rejected = ((day, _rejected(reports, day)) for day in days)
        yield dg.Output(Blocks(rejected), QUARANTINE)
        if books:
            soundness = Soundness()
            yield dg.Output(_rebuilt(partitions, source, books, days, soundness), _BOOKS)
            yield _judged(partitions, soundness)

    return order_book


def _days(
    partitions: MarketPartitions,
    source: OrderBookSource,
    days: list[Window],
    content: Content,
    report: Report,
) -> Iterator[tuple[Window, pa.RecordBatchReader]]:
    """The rows of one table, day by day and each day as a stream."""
    for day in days:
        yield day, read_day(source, partitions.market.timezone, day.start, content, report)


def _rejected(reports: list[Report], day: Window) -> pa.Table:
    return pa.concat_tables([report.quarantine(day.start) for report in reports])


def _rebuilt(
    partitions: MarketPartitions,
    source: OrderBookSource,
    books: RebuiltBooks,
    days: list[Window],
    soundness: Soundness,
) -> Blocks:
    """The rebuilt books, day by day and each day as a stream."""
    report, timezone = Report(), partitions.market.timezone
    rows = (
        (day, rebuild_day(source, books, timezone, day.start, report, soundness)) for day in days
    )
    return Blocks(rows, lambda: report.facts() | soundness.facts())


def _judged(partitions: MarketPartitions, soundness: Soundness) -> dg.AssetCheckResult:
    """The check of the books that have just been written: their faults are not stored."""
    metadata: dict[str, Any] = {
        "checked": soundness.books + soundness.missing,
        "violations": soundness.unsound + soundness.missing,
    }
    if soundness.examples:
        metadata["examples"] = dg.MetadataValue.md("\n".join(f"- {e}" for e in soundness.examples))
    return dg.AssetCheckResult(
        passed=soundness.passed,
        asset_key=[partitions.market.name, _BOOKS],
        check_name=_SOUND,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )
