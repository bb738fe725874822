"""Settings of portfolio construction: what the daily recommendations rank, size and are held to.

The blocks of portfolio.yaml. How a limit cuts an order is told in `backtests/portfolio/`; here
stand types, bounds and defaults only. Lots, capital and the band are rules of trading and stand in
settings_trading.py.
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from quant_assets.settings_files import Block, ConfigError, checked

Method = Literal[
    "equal",
    "inverse_volatility",
    "equal_risk_contribution",
    "hierarchical_risk_parity",
    "minimum_variance",
    "black_litterman",
    "kelly",
]


class Limits(Block):
    """What every day's orders are held to; all but the correlation are shares of equity.

    Attributes:
        position: the largest weight of one security, long or short.
        sector: the largest sum of weights of a sector, of long and of short positions each.
        sectors_by: column of the universe by which securities are grouped; one that is not known
            is not limited.
        correlation: a security is left out if it correlates higher with a better-ranked one.
        turnover: bought plus sold on a day.
        smallest_change: of a position; smaller ones are not traded (nor are those within the band
            of the market's trading, whichever is larger).
    """

    position: float = Field(0.05, gt=0, le=1)
    sector: float = Field(0.3, gt=0, le=1)
    sectors_by: Literal["sector", "industry"] = "sector"
    correlation: float = Field(0.8, gt=0, le=1)
    turnover: float = Field(0.5, gt=0, le=4)
    smallest_change: float = Field(0.002, ge=0, lt=1)


class PortfolioSettings(Block):
    """How a market's recommendations are made.

    Attributes:
        source: ranked are the scores of the model, or a blend of strategies' target weights.
        strategies: share of each strategy in the blend.
        method: how weights follow from covariances (and scores). Black-Litterman's prior is the
            market's portfolio of what is held: by the value of the tradable shares where the market
            has turnover rates, else by average traded values.
        names: how many securities are held on a side.
        direction: long only, or as much short as long.
        gross: long plus short positions as a share of equity; above 1 only dollar neutral.
        volatility_target: annual, of the whole portfolio; positions are scaled down to it. None:
            they are not.
        confidence_power: a size is multiplied by its confidence (0 to 1) to this power; 0: not.
        lookback: sessions of returns from which covariances are estimated.
        minimum_returns: a security with fewer of them is not bought.
        shrinkage: covariances as Ledoit and Wolf shrink them, or those of the sample.
        information_coefficient: of the scores, by which expected returns follow from them
            (black_litterman, kelly): coefficient x volatility x standard score.
        horizon: sessions to which that coefficient applies, those of the model's label.
        kelly_fraction: of the full Kelly bet.
        limits: on positions, sectors, correlation and turnover.
    """

    source: Literal["model", "strategies"] = "model"
    strategies: dict[str, float] = {}
    method: Method = "hierarchical_risk_parity"
    names: int = Field(30, ge=1, le=500)
    direction: Literal["long_only", "dollar_neutral"] = "long_only"
    gross: float = Field(1.0, gt=0, le=4)
    volatility_target: float | None = Field(0.15, gt=0, le=2)
    confidence_power: float = Field(1.0, ge=0, le=4)
    lookback: int = Field(126, ge=20, le=756)
    minimum_returns: int = Field(120, ge=10, le=756)
    shrinkage: bool = True
    information_coefficient: float = Field(0.03, gt=0, le=0.5)
    horizon: int = Field(5, ge=1, le=252)
    kelly_fraction: float = Field(0.5, gt=0, le=1)
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _consistent(self) -> "PortfolioSettings":
        if self.gross > 1 and self.direction == "long_only":
            raise ValueError(
                f"gross must be at most 1 for long_only: cash is not borrowed. Got {self.gross}"
            )
        if self.minimum_returns > self.lookback:
            raise ValueError(
                f"minimum_returns must be at most lookback, {self.lookback}. "
                f"Got {self.minimum_returns}"
            )
        if self.source == "strategies" and not self.strategies:
            raise ValueError("strategies must name at least one when the source is `strategies`")
        for name, share in self.strategies.items():
            if not 0 < share <= 1:
                raise ValueError(
                    f"the share of {name} must lie above 0 and at most at 1. Got {share}"
                )
        return self


class Portfolio(PortfolioSettings):
    """The settings of all markets, and what differs for one."""

    markets: dict[str, dict[str, Any]] = {}

    def of(self, market: str) -> PortfolioSettings:
        """The settings of a market.

        Raises:
            ConfigError: what is set for the market does not fit; it names file and key.
        """
        common = self.model_dump(exclude={"markets"})
        over = self.markets.get(market, {})
        limits = over.get("limits", {})
        if not isinstance(limits, dict):
            raise ConfigError(
                f"portfolio.yaml: markets.{market}.limits: must hold keys and values. "
                f"Got {limits!r} instead"
            )
        values = {**common, **over, "limits": {**common["limits"], **limits}}
        return checked(PortfolioSettings, "portfolio.yaml", f"markets.{market}", values)
