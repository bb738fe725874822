"""Golden windows, and the property that no label of a split knows the month or the validation."""

from datetime import date

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quant_assets.models.errors import NotEnoughHistoryError
from quant_assets.models.walk_forward import Split, month_name, month_number, training_window
from quant_assets.warehouse.window import Window
from quant_assets_tests.models.synthetic import weekdays

WEEKDAYS = weekdays("2022-01-03", 800)


def days(start: str, end: str) -> Window:
    return Window(date.fromisoformat(start), date.fromisoformat(end))


def test_golden_windows_with_less_than_the_wished_for_history() -> None:
    # Counted by hand: 2024-01-01 is a Monday; the label of Friday 12-15 ends on Friday 12-22, and
    # the five sessions 12-25..12-29 are the embargo. Likewise before Monday 2023-07-03.
    assert training_window("2024-01", WEEKDAYS, 5, 5, 36) == Split(
        month="2024-01",
        horizon=5,
        embargo=5,
        train=days("2022-01-03", "2023-06-16"),
        validation=days("2023-07-03", "2023-12-15"),
        labels=days("2022-01-10", "2023-12-22"),
    )


def test_golden_windows_on_the_calendar_of_new_york() -> None:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start="2007-01-03", end="2012-01-31")
    sessions = calendar.sessions.to_numpy().astype("datetime64[D]")
    split = training_window("2011-12", sessions, 5, 5, 36, validation_months=6)
    # Before 2011-12-01: embargo 11-23, 25, 28, 29, 30 (the 24th is Thanksgiving); the label that
    # ends on 11-22 was decided on 11-15. Before 2011-06-01: embargo 05-24..27 and 31 (the 30th is
    # Memorial Day), last label 05-16..05-23.
    assert split.train == days("2008-12-01", "2011-05-16")
    assert split.validation == days("2011-06-01", "2011-11-15")
    assert split.labels == days("2008-12-08", "2011-11-22")
    assert split.decisions == days("2008-12-01", "2011-11-15")
    assert split.last_known == date(2011, 11, 22)


def test_without_embargo_the_last_label_ends_on_the_session_before_the_month() -> None:
    split = training_window("2024-01", WEEKDAYS, 1, 0, 36)
    assert split.last_known == date(2023, 12, 29)
    assert split.validation.end == date(2023, 12, 28)


@given(
    holes=st.sets(st.integers(0, 799), max_size=120),
    horizon=st.integers(1, 30),
    embargo=st.integers(0, 30),
    months=st.tuples(st.integers(1, 8), st.integers(1, 20), st.integers(1, 20)),
    month=st.integers(month_number("2022-01"), month_number("2025-06")),
)
def test_no_label_knows_the_month_or_the_validation_window(
    holes: set[int],
    horizon: int,
    embargo: int,
    months: tuple[int, int, int],
    month: int,
) -> None:
    sessions = np.delete(WEEKDAYS, sorted(holes))
    validation, more, least = months
    try:
        split = training_window(
            month_name(month),
            sessions,
            horizon,
            embargo,
            training_months=validation + more,
            validation_months=validation,
            minimum_months=validation + least,
        )
    except NotEnoughHistoryError:
        assume(False)
    place = {day: i for i, day in enumerate(sessions.tolist())}
    month_begins = int(np.searchsorted(sessions, np.datetime64(f"{month_name(month)}-01", "D")))
    begin, end = place[split.validation.start], place[split.validation.end]
    # Every label of a decision day d runs over the sessions d+1..d+h.
    train_spans_end = place[split.train.end] + horizon
    assert train_spans_end < begin
    assert end + horizon < month_begins
    assert place[split.last_known] == end + horizon
    assert place[split.labels.start] == place[split.train.start] + horizon
    # Exactly the embargo is left free: no session is given away.
    assert begin - train_spans_end - 1 == embargo
    assert month_begins - (end + horizon) - 1 == embargo
    # The windows begin with their months.
    for window, back in ((split.train, validation + more), (split.validation, validation)):
        first = np.datetime64(f"{month_name(month - back)}-01", "D")
        assert place[window.start] == int(np.searchsorted(sessions, first))


def test_too_little_history_names_what_is_missing_and_the_first_month() -> None:
    wanted = r"2023-06 needs 18 months .* from 2022-01-03 to .* possible from 2023-07 on"
    with pytest.raises(NotEnoughHistoryError, match=wanted) as raised:
        training_window("2023-06", WEEKDAYS, 5, 5, 36)
    assert raised.value.first_month == "2023-07"
    assert training_window("2023-07", WEEKDAYS, 5, 5, 36).train.start == date(2022, 1, 3)


def test_a_month_right_after_the_last_session_can_be_trained_a_later_one_cannot() -> None:
    sessions = weekdays("2022-01-03", 520)
    assert str(sessions[-1]) == "2023-12-29"
    assert training_window("2024-01", sessions, 5, 5, 36).last_known == date(2023, 12, 22)
    with pytest.raises(NotEnoughHistoryError, match="possible from 2023-07 on"):
        training_window("2024-02", sessions, 5, 5, 36)


def test_a_short_calendar_has_no_month_at_all() -> None:
    with pytest.raises(NotEnoughHistoryError, match="no month they reach") as raised:
        training_window("2022-05", WEEKDAYS[:60], 5, 5, 36)
    assert raised.value.first_month is None
    with pytest.raises(NotEnoughHistoryError, match="no sessions at all"):
        training_window("2022-05", WEEKDAYS[:0], 5, 5, 36)


@pytest.mark.parametrize("month", ["2024", "2024-13", "2024-1", "24-01-01", ""])
def test_a_malformed_month_is_refused(month: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM"):
        training_window(month, WEEKDAYS, 5, 5, 36)


def test_impossible_lengths_and_unsorted_sessions_are_refused() -> None:
    with pytest.raises(ValueError, match="horizon must be >= 1"):
        training_window("2024-01", WEEKDAYS, 0, 5, 36)
    with pytest.raises(ValueError, match="validation_months must be"):
        training_window("2024-01", WEEKDAYS, 5, 5, 6, validation_months=6)
    with pytest.raises(ValueError, match="Got 2022-01-03 after 2022-01-04"):
        training_window("2024-01", WEEKDAYS[[1, 0]], 5, 5, 36)


def test_a_split_survives_its_record() -> None:
    split = training_window("2024-01", WEEKDAYS, 5, 5, 36)
    assert Split.from_record(split.to_record()) == split


def test_training_days_are_sampled_from_the_last_back_and_validation_days_are_all_kept() -> None:
    days = np.arange("2020-01-01", "2024-01-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    split = training_window("2023-06", days, 5, 5, 24, 6, 18)
    every_day = split.decision_days(days)
    inside = days[
        (days >= np.datetime64(split.train.start)) & (days <= np.datetime64("2023-05-31"))
    ]
    assert every_day[0] == split.train.start
    assert every_day[-1] == split.validation.end
    assert set(every_day) <= set(inside.tolist())
    sampled = split.decision_days(days, 5)
    train = [day for day in sampled if day <= split.train.end]
    assert train == [day for day in every_day if day <= split.train.end][::-1][::5][::-1]
    assert train[-1] == split.train.end
    assert [d for d in sampled if d > split.train.end] == [
        d for d in every_day if d > split.train.end
    ]
