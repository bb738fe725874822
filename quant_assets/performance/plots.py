"""Pictures of a return series as PNG bytes, small enough to stand in an asset's metadata.

Only drawing belongs here: figures that are written into the picture come from the metrics.
matplotlib is used through its objects, never pyplot, so nothing global is left behind; colours are
told apart by colour-blind readers (Okabe and Ito; the map from orange to blue).
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.calendar_returns import monthly_table
from quant_assets.performance.drawdowns import drawdown_series

# matplotlib's settings are one per process, and QuantStats changes them: one drawing at a time.
DRAWING = RLock()

_STRATEGY, _BENCHMARK, _LOSS = "#0072B2", "#6b6b6b", "#D55E00"
_STYLE = {
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,  # a $ in a name is a $
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9a9a9a",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "xtick.color": "#404040",
    "ytick.color": "#404040",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LOG_FROM = 4.0  # ratio of highest to lowest value from which a log axis reads better


def equity_picture(
    dates: np.ndarray,
    returns: FloatArray,
    benchmark: FloatArray | None = None,
    title: str = "",
    label: str = "",
    benchmark_title: str = "Benchmark",
) -> bytes:
    """Growth of 1 against the benchmark, and below it the drawdown; PNG, 800 x 450.

    Args:
        dates: sessions, `datetime64[D]`, shape (T,), T at least 1.
        returns: daily simple returns, shape (T,); missing days are drawn as no change.
        benchmark: of the same days.
        title: name of the strategy.
        label: further words beside the title, such as the market and `simulated data`.
        benchmark_title: name of the benchmark.
    """
    returns = np.nan_to_num(returns)
    with _figure(8.0, 4.5) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        days = np.concatenate([[dates[0] - np.timedelta64(1, "D")], dates]).astype(object)
        curves = [(returns, _STRATEGY, title or "Strategy", 1.5, 3)]
        if benchmark is not None:
            curves.append((np.nan_to_num(benchmark), _BENCHMARK, benchmark_title, 1.0, 2))
        values = [np.concatenate([[1.0], np.cumprod(1.0 + curve)]) for curve, *_ in curves]
        for value, (_, colour, name, width, order) in zip(values, curves, strict=True):
            label_text = f"{name}  {value[-1]:.2f}"
            upper.plot(days, value, color=colour, lw=width, zorder=order, label=label_text)
        upper.axhline(1.0, color="#9a9a9a", lw=0.8)
        growth_axis(upper, np.concatenate(values))
        upper.legend(
            loc="lower left", bbox_to_anchor=(0, 0.98), ncols=2, frameon=False, borderpad=0.2
        )
        below = np.concatenate([[0.0], drawdown_series(returns)])
        lower.fill_between(days, below, 0.0, color=_LOSS, alpha=0.35, lw=0)
        lower.plot(days, below, color=_LOSS, lw=0.8)
        lower.set_ylabel("Drawdown")
        percent_axis(lower)
        lower.set_ylim(min(float(below.min()) * 1.08, -0.01), 0.0)
        lower.margins(x=0.01)
        date_axis(lower)
        figure.align_ylabels()
        _titled(figure, title, label)
        return _png(figure)


def monthly_picture(
    dates: np.ndarray, returns: FloatArray, title: str = "", label: str = ""
) -> bytes:
    """Compound returns of months and years in percent, as a table in colours; PNG.

    Args:
        dates: sessions, `datetime64[D]`, shape (T,), T at least 1.
        returns: daily simple returns, shape (T,); missing days count as no change.
        title: name of the strategy.
        label: further words beside the title, such as the market and `simulated data`.
    """
    years, table = monthly_table(dates, np.nan_to_num(returns))
    with _figure(8.0, 1.1 + 0.27 * len(years)) as figure:
        months_heat_map(figure.subplots(), years, table)
        _titled(figure, title, f"monthly returns in percent{' · ' if label else ''}{label}")
        return _png(figure)


def months_heat_map(axes: Any, years: np.ndarray, table: FloatArray) -> None:
    """Months in colours and numbers, of what `monthly_table` gives."""
    months = table[:, :12]
    bound = max(float(np.nanpercentile(np.abs(months), 95)), 0.01)
    shown = np.concatenate([months, np.full((len(years), 1), np.nan)], axis=1)
    image = axes.imshow(shown, cmap="PuOr", vmin=-bound * 1.4, vmax=bound * 1.4, aspect="auto")
    for row, column in zip(*np.nonzero(~np.isnan(table)), strict=True):
        value = table[row, column]
        axes.text(
            column,
            row,
            f"{value * 100:.1f}",
            ha="center",
            va="center",
            fontsize=7.5,
            color="#202020" if column == 12 else _ink(image, value),
            fontweight="bold" if column == 12 else "normal",
        )
    axes.set_xticks(range(13), [*_MONTHS, "Year"])
    axes.set_yticks(range(len(years)), [str(year) for year in years])
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


@contextmanager
def _figure(width: float, height: float) -> Iterator[Any]:
    """A figure in our own style, whatever others set in this process."""
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with DRAWING, matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(width, height), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def growth_axis(axes: Any, values: FloatArray) -> None:
    """Growth of 1, on a log axis where it goes far."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    lowest = float(values.min())
    ratio = float(values.max()) / lowest if lowest > 0 else 0.0
    if ratio > _LOG_FROM:
        axes.set_yscale("log")
        ticks = (1.0, 2.0, 5.0) if ratio > 20 else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
        axes.yaxis.set_major_locator(LogLocator(base=10, subs=ticks))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_ylabel("Growth of 1 (log)")
    else:
        axes.set_ylabel("Growth of 1")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def date_axis(axes: Any) -> None:
    """Few and short dates below the axes."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=12)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _ink(image: Any, value: float) -> str:
    """White on dark cells, dark on light ones."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else "#202020"


def percent_axis(axes: Any) -> None:
    """Fractions as percent at the left."""
    from matplotlib.ticker import FuncFormatter

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(value * 100, 6):g}%"))


def _titled(figure: Any, title: str, label: str) -> None:
    """The title at the left, the label beside it in grey."""
    text = "  ·  ".join(part for part in (title, label) if part)
    if text:
        figure.suptitle(text, x=0.01, ha="left", fontsize=10.5, color="#202020")


def _png(figure: Any) -> bytes:
    """The figure with 128 colours: a third of the bytes, and no eye tells the difference."""
    from PIL import Image

    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    stream = io.BytesIO()
    picture.quantize(128, dither=Image.Dither.NONE).save(stream, format="png", optimize=True)
    return stream.getvalue()
