"""Which strategies a market can run: what they read, held against the tables that it has.

Here stand what a market offers, as its settings tell it before anything is computed, and why a
strategy does not fit. Which table a field comes from stands in `data.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from quant_assets.backtests.data import columns_of
from quant_assets.backtests.strategies.base import PANEL_FIELDS, SERIES_FIELDS, Strategy
from quant_assets.factors.catalogue import catalogue
from quant_assets.market_data.sources.registry import source_class
from quant_assets.settings import Market, Settings
from quant_assets.warehouse.schemas import schema_of

_GROUPS = ("sector", "industry")
# The key of markets.yaml that gives a market a column.
_REMEDIES: Mapping[str, str] = {
    "sector": "markets.yaml: source.symbols.columns.sector",
    "industry": "markets.yaml: source.symbols.columns.industry",
    "index_open": "markets.yaml: index.open_column",
    "index_close": "markets.yaml: index",
    "volatility_index": "markets.yaml: volatility_index",
    "risk_free_rate": "markets.yaml: risk_free_rate",
}

Offer = Mapping[str, Collection[str]]
"""Table -> columns that a market fills."""


def offered(market: Market, settings: Settings) -> dict[str, frozenset[str]]:
    """The tables that strategies may read, with the columns that a market fills."""
    source = market.source
    listed = getattr(source, "symbols", None)  # of a simulated market it is a number
    groups = _GROUPS if market.simulated else tuple(getattr(listed, "columns", ()))
    further = source_class(market).further_tables(market)
    known = catalogue(settings.factors, market.name)
    return {
        "adjusted_bars": frozenset(PANEL_FIELDS),
        "universe": frozenset(PANEL_FIELDS) - set(_GROUPS) | (set(_GROUPS) & set(groups)),
        "benchmark": _series(market),
        "predictions": frozenset({"score"} if settings.models else ()),
        "valuations": frozenset(schema_of("valuations").names if "valuations" in further else ()),
        **{
            f"factors_{library}": frozenset(known.library(library).expressions)
            for library in known.names
        },
    }


def has_float_values(market: Market, settings: Settings) -> bool:
    """Whether a market tells what the tradable shares of its securities are worth."""
    return "turnover_rate" in offered(market, settings)["valuations"]


def _series(market: Market) -> frozenset[str]:
    if market.simulated:
        return frozenset(SERIES_FIELDS)
    there = {
        "index_close": market.index is not None,
        "index_open": market.index is not None and market.index.open_column is not None,
        "volatility_index": market.volatility_index is not None,
        "risk_free_rate": market.risk_free_rate is not None,
    }
    return frozenset(name for name, known in there.items() if known)


def fits(strategy: Strategy, available: Offer, parameters: Mapping[str, object]) -> str | None:
    """Why a market cannot run a strategy, None if it can.

    Args:
        strategy: the plugin.
        available: what the market offers.
        parameters: those that are set for it there.

    Raises:
        StrategyError: the parameters are out of bounds.
    """
    missing: list[str] = []
    for table, columns in columns_of(strategy, strategy.parse(parameters)).items():
        if not available.get(table):
            missing.append(_no_table(table))
            continue
        missing += [
            _no_column(table, column)
            for column in columns
            if column not in ("date", "symbol") and column not in available[table]
        ]
    return "; ".join(missing) or None


def _no_table(table: str) -> str:
    if table.startswith("factors_"):
        library = table.removeprefix("factors_")
        return f"the library of factors {library} is not computed (factors.yaml: libraries)"
    if table == "predictions":
        return "there is no model (models.yaml)"
    if table == "benchmark":
        return "there are no index, volatility index and risk-free rate (markets.yaml)"
    return f"the market's source has no {table}"


def _no_column(table: str, column: str) -> str:
    if table.startswith("factors_"):
        library = table.removeprefix("factors_")
        return f"the factor {library}.{column} is not computed (factors.yaml: disabled)"
    remedy = _REMEDIES.get(column, "its source does not deliver it")
    return f"the market has no {column} ({remedy})"


@dataclass(frozen=True)
class Fitting:
    """The strategies that a market can run, and why it cannot run the others; by name."""

    able: dict[str, Strategy]
    unable: dict[str, str]


def fitting(strategies: Mapping[str, Strategy], market: Market, settings: Settings) -> Fitting:
    """Which of the strategies a market can run with the parameters that are set for them there."""
    available = offered(market, settings)
    reasons = {
        name: fits(strategy, available, settings.strategies.parameters(name, market.name))
        for name, strategy in strategies.items()
    }
    return Fitting(
        {name: strategies[name] for name, reason in reasons.items() if reason is None},
        {name: reason for name, reason in reasons.items() if reason is not None},
    )
