"""The whole graph on a small simulated market, run once: what it leaves behind must hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data.sources.simulated import Simulated
from quant_assets.orchestration.backfill import Report, execute, plan, window_of
from quant_assets.orchestration.build import build_defs
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.orchestration.selection import parse_selection
from quant_assets.settings import Settings
from quant_assets.settings_sources import SimulatedSource
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.markets import THEIR_WARNINGS, simulated_market, small_settings, tracked

pytestmark = THEIR_WARNINGS

MARKET = "sim"
START, END = date(2023, 1, 3), date(2024, 2, 29)
DAILY = (
    *("bars", "quarantine", "adjusted_bars", "universe", "benchmark"),
    *("factors_style", "factor_evaluation", "labels"),
)


@dataclass
class Chain:
    """A home in which the whole graph has been materialized."""

    settings: Settings
    instance: dg.DagsterInstance
    report: Report

    @property
    def partitions(self) -> MarketPartitions:
        return MarketPartitions(self.settings.markets[MARKET])

    @property
    def warehouse(self) -> ParquetWarehouse:
        return ParquetWarehouse(self.settings.warehouse_root)

    def run(
        self,
        select: str | None,
        start: date | None = None,
        end: date | None = None,
        settings: Settings | None = None,
    ) -> Report:
        """Materialize a selection over a range."""
        repository = build_defs(settings or self.settings).get_repository_def()
        selection = parse_selection(select, MARKET, repository)
        window = window_of(self.partitions, start, end)
        stages = plan(repository, self.partitions, selection, window)
        nothing = lambda _: None  # noqa: E731
        return execute(stages, repository, self.instance, nothing, nothing, nothing)

    def frame(self, table: str, window: Window | None = None) -> pd.DataFrame:
        """A table as pandas."""
        rows: pa.Table = self.warehouse.read(f"{MARKET}/{table}", window)
        frame: pd.DataFrame = rows.to_pandas(date_as_object=False)
        return frame

    def metadata(self, asset: str) -> dict[str, dict[str, Any]]:
        """The metadata of an asset's materializations, by partition."""
        records = self.instance.fetch_materializations(dg.AssetKey([MARKET, asset]), limit=100)
        events = [record.asset_materialization for record in records.records]
        return {e.partition: dict(e.metadata) for e in events if e and e.partition}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, tracking_database: Path) -> Iterator[Chain]:
    block = simulated_market(60, start=START, end=END, models_from=date(2024, 1, 1))
    months = {"minimum_months": 12, "validation_months": 3}
    models = {"lightgbm": {"minimum_rows": 500, "rounds": 40, **months}}
    folder = tmp_path_factory.mktemp("chain")
    settings = small_settings(folder, {MARKET: block}, {"models": models})
    tracked(settings, tracking_database)
    event_log = {
        "module": "quant_assets.orchestration.event_log",
        "class": "PooledSqliteEventLogStorage",
        "config": {"base_dir": str(folder)},
    }
    with dg.instance_for_test({"event_log_storage": event_log}) as instance:
        made = Chain(settings, instance, Report())
        made.report = made.run(None)
        yield made


def test_everything_is_materialized_and_the_daily_chain_is_one_run(chain: Chain) -> None:
    assert [o for o in chain.report.outcomes if not o.success] == []
    days = {str(day) for day in chain.partitions.sessions}
    runs = set()
    for asset in DAILY:
        key = dg.AssetKey([MARKET, asset])
        assert chain.instance.get_materialized_partitions(key) == days, asset
        runs |= {
            record.run_id
            for record in chain.instance.fetch_materializations(key, limit=10_000).records
        }
    assert len(runs) == 1
    assert chain.warehouse.partitions(f"{MARKET}/factor_evaluation") == sorted(days)


def test_every_check_passed(chain: Chain) -> None:
    outcome = next(o for o in chain.report.outcomes if o.run.keys[0].path[-1] == "benchmark")
    assert outcome.run_id is not None
    records = chain.instance.all_logs(
        outcome.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    evaluations = [r.get_dagster_event().asset_check_evaluation_data for r in records]
    assert {(e.asset_key.path[-1], e.check_name) for e in evaluations} >= {
        ("bars", "rows_accounted"),
        ("adjusted_bars", "returns_in_bounds"),
        ("bars", "sessions_present"),
        ("labels", "decided_before_known"),
        ("factors_style", "coverage"),
        *((asset, "schema") for asset in DAILY),
    }
    assert [(e.asset_key, e.check_name, e.metadata) for e in evaluations if not e.passed] == []


def test_no_row_of_the_source_vanishes(chain: Chain) -> None:
    window = Window(START, END)
    source = Simulated(chain.settings.markets[MARKET])
    kept = pd.concat([chain.frame("bars"), chain.frame("quarantine")]).groupby("date").size()
    counted = pd.Series(source.count_rows(window)).rename_axis("date")
    counted.index = pd.to_datetime(counted.index).astype(kept.index.dtype)
    pd.testing.assert_series_equal(kept, counted, check_names=False)
    assert len(chain.frame("quarantine")) > 0


def test_a_day_run_alone_gives_the_bits_of_the_range(chain: Chain) -> None:
    day = date(2024, 2, 14)
    tables = [f"{MARKET}/{asset}" for asset in (*DAILY, "predictions", "recommendations")]
    before = {table: chain.warehouse.read(table) for table in tables}
    assert chain.run("daily", day, day).success
    for table in tables:
        assert chain.warehouse.read(table).equals(before[table]), table


def test_predictions_come_from_the_model_of_their_month(chain: Chain) -> None:
    predictions = chain.frame("predictions")
    assert (predictions["model_month"] == predictions["date"].dt.strftime("%Y-%m")).all()
    assert sorted(predictions["model_month"].unique()) == ["2024-01", "2024-02"]
    members = chain.frame("universe", Window(date(2024, 1, 2), END)).query("member")
    both = predictions.merge(members, on=["date", "symbol"])
    assert len(both) == len(predictions)
    assert len(predictions) > 0.99 * len(members)  # a few are too young to have any factor


def test_a_model_has_seen_nothing_of_its_month(chain: Chain) -> None:
    known = chain.metadata("model_lightgbm")
    assert sorted(known) == ["2024-01", "2024-02"]
    for month, metadata in known.items():
        assert str(metadata["last_label_known"].value) < f"{month}-01"


def test_models_are_tracked_and_their_runs_are_finished(chain: Chain) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(chain.settings.mlflow_tracking_uri)
    experiment = client.get_experiment_by_name("quant_assets.models")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags["month"] for run in runs) == ["2024-01", "2024-02"]
    for run in runs:
        assert run.info.status == "FINISHED"
        assert run.data.params["horizon"] == "5"
        assert "validation_rank_ic" in run.data.metrics
        assert run.data.tags["market"] == MARKET
        dagster_run = chain.instance.get_run_by_id(run.data.tags["dagster_run_id"])
        assert dagster_run is not None
        assert dagster_run.is_success


def test_each_stored_account_was_found_to_add_up(chain: Chain) -> None:
    key = dg.AssetCheckKey(dg.AssetKey([MARKET, "backtest"]), "account_adds_up")
    records = chain.instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    events = [record.event.dagster_event for record in records if record.event]
    found = [event.event_specific_data for event in events if event]
    backtests = chain.metadata("backtest")
    assert len(found) == len(backtests) > 2
    fills = 0
    for each in found:
        assert isinstance(each, dg.AssetCheckEvaluation)
        told: dict[str, Any] = {name: value.value for name, value in each.metadata.items()}
        assert each.passed, told
        assert told["accounts"] == 1
        assert told["largest_deviation_of_cash"] <= 1e-9
        fills += told["fills"]
    assert fills == chain.frame("backtest_fills").shape[0] > 0


def test_the_tear_sheet_agrees_with_an_independent_computation(chain: Chain) -> None:
    import empyrical

    for strategy in ("cross_sectional_momentum", "low_volatility", "model_quantile"):
        rows = chain.frame("backtest").query("strategy == @strategy")
        sheet = chain.frame("tear_sheet").query("strategy == @strategy").set_index("metric")
        returns = pd.Series(rows["net_return"].to_numpy(), pd.DatetimeIndex(rows["date"]))
        assert len(returns) > 15
        expected = {
            "total_return": empyrical.cum_returns_final(returns),
            "cagr": empyrical.annual_return(returns, annualization=252),
            "volatility": empyrical.annual_volatility(returns, annualization=252),
            "max_drawdown": empyrical.max_drawdown(returns),
        }
        for metric, value in expected.items():
            assert sheet.loc[metric, "value"] == pytest.approx(value, abs=1e-9), metric
        page = (
            Path(chain.settings.artifacts_root)
            / MARKET
            / "tear_sheet"
            / strategy
            / "tear_sheet.html"
        )
        assert "imulated data" in page.read_text(encoding="utf-8")


def test_months_without_history_have_a_summary_and_later_ones_a_picture(chain: Chain) -> None:
    pictures = {m: "overview" in found for m, found in chain.metadata("factor_summary").items()}
    assert list(pictures.values()).count(True) >= 12
    assert len(pictures) == 14
    months = chain.frame("factor_summary")["month"].unique()
    assert sorted(m for m, drawn in pictures.items() if drawn) == sorted(months)


@pytest.fixture
def planted(chain: Chain) -> Settings:
    """Settings whose own library is the planted signal and a permuted copy, already computed."""
    source = Simulated(chain.settings.markets[MARKET])
    window = Window(START, END)
    bars = chain.frame("adjusted_bars")[["date", "symbol"]]
    signal = source.planted_signal(window).to_pandas()
    signal["date"] = pd.to_datetime(signal["date"]).astype(bars["date"].dtype)
    symbols = sorted(signal["symbol"].unique())
    other = dict(zip(symbols, np.random.default_rng(3).permutation(symbols), strict=True))
    permuted = signal.assign(symbol=signal["symbol"].map(other))
    table = bars
    for name, values in (("planted", signal), ("permuted", permuted)):
        table = table.merge(values.rename(columns={"signal": name}), "left", ["date", "symbol"])
    days = chain.partitions.sessions.tolist()
    # What the graph would compute by these formulas is another table; this one is evaluated.
    chain.warehouse.replace(f"{MARKET}/factors_own", window, table, dates=days)
    own = {"planted": "close", "permuted": "open"}
    factors = chain.settings.factors.model_copy(update={"expressions": own})
    return chain.settings.model_copy(update={"factors": factors})


def test_the_planted_signal_is_found_and_a_permuted_copy_is_not(
    chain: Chain, planted: Settings
) -> None:
    source = chain.settings.markets[MARKET].source
    assert isinstance(source, SimulatedSource)
    assert chain.run("factor_evaluation", settings=planted).success
    rows = chain.frame("factor_evaluation").query("horizon == 1")

    def mean_and_error(factor: str) -> tuple[float, float]:
        ic = rows.loc[rows["factor"] == factor, "ic"].dropna()
        assert len(ic) > 250
        return ic.mean(), ic.std(ddof=1) / np.sqrt(len(ic))

    mean, error = mean_and_error("planted")
    assert abs(mean - source.signal_ic) < 2 * error
    assert mean > 4 * error
    mean, error = mean_and_error("permuted")
    assert abs(mean) < 2 * error
    assert abs(mean - source.signal_ic) > 4 * error


def test_the_home_holds_no_stray_file(chain: Chain) -> None:
    root = Path(chain.settings.warehouse_root)
    files = [p for p in root.rglob("*") if p.is_file() and ".staging" not in p.parts]
    assert {p.name for p in files} == {"part-0.parquet"}
    staged = [p for p in (root / ".staging").rglob("*") if p.suffix == ".parquet"]
    assert staged == []
