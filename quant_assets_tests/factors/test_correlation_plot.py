"""The heat map: order, names or bands, what is left out, size."""

from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from quant_assets.factors import correlation_plot
from quant_assets.factors.correlation_plot import LABELLED, correlation_figure
from quant_assets.pages.figures import png
from quant_assets_tests.factors.report.samples import KNOWN, LABEL, NAMES
from quant_assets_tests.factors.test_plots import words


def correlations(names: list[str], groups: int = 1) -> pa.Table:
    """Factors that follow one of so many things, and the correlations of them all."""
    random = np.random.default_rng(0)
    common = random.normal(size=(groups, 60))[np.arange(len(names)) % groups]
    own = random.normal(size=(len(names), 60))
    return table_of(names, np.atleast_2d(np.corrcoef(common + 0.7 * own)))


def table_of(names: list[str], matrix: np.ndarray) -> pa.Table:
    """Rows of factor_correlations."""
    return pa.table(
        {
            "month": ["2016-03"] * len(names) ** 2,
            "factor": np.repeat(names, len(names)).tolist(),
            "other": names * len(names),
            "correlation": pa.array(matrix.ravel(), from_pandas=True),
        }
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are drawn, before they become bytes."""
    figures: list[Any] = []

    def kept(figure: Any) -> bytes:
        figures.append(figure)
        return png(figure)

    monkeypatch.setattr(correlation_plot, "png", kept)
    return figures


def test_it_is_small_and_names_the_factors(drawn: list[Any]) -> None:
    picture = correlation_figure(correlations(NAMES), KNOWN.types, LABEL)
    assert len(picture) <= 60_000
    assert Image.open(BytesIO(picture)).size == (736, 688)
    said = words(drawn[0])
    assert "Factor correlations of 2016-03: Demo market (simulated data)" in said
    for name in NAMES:
        assert name in said


def test_alike_factors_stand_side_by_side(drawn: list[Any]) -> None:
    values = np.eye(6)
    values[0, 5] = values[5, 0] = 0.9
    values[1, 4] = values[4, 1] = -0.9  # opposite ones are alike, too
    correlation_figure(table_of(list("abcdef"), values), {}, LABEL)
    image = np.asarray(drawn[0].axes[0].images[0].get_array())
    beside = [abs(image[k, k + 1]) for k in range(5)]
    assert sorted(beside)[-2:] == [0.9, 0.9]


def test_many_factors_stand_in_bands_of_their_types(drawn: list[Any]) -> None:
    names = [f"alpha_{k:03d}" for k in range(480)]
    kinds = ["momentum"] * 300 + ["reversal"] * 170 + ["size"] * 8
    types = dict(zip(names, kinds, strict=False))
    table = correlations(names, groups=7)
    picture = correlation_figure(table, types, LABEL)
    assert len(picture) <= 65_000
    said = words(drawn[0])
    for band in ("momentum (300)", "reversal (170)", "size (8)", "other (2)"):
        assert said.count(band) == 2, band
    assert "alpha_000" not in said
    image = np.asarray(drawn[0].axes[0].images[0].get_array())
    expected = table["correlation"].to_numpy().reshape(480, 480)
    # within a band alike ones are beside one another, across bands none is lost
    assert np.sort(np.diag(image, 1)[:299])[:200].mean() > 0.5
    assert sorted(np.diag(image, 0)) == pytest.approx([1.0] * 480)
    assert np.sort(image[:300, :300], axis=None) == pytest.approx(
        np.sort(expected[:300, :300], axis=None)
    )
    spots = [t.xyann[1] for t in drawn[0].axes[0].texts if t.xyann[0] < 0]
    assert np.abs(np.diff(sorted(spots))).min() >= 0.0239


def test_factors_without_any_correlation_are_left_out(drawn: list[Any]) -> None:
    matrix = np.eye(5)
    matrix[2] = matrix[:, 2] = np.nan
    correlation_figure(table_of(list("abcde"), matrix), {}, LABEL)
    said = words(drawn[0])
    assert "between 4 factors" in said
    assert "1 without any are left out" in said
    assert drawn[0].axes[0].images[0].get_array().shape == (4, 4)


@pytest.mark.parametrize("count", [1, 2, LABELLED + 1])
def test_any_number_is_drawn(count: int) -> None:
    names = [f"f{k}" for k in range(count)]
    assert correlation_figure(correlations(names), {}, LABEL)
    nothing = table_of(names, np.full((count, count), np.nan))
    assert correlation_figure(nothing, {}, LABEL)


def test_no_month_is_refused() -> None:
    with pytest.raises(ValueError, match="Got rows of no month instead"):
        correlation_figure(correlations(NAMES).slice(0, 0), {}, LABEL)
