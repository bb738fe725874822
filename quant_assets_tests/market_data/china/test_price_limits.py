"""Price limits: prices that the exchanges published, the history of the rules, a slow reference."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.china.price_limits import price_limits

CALENDAR = np.arange("2013-01-01", "2027-01-01", dtype="datetime64[D]")


def limits(
    board: str,
    day: str,
    previous: float,
    special: float = 0.0,
    listed: str = "NaT",
) -> tuple[float, float]:
    up, down = price_limits(
        np.array([board], object),
        np.array([day], "datetime64[D]"),
        np.array([previous]),
        np.array([special]),
        np.array([listed], "datetime64[D]"),
        CALENDAR,
    )
    return float(up[0]), float(down[0])


@pytest.mark.parametrize(
    ("board", "day", "previous", "special", "expected"),
    [
        ("main", "2024-01-02", 10.00, 0.0, (11.00, 9.00)),
        ("main", "2024-01-02", 10.05, 0.0, (11.06, 9.05)),  # 11.055 and 9.045: half up
        ("main", "2024-01-02", 1.15, 0.0, (1.27, 1.04)),  # 1.265 and 1.035
        ("main", "2024-01-02", 10.00, 1.0, (10.50, 9.50)),
        ("main", "2026-07-03", 10.00, 1.0, (10.50, 9.50)),
        ("main", "2026-07-06", 10.00, 1.0, (11.00, 9.00)),
        ("chinext", "2020-08-21", 10.00, 0.0, (11.00, 9.00)),
        ("chinext", "2020-08-21", 10.00, 1.0, (10.50, 9.50)),
        ("chinext", "2020-08-24", 10.00, 0.0, (12.00, 8.00)),
        ("chinext", "2020-08-24", 10.00, 1.0, (12.00, 8.00)),
        ("star", "2020-01-02", 10.00, 0.0, (12.00, 8.00)),
        ("star", "2024-01-02", 8.18, 1.0, (9.82, 6.54)),
        ("beijing", "2024-01-02", 10.00, 0.0, (13.00, 7.00)),
        # at least a hundredth from the previous close, and never below a hundredth
        ("main", "2024-01-02", 0.05, 1.0, (0.06, 0.04)),
        ("main", "2024-01-02", 0.01, 0.0, (0.02, 0.01)),
    ],
)
def test_limits_by_board_special_treatment_and_day(
    board: str, day: str, previous: float, special: float, expected: tuple[float, float]
) -> None:
    assert limits(board, day, previous, special) == expected


@pytest.mark.parametrize(
    ("board", "listed", "free"),
    [
        ("main", "2013-06-03", 1),
        ("main", "2023-04-10", 5),
        ("chinext", "2013-06-03", 1),
        ("chinext", "2020-08-24", 5),
        ("star", "2019-07-22", 5),
        ("beijing", "2021-11-15", 1),
    ],
)
def test_the_first_sessions_without_a_limit(board: str, listed: str, free: int) -> None:
    for since in range(8):
        day = str(np.datetime64(listed) + since)
        assert np.isnan(limits(board, day, 10.0, listed=listed)).all() == (since < free), since


@pytest.mark.parametrize(
    ("board", "listed"),
    [("main", "2014-01-02"), ("main", "2023-04-07"), ("chinext", "2020-08-21")],
)
def test_the_day_of_listing_before_registration(board: str, listed: str) -> None:
    assert limits(board, listed, 2.65, listed=listed) == (3.82, 1.70)
    second = str(np.datetime64(listed) + 1)
    assert limits(board, second, 10.0, listed=listed) == (11.0, 9.0)


def test_a_share_listed_before_the_change_has_limits_at_once_after_it() -> None:
    assert limits("chinext", "2020-08-24", 10.0, listed="2020-08-21") == (12.0, 8.0)
    assert limits("main", "2023-04-10", 10.0, listed="2023-04-07") == (11.0, 9.0)


def test_what_is_not_known_has_no_limits() -> None:
    nan = float("nan")
    assert np.isnan(limits("", "2024-01-02", 10.0)).all()
    assert np.isnan(limits("main", "2024-01-02", nan)).all()
    assert np.isnan(limits("main", "2024-01-02", 0.0)).all()
    assert np.isnan(limits("main", "2024-01-02", 10.0, special=nan)).all()
    assert limits("star", "2024-01-02", 10.0, special=nan) == (12.0, 8.0)
    assert np.isnan(limits("star", "2019-07-19", 10.0)).all()


@settings(deadline=None)
@given(
    st.integers(2, 300_000),
    st.sampled_from([("main", 0.0, 10), ("main", 1.0, 5), ("star", 0.0, 20), ("beijing", 0.0, 30)]),
)
def test_rounding_is_half_up_in_decimals(cents: int, rule: tuple[str, float, int]) -> None:
    board, special, percent = rule
    close = Decimal(cents) / 100
    tick = Decimal("0.01")
    up = (close * (100 + percent) / 100).quantize(tick, ROUND_HALF_UP)
    down = (close * (100 - percent) / 100).quantize(tick, ROUND_HALF_UP)
    expected = max(up, close + tick), max(min(down, close - tick), tick)
    found = limits(board, str(date(2024, 1, 2)), float(close), special)
    assert found == tuple(map(float, expected))
