"""Bad input and bad luck: a clear error or a reported partial result, and whole partitions.

Each test begins with a home in which six days are materialized, and lets something go wrong.
"""

import shutil
import signal
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from quant_assets.api import load
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.graphs import DAILY, Graph, errors, stray_files, tables_of
from quant_assets_tests.markets import (
    bars,
    files_market,
    process_environment,
    sessions,
    small_settings,
    write_config,
)
from quant_assets_tests.shells import Shell, shell_in

FIRST, LAST = date(2024, 1, 2), date(2024, 1, 9)
DAYS = sessions(FIRST, LAST)
SATURDAY, HOLIDAY = date(2024, 1, 6), date(2024, 1, 15)


@dataclass(frozen=True)
class Market:
    """A market of files in a folder of its own, and what its home holds."""

    folder: Path
    graph: Graph

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def tables(self) -> dict[str, pa.Table]:
        return tables_of(self.graph.warehouse, "tiny")

    def backfill(self, first: date = FIRST, last: date = LAST) -> list[str]:
        """Run the daily chain; the messages of what failed."""
        with dg.DagsterInstance.ephemeral() as instance:
            return errors(self.graph.backfill(instance, "tiny", "daily", first, last))

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.graph.warehouse.read(f"tiny/{table}").to_pylist()
        return rows

    @property
    def reasons(self) -> Counter[str]:
        return Counter(row["reason"] for row in self.rows("quarantine"))


def market_in(folder: Path, frame: pd.DataFrame | None = None, **keys: Any) -> Market:
    source = keys.pop("source", None)
    block = files_market(folder / "data", frame, source, **keys)
    return Market(folder, Graph(small_settings(folder, {"tiny": block})))


def assert_whole(graph: Graph, days: list[date]) -> None:
    """Every table holds these days, each file as its schema says, and nothing else lies there."""
    for name in DAILY:
        table = f"tiny/{name}"
        assert graph.warehouse.partitions(table) == [str(day) for day in days], name
        schema_of(table).validate(graph.warehouse.read(table), table=table)
    assert stray_files(graph.settings.warehouse_root) == []


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Six days of good input, materialized without a disturbance."""
    market = market_in(tmp_path_factory.mktemp("good"), bars())
    assert market.backfill() == []
    assert market.rows("quarantine") == []
    return market


@pytest.fixture
def market(good: Market, tmp_path: Path) -> Iterator[Market]:
    """A copy of it, whose input may be spoiled; in the end its partitions must be whole."""
    shutil.copytree(good.folder, tmp_path, dirs_exist_ok=True)
    market = market_in(tmp_path)
    yield market
    assert_whole(market.graph, DAYS)


def csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False))


UNREADABLE: dict[str, tuple[Mapping[str, str | bytes | pd.DataFrame], list[str]]] = {
    "a CSV with a missing column": (
        {"more.csv": csv(bars().drop(columns="volume"))},
        ["more.csv", "no column 'volume'", "source.columns.volume"],
    ),
    "a number that is none": (
        {"more.csv": csv(bars(DAYS)).strip() + "x"},
        ["more.csv: column 'volume' must hold numbers", "in data row 30", "source.columns.volume"],
    ),
    "a column of another type": (
        {"more.parquet": bars().assign(close="expensive")},
        ["more.parquet: column 'close' must hold numbers. Got 'expensive' in data row 1 instead"],
    ),
    "dates as numbers": (
        {"more.parquet": bars().assign(date=20240102)},
        ["more.parquet: column 'date'", "set date_format"],
    ),
    "a day that is none": (
        {"more.csv": csv(bars().astype({"date": str})).replace("2024-01-05", "2024-02-30")},
        ["more.csv: column 'date'", "2024-02-30"],
    ),
    "no dates at all": (
        {"more.csv": csv(bars(DAYS).assign(date=""))},
        ["more.csv: no row has a date in column 'date'"],
    ),
    "a line that is cut short": (
        {"more.csv": csv(bars(DAYS)).rsplit(",", 3)[0] + "\n"},
        ["more.csv: is not a readable CSV file", "may be cut short"],
    ),
    "an empty file": ({"more.csv": ""}, ["more.csv: is not a readable CSV file"]),
    "a file of another kind": (
        {"more.parquet": b"PK\x03\x04 a zip file, really" * 40},
        ["more.parquet: is not a readable Parquet file"],
    ),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_that_cannot_be_read_as_declared(market: Market, good: Market, what: str) -> None:
    """The run fails and names the file; the days keep what they held, also those of good files."""
    files, parts = UNREADABLE[what]
    for name, content in files.items():
        path = market.data / name
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path, index=False)
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content)
    (message,) = market.backfill()
    for part in parts:
        assert part in message
    assert "\n" not in message
    assert market.tables == good.tables


@pytest.mark.parametrize("share", [0.999, 0.5, 0.0])
def test_a_truncated_parquet_file(market: Market, good: Market, share: float) -> None:
    path = market.data / "bars.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    (message,) = market.backfill()
    assert "bars.parquet: is not a readable Parquet file, it may be cut short" in message
    assert market.tables == good.tables


def test_a_file_damaged_in_the_middle(market: Market, good: Market) -> None:
    """The footer is whole, so that the file opens; its pages are not."""
    path = market.data / "bars.parquet"
    content = bytearray(path.read_bytes())
    content[10:3000] = bytes(2990)
    path.write_bytes(content)
    (message,) = market.backfill()
    assert "bars.parquet: is not a readable Parquet file" in message
    assert market.tables == good.tables


def test_the_folder_is_gone(market: Market, good: Market) -> None:
    market.data.rename(market.folder / "away")
    (message,) = market.backfill()
    assert f"{market.data}: no file matches; put Parquet or CSV files there" in message
    assert market.tables == good.tables


def test_two_files_that_disagree_on_a_key(market: Market, good: Market) -> None:
    """Neither row is believed; all of them are in quarantine, each with the other's place."""
    disagreeing = bars([DAYS[2]], ["CCC"], seed=1)
    frame = bars()
    repeated = frame[(frame["symbol"] == "DDD") & (frame["date"].dt.date == DAYS[4])]
    disagreeing.to_csv(market.data / "second.csv", index=False)
    repeated.to_csv(market.data / "third.csv", index=False)
    assert market.backfill() == []
    assert market.reasons == {"conflicting_duplicate": 2, "duplicate_key": 1}
    conflict = [r for r in market.rows("quarantine") if r["reason"] == "conflicting_duplicate"]
    assert {(row["file"], row["symbol"], row["row_date"]) for row in conflict} == {
        ("bars.parquet", "CCC", DAYS[2]),
        ("second.csv", "CCC", DAYS[2]),
    }
    assert "second.csv" in conflict[0]["detail"]
    lost = [row for row in good.rows("bars") if (row["date"], row["symbol"]) == (DAYS[2], "CCC")]
    assert len(lost) == 1
    assert market.rows("bars") == [row for row in good.rows("bars") if row not in lost]


def test_dates_off_the_calendar(market: Market, good: Market) -> None:
    """They are kept in the quarantine of the session after them, with the date they claim."""
    bars([SATURDAY], ["AAA", "BBB"]).to_csv(market.data / "weekend.csv", index=False)
    bars([date(2020, 1, 2), date(2031, 1, 2)]).to_csv(market.data / "far.csv", index=False)
    assert market.backfill() == []
    assert market.reasons == {"off_calendar": 2}
    assert {(row["date"], row["row_date"]) for row in market.rows("quarantine")} == {
        (date(2024, 1, 8), SATURDAY)
    }
    assert market.rows("bars") == good.rows("bars")


def test_an_empty_day(market: Market, good: Market) -> None:
    """A session without a row is an empty partition; the days around it are as before."""
    frame = bars()
    frame[frame["date"].dt.date != DAYS[3]].to_parquet(market.data / "bars.parquet", index=False)
    assert market.backfill() == []
    expected = [row for row in good.rows("bars") if row["date"] != DAYS[3]]
    assert market.rows("bars") == expected
    halted = [row for row in market.rows("universe") if row["date"] == DAYS[3]]
    assert len(halted) == 5
    assert all(row["halted"] and not row["member"] for row in halted)


def test_a_file_without_rows(market: Market, good: Market) -> None:
    bars([]).to_csv(market.data / "empty.csv", index=False)
    bars().head(0).to_parquet(market.data / "empty.parquet", index=False)
    assert market.backfill() == []
    assert market.tables == good.tables


def test_an_unknown_symbol(good: Market, tmp_path: Path) -> None:
    """Rows of symbols that the market's list does not have are rejected, and counted."""
    listed = tmp_path / "symbols.csv"
    listed.write_text("symbol\nAAA\nBBB\nCCC\nDDD\nFFF\n")
    market = market_in(tmp_path, bars(), source={"symbols": {"path": str(listed)}})
    counts: list[Mapping[str, Any]] = []

    def listen(event: dg.DagsterEvent) -> None:
        if event.is_step_materialization and event.asset_key == dg.AssetKey(["tiny", "quarantine"]):
            metadata = event.step_materialization_data.materialization.metadata
            counts.append({name: entry.value for name, entry in metadata.items()})

    with dg.DagsterInstance.ephemeral() as instance:
        report = market.graph.backfill(instance, "tiny", "daily", FIRST, LAST, on_event=listen)
    assert report.success
    assert market.reasons == {"unknown_symbol": len(DAYS)}
    assert {row["symbol"] for row in market.rows("quarantine")} == {"EEE"}
    assert market.rows("bars") == [row for row in good.rows("bars") if row["symbol"] != "EEE"]
    assert f"| unknown_symbol | {len(DAYS)} |" in counts[0]["rejected_by_reason_in_run"]
    with process_environment(tmp_path, {"tiny": None}):
        assert load("tiny/bars", symbols=["NOPE"]).empty


def test_a_range_that_begins_before_the_data(good: Market, tmp_path: Path) -> None:
    """Days without data are empty partitions; the first day with data is as if none had been."""
    market = market_in(tmp_path, bars(), start=date(2023, 12, 18))
    before = sessions(date(2023, 12, 18), date(2023, 12, 29))
    assert market.backfill(before[0], LAST) == []
    assert_whole(market.graph, [*before, *DAYS])
    tables = market.tables
    for name in ("bars", "quarantine", "adjusted_bars", "universe", "factors_style"):
        assert tables[name] == good.tables[name], name
    # what was decided before the data is told by them too: it has a next open, and no factors
    known = pc.greater_equal(tables["labels"]["decision_date"], FIRST)
    assert tables["labels"].filter(known) == good.tables["labels"]
    assert tables["benchmark"].num_rows == len(before) + len(DAYS)


SLIPS: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "a market block with a typo": (
        {"markets": {"tiny": {"calender": "XNYS"}}},
        [],
        "error: markets.yaml: tiny.calender: unknown key (did you mean 'calendar'?)",
    ),
    "a range that begins before the market": (
        {},
        ["--from", "2023-12-01"],
        "error: --from 2023-12-01 lies before tiny begins: its first session is 2024-01-02",
    ),
    "an unknown factor": (
        {"factors": {"disabled": {"style": ["momentum_12"]}}},
        [],
        "error: factors.yaml: disabled.style: no factor 'momentum_12' (did you mean",
    ),
    "an unknown strategy": (
        {"strategies": {"strategies": {"high_volatility": {}}}},
        [],
        "error: strategies.yaml: strategies.high_volatility: no such strategy (did you mean",
    ),
    "an unknown asset": (
        {},
        ["--select", "barz"],
        "error: --select: tiny has no asset, group or job 'barz' (did you mean 'bars'?)",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_the_user(tmp_path: Path, slip: str) -> None:
    """One message, exit code 2, and nothing has been begun."""
    config, options, message = SLIPS[slip]
    shell = shell_in(tmp_path)
    block = shell.markets["tiny"] | config.get("markets", {}).get("tiny", {})
    write_config(tmp_path, **(config | {"markets": {"tiny": block}}))
    result = shell.run("backfill", "tiny", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1
    assert not shell.home.exists()


# A file size that a process cannot exceed is what a full disk is to it: writing fails in the
# middle of a file. The bookkeeping of the instance is in memory here, so that only tables fail.
LIMITED = """
    import resource, sys
    import dagster as dg
    from datetime import date
    from quant_assets.settings import load_settings
    from quant_assets_tests.graphs import Graph, errors

    graph = Graph(load_settings())
    graph.repository
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
    with dg.DagsterInstance.ephemeral() as instance:
        report = graph.backfill(
            instance, "tiny", "daily", date(2024, 1, 2), date(2024, 1, 9)
        )
    for message in errors(report):
        print(message)
"""
MANY = [f"S{number:03d}" for number in range(40)]


def sizes(market: Market, table: str) -> list[int]:
    return [
        path.stat().st_size
        for path in (market.folder / "home" / "warehouse" / "tiny" / table).rglob("*.parquet")
    ]


def test_a_full_disk(market: Market, good: Market, tmp_path: Path) -> None:
    """What could be written is whole and new, what could not is whole and old, and all is told."""
    old = market.tables
    bars(symbols=MANY, seed=8).to_parquet(market.data / "bars.parquet", index=False)
    undisturbed = market_in(tmp_path / "undisturbed", bars(symbols=MANY, seed=8))
    assert undisturbed.backfill() == []
    new = undisturbed.tables
    limit = min(sizes(undisturbed, "factors_style")) - 1
    fitting = [name for name in DAILY if max(sizes(undisturbed, name)) < limit]
    assert "bars" in fitting

    process = Shell(market.folder, {"tiny": None}).python(textwrap.dedent(LIMITED), str(limit))
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    (message,) = stdout.splitlines()
    assert message.startswith("tiny/factors_style: 0 of 6 partitions were written whole; the other")
    assert "(2024-01-02..2024-01-09) hold what they held before" in message
    assert "File too large" in message
    assert "Make room" in message
    assert_whole(market.graph, DAYS)
    for name, table in market.tables.items():
        behind = name in ("factors_style", "factor_evaluation", "predictions")
        assert table == (old if behind else new)[name], name

    # there is room again
    assert market.backfill() == []
    assert market.tables == new


def test_a_disk_too_full_for_the_bookkeeping(tmp_path: Path) -> None:
    """Not even the database of runs can be written: one message, and nothing is begun."""
    shell = shell_in(tmp_path)
    process = shell.process(
        "bash", "-c", 'ulimit -f 30; exec "$@"', "bash", shell.program, "backfill", "tiny"
    )
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert stdout == ""
    (line,) = stderr.splitlines()
    assert line.startswith("error: ")
    assert not (shell.home / "warehouse").exists()


# The process ends itself in the middle of a table's files: the same moment on every machine.
KILLED = """
    import os, signal, sys
    from quant_assets.cli import main
    from quant_assets.warehouse import storage

    rename, left = storage._rename, int(sys.argv[1])
    def kill_in_the_middle(source, target):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)
    storage._rename = kill_in_the_middle
    sys.argv[1:] = ["backfill", "tiny", "--to", "2024-01-09", "--select", "daily"]
    main()
"""


def test_a_process_killed_in_the_middle_of_a_range(good: Market, tmp_path: Path) -> None:
    shell, files = shell_in(tmp_path), 28
    process = shell.python(textwrap.dedent(KILLED), str(files))
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, stderr
    # every file that is there is whole, and equal to the one of an undisturbed run
    root = Path(shell.warehouse.root)
    left = [path for path in root.rglob("date=*/part-0.parquet") if ".staging" not in path.parts]
    assert len(left) == files - 2  # others: the corporate actions, the record that the run began
    for path in left:
        other = good.folder / "home" / "warehouse" / path.relative_to(root)
        assert pq.ParquetFile(path).read() == pq.ParquetFile(other).read()
    # an interrupted table is not complete
    counts = {len(list((root / "tiny" / name).glob("*/part-0.parquet"))) for name in DAILY}
    assert counts - {0, len(DAYS)}

    again = shell.run("backfill", "tiny", "--to", str(LAST), "--select", "daily")
    assert again.exit_code == 0, again.stderr
    assert tables_of(shell.warehouse, "tiny") == good.tables
    assert stray_files(root) == []


def test_two_backfills_of_overlapping_ranges_at_once(good: Market, tmp_path: Path) -> None:
    """Both end well whoever is first; what one run after them makes is what one alone makes."""
    shell = shell_in(tmp_path)
    ranges = [("2024-01-02", "2024-01-08"), ("2024-01-04", "2024-01-09")]
    both = [
        shell.start("backfill", "tiny", "--from", first, "--to", last, "--select", "daily")
        for first, last in ranges
    ]
    for process in both:
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
    assert_whole(Graph(small_settings(tmp_path, shell.markets)), DAYS)
    # what is made from a day's own rows is final already
    for name in ("bars", "quarantine", "adjusted_bars", "benchmark"):
        assert shell.warehouse.read(f"tiny/{name}") == good.tables[name]
    again = shell.run("backfill", "tiny", "--to", str(LAST), "--select", "daily")
    assert again.exit_code == 0
    assert tables_of(shell.warehouse, "tiny") == good.tables
