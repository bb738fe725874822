"""The registry of operators: look-up, spellings, descriptions, and what is left out on purpose."""

from dataclasses import replace

import pytest

from quant_assets.factors.expressions.operators.registry import (
    UNSUPPORTED,
    Operator,
    UnknownOperatorError,
    operator,
    operators,
    register,
    unregister,
)

each_operator = pytest.mark.parametrize("each", operators(), ids=lambda each: each.name)


def test_names_and_aliases_in_any_case_mean_one_operator() -> None:
    assert operator("TS_Mean") is operator("mean") is operator("ts_mean")
    names = [each.name for each in operators()]
    assert names == sorted(names)
    assert len(names) > 100


def test_a_slip_gets_near_names() -> None:
    with pytest.raises(UnknownOperatorError, match="no operator 'ts_meen'; did you mean ts_mean"):
        operator("ts_meen")
    with pytest.raises(UnknownOperatorError) as found:
        operator("correlatoin")
    assert found.value.near[0] == "correlation"


def test_a_spelling_is_taken_once() -> None:
    new = replace(operator("abs"), name="made_up", aliases=("made_up_too",))
    register(new)
    try:
        assert operator("MADE_UP_too") is new
        assert new in operators()
        for taken in ("made_up", "made_up_too", "mean", "Shouting"):
            with pytest.raises(ValueError, match=f"the name '{taken}' is taken or not in lower"):
                register(replace(new, name=taken, aliases=()))
    finally:
        unregister("made_up")
    assert new not in operators()
    with pytest.raises(UnknownOperatorError):
        operator("made_up_too")


@each_operator
def test_every_operator_is_described(each: Operator) -> None:
    for text in (each.description, each.source, *vars(each.contract).values()):
        assert text == text.strip() != ""
    kinds = [parameter.kind for parameter in each.parameters]
    assert any(kind in ("panel", "group") for kind in kinds)
    names = [parameter.name.lower() for parameter in each.parameters]
    assert len(names) == len(set(names))
    for parameter in each.parameters:
        low, high, default = parameter.minimum, parameter.maximum, parameter.default
        if parameter.kind in ("panel", "group"):
            assert (low, high, default) == (None, None, None)
        if parameter.kind == "window":
            assert low is not None
            assert low >= 0, "a negative window would read the future"
        if default is not None:
            assert low is None or low <= default
            assert high is None or default <= high


@each_operator
def test_what_looks_back_is_a_window(each: Operator) -> None:
    constants = tuple(
        max(parameter.default or 0.0, parameter.minimum or 0.0, 1.0)
        for parameter in each.parameters
        if parameter.kind in ("window", "number")
    )
    past = each.lookback(constants)
    assert past >= 0
    assert each.scope == "window" or past == 0


def test_what_is_left_out_has_a_reason_and_is_not_there() -> None:
    known = {name for each in operators() for name in (each.name, *each.aliases)}
    assert not known & set(UNSUPPORTED)
    assert all(len(reason) > 10 for reason in UNSUPPORTED.values())
