"""From a portfolio of strategies to the data of its tear sheet.

Belongs here: what the page says of a portfolio, which holds strategies instead of securities. The
portfolios are made in backtests/combined, the page in page/.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from quant_assets.backtests.combined.portfolio import Portfolio, Portfolios
from quant_assets.performance.market_days import MarketDays
from quant_assets.performance.page.render import render
from quant_assets.performance.page.sheet_data import Activity, SheetData
from quant_assets.settings import Market
from quant_assets.settings_combined import CombinedSettings

# What decides about a portfolio, of the settings of all that is combined.
_DECIDING = (
    *("window", "minimum_sessions", "regime_window", "regime_sessions"),
    "switching_bps",
)


def portfolio_sheet(
    portfolio: Portfolio,
    days: MarketDays,
    market: Market,
    settings: CombinedSettings,
    warnings: Sequence[str] = (),
) -> SheetData:
    """The sheet of one portfolio.

    Args:
        portfolio: with at least one day.
        days: the market by day, of days among which are those of the portfolio.
        market: for its name.
        settings: the portfolio was made with.
        warnings: sentences for the reader.
    """
    rows = np.searchsorted(days.dates, portfolio.dates)
    index = days.index[rows]
    method = portfolio.method
    parameters: dict[str, Any] = {name: getattr(settings, name) for name in _DECIDING}
    return SheetData(
        kind="portfolio",
        name=method.name,
        title=f"Strategies by {method.title[:1].lower()}{method.title[1:]}",
        description=method.description,
        market_title=market.title,
        calendar=market.calendar,
        currency=market.currency,
        dates=portfolio.dates,
        returns=portfolio.net,
        annualization=market.annualization,
        benchmark=index if np.isfinite(index).any() else None,
        benchmark_title=market.index_title,
        regimes=days.known,
        risk_free=days.risk_free[rows],
        gross_returns=portfolio.gross,
        activity=Activity(turnover=portfolio.turnover, cost=portfolio.cost),
        facts={
            "Holds": "strategies, each after its own costs; turnover and costs are those of "
            "switching between them",
            "Decided": "on the first session of a month from the closes before it, switched at "
            "that session's close",
        },
        parameters=parameters,
        warnings=tuple(warnings),
        simulated=market.simulated,
    )


def portfolio_sheets(
    made: Portfolios,
    days: MarketDays,
    market: Market,
    settings: CombinedSettings,
    warnings: Sequence[str] = (),
) -> dict[str, str]:
    """The page of each portfolio that has a day, by method; arguments as in `portfolio_sheet`."""
    return {
        name: render(portfolio_sheet(each, days, market, settings, [*warnings, *made.notes]))
        for name, each in made.of.items()
        if len(each.dates)
    }
