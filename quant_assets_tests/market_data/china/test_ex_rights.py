"""Ex-right events: every difference of closes, applied again it gives the published returns."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.actions.events import event_table
from quant_assets.market_data.adjustment import adjust
from quant_assets.market_data.china.ex_rights import ex_rights
from quant_assets_tests.market_data.examples import bars

FIRST = date(2024, 1, 2)
NAN = float("nan")


def days(count: int) -> np.ndarray:
    return np.array([FIRST + timedelta(days=k) for k in range(count)], "datetime64[D]")


def events(
    close: list[float],
    previous: list[float],
    traded: list[bool] | None = None,
    tradable: list[float] | None = None,
    columns: tuple[str, ...] = ("ex_date", "cash"),
) -> list[dict[str, object]]:
    count = len(close)
    table = ex_rights(
        np.array(["A"] * count, object),
        days(count),
        np.array(close),
        np.array(previous),
        np.array(traded or [True] * count),
        np.array(tradable or [NAN] * count),
    )
    rows: list[dict[str, object]] = table.select(columns).to_pylist()
    return rows


def test_a_lower_previous_close_detaches_the_difference() -> None:
    found = events([10.0, 9.6, 9.9], [NAN, 9.5, 9.6])
    assert found == [{"ex_date": date(2024, 1, 3), "cash": 0.5}]


def test_equal_closes_first_rows_and_missing_values_are_no_events() -> None:
    assert events([10.0, 10.1 + 1e-9, 10.2], [9.0, 10.0, 10.1]) == []
    assert events([10.0, NAN, 10.2], [NAN, NAN, NAN]) == []
    assert events([10.0, NAN, 10.2], [NAN, 10.0, 10.0]) == []


def test_a_higher_previous_close_adds_to_the_price() -> None:
    assert events([1.0, 10.5], [NAN, 10.0]) == [{"ex_date": date(2024, 1, 3), "cash": -9.0}]
    assert adjusted_returns([1.0, 10.5], [1.0, 10.0], [True, True]) == pytest.approx(0.05)


def test_without_a_bar_before_nothing_can_be_detached() -> None:
    assert events([10.0, 9.6], [NAN, 9.5], [False, True])[0]["cash"] is None


def test_symbols_and_order_of_rows_do_not_mix() -> None:
    table = ex_rights(
        np.array(["B", "A", "B", "A"], object),
        days(2)[[1, 1, 0, 0]],
        np.array([5.0, 10.0, 5.5, 10.0]),
        np.array([5.0, 10.0, 1.0, 1.0]),
        np.ones(4, bool),
        np.full(4, NAN),
    )
    assert table["symbol"].to_pylist() == ["B"]
    assert table["cash"].to_pylist() == [0.5]
    none = np.empty(0)
    assert (
        ex_rights(none.astype(object), days(0), none, none, none.astype(bool), none).num_rows == 0
    )


def test_several_events_of_one_halt_are_applied_to_the_close_before_it() -> None:
    # 10 -> 9 while halted, then 9 -> 8 while halted, then 8 -> 7.2 on the day of return
    close, previous = [10.0, 9.0, 8.0, 7.5], [10.0, 9.0, 8.0, 7.2]
    traded = [True, False, False, True]
    assert adjusted_returns(close, previous, traded)[-1] == pytest.approx(7.5 / 7.2 * 1 - 1)


def adjusted_returns(
    close: list[float],
    previous: list[float],
    traded: list[bool],
    tradable: list[float] | None = None,
) -> np.ndarray:
    """Returns between the traded days, of the bars adjusted by the events."""
    count = len(close)
    found = ex_rights(
        np.array(["A"] * count, object),
        days(count),
        np.array(close),
        np.array(previous),
        np.array(traded),
        np.array(tradable or [NAN] * count),
    )
    table = event_table(found)
    held = np.flatnonzero(traded)
    raw = bars(days(count)[held], {"A": np.array(close)[held].tolist()})
    result = adjust(raw, table, raw.select(["date", "symbol", "close"]))
    assert result.not_applied.num_rows == 0
    adjusted = result.table["close"].to_numpy()
    if tradable is None:
        assert (result.table["volume_factor"].to_numpy() == 1.0).all()
    returns: np.ndarray = adjusted[1:] / adjusted[:-1] - 1
    return returns


CENTS = st.integers(100, 300_000).map(lambda cents: cents / 100)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(CENTS, st.floats(0.2, 1.3), st.just(NAN) | st.floats(1.0, 3.0)),
        min_size=2,
        max_size=12,
    )
)
def test_adjusted_returns_are_those_the_exchange_publishes(
    given_days: list[tuple[float, float, float]],
) -> None:
    close, factors, tradable = (list(each) for each in zip(*given_days, strict=True))
    before = zip(close[:-1], factors[1:], strict=True)
    previous = [close[0], *(round(max(p * share, 0.01), 2) for p, share in before)]
    found = adjusted_returns(close, previous, [True] * len(close), tradable)
    expected = np.array(close[1:]) / np.array(previous[1:]) - 1
    assert np.abs(found - expected).max() < 1e-11 * (1 + np.abs(expected).max())


def test_the_events_are_corporate_actions() -> None:
    table = ex_rights(
        np.array(["A", "A"], object),
        days(2),
        np.array([10.0, 9.0]),
        np.array([NAN, 9.5]),
        np.ones(2, bool),
        np.full(2, NAN),
    )
    assert table["kind"].to_pylist() == ["ex_right"]
    assert isinstance(table, pa.Table)


TOLD = ("kind", "ratio", "cash")


def test_bonus_shares_are_told_by_the_number_of_shares() -> None:
    # 4 new shares for 10 and 0.60 in money: (20 - 0.6) / 1.4 = 13.857, published as 13.86
    found = events([20.0, 14.0], [NAN, 13.86], None, [1e8, 1.39996e8], TOLD)
    assert found == [
        {"kind": "bonus", "ratio": 1.4, "cash": None},
        {"kind": "ex_right", "ratio": None, "cash": pytest.approx(20 - 13.86 * 1.4)},
    ]
    # shares alone: 20 / 1.25 is 16 to the cent, so no money is left
    found = events([20.0, 16.0], [NAN, 16.0], None, [1e8, 1.25e8], TOLD)
    assert found == [{"kind": "bonus", "ratio": 1.25, "cash": None}]
    # the shares before a halt are known still
    found = events([20.0, 20.0, 16.0], [NAN, 20.0, 16.0], [True, False, True], [1e8, NAN, 1.25e8])
    assert len(found) == 1


@pytest.mark.parametrize(
    ("previous", "tradable"),
    [
        (18.0, [1e8, 1e8]),  # a large dividend
        (18.0, [1e8, 1.4e8]),  # a lock-up ends: new shares would have taken off more
        (18.0, [1e8, 1.04e8]),  # less than the least
        (10.0, [1e8, 0.5e8]),
        (13.86, [1e8, NAN]),  # halted on the ex-date, or a file without turnover rates
        (13.86, [NAN, 1.4e8]),
    ],
)
def test_what_is_no_bonus_for_sure_is_cash(previous: float, tradable: list[float]) -> None:
    (found,) = events([20.0, 14.0], [NAN, previous], None, tradable, TOLD)
    assert found == {"kind": "ex_right", "ratio": None, "cash": pytest.approx(20 - previous)}


def test_a_bonus_is_known_on_its_own_day_and_stays() -> None:
    close, previous = [20.0, 14.0, 15.0, 15.0], [NAN, 13.86, 14.0, 14.9]
    tradable = [1e8, 1.4e8, 2e8, 2e8]
    whole = events(close, previous, None, tradable, ("ex_date", *TOLD))
    early = events(close[:2], previous[:2], None, tradable[:2], ("ex_date", *TOLD))
    assert whole[: len(early)] == early
    assert len(early) == 2
