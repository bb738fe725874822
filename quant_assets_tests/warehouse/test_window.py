from datetime import date, datetime

import pytest

from quant_assets.warehouse.window import Window


def test_both_ends_are_included() -> None:
    window = Window(date(2020, 1, 2), date(2020, 1, 4))
    inside = [date(2020, 1, d) for d in range(1, 6) if window.contains(date(2020, 1, d))]
    assert inside == [date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 4)]
    assert str(window) == "2020-01-02..2020-01-04"


def test_a_window_of_one_day() -> None:
    day = date(2020, 1, 2)
    assert Window(day, day).contains(day)


def test_a_reversed_window_is_an_error() -> None:
    with pytest.raises(ValueError, match="starts on 2020-01-03, after its end 2020-01-02"):
        Window(date(2020, 1, 3), date(2020, 1, 2))


@pytest.mark.parametrize("bad", [datetime(2020, 1, 2), "2020-01-02", None])
def test_bounds_are_plain_dates(bad: object) -> None:
    with pytest.raises(TypeError, match=r"Window\.start must be a datetime\.date"):
        Window(bad, date(2020, 1, 2))  # type: ignore[arg-type]


def test_windows_are_values() -> None:
    a, b = Window(date(2020, 1, 2), date(2020, 1, 3)), Window(date(2020, 1, 2), date(2020, 1, 3))
    assert a == b
    assert len({a, b}) == 1
