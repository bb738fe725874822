"""What files of one security share: the symbol comes from the file's name or from the settings.

Not here: any vendor's columns or codes.
"""

import numpy as np

from quant_assets.market_data.order_book.clocks import local_days
from quant_assets.market_data.order_book.files import DayFile
from quant_assets.market_data.order_book.readers.base import Request
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.table_reader import Symbols
from quant_assets.market_data.sources.base import SourceError


def symbol_of_settings(file: DayFile, request: Request) -> str:
    """The symbol that the settings give to files that tell none.

    Raises:
        SourceError: they give none.
    """
    if request.symbol is None:
        raise SourceError(
            f"{file.name}: the file does not tell its symbol; set `symbol` in the market's "
            "order_book.files"
        )
    return request.symbol


def one_symbol(fields: Fields) -> Symbols:
    """The request's symbol for every row; see TableReader.symbols."""
    return [fields.request.symbol], np.zeros(len(fields), np.int64)


def on_other_day(instants: np.ndarray, request: Request) -> np.ndarray:
    """Which instants (int64 nanoseconds UTC) are not of the request's day, bool."""
    wrong: np.ndarray = local_days(instants, request.timezone) != np.datetime64(request.day)
    return wrong


class RunningTrades:
    """Last price, extremes, volume, turnover and count of trades since a file began.

    `columns` takes the trades of some more rows and goes on from those before.
    """

    def __init__(self) -> None:
        self._first = self._last = self._high = self._low = np.nan
        self._volume = self._trades = 0
        self._turnover = 0.0

    def columns(
        self, price: np.ndarray, quantity: np.ndarray, turnover: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The columns of snapshots that follow from trades, each of shape (rows,).

        Args:
            price: of the trade of each row, NaN in rows without one.
            quantity: 0 in rows without a trade.
            turnover: of the trade, 0 without one.
        """
        traded = ~np.isnan(price)
        prices = np.concatenate([[self._last], price])
        position = np.maximum.accumulate(np.where(np.isnan(prices), 0, np.arange(len(prices))))
        last = prices[position][1:]
        first = price[np.argmax(traded)] if traded.any() else np.nan
        opened = np.isnan(self._first) & (np.cumsum(traded) > 0)
        columns = {
            "last": last,
            "open": np.where(opened, first, self._first),
            "high": np.fmax.accumulate(np.fmax(price, self._high)),
            "low": np.fmin.accumulate(np.fmin(price, self._low)),
            "volume": self._volume + np.cumsum(quantity),
            "turnover": self._turnover + np.cumsum(turnover),
            "trades": self._trades + np.cumsum(traded),
            "previous_close": np.full(len(price), np.nan),
        }
        if len(price):
            self._first, self._last = columns["open"][-1], last[-1]
            self._high, self._low = columns["high"][-1], columns["low"][-1]
            self._volume, self._trades = int(columns["volume"][-1]), int(columns["trades"][-1])
            self._turnover = float(columns["turnover"][-1])
        return columns
