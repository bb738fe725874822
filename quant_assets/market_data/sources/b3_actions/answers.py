"""Answers of B3's listed-companies service: files of JSON, their records, numbers and dates.

Here lives how an answer is read and what is wrong with one. What its records mean is in records.py.
The service writes decimals with a comma and thousands with a point, and dates as dd/mm/yyyy; an
answer is known by the service's name in the name of its file, and all files of one folder are about
one company. Whole answers that cannot be right are errors, since what they lack would be missed
without a word; single records that cannot be used are rejected one by one.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any

from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.storage import Storage

SUPPLEMENT = "GetListedSupplementCompany"
CASH_PAGES = "GetListedCashDividends"
DETAILS = "GetDetailsCompany"
SERVICES = (SUPPLEMENT, CASH_PAGES, DETAILS)
LISTS = ("cashDividends", "stockDividends", "subscriptions")
_AGAIN = "delete the file and download the answer again"

_PLAIN = re.compile(r"-?\d+(,\d+)?")
# a leading zero does not begin a thousand: 0.133 is a decimal point, which the service never writes
_GROUPED = re.compile(r"-?[1-9]\d{0,2}(\.\d{3})+(,\d+)?")
_DATE = re.compile(r"\d{2}/\d{2}/\d{4}")
# 31/12/9999 stands for a day that is not known
_NEVER = 2300


@dataclass(frozen=True)
class Record:
    """One record of a list in an answer: where it stands, and its fields as delivered."""

    file: str
    place: str
    fields: Mapping[str, Any]


@dataclass
class Company:
    """Everything that a folder says of one company.

    Attributes:
        name: the issuer's code of four characters (`ABEV`).
        codes: (ticker, ISIN) of its shares, by the details.
        lists: the records by list; `pages` holds those of the paged cash dividends.
        empty: files without an answer: the service knows nothing under the name it was asked.
    """

    name: str
    codes: list[tuple[str, str]] = field(default_factory=list)
    lists: dict[str, list[Record]] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)


def number(value: object) -> float | None:
    """A number as the service writes it, None for an empty one.

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    if not (_PLAIN.fullmatch(text) or _GROUPED.fullmatch(text)):
        raise ValueError(f"must be a number with a decimal comma, such as 1.234,5. Got {value!r}")
    return float(text.replace(".", "").replace(",", "."))


def decimals(value: object) -> int:
    """How many decimals a number is written with."""
    return len(str(value).strip().partition(",")[2])


def day(value: object) -> date | None:
    """A date as the service writes it, None for an empty one and for one beyond any calendar.

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    if not _DATE.fullmatch(text):
        raise ValueError(f"must be a date dd/mm/yyyy. Got {value!r}")
    try:
        found = datetime.strptime(text, "%d/%m/%Y").date()
    except ValueError:
        raise ValueError(f"is no day of the calendar. Got {value!r}") from None
    return found if found.year < _NEVER else None


def read_companies(folder: str) -> list[Company]:
    """The companies of a folder, local or on s3://, with its subfolders: one a folder.

    Raises:
        SourceError: there are no answers, or one cannot be read or is cut.
    """
    storage = Storage(folder)
    answers: dict[str, list[str]] = {}
    for file in storage.files(any_suffix=True):
        name = PurePosixPath(file.path).name
        if name.endswith(".json") and any(service in name for service in SERVICES):
            answers.setdefault(str(PurePosixPath(file.path).parent), []).append(file.path)
    if not answers:
        raise SourceError(
            f"{folder}: no answers of B3; put files there whose names end with .json and hold "
            f"{', '.join(SERVICES)}, those of each company in a folder of its own"
        )
    return [_company(storage, where, paths) for where, paths in sorted(answers.items())]


def _company(storage: Storage, where: str, paths: Sequence[str]) -> Company:
    company = Company(PurePosixPath(where).name.upper())
    told: dict[str, str] = {}
    pages: list[tuple[str, Mapping[str, Any]]] = []
    for path in sorted(paths):
        answer = _loaded(storage, path)
        name = storage.relative(path)
        if answer in (None, "", [], {}):
            company.empty.append(name)
        elif SUPPLEMENT in path:
            for part in _supplements(name, answer):
                told[name] = str(part.get("code") or "")
                for each in LISTS:
                    records = company.lists.setdefault(each, [])
                    before = sum(record.file == name for record in records)
                    records += _records(name, each, part[each], before)
        elif DETAILS in path:
            fields = _fields(name, answer, "issuingCompany")
            told[name] = str(fields["issuingCompany"] or "")
            company.codes += _codes(name, fields.get("otherCodes"))
        else:
            pages.append((name, _fields(name, answer, "page")))
    company.lists["pages"] = _paged(where, pages)
    names = {code.strip().upper() for code in told.values() if code.strip()}
    if len(names) > 1:
        said = ", ".join(f"{name} says {code!r}" for name, code in sorted(told.items()))
        raise SourceError(
            f"{where}: answers of different companies ({said}); put each company's into a folder "
            f"of its own"
        )
    company.name = names.pop() if names else company.name
    return company


def _loaded(storage: Storage, path: str) -> Any:
    with storage.open_file(path) as file:
        data = bytes(file.read())
    try:
        answer = json.loads(data.decode("utf-8-sig")) if data.strip() else None
        # at times the service answers with a text that holds the JSON
        return json.loads(answer) if isinstance(answer, str) and answer.strip() else answer
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(f"{path}: no whole JSON ({error}); {_AGAIN}") from error


def _supplements(name: str, answer: object) -> Iterable[Mapping[str, Any]]:
    parts = answer if isinstance(answer, list) else [answer]
    return [_fields(name, part, *LISTS) for part in parts]


def _fields(name: str, answer: object, *required: str) -> Mapping[str, Any]:
    if not isinstance(answer, dict):
        raise SourceError(f"{name}: must hold a JSON object. Got {_short(answer)}; {_AGAIN}")
    absent = [key for key in required if key not in answer]
    if absent:
        raise SourceError(
            f"{name}: has no {', '.join(absent)}, only {', '.join(answer)}; the name of the file "
            f"must be that of the service that answered, or {_AGAIN}"
        )
    return answer


def _records(name: str, which: str, records: object, before: int = 0) -> list[Record]:
    """The records of a list; null is an empty one. Places count from 1, after `before` others."""
    if records is None:
        return []
    if not isinstance(records, list):
        raise SourceError(f"{name}: {which} must be a list. Got {_short(records)}; {_AGAIN}")
    return [
        Record(name, f"{which} {i}", _fields(f"{name}: {which} {i}", record))
        for i, record in enumerate(records, before + 1)
    ]


def _codes(name: str, codes: object) -> list[tuple[str, str]]:
    found = []
    for record in _records(name, "otherCodes", codes):
        code, isin = (str(record.fields.get(key) or "").strip() for key in ("code", "isin"))
        if code and isin:
            found.append((code, isin))
    return found


def _paged(where: str, pages: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Record]:
    """The records of all pages together, checked against the counts that the pages tell."""
    found: list[Record] = []
    numbers: dict[int, str] = {}
    told: set[tuple[int, int]] = set()
    for name, answer in pages:
        page = _fields(f"{name}: page", answer["page"], "pageNumber", "totalPages", "totalRecords")
        try:
            place, *counts = (int(page[k]) for k in ("pageNumber", "totalPages", "totalRecords"))
        except (TypeError, ValueError):
            raise SourceError(f"{name}: page must hold counts. Got {page}; {_AGAIN}") from None
        if place in numbers:
            raise SourceError(f"{name}: page {place} is also in {numbers[place]}; keep one of them")
        numbers[place] = name
        told.add((counts[0], counts[1]))
        records = _records(name, "results", answer.get("results"))
        found += records
    if not told:
        return found
    if len(told) > 1:
        raise SourceError(
            f"{where}: pages of different downloads: they tell (pages, records) {sorted(told)}; "
            f"download all of them again"
        )
    ((total_pages, total_records),) = told
    if sorted(numbers) != list(range(1, total_pages + 1)) or len(found) != total_records:
        raise SourceError(
            f"{where}: {len(found)} of {total_records} cash dividends on pages {sorted(numbers)} "
            f"of {total_pages}; download all pages again"
        )
    return found


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"
