"""Predictions: each day scored by the model of its own month.

Belongs here: the scores and their ranks. Not here: training, or what a strategy does with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import date_column
from quant_assets.models.alignment import members
from quant_assets.models.datasets import FeatureSet, prediction_set
from quant_assets.models.errors import MissingModelError
from quant_assets.models.ranks import centred_ranks
from quant_assets.models.trained import TrainedModel
from quant_assets.models.walk_forward import month_name, month_number
from quant_assets.warehouse.window import Window

SCHEMA = pa.schema(
    [
        ("date", pa.date32()),
        ("symbol", pa.string()),
        ("score", pa.float64()),
        ("rank", pa.float64()),
        ("model_month", pa.string()),
    ]
)


@dataclass(frozen=True)
class Predictions:
    """The table, and what is not in it.

    Attributes:
        table: date, symbol, score, rank, model_month; ordered by date and symbol.
        days_without_model: days with members before the first month that has models.
        days_without_factors: days with members of whom none has any of the model's factors.
        members_without_factors: (day, member) pairs left out for that reason, such days included.
    """

    table: pa.Table
    days_without_model: tuple[date, ...]
    days_without_factors: tuple[date, ...]
    members_without_factors: int


def predict(
    factors: pa.Table | Sequence[pa.Table],
    universe: pa.Table,
    models: Mapping[str, TrainedModel],
    window: Window,
    models_from: str | None = None,
    thread_no: int = 1,
) -> Predictions:
    """Score the members of each day of a window with the model of the day's month.

    The score is the expected rank of the member's forward return, about -0.5 to 0.5; `rank` is the
    score's rank among the day's scored members from 0 (lowest) to 1, ties averaged, 0.5 for a
    single one. Both depend on the day's own rows alone.

    Args:
        factors: wide tables, one for each library.
        universe: columns date, symbol, member.
        models: month "YYYY-MM" -> its model.
        window: the days to score.
        models_from: the first month with a model, by default the first of `models`. Days before it
            get no rows and are reported.
        thread_no: threads; they do not change the scores.

    Raises:
        MissingModelError: months from `models_from` on have members and no model.
        DataSetError: a factor that a model needs is missing.
    """
    days = np.unique(members(universe, window).dates)
    first = models_from or min(models, default=None)
    begin = np.datetime64(first, "D") if first is not None else None
    early = days if begin is None else days[days < begin]
    months = sorted({str(day)[:7] for day in days[len(early) :]})
    absent = tuple(month for month in months if month not in models)
    if absent:
        raise MissingModelError(
            f"there is no model for {', '.join(absent)}: materialize the models of these months",
            months=absent,
        )
    parts, silent, left_out = [], [], 0
    for month in months:
        inside = _within_month(window, month)
        model = models[month]
        rows = prediction_set(factors, universe, inside, model.features)
        parts.append(_scored(rows, model, thread_no))
        wanted = members(universe, inside).dates
        left_out += len(wanted) - len(rows)
        silent.extend(np.setdiff1d(wanted, rows.dates).tolist())
    return Predictions(
        table=pa.concat_tables(parts) if parts else SCHEMA.empty_table(),
        days_without_model=tuple(early.tolist()),
        days_without_factors=tuple(silent),
        members_without_factors=left_out,
    )


def _scored(rows: FeatureSet, model: TrainedModel, thread_no: int) -> pa.Table:
    scores = model.predict(rows.X, thread_no)
    return pa.table(
        [
            date_column(rows.dates),
            pa.array(rows.symbols, pa.string()),
            pa.array(scores),
            pa.array(centred_ranks(scores, rows.starts) + 0.5),
            pa.array(np.full(len(rows), model.month, object), pa.string()),
        ],
        schema=SCHEMA,
    )


def _within_month(window: Window, month: str) -> Window:
    """The part of the window that lies in a month."""
    first = date.fromisoformat(f"{month}-01")
    last = date.fromisoformat(f"{month_name(month_number(month) + 1)}-01")
    before = date.fromordinal(last.toordinal() - 1)
    return Window(max(window.start, first), min(window.end, before))
