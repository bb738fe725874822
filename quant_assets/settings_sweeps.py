"""What a user may set of parameter sweeps and searches of a strategy.

The blocks `sweep` and `optimization` of a strategy in strategies.yaml, with their types and bounds;
a run's own configuration has the same keys. Which parameters a strategy has is known to the
strategies: their names and values are checked when a space is made from them.
"""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from quant_assets.settings_files import Block


class ValueRange(Block):
    """Values from `low` to `high`, both included.

    With `count` that many, evenly spaced (`log`: by equal ratios); with `step` one every step,
    beginning with `low`. Without either a grid takes ten, a search any value between them.
    """

    low: float
    high: float
    step: float | None = Field(None, gt=0)
    count: int | None = Field(None, ge=2, le=1000)
    log: bool = False

    @model_validator(mode="after")
    def _a_range(self) -> "ValueRange":
        if not self.low < self.high:
            raise ValueError(f"low {self.low:g} must lie below high {self.high:g}")
        if self.step is not None and self.count is not None:
            raise ValueError("step and count exclude each other: give one of them")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs low above 0 and no step")
        return self


def _kind(value: Any) -> str:
    return "[range]" if isinstance(value, dict | ValueRange) else "[values]"


# None: every choice of the parameter, or the whole range between its bounds.
Values = (
    Annotated[
        Annotated[list[Any], Tag("[values]")] | Annotated[ValueRange, Tag("[range]")],
        Discriminator(_kind),
    ]
    | None
)
Grid = dict[str, Values]


class SweepSettings(Block):
    """A parameter sweep: the values of each swept parameter, and the metric that is maximised.

    Without a grid it is the strategy's own. `most_sets` guards against a grid that was meant to be
    smaller: each set is a whole backtest.
    """

    grid: Grid | None = None
    metric: str = "sharpe"
    most_sets: int = Field(5000, ge=1, le=100_000)

    @field_validator("grid")
    @classmethod
    def _values_given(cls, value: Grid | None) -> Grid | None:
        return _with_values(value)


class OptimizationSettings(Block):
    """A walk-forward search: windows in sessions, how many parameter sets a window may try.

    Each training window chooses by `metric`; after `embargo` sessions the choice is measured over
    the next `test_sessions`, and the windows move on by as many. `workers` are threads of one run;
    further runs with the same `storage` share the study. `storage` is a SQLAlchemy address such as
    postgresql+psycopg2://…; by default a journal file below the home.
    """

    space: Grid | None = None
    metric: str = "sharpe"
    trials: int = Field(30, ge=1, le=10_000)
    workers: int = Field(1, ge=1, le=64)
    training_sessions: int = Field(756, ge=20)
    test_sessions: int = Field(252, ge=5)
    embargo: int = Field(1, ge=0, le=252)
    seed: int = 7
    storage: str | None = None

    @field_validator("space")
    @classmethod
    def _values_given(cls, value: Grid | None) -> Grid | None:
        return _with_values(value)


def _with_values(grid: Grid | None) -> Grid | None:
    if grid is None:
        return None
    if not grid:
        raise ValueError("names no parameter: leave it out to take the strategy's own")
    for name, values in grid.items():
        if isinstance(values, list) and not values:
            raise ValueError(f"{name} has no values: give at least one")
    return grid
