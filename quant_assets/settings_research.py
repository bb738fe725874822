"""What a user may set of research: factors, mining, models and strategies.

The blocks of factors.yaml, mining.yaml, models.yaml and strategies.yaml, with their types and
bounds. How files and environment become settings stands in settings.py.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from quant_assets.settings_combined import CombinedSettings
from quant_assets.settings_files import Block, ConfigError, near_name
from quant_assets.settings_sweeps import OptimizationSettings, SweepSettings


class OwnExpression(Block):
    """A factor of a user's own: its formula and what the catalogue says of it."""

    formula: str = Field(min_length=1)
    type: str = "own"
    source: str = "factors.yaml"
    description: str = ""


class MarketFactors(Block):
    """What differs for the factors of a market: its libraries, derived fields by their formula."""

    libraries: list[str] | None = None
    definitions: dict[str, str] = {}


class FactorSettings(Block):
    """Which factors there are, and how all of them are evaluated (horizons in sessions).

    `libraries` are those computed, None: all. `definitions` are formulas of derived fields.
    `memory_mb` bounds what intermediate values of a library may take while it is computed, and
    `parallel_m` is how many parts of a library are computed at once.
    """

    horizons: tuple[int, ...] = (1, 5, 21)
    quantiles: int = Field(5, ge=2, le=5)
    libraries: list[str] | None = None
    disabled: dict[str, list[str]] = {}
    expressions: dict[str, str | OwnExpression] = {}
    definitions: dict[str, str] = {}
    markets: dict[str, MarketFactors] = {}
    memory_mb: int = Field(1024, ge=16)
    parallel_m: int = Field(1, ge=1, le=64)

    @field_validator("horizons")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or any(h < 1 or h > 252 for h in value) or list(value) != sorted(set(value)):
            raise ValueError(f"must be ascending sessions between 1 and 252. Got {value} instead")
        return value


class ModelSettings(Block):
    """A walk-forward model: features, label, windows (months or sessions, by name), parameters."""

    features: list[str] = ["style"]
    horizon: int = Field(5, ge=1, le=252)
    embargo: int = Field(5, ge=0, le=252)
    training_months: int = Field(36, ge=6)
    minimum_months: int = Field(18, ge=3)
    validation_months: int = Field(6, ge=1)
    sample_every: int = Field(5, ge=1, le=252)
    minimum_rows: int = Field(2000, ge=100)
    rounds: int = Field(300, ge=1)
    seed: int = 7
    parameters: dict[str, Any] = {}


class StrategySettings(Block):
    """A strategy's parameters where they differ from its defaults, in general and by market.

    `status` is a tag of its runs in MLflow.
    """

    enabled: bool = True
    status: Literal["research", "paper", "live", "retired"] = "research"
    parameters: dict[str, Any] = {}
    markets: dict[str, dict[str, Any]] = {}
    sweep: SweepSettings = SweepSettings()
    optimization: OptimizationSettings = OptimizationSettings()


class Strategies(Block):
    """The strategies, and further folders in which plugins are looked for.

    `only` are those that run; None: all that are not switched off.
    """

    folders: list[Annotated[str, Field(min_length=1)]] = []
    only: list[str] | None = None
    strategies: dict[str, StrategySettings] = {}
    combined: CombinedSettings = CombinedSettings()

    def parameters(self, strategy: str, market: str) -> dict[str, Any]:
        """What is set for a strategy on a market, where it differs from its own defaults."""
        settings = self.strategies.get(strategy, StrategySettings())
        return {**settings.parameters, **settings.markets.get(market, {})}

    def status(self, strategy: str) -> str:
        """How far a strategy has come."""
        return self.strategies.get(strategy, StrategySettings()).status

    def enabled(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are not switched off.

        Raises:
            ConfigError: a strategy is set that does not exist.
        """
        known = list(names)
        named = {f"strategies.{name}": name for name in self.strategies}
        named |= {f"only: {name}": name for name in self.only or ()}
        for place, name in named.items():
            if name not in known:
                near = near_name(name, known)
                raise ConfigError(f"strategies.yaml: {place}: no such strategy{near}")
        wanted = known if self.only is None else [name for name in known if name in self.only]
        return [n for n in wanted if self.strategies.get(n, StrategySettings()).enabled]


class StateMachine(Block):
    """An AWS Step Functions state machine whose executions are runs of factors of a market.

    `library` is that of executions whose input names none.
    """

    arn: str
    market: str
    library: str | None = None

    @field_validator("arn")
    @classmethod
    def _of_a_state_machine(cls, value: str) -> str:
        if not re.fullmatch(r"arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:[^:]+", value):
            raise ValueError(
                "must be arn:aws:states:<region>:<account>:stateMachine:<name>. "
                f"Got {value!r} instead"
            )
        return value

    @property
    def region(self) -> str:
        """The region, as the ARN has it."""
        return self.arn.split(":")[3]


class StepFunctionsSettings(Block):
    """AWS Step Functions as a source of factor runs; credentials are those of boto3's own chain."""

    state_machines: list[StateMachine] = []
    history: bool = True
    first_days: int = Field(90, ge=1, le=3650)
    requests_per_second: float = Field(10.0, gt=0, le=1000)


class MiningSettings(Block):
    """Where else factors are run, and how far back runs are reported.

    The knobs of the platform's own runs are the settings `thread_no` and `factors.parallel_m`.
    """

    report_days: int = Field(365, ge=1, le=3650)
    step_functions: StepFunctionsSettings = StepFunctionsSettings()
