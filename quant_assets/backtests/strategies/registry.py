"""Which strategies there are: found as files, checked once, looked up by name.

Here stand discovery and the checks on how a plugin is written. What a strategy does with data is
not looked at here.
"""

import difflib
import importlib
import importlib.util
import inspect
import itertools
import pkgutil
import re
import sys
from collections.abc import Iterable, Mapping
from hashlib import blake2s
from pathlib import Path
from types import ModuleType

import quant_assets.backtests.strategies as package
from quant_assets.backtests.strategies.base import (
    FACTOR,
    PANEL_FIELDS,
    SERIES_FIELDS,
    Strategy,
    StrategyError,
    StrategyParameters,
    is_field,
)
from quant_assets.settings_research import Strategies

_NOT_PLUGINS = {"base", "registry"}
_MOST_SWEPT = 3  # parameters of a grid: a heat map shows two, a page several of them for a third


def discover(folders: Iterable[str | Path] = ()) -> dict[str, Strategy]:
    """All strategies by name, in alphabetic order: those shipped, then those of the folders.

    Every `*.py` of a folder is a plugin, except those whose names begin with an underscore.

    Args:
        folders: further folders with plugins of the user.

    Raises:
        StrategyError: a folder is absent, a file cannot be imported or holds not exactly one
            strategy, a strategy is badly written, or two have one name.
    """
    found: dict[str, Strategy] = {}
    for module in [*_shipped(), *_of_folders(folders)]:
        strategy = _strategy_of(module)
        if strategy.name in found:
            raise StrategyError(
                f"two strategies are named {strategy.name!r}: {_file(type(found[strategy.name]))} "
                f"and {module.__file__}; rename one"
            )
        found[strategy.name] = strategy
    return dict(sorted(found.items()))


def enabled_strategies(settings: Strategies) -> dict[str, Strategy]:
    """Those that strategies.yaml leaves switched on, by name.

    Raises:
        ConfigError: it names a strategy that there is not.
        StrategyError: as `discover`.
    """
    found = discover(settings.folders)
    return {name: found[name] for name in settings.enabled(found)}


def find(name: str, strategies: Mapping[str, Strategy] | None = None) -> Strategy:
    """The strategy of that name.

    Args:
        name: its name.
        strategies: where to look; by default those shipped.

    Raises:
        StrategyError: there is none; the message suggests names that are near.
    """
    strategies = discover() if strategies is None else strategies
    if name in strategies:
        return strategies[name]
    near = difflib.get_close_matches(name, strategies, n=2)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise StrategyError(f"no strategy {name!r}{hint} Known: {', '.join(strategies) or 'none'}.")


def _shipped() -> list[ModuleType]:
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    return [
        importlib.import_module(f"{package.__name__}.{name}")
        for name in sorted(set(names) - _NOT_PLUGINS)
    ]


def _of_folders(folders: Iterable[str | Path]) -> list[ModuleType]:
    modules = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise StrategyError(f"the folder of strategies {folder.absolute()} does not exist")
        modules += [
            _import(path) for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")
        ]
    return modules


def _import(path: Path) -> ModuleType:
    """Import a plugin by its path, under a name that no other file has."""
    digest = blake2s(str(path.resolve()).encode(), digest_size=4).hexdigest()
    name = f"quant_assets_plugins_{digest}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StrategyError(f"{path} cannot be imported as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks the module up to resolve annotations
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise StrategyError(
            f"the strategy file {path} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return module


def _strategy_of(module: ModuleType) -> Strategy:
    """The one strategy that a file defines, checked."""
    defined = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
    ]
    if len(defined) != 1:
        names = ", ".join(kind.__name__ for kind in defined)
        raise StrategyError(
            f"{module.__file__} must define exactly one subclass of Strategy. "
            f"Got {len(defined)}{f' ({names})' if names else ''} instead."
        )
    kind = defined[0]
    # What a strategy answers is asked only once it is written as it must be.
    faults = list(_faults(kind)) or list(_answers(kind()))
    if faults:
        raise StrategyError(f"{module.__file__}: class {kind.__name__}: {'; '.join(faults)}")
    strategy: Strategy = kind()
    return strategy


def _faults(kind: type[Strategy]) -> Iterable[str]:
    """What is wrong with the way a strategy is written."""
    for attribute in ("name", "title", "description", "family"):
        value = getattr(kind, attribute, None)
        if not isinstance(value, str) or not value.strip():
            yield f"`{attribute}` must be set to a text"
        elif attribute == "name" and not re.fullmatch(r"[a-z][a-z0-9_]*", value):
            yield (
                f"`name` must be of lower-case letters, digits and underscores. "
                f"Got {value!r} instead"
            )
    needs = getattr(kind, "needs", None)
    if not isinstance(needs, tuple) or not needs:
        yield "`needs` must be a tuple of the fields it reads"
    else:
        yield from _unknown_fields("`needs` names", needs)
    if missing := sorted(getattr(kind, "__abstractmethods__", ())):
        yield f"the methods {', '.join(missing)} must be written"
    yield from _parameter_faults(kind)


def _parameter_faults(kind: type[Strategy]) -> Iterable[str]:
    model = kind.Parameters
    if not (inspect.isclass(model) and issubclass(model, StrategyParameters)):
        yield "`Parameters` must be a subclass of StrategyParameters"
        return
    for name, field in model.model_fields.items():
        if not field.description:
            yield f"parameter `{name}` must have a description"
        if field.is_required():
            yield f"parameter `{name}` must have a default"


def _answers(strategy: Strategy) -> Iterable[str]:
    """What is wrong with a strategy's defaults, with the fields it asks for, with its grid."""
    try:
        defaults = strategy.parse()
        strategy.lookback(defaults)
        fields = strategy.fields(defaults)
    except Exception as error:
        yield f"its defaults do not work: {type(error).__name__}: {error}"
        return
    yield from _unknown_fields("`fields` returns", fields)
    if absent := sorted(set(strategy.needs) - set(fields)):
        yield f"`fields` leaves out {', '.join(absent)}, which `needs` names"
    yield from _grid_faults(strategy)


def _grid_faults(strategy: Strategy) -> Iterable[str]:
    grid = strategy.grid
    if not isinstance(grid, Mapping) or len(grid) > _MOST_SWEPT:
        yield f"`grid` must map at most {_MOST_SWEPT} parameters to values. Got {grid!r} instead"
        return
    for name, values in grid.items():
        if name not in strategy.Parameters.model_fields:
            yield f"`grid` names {name!r}, which is no parameter"
            return
        if not isinstance(values, tuple) or len(values) < 2 or _repeated(values):
            yield f"`grid` must give {name!r} a tuple of two or more different values"
            return
    allowed: set[tuple[str, str]] = set()
    faults: dict[tuple[str, str], str] = {}
    for chosen in itertools.product(*grid.values()):
        pairs = [(name, repr(value)) for name, value in zip(grid, chosen, strict=True)]
        try:
            strategy.parse(dict(zip(grid, chosen, strict=True)))
            allowed.update(pairs)
        except StrategyError as error:
            faults.update(dict.fromkeys(pairs, str(error)))
    for (name, value), fault in faults.items():
        if (name, value) not in allowed:
            yield f"`grid`: {name} = {value} is allowed in no combination: {fault}"


def _repeated(values: tuple[object, ...]) -> bool:
    return len({repr(value) for value in values}) < len(values)


def _unknown_fields(what: str, fields: Iterable[str]) -> Iterable[str]:
    if unknown := [name for name in fields if not is_field(name)]:
        known = ", ".join([*PANEL_FIELDS, *SERIES_FIELDS, f"{FACTOR}<library>.<name>"])
        yield f"{what} unknown fields {unknown}; known: {known}"


def _file(kind: type) -> str:
    return str(sys.modules[kind.__module__].__file__)
