"""Settings held against what is registered: names of factors, strategies and markets, parameters.

What one value may be is checked where settings are read (settings.py); here is what only the
registries know, so that a slip shows when the graph is built and not in the middle of a run.
"""

from collections.abc import Iterable, Mapping

from quant_assets.backtests.strategies.base import Strategy
from quant_assets.factors import registry
from quant_assets.settings import Settings
from quant_assets.settings_files import ConfigError, near_name


def check_settings(settings: Settings, strategies: Mapping[str, Strategy]) -> None:
    """Check every name that the settings refer to, and the parameters of every strategy.

    Args:
        settings: the settings.
        strategies: the enabled ones by name.

    Raises:
        ConfigError: naming file, key and the nearest name there is.
    """
    libraries = registry.libraries()
    for library, disabled in settings.factors.disabled.items():
        _known("factors.yaml: disabled", "library of factors", library, libraries)
        factors = [factor.name for factor in registry.factors_of(library)]
        for name in disabled:
            _known(f"factors.yaml: disabled.{library}", "factor", name, factors)
        if set(factors) <= set(disabled):
            raise ConfigError(f"factors.yaml: disabled.{library}: no factor is left; keep one")
    for model, block in settings.models.items():
        for library in block.features:
            _known(f"models.yaml: {model}.features", "library of factors", library, libraries)
    markets = [*settings.markets, *settings.inactive]
    for strategy, choice in settings.strategies.strategies.items():
        for market in choice.markets:
            _known(f"strategies.yaml: strategies.{strategy}.markets", "market", market, markets)
    for name, plugin in strategies.items():
        for market in settings.markets:
            try:
                plugin.parse(settings.strategies.parameters(name, market))
            except ConfigError as fault:
                raise ConfigError(f"strategies.yaml: on market {market}: {fault}") from None


def _known(place: str, what: str, name: str, names: Iterable[str]) -> None:
    known = list(names)
    if name not in known:
        hint = near_name(name, known) or f"; there are {', '.join(known)}"
        raise ConfigError(f"{place}: no {what} {name!r}{hint}")
