"""Bad input: a clear error or a reported partial result, and whole partitions.

Most tests begin with a home in which six days are materialized, and spoil what lies in its folder.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow.compute as pc
import pytest

from quant_assets.api import load
from quant_assets_tests.markets import bars, process_environment, sessions, write_config
from quant_assets_tests.orchestration.faults.six_days import (
    DAYS,
    FIRST,
    LAST,
    Market,
    assert_whole,
    market_in,
)
from quant_assets_tests.shells import shell_in

SATURDAY, HOLIDAY = date(2024, 1, 6), date(2024, 1, 15)


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
