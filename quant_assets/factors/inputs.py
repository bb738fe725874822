"""What a factor's function gets: the market up to the day, laid out for windows along time.

Here stand the arrays, the series every library derives from them and the memory of what was
computed once for several factors. What a factor does with them stands in its library.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from quant_assets.market_data.panels import Panel

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
T = TypeVar("T")


class FactorInputs:
    """Fields of a market, symbols x sessions: the window of a symbol lies in one piece of memory.

    All prices are adjusted forward, so a value of a day never changes later. NaN is missing.

    Attributes:
        dates: `datetime64[D]`, ascending, shape (T,).
        symbols: strings, ascending, shape (N,).
        first: place of the first session whose factor values are wanted; those before are
            look-back and may stay NaN in results.
        thread_no: threads over which kernels split the symbols.
    """

    def __init__(
        self, panel: Panel, benchmark: FloatArray | None = None, first: int = 0, thread_no: int = 1
    ) -> None:
        """Take the fields of `panel` (T, N) and the benchmark's closes (T,), by default unknown."""
        self.dates, self.symbols = panel.dates, panel.symbols
        self.first, self.thread_no = first, thread_no
        self._fields: Mapping[str, FloatArray] = {
            name: np.ascontiguousarray(values.T) for name, values in panel.fields.items()
        }
        self._benchmark = (
            np.full(len(panel.dates), np.nan)
            if benchmark is None
            else np.ascontiguousarray(benchmark, np.float64)
        )
        if self._benchmark.shape != panel.dates.shape:
            raise ValueError(
                f"the benchmark of factors must have one value for each of {len(panel.dates)} "
                f"sessions. Got the shape {self._benchmark.shape} instead."
            )
        self._memory: dict[str, Any] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """(symbols, sessions), the shape of every factor's result."""
        return len(self.symbols), len(self.dates)

    def __getitem__(self, field: str) -> FloatArray:
        """A field, (N, T): open, high, low, close, volume, turnover."""
        try:
            return self._fields[field]
        except KeyError:
            raise KeyError(
                f"a factor reads {field!r} but does not declare it among its inputs; "
                f"loaded are {', '.join(sorted(self._fields))}"
            ) from None

    def once(self, key: str, build: Callable[[], T]) -> T:
        """What `build` returns, computed at the first call with this key and kept."""
        if key not in self._memory:
            self._memory[key] = build()
        result: T = self._memory[key]
        return result

    def forget(self) -> None:
        """Drop all that `once` keeps."""
        self._memory.clear()

    @property
    def returns(self) -> FloatArray:
        """Simple close-to-close returns, (N, T); missing unless both sessions have a close."""
        return self.once("returns", lambda: change(self["close"]))

    @property
    def benchmark_returns(self) -> FloatArray:
        """Simple close-to-close returns of the index, (T,)."""
        return self.once("benchmark_returns", lambda: change(self._benchmark))

    def logarithm(self, field: str) -> FloatArray:
        """Natural logarithm of a field, (N, T); missing where the field is not above zero."""
        return self.once(f"log {field}", lambda: log(self[field]))


def change(values: FloatArray, sessions: int = 1) -> FloatArray:
    """values[t] / values[t - sessions] - 1 along the last axis; the first ones are missing."""
    result = np.full(values.shape, np.nan)
    if values.shape[-1] > sessions:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = values[..., sessions:] / values[..., :-sessions] - 1.0
        result[..., sessions:] = np.where(np.isfinite(ratio), ratio, np.nan)
    return result


def log(values: FloatArray) -> FloatArray:
    """Natural logarithm; NaN where the value is missing or not above zero."""
    result = np.full(values.shape, np.nan)
    np.log(values, out=result, where=values > 0)
    return result


def shift(values: FloatArray, sessions: int) -> FloatArray:
    """The value so many sessions ago along the last axis; the first ones are missing."""
    result = np.full(values.shape, np.nan)
    result[..., sessions:] = values[..., : max(values.shape[-1] - sessions, 0)]
    return result
