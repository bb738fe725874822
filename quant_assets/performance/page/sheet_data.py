"""What a tear sheet is made of, whatever its subject: a strategy, a portfolio or a model.

Belongs here: the fields, their shapes, and the check that they fit together. Not here: how a
subject fills them (tear_sheet.py for a strategy, model_sheet.py for a model), nor what is shown.

Only the returns are needed. What a subject does not have is None or empty, and its sections are
left out of the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.regimes import Regimes

Kind = Literal["strategy", "portfolio", "model"]


class Trials(Protocol):
    """How many parameter sets were ever tried on the same data, and how their results differ."""

    @property
    def count(self) -> int:
        """Trials, each counted once."""

    @property
    def variance_of_sharpes(self) -> float:
        """Variance of their Sharpe ratios per session (not annual); NaN with fewer than two."""


@dataclass(frozen=True)
class Activity:
    """The account day by day, as shares of equity; each of shape (T,), None where not known.

    Attributes:
        turnover: traded value, purchases plus sales.
        cost: all trading costs.
        long_exposure: sum of the positive weights.
        short_exposure: sum of the sizes of the negative weights, 0 or positive.
        positions: number of securities held.
        cash: what is left of equity, negative where borrowed.
        borrow_cost: paid for short positions.
        tax: income tax, from the sale on; below 0 where a later loss takes it back.
        dividends: received.
        interest: received on cash.
    """

    turnover: FloatArray | None = None
    cost: FloatArray | None = None
    long_exposure: FloatArray | None = None
    short_exposure: FloatArray | None = None
    positions: FloatArray | None = None
    cash: FloatArray | None = None
    borrow_cost: FloatArray | None = None
    tax: FloatArray | None = None
    dividends: FloatArray | None = None
    interest: FloatArray | None = None


@dataclass(frozen=True)
class Holdings:
    """What was held and traded, symbol by symbol.

    Attributes:
        positions: date, symbol, weight, and value where known; one row a symbol and close.
        fills: date, symbol, quantity (negative: sold), price, and the costs commission, stamp_tax
            and slippage in money; None where trades are not known.
        sectors: symbol -> sector, the last known.
    """

    positions: pa.Table
    fills: pa.Table | None = None
    sectors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Forecast:
    """How well a model ordered the securities.

    Attributes:
        dates: decision days, `datetime64[D]`, shape (D,).
        rank_ic: rank correlation of scores and returns of each day, shape (D,), NaN where none.
        horizon: sessions that the returns span.
        importance: feature -> share of the model's gain, where known.
    """

    dates: np.ndarray
    rank_ic: FloatArray
    horizon: int
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Lineage:
    """Where the numbers come from; texts are empty where not known.

    Attributes:
        data_hash: of the data behind the returns.
        run_id: Dagster run that made the returns.
        run_url: its page.
        tracking_url: page of its run in MLflow.
    """

    data_hash: str = ""
    run_id: str = ""
    run_url: str = ""
    tracking_url: str = ""


@dataclass(frozen=True)
class SheetData:
    """One subject of a tear sheet.

    Attributes:
        kind: what it is.
        name: identifier.
        title: name for people.
        description: what it does, in a sentence or two.
        market_title: market on whose sessions it was measured.
        calendar: of the market, a name of exchange_calendars.
        currency: of the market.
        dates: sessions, `datetime64[D]`, ascending, shape (T,).
        returns: daily simple returns, shape (T,), after costs unless it is a model's; NaN is a day
            without one.
        annualization: sessions a year.
        benchmark: returns of the benchmark on the same days, shape (T,); NaN where it has none.
        benchmark_title: its name.
        regimes: of the market, as known at each close; None where there is no index.
        risk_free: annual rate by day as a fraction, shape (T,), NaN where not known.
        gross_returns: before costs, shape (T,).
        capital: money at the start; None where returns are not those of an account.
        activity: the account day by day.
        holdings: what was held and traded.
        forecast: of a model.
        facts: further facts for the header, such as how it is traded, by heading.
        parameters: what it ran with.
        lineage: where the numbers come from.
        trials: tried on the same data; None where they are not counted.
        warnings: sentences about what a reader must know.
        simulated: whether the market is made up.
        links: further pages by name, such as QuantStats' report; addresses may be relative.
    """

    kind: Kind
    name: str
    title: str
    description: str
    market_title: str
    calendar: str
    currency: str
    dates: np.ndarray
    returns: FloatArray
    annualization: float
    benchmark: FloatArray | None = None
    benchmark_title: str = "Benchmark"
    regimes: Regimes | None = None
    risk_free: FloatArray | None = None
    gross_returns: FloatArray | None = None
    capital: float | None = None
    activity: Activity = Activity()
    holdings: Holdings | None = None
    forecast: Forecast | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    lineage: Lineage = Lineage()
    trials: Trials | None = None
    warnings: Sequence[str] = ()
    simulated: bool = False
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def market_label(self) -> str:
        """The market's title, with `simulated data` where it is made up."""
        return f"{self.market_title} (simulated data)" if self.simulated else self.market_title

    @property
    def costs_told(self) -> str:
        """Whether returns are after costs: those of a model are on paper."""
        return "before costs, on paper" if self.kind == "model" else "after costs"

    def __post_init__(self) -> None:
        days = len(self.dates)
        series = {
            "returns": self.returns,
            "benchmark": self.benchmark,
            "risk_free": self.risk_free,
            "gross_returns": self.gross_returns,
            **{f"activity.{name}": values for name, values in vars(self.activity).items()},
        }
        for name, values in series.items():
            if values is not None and np.shape(values) != (days,):
                raise ValueError(
                    f"{name} of a tear sheet must have the shape ({days},), that of its dates. "
                    f"Got {np.shape(values)} instead."
                )
        if days > 1 and not (self.dates[1:] > self.dates[:-1]).all():
            raise ValueError("the dates of a tear sheet must be ascending, each once.")
