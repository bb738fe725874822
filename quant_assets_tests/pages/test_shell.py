"""Pages: nothing from outside, nothing unescaped, charts that draw and tables that sort."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.pages.shell import (
    Section,
    chart,
    choice,
    embedded,
    page,
    shown,
    side_by_side,
    table,
)
from quant_assets_tests.end_to_end.browser import Page

EVIL = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>&\"'\u2028"


def show(opened: Page, folder: Path, html: str) -> Page:
    """The page in the browser, as a file; it asks for itself alone."""
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    opened.open(path.as_uri())
    assert opened.requests == [path.as_uri()]
    assert opened.errors == []
    return opened


def test_a_page_is_one_file() -> None:
    html = page("Title", "About.", [Section("Part", "Shows this.", "<b>body</b>")], note="A note.")
    assert html.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in html
    assert "<h2>Part</h2><p>Shows this.</p><b>body</b>" in html
    assert "<footer>A note.</footer>" in html
    assert not re.search(r"""(src|href)=["'](?!data:)""", html)
    assert "http://www.w3.org/2000/svg" in html  # a name, not an address
    assert len(re.findall(r"https?://", html)) == 1
    assert len(html) < 30_000


def test_texts_are_escaped(opened: Page, tmp_path: Path) -> None:
    body = table([EVIL, "n"], [[EVIL, 1.0]], [1]) + choice("list", [EVIL], EVIL) + chart("c", EVIL)
    html = page(EVIL, EVIL, [Section(EVIL, EVIL, body)], {EVIL: [EVIL]}, EVIL)
    view = show(opened, tmp_path, html).view
    assert view.title().startswith("</script>")
    assert view.locator("img").count() == 0
    assert view.locator("td").first.text_content() == EVIL
    assert view.evaluate("QA.data()") == {EVIL: [EVIL]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_embedded_data_come_back(data: Any) -> None:
    text = embedded(data)
    assert json.loads(text) == data
    assert not set(text) & set("<>&\u2028\u2029")


def test_numbers_are_kept_to_six_digits() -> None:
    data = {
        "a": 1 / 3,
        "b": float("nan"),
        "c": np.array([1.5, np.inf]),
        "d": np.int64(3),
        "e": (1,),
    }
    assert embedded(data) == '{"a":0.333333,"b":null,"c":[1.5,null],"d":3,"e":[1]}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (1234.5, "1,234"),
        (0.12345, "0.1235"),
        (0.0, "0"),
        ("x", "x"),
    ],
)
def test_values_as_people_read_them(value: Any, text: str) -> None:
    assert shown(value) == text


def test_a_table_without_rows_says_so() -> None:
    assert table(["a"], [], empty="No run <yet>.") == "<p>No run &lt;yet&gt;.</p>"


def test_tables_sort_by_number_and_by_text(opened: Page, tmp_path: Path) -> None:
    rows: list[list[object]] = [["b", 10.0], ["a", 9.0], ["d", None], ["c", 1e-3]]
    html = page("T", "s", [Section("P", "s", table(["name", "value"], rows, [1]))])
    view = show(opened, tmp_path, html).view

    def names() -> list[str]:
        return view.locator("tbody td:first-child").all_text_contents()

    assert names() == ["b", "a", "d", "c"]
    view.locator("th").nth(1).click()
    assert names() == ["c", "a", "b", "d"]
    view.locator("th").nth(1).click()
    assert names() == ["b", "a", "c", "d"]  # what is missing stays last
    view.locator("th").nth(0).click()
    assert names() == ["a", "b", "c", "d"]


def test_days_are_sorted_as_such_and_by_the_keyboard(opened: Page, tmp_path: Path) -> None:
    rows = [["a", "2015-11-30"], ["b", "2015-02-01"], ["c", "–"], ["d", "2014-12-31"]]
    html = page("T", "s", [Section("P", "s", table(["name", "day"], rows, [1]))])
    view = show(opened, tmp_path, html).view
    view.locator("th").nth(1).focus()
    view.keyboard.press("Enter")
    assert view.locator("tbody td:first-child").all_text_contents() == ["d", "b", "a", "c"]
    assert view.locator("th").nth(1).get_attribute("aria-sort") == "ascending"
    view.keyboard.press("Space")
    assert view.locator("tbody td:first-child").all_text_contents() == ["a", "b", "d", "c"]
    assert view.locator("[aria-sort]").count() == 1


DATA = {
    "boxes": [
        {"label": "1", "values": [1.0, 2.0, 3.0, 4.0, 5.0], "count": 7},
        {"label": "2", "values": [None] * 5, "count": 0},
    ],
    "cells": [[1.0, 2.0, None], [3.0, 4.0, 5.0]],
    "labels": [f"2024-01-{k:02}" for k in range(1, 31)],
    "series": [{"name": "runs", "values": [k % 5 for k in range(30)]}],
}
SCRIPT = """
QA.boxes("boxes", data.boxes, { title: "boxes", x: "x", y: "y" });
QA.heat("heat", ["a", "b"], ["1", "2", "3"], data.cells, { x: "column", y: "row" });
QA.surface("surface", ["a", "b"], ["1", "2", "3"], data.cells, { x: "column", y: "row" });
QA.lines("lines", data.labels, data.series, { y: "a day" });
QA.boxes("empty", []);
QA.heat("void", ["a"], ["b"], [[null]]);
"""


@pytest.fixture
def charts(opened: Page, tmp_path: Path) -> Page:
    names = ("boxes", "heat", "surface", "lines", "empty", "void")
    body = side_by_side(*(chart(name) for name in names))
    return show(opened, tmp_path, page("T", "s", [Section("P", "s", body, SCRIPT)], DATA))


def test_charts_draw_what_they_are_given(charts: Page) -> None:
    view = charts.view
    charts.keep("charts", whole=True)
    assert view.locator("#boxes g").count() == 1  # a group without values has no box
    assert "n=7" in view.locator("#boxes svg").inner_html()
    assert view.locator("#heat g rect").count() == 6
    fills = view.locator("#heat g rect").evaluate_all("all => all.map(r => r.getAttribute('fill'))")
    assert fills[0] == "rgb(0,32,77)"  # the least
    assert fills[2] == "rgb(225,225,225)"  # what is missing
    assert fills[5] == "rgb(255,234,70)"  # the most
    path = view.locator("#lines path").get_attribute("d")
    assert path is not None
    assert path.count("L") == 29
    for name in ("empty", "void"):
        assert view.locator(f"#{name}").text_content() == "Nothing to show."


def test_a_cell_tells_its_value(charts: Page) -> None:
    charts.view.hover("#heat g >> nth=4")
    assert charts.view.locator(".tip").text_content() == "row b, column 2: 4"


def test_a_surface_turns_and_turns_back(charts: Page) -> None:
    view = charts.view
    pixels = "document.querySelector('#surface canvas').toDataURL()"
    first = view.evaluate(pixels)
    box = view.locator("#surface canvas").bounding_box()
    assert box is not None
    view.mouse.move(box["x"] + 150, box["y"] + 100)
    view.mouse.down()
    view.mouse.move(box["x"] + 260, box["y"] + 130, steps=3)
    view.mouse.up()
    turned = view.evaluate(pixels)
    assert turned != first
    view.mouse.move(box["x"] + 10, box["y"] + 10)
    assert view.evaluate(pixels) == turned  # it turns while it is held
    view.locator("#surface canvas").focus()
    view.keyboard.press("ArrowLeft")
    assert view.evaluate(pixels) != turned
    view.locator("#surface button").click()
    assert view.evaluate(pixels) == first
