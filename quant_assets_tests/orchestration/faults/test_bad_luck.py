"""Full disks, killed processes, two at once: what is there is whole, and all is told."""

import signal
import textwrap
from pathlib import Path

import pyarrow.parquet as pq

from quant_assets_tests.graphs import DAILY, Graph, stray_files, tables_of
from quant_assets_tests.markets import bars, small_settings
from quant_assets_tests.orchestration.faults.six_days import (
    DAYS,
    LAST,
    Market,
    assert_whole,
    market_in,
)
from quant_assets_tests.shells import Shell, shell_in

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
