"""Computing a library of factors: tables in, one wide table out.

Here stand the way from adjusted bars to the inputs of factors and from their results to rows. What
a factor is stands in registry.py, the factors in library/.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from quant_assets.factors.inputs import FactorInputs, FloatArray
from quant_assets.factors.registry import Factor, select
from quant_assets.market_data.panels import Panel, date_column, session_dates
from quant_assets.warehouse.window import Window

BARS = ("open", "high", "low", "close", "volume", "turnover")


def lookback(library: str, names: Iterable[str] | None = None) -> int:
    """Sessions before a window that its factors need: the largest look-back of the library.

    Raises:
        UnknownFactorError: no such library or factor.
    """
    return max((each.lookback for each in select(library, names)), default=0)


def compute(
    library: str,
    adjusted: pa.Table,
    benchmark: pa.Table,
    window: Window,
    names: Iterable[str] | None = None,
    thread_no: int = 1,
) -> pa.Table:
    """The factors of a library over a window.

    Args:
        library: the library.
        adjusted: forward-adjusted bars (date, symbol and what the factors read of open, high, low,
            close, volume, turnover), of the window and `lookback(library)` sessions before it; with
            fewer before it, as at a market's start, windows are as short as the data.
        benchmark: date, index_close, of the same days. Its days and those of the bars are the
            sessions. Without an index the factors that need one are missing.
        window: the days of the result.
        names: the factors; by default the whole library.
        thread_no: threads.

    Returns:
        date, symbol and a float64 column a factor, null where it is not defined (too few valid
        sessions, an end without a bar); a row for every bar of the window, by date and symbol.

    Raises:
        UnknownFactorError: no such library or factor.
        ValueError: a factor returned another shape than (symbols, sessions).
    """
    from quant_assets.factors import kernels

    chosen = select(library, names)
    fields = [name for name in BARS if any(name in each.inputs for each in chosen)]
    index_days = session_dates(benchmark["date"])
    dates = np.union1d(session_dates(adjusted["date"]), index_days)
    panel = Panel.from_table(adjusted, fields or ["close"], dates=dates)
    closes = np.full(len(dates), np.nan)
    closes[np.searchsorted(dates, index_days)] = benchmark["index_close"].cast(pa.float64())
    first, stop = np.searchsorted(
        dates, np.array([window.start, window.end], "datetime64[D]") + np.array([0, 1])
    )
    rows = _rows(adjusted, dates, panel.symbols, int(first), int(stop))
    inputs = FactorInputs(panel, closes, first=int(first), thread_no=thread_no)
    del panel  # the inputs hold it the other way round
    kernels.warm()
    return _table(chosen, inputs, *rows)


def values_of(factor: Factor, inputs: FactorInputs) -> FloatArray:
    """What a factor's function returns, checked: float64 (symbols, sessions)."""
    values = np.asarray(factor.function(inputs), np.float64)
    if values.shape != inputs.shape:
        raise ValueError(
            f"factor {factor.name!r} of library {factor.library!r} must return the shape "
            f"{inputs.shape} (symbols, sessions). Got {values.shape} instead."
        )
    return values


def _rows(
    adjusted: pa.Table, dates: np.ndarray, symbols: np.ndarray, first: int, stop: int
) -> tuple[np.ndarray, np.ndarray]:
    """Places (session, symbol) of the bars from session `first` to before `stop`, in that order."""
    days = np.searchsorted(dates, session_dates(adjusted["date"]))
    inside = (days >= first) & (days < stop)
    names = adjusted["symbol"].filter(pa.array(inside)).cast(pa.string())
    codes = names.combine_chunks().dictionary_encode()
    found = np.searchsorted(symbols, codes.dictionary.to_numpy(zero_copy_only=False))
    places = found[codes.indices.to_numpy()] if len(names) else np.zeros(0, np.int64)
    present = np.zeros((max(stop - first, 0), len(symbols)), bool)
    present[days[inside] - first, places] = True
    sessions, columns = np.nonzero(present)
    return sessions + first, columns


def _table(
    chosen: Sequence[Factor], inputs: FactorInputs, sessions: np.ndarray, columns: np.ndarray
) -> pa.Table:
    symbols = pa.array(inputs.symbols.astype(object), pa.string())
    data = {
        "date": date_column(inputs.dates[sessions]),
        "symbol": symbols.take(pa.array(columns)),
    }
    for each in chosen:
        values = values_of(each, inputs)[columns, sessions]
        data[each.name] = pa.array(values, mask=~np.isfinite(values))
    inputs.forget()
    return pa.table(data)
