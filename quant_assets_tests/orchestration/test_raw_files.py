"""Raw files of the exchange in the graph: lineage by year, whole chains, faults, options."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from quant_assets.market_data.sources.b3.manifest import checksum
from quant_assets.settings_files import ConfigError
from quant_assets_tests.graphs import Graph, errors
from quant_assets_tests.market_data.sources.b3.markets import b3_market, quotes, sessions
from quant_assets_tests.market_data.sources.b3.samples import content, record, write, zipped
from quant_assets_tests.market_data.sources.b3.servers import Server, Status, serving
from quant_assets_tests.markets import files_market, simulated_market, small_settings, write_config
from quant_assets_tests.shells import Shell

DAYS = sessions()
OLD = [day for day in DAYS if day.year == 2023]
NEW = [day for day in DAYS if day.year == 2024]
SPLIT = NEW[5]
TABLES = "bars,quarantine,adjusted_bars,universe,ticker_changes"


def old_year() -> list[str]:
    return [*quotes(OLD), *(record(day, "OLDT3", isin="BRCHNGACNOR1") for day in OLD)]


def new_year() -> list[str]:
    lines = [*quotes(NEW), *(record(day, "NEWT3", isin="BRCHNGACNOR1") for day in NEW)]
    odd = [record(day, "ABCD3F", "96", 20) for day in NEW]
    bad = record(NEW[3], "EFGH4").replace("R$", "R\x01")
    return [*lines, *odd, bad]


def files(folder: Path) -> Path:
    """The raw files of both years, and a split of ABCD3."""
    write(folder / "raw" / "COTAHIST_A2023.ZIP", old_year(), year=2023)
    write(folder / "raw" / "COTAHIST_A2024.TXT", new_year())
    events = folder / "events.csv"
    events.write_text(f"ex_date,symbol,kind,ratio\n{SPLIT},ABCD3,split,2\n")
    return folder


def market_in(folder: Path, **source: Any) -> dict[str, Any]:
    events = {"corporate_actions": str(folder / "events.csv")}
    return b3_market(folder / "raw", {**events, **source})


@dataclass
class Home:
    """A home, its graph and its instance."""

    graph: Graph
    instance: dg.DagsterInstance

    def metadata(self, asset: str) -> dict[str, dict[str, Any]]:
        """Metadata of the last materialization of each partition."""
        key = dg.AssetKey(["tiny", asset])
        records = self.instance.fetch_materializations(key, limit=50).records
        events = [record.asset_materialization for record in reversed(records)]
        return {str(e.partition): dict(e.metadata) for e in events if e is not None}

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.graph.warehouse.read(f"tiny/{table}").to_pylist()
        return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Everything of both years up to the universe, backfilled once."""
    folder = files(tmp_path_factory.mktemp("raw_files"))
    settings = small_settings(folder, {"tiny": market_in(folder)})
    with dg.DagsterInstance.ephemeral() as instance:
        home = Home(Graph(settings), instance)
        select = f"raw_files,corporate_actions,{TABLES}"
        assert errors(home.graph.backfill(instance, "tiny", select)) == []
        yield home


def test_bars_are_those_of_the_files(home: Home) -> None:
    bars = home.rows("bars")
    assert len(bars) == 4 * len(DAYS)
    assert {row["symbol"] for row in bars} == {"ABCD3", "EFGH4", "IJKL3", "OLDT3", "NEWT3"}
    (row,) = [r for r in bars if (r["date"], r["symbol"]) == (NEW[0], "NEWT3")]
    assert (row["open"], row["high"], row["low"], row["close"]) == (10.0, 11.0, 9.9, 10.8)
    assert (row["volume"], row["turnover"]) == (3400.0, 35700.0)
    assert home.graph.warehouse.partitions("tiny/bars") == [str(day) for day in DAYS]


def test_a_damaged_record_is_in_quarantine(home: Home) -> None:
    (row,) = home.rows("quarantine")
    assert (row["date"], row["reason"]) == (NEW[3], "unreadable_record")
    assert "MODREF (53-56)" in row["detail"]
    assert (row["file"], row["row"]) == ("COTAHIST_A2024.TXT", len(new_year()))


def test_bars_are_adjusted_and_have_a_universe(home: Home) -> None:
    factors = {
        row["date"]: row["price_factor"]
        for row in home.rows("adjusted_bars")
        if row["symbol"] == "ABCD3"
    }
    assert factors == {day: 2.0 if day >= SPLIT else 1.0 for day in DAYS}
    members = {r["symbol"] for r in home.rows("universe") if r["date"] == NEW[0] and r["member"]}
    assert members == {"ABCD3", "EFGH4", "IJKL3", "NEWT3"}


def test_ticker_changes_are_a_table(home: Home) -> None:
    (row,) = home.rows("ticker_changes")
    assert (row["date"], row["symbol"], row["previous_symbol"]) == (NEW[0], "NEWT3", "OLDT3")
    assert row["previous_date"] == OLD[-1]


def test_a_years_files_are_told(home: Home) -> None:
    told = home.metadata("raw_files")
    assert sorted(told) == ["2023", "2024"]
    year = told["2024"]
    (file,) = year["files"].value.records
    raw = Path(home.graph.settings.markets["tiny"].source.path)  # type: ignore[union-attr]
    path = raw / "COTAHIST_A2024.TXT"
    assert file.data["file"] == path.name
    assert file.data["size"] == path.stat().st_size
    assert file.data["sha256"] == checksum(path)
    assert (file.data["records"], file.data["rejected"]) == (len(new_year()) - 1, 1)
    assert (file.data["first"], file.data["last"]) == (str(NEW[0]), str(NEW[-1]))
    assert year["rejected_records"].value == 1
    assert year["rejected_by_field"].value == {"MODREF": 1}
    assert year["dagster/partition_row_count"].value == len(new_year()) - 1


def test_a_day_depends_on_the_files_of_its_year(home: Home) -> None:
    graph = home.graph.repository.asset_graph
    bars, raw = (dg.AssetKey(["tiny", name]) for name in ("bars", "raw_files"))
    assert raw in graph.get(bars).parent_keys
    mapping = graph.get_partition_mapping(bars, raw)
    partitions = home.graph.partitions("tiny")
    for day in (DAYS[0], OLD[-1], NEW[0], DAYS[-1]):
        mapped = mapping.get_upstream_mapped_partitions_result_for_partitions(
            partitions.daily.subset_with_partition_keys([str(day)]),
            partitions.daily,
            partitions.yearly,
        )
        assert list(mapped.partitions_subset.get_partition_keys()) == [str(day.year)]


def test_one_year_asks_for_its_files_alone(home: Home) -> None:
    stages = home.graph.plan("tiny", "raw_files,bars", NEW[0], NEW[-1])
    assert [str(run) for stage in stages for run in stage.runs] == [
        "raw_files [2024]",
        f"bars, quarantine [{NEW[0]} … {NEW[-1]}]",
    ]


def test_only_such_markets_have_raw_files(home: Home, tmp_path: Path) -> None:
    other = Graph(small_settings(tmp_path, {"tiny": files_market(tmp_path / "data")}))
    names = {key.path[-1] for key in other.repository.asset_graph.get_all_asset_keys()}
    mine = {key.path[-1] for key in home.graph.repository.asset_graph.get_all_asset_keys()}
    assert mine - names == {"raw_files", "ticker_changes", "rejected_actions"}
    assert "tiny_raw_files" not in other.repository.job_names
    sensors = {sensor.name for sensor in home.graph.repository.sensor_defs}
    assert "tiny_landing" in sensors


def test_the_landing_sensor_asks_for_the_days_of_a_file(home: Home) -> None:
    sensor = home.graph.repository.get_sensor_def("tiny_landing")
    context = dg.build_sensor_context(home.instance, repository_def=home.graph.repository)
    first = sensor.evaluate_tick(context)
    assert not first.run_requests  # all of it is materialized
    assert "nothing new among 2 files" in str(first.skip_message)


def test_files_are_asked_for_an_hour_before_the_sessions(tmp_path: Path) -> None:
    graph = Graph(small_settings(tmp_path, {"tiny": b3_market(tmp_path, end=None)}))
    crons = {s.name: s.cron_schedule for s in graph.repository.schedule_defs}
    assert crons["tiny_raw_files"] == "30 0 * * *"
    assert crons["tiny_daily"] == "30 1 * * *"
    schedule = graph.repository.get_schedule_def("tiny_raw_files")

    def asked(day: date) -> list[str | None]:
        tick = dg.build_schedule_context(
            repository_def=graph.repository,
            scheduled_execution_time=datetime(day.year, day.month, day.day, 0, 30),
        )
        return [r.partition_key for r in schedule.evaluate_tick(tick).run_requests or []]

    assert asked(date(2024, 1, 1)) == ["2023"]
    assert asked(date(2024, 1, 2)) == ["2024"]
    assert asked(date(2022, 1, 2)) == []


def test_a_cut_file_fails_its_year_alone_and_says_both_counts(tmp_path: Path) -> None:
    files(tmp_path)
    write(tmp_path / "raw" / "COTAHIST_A2024.TXT", new_year(), count=90_000)
    graph = Graph(small_settings(tmp_path, {"tiny": market_in(tmp_path)}))
    count = len(new_year()) + 2
    with dg.DagsterInstance.ephemeral() as instance:
        report = graph.backfill(instance, "tiny", "raw_files")
        states = {o.run.partitions: o.success for o in report.outcomes}
        assert states == {("2023",): True, ("2024",): False}
        (message,) = errors(report)
        assert f"{count} records were read" in message
        assert "its trailer says 90,000" in message
        assert message.startswith("0 of 1 files are whole")
        # nor do bars come from it
        (message,) = errors(graph.backfill(instance, "tiny", "bars", NEW[0], NEW[1]))
        assert "its trailer says 90,000" in message
        assert graph.warehouse.partitions("tiny/bars") == []


def test_files_are_fetched_once(tmp_path: Path) -> None:
    served = {"COTAHIST_A2023.ZIP": zipped(content(old_year(), year=2023))}
    with serving(served) as server:
        graph = served_graph(tmp_path, server)
        with dg.DagsterInstance.ephemeral() as instance:
            home = Home(graph, instance)
            for state in ("downloaded", "unchanged"):
                select = "raw_files,bars"
                assert errors(graph.backfill(instance, "tiny", select, OLD[0], OLD[-1])) == []
                (file,) = home.metadata("raw_files")["2023"]["files"].value.records
                assert file.data["fetched"] == state
            assert server.sent == len(served["COTAHIST_A2023.ZIP"])
            assert len(home.rows("bars")) == 4 * len(OLD)
    assert "tiny_landing" not in {sensor.name for sensor in graph.repository.sensor_defs}


def test_a_server_that_refuses_is_told(tmp_path: Path) -> None:
    with serving({}) as server:
        server.faults["COTAHIST_A2023.ZIP"] = [Status(403)]
        graph = served_graph(tmp_path, server)
        with dg.DagsterInstance.ephemeral() as instance:
            (message,) = errors(graph.backfill(instance, "tiny", "raw_files", OLD[0], OLD[-1]))
            assert "the server refuses: status 403 Forbidden" in message
            (message,) = errors(graph.backfill(instance, "tiny", "raw_files", OLD[0], OLD[-1]))
            assert "there is no file named as the exchange names them" in message


def served_graph(folder: Path, server: Server) -> Graph:
    downloads = {"base_url": server.url, "attempts": 2, "timeout_seconds": 5, "backoff_seconds": 0}
    block = b3_market(folder / "raw", {"downloads": downloads})
    (folder / "raw").mkdir()
    return Graph(small_settings(folder, {"tiny": block}))


def test_options_of_the_command(tmp_path: Path) -> None:
    shell = Shell(files(tmp_path), {"tiny": market_in(tmp_path)})
    write_config(shell.folder, markets=shell.markets, factors={"libraries": ["style"]})
    select = ("--select", "raw_files,corporate_actions,bars,quarantine,adjusted_bars")
    result = shell.run("backfill", "tiny", "--year", "2024", *select)
    assert result.exit_code == 0, result.stderr
    assert shell.warehouse.partitions("tiny/bars") == [str(day) for day in NEW]
    assert shell.warehouse.read("tiny/corporate_actions").num_rows == 1
    factors = shell.warehouse.read("tiny/adjusted_bars")["price_factor"]
    assert set(factors.to_pylist()) == {1.0, 2.0}
    before = copies_of(tmp_path)
    without = shell.run(
        "backfill", "tiny", "--year", "2024", "--without-corporate-actions", "--rebuild", *select
    )
    assert without.exit_code == 0, without.stderr
    assert shell.warehouse.read("tiny/corporate_actions").num_rows == 0
    factors = shell.warehouse.read("tiny/adjusted_bars")["price_factor"]
    assert set(factors.to_pylist()) == {1.0}
    after = copies_of(tmp_path)
    assert after.keys() == before.keys()
    assert all(after[name] > before[name] for name in before)
    both = shell.run("backfill", "tiny", "--year", "2024", "--from", "2024-01-02")
    assert both.exit_code != 0
    assert "--year and --from/--to exclude each other" in both.stderr


def test_a_simulated_market_cannot_leave_its_events_out(tmp_path: Path) -> None:
    settings = small_settings(tmp_path, {"sim": simulated_market()})
    with pytest.raises(ConfigError, match="'sim' makes its own corporate actions"):
        settings.without_corporate_actions("sim")


def copies_of(folder: Path) -> dict[str, int]:
    """When each parsed copy was made."""
    copies = (folder / "raw" / ".parsed").glob("*/tally.json")
    return {copy.parent.name: copy.stat().st_mtime_ns for copy in copies}
