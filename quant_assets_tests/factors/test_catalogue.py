"""The catalogue: what libraries hold, look-up, the settings' choice, errors that help."""

import re
from collections import Counter

import pytest

from quant_assets.factors.catalogue import (
    OWN,
    TYPES,
    Catalogue,
    Factor,
    Library,
    UnknownFactorError,
    built_in,
    catalogue,
    own,
)
from quant_assets.factors.expressions.fields import DEFINITIONS, FIELDS
from quant_assets.factors.expressions.graph import Graph
from quant_assets.settings import load_settings
from quant_assets.settings_research import FactorSettings

EVERY = Catalogue(built_in())

each_library = pytest.mark.parametrize("library", built_in(), ids=lambda each: each.name)


def a_factor(**changes: str) -> Factor:
    values = {
        "name": "made_up",
        "library": "mine",
        "type": "price",
        "formula": "close",
        "source": "nobody (2020)",
    }
    return Factor(**{**values, **changes})


def a_library(*names: str, of: str = "mine") -> Library:
    return Library(of, "Mine", "-", tuple(a_factor(name=name, library=of) for name in names))


def test_the_libraries_of_the_package() -> None:
    assert EVERY.names == ("alpha101", "alpha158", "gtja191", "style")
    counts = {name: len(EVERY.library(name).factors) for name in EVERY.names}
    assert counts["alpha101"] == 101
    assert counts["alpha158"] == 158
    assert counts["gtja191"] + len(EVERY.library("gtja191").excluded) == 191
    assert counts["style"] >= 24
    assert len(EVERY.types) == sum(counts.values())


@each_library
def test_every_factor_is_described(library: Library) -> None:
    assert library.title
    for each in library.factors:
        assert re.search(r"\((19|20)\d\d\)|, (19|20)\d\d,|/", each.source), f"{each.name}: source"
        assert each.type in TYPES
        assert each.type != OWN
        assert each.library == library.name
        assert EVERY.factor(each.name) is each
        assert EVERY.types[each.name] == each.type
    assert list(library.expressions) == [each.name for each in library.factors]


@each_library
def test_every_factor_reads_fields_and_is_numbers(library: Library) -> None:
    graph = Graph()
    for each in library.factors:
        node = graph.add(each.formula)
        assert not graph.nodes[node].group, each.name
        read = graph.fields_below([node])
        assert read, f"{each.name} reads nothing"
        assert set(read) <= set(FIELDS)


@each_library
def test_no_two_factors_of_a_library_are_one(library: Library) -> None:
    """By normal form; across libraries some are the same, as their authors published them."""
    graph = Graph()
    forms = Counter(graph.digest(graph.add(each.formula)) for each in library.factors)
    twice = {form for form, count in forms.items() if count > 1}
    assert not twice, [
        f.name for f in library.factors if graph.digest(graph.add(f.formula)) in twice
    ]


def test_unknown_names_offer_near_ones() -> None:
    with pytest.raises(UnknownFactorError, match="no factor library 'stile'; did you mean style"):
        EVERY.library("stile")
    with pytest.raises(UnknownFactorError, match="no factor 'beta_250'; did you mean beta_252"):
        EVERY.factor("beta_250")
    with pytest.raises(UnknownFactorError, match="no factor library 'zzz'; there are alpha101, "):
        EVERY.library("zzz")
    with pytest.raises(UnknownFactorError, match=r"disabled: library 'style' has no factor 'zzz'"):
        EVERY.without({"style": ["zzz"]})
    with pytest.raises(UnknownFactorError, match=r"disabled: no factor library 'stile'; did you"):
        EVERY.without({"stile": []})
    with pytest.raises(UnknownFactorError, match="no factor library 'gtja'; did you mean gtja191"):
        EVERY.only(["gtja"])


def test_without_leaves_out_factors_and_emptied_libraries() -> None:
    order = list(EVERY.library("style").expressions)
    left = EVERY.without({"style": ["beta_252", "rsi_14"]})
    kept = [name for name in order if name not in ("beta_252", "rsi_14")]
    assert list(left.library("style").expressions) == kept
    assert "beta_252" not in left.types
    assert len(EVERY.library("style").factors) == len(order), "the one before is as it was"
    assert "style" not in EVERY.without({"style": order}).names


def test_only_keeps_the_named_libraries_and_the_definitions() -> None:
    some = Catalogue(built_in(), {"vwap": "close"}).only(["style", "alpha101"])
    assert some.names == ("alpha101", "style")
    assert some.definitions == {"vwap": "close"}
    assert some.without({"style": ["beta_252"]}).definitions == {"vwap": "close"}


def test_a_name_is_taken_once_over_all_libraries() -> None:
    taken = a_library("beta_252")
    with pytest.raises(ValueError, match="'beta_252' of library 'mine' is in 'style' already"):
        Catalogue([*built_in(), taken])
    assert Catalogue([*built_in(), a_library("made_up")]).factor("made_up").library == "mine"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"type": "speed"}, "its type must be one of momentum, .* Got 'speed' instead"),
        ({"name": "Made_up"}, "its name must be lower-case letters"),
        ({"name": "1st"}, "its name must be lower-case letters"),
        ({"name": "made-up"}, "its name must be lower-case letters"),
    ],
)
def test_a_wrong_description_is_named(changes: dict[str, str], match: str) -> None:
    with pytest.raises(ValueError, match=f"factor '{changes.get('name', 'made_up')}': {match}"):
        a_factor(**changes)


def test_own_expressions_are_a_library() -> None:
    block = {"formula": "rank(close)", "type": "price", "description": "d"}
    library = own({"mine": "close - open", "other": block})
    assert library.name == OWN
    assert library.expressions == {"mine": "close - open", "other": "rank(close)"}
    assert [each.type for each in library.factors] == ["own", "price"]
    assert library.factors[1].description == "d"
    with pytest.raises(ValueError, match="factor 'Mine': its name"):
        own({"Mine": "close"})
    with pytest.raises(ValueError, match="factor 'mine': its type"):
        own({"mine": {"formula": "close", "type": "speed"}})


def settings(**block: object) -> FactorSettings:
    return FactorSettings.model_validate(block)


def test_the_settings_choose() -> None:
    everything = catalogue(settings(), "us")
    assert everything.names == EVERY.names
    assert everything.definitions == DEFINITIONS
    one = settings(libraries=["style"], disabled={"style": ["beta_252"]})
    assert catalogue(one, "us").names == ("style",)
    assert "beta_252" not in catalogue(one, "us").types


def test_a_market_may_have_libraries_and_fields_of_its_own() -> None:
    block = settings(
        libraries=["style", "alpha101"],
        definitions={"vwap": "(high + low + close) / 3"},
        markets={"cn": {"libraries": ["gtja191"], "definitions": {"vwap": "turnover / volume"}}},
    )
    here, there = catalogue(block, "us"), catalogue(block, "cn")
    assert here.names == ("alpha101", "style")
    assert there.names == ("gtja191",)
    assert here.definitions == {**DEFINITIONS, "vwap": "(high + low + close) / 3"}
    assert there.definitions == {**DEFINITIONS, "vwap": "turnover / volume"}


def test_own_expressions_are_always_among_the_chosen() -> None:
    block = settings(
        libraries=["style"],
        expressions={"mine": "close - open", "other": {"formula": "volume", "type": "volume"}},
    )
    chosen = catalogue(block, "us")
    assert chosen.names == (OWN, "style")
    assert chosen.types["mine"] == OWN
    assert chosen.types["other"] == "volume"
    assert catalogue(block.model_copy(update={"libraries": [OWN]}), "us").names == (OWN,)
    with pytest.raises(ValueError, match=r"'beta_252' of library .* already"):
        catalogue(settings(expressions={"beta_252": "close"}), "us")


def test_what_the_settings_name_must_exist() -> None:
    with pytest.raises(UnknownFactorError, match="no factor library 'stile'"):
        catalogue(settings(libraries=["stile"]), "us")
    with pytest.raises(UnknownFactorError, match=r"library 'style' has no factor 'beta'"):
        catalogue(settings(disabled={"style": ["beta"]}), "us")


def test_the_default_settings_are_sound() -> None:
    defaults = load_settings(environment={"QUANT_ASSETS_MARKETS": "demo"}).factors
    assert defaults.horizons == (1, 5, 21)
    assert "style" in catalogue(defaults, "demo").names


def test_the_version_of_a_library_changes_with_what_it_computes_alone() -> None:
    def version(**texts: str) -> str:
        return Catalogue([own(texts)], {"vwap": "(high + low) / 2"}).version(OWN)

    known = version(a="rank(open + close)", b="vwap")
    assert version(a="RANK(close+open)  # said otherwise", b="(high + low) / 2") == known
    assert version(a="rank(open + close)") != known
    assert version(a="rank(open - close)", b="vwap") != known
    assert version(c="rank(open + close)", b="vwap") != known
    assert Catalogue([own({"a": "rank(open + close)", "b": "vwap"})]).version(OWN) != known
    assert len({EVERY.version(name) for name in EVERY.names}) == len(EVERY.names)
