"""Contract: no factor of any library knows the future; standing in a library is enough."""

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.factors.catalogue import Library, built_in
from quant_assets.factors.compute import compute as compute_tables
from quant_assets.factors.expressions import fields
from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.operators.registry import Array
from quant_assets.factors.expressions.plan import Plan, plan
from quant_assets.factors.market_fields import market_fields
from quant_assets.factors.point_in_time import compared, random_panel
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors.leaky import LEAKY, leaky_operators
from quant_assets_tests.factors.samples import bars, benchmark, market, sessions, universe
from quant_assets_tests.prefix import PanelInputs, PrefixError, check_prefix

ROOM = 40  # sessions beyond the look-back in which something is compared
# What ranks and comparisons hide cannot be shown of a factor; its operators are tested alone.
SHOWN = {"style": 1.0, "alpha158": 1.0, "alpha101": 0.8, "gtja191": 0.9}

each_library = pytest.mark.parametrize("library", built_in(), ids=lambda each: each.name)


def results(chosen: Plan, data: PanelInputs) -> dict[str, Array]:
    values = compute(chosen, data.fields)
    return dict(zip(chosen.names, values, strict=True))


def panel(chosen: Plan, symbols: int = 16) -> PanelInputs:
    """The fields that a plan reads, of a made-up market as long as it needs."""
    rows = chosen.lookback + ROOM
    made = random_panel(rows, symbols, seed=5)
    names = np.array([f"S{k:02d}" for k in range(symbols)], object)
    return PanelInputs(sessions(rows), names, {name: made[name] for name in chosen.fields})


def changed_on(data: PanelInputs, row: int) -> dict[str, Array]:
    """The fields with other values on that one day, some of them missing."""
    random = np.random.default_rng(row)
    found = {}
    for name, values in data.fields.items():
        found[name] = values = values.copy()
        if not fields.FIELDS[name].group:
            values[row] = random.permutation(values[row]) * np.exp(
                random.normal(size=values[row].shape)
            )
            values[row, random.random(len(values[row])) < 0.1] = np.nan
    return found


@each_library
def test_knows_no_future_no_range_start_no_absent_symbol(library: Library) -> None:
    chosen = plan(library.expressions)
    data = panel(chosen)
    last = len(data.dates) - 1
    check_prefix(
        lambda changed: results(chosen, changed),
        data,
        chosen.lookback,
        cuts=(chosen.lookback + 5, last - 1),
        starts=(1, ROOM // 2),
    )
    silent = [name for name, share in compared(chosen, data.fields).items() if share == 0.0]
    assert silent == [], "nothing of these was compared"


@each_library
def test_the_own_look_back_of_each_factor_is_enough(library: Library) -> None:
    """Not only that of the library, which is longer."""
    chosen = plan(library.expressions)
    data = panel(chosen)
    whole = results(chosen, data)
    for start in (1, 7, ROOM // 2):
        late = results(chosen, data.between(start, len(data.dates)))
        for name, past in chosen.lookbacks.items():
            first, second = whole[name][start + past :], late[name][past:]
            assert np.array_equal(first, second, equal_nan=True), name


@each_library
def test_the_own_look_back_of_each_factor_is_exact(library: Library) -> None:
    """What changes on a day alone changes the value of the day that many sessions later."""
    chosen = plan(library.expressions)
    data = panel(chosen)
    whole = results(chosen, data)
    left = dict(chosen.lookbacks)
    for row in range(1, ROOM, 3):
        other = dict(zip(chosen.names, compute(chosen, changed_on(data, row)), strict=True))
        for name, past in list(left.items()):
            day = row + past
            if not np.array_equal(whole[name][day], other[name][day], equal_nan=True):
                del left[name]
    assert 1.0 - len(left) / len(chosen.names) >= SHOWN[library.name], left


@each_library
def test_tables_of_a_library_know_no_future(library: Library) -> None:
    chosen = plan(library.expressions)

    def rows(data: PanelInputs) -> pa.Table:
        tables = bars(data), benchmark(data), universe(data)
        window = Window(data.dates[0].item(), data.dates[-1].item())
        found = market_fields(chosen.fields, *tables)
        return pa.concat_tables(t for _, t in compute_tables([chosen], found, window, thread_no=2))

    data = market(chosen.lookback + ROOM, 8)
    cuts, starts = (chosen.lookback + 20,), (ROOM // 2,)
    check_prefix(rows, data, chosen.lookback, cuts, starts)


@pytest.mark.parametrize("text", LEAKY)
def test_a_leaky_factor_is_found(text: str) -> None:
    with leaky_operators():
        chosen = plan({"leaky": text})
        data = panel(chosen, 24)
        with pytest.raises(PrefixError, match="'leaky'"):
            check_prefix(lambda changed: results(chosen, changed), data, chosen.lookback)
