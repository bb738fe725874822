"""The catalogue of factors: libraries of named expressions, read from files, looked up by name.

Here stand what a factor and a library are and how they are found. The libraries themselves are the
YAML files of `factors/library/` and a user's own expressions from factors.yaml; what an expression
means is the business of `factors/expressions/`. By standing in a library a factor is computed,
evaluated and put to the prefix test.
"""

import difflib
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from quant_assets.factors.expressions import fields
from quant_assets.factors.expressions.graph import Graph
from quant_assets.settings_research import FactorSettings, MarketFactors

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
    "correlation",
    "own",
)
# The library of a user's own expressions.
OWN = "own"


class UnknownFactorError(KeyError):
    """A library or a factor that does not exist; the message offers the nearest names."""

    def __str__(self) -> str:  # KeyError would show the message in quotes
        return str(self.args[0])


@dataclass(frozen=True)
class Factor:
    """One factor.

    Attributes:
        name: unique over all libraries, lower case; the name of its column.
        library: the library whose table holds it.
        type: one of TYPES; groups factors in summaries.
        formula: the expression that is computed.
        source: the paper or report it comes from.
        description: what it measures, where the library says so.
        published: the formula as printed, where another one is computed.
        reading: why, or which of several readings was taken.
    """

    name: str
    library: str
    type: str
    formula: str
    source: str
    description: str = ""
    published: str = ""
    reading: str = ""

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(
                f"factor {self.name!r}: its type must be one of {', '.join(TYPES)}. "
                f"Got {self.type!r} instead."
            )
        keys = ("date", "symbol")
        if not self.name.isidentifier() or self.name != self.name.lower() or self.name in keys:
            raise ValueError(
                f"factor {self.name!r}: its name must be lower-case letters, digits and _, "
                "not a digit first, and neither date nor symbol: it is the name of a column."
            )


@dataclass(frozen=True)
class Excluded:
    """A published formula that cannot be computed, and why."""

    name: str
    published: str
    reason: str


@dataclass(frozen=True)
class Library:
    """Factors that share a table `factors_<name>`."""

    name: str
    title: str
    source: str
    factors: tuple[Factor, ...]
    conventions: str = ""
    excluded: tuple[Excluded, ...] = ()

    @property
    def expressions(self) -> dict[str, str]:
        """Name -> formula."""
        return {factor.name: factor.formula for factor in self.factors}


class Catalogue:
    """Libraries by name; every factor's name is unique over all of them."""

    def __init__(
        self,
        libraries: Iterable[Library],
        definitions: Mapping[str, str] = fields.DEFINITIONS,
    ) -> None:
        """`definitions` are the derived fields that formulas may read; see fields.DEFINITIONS."""
        self.definitions = dict(definitions)
        self._libraries: dict[str, Library] = {}
        self._factors: dict[str, Factor] = {}
        for library in libraries:
            for factor in library.factors:
                known = self._factors.setdefault(factor.name, factor)
                if known is not factor:
                    raise ValueError(
                        f"factor {factor.name!r} of library {library.name!r} is in "
                        f"{known.library!r} already: give it another name"
                    )
            self._libraries[library.name] = library

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all libraries, sorted."""
        return tuple(sorted(self._libraries))

    @property
    def types(self) -> dict[str, str]:
        """The type of every factor."""
        return {name: factor.type for name, factor in self._factors.items()}

    def library(self, name: str) -> Library:
        """The library of that name.

        Raises:
            UnknownFactorError: there is none.
        """
        return self._libraries[_known(name, self._libraries, "no factor library")]

    def factor(self, name: str) -> Factor:
        """The factor of that name, whichever library it is in.

        Raises:
            UnknownFactorError: there is none.
        """
        return self._factors[_known(name, self._factors, "no factor")]

    def version(self, library: str) -> str:
        """A hash of what a library computes: the same as long as all its formulas mean the same."""
        graph = Graph(self.definitions)
        lines = [
            f"{f.name} {graph.digest(graph.add(f.formula))}" for f in self.library(library).factors
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def without(self, disabled: Mapping[str, Collection[str]]) -> "Catalogue":
        """The same, less those factors of each library; an emptied library goes as well.

        Raises:
            UnknownFactorError: a library or a factor that does not exist.
        """
        left = dict(self._libraries)
        for name, names in disabled.items():
            what = f"factors.yaml: disabled: library {name!r} has no factor"
            library = left[_known(name, left, "factors.yaml: disabled: no factor library")]
            out = {_known(each, library.expressions, what) for each in names}
            kept = tuple(factor for factor in library.factors if factor.name not in out)
            left[name] = replace(library, factors=kept)
        return Catalogue((each for each in left.values() if each.factors), self.definitions)

    def only(self, names: Iterable[str]) -> "Catalogue":
        """The same, with those libraries alone.

        Raises:
            UnknownFactorError: a library that does not exist.
        """
        return Catalogue((self.library(name) for name in names), self.definitions)


@cache
def built_in() -> tuple[Library, ...]:
    """The libraries of the package, by name."""
    files = resources.files("quant_assets.factors.library")
    found = [each for each in files.iterdir() if each.name.endswith(".yaml")]
    return tuple(_read(each.read_text("utf-8"), each.name) for each in sorted(found, key=str))


def own(expressions: Mapping[str, str | Mapping[str, Any]]) -> Library:
    """The library of a user's own expressions: name -> formula, or a block with `formula`.

    Raises:
        ValueError: a name that cannot be a column, or an unknown type.
    """
    blocks = {
        name: {"formula": given} if isinstance(given, str) else dict(given)
        for name, given in expressions.items()
    }
    factors = tuple(
        Factor(name, OWN, **{"type": "own", "source": "factors.yaml", **block})
        for name, block in blocks.items()
    )
    return Library(OWN, "Expressions of factors.yaml", "factors.yaml", factors)


def catalogue(settings: FactorSettings, market: str) -> Catalogue:
    """The libraries of a market as factors.yaml has them: the chosen ones, less what is disabled.

    Raises:
        UnknownFactorError: factors.yaml names a library or a factor that does not exist.
        ValueError: an own expression cannot be one.
    """
    here = settings.markets.get(market, MarketFactors())
    definitions = {**fields.DEFINITIONS, **settings.definitions, **here.definitions}
    blocks = {
        name: given if isinstance(given, str) else given.model_dump()
        for name, given in settings.expressions.items()
    }
    every = Catalogue([*built_in(), *([own(blocks)] if blocks else [])], definitions)
    left = every.without(settings.disabled)
    wanted = settings.libraries if here.libraries is None else here.libraries
    if wanted is None:
        return left
    return left.only(dict.fromkeys([*wanted, *([OWN] if blocks else [])]))


def _read(text: str, file: str) -> Library:
    import yaml

    # The C loader, where PyYAML has it, reads 450 formulas in a tenth of the time.
    block = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    name = block["library"]
    if f"{name}.yaml" != file:
        raise ValueError(f"{file}: its library is named {name!r}: the file must be {name}.yaml")
    return Library(
        name,
        block["title"],
        block["source"],
        tuple(
            Factor(**{"library": name, "source": block["source"], **each})
            for each in block["factors"]
        ),
        block.get("conventions", ""),
        tuple(Excluded(**each) for each in block.get("excluded", ())),
    )


def _known(name: str, among: Iterable[str], what: str) -> str:
    names = list(among)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names[:40])}"
    raise UnknownFactorError(f"{what} {name!r}; {hint}")
