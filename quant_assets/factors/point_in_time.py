"""Whether results know the future: the prefix test, on whatever panels it is given.

Here stands the test for a plan of expressions: what comes after a day is replaced by noise, or cut
off, or the range begins later, and no bit up to the day may change. The gate asks it of every new
expression; the test suite asks it of every operator and every library.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.fields import FIELDS
from quant_assets.factors.expressions.operators.registry import Array
from quant_assets.factors.expressions.plan import Plan

# Sessions beyond the look-back that the test compares.
ROOM = 40
# Sessions from the end after which what comes is replaced. The made-up market has gaps there, for
# what fills gaps from the future shows only where one is cut through.
_CUTS = (27, 2)
_GAP_EVERY = 5  # sessions; divides the distance of the cuts


@dataclass(frozen=True)
class Leak:
    """A result that changed although only something changed that it must not know."""

    result: str
    change: str
    row: int
    symbol: int
    before: float
    after: float

    def __str__(self) -> str:
        return (
            f"{self.result}: {self.change} changed row {self.row} of symbol {self.symbol} "
            f"from {self.before!r} to {self.after!r}"
        )


def leaks(chosen: Plan, data: Mapping[str, Array], seed: int = 0) -> list[Leak]:
    """The results of a plan that know the future or the range's start; the first place of each.

    Args:
        chosen: of the expressions.
        data: its fields, (T, N) each, T more than the look-back; about ROOM more is enough.
        seed: of the noise.

    Returns:
        At most one leak for each result and change. A result of which nothing but missing values
        could be compared is not judged here: see `compared`.

    Raises:
        ValueError: there is no row beyond the look-back.
    """
    rows = len(next(iter(data.values())))
    past = chosen.lookback
    if rows <= past + 2:
        raise ValueError(
            f"the prefix test of a look-back of {past} needs more than {past + 2} sessions. "
            f"Got {rows} instead."
        )
    whole = compute(chosen, data)
    random = np.random.default_rng(seed)
    found: list[Leak] = []
    spare = rows - past - 1
    for cut in (rows - back for back in _CUTS if rows - back > past):
        noisy = {name: _noise_after(name, values, cut, random) for name, values in data.items()}
        short = {name: values[: cut + 1] for name, values in data.items()}
        seen = whole[:, : cut + 1]
        found += _differences(
            chosen, seen, compute(chosen, noisy)[:, : cut + 1], f"noise after row {cut}"
        )
        found += _differences(chosen, seen, compute(chosen, short), f"nothing after row {cut}")
    for start in sorted({1, max(spare // 2, 1)}):
        late = {name: values[start:] for name, values in data.items()}
        after = compute(chosen, late)[:, past:]
        change = f"a range from row {start}"
        found += _differences(chosen, whole[:, start + past :], after, change, start + past)
    return found


def compared(chosen: Plan, data: Mapping[str, Array]) -> dict[str, float]:
    """Share of values that are there beyond the look-back, by result; 0 proves nothing."""
    values = compute(chosen, data, first=chosen.lookback)
    shares = np.isfinite(values).mean(axis=(1, 2)) if values.size else np.zeros(len(values))
    return dict(zip(chosen.names, shares.tolist(), strict=True))


def random_panel(rows: int, symbols: int = 24, seed: int = 0) -> dict[str, Array]:
    """Every field of a made-up market: random walks with gaps, halts, late starts and ties.

    Any two fields have a symbol that lacks the one and has the other on the same days.
    """
    random = np.random.default_rng(seed)
    shape = (rows, symbols)
    close = 30.0 * np.exp(np.cumsum(random.standard_t(4, shape) * 0.015, axis=0))
    opening = close * np.exp(random.normal(0.0, 0.007, shape))
    high = np.maximum(opening, close) * np.exp(np.abs(random.normal(0.0, 0.006, shape)))
    low = np.minimum(opening, close) * np.exp(-np.abs(random.normal(0.0, 0.006, shape)))
    volume = np.floor(np.exp(random.normal(11.0, 1.0, shape)))
    bars = {
        "open": opening,
        "high": high,
        "low": low,
        "close": np.round(close, 1),
        "volume": volume,
        "turnover": volume * close,
        "vwap": (high + low + close) / 3.0,
        "cap": close * np.exp(random.normal(16.0, 1.0, symbols)),
        "average_price": (opening + high + low + close) / 4.0,
    }
    missing = random.random(shape) < 0.01
    missing[: rows // 3, 0] = True
    missing[rows // 2 : rows // 2 + 10, 1 % symbols] = True
    gaps = (rows - np.arange(rows)) % _GAP_EVERY == _CUTS[0] % _GAP_EVERY
    for number, values in enumerate(bars.values()):
        values[missing] = np.nan
        for digit in range(4):
            values[gaps, (2 + 2 * digit + (number >> digit & 1)) % symbols] = np.nan
    index = 2000.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, rows)))
    bars["benchmark_close"] = np.repeat(index[:, None], symbols, axis=1)
    first = index * np.exp(random.normal(0.0, 0.004, rows))
    bars["benchmark_open"] = np.repeat(first[:, None], symbols, axis=1)
    bars["returns"] = np.full(shape, np.nan)
    bars["returns"][1:] = bars["close"][1:] / bars["close"][:-1] - 1.0
    for classes, name in enumerate(("market", "exchange", "sector", "industry", "subindustry"), 1):
        bars[name] = np.repeat((np.arange(symbols) % classes)[None, :].astype(float), rows, axis=0)
    return bars


def _noise_after(name: str, values: Array, cut: int, random: np.random.Generator) -> Array:
    """Rows after `cut` drawn from the field itself, numbers stretched, one in ten missing."""
    noisy = values.copy()
    drawn = random.choice(values.ravel(), size=noisy[cut + 1 :].shape)
    if not FIELDS[name].group:
        drawn = drawn * np.exp(random.normal(size=drawn.shape))
        drawn[random.random(drawn.shape) < 0.1] = np.nan
    noisy[cut + 1 :] = drawn
    return noisy


def _differences(
    chosen: Plan, before: Array, after: Array, change: str, first: int = 0
) -> list[Leak]:
    same = (before.view(np.uint64) == after.view(np.uint64)) | (np.isnan(before) & np.isnan(after))
    found = []
    for place in np.flatnonzero(~same.all(axis=(1, 2))):
        row, symbol = np.argwhere(~same[place])[0]
        values = float(before[place, row, symbol]), float(after[place, row, symbol])
        found.append(Leak(chosen.names[place], change, int(row) + first, int(symbol), *values))
    return found
