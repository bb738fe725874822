"""The tear sheet: from tables to metrics, pictures and a page, whatever the returns."""

import math
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.strategies.registry import find
from quant_assets.market_data.panels import date_column
from quant_assets.performance import quantstats_report as quantstats_module
from quant_assets.performance.metrics import METRICS, metrics
from quant_assets.performance.page.sheet_data import SheetData
from quant_assets.performance.quantstats_report import quantstats_report
from quant_assets.performance.sheet_files import sheet_files
from quant_assets.performance.strategy_sheet import index_returns, strategy_sheet
from quant_assets.performance.tear_sheet import TearSheet, tear_sheet
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.performance.samples import backtest, benchmark, fat_tailed, market

STRATEGY = find("low_volatility")
PARAMETERS = STRATEGY.parse({"window": 130})


def data(returns: np.ndarray, table: pa.Table | None, simulated: bool = True) -> SheetData:
    return strategy_sheet(
        backtest(returns), STRATEGY, PARAMETERS, market(simulated), table,
        warnings=["five orders were dropped"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def usual() -> TearSheet:
    returns, index = fat_tailed(400, 1)
    return tear_sheet(data(returns, benchmark(index)))


def test_the_metrics_are_those_of_the_returns(usual: TearSheet) -> None:
    returns, index = fat_tailed(400, 1)
    rates = np.linspace(0.01, 0.03, 401)[1:]
    turnover, cost, exposure = (np.full(400, each) for each in (0.05, 2e-4, 0.9))
    dates = sessions(401)[1:]
    expected = metrics(returns, index, rates, 250, turnover, cost, exposure, dates)
    assert usual.measured.own == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)
    assert usual.measured.benchmark is not None
    alone = metrics(index, None, rates, 250, dates=dates)
    assert usual.measured.of_benchmark("sharpe") == pytest.approx(alone["sharpe"])
    assert math.isnan(usual.measured.of_benchmark("beta"))


def test_the_table_fits_the_warehouse(usual: TearSheet) -> None:
    assert usual.table.schema.names == list(schema_of("tear_sheet").names)
    assert [f.type for f in usual.table.schema] == [f.type for f in schema_of("tear_sheet").arrow]
    assert usual.table["metric"].to_pylist() == list(METRICS)
    alone = tear_sheet(data(fat_tailed(30, 1)[0], None))
    nulls = set(alone.table.filter(alone.table["value"].is_null())["metric"].to_pylist())
    assert nulls >= {name for name, metric in METRICS.items() if metric.group == "benchmark"}
    assert all(math.isnan(alone.measured.own[name]) for name in nulls)
    assert alone.measured.benchmark is None


def test_the_page_says_what_was_run_on_what(usual: TearSheet) -> None:
    page = usual.page
    for text in (
        "<title>Low volatility · Toy &lt;market&gt; (simulated data)</title>",
        "Simulated data: this market is made up",
        "Blitz and van Vliet",
        "window = 130",
        "Toy &lt;market&gt; (simulated data), calendar XNYS, USD",
        "2020-01-03 to 2021-07-15, 400 sessions; 250 sessions a year",
        "traded at the open of the next session",
        "commission 1.5 bps",
        "Five orders were dropped.",
        "Simulated index",
        "not counted: the deflated Sharpe ratio is not known",
        "(of the returns)",
    ):
        assert text in page, text
    assert "<market>" not in page
    for metric in METRICS.values():
        assert metric.title in page
    asked = re.findall(r'(?:src|href)\s*=\s*"(?!#|data:)([^"]*)"', page)
    assert asked == []


def test_a_real_market_is_not_called_simulated() -> None:
    returns, index = fat_tailed(30, 1)
    page = tear_sheet(data(returns, benchmark(index), simulated=False)).page
    assert "imulated data" not in page


def test_gaps_of_the_benchmark_are_told() -> None:
    returns, index = fat_tailed(40, 1)
    table = benchmark(index)
    holed = table.filter(pa.array([k not in (5, 6) for k in range(41)]))
    told = data(returns, holed).warnings
    assert any(note.startswith("benchmark: 2 days (2020-01-09, 2020-01-10)") for note in told)


@pytest.mark.parametrize("returns", [[], [0.01], [0.0] * 30, [0.5, 1.2, 0.4], [-1.0, 0.0]])
def test_any_series_gets_a_page(returns: list[float]) -> None:
    made = tear_sheet(data(np.array(returns), benchmark(np.full(len(returns), 0.001))))
    assert list(made.measured.own) == list(METRICS)
    assert made.page.count("<html") == made.page.count("</html>") == 1
    assert bool(made.picture) == bool(returns)
    assert ">nan" not in made.page
    assert "NaN %" not in made.page


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        ([], "there are 0 returns, and a report needs at least 2"),
        ([0.01], "there are 1 returns"),
        ([0.0] * 30, "every return is 0: there is nothing"),
        ([0.5, 1.2, 0.4], "ValueError: QuantStats takes returns that are all gains"),
    ],
)
def test_a_series_without_a_quantstats_report(returns: list[float], reason: str) -> None:
    sheet = data(np.array(returns), benchmark(np.full(len(returns), 0.001)))
    report = quantstats_report(sheet)
    assert report.page is None
    assert reason in (report.missing or "")
    files = sheet_files(sheet, tear_sheet(sheet), quantstats=True)
    assert files.missing == report.missing
    assert [file for _, file, _ in files.pages] == ["tear_sheet.html"]


def test_quantstats_lies_beside_the_page_where_it_is_wanted() -> None:
    returns, index = fat_tailed(120, 2)
    sheet = data(returns, benchmark(index))
    made = tear_sheet(sheet)
    assert "quantstats.html" not in made.page
    files = sheet_files(sheet, made, quantstats=True)
    pages = {file: content.decode() for _, file, content in files.pages}
    assert 'href="quantstats.html"' in pages["tear_sheet.html"]
    theirs = pages["quantstats.html"]
    assert "Key Performance Metrics" in theirs
    assert "Where this report counts differently from our page" in theirs
    assert theirs.count("</body>") == 1
    assert set(files.pictures) == {"equity.png", "months.png"}


def test_a_fault_of_quantstats_does_not_cost_the_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise IndexError("of <theirs>")

    monkeypatch.setattr(quantstats_module, "quantstats_page", broken)
    report = quantstats_report(data(fat_tailed(30, 1)[0], None))
    assert report.missing == "QuantStats could not treat it (IndexError: of <theirs>)"


def test_rows_of_another_strategy_are_refused() -> None:
    rows = backtest(np.array([0.1, 0.2]), "model_quantile")
    with pytest.raises(ValueError, match=r"of 'low_volatility' only. Got \['model_quantile'\]"):
        strategy_sheet(rows, STRATEGY, PARAMETERS, market())


def test_the_income_tax_is_told_from_the_sale_on() -> None:
    rows = backtest(np.array([0.25, 0.0, 0.0]))
    rows = rows.append_column("tax", pa.array([0.0, 0.0, 0.1]))
    paid = strategy_sheet(rows, STRATEGY, PARAMETERS, market()).activity.tax
    rows = rows.append_column("tax_owed", pa.array([0.05, 0.1, 0.0]))
    owed = strategy_sheet(rows, STRATEGY, PARAMETERS, market()).activity.tax
    assert paid is not None
    assert owed is not None
    assert paid.tolist() == pytest.approx([0.0, 0.0, 0.08])
    assert owed.tolist() == pytest.approx([0.05, 0.04, 0.0])


def test_the_account_is_told_in_shares_of_equity() -> None:
    rows = backtest(np.array([0.1, 0.2]))
    rows = rows.append_column("cash", pa.array([0.55, 0.66]))
    rows = rows.append_column("borrow_cost", pa.array([0.01, 0.11]))
    rows = rows.append_column("short_exposure", pa.array([-0.2, -0.3]))
    activity = strategy_sheet(rows, STRATEGY, PARAMETERS, market()).activity
    told = [activity.cash, activity.borrow_cost, activity.short_exposure]
    # Equity is 1.1 and 1.32 at the closes; what borrowing cost is a share of that before.
    expected = [[0.5, 0.5], [0.01, 0.1], [0.2, 0.3]]
    assert [each.tolist() for each in told if each is not None] == [
        pytest.approx(each) for each in expected
    ]


def test_index_returns_begin_with_the_close_before_and_span_gaps() -> None:
    dates = sessions(6)
    table = pa.table(
        {
            "date": date_column(dates[:5]),
            "index_close": pa.array([100.0, 110.0, None, 121.0, 60.5]),
        }
    )
    np.testing.assert_allclose(
        index_returns(table, dates[1:]), [0.1, np.nan, 0.1, -0.5, np.nan], equal_nan=True
    )
    np.testing.assert_allclose(index_returns(table, dates[:1]), [np.nan], equal_nan=True)
    # the index before the first decision is known, its return since then is what counts
    np.testing.assert_allclose(index_returns(table, dates[3:5]), [0.1, -0.5])
    # a first day without a close, or one after months without: its return would be of more days
    assert np.isnan(index_returns(table, dates[2:4])).all()
    stale = np.append(dates[:2], dates[1] + np.array([90, 91]))
    late = pa.table({"date": date_column(stale), "index_close": pa.array([1.0, 1.0, 3.0, 3.3])})
    np.testing.assert_allclose(index_returns(late, stale[2:]), [np.nan, 0.1], equal_nan=True)
    assert np.isnan(index_returns(None, dates)).all()
    assert index_returns(table, dates[:0]).shape == (0,)


def test_series_of_another_length_are_refused() -> None:
    sheet = data(fat_tailed(30, 1)[0], None)
    with pytest.raises(ValueError, match=r"gross_returns of a tear sheet must have .*\(30,"):
        replace(sheet, gross_returns=np.zeros(3))
    with pytest.raises(ValueError, match="must be ascending"):
        replace(sheet, dates=sheet.dates[::-1])
