"""The registry: completeness, look-up, errors that name what is wrong."""

import re

import pytest

from quant_assets.factors.registry import (
    TYPES,
    Factor,
    UnknownFactorError,
    factor_of,
    factors_of,
    libraries,
    register,
    select,
    unregister,
)
from quant_assets.settings import FactorSettings, load_settings


def a_factor(**changes: object) -> Factor:
    values: dict[str, object] = {
        "name": "made_up",
        "library": "style",
        "type": "price",
        "lookback": 0,
        "source": "nobody (2020)",
        "formula": "close[t]",
        "inputs": ("close",),
        "function": lambda inputs: inputs["close"],
    }
    return Factor(**{**values, **changes})  # type: ignore[arg-type]


def test_style_is_found_and_described() -> None:
    assert "style" in libraries()
    names = [each.name for each in factors_of("style")]
    assert len(names) == len(set(names)) >= 24
    for each in factors_of("style"):
        assert re.search(r"\((19|20)\d\d\)", each.source), f"{each.name}: source without a year"
        assert each.formula
        assert each.type in TYPES
        assert re.fullmatch(r"[a-z][a-z0-9_]*", each.name)
        assert each.lookback <= 252, f"{each.name}: history is short in many markets"
        assert factor_of(each.name) is each


def test_unknown_names_offer_near_ones() -> None:
    with pytest.raises(UnknownFactorError, match="no factor library 'stile'; did you mean style"):
        factors_of("stile")
    with pytest.raises(UnknownFactorError, match="no factor 'beta_250'; did you mean beta_252"):
        factor_of("beta_250")
    with pytest.raises(UnknownFactorError, match="library 'style' has no factor 'momentum_12'"):
        select("style", ["momentum_12"])
    with pytest.raises(UnknownFactorError, match=r"factors.yaml: disabled: library 'style' has"):
        select("style", disabled=["zzz"])


def test_select_keeps_the_registered_order_and_leaves_out_the_disabled() -> None:
    order = [each.name for each in factors_of("style")]
    chosen = select("style", ["reversal_5", "momentum_12_1", "rsi_14"], ["rsi_14"])
    assert [each.name for each in chosen] == sorted(
        ["reversal_5", "momentum_12_1"], key=order.index
    )
    assert len(select("style", disabled=["beta_252"])) == len(order) - 1


def test_a_name_is_taken_once_over_all_libraries() -> None:
    with pytest.raises(ValueError, match="'beta_252' of library 'mine' is registered already in"):
        register(a_factor(name="beta_252", library="mine"))
    register(a_factor(library="mine"))
    assert libraries() == tuple(sorted({*libraries(), "mine"}))
    unregister("made_up", "mine")
    assert "mine" not in libraries()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"type": "speed"}, "its type must be one of .* Got 'speed' instead"),
        ({"inputs": ("clse",)}, "its inputs must be some of .*'clse'"),
        ({"inputs": ()}, "its inputs must be some of"),
        ({"lookback": -1}, "its look-back is negative: -1"),
    ],
)
def test_a_wrong_description_is_named(changes: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=f"factor 'made_up': {match}"):
        a_factor(**changes)


def test_the_default_settings_switch_off_only_what_there_is() -> None:
    settings = load_settings(environment={"QUANT_ASSETS_MARKETS": "demo"}).factors
    assert isinstance(settings, FactorSettings)
    assert settings.horizons == (1, 5, 21)
    for library, disabled in settings.disabled.items():
        select(library, disabled=disabled)
