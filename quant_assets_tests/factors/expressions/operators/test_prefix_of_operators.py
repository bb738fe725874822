"""Contract: no registered operator knows the future, and each says exactly how far back it looks.

Being registered is enough: calls are made from the parameters.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.operators.registry import (
    Array,
    Contract,
    Operator,
    Parameter,
    operator,
    operators,
    register,
    unregister,
)
from quant_assets.factors.expressions.plan import Plan, plan
from quant_assets.factors.expressions.units import same
from quant_assets_tests.factors.expressions.operators.calls import calls, only, telling_market
from quant_assets_tests.prefix import (
    PanelInputs,
    PrefixError,
    VacuousCheckError,
    check_absent_symbol,
    check_future,
    check_prefix,
    check_range_start,
)

ROOM = 40  # sessions beyond the look-back in which something is compared

each_operator = pytest.mark.parametrize("each", operators(), ids=lambda each: each.name)


def result(chosen: Plan, data: PanelInputs) -> Array:
    values: Array = compute(chosen, data.fields)[0]
    return values


def differs(of: Callable[[PanelInputs], Array], data: PanelInputs, lookback: int) -> bool:
    """Whether a later start shows beyond that look-back, or there is nothing that could."""
    try:
        check_range_start(of, data, lookback, range(1, ROOM))
    except (PrefixError, VacuousCheckError):
        return True
    return False


def prepared(text: str) -> tuple[Plan, PanelInputs]:
    chosen = plan({"value": text})
    return chosen, only(telling_market(chosen.lookback + ROOM), chosen.fields)


@each_operator
def test_knows_no_future_no_range_start_no_absent_symbol(each: Operator) -> None:
    """With every constant at several values; some may leave nothing to compare, not all."""
    silent = []
    for text in calls(each):
        chosen, data = prepared(text)

        def of(changed: PanelInputs, chosen: Plan = chosen) -> Array:
            return result(chosen, changed)

        try:
            cuts, starts = (len(data.dates) - ROOM // 2,), (1, ROOM // 2)
            check_prefix(of, data, chosen.lookback, cuts, starts)
        except VacuousCheckError:
            silent.append(text)
    assert len(silent) < len(calls(each)), silent


@each_operator
def test_the_look_back_is_exact(each: Operator) -> None:
    """With one session less some value changes, or some value is there that was not."""
    for text in calls(each):
        chosen, data = prepared(text)
        less = chosen.lookback - 1

        def of(changed: PanelInputs, chosen: Plan = chosen) -> Array:
            return result(chosen, changed)

        if chosen.lookback and not differs(of, data, less):
            pytest.fail(f"{text} has the same bits with a look-back of {less}")


@each_operator
def test_the_look_back_is_that_of_its_constants(each: Operator) -> None:
    for text in calls(each):
        chosen = plan({"value": text})
        node = chosen.graph.nodes[chosen.outputs[0]]
        assert node.operator is each or each.scope == "element", text
        assert chosen.lookback == (each.lookback(node.constants) if each.scope == "window" else 0)


def wrong(name: str, lookback: int) -> Operator:
    """Operators that are wrong on purpose."""

    def compute_wrong(inputs: list[Array], constants: object, past: int, out: Array) -> None:
        values = inputs[0]
        if name == "wrong_next":
            out[:-1], out[-1:] = values[past + 1 :], np.nan
        elif name == "wrong_crowd":
            out[:] = values[past:] / values.shape[1]
        elif name == "wrong_total":
            out[:] = np.nancumsum(values, axis=0)[past:]
        else:  # a look-back that is too long
            out[:] = values[past:]

    return Operator(
        name,
        (),
        (Parameter("x", "panel"),),
        "window",
        compute_wrong,  # type: ignore[arg-type]
        "wrong",
        "nobody (2020)",
        Contract(missing="kept"),
        same,
        lambda constants: lookback,
    )


@pytest.fixture
def registered(request: pytest.FixtureRequest) -> Iterator[Operator]:
    name, lookback = request.param
    yield register(wrong(name, lookback))
    unregister(name)


@pytest.mark.parametrize(
    ("registered", "found_by"),
    [
        (("wrong_next", 1), check_future),
        (("wrong_crowd", 1), check_absent_symbol),
        (("wrong_total", 3), None),
    ],
    indirect=["registered"],
    ids=lambda each: each[0] if isinstance(each, tuple) else None,
)
def test_a_wrong_operator_is_found_by_being_registered(
    registered: Operator, found_by: object
) -> None:
    assert operator(registered.name) in operators()
    with pytest.raises(PrefixError, match="value"):
        test_knows_no_future_no_range_start_no_absent_symbol(registered)
    if callable(found_by):
        chosen, data = prepared(calls(registered)[0])
        with pytest.raises(PrefixError):
            found_by(lambda changed: result(chosen, changed), data)


@pytest.mark.parametrize("registered", [("wrong_length", 2)], indirect=True)
def test_a_look_back_that_is_too_long_is_found(registered: Operator) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"wrong_length\(close\) has the same bits"):
        test_the_look_back_is_exact(registered)
