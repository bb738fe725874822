"""Settings held against what is registered: names of factors, strategies and markets, parameters.

What one value may be is checked where settings are read (settings.py); here is what only the
registries know, so that a slip shows when the graph is built and not in the middle of a run.
"""

from collections.abc import Iterable, Mapping

from quant_assets.backtests.availability import fitting
from quant_assets.backtests.strategies.base import Strategy, factor_of
from quant_assets.backtests.sweeps.measures import check_blocks
from quant_assets.factors.catalogue import OWN, catalogue
from quant_assets.factors.expressions.errors import ExpressionError
from quant_assets.factors.expressions.fields import DEFINITIONS, FIELDS
from quant_assets.factors.expressions.graph import Graph
from quant_assets.settings import Market, Settings
from quant_assets.settings_files import ConfigError, near_name
from quant_assets.settings_research import FactorSettings


def check_settings(settings: Settings, strategies: Mapping[str, Strategy]) -> None:
    """Check every name that the settings refer to, and the parameters of every strategy.

    Args:
        settings: the settings.
        strategies: the enabled ones by name.

    Raises:
        ConfigError: naming file, key and the nearest name there is.
    """
    markets = [*settings.markets, *settings.inactive]
    _check_factors(settings.factors, markets)
    for market in settings.markets:
        libraries = catalogue(settings.factors, market).names
        for model, block in settings.models.items():
            for library in block.features:
                _known(f"models.yaml: {model}.features", "library of factors", library, libraries)
    for strategy, choice in settings.strategies.strategies.items():
        for market in choice.markets:
            _known(f"strategies.yaml: strategies.{strategy}.markets", "market", market, markets)
    for market in settings.portfolio.markets:
        _known("portfolio.yaml: markets", "market", market, markets)
    for market in settings.markets:
        for name in settings.portfolio.of(market).strategies:
            _known("portfolio.yaml: strategies", "strategy", name, strategies)
    for machine in settings.mining.step_functions.state_machines:
        _known("mining.yaml: step_functions.state_machines", "market", machine.market, markets)
    for name, plugin in strategies.items():
        for market in settings.markets:
            try:
                parameters = plugin.parse(settings.strategies.parameters(name, market))
            except ConfigError as fault:
                raise ConfigError(f"strategies.yaml: on market {market}: {fault}") from None
            place = f"strategies.yaml: on market {market}: strategy {name!r}"
            _check_fields(place, plugin.fields(parameters), settings.factors)
        if name in settings.strategies.strategies:
            check_blocks(plugin, settings.strategies.strategies[name])
    for market in settings.markets:
        _check_blend(settings.markets[market], settings, strategies)


def _check_blend(market: Market, settings: Settings, strategies: Mapping[str, Strategy]) -> None:
    """The strategies whose blend a market's recommendations rank must be those that it can run."""
    portfolio = settings.portfolio.of(market.name)
    if portfolio.source == "strategies":
        unable = fitting(strategies, market, settings).unable
        for name in portfolio.strategies:
            if name in unable:
                raise ConfigError(
                    f"portfolio.yaml: strategies: {market.name} cannot run {name!r}: "
                    f"{unable[name]}; name others in markets.{market.name}.strategies"
                )


def _check_fields(place: str, fields: Iterable[str], factors: FactorSettings) -> None:
    """Factors that a strategy reads; whether a market computes them, availability.py tells."""
    named = [factor for field in fields if (factor := factor_of(field))]
    every = catalogue(FactorSettings(expressions=factors.expressions), "") if named else None
    for library, name in named:
        assert every is not None
        _known(place, "library of factors", library, every.names)
        _known(f"{place}: library {library}", "factor", name, every.library(library).expressions)


def _check_factors(factors: FactorSettings, markets: Iterable[str]) -> None:
    """Libraries, factors and markets that factors.yaml names, and its expressions."""
    unbounded = FactorSettings(expressions=factors.expressions)
    try:
        every = catalogue(unbounded, "")
    except ValueError as fault:
        raise ConfigError(f"factors.yaml: expressions: {fault}") from None
    chosen = {"libraries": factors.libraries or []}
    for market, block in factors.markets.items():
        _known("factors.yaml: markets", "market", market, markets)
        chosen[f"markets.{market}.libraries"] = block.libraries or []
    for place, libraries in chosen.items():
        for library in libraries:
            _known(f"factors.yaml: {place}", "library of factors", library, every.names)
    for library, disabled in factors.disabled.items():
        _known("factors.yaml: disabled", "library of factors", library, every.names)
        names = list(every.library(library).expressions)
        for name in disabled:
            _known(f"factors.yaml: disabled.{library}", "factor", name, names)
        if set(names) <= set(disabled):
            raise ConfigError(f"factors.yaml: disabled.{library}: no factor is left; keep one")
    _check_formulas("", factors.definitions, {})
    for market in factors.markets:
        given = {**factors.definitions, **factors.markets[market].definitions}
        _check_formulas(f"markets.{market}.", given, factors.definitions)
    for market in ("", *factors.markets):
        graph = Graph(catalogue(factors, market).definitions)
        for name in factors.expressions:
            _bind(graph, f"expressions.{name}", every.library(OWN).expressions[name])


def _check_formulas(place: str, given: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Derived fields, but for those that are as they are known."""
    graph = Graph({**DEFINITIONS, **given})
    for name, text in given.items():
        _known(f"factors.yaml: {place}definitions", "field", name, [*FIELDS, "adv"])
        if known.get(name) != text:
            _bind(graph, f"{place}definitions.{name}", text.replace("{d}", "20"))


def _bind(graph: Graph, place: str, formula: str) -> None:
    try:
        graph.add(formula)
    except ExpressionError as fault:
        raise ConfigError(f"factors.yaml: {place}: {fault}") from None


def _known(place: str, what: str, name: str, names: Iterable[str]) -> None:
    known = list(names)
    if name not in known:
        hint = near_name(name, known) or f"; there are {', '.join(known)}"
        raise ConfigError(f"{place}: no {what} {name!r}{hint}")
