"""The picture and the page of runs: numbers that are drawn, and what a reader finds."""

import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from quant_assets.mining.comparison import compare, finished
from quant_assets.mining.page import CHARTED, LISTED, concurrency_page
from quant_assets.mining.plots import concurrency_figure
from quant_assets.mining.summaries import boxes, daily, grid, knob_name, relative
from quant_assets.mining.update_links import link
from quant_assets_tests.end_to_end.browser import Browser
from quant_assets_tests.mining import samples
from quant_assets_tests.mining.samples import START, frame, run

LABEL = "Test market (simulated data)"


def page_of(runs: pa.Table) -> str:
    return concurrency_page(runs, compare(runs), link(runs), LABEL)


def data_of(html: str) -> dict[str, Any]:
    """The data that are embedded in a page."""
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', html, re.S)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def linked() -> pa.Table:
    """Runs of both sources over two months, failures with odd texts among them."""
    more = []
    for day in range(60):
        at = START + timedelta(days=day)
        more.append(
            run(
                day,
                50.0,
                started=at,
                run_id=f"d{day}",
                source="dagster",
                library="alpha101",
                factor="alpha101",
                rows=1_000_000,
            )
        )
        more.append(
            run(
                day,
                30.0,
                started=at + timedelta(hours=2),
                run_id=f"e{day}",
                library="alpha101",
                factor=None,
                parallel_m=None,
                status="FAILED" if day % 9 == 0 else "SUCCEEDED",
                error="<b>NoMemory</b>",
                cause="9 GB & more" + "." * 400,
            )
        )
    return pa.concat_tables([samples.grid(), frame(more)])


def test_the_numbers_of_the_charts() -> None:
    runs = finished(samples.grid(factors=["alpha001"]))
    seconds = runs["seconds"].where(runs["succeeded"])
    cells = grid(runs, seconds)
    assert (cells.threads, cells.parts) == (["1", "2", "4"], ["1", "2"])
    for r, thread_no in enumerate((1, 2, 4)):
        for c, parallel_m in enumerate((1, 2)):
            chosen = seconds[(runs["thread_no"] == thread_no) & (runs["parallel_m"] == parallel_m)]
            assert cells.values[r, c] == pytest.approx(np.median(chosen.dropna()))
            assert cells.counts[r, c] == chosen.notna().sum()
    found = boxes(runs, "thread_no", seconds)
    assert [box.label for box in found] == ["1", "2", "4"]
    ones = seconds[runs["thread_no"] == 1].dropna()
    assert found[0].values == pytest.approx(np.percentile(ones, [10, 25, 50, 75, 90]))
    assert sum(box.count for box in found) == seconds.notna().sum()


def test_batches_are_pooled_by_their_medians() -> None:
    rows = [run(k, s, run_id=f"a{k}", factor="a") for k, s in enumerate([1.0, 2.0, 4.0])]
    rows += [run(k, s, run_id=f"b{k}", factor="b") for k, s in enumerate([100.0, 300.0])]
    rows += [run(9, 5.0, run_id="bad", factor="a", status="FAILED")]
    cost = relative(finished(frame(rows)))
    assert cost.dropna().tolist() == [0.5, 1.0, 2.0, 0.5, 1.5]


def test_counts_a_day() -> None:
    instants = frame([run(k) for k in (0, 1, 49)])["started"].to_pandas()
    days, counts = daily([instants, instants[:1], instants[:0]])
    assert days == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert counts == [[2, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert daily([instants[:0]]) == ([], [[]])
    assert (knob_name(0), knob_name(4)) == ("?", "4")


@pytest.mark.parametrize(
    ("threads", "parts"), [((1, 2, 4), (1, 2)), ((1,), (3,))], ids=["settings", "one setting"]
)
def test_the_picture(threads: tuple[int, ...], parts: tuple[int, ...]) -> None:
    runs = samples.grid(threads=threads, parts=parts)
    drawn = concurrency_figure(runs, LABEL)
    picture = Image.open(io.BytesIO(drawn))
    assert picture.format == "PNG"
    assert picture.width >= 1000
    # the event log keeps it: it must stay small
    assert 8_000 < len(drawn) < 100_000
    assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20


def test_a_picture_needs_a_run() -> None:
    with pytest.raises(ValueError, match=r"needs one that succeeded. Got none"):
        concurrency_figure(frame([run(1, status="FAILED")]), LABEL)
    with pytest.raises(ValueError, match=r"needs one that succeeded. Got none"):
        concurrency_figure(frame([]), LABEL)


def test_the_data_of_the_page() -> None:
    runs = linked()
    data = data_of(page_of(runs))
    together, *batches = data["batches"]
    assert together["name"] == "all batches, runtime over the batch's median"
    assert [batch["name"] for batch in batches] == [
        "alpha101 (dagster, 1,000,000 rows and more; 60 runs)",
        "alpha101 (step_functions; 60 runs)",
        "alpha001 (step_functions, 1,000 rows and more; 48 runs)",
        "alpha002 (step_functions, 1,000 rows and more; 48 runs)",
    ]
    assert batches[0]["values"] == [[50.0]]
    assert (batches[1]["columns"], batches[1]["counts"]) == (["?"], [[53]])
    series = {each["name"]: each["values"] for each in data["daily"]["series"]}
    assert len(data["daily"]["days"]) == 60
    assert series["updates"] == [1] * 60
    assert sum(series["executions"]) == 60 + 96


def test_the_page_stays_small() -> None:
    factors = [f"alpha{k:03d}" for k in range(CHARTED + 30)]
    runs = samples.grid(factors, threads=(1, 2, 4), parts=(1, 2, 4), runs=1)
    html = page_of(runs)
    assert len(data_of(html)["batches"]) == CHARTED + 1
    assert len(html) < 400_000
    assert f"{(CHARTED + 30) * 9 - LISTED:,} further rows are in table concurrency_report" in html


def test_a_page_without_runs() -> None:
    html = page_of(frame([]))
    for words in ("No run is on record.", "No run has succeeded yet.", "No run has failed."):
        assert words in html
    assert "No run has ended yet." in page_of(frame([run(1, None, status="RUNNING")]))


def test_a_reader_chooses_a_batch(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page_of(linked()), encoding="utf-8")
    with browser.page() as opened:
        opened.open(path.as_uri())
        view = opened.view
        opened.keep("runs", whole=True)
        assert view.locator("#heat g").count() == 9  # 3 values of thread_no, 3 of parallel_m
        view.select_option("#batch", "3")
        assert view.locator("#heat g").count() == 6
        assert view.locator("#by-threads g").count() == 3
        assert view.locator("#surface canvas").count() == 1
        assert "seconds" in view.locator("#by-threads svg").inner_html()
        failed = view.locator("h2", has_text="Failures").locator("..").locator("tbody tr")
        assert failed.first.locator("td").nth(3).text_content() == "<b>NoMemory</b>"
        cause = failed.first.locator("td").nth(4).text_content()
        assert cause is not None
        assert cause.startswith("9 GB & more")
        assert len(cause) < 310
        assert opened.requests == [path.as_uri()]
        assert opened.errors == []
