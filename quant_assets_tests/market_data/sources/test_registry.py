"""The registry: every kind of the settings has its class, and the class the whole interface."""

import inspect
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from quant_assets.market_data.sources.base import Source
from quant_assets.market_data.sources.registry import SOURCES, open_source
from quant_assets.settings import Market
from quant_assets.settings_files import ConfigError
from quant_assets_tests.market_data.examples import files_market, market


def test_the_kinds_of_the_settings_are_the_registered_ones() -> None:
    blocks = get_args(Market.model_fields["source"].annotation)
    kinds = {kind for block in blocks for kind in get_args(block.model_fields["kind"].annotation)}
    assert kinds == SOURCES.keys()


@pytest.mark.parametrize("kind", SOURCES)
def test_a_registered_class_is_a_whole_source(kind: str) -> None:
    module, name = SOURCES[kind]
    source = getattr(import_module(module), name)
    assert issubclass(source, Source)
    assert not inspect.isabstract(source)


def test_a_market_gets_the_source_it_names(tmp_path: Path) -> None:
    assert open_source(market()).name == "simulated"
    assert open_source(files_market(tmp_path)).name == str(tmp_path)


def test_an_unregistered_kind_is_named() -> None:
    other: Any = SimpleNamespace(name="test", source=SimpleNamespace(kind="ticker_tape"))
    with pytest.raises(ConfigError, match=r"test\.source\.kind: no source 'ticker_tape'"):
        open_source(other)
