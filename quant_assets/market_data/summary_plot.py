"""The picture of a market's summary, as PNG bytes for the UI.

Here stand what is shown and how; numbers come from summary.py, the frame from pages/figures.py.
"""

from typing import Any

import numpy as np

from quant_assets.market_data.summary import Summary
from quant_assets.market_data.summary_page import rejected_by_month
from quant_assets.pages.figures import SMALL, heading, new_figure, panel, png

# Okabe and Ito's, which colour-blind readers can tell apart; the same as those of our pages.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def summary_figure(summary: Summary) -> bytes:
    """Bars by session, and rejected rows by month and reason below.

    Raises:
        ValueError: there are no bars.
    """
    if not len(summary.bars):
        raise ValueError("A figure of market data needs bars. Got none instead.")
    figure = new_figure(12.6, 5.6)
    heading(figure, f"Market data: {summary.label}", "")
    places = {"left": 0.07, "right": 0.975, "top": 0.86, "bottom": 0.06}
    layout = figure.add_gridspec(2, 1, **places, hspace=0.5)
    _bars(figure.add_subplot(layout[0]), summary)
    _rejected(figure.add_subplot(layout[1]), summary)
    return png(figure)


def _bars(axes: Any, summary: Summary) -> None:
    panel(axes, "Bars by session", "A session without any bar is drawn as 0.")
    days = summary.bars.index.to_numpy("datetime64[D]")
    absent = np.array(summary.without_bars, "datetime64[D]")
    every = np.concatenate([days, absent])
    counts = np.concatenate([summary.bars.to_numpy(), np.zeros(len(absent), np.int64)])
    order = np.argsort(every)
    axes.plot(every[order], counts[order], color=_COLOURS[0], lw=0.9)
    axes.set_ylim(0, None)


def _rejected(axes: Any, summary: Summary) -> None:
    months, reasons = rejected_by_month(summary)
    if not reasons:
        panel(axes, "Rejected rows", "No row was rejected.")
        return
    panel(axes, "Rejected rows by month", "Stacked by the first rule that a row broke.")
    places = np.array(months, "datetime64[M]").astype("datetime64[D]")
    under = np.zeros(len(months))
    width = 0.9 * 365.25 / 12
    for (name, values), colour in zip(reasons.items(), _COLOURS, strict=False):
        axes.bar(places, values, width, under, color=colour, label=name, linewidth=0, align="edge")
        under += np.array(values)
    axes.legend(fontsize=SMALL, frameon=False, ncols=len(reasons), loc="upper right")
    axes.set_ylim(0, under.max() * 1.25)
