"""The page of a month: what it holds, its size, odd texts, and what a reader does with it."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import false_discovery_control

from quant_assets.factors.catalogue import Catalogue, Factor, Library
from quant_assets.factors.report.digest import HISTORY_MONTHS, Month
from quant_assets.factors.report.page import factor_page
from quant_assets.factors.report.page_data import COLUMNS
from quant_assets.factors.summary import STATISTICS
from quant_assets_tests.end_to_end.browser import Page
from quant_assets_tests.factors.report.samples import (
    HORIZONS,
    KNOWN,
    LABEL,
    NAMES,
    SECTORS,
    by_sector,
    month_of,
    months_before,
)
from quant_assets_tests.factors.report.test_packing import unpacked

EVIL = "</script><img src=x onerror=\"document.title='taken'\">&'\u2028"
SUMMARY, DAYS = month_of()


def data_of(html: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The data that are embedded in a page."""
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', html, re.S)
    assert found is not None
    return unpacked(json.loads(found[1])["packed"])


@pytest.fixture(scope="module")
def html() -> str:
    return factor_page(SUMMARY, DAYS, by_sector(), months_before(8), KNOWN, LABEL)


def test_the_data_are_the_tables(html: str) -> None:
    head, arrays = data_of(html)
    assert head["factors"] == NAMES
    assert head["libraries"] == ["style"]
    assert [head["types"][k] for k in head["type"]] == [KNOWN.types[name] for name in NAMES]
    assert head["texts"][0][1] == KNOWN.factor(NAMES[0]).formula
    assert (len(head["months"]), head["months"][-1]) == (9, "2016-03")
    assert head["sector_names"] == list(SECTORS)
    month = Month.of(SUMMARY, DAYS, KNOWN.types)
    table = arrays["table"]
    assert table.shape == (len(NAMES), 3, len(COLUMNS))
    places = {each.name: k for k, each in enumerate(COLUMNS)}
    for name, place in places.items():
        if name in STATISTICS:
            scale = 1e4 / np.array(HORIZONS) if name in ("beta", "spread") else 1.0
            expected = month.mean(name) * scale
            assert table[:, :, place] == pytest.approx(expected, rel=2e-4, nan_ok=True), name
    adjusted = false_discovery_control(month.mean("rank_ic_p")[:, 0])
    assert table[:, 0, places["adjusted_p"]] == pytest.approx(adjusted, rel=2e-4)
    assert np.isnan(table[:, 2, places["adjusted_p"]]).all()
    wide = arrays["curves_unit"][:, :, None, None]
    curves = np.cumsum(arrays["curves"], axis=3, dtype=np.int8) * wide
    expected = month.quantile_curves(range(len(NAMES)), 1)
    assert (np.abs(curves[:, 1] - expected) <= wide[:, 1] * 0.51).all()
    daily = arrays["daily"] * arrays["daily_unit"][:, :, None]
    assert np.abs(daily - month.daily("rank_ic")).max() < arrays["daily_unit"].max()


def test_a_reader_is_told_what_chance_would_give(html: str) -> None:
    month = Month.of(SUMMARY, DAYS, KNOWN.types)
    passed = int((np.abs(month.mean("rank_ic_t")[:, 0]) > 2).sum())
    # 34 factors of 23 days: 34 * 2 * P(t_22 > 2) = 1.97
    assert (
        f"At 1 session, {passed} of 34 factors have a mean rank IC with |t| &gt; 2; 2 would" in html
    )
    assert "At 21 sessions" in html
    assert html.count("Returns overlap too much") == 1
    assert "nothing is adjusted for the months" in html


def test_a_large_page_stays_small() -> None:
    names = [f"alpha101_{k:03d}" for k in range(490)]
    tables = month_of(names)
    earlier = months_before(HISTORY_MONTHS + 5, names)
    formula = "rank(ts_argmax(signedpower((returns < 0) ? stddev(returns, 20) : close, 2.), 5))"
    factors = (Factor(n, "own", "own", f"{formula} + {k}", "x") for k, n in enumerate(names))
    known = Catalogue([Library("own", "Mine", "-", tuple(factors))])
    html = factor_page(*tables, by_sector(names), earlier, known, LABEL)
    assert len(html.encode()) < 600_000
    assert len(data_of(html)[0]["months"]) == HISTORY_MONTHS


def test_the_page_loads_nothing(html: str) -> None:
    assert "default-src 'none'" in html
    assert set(re.findall(r"https?://[^\"']+", html)) == {"http://www.w3.org/2000/svg"}


def show(opened: Page, folder: Path, html: str, fragment: str = "") -> Any:
    """The view of the page once its table stands; it asked for itself alone."""
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    opened.open(path.as_uri() + fragment)
    opened.view.wait_for_selector("#factor h3")
    assert {request.split("#")[0] for request in opened.requests} == {path.as_uri()}
    assert opened.errors == []
    return opened.view


def names_of(view: Any) -> list[str]:
    """The factors in the table as they are seen."""
    found: list[str] = view.locator("#table tbody tr:not([hidden]) th").all_text_contents()
    return found


def column(view: Any, name: str) -> list[float]:
    """A column of numbers as they are seen."""
    place = [each.name for each in COLUMNS].index(name) + 4
    cells = view.locator(f"#table tbody tr:not([hidden]) > :nth-child({place})")
    return [float(text.replace("−", "-")) for text in cells.all_text_contents()]


def test_a_reader_sorts(opened: Page, tmp_path: Path, html: str) -> None:
    view = show(opened, tmp_path, html)
    sizes = [abs(x) for x in column(view, "rank_ic")]
    assert len(sizes) == 34
    assert sizes == sorted(sizes, reverse=True)
    head = view.locator("#table th[data-name=rank_ic]")
    assert head.get_attribute("aria-sort") == "descending"
    view.uncheck("#by-size")
    values = column(view, "rank_ic")
    assert values == sorted(values, reverse=True)
    head.locator("button").click()
    assert column(view, "rank_ic") == sorted(values)
    assert head.get_attribute("aria-sort") == "ascending"
    view.locator("#table th[data-name=factor] button").click()
    assert names_of(view) == NAMES
    assert head.get_attribute("aria-sort") is None


def test_a_reader_filters(opened: Page, tmp_path: Path, html: str) -> None:
    view = show(opened, tmp_path, html)
    view.select_option("#type", label="liquidity")
    expected = [name for name in NAMES if KNOWN.types[name] == "liquidity"]
    assert sorted(names_of(view)) == expected
    assert view.locator("#shown").text_content() == f"{len(expected)} of 34 factors"
    assert view.locator("#bubbles .mark:not(.faint)").count() == len(expected)
    view.fill("#search", "AMIHUD")
    assert names_of(view) == [name for name in expected if "amihud" in name]
    view.select_option("#type", label="all")
    view.fill("#search", "delay(close, 252)")  # also in formulas
    assert set(names_of(view)) == {
        name for name in NAMES if "delay(close, 252)" in KNOWN.factor(name).formula
    }
    view.fill("#search", "no such thing")
    assert names_of(view) == []


def test_a_reader_chooses_a_factor_and_a_horizon(opened: Page, tmp_path: Path, html: str) -> None:
    view = show(opened, tmp_path, html)
    month = Month.of(SUMMARY, DAYS, KNOWN.types)
    opened.keep("factors", whole=True)
    assert view.locator("#factor h3").text_content() == month.factors[month.strongest[0]]
    view.locator("#table tbody tr >> nth=3").click()
    name = names_of(view)[3]
    assert view.locator("#factor h3").text_content() == name
    assert view.locator("#factor code").text_content() == KNOWN.factor(name).formula
    assert view.url.endswith(f"#factor={name}")
    for place, count in (("daily", 23), ("history", 9), ("sectors", 3), ("quantiles", 5)):
        assert view.locator(f"#{place} .bar").count() == count, place
    assert view.locator("#decay path").count() == 3
    assert view.locator("#curves path").count() == 5
    assert view.locator("#table tr.chosen, #bubbles .mark.chosen").count() == 2
    view.hover("#daily g >> nth=2")
    f = NAMES.index(name)
    told = view.locator(".tip").text_content()
    day, value = told.split(": ")
    assert day == "03-03"
    assert float(value.replace("−", "-")) == pytest.approx(
        month.daily("rank_ic")[f, 1, 2], abs=0.003
    )
    view.select_option("#horizon", label="21 sessions")
    assert view.locator("#factor h3").text_content() == name
    assert column(view, "rank_ic")[names_of(view).index(name)] == pytest.approx(
        month.mean("rank_ic")[f, 2], abs=6e-5
    )
    assert "At 21 sessions" in view.locator(".chance:visible").text_content()


def test_the_keyboard_is_enough(opened: Page, tmp_path: Path, html: str) -> None:
    view = show(opened, tmp_path, html)
    names = names_of(view)
    view.locator("#table tbody button >> nth=0").focus()
    view.keyboard.press("ArrowDown")
    view.keyboard.press("ArrowDown")
    view.keyboard.press("ArrowUp")
    view.keyboard.press("Enter")
    assert view.locator("#factor h3").text_content() == names[1]
    view.locator("#bubbles svg").focus()
    view.keyboard.press("ArrowRight")
    told = view.locator(".tip").text_content()
    view.keyboard.press("Enter")
    chosen = view.locator("#factor h3").text_content()
    assert chosen != names[1]
    assert told.startswith(f"{chosen} (")


def test_an_address_leads_to_a_factor(opened: Page, tmp_path: Path, html: str) -> None:
    view = show(opened, tmp_path, html, "#factor=log_turnover_63")
    assert view.locator("#factor h3").text_content() == "log_turnover_63"


def test_texts_are_escaped(opened: Page, tmp_path: Path) -> None:
    factor = Factor("made_up", "own", "own", EVIL, EVIL, EVIL, EVIL, EVIL)
    names = ["made_up", EVIL]  # one that the catalogue does not know
    sectors = by_sector(["made_up"]).to_pandas()
    sectors["sector"] = sectors["sector"].replace("Energy", EVIL)
    html = factor_page(
        *month_of(names),
        pa.Table.from_pandas(sectors),
        months_before(2, names),
        Catalogue([Library("own", EVIL, EVIL, (factor,))]),
        EVIL,
    )
    view = show(opened, tmp_path, html, "#factor=made_up")
    assert view.title() == f"Factors of 2016-03: {EVIL}"
    assert view.locator("#factor code").text_content() == EVIL
    view.locator(f"#table tbody tr >> nth={names_of(view).index(EVIL)}").click()
    assert view.locator("#factor h3").text_content() == EVIL
    assert "no formula" in (view.locator("#factor").text_content() or "")
    assert view.locator("img").count() == 0
    assert opened.errors == []


def test_a_month_of_missing_values(opened: Page, tmp_path: Path) -> None:
    frame = SUMMARY.to_pandas()
    frame[list(STATISTICS)] = np.nan
    frame["days"] = 0
    nothing = pa.Table.from_pandas(frame, schema=SUMMARY.schema)
    empty = months_before(1).slice(0, 0)
    html = factor_page(nothing, DAYS.slice(0, 0), by_sector().slice(0, 0), empty, KNOWN, LABEL)
    assert "ended on no day" in html
    view = show(opened, tmp_path, html)
    assert len(names_of(view)) == 34
    for place in ("bubbles", "box-t", "daily", "decay", "quantiles", "curves"):
        assert view.locator(f"#{place}").text_content() == "Nothing to show.", place
    assert "No month before" in (view.locator("#history").text_content() or "")
    assert "No sector" in (view.locator("#sectors").text_content() or "")


def test_no_month_is_refused() -> None:
    with pytest.raises(ValueError, match="Got rows of no month instead"):
        factor_page(SUMMARY.slice(0, 0), DAYS, by_sector(), months_before(1), KNOWN, LABEL)
