"""What a strategy is: a name, typed parameters, the fields it reads, and target weights.

Here stand the base classes of the plugins and the data they are given. Finding plugins is the
registry's work, building the data from tables that of `backtests/data.py`, and trading on the
weights that of `backtests/simulation.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from quant_assets.settings_files import ConfigError

PANEL_FIELDS: Mapping[str, str] = {
    "open": "adjusted open, float64",
    "high": "adjusted high, float64",
    "low": "adjusted low, float64",
    "close": "adjusted close, float64",
    "volume": "adjusted shares traded, float64",
    "turnover": "traded value in the market's currency, float64",
    "average_turnover": "average turnover of the universe's window, float64",
    "age": "sessions since the listing, float64",
    "member": "whether the symbol belongs to the day's universe, bool",
    "halted": "whether it did not trade on the day, bool",
    "limit_up": "whether it closed at its upper limit, bool",
    "limit_down": "whether it closed at its lower limit, bool",
    "sector": "code of the sector, int64, -1 where unknown",
    "industry": "code of the industry, int64, -1 where unknown",
    "score": "the model's prediction, float64",
    "pe_ttm": "price over the earnings of the last four quarters, float64",
    "pb_mrq": "price over the book value of the most recent quarter, float64",
    "ps_ttm": "price over the sales of the last four quarters, float64",
    "pcf_ncf_ttm": "price over the net cash flow of the last four quarters, float64",
    "turnover_rate": "shares traded over those that can be traded, 0.01 is 1 %, float64",
}
SERIES_FIELDS: Mapping[str, str] = {
    "index_open": "open of the market's index, float64",
    "index_close": "close of the market's index, float64",
    "volatility_index": "close of the market's volatility index, float64",
    "risk_free_rate": "annual risk-free rate as a fraction, float64",
}
FACTOR = "factor:"
"""`factor:<library>.<name>` is the panel of a factor, float64, such as factor:style.reversal_5."""


def factor_of(field: str) -> tuple[str, str] | None:
    """(library, name) of a field `factor:<library>.<name>`; None for any other text."""
    library, dot, name = field.removeprefix(FACTOR).partition(".")
    well_formed = field.startswith(FACTOR) and library.isidentifier() and name.isidentifier()
    return (library, name) if well_formed and dot else None


def is_field(name: str) -> bool:
    """Whether a strategy may ask for a field of that name."""
    return name in PANEL_FIELDS or name in SERIES_FIELDS or factor_of(name) is not None


Grid = Mapping[str, tuple[Any, ...]]
"""Parameters and the values of each to try."""


class StrategyError(ConfigError):
    """A strategy that is unknown, badly written or given parameters out of bounds."""


class StrategyParameters(BaseModel):
    """Parameters of a strategy: every field typed, bounded, described and with a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class StrategyData:
    """What a strategy may read: its declared fields, rows in time order.

    Attributes:
        dates: sessions, `datetime64[D]`, ascending, shape (T,).
        symbols: ascending, shape (N,).
        fields: those of PANEL_FIELDS and factors with shape (T, N), those of SERIES_FIELDS with
            shape (T,). Row t holds what was known at the close of session t; NaN is missing,
            `member` and the other booleans are False where nothing is known.
    """

    dates: np.ndarray
    symbols: np.ndarray
    fields: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        for name, values in self.fields.items():
            shape = (len(self.dates), len(self.symbols))[: 1 if name in SERIES_FIELDS else 2]
            if values.shape != shape:
                raise ValueError(
                    f"field {name!r} of a strategy's data must have the shape {shape}. "
                    f"Got {values.shape} instead."
                )

    def __getitem__(self, field: str) -> np.ndarray:
        try:
            return self.fields[field]
        except KeyError:
            raise KeyError(
                f"the strategy reads {field!r} but its `needs` declare only "
                f"{', '.join(self.fields)}: add the field to `needs`, or to what `fields` returns"
            ) from None

    @property
    def shape(self) -> tuple[int, int]:
        """(sessions, symbols)."""
        return len(self.dates), len(self.symbols)


class Strategy(ABC):
    """A rule that turns what is known at the close of a session into target weights.

    A plugin is one file with one subclass that sets `name`, `title`, `description`, `family` and
    `needs`, gives its parameters as a class `Parameters` inside it, and writes `target_weights`.
    Instances hold no state.
    """

    name: ClassVar[str]
    """Identifier: lower-case letters, digits and underscores; the key of its partition."""
    title: ClassVar[str]
    """Name for people."""
    description: ClassVar[str]
    """What it does and where the idea comes from, in a sentence or two."""
    family: ClassVar[str]
    """Kind of strategy, such as `momentum`, by which pages group them."""
    needs: ClassVar[tuple[str, ...]]
    """Names of PANEL_FIELDS, SERIES_FIELDS and factors that it reads, whatever its parameters."""
    grid: ClassVar[Grid] = {}
    """One to three parameters worth a sweep, each with the values to try; none by default.

    Combinations that break a constraint of the parameters are left out of a sweep.
    """
    Parameters: ClassVar[type[StrategyParameters]] = StrategyParameters

    def fields(self, parameters: Any) -> tuple[str, ...]:
        """The fields that it reads with these parameters: `needs`, and what parameters name."""
        return self.needs

    @abstractmethod
    def target_weights(self, data: StrategyData, parameters: Any) -> np.ndarray:
        """Target weights as shares of equity, float64, shape (T, N).

        Row t is decided at the close of session t from rows <= t. A row of NaN is no decision: what
        is held stays held. A decided row has no NaN; 0 is not held, negative is short, and what the
        row's sum leaves of 1 is cash. Row t must have the same bits whatever follows it, wherever
        the range starts (`lookback` rows before t given) and whichever absent symbols are listed.
        """

    @abstractmethod
    def lookback(self, parameters: Any) -> int:
        """How many sessions before t the row t depends on."""

    def target_weights_of_each(
        self, data: StrategyData, parameter_sets: Iterable[Any]
    ) -> Iterator[np.ndarray]:
        """`target_weights` of many parameter sets, bit by bit the same, in their order.

        `data` holds the fields of all of them. A strategy overrides this where sets share work; an
        array that was yielded is not written again.
        """
        for parameters in parameter_sets:
            yield self.target_weights(data, parameters)

    def parse(self, values: Mapping[str, Any] | None = None) -> StrategyParameters:
        """Parameters from plain values; what is not given takes its default.

        Raises:
            StrategyError: a value is unknown, of the wrong type or out of bounds.
        """
        try:
            return self.Parameters.model_validate(dict(values or {}))
        except ValidationError as error:
            faults = "; ".join(_fault(fault) for fault in error.errors())
            known = ", ".join(self.Parameters.model_fields)
            raise StrategyError(
                f"strategy {self.name!r}: {faults} (its parameters: {known})"
            ) from None


def _fault(fault: Any) -> str:
    """`quantile: must be … Got 3 instead` of one of pydantic's faults."""
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{where}: no such parameter"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {message}. Got {fault['input']!r} instead" if where else message
