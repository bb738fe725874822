"""The tear sheet: one call from tables to a page, whatever the returns."""

import math
import re

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.strategies.registry import find
from quant_assets.market_data.panels import date_column
from quant_assets.performance import page_parts
from quant_assets.performance import tear_sheet as module
from quant_assets.performance.metrics import METRICS, metrics
from quant_assets.performance.tear_sheet import TearSheet, index_returns, tear_sheet
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.performance.samples import backtest, benchmark, fat_tailed, market

STRATEGY = find("low_volatility")
PARAMETERS = STRATEGY.parse({"window": 130})


def sheet(returns: np.ndarray, table: pa.Table | None, **more: bool) -> TearSheet:
    return tear_sheet(
        backtest(returns), table, STRATEGY, PARAMETERS, market(**more),
        benchmark_title="Toy index", warnings=["five orders were dropped"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def usual() -> TearSheet:
    returns, index = fat_tailed(400, 1)
    return sheet(returns, benchmark(index))


def test_the_metrics_are_those_of_the_returns(usual: TearSheet) -> None:
    returns, index = fat_tailed(400, 1)
    rates = np.linspace(0.01, 0.03, 401)[1:]
    trading = {"turnover": [0.05] * 400, "cost": [2e-4] * 400, "exposure": [0.9] * 400}
    expected = metrics(returns, index, rates, 250, **trading)
    assert usual.metrics == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert usual.shortened is None


def test_the_table_fits_the_warehouse(usual: TearSheet) -> None:
    assert usual.table.schema.names == list(schema_of("tear_sheet").names)
    assert [f.type for f in usual.table.schema] == [f.type for f in schema_of("tear_sheet").arrow]
    assert usual.table["metric"].to_pylist() == list(METRICS)
    assert usual.table["value"].null_count == 0
    alone = sheet(fat_tailed(30, 1)[0], None)
    nulls = alone.table.filter(alone.table["value"].is_null())["metric"].to_pylist()
    assert nulls == [name for name, metric in METRICS.items() if metric.group == "benchmark"]
    assert all(math.isnan(alone.metrics[name]) for name in nulls)


def test_the_page_says_what_was_run_on_what(usual: TearSheet) -> None:
    page = usual.page
    for text in (
        "<title>Low volatility · Toy &lt;market&gt; (simulated data)</title>",
        "Simulated data: this market is made up",
        "Blitz and van Vliet",
        "window = 130",
        "Toy &lt;market&gt; (toy), calendar XNYS, USD",
        "2020-01-03 to 2021-07-15, 400 sessions; after costs, 250 sessions a year",
        "traded at the open of the next session",
        "commission 1.5 bps and slippage 4 bps",
        "Five orders were dropped.",
        "Metrics as stored",
        "Where the report above counts differently",
        "Key Performance Metrics",
        "Toy index",
    ):
        assert text in page, text
    assert page.index("window = 130") < page.index("Key Performance") < page.index("as stored")
    assert "<market>" not in page
    for metric in METRICS.values():
        assert metric.title in page
    assert page.count("<html") == page.count("</html>") == 1
    asked = re.findall(r'(?:src|href)\s*=\s*"(?!#|data:|http://quantstats\.io")([^"]*)"', page)
    assert asked == []


def test_a_real_market_is_not_called_simulated() -> None:
    returns, index = fat_tailed(30, 1)
    page = sheet(returns, benchmark(index), simulated=False).page
    assert "imulated" not in page


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        ([], "there are 0 returns, and a report needs at least 2"),
        ([0.01], "there are 1 returns"),
        ([0.0] * 30, "every return is 0: there is nothing"),
        ([0.5, 1.2, 0.4], "ValueError: QuantStats takes returns that are all gains"),
    ],
)
def test_a_series_without_a_report_gets_an_honest_page(returns: list[float], reason: str) -> None:
    index = np.full(len(returns), 0.001)
    result = sheet(np.array(returns), benchmark(index))
    page = result.page
    assert result.shortened
    assert reason in result.shortened
    assert f"This page has no QuantStats report: {result.shortened}" in page
    assert "Simulated data" in page
    assert "Metrics as stored" in page
    assert page.count("data:image/png;base64,") == (2 if returns else 0)
    assert list(result.metrics) == list(METRICS)


def test_a_fault_of_quantstats_does_not_cost_the_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise IndexError("of <theirs>")

    monkeypatch.setattr(module, "quantstats_page", broken)
    result = sheet(fat_tailed(30, 1)[0], None)
    assert result.shortened == "QuantStats could not treat it (IndexError: of <theirs>)"
    assert "IndexError: of &lt;theirs&gt;" in result.page


def test_rows_of_another_strategy_are_refused() -> None:
    rows = backtest(np.array([0.1, 0.2]), "model_quantile")
    with pytest.raises(ValueError, match=r"of 'low_volatility' only. Got \['model_quantile'\]"):
        tear_sheet(rows, None, STRATEGY, PARAMETERS, market())


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
    assert np.isnan(index_returns(None, dates)).all()
    assert index_returns(table, dates[:0]).shape == (0,)


def test_a_page_of_another_layout_still_gets_our_parts() -> None:
    plain = "<html><body class='x'>report</body></html>"
    page = page_parts.around(plain, "BEFORE", "AFTER")
    assert page.index("<body") < page.index("BEFORE") < page.index("report") < page.index("AFTER")
    assert page_parts.around("report", "BEFORE", "AFTER").endswith("AFTER")
