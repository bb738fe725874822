"""What the simulation trades on: prices as traded, the events of the shares, the day's rules.

Here stands the way from the warehouse's tables to arrays. Strategies read adjusted prices (see
`data.py`); what is bought and sold are raw shares at raw prices, which splits and payments change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.backtests.data import series
from quant_assets.market_data.actions.factors import DAYS, factors
from quant_assets.market_data.panels import FloatArray, Panel
from quant_assets.settings_trading import Dividends, Trading

_KEYS = ["date", "symbol"]
_BARS = ["open", "close", "volume"]
_STATUS = ["halted", "limit_up_price", "limit_down_price"]


def traded_columns(rules: Trading) -> dict[str, list[str] | None]:
    """The tables that `TradingData.from_tables` reads, with the columns of each; None is all."""
    impact = rules.slippage.kind == "square_root"
    return {
        "bars": [*_KEYS, *_BARS, *(["turnover"] if impact else [])],
        "adjusted_bars": [*_KEYS, "close"],
        "corporate_actions": None,
        "trading_status": [*_KEYS, *_STATUS],
        "benchmark": ["date", "risk_free_rate"],
    }


@dataclass(frozen=True)
class ShareEvents:
    """Splits and payments by the session on which they take effect, ascending; shapes are (E,).

    Attributes:
        session: row of the session: the first one on or after the ex-date.
        column: of the symbol.
        ratio: shares after for each one before.
        cash: money paid for each share held before, net of what is kept back.
    """

    session: np.ndarray
    column: np.ndarray
    ratio: FloatArray
    cash: FloatArray


@dataclass(frozen=True)
class TradingData:
    """A market as it traded; panels have the shape (T, N), None where the market has no such thing.

    Attributes:
        dates: sessions, `datetime64[D]`, ascending, shape (T,).
        symbols: ascending, shape (N,).
        open: raw open; NaN where there is no bar.
        close: raw close; without one there is no bar.
        volume: shares traded; a session without any is no trading.
        events: splits and payments.
        halted: bool, where the exchange says that the symbol did not trade.
        upper: highest price allowed on the day, NaN where there is no limit.
        lower: the lowest.
        average_turnover: traded value a day in the sessions before, for square-root slippage.
        volatility: standard deviation of the daily returns of the sessions before, for the same.
        risk_free_rate: annual, as a fraction, shape (T,); NaN where it is not known.
    """

    dates: np.ndarray
    symbols: np.ndarray
    open: FloatArray
    close: FloatArray
    volume: FloatArray
    events: ShareEvents | None = None
    halted: np.ndarray | None = None
    upper: FloatArray | None = None
    lower: FloatArray | None = None
    average_turnover: FloatArray | None = None
    volatility: FloatArray | None = None
    risk_free_rate: FloatArray | None = None

    def __post_init__(self) -> None:
        panels = ("open", "close", "volume", "upper", "lower", "average_turnover", "volatility")
        for name in (*panels, "halted", "risk_free_rate"):
            values = getattr(self, name)
            shape = self.shape[:1] if name == "risk_free_rate" else self.shape
            kind = np.bool_ if name == "halted" else np.float64
            if values is not None and (values.shape != shape or values.dtype != kind):
                raise ValueError(
                    f"{name} of trading data must be {np.dtype(kind)} of the shape {shape}. "
                    f"Got {values.dtype} of {values.shape} instead."
                )
        if (self.upper is None) != (self.lower is None):
            raise ValueError("trading data must have both price limits, upper and lower, or none.")

    @property
    def shape(self) -> tuple[int, int]:
        """(sessions, symbols)."""
        return len(self.dates), len(self.symbols)

    @classmethod
    def from_panel(cls, prices: Panel) -> "TradingData":
        """A market of which only prices and volumes are known."""
        return cls(prices.dates, prices.symbols, prices["open"], prices["close"], prices["volume"])

    @classmethod
    def from_tables(
        cls,
        tables: Mapping[str, pa.Table | None],
        dates: np.ndarray,
        symbols: np.ndarray,
        rules: Trading,
    ) -> "TradingData":
        """From the warehouse's tables, on these sessions and symbols.

        Args:
            tables: by name: `bars` (date, symbol, open, close, volume; turnover for square-root
                slippage), `corporate_actions`, `trading_status`, `benchmark`, `adjusted_bars`
                (date, symbol, close, for square-root slippage). But for the first each may be
                absent, None or empty: then the market has no such thing.
            dates: `datetime64[D]`, ascending.
            symbols: ascending.
            rules: of the market.

        Raises:
            ValueError: there are no bars.
        """
        bars = tables.get("bars")
        if bars is None:
            raise ValueError("the simulation trades on the table 'bars'. Got none instead.")
        impact = rules.slippage.kind == "square_root"
        panel = Panel.from_table(bars, [*_BARS, *(["turnover"] if impact else [])], dates, symbols)
        halted, upper, lower = _status(tables.get("trading_status"), dates, symbols)
        turnover = volatility = None
        if impact:
            window = rules.slippage.window
            adjusted = tables.get("adjusted_bars")
            closes = Panel.from_table(
                bars if adjusted is None else adjusted, ["close"], dates, symbols
            )["close"]
            turnover = trailing_mean(panel["turnover"], window)
            volatility = trailing_deviation(closes, window)
        benchmark = tables.get("benchmark")
        rate = None if benchmark is None else series(benchmark, "risk_free_rate", dates)
        return cls(
            dates,
            symbols,
            panel["open"],
            panel["close"],
            panel["volume"],
            _events(tables.get("corporate_actions"), bars, dates, symbols, rules.dividends),
            halted,
            upper,
            lower,
            turnover,
            volatility,
            rate,
        )


def trailing_mean(values: FloatArray, window: int) -> FloatArray:
    """Mean of what is known in the `window` rows before each row, NaN without any, (T, N).

    Each window is summed anew, oldest first: the bits do not depend on where the rows begin.
    """
    total, count = _trailing_sums(values, window)
    mean: FloatArray = np.full(values.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean


def trailing_deviation(closes: FloatArray, window: int) -> FloatArray:
    """Standard deviation (ddof=1) of the simple returns in the `window` rows before each row.

    NaN with fewer than two returns; shape (T, N).
    """
    returns = np.full(closes.shape, np.nan)
    returns[1:] = closes[1:] / closes[:-1] - 1.0
    mean = trailing_mean(returns, window)
    squares, count = np.zeros(closes.shape), np.zeros(closes.shape)
    for back in range(min(window, len(closes) - 1), 0, -1):
        gap = returns[:-back] - mean[back:]
        known = ~np.isnan(gap)
        squares[back:] += np.where(known, gap * gap, 0.0)
        count[back:] += known
    deviation: FloatArray = np.full(closes.shape, np.nan)
    np.divide(squares, count - 1.0, out=deviation, where=count > 1)
    return np.sqrt(deviation)


def _trailing_sums(values: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    total, count = np.zeros(values.shape), np.zeros(values.shape)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    for back in range(min(window, len(values) - 1), 0, -1):
        total[back:] += filled[:-back]
        count[back:] += known[:-back]
    return total, count


def _status(
    status: pa.Table | None, dates: np.ndarray, symbols: np.ndarray
) -> tuple[np.ndarray | None, FloatArray | None, FloatArray | None]:
    if status is None or not status.num_rows:
        return None, None, None
    told = Panel.from_table(status, _STATUS, dates, symbols)
    return told["halted"] == 1.0, told["limit_up_price"], told["limit_down_price"]


def _events(
    actions: pa.Table | None,
    bars: pa.Table,
    dates: np.ndarray,
    symbols: np.ndarray,
    dividends: Dividends,
) -> ShareEvents | None:
    """The events of the range, as the adjustment of prices understands them.

    A right to buy new shares is sold for what it is worth. Events before the first session have
    happened to nobody's shares here.
    """
    if actions is None or not actions.num_rows or not len(dates):
        return None
    inside = pc.and_(
        pc.less_equal(actions["ex_date"], pa.scalar(_day(dates[-1]), pa.date32())),
        pc.greater(actions["ex_date"], pa.scalar(_day(dates[0]), pa.date32())),
    )
    actions = actions.filter(inside)
    actions = actions.filter(pc.is_in(actions["symbol"], pa.array(symbols.astype(object))))
    if not actions.num_rows:
        return None
    kept = pc.if_else(pc.equal(actions["kind"], "dividend"), 1.0 - dividends.withholding, 1.0)
    place = actions.column_names.index("cash")
    actions = actions.set_column(place, "cash", pc.multiply(actions["cash"], kept))
    named = pc.is_in(bars["symbol"], pc.unique(actions["symbol"]))
    history = bars.select(["date", "symbol", "close"]).filter(named)
    steps = factors(actions, history, dividends.interest_withholding)
    ratio = 1.0 / steps.volume
    days = (steps.keys % DAYS).astype("datetime64[D]")
    session = np.searchsorted(dates, days)
    column = np.searchsorted(symbols, steps.names[steps.keys // DAYS])
    # of a share worth p the payment leaves p x ratio / factor in shares
    cash = steps.close_before * (1.0 - ratio / steps.price)
    cash[ratio == steps.price] = 0.0
    order = np.lexsort((column, session))
    return ShareEvents(session[order], column[order], ratio[order], cash[order])


def _day(session: np.datetime64) -> date:
    day: date = session.astype("datetime64[D]").astype(object)
    return day
