"""Contract: no registered factor, of any library, knows the future; being registered is enough."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.factors import registry
from quant_assets.factors.compute import compute, lookback, values_of
from quant_assets.factors.inputs import FactorInputs, FloatArray, change
from quant_assets.factors.registry import Factor, factor_of, factors_of, libraries
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors.samples import bars, benchmark, factor_inputs, market
from quant_assets_tests.prefix import (
    PanelInputs,
    PrefixError,
    check_absent_symbol,
    check_future,
    check_prefix,
    check_range_start,
)

EVERY = [each for library in libraries() for each in factors_of(library)]
ROOM = 40  # sessions beyond the look-back in which something is compared


def only(data: PanelInputs, factor: Factor) -> PanelInputs:
    """What the factor says that it reads, and nothing else."""
    fields = {name: data.fields[name] for name in factor.inputs if name != "benchmark"}
    return PanelInputs(data.dates, data.symbols, fields, data.series)


def result(factor: Factor, data: PanelInputs) -> np.ndarray:
    return values_of(factor, factor_inputs(data, factor.inputs)).T


@pytest.mark.parametrize("factor", EVERY, ids=lambda each: each.name)
def test_knows_no_future_no_range_start_no_absent_symbol(factor: Factor) -> None:
    data = only(market(factor.lookback + ROOM, 8), factor)
    check_prefix(lambda changed: result(factor, changed), data, factor.lookback)


@pytest.mark.parametrize("factor", [f for f in EVERY if f.lookback], ids=lambda each: each.name)
def test_the_look_back_is_exact(factor: Factor) -> None:
    """With one session less some value changes."""
    data = only(market(factor.lookback + ROOM, 24), factor)
    with pytest.raises(PrefixError, match="range start"):
        check_range_start(
            lambda changed: result(factor, changed), data, factor.lookback - 1, range(1, ROOM)
        )


@pytest.mark.parametrize("library", libraries())
def test_tables_of_a_library_know_no_future(library: str) -> None:
    def rows(data: PanelInputs) -> pa.Table:
        window = Window(data.dates[0].item(), data.dates[-1].item())
        return compute(library, bars(data), benchmark(data), window, thread_no=2)

    check_prefix(rows, market(lookback(library) + ROOM, 8), lookback(library))


def centred(inputs: FactorInputs) -> FloatArray:
    """Leaks: the mean of the whole range is subtracted."""
    mean: FloatArray = np.nanmean(inputs.returns, axis=1, keepdims=True)
    return inputs.returns - mean


def tomorrow(inputs: FactorInputs) -> FloatArray:
    """Leaks: the next session's return."""
    result = np.full(inputs.shape, np.nan)
    result[:, :-1] = change(inputs["close"])[:, 1:]
    return result


def accumulated(inputs: FactorInputs) -> FloatArray:
    """Depends on the start: a running sum."""
    return np.cumsum(np.nan_to_num(inputs.returns), axis=1)


def crowded(inputs: FactorInputs) -> FloatArray:
    """Depends on who else is in the panel."""
    return inputs.returns / len(inputs.symbols)


@pytest.fixture
def leaky(request: pytest.FixtureRequest) -> Iterator[Factor]:
    name = request.param.__name__
    registry.register(
        Factor(name, "leaky", "momentum", 1, "nobody (2020)", "wrong", ("close",), request.param)
    )
    yield factor_of(name)
    registry.unregister(name, "leaky")


@pytest.mark.parametrize(
    ("leaky", "found_by"),
    [
        (centred, check_future),
        (tomorrow, check_future),
        (accumulated, None),
        (crowded, check_absent_symbol),
    ],
    indirect=["leaky"],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_a_leaky_factor_is_found(leaky: Factor, found_by: object) -> None:
    data = only(market(60, 8, awkward=False), leaky)
    assert leaky in factors_of("leaky")
    with pytest.raises(PrefixError, match="value"):
        check_prefix(lambda changed: result(leaky, changed), data, leaky.lookback)
    if callable(found_by):
        with pytest.raises(PrefixError):
            found_by(lambda changed: result(leaky, changed), data)
