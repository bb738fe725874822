"""The registry of factors: what a factor is, how it is registered, how it is found again.

Here stand the description of a factor and the look-up by library and name. The factors themselves
stand in `factors/library/`, a module or a package a library; a factor is registered by decorating
its function, and by being registered it is computed, evaluated and put to the prefix test.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from quant_assets.factors.inputs import FactorInputs, FloatArray

TYPES = (
    "momentum",
    "reversal",
    "volatility",
    "liquidity",
    "size",
    "volume",
    "distribution",
    "price",
    "quality",
)
INPUTS = ("open", "high", "low", "close", "volume", "turnover", "benchmark")
FactorFunction = Callable[[FactorInputs], FloatArray]


class UnknownFactorError(KeyError):
    """A library or a factor that is not registered; the message offers the nearest names."""

    def __str__(self) -> str:  # KeyError would show the message in quotes
        return str(self.args[0])


@dataclass(frozen=True)
class Factor:
    """One factor.

    Attributes:
        name: unique over all libraries, lower case; the name of its column.
        library: the library whose table holds it.
        type: one of TYPES; groups factors in summaries.
        lookback: sessions before the day that its value of the day needs: exact, no more, no less.
        source: the paper it comes from.
        formula: the definition in words and signs; t is the day.
        inputs: what it reads, of INPUTS.
        function: FactorInputs -> float64 (symbols, sessions), NaN where it is not defined.
    """

    name: str
    library: str
    type: str
    lookback: int
    source: str
    formula: str
    inputs: tuple[str, ...]
    function: FactorFunction

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(
                f"factor {self.name!r}: its type must be one of {', '.join(TYPES)}. "
                f"Got {self.type!r} instead."
            )
        unknown = [name for name in self.inputs if name not in INPUTS]
        if unknown or not self.inputs:
            raise ValueError(
                f"factor {self.name!r}: its inputs must be some of {', '.join(INPUTS)}. "
                f"Got {self.inputs} instead."
            )
        if self.lookback < 0:
            raise ValueError(f"factor {self.name!r}: its look-back is negative: {self.lookback}")


_FACTORS: dict[str, dict[str, Factor]] = {}


def factor(
    name: str,
    library: str,
    type: str,
    lookback: int,
    source: str,
    formula: str,
    inputs: Iterable[str],
) -> Callable[[FactorFunction], FactorFunction]:
    """Register the decorated function as a factor; the arguments are those of `Factor`."""

    def decorate(function: FactorFunction) -> FactorFunction:
        register(Factor(name, library, type, lookback, source, formula, tuple(inputs), function))
        return function

    return decorate


def register(new: Factor) -> None:
    """Add a factor; its name must be new in every library."""
    for library, known in _FACTORS.items():
        if new.name in known:
            raise ValueError(
                f"factor {new.name!r} of library {new.library!r} is registered already "
                f"in {library!r}: give it another name"
            )
    _FACTORS.setdefault(new.library, {})[new.name] = new


def unregister(name: str, library: str) -> None:
    """Take a factor out again."""
    factors = _FACTORS[_known_library(library)]
    del factors[_known(name, factors, f"library {library!r} has no factor")]
    if not factors:
        del _FACTORS[library]


def libraries() -> tuple[str, ...]:
    """The names of all libraries, sorted."""
    _load()
    return tuple(sorted(_FACTORS))


def factors_of(library: str) -> tuple[Factor, ...]:
    """The factors of a library in the order of their registration.

    Raises:
        UnknownFactorError: no such library.
    """
    return tuple(_FACTORS[_known_library(library)].values())


def factor_of(name: str) -> Factor:
    """The factor of that name, whichever library it is in.

    Raises:
        UnknownFactorError: no such factor.
    """
    _load()
    every = {key: value for factors in _FACTORS.values() for key, value in factors.items()}
    return every[_known(name, every, "no factor")]


def select(
    library: str, names: Iterable[str] | None = None, disabled: Collection[str] = ()
) -> tuple[Factor, ...]:
    """The factors of a library that are wanted and not switched off, in registered order.

    Args:
        library: the library.
        names: the wanted ones; by default all.
        disabled: those left out, as `factors.yaml` lists them.

    Raises:
        UnknownFactorError: a library, a wanted or a disabled name that is not registered.
    """
    factors = {each.name: each for each in factors_of(library)}
    what = f"library {library!r} has no factor"
    wanted = set(factors) if names is None else {_known(name, factors, what) for name in names}
    left_out = {_known(name, factors, f"factors.yaml: disabled: {what}") for name in disabled}
    return tuple(each for name, each in factors.items() if name in wanted - left_out)


def _load() -> None:
    """Import every module below the library package once; importing registers."""
    package = importlib.import_module("quant_assets.factors.library")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)


def _known_library(name: str) -> str:
    _load()
    return _known(name, _FACTORS, "no factor library")


def _known(name: str, among: Iterable[str], what: str) -> str:
    names = list(among)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"
    raise UnknownFactorError(f"{what} {name!r}; {hint}")
