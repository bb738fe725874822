"""Raw files of the exchange, year by year, and what is read from them besides bars.

Only markets whose source has such files have these assets. What is fetched and parsed, and how,
stands in `market_data.sources.b3`.
"""

from typing import Any

import dagster as dg
import pyarrow as pa

from quant_assets.market_data.sources.b3.download import DownloadError
from quant_assets.market_data.sources.b3.report import YearReport, year_report
from quant_assets.market_data.sources.b3.source import B3
from quant_assets.market_data.sources.base import SourceError
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import FETCH_AGAIN, ONE_RUN_EACH, OWNERS, RAW_FILES_POOL


def raw_file_assets(partitions: MarketPartitions, thread_no: int) -> list[dg.AssetsDefinition]:
    """The raw files of a market and its ticker changes; none where the source has no such files."""
    if partitions.market.source.kind != "b3":
        return []
    return [_raw_files(partitions, thread_no), _ticker_changes(partitions, thread_no)]


def raw_files_dependency(partitions: MarketPartitions) -> list[dg.AssetDep]:
    """What bars depend on besides events: each day on the files of its year."""
    if partitions.market.source.kind != "b3":
        return []
    key = dg.AssetKey([partitions.market.name, "raw_files"])
    return [dg.AssetDep(key, partition_mapping=dg.TimeWindowPartitionMapping())]


def _raw_files(partitions: MarketPartitions, thread_no: int) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "raw_files"],
        group_name=partitions.group("market_data"),
        partitions_def=partitions.yearly,
        backfill_policy=ONE_RUN_EACH,
        retry_policy=FETCH_AGAIN,
        pool=RAW_FILES_POOL,
        owners=OWNERS,
        kinds={"python", "file"},
    )
    def raw_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The exchange's files of a year: fetched where they changed, checked, parsed once."""
        try:
            report = year_report(
                B3(market), int(context.partition_key), thread_no, context.log.info
            )
            for remark in report.remarks:
                context.log.warning(remark)
            report.require_whole()
        except DownloadError:
            raise
        except SourceError as fault:
            # asking again would change nothing
            raise dg.Failure(str(fault), allow_retries=False) from fault
        return dg.MaterializeResult(metadata=_metadata(report))

    return raw_files


def _ticker_changes(partitions: MarketPartitions, thread_no: int) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "ticker_changes"],
        group_name=partitions.group("market_data"),
        deps=[all_days(dg.AssetKey([market.name, "raw_files"]))],
        owners=OWNERS,
        kinds={"python"},
    )
    def ticker_changes(context: dg.AssetExecutionContext) -> pa.Table:
        """Securities (by ISIN) that trade under another ticker than before."""
        return B3(market).ticker_changes(thread_no)

    return ticker_changes


def _metadata(report: YearReport) -> dict[str, Any]:
    """Totals as numbers, the files as a table."""
    columns = [
        dg.TableColumn(name, kind)
        for name, kind in (
            *(("file", "string"), ("size", "int"), ("changed", "string"), ("sha256", "string")),
            *(("records", "int"), ("rejected", "int"), ("first", "string"), ("last", "string")),
            ("fetched", "string"),
        )
    ]
    records = [
        dg.TableRecord({name: "" if v is None else v for name, v in row.items()})
        for row in report.rows()
    ]
    return {
        "dagster/partition_row_count": report.records,
        "files": dg.MetadataValue.table(records, dg.TableSchema(columns)),
        "bytes": report.size,
        "rejected_records": report.rejected,
        "rejected_by_field": report.rejected_by_field,
        "not_published": report.absent,
    }
