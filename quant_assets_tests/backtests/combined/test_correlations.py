"""Correlations between strategies against pandas and scipy, pair by pair."""

import numpy as np
import pandas as pd
import pytest

from quant_assets.backtests.combined.correlations import (
    MINIMUM_SESSIONS,
    correlation_table,
    correlations,
    hierarchical_order,
)
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.combined.samples import NAMES, found, values

LAST = 450


def gapped() -> np.ndarray:
    panel = values()
    panel[100:140, 0] = np.nan
    panel[700:, 1] = np.nan
    panel[10, 2] = 0.0
    return panel


def test_against_pandas_over_the_common_days() -> None:
    panel = gapped()
    measured = correlations(found(panel))
    frame = pd.DataFrame(panel, columns=list(NAMES))
    np.testing.assert_allclose(measured.pearson, frame.corr(), atol=1e-12)
    np.testing.assert_allclose(measured.spearman, frame.corr("spearman"), atol=1e-12)
    for i in range(len(NAMES)):
        for j in range(len(NAMES)):
            both = frame.iloc[:, [i, j]].dropna()
            lost = both[(both.iloc[:, 0] < 0) & (both.iloc[:, 1] < 0)].to_numpy()
            expected = np.corrcoef(lost.T)[0, 1]
            assert measured.downside[i, j] == pytest.approx(expected, abs=1e-12)
            assert measured.sessions[i, j] == len(both)
            assert measured.downside_sessions[i, j] == len(lost)
            assert measured.first[i, j] == both.index[0]
            assert measured.last[i, j] == both.index[-1]
            assert measured.gaps[i, j] == both.index[-1] - both.index[0] + 1 - len(both)


def test_too_few_common_days_or_no_variation_is_missing() -> None:
    panel = values()
    panel[MINIMUM_SESSIONS - 1 :, 0] = np.nan
    panel[: -MINIMUM_SESSIONS - 30, 1] = np.nan
    panel[:, 2] = np.resize([1e-4, 1e-4 + 1e-16], len(panel))  # interest, but for rounding
    measured = correlations(found(panel))
    assert np.isnan(measured.pearson[0]).all()
    assert measured.sessions[0, 1] == 0
    assert measured.first[0, 1] == measured.last[0, 1] == -1
    assert np.isnan(measured.spearman[2]).all()
    assert np.isfinite(measured.pearson[1, 3])


def test_alike_strategies_stand_side_by_side() -> None:
    shuffled = [0, 2, 4, 1, 3]
    order = correlations(found(values()[:, shuffled], tuple(NAMES[k] for k in shuffled))).order
    places = [NAMES[shuffled[k]] for k in order]
    assert abs(places.index("alpha") - places.index("beta")) == 1
    assert abs(places.index("gamma") - places.index("delta")) == 1


def test_few_strategies_have_an_order_too() -> None:
    assert hierarchical_order(np.eye(2)).tolist() == [0, 1]
    assert sorted(hierarchical_order(np.full((4, 4), np.nan)).tolist()) == [0, 1, 2, 3]


def test_the_table_fits_its_schema_and_names_missing_days() -> None:
    panel = values()
    panel[LAST:, 0] = np.nan
    panel[: LAST + 1, 1] = np.nan
    read = found(panel)
    table = correlation_table(read, correlations(read))
    schema_of("strategy_correlations").validate(table)
    frame = table.to_pandas().set_index(["strategy", "other"])
    assert len(frame) == len(NAMES) ** 2
    pair = frame.loc[("alpha", "beta")]
    assert pair["sessions"] == 0
    assert pair["first_date"] is None
    assert np.isnan(pair["pearson"])
    assert frame.loc[("alpha", "alpha"), "pearson"] == 1.0
    assert sorted(frame.groupby("strategy")["place"].first()) == list(range(len(NAMES)))
