"""The fields of a block of rows as arrays, with the verdict on each field that is wrong.

Belongs here: what numbers, prices, codes and times must be like in any vendor's table. Not here:
which columns a vendor has and what its codes mean.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.order_book.clocks import stamps, to_utc
from quant_assets.market_data.order_book.csv_blocks import Block
from quant_assets.market_data.order_book.readers.base import Request
from quant_assets.market_data.order_book.rejections import (
    MISSING,
    OTHER_DAY,
    OUT_OF_BOUNDS,
    UNKNOWN_CODE,
    UNREADABLE,
    Judgement,
)

# Rows to reject (bool, shape (rows,)), the field that is wrong, the reason; see Judgement.reject.
Reject = Callable[[np.ndarray, str, str], None]

# Vendors write prices as binary fractions (85.40999999999998); no tick is finer than this.
_PRICE_SCALE = 1e6
_MONEY_SCALE = 1e3
_EXACT = 2.0**52
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?$"


class Fields:
    """The columns of a block as arrays of shape (rows,); what is wrong goes to the judgement."""

    def __init__(self, block: Block, judgement: Judgement, request: Request) -> None:
        self.rows = block.rows
        self.request = request
        self.reject = judgement.reject
        self._columns = block.columns

    def __len__(self) -> int:
        return len(self.rows)

    def whole(self, name: str, least: int = 0) -> np.ndarray:
        """Whole numbers that every row must have, int64."""
        self.reject(self.absent(name), name, MISSING)
        values = self._numbers(name)
        self.reject(values < least, name, OUT_OF_BOUNDS)
        return values

    def count(self, name: str) -> np.ndarray:
        """Whole numbers that may be missing, 0 then, int64."""
        values = self._numbers(name)
        self.reject(values < 0, name, OUT_OF_BOUNDS)
        return values

    def number(self, name: str) -> np.ndarray:
        """Numbers that every row must have, in the type of the column."""
        self.reject(self.absent(name), name, MISSING)
        return self._numbers(name)

    def price(self, name: str) -> np.ndarray:
        """Prices, NaN where the field is empty or 0, float64."""
        values = self._numbers(name)
        self.reject((values < 0) | ~np.isfinite(values), name, OUT_OF_BOUNDS)
        return rounded_prices(values)

    def required_price(self, name: str, where: np.ndarray) -> np.ndarray:
        """Prices, which the rows of `where` (bool) must have, float64."""
        values = self.price(name)
        self.reject(where & np.isnan(values), name, OUT_OF_BOUNDS)
        return values

    def zeros(self) -> np.ndarray:
        """0 in every row, int64: no order."""
        return np.zeros(len(self), np.int64)

    def money(self, name: str) -> np.ndarray:
        """Amounts of money, 0 where the field is empty, float64."""
        values = self._numbers(name)
        self.reject((values < 0) | ~np.isfinite(values), name, OUT_OF_BOUNDS)
        scaled = values * _MONEY_SCALE
        return np.where(scaled < _EXACT, np.rint(scaled) / _MONEY_SCALE, values)

    def code(self, name: str, meaning: Mapping[str, int]) -> np.ndarray:
        """Codes by their meaning, int8; a missing or unknown one is rejected."""
        words, positions = self.words(name)
        known = np.array([meaning.get(word, 0) for word in words], np.int8)
        strange = np.array([word not in meaning for word in words], bool)
        self.reject(self.absent(name), name, MISSING)
        self.reject(strange[positions], name, UNKNOWN_CODE)
        found: np.ndarray = known[positions]
        return found

    def words(self, name: str) -> tuple[list[str], np.ndarray]:
        """(the different words of a CODE column, the position of each row's); "" is missing."""
        encoded = self._column(name)
        words = [word.strip() for word in encoded.dictionary.to_pylist()]
        positions = pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False)
        return [*words, ""], positions

    def time(self, name: str) -> np.ndarray:
        """Nanoseconds since midnight of a TIME column, int64."""
        self.reject(self.absent(name), name, MISSING)
        return self._numbers(name)

    def dated_time(self, name: str, date_format: str) -> np.ndarray:
        """Nanoseconds since midnight of a TEXT column `<date>T<time>`, int64."""
        texts = pc.fill_null(self._column(name), "")
        today = self.request.day.strftime(date_format) + "T"
        self.reject(self.absent(name), name, MISSING)
        self.reject(~_mask(pc.starts_with(texts, today)), name, OTHER_DAY)
        clock = pc.utf8_slice_codeunits(texts, len(today))
        readable = pc.match_substring_regex(clock, _CLOCK)
        self.reject(~_mask(readable), name, UNREADABLE)
        clock = pc.if_else(readable, clock, "00:00:00")
        since = pc.binary_join_element_wise("1970-01-01T", clock, "").cast(pa.timestamp("ns"))
        found: np.ndarray = since.cast(pa.int64()).to_numpy(zero_copy_only=False)
        return found

    def check_day(self, name: str, date_format: str) -> None:
        """Reject the rows whose date, in a CODE column, is not the request's day."""
        words, positions = self.words(name)
        today = self.request.day.strftime(date_format)
        self.reject(np.array([word != today for word in words], bool)[positions], name, OTHER_DAY)

    def instants(self, since_midnight: np.ndarray) -> pa.Array:
        """Times of the request's day as timestamps in UTC."""
        return stamps(to_utc(self.request.day, since_midnight, self.request.timezone))

    def absent(self, name: str) -> np.ndarray:
        """Where the field is empty, bool."""
        return _mask(pc.is_null(self._column(name)))

    def _column(self, name: str) -> pa.Array:
        column = self._columns.column(name)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def _numbers(self, name: str) -> np.ndarray:
        values = self._column(name)
        if pa.types.is_time(values.type):
            values = values.cast(pa.int64())
        found: np.ndarray = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
        return found


def rounded_prices(values: np.ndarray) -> np.ndarray:
    """Prices at the nearest decimal that any exchange could mean, NaN where there is none (0)."""
    return np.where(values > 0, np.rint(values * _PRICE_SCALE) / _PRICE_SCALE, np.nan)


def _mask(values: pa.Array) -> np.ndarray:
    mask: np.ndarray = values.to_numpy(zero_copy_only=False)
    return mask
