"""What tear sheets are made of, read from the warehouse, and how they are put and told.

Belongs here: which partitions and columns, the lineage in Dagster's own records, links. What is
made of them stands in quant_assets.performance.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.artifacts import Artifacts
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.models.store import ModelStore
from quant_assets.orchestration.backtest_tracking import BENCHMARK_COLUMNS, DATA_HASH, RUN
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.page_links import put_page
from quant_assets.performance.page.sheet_data import Lineage, SheetData, Trials
from quant_assets.settings import Market, Settings
from quant_assets.warehouse.store import Warehouse

_SECTOR_COLUMNS = ["date", "symbol", "sector"]
# Sectors of symbols change seldom: one session of so many is looked at.
_SECTOR_SESSIONS = 63


def strategy_sheet_of(
    instance: dg.DagsterInstance,
    warehouse: Warehouse,
    settings: Settings,
    market: Market,
    strategy: Strategy,
) -> tuple[SheetData, str]:
    """The sheet of a strategy's last backtest, and the MLflow run of that, "" if it has none."""
    from quant_assets.performance.regimes import regimes
    from quant_assets.performance.strategy_sheet import strategy_sheet

    name = strategy.name
    lineage, ran_with, warnings, tracked = _last_backtest(instance, settings, market.name, name)
    backtest = warehouse.read(f"{market.name}/backtest", [name])
    benchmark = warehouse.read(f"{market.name}/benchmark", columns=BENCHMARK_COLUMNS)
    sheet = strategy_sheet(
        backtest,
        strategy,
        strategy.parse(ran_with),
        market,
        benchmark,
        regimes(benchmark) if benchmark.num_rows else None,
        warehouse.read(f"{market.name}/backtest_positions", [name]),
        warehouse.read(f"{market.name}/backtest_fills", [name]),
        sectors_of(warehouse, market.name, backtest["date"].to_pylist()),
        lineage,
        _trials(warehouse, market),
        warnings,
    )
    return sheet, tracked


def sectors_of(warehouse: Warehouse, market: str, sessions: list[Any]) -> dict[str, str]:
    """Symbol -> sector, the last known, of those that are in the universe on some sessions."""
    looked_at = [str(day) for day in sessions[::-1][::_SECTOR_SESSIONS]]
    rows = warehouse.read(f"{market}/universe", looked_at, _SECTOR_COLUMNS)
    known = rows.filter(pc.is_valid(rows["sector"])).sort_by("date")
    return dict(zip(known["symbol"].to_pylist(), known["sector"].to_pylist(), strict=True))


def model_sheet_of(
    warehouse: Warehouse, model_store: ModelStore, settings: Settings, market: Market, model: str
) -> SheetData:
    """The sheet of a model's predictions."""
    from quant_assets.performance.model_sheet import model_sheet
    from quant_assets.performance.regimes import regimes

    months = model_store.months(market.name, model)
    last = model_store.load(market.name, model, months[-1]) if months else None
    benchmark = warehouse.read(f"{market.name}/benchmark", columns=BENCHMARK_COLUMNS)
    return model_sheet(
        warehouse.read(f"{market.name}/predictions", columns=["date", "symbol", "score"]),
        warehouse.read(f"{market.name}/adjusted_bars", columns=["date", "symbol", "open"]),
        warehouse.read(f"{market.name}/labels"),
        benchmark,
        market,
        model,
        settings.models[model].horizon,
        last.importance if last else {},
        regimes(benchmark) if benchmark.num_rows else None,
        Lineage(data_hash=f"{last.data_hash} (of the last model's training)") if last else None,
        _trials(warehouse, market),
    )


def published(
    artifacts: Artifacts, settings: Settings, folder: str, sheet: SheetData, wanted: Any
) -> tuple[pa.Table, dict[str, Any], dict[str, bytes]]:
    """Make the sheet and put its pages.

    Args:
        artifacts: where they are put.
        settings: say what is made, and where pages are served.
        folder: their folder among the artefacts.
        sheet: the subject.
        wanted: of the run: `pdf` and `quantstats`, None for what the settings say.

    Returns:
        The table of metrics, what the UI shows, and the files by name.
    """
    from quant_assets.performance.sheet_files import sheet_files
    from quant_assets.performance.tear_sheet import tear_sheet

    rules = settings.tear_sheets
    made = tear_sheet(sheet)
    files = sheet_files(
        sheet,
        made,
        rules.pdf if wanted.pdf is None else wanted.pdf,
        rules.quantstats if wanted.quantstats is None else wanted.quantstats,
    )
    told: dict[str, Any] = {
        what: put_page(artifacts, settings, f"{folder}/{file}", content)
        for what, file, content in files.pages
    }
    told["metrics"] = dg.MetadataValue.md(files.markdown)
    if len(sheet.dates):
        told["equity"] = inline(made.picture, "equity and drawdown")
        told["months"] = inline(made.monthly_picture, "returns by month")
    if files.missing:
        told["without_quantstats"] = files.missing
    contents = {file: content for _, file, content in files.pages} | files.pictures
    return made.table, told, contents


def _trials(warehouse: Warehouse, market: Market) -> Trials | None:
    """What the market's ledger counts; None while it is empty."""
    from quant_assets.backtests.sweeps.ledger import trial_statistics

    found = trial_statistics(warehouse, market.name)
    return found if found.count else None


def _last_backtest(
    instance: dg.DagsterInstance, settings: Settings, market: str, strategy: str
) -> tuple[Lineage, dict[str, Any], tuple[str, ...], str]:
    """Lineage, parameters, warnings and MLflow run of the last backtest.

    All as its materialization tells them; without one, parameters are those that are set.
    """
    set_to = settings.strategies.parameters(strategy, market)
    wanted = dg.AssetRecordsFilter(
        asset_key=dg.AssetKey([market, "backtest"]), asset_partitions=[strategy]
    )
    records = instance.fetch_materializations(wanted, limit=1).records
    if not records:
        return Lineage(), set_to, (), ""
    materialization = records[0].asset_materialization
    metadata = materialization.metadata if materialization else {}

    def text(name: str) -> str:
        return str(metadata[name].value) if name in metadata else ""

    warnings = tuple(line.removeprefix("- ") for line in text("warnings").splitlines())
    run_id = records[0].run_id
    lineage = Lineage(
        text(DATA_HASH),
        run_id,
        f"{settings.tracking.dagster_url}/runs/{run_id}",
        text("mlflow_page"),
    )
    told = metadata["parameters"].value if "parameters" in metadata else set_to
    return lineage, dict(told) if isinstance(told, Mapping) else set_to, warnings, text(RUN)
