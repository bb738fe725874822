"""What is no covariance matrix is refused, and the asset is named."""

import numpy as np
import pytest

from quant_assets.backtests.portfolio.allocators import ALLOCATORS, VIEW_ALLOCATORS
from quant_assets.backtests.portfolio.checks import AllocationError, checked_covariance

NAMES = ("AAA", "BBB", "CCC")
GOOD = np.diag([1.0, 2.0, 3.0])


def with_values(**cells: float) -> np.ndarray:
    matrix = GOOD.copy()
    for cell, value in cells.items():
        matrix[int(cell[1]), int(cell[2])] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (with_values(c11=np.nan), "BBB: the covariances of an allocation must be finite. Got nan"),
        (with_values(c12=np.inf, c21=np.inf), r"BBB: .* finite. Got inf .with CCC"),
        (with_values(c22=0.0), "CCC: its variance must be above 0. Got 0 instead"),
        (with_values(c00=-1.0), "AAA: its variance must be above 0. Got -1 instead"),
        (with_values(c01=0.5), r"AAA and BBB: .* must be symmetric. Got 0.5 and 0 instead"),
        (with_values(c01=1.5, c10=1.5), r"AAA and BBB: their correlation .* Got 1.06066 instead"),
        (GOOD[:2], r"must have the shape \(N, N\), N at least 1. Got \(2, 3\) instead"),
        (np.zeros((0, 0)), r"N at least 1. Got \(0, 0\) instead"),
        (np.eye(2), "are of 2 assets, the names of 3"),
    ],
)
def test_a_bad_matrix_is_named(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(AllocationError, match=message):
        checked_covariance(matrix, NAMES)


def test_without_names_the_place_is_told() -> None:
    with pytest.raises(AllocationError, match="asset 2: its variance"):
        checked_covariance(with_values(c22=0.0))


@pytest.mark.parametrize("name", ALLOCATORS)
def test_every_allocator_refuses_what_has_no_risk(name: str) -> None:
    with pytest.raises(AllocationError, match="asset 2: its variance must be above 0"):
        ALLOCATORS[name](with_values(c22=0.0))
    with pytest.raises(AllocationError, match=r"asset 1: .* must be finite"):
        ALLOCATORS[name](with_values(c11=np.nan))


@pytest.mark.parametrize("name", VIEW_ALLOCATORS)
def test_views_must_be_known(name: str) -> None:
    with pytest.raises(AllocationError, match=r"asset 1: expected returns must be finite. Got nan"):
        VIEW_ALLOCATORS[name](GOOD, np.array([0.1, np.nan, 0.1]))


@pytest.mark.parametrize("name", ALLOCATORS)
def test_one_asset_gets_everything(name: str) -> None:
    assert ALLOCATORS[name](np.array([[0.04]])).tolist() == [1.0]
