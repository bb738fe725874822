"""Asset checks: they pass on what the graph has made, and find what was tampered with."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from quant_assets.orchestration.build import build_defs
from quant_assets.warehouse.window import Window
from quant_assets_tests.graphs import DAILY, Graph, stray_files
from quant_assets_tests.markets import bars, files_market, sessions, small_settings

FIRST, LAST = date(2024, 1, 2), date(2024, 1, 16)
DAYS = sessions(FIRST, LAST)
BEFORE = date(2023, 12, 18)  # the first bars: some factors need some days
WINDOW = Window(FIRST, LAST)
MARKET = dg.AssetKey(["tiny"])
FACTS = {
    ("bars", "rows_accounted"),
    ("bars", "sessions_present"),
    ("adjusted_bars", "returns_in_bounds"),
    ("labels", "decided_before_known"),
    ("factors_style", "coverage"),
    ("backtest", "account_adds_up"),
}


class Checked:
    """A small market after its daily chain, and its checks."""

    def __init__(self, folder: Path) -> None:
        frame = bars(sessions(BEFORE, LAST))
        frame.loc[frame["symbol"] == "EEE", "volume"] = -1.0  # always in quarantine
        # factors are judged where the market is older than their longest look-back
        block = files_market(folder / "data", frame, start=date(2022, 12, 1))
        self.graph = Graph(small_settings(folder, {"tiny": block}))
        self.instance = dg.DagsterInstance.ephemeral()
        self.report = self.graph.backfill(self.instance, "tiny", "daily", BEFORE, LAST)
        # freshness is about the day of today, not about the range
        keys = self.graph.repository.asset_graph.asset_check_keys
        daily = [key for key in keys if key.name != "freshness_check"]
        only = dg.define_asset_job("checks", dg.AssetSelection.checks(*daily))
        defs = dg.Definitions.merge(build_defs(self.graph.settings), dg.Definitions(jobs=[only]))
        self.job = defs.resolve_job_def("checks")

    def results(self, day: date | None = None) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
        """What the checks of the whole range, or of one day, say now."""
        tags = {
            "dagster/asset_partition_range_start": str(day or FIRST),
            "dagster/asset_partition_range_end": str(day or LAST),
        }
        result = self.job.execute_in_process(
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
            run_config={"loggers": {"listener": {}}},
        )
        return {
            (found.asset_key.path[-1], found.check_name): found
            for found in result.get_asset_check_evaluations()
        }

    @property
    def failed(self) -> set[tuple[str, str]]:
        return {name for name, found in self.results().items() if not found.passed}

    def tamper(self, table: str, change: Callable[[pa.Table], pa.Table], day: date) -> None:
        """Write a partition's file past the warehouse and its schema."""
        path = Path(self.graph.settings.warehouse_root) / f"tiny/{table}/date={day}/part-0.parquet"
        pq.write_table(change(pq.ParquetFile(path).read()), path)

    @property
    def files(self) -> dict[Path, bytes]:
        root = Path(self.graph.settings.warehouse_root)
        return {path: path.read_bytes() for path in root.rglob("*.parquet")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    checked = Checked(tmp_path_factory.mktemp("checks"))
    yield checked
    checked.instance.dispose()


@pytest.fixture
def market(made: Checked) -> Iterator[Checked]:
    """The market with its files as the graph made them; they are put back afterwards."""
    before = made.files
    yield made
    for path, content in before.items():
        path.write_bytes(content)
    assert stray_files(made.graph.settings.warehouse_root) == []


def test_every_check_passes_in_the_chains_own_run(made: Checked) -> None:
    assert made.report.success
    keys = made.graph.repository.asset_graph.asset_check_keys
    expected = {(name, "schema") for name in DAILY} | FACTS
    daily = {(key.asset_key.path[-1], key.name) for key in keys}
    assert {key for key in daily if "freshness" not in key[1]} == expected
    found = made.results()
    assert set(found) == expected
    assert all(check.passed for check in found.values())
    accounted = found["bars", "rows_accounted"].metadata
    assert accounted["checked"].value == len(DAYS)
    assert accounted["violations"].value == 0


def test_what_stops_a_run_and_what_only_warns(made: Checked) -> None:
    severities = {key: found.severity for key, found in made.results(DAYS[0]).items()}
    errors = {key for key, severity in severities.items() if severity.value == "ERROR"}
    assert errors == {(name, "schema") for name in DAILY} | {("bars", "rows_accounted")}
    nodes = made.graph.repository.asset_graph
    blocking = {
        (key.asset_key.path[-1], key.name)
        for key in nodes.asset_check_keys
        if nodes.get(key).blocking
    }
    assert blocking == errors


def test_a_row_that_vanished(market: Checked) -> None:
    market.tamper("bars", lambda table: table.slice(1), DAYS[3])
    found = market.results()
    check = found["bars", "rows_accounted"]
    assert not check.passed
    assert check.metadata["violations"].value == 1
    assert f"{DAYS[3]}: 5 rows came in, 4 were kept" in str(check.metadata["examples"].value)
    assert market.results(DAYS[4])["bars", "rows_accounted"].passed


def test_a_quarantined_row_that_vanished(market: Checked) -> None:
    market.tamper("quarantine", lambda table: table.slice(0, 0), DAYS[0])
    assert market.failed == {("bars", "rows_accounted")}


def multiplied(name: str, factor: float) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        return table.set_column(place, field, pc.multiply(table[name], factor))

    return change


def test_a_key_that_stands_twice(market: Checked) -> None:
    market.tamper("universe", lambda table: pa.concat_tables([table, table.slice(0, 1)]), DAYS[2])
    found = market.results()["universe", "schema"]
    assert not found.passed
    assert "AAA" in str(found.metadata["examples"].value)
    assert str(DAYS[2]) in str(found.metadata["examples"].value)


def test_a_value_out_of_bounds(market: Checked) -> None:
    market.tamper("bars", multiplied("close", -1.0), DAYS[2])
    found = market.results()["bars", "schema"]
    assert not found.passed
    assert "close" in str(found.metadata["examples"].value)


def test_a_return_out_of_bounds(market: Checked) -> None:
    market.tamper("adjusted_bars", multiplied("close", 30.0), DAYS[5])
    found = market.results()["adjusted_bars", "returns_in_bounds"]
    assert not found.passed
    assert found.metadata["violations"].value == 8  # up on the day, and down on the next
    assert f"{DAYS[5]} AAA: +" in str(found.metadata["examples"].value)
    assert market.results(DAYS[4])["adjusted_bars", "returns_in_bounds"].passed


def test_a_label_from_the_future(market: Checked) -> None:
    day = DAYS[-1]

    def later(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("decision_date")
        return table.set_column(place, table.schema.field(place), table["date"])

    market.tamper("labels", later, day)
    assert ("labels", "decided_before_known") in market.failed


def test_a_universe_without_factors(market: Checked) -> None:
    market.tamper("factors_style", lambda table: table.slice(0, 1), DAYS[6])
    found = market.results()["factors_style", "coverage"]
    assert not found.passed
    assert f"{DAYS[6]}: 25% of 4 members" in str(found.metadata["examples"].value)


def test_factors_are_not_judged_before_their_look_back_is_filled(tmp_path: Path) -> None:
    block = files_market(tmp_path / "data", bars())
    graph = Graph(small_settings(tmp_path, {"tiny": block}))
    found: list[dg.AssetCheckEvaluation] = []

    def listen(event: dg.DagsterEvent) -> None:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            found.append(event.asset_check_evaluation_data)

    with dg.DagsterInstance.ephemeral() as instance:
        selection = "+factors_style,universe"
        assert graph.backfill(instance, "tiny", selection, FIRST, DAYS[1], on_event=listen).success
    (coverage,) = [check for check in found if check.check_name == "coverage"]
    assert coverage.passed
    assert coverage.metadata["checked"].value == 0


def test_a_failed_check_stops_what_is_downstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source that loses rows on the way is found out before anything is computed from them."""
    from quant_assets.market_data.sources.files import Files

    settings = small_settings(tmp_path, {"tiny": files_market(tmp_path / "data", bars())})
    graph = Graph(settings)
    read = Files.read
    monkeypatch.setattr(Files, "read", lambda self, window: read(self, window).slice(1))
    with dg.DagsterInstance.ephemeral() as instance:
        report = graph.backfill(instance, "tiny", "daily", FIRST, DAYS[2])
        (message,) = [outcome.error for outcome in report.outcomes if outcome.error]
    assert "rows_accounted" in str(message)
    assert graph.warehouse.partitions("tiny/bars") == [str(day) for day in DAYS[:3]]
    assert graph.warehouse.partitions("tiny/labels") == []


def test_freshness_is_asked_of_the_last_session(made: Checked) -> None:
    keys = made.graph.repository.asset_graph.asset_check_keys
    fresh = {key.asset_key.path[-1] for key in keys if "freshness" in key.name}
    assert fresh == {"bars", "quarantine", "predictions"}
    assert made.graph.repository.has_sensor_def("tiny_freshness")
