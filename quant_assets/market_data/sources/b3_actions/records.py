"""What a record of B3's answers means: its kind, its ratio or amount, its dates.

Here live the labels and the units of the service:

- DESDOBRAMENTO and BONIFICACAO give the new shares in percent of the old ones: 300 makes one share
  four. GRUPAMENTO gives the ratio itself: 0,10 makes ten shares one.
- Amounts of the paged answer are for `quotedPerShares` shares, 1 or 1000.
- A subscription's percentage is of new shares offered for old ones.
- A spin-off or a capital reduction (CISAO, CIS RED CAP) carries a figure that is no ratio, and so
  does every label that is not known: kept, with neither ratio nor cash.
- A payment in shares of another type is no ratio of the share itself either.
- `lastDatePrior` is the last session with the right; the ex-date is the session after it.

Which symbol the record is about is the business of listing.py.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar

import numpy as np

from quant_assets.market_data.sources.b3_actions.answers import Record, day, decimals, number
from quant_assets.market_data.sources.b3_actions.listing import isin_type, share_type

PERCENT_KINDS = {"DESDOBRAMENTO": "split", "BONIFICACAO": "bonus"}
RATIO_KINDS = {"GRUPAMENTO": "reverse_split"}
CASH_KINDS = {
    "DIVIDENDO": "dividend",
    "RENDIMENTO": "dividend",
    "REST CAP DIN": "dividend",
    "JRS CAP PROPRIO": "interest_on_capital",
}
LOTS = (1.0, 1000.0)
Read = TypeVar("Read")


class BadRecordError(ValueError):
    """A record that cannot be used: the reason in one word, and the values in words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Event:
    """An event as one record tells it, of a share named by its ISIN or its type.

    `decimals` is how many the amount is written with, `about` what else tells two payments of one
    day apart (the period that they are for).
    """

    record: Record
    kind: str
    ex_date: date
    figure: float
    label: str
    ratio: float | None = None
    cash: float | None = None
    price: float | None = None
    isin: str | None = None
    share_type: str | None = None
    announced: date | None = None
    payment_date: date | None = None
    decimals: int = 0
    about: str = ""


def label_of(text: object) -> str:
    """A label without accents, points and double spaces, in capitals."""
    plain = unicodedata.normalize("NFKD", str(text or "")).encode("ascii", "ignore").decode()
    return " ".join(plain.upper().replace(".", " ").split())


def ex_date(last: date, sessions: np.ndarray) -> date:
    """The session after a day; the day after it where the calendar does not reach.

    Args:
        last: the last day with the right.
        sessions: every known session, `datetime64[D]`.
    """
    place = int(np.searchsorted(sessions, np.datetime64(last), "right"))
    if 0 < place < len(sessions):
        after = sessions[place].item()
        assert isinstance(after, date)
        return after
    return last + timedelta(days=1)


def supplement_event(which: str, record: Record, sessions: np.ndarray) -> Event:
    """The event of a record of the supplement's list `which`.

    Raises:
        BadRecordError: it cannot be used.
    """
    event = _base(record, "label", "lastDatePrior", "approvedOn", sessions)
    isin = str(record.fields.get("isinCode") or "").strip()
    if not isin:
        raise BadRecordError("no_isin", "isinCode is empty")
    about = label_of(record.fields.get("relatedTo"))
    made = _MEANINGS[which](replace(event, isin=isin, about=about), record.fields)
    issued = isin_type(str(record.fields.get("assetIssued") or "").strip())
    if which == "cashDividends" or issued in (None, isin_type(isin)):
        return made
    return replace(made, kind="other" if which == "stockDividends" else made.kind, ratio=None)


def paged_event(record: Record, sessions: np.ndarray) -> Event:
    """The event of a record of the paged cash dividends.

    Raises:
        BadRecordError: it cannot be used.
    """
    event = _base(record, "corporateAction", "lastDatePriorEx", "dateApproval", sessions)
    type_ = share_type(str(record.fields.get("typeStock") or ""))
    if type_ is None:
        raise BadRecordError("no_share_type", "typeStock is empty")
    amount = _figure(record.fields, "valueCash")
    lot = _value(number, record.fields, "quotedPerShares")
    also = _value(number, record.fields, "ratio")
    if lot not in LOTS or also not in (None, 1.0, lot):
        raise BadRecordError(
            "unknown_lot",
            f"quotedPerShares must be 1 or 1000 and ratio 1 or the same. "
            f"Got {record.fields.get('quotedPerShares')!r} and {record.fields.get('ratio')!r}",
        )
    places = decimals(record.fields["valueCash"]) + (3 if lot == LOTS[1] else 0)
    return replace(_paid(event, amount, amount / lot), share_type=type_, decimals=places)


def _base(record: Record, label: str, last: str, approved: str, sessions: np.ndarray) -> Event:
    """What every record has; the kind is still open."""
    name = label_of(record.fields.get(label))
    if not name:
        raise BadRecordError("no_label", f"{label} is empty")
    with_right = _value(day, record.fields, last)
    if with_right is None:
        raise BadRecordError("no_ex_date", f"{last} is empty or beyond any calendar")
    return Event(
        record=record,
        kind="other",
        ex_date=ex_date(with_right, sessions),
        figure=0.0,
        label=name,
        announced=_value(day, record.fields, approved),
    )


def _cash(event: Event, fields: Mapping[str, Any]) -> Event:
    amount = _figure(fields, "rate")
    paid = replace(_paid(event, amount, amount), decimals=decimals(fields["rate"]))
    return replace(paid, payment_date=_value(day, fields, "paymentDate"))


def _paid(event: Event, figure: float, cash: float) -> Event:
    kind = CASH_KINDS.get(event.label)
    if kind is None:
        return replace(event, figure=figure)
    return replace(event, kind=kind, figure=figure, cash=cash)


def _stock(event: Event, fields: Mapping[str, Any]) -> Event:
    figure = _figure(fields, "factor")
    if event.label in PERCENT_KINDS:
        return replace(
            event, kind=PERCENT_KINDS[event.label], figure=figure, ratio=1.0 + figure / 100.0
        )
    if event.label in RATIO_KINDS:
        if figure >= 1:
            raise BadRecordError(
                "no_reverse_ratio",
                f"the factor of {event.label} is the ratio itself and lies below 1. Got {figure:g}",
            )
        return replace(event, kind=RATIO_KINDS[event.label], figure=figure, ratio=figure)
    return replace(
        event, kind="spin_off" if event.label.startswith("CIS") else "other", figure=figure
    )


def _subscription(event: Event, fields: Mapping[str, Any]) -> Event:
    percentage = _figure(fields, "percentage")
    return replace(
        event,
        kind="subscription",
        figure=percentage,
        ratio=percentage / 100.0,
        price=_figure(fields, "priceUnit"),
        payment_date=_value(day, fields, "subscriptionDate"),
    )


_MEANINGS: dict[str, Callable[[Event, Mapping[str, Any]], Event]] = {
    "cashDividends": _cash,
    "stockDividends": _stock,
    "subscriptions": _subscription,
}


def _figure(fields: Mapping[str, Any], name: str) -> float:
    """A number above zero."""
    found = _value(number, fields, name)
    if found is None or found <= 0:
        raise BadRecordError("no_amount", f"{name} must be above zero. Got {fields.get(name)!r}")
    return found


def _value(read: Callable[[object], Read], fields: Mapping[str, Any], name: str) -> Read:
    try:
        return read(fields.get(name))
    except ValueError as error:
        raise BadRecordError("unreadable", f"{name} {error}") from None
