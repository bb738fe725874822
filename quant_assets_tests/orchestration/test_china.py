"""A market of China's daily files through the graph: a made-up folder, and some real months."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from quant_assets.market_data import calendars
from quant_assets_tests.graphs import Graph, errors
from quant_assets_tests.market_data.baostock import block, halted, market, row, walk, write
from quant_assets_tests.markets import small_settings

START, END = date(2023, 12, 4), date(2024, 1, 5)
CODES = ["sh.600000", "sh.601398", "sz.000001", "sz.300750", "sh.688981", "sz.002594"]
FURTHER = ("trading_status", "valuations", "indices", "minute_bars", "minute_quarantine")
TABLES = ("bars", "quarantine", "adjusted_bars", "universe", "benchmark", *FURTHER)


@dataclass
class China:
    """A folder of vendor files, the graph over them, and what checks said of its last run."""

    folder: Path
    graph: Graph
    checks: dict[tuple[str, str], Any]

    def frame(self, table: str) -> pd.DataFrame:
        """A table as pandas, whole."""
        found = self.graph.warehouse.read(f"china/{table}")
        frame: pd.DataFrame = found.to_pandas(date_as_object=False)
        return frame

    def backfill(self, select: str, first: date = START, last: date = END) -> None:
        """Run a selection; everything must succeed."""
        self.checks.clear()

        def listen(event: dg.DagsterEvent) -> None:
            if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                found = event.asset_check_evaluation_data
                self.checks[found.asset_key.path[-1], found.check_name] = found

        with dg.DagsterInstance.ephemeral() as instance:
            report = self.graph.backfill(instance, "china", select, first, last, on_event=listen)
        assert errors(report) == []


def vendor_files(folder: Path) -> list[date]:
    """A made-up folder: daily files, two indices in one file, a map of industries, minutes."""
    days: list[date] = calendars.sessions(market("x", start=START, end=END)).tolist()
    daily = walk(days, CODES)
    for year, part in daily.groupby(daily["date"].str[:4]):
        folder.mkdir(parents=True, exist_ok=True)
        part.to_csv(folder / f"daily_{year}.csv", index=False)
    # a copy of Friday's row on the holiday, a share of which the vendor knows no code, a relisting
    write(
        folder / "daily_extra.csv",
        [
            row(date(2024, 1, 1), "sh.600000"),
            row(days[3], ""),
            *(halted(day, "sz.000792", 8.84, isST=1) for day in days[:15]),
            row(days[15], "sz.000792", open=30, high=36, low=30, close=35.9, preclose=8.84)
            | {"amount": 33_000},
        ],
    )
    codes = ("sh.000300", "sh.000985")
    closes = 3000 + np.arange(len(days)) % 7
    lines = [
        {"date": day, "code": code, "open": close, "close": close + 1.0}
        for code in codes
        for day, close in zip(days, closes.tolist(), strict=True)
    ]
    lines.append({"date": date(2024, 1, 1), "code": codes[1], "open": "", "close": 3001.0})
    write(folder / "indices.csv", lines)
    sectors = [{"ts_code": c[3:] + "." + c[:2].upper(), "trade": c[:5]} for c in CODES[:4]]
    write(folder / "industry.csv", sectors)
    first = daily[(daily["code"] == CODES[0]) & (daily["date"] == str(days[0]))].iloc[0]
    prices = {name: first[name] for name in ("open", "high", "low", "close")}
    halves = {"volume": first["volume"] / 2, "turnover": first["amount"] / 2}
    stamps = [f"{days[0]} {at}:00" for at in ("09:31", "15:00", "12:15")]
    write(
        folder / "minutes.csv",
        [{"symbol": CODES[0], "timestamp": at} | prices | halves for at in stamps],
    )
    return days


@pytest.fixture(scope="module")
def china(tmp_path_factory: pytest.TempPathFactory) -> China:
    folder = tmp_path_factory.mktemp("china")
    vendor_files(folder / "data")
    one_file = {"path": str(folder / "data" / "indices.csv"), "code_column": "code"}
    given = block(
        folder / "data" / "daily_*.csv",
        start=START,
        end=END,
        symbols={
            "path": str(folder / "data" / "industry.csv"),
            "columns": {"symbol": "ts_code", "industry": "trade"},
        },
        indices={"All": one_file | {"code": "sh.000985"}},
        minute_bars={"path": str(folder / "data" / "minutes.csv")},
        no_price_limit={},
        index=one_file | {"code": "sh.000300", "open_column": "open"},
        universe={"minimum_age": 0},
    )
    made = China(folder, Graph(small_settings(folder, {"china": given})), {})
    made.backfill("group:market_data")
    return made


def days_of(china: China) -> list[date]:
    found: list[date] = china.graph.partitions("china").sessions.tolist()
    return found


def test_the_assets_are_those_that_the_source_offers(china: China, tmp_path: Path) -> None:
    keys = {key.path[-1] for key in china.graph.repository.asset_graph.get_all_asset_keys()}
    assert set(TABLES) <= keys
    bare = Graph(small_settings(tmp_path, {"bare": block("x/*.csv", start=START, end=END)}))
    keys = {key.path[-1] for key in bare.repository.asset_graph.get_all_asset_keys()}
    assert {"trading_status", "valuations"} <= keys
    assert not {"indices", "minute_bars"} & keys


@pytest.mark.parametrize(("method", "read"), [("black_litterman", True), ("equal", False)])
def test_market_values_are_read_where_a_method_needs_them(
    tmp_path: Path, method: str, read: bool
) -> None:
    bare = block("x/*.csv", start=START, end=END)
    config = {"portfolio": {"method": method}}
    graph = Graph(small_settings(tmp_path, {"bare": bare}, config)).repository.asset_graph
    parents = graph.get(dg.AssetKey(["bare", "recommendations"])).parent_keys
    assert (dg.AssetKey(["bare", "valuations"]) in parents) == read


def test_every_row_is_a_bar_a_halt_or_in_quarantine(china: China) -> None:
    bars, status = china.frame("bars"), china.frame("trading_status")
    count = len(days_of(china))
    assert len(status) == count * len(CODES) + 16
    assert len(bars) == (~status["halted"]).sum()
    both = bars.merge(status, on=["date", "symbol"], how="left")
    assert not both["halted"].any()
    rejected = china.frame("quarantine")
    assert sorted(rejected["reason"]) == ["missing_symbol", "off_calendar"]
    assert len(china.frame("valuations")) == len(status)


def test_adjusted_returns_are_those_the_exchange_publishes(china: China) -> None:
    adjusted, status = china.frame("adjusted_bars"), china.frame("trading_status")
    frame = adjusted.merge(status, on=["date", "symbol"]).merge(
        china.frame("bars")[["date", "symbol", "close"]], on=["date", "symbol"], suffixes=("", "_")
    )
    found = frame.groupby("symbol")["close"].transform(lambda c: c / c.shift() - 1)
    expected = frame["close_"] / frame["previous_close"] - 1
    known = found.notna()
    assert known.sum() == len(adjusted) - len(CODES) - 1
    np.testing.assert_allclose(found[known], expected[known], rtol=0, atol=1e-12)
    assert (frame["price_factor"] > 1).any()
    assert (frame["volume_factor"] == 1).all()


def test_the_universe_knows_halts_limits_and_sectors(china: China) -> None:
    universe, status = china.frame("universe"), china.frame("trading_status")
    both = universe.merge(status, on=["date", "symbol"], suffixes=("", "_told"))
    assert len(both) == len(status)
    assert (both["halted"] == both["halted_told"]).all()
    assert both["halted"].sum() == len(CODES) + 15
    relisted = both[both["symbol"] == "000792.SZ"]
    assert relisted["limit_up"].tolist() == [False] * 15 + [True]
    industries = universe.groupby("symbol")["industry"].first()
    assert industries["600000.SH"] == "sh.60"
    assert industries.isna().sum() == 3  # the map need not know every symbol


def test_the_checks_tell_what_no_rule_explains(china: China) -> None:
    def said(asset: str, check: str) -> tuple[bool, str]:
        found = china.checks[asset, check]
        examples = found.metadata.get("examples")
        return found.passed, examples.value if examples else ""

    assert said("bars", "rows_accounted") == (True, "")
    passed, examples = said("universe", "traded_within_limits")
    assert not passed
    assert examples.count("\n") == 0
    assert "000792.SZ: traded above the upper limit (low 30, high 36, limits 7.96 to 9.72)" in (
        examples
    )
    passed, examples = said("benchmark", "rows_on_sessions")
    assert not passed
    assert "2024-01-01 is no session; its value 3001 is not used for indices.All" in examples
    assert said("minute_bars", "minutes_in_daily_bars") == (True, "")
    assert all(china.checks[table, "schema"].passed for table in TABLES)


def test_indices_and_minutes_are_stored_by_day(china: China) -> None:
    indices = china.frame("indices")
    assert indices["index"].tolist() == ["All"] * len(days_of(china))
    benchmark = china.frame("benchmark")
    assert benchmark["index_close"].notna().all()
    minutes, rejected = china.frame("minute_bars"), china.frame("minute_quarantine")
    assert minutes["symbol"].tolist() == ["600000.SH"] * 2
    assert [str(t) for t in minutes["timestamp"]] == [
        f"{START} 01:31:00+00:00",
        f"{START} 07:00:00+00:00",
    ]
    assert rejected["reason"].tolist() == ["outside_hours"]


def test_one_day_again_changes_nothing(china: China) -> None:
    before = {table: china.frame(table) for table in TABLES}
    day = days_of(china)[-3]
    china.backfill("group:market_data", day, day)
    for table, frame in before.items():
        pd.testing.assert_frame_equal(frame, china.frame(table), obj=table)


def test_minutes_may_come_before_any_bar(china: China, tmp_path: Path) -> None:
    market = china.graph.settings.market("china").model_dump(mode="json", exclude={"name"})
    alone = China(tmp_path, Graph(small_settings(tmp_path, {"china": market})), {})
    alone.backfill("minute_bars,minute_quarantine", START, START)
    assert alone.checks["minute_bars", "minutes_in_daily_bars"].passed
    assert len(alone.frame("minute_bars")) == 2


MONTHS = (date(2023, 9, 1), date(2024, 1, 31))
JANUARY = (date(2024, 1, 2), date(2024, 1, 31))


def test_real_months_with_alpha101_without_and_with_sectors(
    tmp_path: Path, test_data: Path
) -> None:
    folder = test_data / "cn_csi300_baostock"
    given = block(
        folder / "csi300_daily_*.parquet",
        start=MONTHS[0],
        end=MONTHS[1],
        index={"path": str(folder / "index_000300_*.csv"), "open_column": "open"},
    )
    definitions = {"vwap": "average_price", "sector": "industry"}
    config = {
        "factors": {
            "libraries": ["style", "alpha101"],
            "markets": {"china": {"definitions": definitions}},
        }
    }
    made = China(tmp_path, Graph(small_settings(tmp_path, {"china": given}, config)), {})
    tables = "corporate_actions,bars,adjusted_bars,trading_status,universe,benchmark"
    made.backfill(tables, *MONTHS)
    assert [key for key, found in made.checks.items() if not found.passed] == []
    # the average price follows the adjusted prices over every event
    adjusted = made.frame("adjusted_bars")
    assert (adjusted["price_factor"] > 1).any()
    average = adjusted["turnover"] / adjusted["volume"] * adjusted["price_factor"]
    assert (average >= adjusted["low"] * 0.999).all()
    assert (average <= adjusted["high"] * 1.001).all()
    made.backfill("factors_alpha101", *JANUARY)
    without = made.frame("factors_alpha101")
    bars = made.frame("bars")
    assert without["date"].nunique() == 22
    assert len(without) == len(bars[bars["date"] >= "2024-01-02"])
    assert made.frame("universe")["industry"].isna().all()

    listed = {
        "path": str(test_data / "cn_a_industry_2017_2019" / "industry.csv"),
        "columns": {"symbol": "ts_code", "industry": "industry", "first": "list_date"},
    }
    given["source"]["symbols"] = listed
    made.graph = Graph(small_settings(tmp_path, {"china": given}, config))
    made.backfill("universe", *MONTHS)
    made.backfill("factors_alpha101", *JANUARY)
    with_map = made.frame("factors_alpha101")
    known = made.frame("universe").groupby("symbol")["industry"].first().notna()
    assert 150 < known.sum() < len(known) == 300
    names = without.columns[2:]
    had, has = (frame[names].notna().any() for frame in (without, with_map))
    assert len(names) == 101
    assert (had <= has).all()
    # what is neutralised by industry has values only with the map; nothing else changes
    needs_groups = names[has & ~had]
    assert len(needs_groups) >= 10
    pd.testing.assert_frame_equal(without[names[had]], with_map[names[had]])
