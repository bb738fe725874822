"""Numbers that are drawn: against plain loops over the tables' rows."""

import itertools
from collections import defaultdict
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from quant_assets.factors.report.digest import (
    Month,
    adjusted,
    by_chance,
    t_of_months,
)
from quant_assets.factors.report.placing import apart
from quant_assets.factors.summary import summarise
from quant_assets_tests.factors.report.samples import (
    HORIZONS,
    KNOWN,
    MONTH,
    NAMES,
    evaluation,
    month_of,
    months_before,
)

SUMMARY, DAYS = month_of()
TYPES = KNOWN.types


@pytest.fixture(scope="module")
def month() -> Month:
    shuffled = np.random.default_rng(3).permutation(len(DAYS))
    return Month.of(SUMMARY, DAYS.take(pa.array(shuffled)), TYPES)


def test_arrays_hold_the_tables_rows(month: Month) -> None:
    assert month.month == MONTH
    assert list(month.factors) == NAMES
    assert month.horizons == HORIZONS
    dates = [str(day) for day in month.dates]
    daily, mean = month.daily("rank_ic"), month.mean("rank_ic")
    for row in DAYS.to_pylist():
        f, h = NAMES.index(row["factor"]), HORIZONS.index(row["horizon"])
        assert daily[f, h, dates.index(str(row["date"]))] == row["rank_ic"]
    for row in SUMMARY.to_pylist():
        f, h = NAMES.index(row["factor"]), HORIZONS.index(row["horizon"])
        assert mean[f, h] == row["rank_ic"]


def test_rows_without_a_summary_are_left_out() -> None:
    some = SUMMARY.filter(
        pc.and_(pc.equal(SUMMARY["factor"], NAMES[3]), pc.equal(SUMMARY["horizon"], 5))
    )
    found = Month.of(some, DAYS, {})
    assert (found.factors, found.horizons, found.types) == ((NAMES[3],), (5,), ("other",))
    whole = Month.of(SUMMARY, DAYS, TYPES)
    assert found.daily("rank_ic")[0, 0].tolist() == whole.daily("rank_ic")[3, 1].tolist()


def test_boxes_are_percentiles_of_all_test_dates_of_a_type(month: Month) -> None:
    values = defaultdict(list)
    for row in DAYS.to_pylist():
        if row["horizon"] == 21:
            values[TYPES[row["factor"]]].append(row["t_statistic"])
    boxes = month.boxes("t_statistic", 2)
    assert {box.type for box in boxes} == set(values)
    for box in boxes:
        assert box.count == len(values[box.type])
        assert box.values == pytest.approx(np.percentile(values[box.type], [10, 25, 50, 75, 90]))
    medians = [box.values[2] for box in boxes]
    assert medians == sorted(medians)


def test_the_strongest_come_first_whatever_their_sign(month: Month) -> None:
    rank_ic = month.mean("rank_ic")[:, 1]
    sizes = np.abs(rank_ic[month.strongest])
    assert (np.diff(sizes) <= 0).all()
    assert {bool(sign) for sign in rank_ic[month.strongest[:6]] > 0} == {True, False}
    kinds = [month.types[k] for k in month.leaders]
    assert len(set(kinds)) == len(kinds) == len(set(month.types))
    assert month.leaders[0] == month.strongest[0]


def test_few_days_do_not_make_a_factor_strong() -> None:
    keep = pc.or_(
        pc.not_equal(DAYS["factor"], NAMES[0]),
        pc.less(DAYS["date"], pa.scalar(date(2016, 3, 4))),
    )
    few = DAYS.filter(keep)
    found = Month.of(summarise(few, MONTH, HORIZONS), few, TYPES)
    assert Month.of(SUMMARY, DAYS, TYPES).strongest[0] == 0
    assert found.strongest[-1] == 0


def test_quantile_curves_compound_what_exceeds_the_mean(month: Month) -> None:
    curves = month.quantile_curves([4, 7], 1)
    for place, f in enumerate((4, 7)):
        rows = [r for r in DAYS.to_pylist() if r["factor"] == NAMES[f] and r["horizon"] == 5]
        for q in range(5):
            capital, expected = 1.0, []
            for row in rows:
                capital *= 1 + (row[f"quantile_{q + 1}"] - row["mean_return"]) / 5
                expected.append(capital - 1)
            assert curves[place, q] == pytest.approx(expected, abs=1e-12)


def test_a_day_without_a_return_earns_nothing_and_no_return_is_missing() -> None:
    frame = evaluation().to_pandas()
    frame.loc[frame["date"] == frame["date"].iloc[-1], "quantile_2"] = np.nan
    frame["quantile_5"] = np.nan
    rows = pa.Table.from_pandas(frame, schema=DAYS.schema)
    curves = Month.of(summarise(rows, MONTH, HORIZONS), rows, TYPES).quantile_curves([0], 0)[0]
    assert curves[1, -1] == curves[1, -2]
    assert np.isnan(curves[4]).all()


def test_history_takes_months_before_only(month: Month) -> None:
    earlier = months_before(4)
    later = earlier.set_column(0, "month", pa.array(["2016-04"] * len(earlier)))
    own = earlier.set_column(0, "month", pa.array([MONTH] * len(earlier)))
    months, values = month.history(pa.concat_tables([later, earlier, own]))
    assert months == ["2015-11", "2015-12", "2016-01", "2016-02", MONTH]
    assert values.shape == (len(NAMES), 3, 5)
    assert values[:, :, -1].tolist() == month.mean("rank_ic").tolist()
    for row in earlier.to_pylist():
        f, h = NAMES.index(row["factor"]), HORIZONS.index(row["horizon"])
        assert values[f, h, months.index(row["month"])] == row["rank_ic"]
    assert month.history(earlier.slice(0, 0))[0] == [MONTH]


def test_p_values_leave_out_where_lags_are_too_long(month: Month) -> None:
    p = month.p_values()
    assert p[:, 0].tolist() == month.mean("rank_ic_p")[:, 0].tolist()
    assert p[:, 1].tolist() == month.mean("newey_west_p")[:, 1].tolist()
    assert np.isnan(p[:, 2]).all()  # 20 lags of 23 days


def test_adjusted_p_values_are_benjamini_and_hochbergs() -> None:
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    # by hand: sorted 0.005 0.01 0.03 0.04, times 4 / rank, then the least from above
    expected = [0.02, 0.04, np.nan, 0.04, 0.02]
    found = adjusted(np.stack([p, np.full(5, np.nan)], axis=1))
    assert found[:, 0] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(found[:, 1]).all()


def test_what_chance_would_give() -> None:
    days = np.array([21.0] * 100 + [1.0, 0.0])
    assert by_chance(days, 2.0) == pytest.approx(100 * 2 * stats.t.sf(2.0, 20))
    assert by_chance(np.array([]), 2.0) == 0.0


def test_the_t_statistic_of_months() -> None:
    random = np.random.default_rng(0)
    history = random.normal(0.02, 0.05, (3, 2, 9))
    history[1, 0, :4] = np.nan  # five months are left
    history[2, 1] = 0.5
    found = t_of_months(history)
    assert found[0, 0] == pytest.approx(stats.ttest_1samp(history[0, 0], 0).statistic)
    assert np.isnan(found[1, 0])
    assert np.isnan(found[2, 1])


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.2))
def test_words_do_not_cover_one_another(places: list[float], least: float) -> None:
    moved = apart(sorted(places), least)
    assert all(b - a >= least - 1e-9 for a, b in itertools.pairwise(moved))
    assert max(moved, default=0) <= max(1.0, least * (len(moved) - 1)) + 1e-9
    if all(b - a >= least for a, b in zip(sorted(places), sorted(places)[1:], strict=False)):
        assert moved == pytest.approx(sorted(places))
