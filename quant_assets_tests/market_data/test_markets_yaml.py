"""The shipped markets: their blocks are valid, and say what the README says of them."""

from datetime import date
from pathlib import Path

import pytest

from quant_assets.factors.catalogue import catalogue
from quant_assets.market_data import calendars
from quant_assets.market_data.sources.registry import open_source, source_class
from quant_assets.settings import Market, load_settings
from quant_assets.warehouse.window import Window


def markets(**environment: str) -> dict[str, Market]:
    return load_settings(environment={"QUANT_ASSETS_HOME": "/nowhere", **environment}).markets


@pytest.fixture(scope="module")
def us(test_data: Path) -> Market:
    return markets(
        QUANT_ASSETS_US_DATA=str(test_data / "us_eod_shared"),
        QUANT_ASSETS_BENCHMARK_DATA=str(test_data / "us_benchmarks"),
    )["us"]


def test_without_data_only_the_demo_is_active() -> None:
    assert list(markets()) == ["demo"]


def test_the_demo_is_simulated_and_says_so() -> None:
    demo = markets()["demo"]
    assert demo.simulated
    assert "imulated" in demo.title
    source = open_source(demo)
    assert source.read(Window(date(2023, 1, 3), date(2023, 1, 4))).num_rows > 350


def test_with_their_folders_set_the_us_files_are_a_market() -> None:
    found = markets(QUANT_ASSETS_US_DATA="/u", QUANT_ASSETS_BENCHMARK_DATA="s3://b/x")
    assert list(found) == ["demo", "us"]
    us = found["us"]
    assert us.source.kind == "files"
    assert us.source.path == "/u/*.parquet"
    assert us.risk_free_rate is not None
    assert us.risk_free_rate.path == "s3://b/x/fed_rate_lean.csv"
    assert len(calendars.sessions(us, date(2017, 12, 8))) == 2755


def test_with_its_folder_set_the_brazilian_files_are_a_market() -> None:
    found = markets(QUANT_ASSETS_B3_DATA="/b")
    assert list(found) == ["demo", "b3"]
    b3 = found["b3"]
    assert b3.source.kind == "b3"
    assert (b3.source.path, b3.source.market_types, b3.source.classes) == (
        "/b/cotahist",
        ["cash"],
        ["02"],
    )
    assert b3.watched
    assert open_source(b3).name == "/b/cotahist"
    assert b3.risk_free_rate is not None
    assert b3.risk_free_rate.kind == "level"


def test_the_us_benchmark_is_complete_over_the_prices(us: Market) -> None:
    window = Window(date(2007, 1, 3), date(2017, 12, 8))
    table = open_source(us).benchmark(window).to_pandas().set_index("date")
    assert len(table) == 2755
    assert not table.isna().any().any()
    day = table.loc[date(2008, 10, 10)]
    assert day["index_open"] == pytest.approx(902.31, abs=0.01)
    assert day["index_close"] == pytest.approx(899.22, abs=0.01)
    assert day["volatility_index"] == pytest.approx(69.95, abs=0.01)
    assert table["risk_free_rate"].between(0, 0.07).all()


def test_with_its_folder_set_china_is_a_market() -> None:
    found = markets(QUANT_ASSETS_CN_DATA="/c")
    assert list(found) == ["demo", "cn"]
    china = found["cn"]
    assert china.source.kind == "cn_daily"
    assert (china.currency, china.annualization) == ("CNY", 244)
    assert china.index is not None
    assert china.index.path == "/c/index_000300_*.csv"
    assert source_class(china).further_tables(china) == ("trading_status", "valuations", "indices")
    factors = load_settings(environment={"QUANT_ASSETS_HOME": "/nowhere"}).factors
    assert catalogue(factors, "cn").definitions["vwap"] == "average_price"
    assert catalogue(factors, "us").definitions["vwap"] == "(high + low + close) / 3"
    # holidays of 2024: New Year, spring festival, the Friday of the national day's week
    days = calendars.sessions(china, date(2024, 12, 31)).astype(str).tolist()
    assert not {"2024-01-01", "2024-02-12", "2024-10-04"} & set(days)
    assert {"2024-01-02", "2024-10-08"} <= set(days)
    assert len([day for day in days if day.startswith("2024")]) == 242
