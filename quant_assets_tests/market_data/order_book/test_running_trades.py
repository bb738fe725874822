"""Running totals of trades against a plain loop, in any pieces."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.market_data.order_book.readers.single_symbol import RunningTrades

NAN = float("nan")


def by_hand(prices: list[float], sizes: list[int]) -> dict[str, list[float]]:
    """The columns, row by row."""
    last = opened = high = low = NAN
    volume, turnover, trades = 0, 0.0, 0
    rows = []
    for price, size in zip(prices, sizes, strict=True):
        if price == price:
            last = price
            opened = opened if opened == opened else price
            high = price if high != high else max(high, price)
            low = price if low != low else min(low, price)
            volume, turnover, trades = volume + size, turnover + price * size, trades + 1
        rows.append((last, opened, high, low, volume, turnover, trades))
    names = ("last", "open", "high", "low", "volume", "turnover", "trades")
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}


TRADES = st.lists(
    st.one_of(st.just((NAN, 0)), st.tuples(st.integers(1, 9).map(float), st.integers(1, 5))),
    max_size=15,
)


@given(TRADES, st.integers(0, 15))
def test_running_trades(trades: list[tuple[float, int]], cut: int) -> None:
    prices, sizes = [p for p, _ in trades], [s for _, s in trades]
    wanted = by_hand(prices, sizes)
    running, pieces = RunningTrades(), []
    for part in (slice(0, cut), slice(cut, None)):
        price, size = np.array(prices[part], float), np.array(sizes[part], np.int64)
        pieces.append(running.columns(price, size, np.nan_to_num(price) * size))
    for name, values in wanted.items():
        found = np.concatenate([piece[name] for piece in pieces])
        np.testing.assert_array_equal(found, np.array(values, float))
    assert np.isnan(np.concatenate([piece["previous_close"] for piece in pieces])).all()
