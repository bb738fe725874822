"""Facts of finance: each finds what was planted, and nothing where nothing is wrong."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data import facts
from quant_assets.market_data.facts import Finding
from quant_assets.market_data.panels import date_column
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import DAYS, SESSIONS, bars

WHOLE = Window(DAYS[0], DAYS[-1])
BOUNDS = (-0.5, 1.0)


def dated(*days: date) -> pa.Table:
    return pa.table({"date": pa.array(days, pa.date32())})


def test_every_row_is_accounted_for() -> None:
    rows_in = {DAYS[0]: 3, DAYS[1]: 1, DAYS[2]: 0}
    found = facts.rows_accounted(rows_in, dated(DAYS[0], DAYS[0]), dated(DAYS[0], DAYS[1]))
    assert found == Finding(3, 0, ())


@pytest.mark.parametrize(
    ("kept", "example"),
    [
        ((DAYS[0],), f"{DAYS[0]}: 2 rows came in, 1 were kept"),
        ((DAYS[0], DAYS[0], DAYS[0]), f"{DAYS[0]}: 2 rows came in, 3 were kept"),
        ((DAYS[0], DAYS[0], DAYS[3]), f"{DAYS[3]}: 0 rows came in, 1 were kept"),
        ((), f"{DAYS[0]}: 2 rows came in, 0 were kept"),
    ],
)
def test_a_row_that_vanished_or_appeared(kept: tuple[date, ...], example: str) -> None:
    found = facts.rows_accounted({DAYS[0]: 2, DAYS[1]: 0}, dated(*kept), dated())
    assert found == Finding(2, 1, (example,))


def test_only_the_first_examples_are_told() -> None:
    found = facts.rows_accounted(
        dict.fromkeys(map(date.fromordinal, range(1, 31)), 1), dated(), dated()
    )
    assert found.violations == 30
    assert len(found.examples) == facts.EXAMPLES


PRICES = {"AAA": [10.0, 4.0, 4.0, 12.0], "BBB": [10.0, 10.0, 20.0, 20.0]}


def judged(window: Window = WHOLE, flags: tuple[int, ...] = ()) -> Finding:
    table = bars(SESSIONS[:4], PRICES)
    marked = ["unexplained_jump" if row in flags else "" for row in range(table.num_rows)]
    place = table.schema.get_field_index("flags")
    flagged = table.set_column(place, "flags", pa.array(marked))
    inside = [window.contains(day) for day in flagged["date"].to_pylist()]
    return facts.returns_in_bounds(table, flagged.filter(pa.array(inside)), window, BOUNDS)


def test_returns_out_of_bounds() -> None:
    found = judged()
    assert found.checked == 6
    # -60 % and +200 % of AAA; BBB's +100 % is the bound itself
    assert found.violations == 2
    assert found.examples == (f"{DAYS[1]} AAA: -60.0%", f"{DAYS[3]} AAA: +200.0%")


def test_a_flagged_bar_may_move_as_it_likes() -> None:
    assert judged(flags=(2,)).examples == (f"{DAYS[3]} AAA: +200.0%",)


def test_only_the_window_is_judged_but_the_day_before_it_counts() -> None:
    assert judged(Window(DAYS[2], DAYS[3])).examples == (f"{DAYS[3]} AAA: +200.0%",)
    assert judged(Window(DAYS[2], DAYS[2])).violations == 0
    assert judged(Window(DAYS[1], DAYS[1])).violations == 1


def test_a_missing_bar_gives_no_return() -> None:
    table = bars(SESSIONS[:3], {"AAA": [10.0, np.nan, 1.0], "BBB": [5.0, 5.0, 5.0]})
    assert facts.returns_in_bounds(table, table, WHOLE, BOUNDS) == Finding(2, 0, ())


def test_no_bars_at_all() -> None:
    table = bars(SESSIONS[:0], {})
    assert facts.returns_in_bounds(table, table, WHOLE, BOUNDS) == Finding(0, 0, ())


def test_a_label_that_was_known_before_it_was_decided() -> None:
    labels = pa.table(
        {
            "date": pa.array([DAYS[3], DAYS[3], DAYS[3]], pa.date32()),
            "decision_date": pa.array([DAYS[2], DAYS[3], DAYS[4]], pa.date32()),
        }
    )
    found = facts.decided_before_known(labels)
    assert (found.checked, found.violations) == (3, 2)
    assert found.examples[0] == f"known on {DAYS[3]}, decided on {DAYS[3]}"
    assert facts.decided_before_known(labels.slice(0, 1)) == Finding(1, 0, ())


def members(*rows: tuple[date, str, bool]) -> pa.Table:
    days, symbols, member = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "date": pa.array(days, pa.date32()),
            "symbol": pa.array(symbols, pa.string()),
            "member": pa.array(member, pa.bool_()),
        }
    )


def factors(*rows: tuple[date, str, float | None, float | None]) -> pa.Table:
    days, symbols, one, two = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        {
            "date": date_column(np.array(days, "datetime64[D]")),
            "symbol": pa.array(symbols, pa.string()),
            "one": pa.array(one, pa.float64()),
            "two": pa.array(two, pa.float64()),
        }
    )


def test_members_without_factors() -> None:
    universe = members(
        *((DAYS[0], name, True) for name in "ABCD"),
        *((DAYS[1], name, name != "D") for name in "ABCD"),
        *((DAYS[2], name, False) for name in "ABCD"),
    )
    table = factors(
        (DAYS[0], "A", 1.0, None),
        (DAYS[0], "B", None, 2.0),
        (DAYS[0], "C", None, None),
        (DAYS[1], "A", 1.0, 1.0),
        (DAYS[1], "D", 1.0, 1.0),
    )
    # the first day: 2 of 4; the second: 1 of 3, as D is no member; the third has no members
    assert facts.coverage(universe, table, 0.5) == Finding(2, 1, (f"{DAYS[1]}: 33% of 3 members",))
    assert facts.coverage(universe, table, 0.2) == Finding(2, 0, ())
    assert facts.coverage(universe, table, 0.51).violations == 2


def test_a_day_without_any_factor_is_short() -> None:
    universe = members((DAYS[0], "A", True))
    assert facts.coverage(universe, factors(), 0.5).examples == (f"{DAYS[0]}: 0% of 1 members",)
    assert facts.coverage(members(), factors(), 0.5) == Finding(0, 0, ())


def test_a_session_without_bars_is_told() -> None:
    found = facts.sessions_present(DAYS, dated(DAYS[0], DAYS[0], DAYS[2]))
    assert (found.checked, found.violations) == (len(DAYS), len(DAYS) - 2)
    assert found.examples[0] == f"{DAYS[1]}: no bar"
    assert facts.sessions_present(DAYS[:1], dated(DAYS[0])).violations == 0
