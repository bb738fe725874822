"""The page: the same bytes each time, small, complete, and alive in a browser."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quant_assets.performance.metrics import METRICS
from quant_assets.performance.page.measured import Measured, measure
from quant_assets.performance.page.render import render
from quant_assets.performance.page.sheet_data import Activity, SheetData
from quant_assets.performance.tear_sheet_pdf import tear_sheet_pdf
from quant_assets_tests.end_to_end.browser import Browser
from quant_assets_tests.pages.test_series import days_of, unpacked
from quant_assets_tests.performance.sheet_samples import model_sheet, strategy_sheet

WIDTH_OF_PHONE = 420
MADE_ON_THE_PAGE = ("drawdown", "benchmark_drawdown", "net", "cost_drag")


@pytest.fixture(scope="module")
def sheet() -> SheetData:
    return strategy_sheet(days=2520, held=20, short=True)


@pytest.fixture(scope="module")
def page(sheet: SheetData) -> str:
    return render(sheet)


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_same_bytes_each_time_and_small(sheet: SheetData, page: str) -> None:
    assert render(sheet) == page
    assert len(page.encode()) < 400_000


def test_25_years_of_everything_are_small(sheet: SheetData) -> None:
    days = 6300
    longer: dict[str, Any] = {
        name: np.resize(values, days)
        for name, values in vars(sheet).items()
        if isinstance(values, np.ndarray) and name != "dates"
    }
    activity: dict[str, Any] = {
        name: np.resize(values, days)
        for name, values in vars(sheet.activity).items()
        if values is not None
    }
    before = np.arange("1990-01-01", sheet.dates[0], dtype="datetime64[D]")
    dates = np.concatenate([before[np.is_busday(before)], sheet.dates])[-days:]
    years = replace(sheet, dates=dates, activity=Activity(**activity), **longer)
    assert len(render(years).encode()) < 400_000


def test_a_small_market_and_an_idle_or_ruined_strategy_have_a_whole_page() -> None:
    sheet = strategy_sheet(days=160, held=4)
    nothing = np.zeros(160)
    lost = np.concatenate([sheet.returns[:-1], [-1.3]])
    idle = replace(sheet, returns=nothing, gross_returns=nothing)
    for each, told in (
        (idle, "no day has a return other than 0"),
        (replace(sheet, returns=lost, gross_returns=lost), "the capital was lost"),
        (sheet, "fewer than a year: 160 sessions"),
    ):
        page = render(replace(each, risk_free=np.linspace(0.01, 0.02, 160)))
        assert told in page.lower()
        assert not re.search(r">−?(nan|inf)\b", page)
        charts = {chart.get("place"): chart for chart in embedded(page)["charts"]}
        assert ("rolling" in charts) == (each is not idle)  # not the ratio of the rate itself
    assert "Sharpe ratio</dt>" not in render(replace(idle, benchmark=None))
    said = f"the capital was lost on {sheet.dates[-1]}: the simulation ends there"
    ruined = replace(sheet, returns=lost, warnings=(said,))
    assert render(ruined).count("apital was lost on") == 1


def test_every_chart_has_a_place_a_sentence_and_its_data(page: str) -> None:
    data = embedded(page)
    for chart in data["charts"]:
        if chart["kind"] == "shades":
            continue
        place = chart["place"]
        found = re.search(rf'id="{place}"[^>]* role="(?:img|group)" aria-label="([^"]+)"', page)
        assert found, place
        assert len(found[1]) > 40
        if chart["kind"] == "crises":
            continue
        assert f'id="{place}-data"' in page, place
        assert page.count(f'id="{place}"') == 1
        for panel in chart.get("panels", []):
            for one in panel["series"]:
                assert one["of"] in {*data["series"], *MADE_ON_THE_PAGE}
    kinds = [chart["place"] for chart in data["charts"] if "place" in chart]
    assert kinds == [
        *("growth", "years", "days", "rolling", "crises", "exposure", "sectors"),
        *("turnover", "costs", "drag", "trip-returns"),
    ]
    places = re.findall(r'id="([^"]+)"', page)
    assert len(places) == len(set(places))


def test_what_is_drawn_is_what_was_earned(sheet: SheetData, page: str) -> None:
    series = embedded(page)["series"]
    grown = np.cumprod(1 + sheet.returns)
    np.testing.assert_allclose(unpacked(series["growth"]), grown, rtol=5e-6)
    assert (days_of(series["dates"]) == sheet.dates).all()
    net = unpacked(series["long"]) + unpacked(series["short"])
    assert sheet.activity.long_exposure is not None
    assert sheet.activity.short_exposure is not None
    held = sheet.activity.long_exposure - sheet.activity.short_exposure
    np.testing.assert_allclose(net, held, atol=1e-5)


def test_costs_by_kind_add_up_to_those_of_the_account(sheet: SheetData, page: str) -> None:
    charts = {chart.get("place"): chart for chart in embedded(page)["charts"]}
    kinds = {one["name"]: sum(one["values"]) for one in charts["costs"]["series"]}
    assert set(kinds) == {"Commission", "Slippage"}
    assert sheet.activity.cost is not None
    assert sum(kinds.values()) == pytest.approx(sheet.activity.cost.sum(), rel=1e-4)
    traded = sum(charts["turnover"]["series"][0]["values"])
    assert sheet.activity.turnover is not None
    assert traded == pytest.approx(sheet.activity.turnover.sum(), rel=1e-4)


def test_texts_cannot_become_code(sheet: SheetData) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    hurt = replace(
        sheet,
        title=evil,
        description=evil,
        benchmark_title=evil,
        parameters={evil: evil},
        warnings=(evil,),
        facts={evil: evil},
        links={evil: 'javascript:"x"'},
    )
    page = render(hurt)
    assert "<img src=x" not in page
    assert page.count("</script>") == render(sheet).count("</script>")


def test_every_metric_has_its_convention_on_the_page(page: str) -> None:
    table = page[page.index('id="metrics-table"') :]
    for metric in METRICS.values():
        assert metric.title in table
    assert table.count('class="told"') == len(METRICS)


def test_trials_are_counted_in_the_deflated_sharpe_ratio(sheet: SheetData, page: str) -> None:
    assert "240 parameter sets tried on this market" in page
    assert "Deflated Sharpe</dt>" in page
    alone = render(replace(sheet, trials=None))
    assert "not counted" in alone
    assert "Probabilistic Sharpe</dt>" in alone


def test_a_model_has_its_forecasts_and_no_sections_of_an_account() -> None:
    page = render(model_sheet())
    sections = re.findall(r'<section id="([^"]+)"', page)
    assert sections == [
        *("growth-section", "forecast", "returns", "risk", "crises-section", "luck"),
        *("metrics", "lineage"),
    ]
    assert "feature_0" in page
    assert "after costs" not in page
    assert "before costs, on paper" in page


def test_the_pdf_is_the_same_each_time_and_has_its_pages(sheet: SheetData) -> None:
    short = strategy_sheet(days=70, held=2)
    everything = measure(short)
    needed = ("volatility", "probabilistic_sharpe", "deflated_sharpe", "minimum_track_record")
    some = [*list(everything.own)[:25], *needed]  # each metric is a row like the others
    measured = Measured({name: everything.own[name] for name in some}, everything.benchmark)
    made = tear_sheet_pdf(short, measured)
    assert made.startswith(b"%PDF-")
    assert made == tear_sheet_pdf(short, measured)
    assert b"CreationDate" not in made
    assert 4 <= len(re.findall(rb"/Type /Page\b", made)) <= 8


@pytest.fixture(scope="module")
def address(page: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("pages") / "tear_sheet.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


def test_it_can_be_explored(browser: Browser, address: str, sheet: SheetData) -> None:
    with browser.page() as seen:
        seen.open(address)
        view = seen.view
        assert view.locator("#growth .line").count() == 4  # two curves, two drawdowns
        assert view.locator("#growth .shade").count() > 3
        # hover: the day and the values follow, in every timeline
        view.locator("#growth svg").first.scroll_into_view_if_needed()
        box = view.locator("#growth svg").first.bounding_box()
        assert box is not None
        view.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
        day = view.inner_text("#growth time")
        assert day == view.inner_text("#exposure time") != "2021-08-30"
        # drag: the window follows, and a button brings all of it back
        view.mouse.down()
        view.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 50)
        view.mouse.up()
        assert view.locator("#ranges [aria-pressed=true]").count() == 0
        view.get_by_role("button", name="All", exact=True).click()
        assert view.locator("#ranges [aria-pressed=true]").inner_text() == "All"
        # drawdown and costs, which the page makes of the curves
        grown = np.cumprod(1 + sheet.returns)
        fallen = 100 * (grown[-1] / max(grown.max(), 1.0) - 1)
        told = view.inner_text("#growth .panel:nth-of-type(3) output >> nth=0")
        assert sheet.gross_returns is not None
        lost = 100 * (grown[-1] / np.prod(1 + sheet.gross_returns) - 1)
        for text, expected in ((told, fallen), (view.inner_text("#drag output"), lost)):
            shown = float(text.replace("−", "-").replace("\u00a0%", ""))
            assert shown == pytest.approx(expected, abs=0.06)
        # keys
        view.focus("#growth")
        view.keyboard.press("End")
        view.keyboard.press("ArrowLeft")
        assert "2021-08-27" in view.locator("#growth .unseen").inner_text()
        # before costs, shades, log
        view.check("#with-gross")
        assert view.locator("#growth .line").count() == 5
        view.select_option("#shades", "")
        assert view.locator("#growth .shade").count() == 0
        view.check("#log")
        # the table behind a chart, and the file
        view.locator("#growth-data summary").click()
        assert view.locator("#growth-data tbody tr").count() == 2520
        with view.expect_download() as download:
            view.locator("#growth-data button").click()
        rows = Path(download.value.path()).read_text().splitlines()
        assert rows[0].startswith("date,Cross-sectional momentum")
        assert len(rows) == 2521
        # metrics by words
        view.fill("#find", "omega")
        shown = view.locator("#metrics-table tbody tr:visible").count()
        assert 0 < shown < 10
        assert seen.errors == []
        assert [url for url in seen.requests if not url.startswith(("data:", "blob:"))] == [address]


def test_it_fits_a_telephone_in_the_dark(browser: Browser, address: str) -> None:
    with browser.page() as seen:
        seen.view.set_viewport_size({"width": WIDTH_OF_PHONE, "height": 800})
        seen.view.emulate_media(color_scheme="dark")
        seen.open(address)
        assert seen.view.evaluate("document.documentElement.scrollWidth") <= WIDTH_OF_PHONE
        paper = seen.view.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(20, 23, 27)"
        assert seen.errors == []
