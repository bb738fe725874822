"""The picture of a month: what stands in it, its size, odd months, and nothing global touched."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from quant_assets.factors import plots
from quant_assets.factors.plots import LEADERS, summary_figure
from quant_assets.factors.report.digest import Month
from quant_assets.factors.summary import STATISTICS, summarise
from quant_assets.pages.figures import png
from quant_assets_tests.factors.report.samples import (
    HORIZONS,
    KNOWN,
    LABEL,
    MONTH,
    NAMES,
    evaluation,
    month_of,
)

TYPES = KNOWN.types


def words(figure: Any) -> str:
    """All texts of a figure."""
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are drawn, before they become bytes."""
    figures: list[Any] = []

    def kept(figure: Any) -> bytes:
        figures.append(figure)
        return png(figure)

    monkeypatch.setattr(plots, "png", kept)
    return figures


def axes_of(figure: Any, title: str) -> Any:
    """The panel of that title."""
    return next(a for a in figure.axes if any(t.get_text().startswith(title) for t in a.texts))


def test_the_summary_is_small_and_says_what_it_shows(drawn: list[Any]) -> None:
    summary, days = month_of()
    picture = summary_figure(summary, days, TYPES, LABEL)
    assert len(picture) <= 60_000
    assert Image.open(BytesIO(picture)).size == (1040, 912)
    said = words(drawn[0])
    for expected in (
        "Factors of 2016-03: Demo market (simulated data)",
        "Mean rank IC (30 strongest of 34)",
        "t-statistic by type",
        "R² by type",
        "Beta against t-statistic",
        "Decay, the strongest of each type",
        "Rank IC by day",
        f"Quantiles of {Month.of(summary, days, TYPES).factors[0]}",
        "5 (highest)",
        "1 session",
        *set(TYPES.values()),
    ):
        assert expected in said, expected


def test_the_panels_draw_the_tables_numbers(drawn: list[Any]) -> None:
    summary, days = month_of()
    summary_figure(summary, days, TYPES, LABEL)
    rows = summary.to_pandas().set_index(["factor", "horizon"])
    month = Month.of(summary, days, TYPES)
    lines = axes_of(drawn[0], "Decay").lines[:LEADERS]
    for place, line in zip(month.leaders[:LEADERS], lines, strict=True):
        name = month.factors[place]
        assert line.get_label() == name
        assert line.get_ydata().tolist() == rows.loc[name, "rank_ic"].tolist()
    line = axes_of(drawn[0], "Rank IC by day").lines[0]
    name = month.factors[month.strongest[0]]
    frame = days.to_pandas()
    expected = frame[(frame["factor"] == name) & (frame["horizon"] == 5)]["rank_ic"]
    assert line.get_ydata().tolist() == expected.tolist()
    marks = [c.get_offsets() for c in axes_of(drawn[0], "Beta").collections]
    middle = rows.xs(5, level="horizon")
    assert sorted(np.concatenate(marks)[:, 0].tolist()) == pytest.approx(
        sorted(middle["beta"] * 1e4 / 5)
    )


def test_many_factors_show_the_strongest(drawn: list[Any]) -> None:
    names = [f"alpha_{k:03d}" for k in range(480)]
    kinds = sorted(set(TYPES.values()))
    types = {name: kinds[k % len(kinds)] for k, name in enumerate(names[:-1])}
    picture = summary_figure(*month_of(names), types, LABEL)
    assert len(picture) <= 60_000
    said = words(drawn[0])
    assert "30 strongest of 480" in said
    assert "other" in said  # the one without a type


@pytest.mark.parametrize(("names", "horizons"), [(NAMES[:1], (5,)), (NAMES[:3], (1, 2, 3, 4))])
def test_few_factors_and_horizons_are_drawn(names: list[str], horizons: tuple[int, ...]) -> None:
    assert summary_figure(*month_of(names, horizons), TYPES, LABEL)


def test_missing_values_are_drawn() -> None:
    summary, days = month_of()
    frame = summary.to_pandas()
    frame[list(STATISTICS)] = np.nan
    nothing = pa.Table.from_pandas(frame)
    assert summary_figure(nothing, days.slice(0, 0), TYPES, LABEL)


def test_three_quantiles_have_a_highest(drawn: list[Any]) -> None:
    days = evaluation().to_pandas()
    days[["quantile_4", "quantile_5"]] = np.nan
    rows = pa.Table.from_pandas(days, schema=evaluation().schema)
    summary_figure(summarise(rows, MONTH, HORIZONS), rows, TYPES, LABEL)
    assert "3 (highest)" in words(drawn[0])


def test_several_months_or_none_are_refused() -> None:
    summary, days = month_of()
    later = summary.set_column(0, "month", pa.array(["2016-04"] * len(summary)))
    with pytest.raises(ValueError, match=r"one month. Got rows of \['2016-03', '2016-04'\]"):
        summary_figure(pa.concat_tables([summary, later]), days, TYPES, LABEL)
    with pytest.raises(ValueError, match="Got rows of no month instead"):
        summary_figure(summary.slice(0, 0), days, TYPES, LABEL)


def test_threads_draw_the_same_and_no_global_state_changes() -> None:
    import matplotlib as mpl

    before = pd.Series(dict(mpl.rcParams)).astype(str)
    tables = month_of(NAMES[:2])
    with ThreadPoolExecutor(2) as pool:
        pictures = set(pool.map(lambda _: summary_figure(*tables, TYPES, LABEL), range(2)))
    assert len(pictures) == 1
    assert pd.Series(dict(mpl.rcParams)).astype(str).equals(before)
