"""Pictures: they are small, they show what they should, and leave nothing behind."""

import io
import sys

import matplotlib
import numpy as np
import pytest
from PIL import Image

from quant_assets.performance.calendar_returns import monthly_table
from quant_assets.performance.plots import equity_picture, monthly_picture
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.performance.samples import fat_tailed


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def coloured(png: bytes, colour: tuple[int, int, int]) -> int:
    """How many pixels have about this colour."""
    return int((np.abs(pixels(png) - colour).sum(axis=2) < 40).sum())


STRATEGY, BENCHMARK = (0, 114, 178), (107, 107, 107)


@pytest.mark.parametrize("days", [1, 2, 40, 2800])
def test_pictures_are_png_of_at_most_60_kb(days: int) -> None:
    returns, index = fat_tailed(days, 1)
    dates = sessions(days)
    for picture in (
        equity_picture(dates, returns, index, "Low $x_{$", "Demo (simulated data)", "$\\no{$"),
        monthly_picture(dates, returns, "Low $x_{$", "Demo (simulated data)"),
    ):
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert 1_500 < len(picture) <= 60_000
        assert pixels(picture).shape[1] == 800


def test_the_benchmark_is_drawn_where_there_is_one() -> None:
    returns, index = fat_tailed(500, 2)
    dates = sessions(500)
    alone, both = equity_picture(dates, returns), equity_picture(dates, returns, index)
    assert coloured(alone, STRATEGY) > 400
    assert coloured(both, BENCHMARK) > coloured(alone, BENCHMARK) + 300


def test_the_label_is_in_the_picture() -> None:
    returns, _ = fat_tailed(100, 3)
    dates = sessions(100)
    for draw in (equity_picture, monthly_picture):
        plain = pixels(draw(dates, returns, title="A"))
        labelled = pixels(draw(dates, returns, title="A", label="simulated data"))
        assert (plain[:24] != labelled[:24]).any()


def test_missing_days_and_lost_capital_are_drawn() -> None:
    dates = sessions(3)
    for returns in ([np.nan, 0.1, 0.1], [0.1, -1.0, 0.0], [0.1, -1.5, 0.2], [0.0, 0.0, 0.0]):
        assert len(equity_picture(dates, np.array(returns))) > 1_500
        assert len(monthly_picture(dates, np.array(returns))) > 1_500


def test_months_and_years_compound() -> None:
    dates = np.array(["2019-12-31", "2020-02-03", "2020-02-04", "2022-03-01"], "datetime64[D]")
    years, table = monthly_table(dates, np.array([0.1, 0.2, 0.5, -0.5]))
    assert years.tolist() == [2019, 2020, 2021, 2022]
    assert table[0, 11] == pytest.approx(0.1)
    assert table[1, 1] == pytest.approx(1.2 * 1.5 - 1)
    assert table[:, 12].tolist() == pytest.approx([0.1, 0.8, np.nan, -0.5], nan_ok=True)
    assert np.isfinite(table).sum() == 6


def test_nothing_global_is_left_behind() -> None:
    before = dict(matplotlib.rcParams)
    equity_picture(sessions(5), fat_tailed(5, 0)[0])
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_the_style_of_others_does_not_show() -> None:
    returns = fat_tailed(50, 0)[0]
    plain = equity_picture(sessions(50), returns, title="A")
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "lines.linewidth": 9}):
        assert equity_picture(sessions(50), returns, title="A") == plain
