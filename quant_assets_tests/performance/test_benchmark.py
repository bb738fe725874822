"""A series beside its index: common days, gaps, and what is done about them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.performance.benchmark import Comparison, compare, spanned


def day(number: int) -> np.datetime64:
    return np.datetime64("2020-01-01") + number


def beside(own: dict[int, float], index: dict[int, float]) -> Comparison:
    """Returns by day number, levels by day number."""
    return compare(
        np.array([day(k) for k in own], "M8[D]"),
        np.array(list(own.values()), float),
        np.array([day(k) for k in index], "M8[D]"),
        np.array(list(index.values()), float),
    )


def test_without_gaps_there_is_nothing_to_say() -> None:
    found = beside({1: 0.1, 2: 0.2, 3: -0.1}, {0: 10, 1: 11, 2: 11, 3: 22, 4: 5})
    assert found.dates.tolist() == [day(1), day(2), day(3)]
    assert found.returns == pytest.approx([0.1, 0.2, -0.1])
    assert found.benchmark == pytest.approx([0.1, 0.0, 1.0])
    assert found.notes == ()
    assert not len(found.only_series) + len(found.only_index) + len(found.left_out)


def test_days_that_one_side_lacks_go_into_the_next_common_day() -> None:
    own = {1: 0.1, 2: 0.2, 4: 0.5, 5: np.nan, 6: 0.3, 7: 0.1}
    index = {0: 10, 1: 11, 3: 12, 4: 13, 5: 14, 6: 15, 7: np.nan}
    found = beside(own, index)
    assert found.dates.tolist() == [day(1), day(4), day(6)]
    assert found.returns == pytest.approx([0.1, 1.2 * 1.5 - 1, 0.3])
    assert found.benchmark == pytest.approx([0.1, 13 / 11 - 1, 15 / 13 - 1])
    assert found.only_series.tolist() == [day(2), day(7)]
    assert found.only_index.tolist() == [day(3), day(5)]
    assert found.left_out.tolist() == [day(7)]
    assert found.notes == (
        "1 day (2020-01-03) without the index: their returns went into the next common day.",
        "2 days (2020-01-04, 2020-01-06) that only the index has: its next return spans them.",
        "1 day (2020-01-08) before or after the days of the index: left out of the comparison.",
    )


def test_an_index_that_begins_later_is_the_first_mark() -> None:
    """The series' return up to the index's first day has nothing to be held against."""
    found = beside({1: 0.1, 2: 0.2, 3: 0.3}, {2: 10, 3: 11})
    assert found.dates.tolist() == [day(3)]
    assert found.returns == pytest.approx([0.3])
    assert found.left_out.tolist() == [day(1), day(2)]
    assert "2 days (2020-01-02, 2020-01-03) before or after" in found.notes[-1]


@pytest.mark.parametrize(
    ("own", "index"),
    [({}, {1: 1.0}), ({1: 0.1}, {}), ({}, {}), ({1: 0.1}, {1: 5.0}), ({1: 0.1}, {0: 5.0})],
)
def test_nothing_in_common(own: dict[int, float], index: dict[int, float]) -> None:
    found = beside(own, index)
    assert len(found.dates) == len(found.returns) == len(found.benchmark) == 0
    assert len(found.left_out) == len(own)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_nothing_is_lost_between_the_first_and_the_last_common_day(seed: int) -> None:
    random = np.random.default_rng(seed)
    own = {k: float(random.normal(0, 0.01)) for k in range(1, 40) if random.random() < 0.8}
    level = np.cumprod(1 + random.normal(0, 0.01, 40))
    index = {k: float(level[k]) for k in range(40) if random.random() < 0.8}
    found = beside(own, index)
    if not len(found.dates):
        return
    first = min(set(own) & set(index))
    if first == min(own):
        first = max((k for k in index if k < first and k >= first - 14), default=first)
    last = max(set(own) & set(index))
    assert np.prod(1 + found.benchmark) == pytest.approx(index[last] / index[first])
    between = [1 + value for k, value in own.items() if first < k <= last]
    assert np.prod(1 + found.returns) == pytest.approx(np.prod(between))
    assert len(found.left_out) == len(own) - len(between)
    assert set(found.dates) <= {day(k) for k in own} & {day(k) for k in index}


def test_the_first_return_is_of_days_that_both_have() -> None:
    """A last level from long ago, or none on the first day: the index's return would span more."""
    old = beside({40: 0.1, 41: 0.2}, {1: 5, 40: 10, 41: 11})
    assert old.dates.tolist() == [day(41)]
    late = beside({40: 0.1, 41: 0.2, 42: 0.3}, {39: 5, 41: 10, 42: 11})
    assert late.dates.tolist() == [day(42)]
    assert late.left_out.tolist() == [day(40), day(41)]


def test_days_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match=r"dates must ascend .* Got 2020-01-02 after 2020-01-03"):
        beside({2: 0.1, 1: 0.1}, {1: 1.0})
    with pytest.raises(ValueError, match="index_dates must ascend without repetition"):
        beside({1: 0.1}, {2: 1.0, 1: 1.0})


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_returns_span_the_gaps_of_the_benchmark(seed: int) -> None:
    """As `compare` does from levels, on the days of the series."""
    random = np.random.default_rng(seed)
    own = random.normal(0, 0.01, (30, 2))
    level: np.ndarray = np.cumprod(1 + random.normal(0, 0.01, 31))
    there = random.random(31) < 0.7
    there[:2] = True
    marks = np.flatnonzero(there)
    index = np.full(30, np.nan)
    index[marks[1:] - 1] = level[marks[1:]] / level[marks[:-1]] - 1
    found = spanned(own, index)
    for s in range(2):
        beside_levels = compare(day(0) + 1 + np.arange(30), own[:, s], day(0) + marks, level[marks])
        np.testing.assert_allclose(found[~np.isnan(index), s], beside_levels.returns, atol=1e-14)
        np.testing.assert_array_equal(spanned(own[:, s], index), found[:, s])
    np.testing.assert_array_equal(found[np.isnan(index)], own[np.isnan(index)])
    whole = np.nan_to_num(index)
    assert spanned(own, whole) is own
