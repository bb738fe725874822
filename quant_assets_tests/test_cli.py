"""The command line: results on the standard output, the rest beside it, and exit codes."""

import json
import signal
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from quant_assets_tests.graphs import DAILY, stray_files, tables_of
from quant_assets_tests.markets import (
    bars,
    sessions,
    simulated_market,
    write_config,
)
from quant_assets_tests.shells import Shell, shell_in

LAST = "2024-01-09"
DAYS = sessions(end=date(2024, 1, 9))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell whose home is empty."""
    return shell_in(tmp_path)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shell, Result]:
    """A shell whose home holds some days of the daily chain, and what the backfill said."""
    shell = shell_in(tmp_path_factory.mktemp("cli"))
    return shell, shell.run("backfill", "tiny", "--to", LAST, "--select", "daily")


def test_help_and_version(shell: Shell) -> None:
    for arguments in (["--help"], ["-h"], ["backfill", "--help"]):
        result = shell.run(*arguments)
        assert result.exit_code == 0
        assert "Usage: " in result.stdout
    assert all(name in shell.run("-h").stdout for name in ("demo", "ui", "backfill", "status"))
    assert shell.run("--version").exit_code == 0


def test_a_backfill_says_what_it_has_done(used: tuple[Shell, Result]) -> None:
    shell, result = used
    assert result.exit_code == 0
    made = 1 + len(DAILY) * len(DAYS)
    assert result.stdout.startswith(f"2 of 2 runs succeeded, {made} asset partitions")
    assert len(result.stdout.splitlines()) == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("done")]
    assert [line.split()[3] for line in lines] == ["corporate_actions", "benchmark,"]
    assert lines[1].endswith("[2024-01-02 … 2024-01-09]")
    assert shell.warehouse.partitions("tiny/predictions") == [str(day) for day in DAYS]


def test_status(used: tuple[Shell, Result]) -> None:
    shell, _ = used
    result = shell.run("status")
    assert result.exit_code == 0
    assert "Test market" in result.stdout
    rows = {
        cells[0]: cells[1:]
        for line in result.stdout.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("│ ").split("│")]) == 6
    }
    total = len(sessions())
    assert rows["bars"] == [str(total), "6", str(total - 6), "0", LAST]
    assert rows["backtest"] == ["3", "0", "3", "0", "-"]
    assert shell.run("status", "tiny").stdout == result.stdout


QUERY = "select symbol, count() as days from tiny.bars group by symbol order by symbol limit 2"


def test_sql_in_three_forms(used: tuple[Shell, Result]) -> None:
    shell, _ = used
    assert shell.run("sql", QUERY).stdout.split() == ["symbol", "days", "AAA", "6", "BBB", "6"]
    assert shell.run("sql", QUERY, "--format", "csv").stdout == "symbol,days\nAAA,6\nBBB,6\n"
    rows = json.loads(shell.run("sql", QUERY, "--format", "json").stdout)
    assert rows == [{"symbol": "AAA", "days": 6}, {"symbol": "BBB", "days": 6}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select * from tiny.barz", "error: no table 'tiny.barz'"),
        ("select nothing from tiny.bars", "nothing"),
        ("selec 1", "Syntax error"),
        ("", ""),
    ],
)
def test_sql_that_is_wrong(used: tuple[Shell, Result], query: str, message: str) -> None:
    shell, _ = used
    result = shell.run("sql", query)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backfil", "tiny"], "No such command 'backfil'"),
        (["backfill"], "Missing argument 'MARKET'"),
        (["backfill", "tiny", "--from", "2024"], "'2024' does not match the format '%Y-%m-%d'"),
        (["backfill", "tiny", "--form", "2024-01-02"], "No such option"),
        (["backfill", "tny"], "no market 'tny' (did you mean 'tiny'?)"),
        (["backfill", "us"], "market 'us' is not active: QUANT_ASSETS_MARKETS does not name it"),
        (["backfill", "tiny", "--from", "2023-12-01"], "--from 2023-12-01 lies before tiny begins"),
        (["backfill", "tiny", "--to", "2024-04-01"], "--to 2024-04-01 lies after the last session"),
        (
            ["backfill", "tiny", "--from", "2024-01-06", "--to", "2024-01-07"],
            "nothing to do: XNYS has no session from 2024-01-06 to 2024-01-07",
        ),
        (
            ["backfill", "tiny", "--to", LAST, "--select", "models"],
            "nothing to do: no partition of models",
        ),
        (["backfill", "tiny", "--year", "2019"], "--year 2019: the days of tiny are those from 2"),
        (["backfill", "tiny", "--year", "2031"], "--year 2031: the days of tiny are those from 2"),
        (["backfill", "tiny", "--select", "barz"], "job 'barz' (did you mean 'bars'?)"),
        (["backfill", "tiny", "--select", "barz"], "there are adjusted_bars, backtest, bars, "),
        (["status", "tny"], "no market 'tny' (did you mean 'tiny'?)"),
        (["demo", "--no-serve"], "market 'demo' is not active"),
        (["sql", "select 1", "--format", "xml"], "'xml' is not one of 'table', 'csv', 'json'"),
    ],
)
def test_wrong_usage_ends_with_2(shell: Shell, arguments: list[str], message: str) -> None:
    result = shell.run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert not (shell.folder / "home").exists()


CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "markets": ({"markets": {"tiny": {"calender": "XNYS"}}}, "tiny.calender: unknown key"),
    "factors": (
        {"factors": {"disabled": {"style": ["momentum"]}}},
        "factors.yaml: disabled.style: no factor 'momentum'",
    ),
    "strategies": (
        {"strategies": {"strategies": {"low_volatility": {"parameters": {"window": "long"}}}}},
        "strategies.yaml: on market tiny: strategy 'low_volatility': window: ",
    ),
    "plugin": ({"strategies": {"folders": ["/nowhere"]}}, "folder of strategies /nowhere does not"),
    "calendar": ({"markets": {"tiny": {"calendar": "NYSE1"}}}, "no calendar 'NYSE1'"),
}


@pytest.mark.parametrize("command", [["check-config"], ["backfill", "tiny"], ["status"]])
@pytest.mark.parametrize("slip", CONFIGS)
def test_wrong_settings_end_with_2(shell: Shell, command: list[str], slip: str) -> None:
    files, message = CONFIGS[slip]
    changed = files.get("markets", {}).get("tiny", {})
    write_config(shell.folder, **(files | {"markets": {"tiny": shell.markets["tiny"] | changed}}))
    result = shell.run(*command)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert message in result.stderr


def test_check_config_says_what_is_active(shell: Shell) -> None:
    only = ["value", "low_volatility", "model_quantile"]
    write_config(shell.folder, strategies={"only": only})
    result = shell.run(
        "check-config", QUANT_ASSETS_MLFLOW_TRACKING_URI="postgresql://quant:secret@db/models"
    )
    assert result.exit_code == 0
    assert "tiny: Test market, XNYS, 29 assets" in result.stdout
    assert "us: QUANT_ASSETS_MARKETS does not name it" in result.stdout
    assert "strategies tiny: low_volatility, model_quantile\n" in result.stdout
    assert "unfit      tiny: value: the market's source has no valuations" in result.stdout
    assert str(shell.folder / "home" / "warehouse") in result.stdout
    assert "postgresql://quant:***@db/models" in result.stdout
    assert "secret" not in result.stdout
    assert not (shell.folder / "home").exists()


def test_a_failed_backfill_ends_with_1(shell: Shell) -> None:
    frame = bars().drop(columns="close")
    frame.to_parquet(shell.folder / "data" / "bars.parquet")
    result = shell.run("backfill", "tiny", "--to", LAST, "--select", "daily")
    assert result.exit_code == 1
    assert result.stdout.startswith("1 of 2 runs succeeded, 1 asset partitions")
    assert "failed" in result.stderr
    assert "data/bars.parquet: there is no column 'close'" in result.stderr
    status = shell.run("status").stdout
    (bars_line,) = [line for line in status.splitlines() if "│ bars " in line]
    assert [cell.strip() for cell in bars_line.strip("│ ").split("│")][2:5] == ["0", "35", "6"]


def test_a_home_that_cannot_be_made(shell: Shell) -> None:
    (shell.folder / "home").write_text("a file")
    result = shell.run("backfill", "tiny", "--to", LAST)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert str(shell.folder / "home") in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_instance_that_is_damaged(shell: Shell) -> None:
    history = shell.folder / "home" / "dagster" / "history"
    history.mkdir(parents=True)
    (history / "runs.db").write_bytes(b"this is no database" * 100)
    result = shell.run("status")
    assert result.exit_code == 1
    assert result.stderr == (
        "error: the database of runs and events, or that of models: file is not a database\n"
    )


def test_an_instance_that_is_nowhere(shell: Shell) -> None:
    result = shell.run("status", DAGSTER_HOME="/nowhere/at/all")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: DAGSTER_HOME: there is no folder /nowhere/at/all")


def test_an_interrupted_backfill_ends_with_130(shell: Shell, used: tuple[Shell, Result]) -> None:
    process = shell.start("backfill", "tiny", "--to", LAST, "--select", "daily")
    assert process.stderr is not None
    first = process.stderr.readline()
    assert first.startswith("done")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stdout.startswith("1 of 2 runs succeeded, 1 asset partitions")
    assert "error: interrupted; what is done stays" in stderr
    assert stray_files(shell.warehouse.root) == []
    again = shell.run("backfill", "tiny", "--to", LAST, "--select", "daily")
    assert again.exit_code == 0
    assert tables_of(shell.warehouse, "tiny") == tables_of(used[0].warehouse, "tiny")


def test_a_reader_that_has_seen_enough(shell: Shell) -> None:
    process = shell.start("sql", "select * from numbers(200000)", "--format", "csv")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "number\n"
    process.stdout.close()
    assert process.wait(timeout=60) in (0, 1)
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_the_demo_ends_with_tear_sheets(tmp_path: Path) -> None:
    """A demo of some days: what is made ready, what is said, where the pages lie."""
    demo = simulated_market(symbols=25, end=date(2024, 1, 9))
    write_config(tmp_path, markets={"demo": demo}, strategies={"only": ["low_volatility"]})
    shell = Shell(tmp_path, {"demo": demo})
    result = shell.run("demo", "--no-serve")
    assert result.exit_code == 0, result.stderr
    page = tmp_path / "home" / "artifacts" / "demo" / "tear_sheet" / "low_volatility"
    assert f"tear sheet: {page / 'tear_sheet.html'}" in result.stdout
    assert f"home: {tmp_path / 'home'}" in result.stdout
    assert "simulated data" in (page / "tear_sheet.html").read_text().lower()
    assert "runs succeeded" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("tear-sheet", "tiny", "pair"), "no strategy 'pair' (did you mean 'pairs'?)"),
        (("tear-sheet", "tiny", "value"), "'value' cannot run on market 'tiny': the market's"),
        (("tear-sheet", "tiny", "pairs"), "`quant-assets backfill tiny --select backtest`"),
        (("pages", "--port", "99999"), "99999 is not in the range"),
    ],
)
def test_what_is_wrong_with_a_page_that_is_asked_for(
    shell: Shell, arguments: tuple[str, ...], told: str
) -> None:
    result = shell.run(*arguments)
    assert told in result.stderr
    assert result.exit_code == 2
