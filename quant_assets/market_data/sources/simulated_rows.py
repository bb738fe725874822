"""The rows that the simulated market delivers: good bars, and now and then a faulty one.

Here lives what a day's delivery looks like, faults included, so that quarantine has something to
show and the rules something to find. Which bars are faulty is drawn in simulation.py.
"""

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import date_column
from quant_assets.market_data.sources.base import PRICES, RAW_SCHEMA, VALUES
from quant_assets.market_data.sources.companies import FAULTS
from quant_assets.market_data.sources.simulation import Simulation

LABEL = "simulated"
UNKNOWN_SYMBOL = "SIM-UNKNOWN"
_UNKNOWN = -2  # the company of a row of an unknown symbol

Rows = dict[str, np.ndarray]  # `day` (row of the span), `dated`, `company` and the values


def deliver(made: Simulation, span: slice, days: np.ndarray, after_closed: np.ndarray) -> pa.Table:
    """The raw rows (RAW_SCHEMA) of some days, each day's in the order of the slots, extras last.

    Args:
        made: the simulation.
        span: the rows of its arrays to deliver.
        days: their sessions, `datetime64[D]`.
        after_closed: whether the day before each of them is no session.
    """
    day, slot = np.nonzero(made.published[span])
    fault = made.fault[span][day, slot]
    bars: Rows = {"day": day, "dated": days[day], "company": made.company[span][day, slot]}
    for name in (*PRICES, "volume"):
        bars[name] = getattr(made, name)[span][day, slot]
    extra = [
        _conflicting(_chosen(bars, fault == FAULTS.index("conflict"))),
        _chosen(bars, fault == FAULTS.index("copy")),
        _unknown(_first_bars(bars, made.stray[span])),
        _dated_before(_first_bars(bars, made.early[span] & after_closed)),
    ]
    _spoil(bars, fault)
    rows = {name: np.concatenate([bars[name], *(rows[name] for rows in extra)]) for name in bars}
    return _table(_chosen(rows, np.argsort(rows["day"], kind="stable")), days)


def symbol_names(companies: np.ndarray) -> pa.Array:
    """The symbols of companies: SIM0001 …"""
    numbers, places = np.unique(companies, return_inverse=True)
    names = [UNKNOWN_SYMBOL if n == _UNKNOWN else f"SIM{n + 1:04d}" for n in numbers.tolist()]
    return pa.array(names, pa.string()).take(pa.array(places))


def _chosen(rows: Rows, which: np.ndarray) -> Rows:
    return {name: column[which] for name, column in rows.items()}


def _first_bars(bars: Rows, on: np.ndarray) -> Rows:
    """The first bar of each day that is marked."""
    _, first = np.unique(bars["day"], return_index=True)
    return _chosen(bars, first[on[bars["day"][first]]])


def _conflicting(bars: Rows) -> Rows:
    return bars | {name: np.round(bars[name] * 1.01, 4) for name in PRICES}


def _unknown(bars: Rows) -> Rows:
    return bars | {"company": np.full(len(bars["day"]), _UNKNOWN)}


def _dated_before(bars: Rows) -> Rows:
    return bars | {"dated": bars["dated"] - np.timedelta64(1, "D")}


def _spoil(bars: Rows, fault: np.ndarray) -> None:
    """Write the faults that change a bar into it."""
    swapped = fault == FAULTS.index("swapped_range")
    bars["high"][swapped], bars["low"][swapped] = (
        bars["low"][swapped] * 0.99,
        bars["high"][swapped] * 1.01,
    )
    bars["open"][fault == FAULTS.index("zero_open")] = 0.0
    bars["volume"][fault == FAULTS.index("no_volume")] = np.nan


def _table(rows: Rows, days: np.ndarray) -> pa.Table:
    day = rows["day"]
    begins = np.searchsorted(day, np.arange(len(days)))
    count = len(day)
    values = {
        name: pa.array(rows[name], from_pandas=True)
        if name in rows
        else pa.nulls(count, pa.float64())
        for name in VALUES
    }
    file = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([LABEL]))
    data = {
        "session": date_column(days[day]),
        "date": date_column(rows["dated"]),
        "symbol": symbol_names(rows["company"]),
        **values,
        "file": file,
        "row": pa.array(np.arange(count) - begins[day] + 1),
    }
    return pa.table(data, schema=RAW_SCHEMA)
