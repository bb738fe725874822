"""The registry of sources: the `kind` of a market's settings -> the class that reads it.

Adding a source: a settings class with its `kind` (settings_sources.py), a subclass of `Source` in a
module of its own, and a line here.
"""

from importlib import import_module

from quant_assets.market_data.sources.base import Source
from quant_assets.settings import Market
from quant_assets.settings_files import ConfigError

# Modules are named, not imported: a market pays only for the source it uses.
SOURCES: dict[str, tuple[str, str]] = {
    "b3": ("quant_assets.market_data.sources.b3.source", "B3"),
    "cn_daily": ("quant_assets.market_data.sources.cn_daily", "CnDaily"),
    "files": ("quant_assets.market_data.sources.files", "Files"),
    "simulated": ("quant_assets.market_data.sources.simulated", "Simulated"),
}


def source_class(market: Market) -> type[Source]:
    """The class that reads a market's source.

    Raises:
        ConfigError: no source is registered under the kind that the settings name.
    """
    kind = market.source.kind
    if kind not in SOURCES:
        raise ConfigError(
            f"markets.yaml: {market.name}.source.kind: no source {kind!r}; "
            f"there are {', '.join(SOURCES)}"
        )
    module, name = SOURCES[kind]
    found: type[Source] = getattr(import_module(module), name)
    assert issubclass(found, Source)
    return found


def open_source(market: Market) -> Source:
    """The source of a market.

    Raises:
        ConfigError: no source is registered under the kind that the settings name.
    """
    return source_class(market)(market)
