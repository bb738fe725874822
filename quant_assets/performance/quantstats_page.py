"""The QuantStats page as a text: called without its guesses, its warnings and its network.

Everything that must be known about QuantStats stands here: that it takes a series for prices, that
it changes matplotlib's settings, that it uses pyplot, and that its page asks a server for an icon.
What is added to the page stands in `quantstats_report.py`.
"""

import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.plots import DRAWING

if TYPE_CHECKING:
    import pandas as pd

# What seaborn is set to when QuantStats is first imported; here for every page alike.
_THEME = {
    "axes.facecolor": "white",
    "figure.facecolor": "white",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.5,
    "text.color": "#333333",
    "xtick.color": "#666666",
    "ytick.color": "#666666",
    "svg.fonttype": "none",  # letters instead of their outlines: half the size, and searchable
}
_NO_PRICE = -1e-12  # a loss too small to show, which only returns can have


def quantstats_page(
    dates: np.ndarray,
    returns: FloatArray,
    benchmark: FloatArray | None,
    risk_free: float,
    annualization: int,
    title: str,
    strategy_title: str,
    benchmark_title: str,
) -> str:
    """QuantStats' HTML report, self-contained.

    Args:
        dates: sessions, `datetime64[D]`, shape (T,).
        returns: daily simple returns without missing values, shape (T,).
        benchmark: of the same days, without missing values.
        risk_free: one annual rate, as a fraction; QuantStats takes no rate a day here.
        annualization: sessions a year.
        title: of the page.
        strategy_title: heading of the strategy's column.
        benchmark_title: heading of the benchmark's column.

    Raises:
        Exception: whatever QuantStats raises on series that it cannot treat.
    """
    with DRAWING, _quiet(), _matplotlib(), tempfile.TemporaryDirectory() as folder:
        from quantstats import reports

        output = Path(folder) / "page.html"
        reports.html(
            _unmistakable(dates, returns),
            None if benchmark is None else _unmistakable(dates, benchmark),
            rf=risk_free,
            title=escape(title),
            output=str(output),
            periods_per_year=annualization,
            match_dates=False,  # it would cut leading days of 0, and ours are all meant
            strategy_title=strategy_title,
            benchmark_title=benchmark_title,
        )
        page = output.read_text(encoding="utf-8")
    return _offline(page, title)


def _unmistakable(dates: np.ndarray, returns: FloatArray) -> "pd.Series":
    """A series that QuantStats cannot take for prices.

    It does so where nothing is negative and something reaches 1, and then computes the returns of
    the returns. A day that earned nothing is made a loss of 1e-12.
    """
    import pandas as pd

    if len(returns) and returns.min() >= 0 and returns.max() >= 1:
        least = int(np.argmin(returns))
        if returns[least] > 0:
            raise ValueError(
                "QuantStats takes returns that are all gains, one of 100 %, for prices"
            )
        returns = returns.copy()
        returns[least] = _NO_PRICE
    return pd.Series(returns, pd.DatetimeIndex(dates.astype("datetime64[ns]")), name="returns")


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings and no words about fonts while QuantStats draws."""
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    fonts.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        fonts.setLevel(level)


@contextmanager
def _matplotlib() -> Iterator[None]:
    """QuantStats' theme on a backend without a screen; afterwards everything as it was."""
    import matplotlib
    import matplotlib.style

    with matplotlib.style.context("default"):
        import quantstats  # noqa: F401  (sets its theme on import)
        import seaborn  # type: ignore[import-untyped]
        from matplotlib import pyplot

        backend = matplotlib.get_backend()
        pyplot.switch_backend("agg")
        seaborn.set_theme(font_scale=1.1, rc=_THEME)
        try:
            yield
        finally:
            pyplot.close("all")
            pyplot.switch_backend(backend)


def _offline(page: str, title: str) -> str:
    """The page with its own title and without the icon from a server."""
    page = re.sub(r'\s*<link rel="shortcut icon"[^>]*>', "", page)
    page = re.sub(r"<title>.*?</title>", lambda _: f"<title>{escape(title)}</title>", page)
    page = page.replace(f"{escape(title)} (Compounded)", escape(title))
    page = page.replace(' onload="save()"', "")
    return page.replace("\N{SMALL PERCENT SIGN}", "")  # few fonts have it
