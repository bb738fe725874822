"""A folder of B3's answers as the market's corporate actions.

Here live the way from records to one table, and what becomes of repetitions. The same event stands
in several records: one an ISIN, plain copies, and once more in the paged answer, which reaches back
further but knows neither ISIN nor payment date. So:

- Records of the supplement that agree in everything but the ISIN are one event.
- A paged payment is one of the supplement's if symbol, kind, ex-date and amount agree, the amount
  to the decimals that both are written with. Paged copies count once.
- Splits, bonuses and reverse splits of one symbol, day and kind are one event if their ratios
  agree. Otherwise nobody knows which is right: all of them are rejected.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.market_data.actions.events import ACTIONS_SCHEMA, SHARE_RATIO, event_table
from quant_assets.market_data.sources.b3_actions.answers import (
    LISTS,
    Company,
    Record,
    read_companies,
)
from quant_assets.market_data.sources.b3_actions.listing import Listing
from quant_assets.market_data.sources.b3_actions.records import (
    BadRecordError,
    Event,
    paged_event,
    supplement_event,
)
from quant_assets.market_data.sources.base import REJECTED_ACTIONS_SCHEMA


@dataclass(frozen=True)
class CompanyActions:
    """The events of a folder of answers, and the records that are none.

    Attributes:
        events: schema `corporate_actions`.
        rejected: schema `rejected_actions`.
        records: how many records were read. Each is an event, a repetition of one, or rejected.
        repetitions: records that repeat an event.
    """

    events: pa.Table
    rejected: pa.Table
    records: int
    repetitions: int


NO_ACTIONS = CompanyActions(
    ACTIONS_SCHEMA.empty_table(), REJECTED_ACTIONS_SCHEMA.empty_table(), 0, 0
)


@dataclass(frozen=True)
class _Found:
    """An event of one symbol."""

    symbol: str
    event: Event


@dataclass(frozen=True)
class _Rejected:
    company: str
    record: Record
    label: str | None
    reason: str
    detail: str


def read_b3_actions(
    folder: str, sessions: np.ndarray, listed: pa.Table | None = None
) -> CompanyActions:
    """The corporate actions of all companies of a folder.

    Args:
        folder: local or s3://, one folder a company; see answers.read_companies.
        sessions: every known session of the exchange, `datetime64[D]`.
        listed: symbols with ISIN, type of share and days (listing.LISTING_SCHEMA), such as
            COTAHIST tells them. The details in the folder add to it.

    Raises:
        SourceError: an answer cannot be read, or is cut.
    """
    companies = read_companies(folder)
    listing = Listing.of(listed, [pair for company in companies for pair in company.codes])
    found: list[_Found] = []
    rejected: list[_Rejected] = []
    records = 0
    for company in companies:
        own, out = _events(company, listing, sessions)
        records += sum(map(len, company.lists.values())) + len(company.empty)
        found += own
        rejected += out
    matched = {id(one.event.record) for one in found}
    kept, conflicting = _without_conflicts(_different(found))
    rejected += conflicting
    told = {id(one.event.record) for one in kept} | {id(out.record) for out in conflicting}
    return CompanyActions(_table(kept), _rejected(rejected), records, len(matched - told))


def _events(
    company: Company, listing: Listing, sessions: np.ndarray
) -> tuple[list[_Found], list[_Rejected]]:
    """The events of a company, and its records that are none."""
    found: list[_Found] = []
    rejected = [
        _Rejected(
            company.name,
            Record(name, "answer", {}),
            None,
            "empty_answer",
            f"the service knows nothing of {company.name}; correct the name that it was asked for",
        )
        for name in company.empty
    ]
    readers: list[tuple[str, Callable[[Record], Event]]] = [
        *(
            (each, lambda record, each=each: supplement_event(each, record, sessions))
            for each in LISTS
        ),
        ("pages", lambda record: paged_event(record, sessions)),
    ]
    for each, read in readers:
        for record in company.lists.get(each, ()):
            try:
                event = read(record)
                found += [_Found(name, event) for name in _symbols(event, company.name, listing)]
            except BadRecordError as error:
                label = record.fields.get("label") or record.fields.get("corporateAction")
                rejected.append(_Rejected(company.name, record, label, error.reason, str(error)))
    return found, rejected


def _symbols(event: Event, company: str, listing: Listing) -> list[str]:
    """The symbols that an event is about, sorted."""
    if event.isin:
        found = listing.with_isin(event.isin, company, event.ex_date)
        what = f"ISIN {event.isin}"
    else:
        assert event.share_type is not None
        found = listing.with_type(company, event.share_type, event.ex_date)
        what = f"{event.share_type} share of {company}"
    if not found:
        raise BadRecordError(
            "no_symbol",
            f"no symbol is listed for {what}; listed for {company}: {listing.of_company(company)}",
        )
    return sorted(found)


def _different(found: Sequence[_Found]) -> list[_Found]:
    """The events without repetitions."""
    kept: dict[tuple[object, ...], _Found] = {}
    amounts: dict[tuple[object, ...], list[Event]] = {}
    # the supplement first: what it tells of an event is more
    for one in sorted(found, key=lambda one: one.event.isin is None):
        event = one.event
        day = (one.symbol, event.kind, event.ex_date)
        if event.isin is None and any(_same_amount(event, e) for e in amounts.get(day, ())):
            continue
        if kept.setdefault(_identity(one), one) is one:
            amounts.setdefault(day, []).append(event)
    return list(kept.values())


def _identity(one: _Found) -> tuple[object, ...]:
    event = one.event
    if event.kind in SHARE_RATIO:
        return one.symbol, event.kind, event.ex_date, event.ratio
    what = (one.symbol, event.kind, event.ex_date, event.label, event.figure, event.price)
    return *what, event.announced, event.payment_date, event.about


def _same_amount(paged: Event, other: Event) -> bool:
    """Whether a paged payment is one that is known: of the supplement, or of another page."""
    if other.isin is None:
        return False
    rounding = 0.5 * 10.0 ** -min(paged.decimals, other.decimals)
    ours = paged.figure if paged.cash is None else paged.cash
    theirs = other.figure if other.cash is None else other.cash
    return abs(ours - theirs) <= rounding * (1 + 1e-9) and paged.label == other.label


def _without_conflicts(found: Iterable[_Found]) -> tuple[list[_Found], list[_Rejected]]:
    """The events, without those of a day whose ratios contradict each other."""
    days: dict[tuple[object, ...], list[_Found]] = {}
    for one in found:
        event = one.event
        alone = event.kind in SHARE_RATIO
        key = (one.symbol, event.kind, event.ex_date) if alone else (id(one),)
        days.setdefault(key, []).append(one)
    kept: list[_Found] = []
    rejected: dict[int, _Rejected] = {}
    for ones in days.values():
        if len(ones) == 1:
            kept += ones
            continue
        ratios = ", ".join(f"{one.event.ratio:g}" for one in ones)
        for one in ones:
            record = one.event.record
            rejected[id(record)] = _Rejected(
                one.symbol[:4],
                record,
                one.event.label,
                "conflicting_ratio",
                f"{one.symbol} has {one.event.kind} ratios {ratios} on {one.event.ex_date}; "
                f"correct the answers",
            )
    return kept, list(rejected.values())


def _table(found: Sequence[_Found]) -> pa.Table:
    rows = [
        {
            "symbol": one.symbol,
            "source": f"{one.event.record.file} {one.event.record.place}",
            **{
                name: getattr(one.event, name)
                for name in ACTIONS_SCHEMA.names
                if name not in ("symbol", "source", "number")
            },
        }
        for one in found
    ]
    whole = ACTIONS_SCHEMA.remove(ACTIONS_SCHEMA.get_field_index("number"))
    return event_table(pa.Table.from_pylist(rows, schema=whole))


def _rejected(rejected: Sequence[_Rejected]) -> pa.Table:
    rows = [
        {
            "source": out.record.file,
            "place": out.record.place,
            "company": out.company,
            "label": out.label,
            "reason": out.reason,
            "detail": out.detail,
            "record": json.dumps(dict(out.record.fields), ensure_ascii=False, default=str),
        }
        for out in rejected
    ]
    order = [("source", "ascending"), ("place", "ascending")]
    return pa.Table.from_pylist(rows, schema=REJECTED_ACTIONS_SCHEMA).sort_by(order)
