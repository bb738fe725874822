"""Pages of several strategies: whole, small, the same bytes twice, and alive in a browser."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.combined.correlations import correlations
from quant_assets.backtests.combined.portfolio import combine
from quant_assets.performance.comparison.compared import compare
from quant_assets.performance.comparison.comparison_page import comparison_page, metrics_markdown
from quant_assets.performance.comparison.correlation_page import correlation_page
from quant_assets.performance.comparison.pictures import correlation_picture, curves_picture
from quant_assets.performance.comparison.portfolio_page import portfolio_page
from quant_assets.performance.comparison.stability_page import stability_page
from quant_assets.performance.market_days import market_days
from quant_assets.performance.portfolio_sheet import portfolio_sheet
from quant_assets.performance.stability.table import stability_table
from quant_assets.settings import Market
from quant_assets_tests.backtests.combined.samples import NAMES, values
from quant_assets_tests.backtests.combined.samples import found as found_of
from quant_assets_tests.end_to_end.browser import Page
from quant_assets_tests.markets import simulated_market, small_settings
from quant_assets_tests.performance.comparison.samples import (
    RULES,
    TITLES,
    alike,
    compared,
    found,
    market,
    portfolios,
)

LABEL = "Test & market"


def comparison() -> str:
    return comparison_page(compared(), alike(), LABEL, False, TITLES)


def correlation() -> str:
    return correlation_page(alike(), found(), LABEL, True, TITLES)


def portfolio() -> str:
    return portfolio_page(portfolios(), compared(), RULES, LABEL, False, TITLES)


def stability() -> str:
    table = stability_table(found(), market(), RULES)
    return stability_page(table, RULES, LABEL, False, TITLES, found().notes)


PAGES = {each.__name__: each for each in (comparison, correlation, portfolio, stability)}


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_a_page_is_one_small_file_and_the_same_twice(make: Callable[[], str]) -> None:
    html = make()
    assert html == make()
    assert len(html.encode()) < 400_000
    assert not re.search(r"""(src|href)=["'](?!data:|#|\.\./)""", html)
    assert "<alpha>" not in html  # titles are escaped
    assert "The &lt;alpha&gt; &amp; its friends" in html
    assert "The strategy absent has no returns: its backtest failed" in html
    assert ("Simulated data" in html) == (make is correlation)


def test_markdown_and_pictures_for_the_ui() -> None:
    text = metrics_markdown(compared())
    assert text.count("\n") == 1 + len(compared().subjects)
    assert "| Index |" in text
    for picture in (
        correlation_picture(alike(), LABEL, TITLES),
        curves_picture(compared(), LABEL, ["strategy"]),
    ):
        assert picture.startswith(b"\x89PNG")
        assert 5_000 < len(picture) < 120_000


def test_each_sweep_is_shown_by_its_own_metric() -> None:
    values = {"value": [0.5, 0.2], "first_part": [0.4, 0.0], "second_part": [0.6, -0.2]}
    sweeps = {
        name: pa.table({"metric": [metric] * 2, **values, "plateau": [True, False]})
        for name, metric in (("alpha", "sharpe"), ("beta", "calmar"))
    }
    html = stability_page(
        stability_table(found(), market(), RULES, sweeps), RULES, LABEL, False, TITLES
    )
    section = html[html.index('id="parameters-section"') :]
    assert section.count('<td class="name">') == 2
    assert "Sharpe ratio</td>" in section
    assert "Calmar ratio</td>" in section


def test_signs_in_a_title_are_no_markup() -> None:
    odd = replace(compared(), subjects=(replace(compared().subjects[0], title="a|$x_{b$"),))
    assert r"| a\|$x_{b$ |" in metrics_markdown(odd)
    assert curves_picture(odd, "$\\none{$", ["strategy"]).startswith(b"\x89PNG")


def test_without_strategies_pages_say_so() -> None:
    nothing = found_of(values()[:0])
    days = market_days(None, nothing.dates, 252)
    beside = compare([], days, "Index", notes=nothing.notes)
    none = correlations(nothing)
    made = combine(nothing, days.daily_rate, days.regime_codes, RULES)
    table = stability_table(nothing, days, RULES)
    for html, said in (
        (comparison_page(beside, none, LABEL, False, TITLES), "No strategy has returns yet."),
        (stability_page(table, RULES, LABEL, False, TITLES), "No strategy has returns yet."),
        (portfolio_page(made, beside, RULES, LABEL, False, TITLES), "None could be made"),
        (correlation_page(none, nothing, LABEL, False, TITLES), "No pair."),
    ):
        assert said in html


def test_a_portfolio_fills_a_tear_sheet(tmp_path: Path) -> None:
    settings = small_settings(tmp_path, {"sim": simulated_market()})
    block: Market = settings.market("sim")
    sheet = portfolio_sheet(portfolios().of["equal"], market(), block, RULES, ["mind this"])
    assert sheet.kind == "portfolio"
    assert sheet.title == "Strategies by equal weights"
    assert sheet.parameters["window"] == 120
    assert sheet.benchmark is not None
    rows = np.searchsorted(market().dates, sheet.dates)
    np.testing.assert_array_equal(sheet.benchmark, market().index[rows])
    assert list(sheet.warnings) == ["mind this"]


def show(opened: Page, folder: Path, html: str, width: int = 1280) -> Page:
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    opened.view.set_viewport_size({"width": width, "height": 900})
    opened.open(path.as_uri())
    assert opened.requests == [path.as_uri()]
    assert opened.errors == []
    return opened


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_pages_open_without_errors_and_fit_their_window(
    opened: Page, tmp_path: Path, make: Callable[[], str], width: int
) -> None:
    page = show(opened, tmp_path, make(), width)
    assert page.view.evaluate("document.documentElement.scrollWidth") <= width
    assert page.view.locator("table.shaded td").count() > 10
    for wide, high in page.drawings():
        assert wide > 100
        assert high > 10


SHOWN = """[...document.querySelectorAll('#growth path.line')].filter(
    p => p.closest('.panel') === document.querySelector('#growth .panel')).length"""
TICKS = """[...document.querySelectorAll('#growth .panel')].at(-1).querySelector('svg')
    .textContent"""


def test_lines_are_switched_on_and_off(opened: Page, tmp_path: Path) -> None:
    view = show(opened, tmp_path, comparison()).view
    count = len(compared().subjects)
    assert view.evaluate(SHOWN) == count
    view.locator("#growth .panel .key").first.click()
    assert view.evaluate(SHOWN) == count - 1
    assert view.locator("#risk circle").count() == count - 1
    view.get_by_role("button", name="Strategies").click()
    assert view.evaluate(SHOWN) == len(NAMES) + 1  # the benchmark stays
    view.get_by_role("button", name="None").click()
    assert view.evaluate(SHOWN) == 0
    view.get_by_role("button", name="All lines").click()
    assert view.evaluate(SHOWN) == count
    assert opened.errors == []


def test_the_common_period_and_the_log_scale(opened: Page, tmp_path: Path) -> None:
    view = show(opened, tmp_path, comparison()).view
    table = view.locator("[data-period=own] table")
    other = view.locator("[data-period=common] table")
    assert table.is_visible()
    before = view.evaluate(TICKS)
    view.locator("#common").click()
    assert other.is_visible()
    assert not table.is_visible()
    assert view.evaluate(TICKS) != before  # the chart shows these days alone
    ends = view.locator("#growth .panel").first.locator(".key output").all_inner_texts()
    first, last = compared().common_days or (0, 0)
    for k in range(len(NAMES)):
        grown = np.prod(1 + values()[first : last + 1, k])
        assert float(ends[k]) == pytest.approx(grown, rel=2e-3)
    view.locator("#log").click()
    view.locator("#common").click()
    assert table.is_visible()
    assert view.evaluate(TICKS) == before
    assert opened.errors == []


def test_metrics_are_sorted_by_their_numbers(opened: Page, tmp_path: Path) -> None:
    view = show(opened, tmp_path, comparison()).view
    head = view.locator("[data-period=own] th", has_text="Total return")
    head.click()
    cells = view.locator("[data-period=own] tbody tr td:nth-child(2)").all_inner_texts()
    numbers = [float(re.sub(r"[\s,%]", "", cell).replace("−", "-")) for cell in cells]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 3
