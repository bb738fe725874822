"""Walk-forward windows: which decision days the model of a month may learn from.

Belongs here: the arithmetic of months, sessions, purging and embargo, on a calendar's sessions
only. Not here: tables and partitions (what is read is for the caller to take from the windows).

A label of decision day d with horizon h is earned from the open of session d+1 to the close of
d+h, so it is known at the close of d+h. Both boundaries of a split, the first validation day and
the first session of the month, keep the same distance: h + embargo sessions lie between the last
decision day before the boundary and the boundary, so that the last label ends with `embargo` whole
sessions to spare. Source: López de Prado, Advances in Financial Machine Learning (2018), ch. 7,
purging and embargo.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from quant_assets.models.errors import NotEnoughHistoryError
from quant_assets.warehouse.window import Window

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Split:
    """The windows of one month's model.

    Attributes:
        month: "YYYY-MM", the month whose days the model will score.
        horizon: sessions from a decision day to the close at which its label is known.
        embargo: whole sessions between the end of the last label and the boundary after it.
        train: decision days to fit on.
        validation: later decision days, for early stopping.
        labels: row dates (days known) of all labels of the two windows, to read labels by; the
            last of them, `last_known`, lies before the month's first session.
    """

    month: str
    horizon: int
    embargo: int
    train: Window
    validation: Window
    labels: Window

    @property
    def decisions(self) -> Window:
        """First training to last validation day."""
        return Window(self.train.start, self.validation.end)

    def decision_days(self, sessions: Sequence[date] | np.ndarray, every: int = 1) -> list[date]:
        """Every so many sessions of the training window, from its last back, and all of validation.

        Labels of neighbouring days overlap by all but one session and say nearly the same: with
        `every` near the horizon little is lost and the training is faster by as much (López de
        Prado, 2018, ch. 4: the uniqueness of samples).
        """
        days = session_array(sessions)

        def inside(window: Window) -> np.ndarray:
            first, last = np.datetime64(window.start, "D"), np.datetime64(window.end, "D")
            return days[(days >= first) & (days <= last)]

        train: list[date] = inside(self.train)[::-1][::every][::-1].tolist()
        validation: list[date] = inside(self.validation).tolist()
        return train + validation

    @property
    def last_known(self) -> date:
        """The day on which the last label that is used became known."""
        return self.labels.end

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        windows = {"train": self.train, "validation": self.validation, "labels": self.labels}
        return {
            "month": self.month,
            "horizon": self.horizon,
            "embargo": self.embargo,
            **{k: [w.start.isoformat(), w.end.isoformat()] for k, w in windows.items()},
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Split":
        """The inverse of `to_record`."""
        windows = {
            name: Window(*(date.fromisoformat(day) for day in record[name]))
            for name in ("train", "validation", "labels")
        }
        return cls(record["month"], record["horizon"], record["embargo"], **windows)


def training_window(
    month: str,
    sessions: Sequence[date] | np.ndarray,
    horizon: int,
    embargo: int,
    training_months: int,
    validation_months: int = 6,
    minimum_months: int = 18,
) -> Split:
    """The windows of the model of a month, from decision days before the month only.

    Args:
        month: "YYYY-MM". It need not have begun, if `sessions` reach into the month before it.
        sessions: the calendar's session dates from the market's start on, ascending.
        horizon: of the label, sessions (>= 1).
        embargo: sessions kept free after the end of the last label before a boundary (>= 0).
        training_months: at most so many calendar months before `month`, validation included.
        validation_months: the last of them, for early stopping (>= 1).
        minimum_months: at least so many calendar months of sessions must lie before `month`.

    Raises:
        NotEnoughHistoryError: too few months or sessions; it names the first month with enough.
        ValueError: a malformed month or an impossible length.
    """
    if horizon < 1 or embargo < 0:
        raise ValueError(f"horizon must be >= 1 and embargo >= 0. Got {horizon} and {embargo}")
    if not 1 <= validation_months < min(training_months, minimum_months):
        raise ValueError(
            "validation_months must be at least 1 and less than training_months and minimum_months."
            f" Got {validation_months}, {training_months} and {minimum_months} instead"
        )
    days = session_array(sessions)
    number = month_number(month)
    lengths = (horizon, embargo, training_months, validation_months, minimum_months)
    split = _split(number, days, *lengths)
    if split is not None:
        return split
    first = _first_month(number, days, *lengths)
    known = f"sessions from {days[0]} to {days[-1]}" if len(days) else "no sessions at all"
    then = f"models are possible from {first} on" if first else "no month they reach has a model"
    raise NotEnoughHistoryError(
        f"a model of {month} needs {minimum_months} months of sessions before it and a session in "
        f"the month before (horizon {horizon}, embargo {embargo}, validation {validation_months} "
        f"months); there are {known}: {then}",
        month=month,
        first_month=first,
    )


def _split(
    month: int,
    days: np.ndarray,
    horizon: int,
    embargo: int,
    training_months: int,
    validation_months: int,
    minimum_months: int,
) -> Split | None:
    """The split, or None where the sessions do not give one."""

    def first_of(number: int) -> int:
        return int(np.searchsorted(days, _first_day(number)))

    end = first_of(month)
    if end == 0 or first_of(month - 1) == end:
        return None
    if month - month_number(str(days[0])[:7]) < minimum_months:
        return None
    gap = 1 + horizon + embargo
    train_from = first_of(month - training_months)
    validate_from = first_of(month - validation_months)
    train_to, validate_to = validate_from - gap, end - gap
    if train_to < train_from or validate_to < validate_from:
        return None

    def window(start: int, stop: int) -> Window:
        return Window(days[start].item(), days[stop].item())

    return Split(
        month=month_name(month),
        horizon=horizon,
        embargo=embargo,
        train=window(train_from, train_to),
        validation=window(validate_from, validate_to),
        labels=window(train_from + horizon, validate_to + horizon),
    )


def _first_month(after: int, days: np.ndarray, *lengths: int) -> str | None:
    """The first month, from the sessions' first on, that has a split."""
    if not len(days):
        return None
    first, last = (month_number(str(day)[:7]) for day in (days[0], days[-1]))
    # A month whose own sessions are not known yet can still be trained for: hence + 1.
    for number in range(first, last + 2):
        if number != after and _split(number, days, *lengths) is not None:
            return month_name(number)
    return None


def session_array(sessions: Sequence[date] | np.ndarray) -> np.ndarray:
    """The sessions as `datetime64[D]`; ValueError unless they ascend."""
    days = np.asarray(sessions, dtype="datetime64[D]")
    if (days[1:] <= days[:-1]).any():
        place = int(np.argmax(days[1:] <= days[:-1]))
        raise ValueError(f"sessions must ascend. Got {days[place + 1]} after {days[place]} instead")
    return days


def month_number(month: str) -> int:
    """The months from year 0 to "YYYY-MM"; ValueError for anything else."""
    if not MONTH.fullmatch(month):
        raise ValueError(f"a month must be written YYYY-MM. Got {month!r} instead")
    return int(month[:4]) * 12 + int(month[5:]) - 1


def month_name(number: int) -> str:
    """The inverse of `month_number`."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def _first_day(number: int) -> np.datetime64:
    return np.datetime64(f"{month_name(number)}-01", "D")
