"""The plateau score: literal neighbourhoods, and what must hold for any grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.backtests.sweeps.plateau import best, plateaus


def grid(values: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    array = np.array(values, np.float64)
    places = np.stack(np.meshgrid(*map(np.arange, array.shape), indexing="ij"), axis=-1)
    return array.ravel(), places.reshape(-1, array.ndim)


def reference(metric: np.ndarray, places: np.ndarray, ordered: list[bool]) -> np.ndarray:
    """Set by set, as the docstring has it."""
    scores = np.full(len(metric), np.nan)
    sizes = (
        [places[:, a].max() + 1 for a in range(len(ordered)) if ordered[a]] if len(metric) else []
    )
    for k in range(len(metric)):
        around = [
            metric[j]
            for j in range(len(metric))
            if all(
                abs(places[k, a] - places[j, a]) <= (1 if ordered[a] else 0)
                for a in range(len(ordered))
            )
        ]
        known = [value for value in around if np.isfinite(value)]
        corner = np.prod([min(2, size) for size in sizes])
        if np.isfinite(metric[k]) and len(known) >= max(2, corner):
            whole = int(np.prod([min(3, size) for size in sizes]))
            filled = known + [min(known)] * (whole - len(known))
            scores[k] = min(np.percentile(filled, 25), metric[k])
    return scores


def test_a_lone_peak_loses_against_a_plateau() -> None:
    metric, places = grid(
        [
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.0, 9.0, 0.0, 1.0, 1.0, 1.0],
            [0.0, 0.0, 0.0, 1.0, 1.1, 1.0],
            [0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
        ]
    )
    judged = plateaus(metric, places, [True, True])
    assert best(metric) == 6 + 1
    assert best(judged.scores) == 2 * 6 + 4
    assert judged.scores[2 * 6 + 4] == 1.0
    assert judged.scores[6 + 1] == 0.0
    assert judged.neighbours[[0, 1, 7]].tolist() == [3, 5, 8]


def test_missing_neighbours_count_like_the_poorest() -> None:
    metric = np.array([1.0, 3.0, np.nan, 5.0])
    judged = plateaus(metric, np.arange(4)[:, None], [True])
    # Of three: 1 1 3, 1 3 3 with one missing as 1, nothing to judge, and too few neighbours.
    np.testing.assert_array_equal(judged.scores, [1.0, 1.0, np.nan, np.nan])
    assert judged.neighbours.tolist() == [1, 1, 2, 0]
    corner = plateaus(np.array([5.0, 4.0, 4.0]), np.array([[0, 0], [0, 1], [1, 1]]), [True, True])
    assert np.isnan(corner.scores).all()  # a corner of a full grid has three neighbours
    assert best(np.full(3, np.nan)) is None
    assert best(np.array([1.0, np.inf, 2.0])) == 2


@pytest.mark.parametrize("shape", [(20,), (8, 8), (5, 5, 5)])
def test_of_noise_the_inside_is_chosen_as_often_as_the_edge(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(4)
    _, places = grid(np.zeros(shape).tolist())
    inside = ((places > 0) & (places < np.array(shape) - 1)).all(axis=1)
    chosen = [
        best(plateaus(random.normal(size=len(places)), places, [True] * len(shape)).scores)
        for _ in range(200)
    ]
    assert np.asarray(inside)[np.array(chosen)].mean() > inside.mean() - 0.15


def test_choices_have_no_order() -> None:
    metric, places = grid([[1.0, 2.0, 3.0], [7.0, 8.0, 9.0]])
    judged = plateaus(metric, places, [False, True])
    np.testing.assert_allclose(judged.scores, [1.0, 1.5, 2.0, 7.0, 7.5, 8.0])


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 2\) \(sets, axes\). Got \(3, 1\)"):
        plateaus(np.zeros(3), np.zeros((3, 1), np.int64), [True, True])
    assert plateaus(np.zeros(0), np.zeros((0, 1), np.int64), [True]).scores.shape == (0,)


@st.composite
def grids(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[bool]]:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    metric, places = grid(random.normal(size=shape).tolist())
    metric[random.random(len(metric)) < 0.2] = np.nan
    kept = random.random(len(metric)) < draw(st.sampled_from([0.6, 1.0]))
    return (
        metric[kept],
        places[kept],
        draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape))),
    )


@given(grids())
def test_as_the_reference(case: tuple[np.ndarray, np.ndarray, list[bool]]) -> None:
    metric, places, ordered = case
    scores = plateaus(metric, places, ordered).scores
    np.testing.assert_allclose(scores, reference(metric, places, ordered), rtol=1e-12)
    known = np.isfinite(scores)
    if known.any():
        assert np.nanmin(metric) <= scores[known].min()
        assert scores[known].max() <= np.nanmax(metric)


@given(grids(), st.floats(0.1, 10), st.floats(-5, 5), st.integers(0, 2**32 - 1))
def test_scale_order_and_better_neighbours(
    case: tuple[np.ndarray, np.ndarray, list[bool]], scale: float, shift: float, seed: int
) -> None:
    metric, places, ordered = case
    scores = plateaus(metric, places, ordered).scores
    moved = plateaus(scale * metric + shift, places, ordered).scores
    np.testing.assert_allclose(moved, scale * scores + shift, atol=1e-9)
    order = np.random.default_rng(seed).permutation(len(metric))
    shuffled = plateaus(metric[order], places[order], ordered).scores
    np.testing.assert_array_equal(shuffled, scores[order])
    if len(metric):
        better = metric.copy()
        better[seed % len(metric)] += 1.0
        raised = plateaus(better, places, ordered).scores
        assert (np.nan_to_num(raised - scores) >= -1e-12).all()
