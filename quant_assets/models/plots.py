"""Pictures of a trained model as PNG bytes: feature importance, rank IC of its training.

Belongs here: pictures for metadata and tracking, drawn with matplotlib's objects (no pyplot: no
global state, no window system). Colours are those of Okabe and Ito, safe for colour-blind readers.
"""

import io
import math
from typing import Any

import numpy as np

from quant_assets.models.trained import TrainedModel

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"
DPI = 80
MOST_FEATURES = 25


def importance_png(model: TrainedModel, title: str) -> bytes:
    """Horizontal bars: each feature's share of the model's gain, the largest at the top.

    `title` names market and model (and says so where data are simulated); the month is added.
    """
    largest = sorted(model.importance.items(), key=lambda item: item[1])[-MOST_FEATURES:]
    figure, (axes,) = _figure(7.0, 1.3 + 0.22 * len(largest), 1)
    bars = axes.barh([name for name, _ in largest], [100 * share for _, share in largest])
    for bar in bars:
        bar.set_color(BLUE)
    shown = len(largest)
    some = f" ({shown} largest of {len(model.importance)})" if shown < len(model.importance) else ""
    axes.set_xlabel("share of the gain of all splits, %")
    axes.set_title(f"{title}, {model.month}: feature importance{some}", fontsize=10)
    axes.margins(y=0.01)
    return _png(figure)


def training_png(model: TrainedModel, title: str) -> bytes:
    """Left: validation rank IC after each boosting round; right: summed up over validation days."""
    figure, (rounds, days) = _figure(9.0, 3.2, 2)
    best = int(model.metrics["best_iteration"])
    rounds.plot(range(1, len(model.history) + 1), model.history, color=BLUE, linewidth=1.2)
    rounds.axvline(best, color=ORANGE, linewidth=1, linestyle="--", label=f"kept: round {best}")
    rounds.set_xlabel("boosting round")
    rounds.set_ylabel("mean rank IC")
    rounds.set_title("validation rank IC by round", fontsize=9)
    rounds.legend(fontsize=8, frameon=False)
    dates = np.array(list(model.validation_rank_ic), "datetime64[D]")
    daily = np.array(list(model.validation_rank_ic.values()), np.float64)
    days.plot(dates, np.nancumsum(daily), color=BLUE, linewidth=1.2)
    days.set_title("validation rank IC, summed over days", fontsize=9)
    days.tick_params(axis="x", labelrotation=30)
    for axes in (rounds, days):
        axes.axhline(0, color=GREY, linewidth=0.8)
    figure.suptitle(f"{title}, {model.month}: {_summary(model)}", fontsize=10)
    return _png(figure)


def _summary(model: TrainedModel) -> str:
    def shown(name: str) -> str:
        value = model.metrics[name]
        return "undefined" if math.isnan(value) else f"{value:.3f}"

    return f"rank IC {shown('train_rank_ic')} in training, {shown('validation_rank_ic')} validated"


def _figure(width: float, height: float, columns: int) -> tuple[Any, Any]:
    """A figure on the Agg canvas with axes side by side, bare of needless frames."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.tick_params(labelsize=8)
    return figure, axes


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
