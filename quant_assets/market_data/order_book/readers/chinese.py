"""What the files of Shanghai and Shenzhen share whatever their vendor: symbols, auctions, sides.

Not here: a vendor's columns and codes.
"""

import numpy as np

from quant_assets.market_data.china.codes import SHENZHEN, listed_symbol
from quant_assets.market_data.order_book.clocks import NANOSECONDS_A_SECOND
from quant_assets.market_data.order_book.events import (
    AFTER_HOURS,
    BEFORE_OPEN,
    BREAK,
    BUY,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    HALTED,
    NO_SIDE,
    OPENING_AUCTION,
    SELL,
)
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.table_reader import Symbols
from quant_assets.market_data.order_book.rejections import OUT_OF_BOUNDS

_MINUTE = 60 * NANOSECONDS_A_SECOND
_OPEN = (9 * 60 + 30) * _MINUTE
_CLOSING_AUCTION = (14 * 60 + 57) * _MINUTE

_SHENZHEN_PHASES = {
    "S": BEFORE_OPEN,
    "O": OPENING_AUCTION,
    "T": CONTINUOUS,
    "B": BREAK,
    "C": CLOSING_AUCTION,
    "E": CLOSED,
    "A": AFTER_HOURS,
    "H": HALTED,
    "V": HALTED,
}


def listed_symbols(fields: Fields, column: str, exchange: str | None = None) -> Symbols:
    """The symbols of a CODE column of six-digit codes; see TableReader.symbols."""
    codes, positions = fields.words(column)
    return [listed_symbol(code, exchange) for code in codes], positions


def is_shenzhen(fields: Fields, column: str) -> np.ndarray:
    """Which rows are of Shenzhen's securities, bool, shape (rows,)."""
    symbols, positions = listed_symbols(fields, column)
    listed = [symbol is not None and symbol.endswith(SHENZHEN) for symbol in symbols]
    return np.array(listed, bool)[positions]


def later_order_side(buy: np.ndarray, sell: np.ndarray, since_midnight: np.ndarray) -> np.ndarray:
    """The aggressor's side of trades whose vendor does not tell it, int8, shape (rows,).

    Shenzhen numbers orders and trades of a channel in one sequence: the later order of the two met
    the other in the book. Before the open and from the closing auction on nobody is the aggressor.
    (A trade of the auction that ends a halt during the day cannot be told from another one.)
    """
    continuous = (since_midnight >= _OPEN) & (since_midnight < _CLOSING_AUCTION)
    told = continuous & (buy > 0) & (sell > 0)
    return np.where(told, np.where(buy > sell, BUY, SELL), NO_SIDE).astype(np.int8)


def cancelled_order(
    fields: Fields, buy: np.ndarray, sell: np.ndarray, cancel: np.ndarray, column: str
) -> tuple[np.ndarray, np.ndarray]:
    """(number, side) of the order that a row of Shenzhen's trades cancels, (0, 0) of other rows.

    A cancel has exactly one order number, that of its side; one with none or both is rejected.

    Args:
        fields: of the block.
        buy: numbers of the buying orders, 0 for none, shape (rows,).
        sell: of the selling ones.
        cancel: which rows are cancels.
        column: the vendor's name of the buying orders' column.
    """
    fields.reject(cancel & ((buy > 0) == (sell > 0)), column, OUT_OF_BOUNDS)
    order = np.where(cancel, np.maximum(buy, sell), 0)
    side = np.where(buy > 0, BUY, SELL)
    return order, np.where(cancel, side, NO_SIDE).astype(np.int8)


def shenzhen_phase(word: str) -> str:
    """The phase of Shenzhen's code: a letter, then 1 where the security is suspended all day.

    A letter that is not known is kept as it is.
    """
    if word[1:2] == "1":
        return HALTED
    return _SHENZHEN_PHASES.get(word[:1], word)
