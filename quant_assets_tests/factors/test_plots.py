"""Pictures: what stands in them, their size, odd months, and that nothing global is touched."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from quant_assets.factors import plots
from quant_assets.factors.figures import png
from quant_assets.factors.plots import correlation_figure, summary_figure
from quant_assets.factors.registry import factors_of
from quant_assets.factors.summary import STATISTICS

LABEL = "Demo market (simulated data)"
NAMES = [each.name for each in factors_of("style")]


def summary(names: list[str] = NAMES, horizons: tuple[int, ...] = (1, 5, 21)) -> pa.Table:
    random = np.random.default_rng(0)
    rows = [
        {
            "month": "2016-03",
            "factor": name,
            "horizon": h,
            "days": 22,
            **{statistic: random.normal(0, 0.03) for statistic in STATISTICS},
            "rank_ic_std": 0.1,
            "r_squared": random.uniform(0, 0.02),
        }
        for name in names
        for h in horizons
    ]
    return pa.Table.from_pylist(rows)


def correlations(names: list[str]) -> pa.Table:
    random = np.random.default_rng(0)
    matrix = np.corrcoef(random.normal(size=(len(names), 20)) + random.normal(size=20))
    matrix = np.atleast_2d(matrix)
    return pa.table(
        {
            "month": ["2016-03"] * len(names) ** 2,
            "factor": np.repeat(names, len(names)).tolist(),
            "other": names * len(names),
            "correlation": matrix.ravel(),
        }
    )


def words(figure: Any) -> str:
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


def test_the_summary_is_small_and_says_what_it_shows(drawn: list[Any]) -> None:
    picture = summary_figure(summary(), LABEL)
    assert len(picture) <= 80_000
    assert Image.open(BytesIO(picture)).size == (1040, 688)
    said = words(drawn[0])
    assert "Factors of 2016-03: Demo market (simulated data)" in said
    for expected in ("Rank IC by factor", "Decay", "Returns by quantile", "t-statistics by type"):
        assert expected in said
    assert "1 session" in said
    for name in (*NAMES, "momentum", "liquidity"):
        assert name in said


def test_the_correlations_are_small_and_say_what_they_show(drawn: list[Any]) -> None:
    picture = correlation_figure(correlations(NAMES), LABEL)
    assert len(picture) <= 60_000
    said = words(drawn[0])
    assert "Factor correlations of 2016-03: Demo market (simulated data)" in said
    for name in NAMES:
        assert name in said


def test_alike_factors_stand_side_by_side(drawn: list[Any]) -> None:
    values = np.eye(6)
    values[0, 5] = values[5, 0] = 0.9
    values[1, 4] = values[4, 1] = -0.9  # opposite ones are alike, too
    names = list("abcdef")
    table = correlations(names).set_column(3, "correlation", pa.array(values.ravel()))
    correlation_figure(table, LABEL)
    image = drawn[0].axes[0].images[0].get_array()
    beside = [abs(image[k, k + 1]) for k in range(5)]
    assert sorted(beside)[-2:] == [0.9, 0.9]


def test_many_factors_show_the_strongest(drawn: list[Any]) -> None:
    names = [f"alpha_{k:03d}" for k in range(120)]
    summary_figure(summary(names), LABEL)
    said = words(drawn[0])
    assert "36 strongest of 120" in said
    assert "other" in said
    assert len(correlation_figure(correlations(names), LABEL)) <= 60_000


def test_one_horizon_one_factor_and_missing_values_are_drawn() -> None:
    assert summary_figure(summary(NAMES[:1], (5,)), LABEL)
    assert correlation_figure(correlations(NAMES[:1]), LABEL)
    frame = summary().to_pandas()
    frame[list(STATISTICS)] = np.nan
    assert summary_figure(pa.Table.from_pandas(frame), LABEL)
    nothing = correlations(NAMES[:4]).set_column(3, "correlation", pa.nulls(16, pa.float64()))
    assert correlation_figure(nothing, LABEL)


def test_types_may_be_given(drawn: list[Any]) -> None:
    summary_figure(summary(["x", "y"]), LABEL, types={"x": "novel"})
    assert "novel" in words(drawn[0])
    assert "other" in words(drawn[0])


def test_several_months_or_none_are_refused() -> None:
    two = pa.concat_tables([summary(), summary().set_column(0, "month", [["2016-04"] * 102])])
    with pytest.raises(ValueError, match=r"one month. Got rows of \['2016-03', '2016-04'\]"):
        summary_figure(two, LABEL)
    with pytest.raises(ValueError, match="Got rows of no month instead"):
        correlation_figure(correlations(NAMES).slice(0, 0), LABEL)


def test_threads_draw_the_same_and_no_global_state_changes() -> None:
    import matplotlib as mpl

    before = pd.Series(dict(mpl.rcParams)).astype(str)
    table = summary(NAMES[:6])
    with ThreadPoolExecutor(2) as pool:
        pictures = set(pool.map(lambda _: summary_figure(table, LABEL), range(4)))
    assert len(pictures) == 1
    assert pd.Series(dict(mpl.rcParams)).astype(str).equals(before)
