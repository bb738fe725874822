"""What a table of positions says: the largest of them, and the exposure by sector.

Belongs here: sums and orders over positions. Trips and trades stand in round_trips.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import FloatArray, session_dates

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Position:
    """A symbol: its weight at the last close, the largest it ever had and when, how long held."""

    symbol: str
    last_weight: float
    largest_weight: float
    largest_on: np.datetime64
    sessions: int


@dataclass(frozen=True)
class SectorExposure:
    """Net exposure by sector at the ends of months.

    Attributes:
        months: `datetime64[M]`, shape (M,).
        sectors: by mean absolute exposure, the largest first.
        net: sum of weights, shape (M, sectors).
        gross: sum of their sizes, shape (M, sectors).
    """

    months: np.ndarray
    sectors: list[str]
    net: FloatArray
    gross: FloatArray


def largest_positions(positions: pa.Table, last: np.datetime64) -> list[Position]:
    """Every symbol ever held, the largest weight first.

    Args:
        positions: date, symbol, weight.
        last: the last session; a symbol without a position on it has weight 0 there.
    """
    if not positions.num_rows:
        return []
    symbols = positions["symbol"].combine_chunks().dictionary_encode()
    code = symbols.indices.to_numpy()
    weight = positions["weight"].to_numpy()
    days = session_dates(positions["date"])
    # The largest of each symbol is its first row in the order of sizes, equal ones by day.
    order = np.lexsort((days, -np.abs(weight)))
    found, place = np.unique(code[order], return_index=True)
    rows = order[place]
    count = np.bincount(code, minlength=len(found))
    at_end = np.zeros(len(found))
    at_end[code[days == last]] = weight[days == last]
    names = symbols.dictionary.to_pylist()
    listed = [
        Position(names[k], float(at_end[k]), float(weight[row]), days[row], int(count[k]))
        for k, row in zip(found.tolist(), rows, strict=True)
    ]
    return sorted(listed, key=lambda one: (-abs(one.largest_weight), one.symbol))


def sector_exposure(positions: pa.Table, sectors: Mapping[str, str]) -> SectorExposure | None:
    """Exposure by sector at the last close of each month; None where no sector is known."""
    if not positions.num_rows or not sectors:
        return None
    days = session_dates(positions["date"])
    months = days.astype("datetime64[M]")
    found, month = np.unique(months, return_inverse=True)
    ends = np.full(len(found), days.min())
    np.maximum.at(ends, month, days)
    at_end = np.flatnonzero(days == ends[month])
    held = pc.take(positions["symbol"], pa.array(at_end)).combine_chunks().dictionary_encode()
    named = [sectors.get(symbol) or UNKNOWN for symbol in held.dictionary.to_pylist()]
    names = sorted(set(named))
    if names == [UNKNOWN]:
        return None
    sector = np.array([names.index(each) for each in named])[held.indices.to_numpy()]
    weight = positions["weight"].to_numpy()[at_end]
    cell = month[at_end] * len(names) + sector
    shape = (len(found), len(names))
    cells = shape[0] * shape[1]
    net = np.bincount(cell, weight, cells).astype(np.float64).reshape(shape)
    gross = np.bincount(cell, np.abs(weight), cells).astype(np.float64).reshape(shape)
    order = np.argsort(-gross.mean(axis=0), kind="stable")
    return SectorExposure(found, [names[k] for k in order], net[:, order], gross[:, order])
