"""Daily ranks and rank IC against scipy and pandas, under ties, missing values and uneven days."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from quant_assets.models import ranks
from quant_assets.models.ranks import centred_ranks, correlation_by_day, day_starts, rank_ic

DAYS = np.array(["2024-01-02"] * 3 + ["2024-01-03"] + ["2024-01-04"] * 2, "datetime64[D]")


def test_day_starts() -> None:
    assert day_starts(DAYS).tolist() == [0, 3, 4, 6]
    assert day_starts(DAYS[:0]).tolist() == [0]


def test_ranks_by_hand() -> None:
    values = np.array([3.0, -1.0, 3.0, 9.0, np.nan, np.inf])
    expected = [0.25, -0.5, 0.25, 0.0, np.nan, np.nan]
    np.testing.assert_array_equal(centred_ranks(values, day_starts(DAYS)), expected)


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    data=st.data(),
    block=st.sampled_from([1, 30, 1 << 18]),
)
def test_ranks_are_those_of_pandas(lengths: list[int], data: st.DataObject, block: int) -> None:
    few = st.sampled_from([-2.0, -0.0, 0.0, 1.0, 1e300, np.nan])
    values = data.draw(arrays(np.float64, (sum(lengths), 2), elements=few))
    days = np.repeat(np.arange(len(lengths)), lengths)
    grouped = pd.DataFrame(values).groupby(days)
    count = grouped.transform("count")
    expected = ((grouped.rank() - 1) / (count - 1)).fillna(0.5).to_numpy() - 0.5
    expected[np.isnan(values)] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "BLOCK", block)
        found = centred_ranks(values, day_starts(days))
    np.testing.assert_array_equal(found, expected)


def test_rank_ic_is_spearmans_correlation() -> None:
    random = np.random.default_rng(0)
    days = np.repeat(np.arange(7), [2, 30, 5, 50, 3, 17, 40])
    scores = np.round(random.standard_normal(len(days)), 1)
    target = np.round(scores + random.standard_normal(len(days)), 1)
    expected = [spearmanr(scores[days == d], target[days == d]).statistic for d in range(7)]
    np.testing.assert_allclose(rank_ic(scores, target, day_starts(days)), expected, atol=1e-12)


def test_rank_ic_is_missing_where_it_is_not_defined() -> None:
    scores = np.array([1.0, 1.0, 1.0, 5.0, 1.0, 2.0])
    target = np.array([1.0, 2.0, 3.0, 5.0, 2.0, 1.0])
    found = rank_ic(scores, target, day_starts(DAYS))
    np.testing.assert_array_equal(found, [np.nan, np.nan, -1.0])
    assert len(correlation_by_day(scores[:0], target[:0], day_starts(DAYS[:0]))) == 0
