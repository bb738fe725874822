"""Fetching the answers of B3's listed-companies service into a folder a company.

Here lives what is asked of the service, and in which order: a company's supplement, which tells its
trading name, then the pages of its cash dividends under that name. The transfer of one answer is
b3/download.py's; what answers hold is read by answers.py.

The service is the one behind the exchange's own pages: `<base>/<service>/<query>`, the query a JSON
object in base64. It says neither length nor edition of an answer, so that an answer is asked for
again once it is old, and is taken as whole if it is whole JSON. For a company it does not know the
answer is empty.
"""

import base64
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from quant_assets.market_data.sources.b3.download import Delivery, Downloader, DownloadError
from quant_assets.market_data.sources.b3.manifest import Manifest
from quant_assets.market_data.sources.b3_actions.answers import CASH_PAGES, SUPPLEMENT
from quant_assets.settings_sources import ActionsDownloads

# Hidden from the reader of answers: pages until all have come, and what is known of each answer.
_COMING, _KNOWN = ".coming", ".known"
_LANGUAGE = {"language": "pt-br"}
_PAGE_RECORDS = 120
_HOUR = 3600.0
_TOLD = 5  # companies at fault in a message


@dataclass
class FetchedAnswers:
    """Companies by what became of them; `unknown` are those of which the service knows nothing."""

    fetched: list[str] = field(default_factory=list)
    recent: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    def require_all(self) -> None:
        """DownloadError naming what could not be fetched, and how much was."""
        if self.faults:
            asked = sum(map(len, (self.fetched, self.unknown, self.faults)))
            told = [f"{company}: {fault}" for company, fault in self.faults.items()][:_TOLD]
            more = len(self.faults) - len(told)
            raise DownloadError(
                f"{asked - len(self.faults)} of {asked} companies were fetched, and will not be "
                f"asked for again if this is repeated; the others are as they were before: "
                + "; ".join([*told, *([f"and {more} more"] if more else [])])
            )


def fetch_answers(
    settings: ActionsDownloads,
    folder: Path,
    companies: Iterable[str],
    sleep: Callable[[float], None] = time.sleep,
) -> FetchedAnswers:
    """Bring the answers about companies up to date, one company after the other.

    Args:
        settings: where from, how patiently, how old an answer may be.
        folder: gets a folder a company.
        companies: issuers' codes of four characters (`ABEV`).
        sleep: waits between tries.

    Raises:
        RefusedError: the server refuses; nobody else is asked for.
    """
    done = FetchedAnswers()
    for company in companies:
        fetcher = _Company(settings, folder / company, company, sleep)
        if fetcher.is_recent():
            done.recent.append(company)
            continue
        try:
            known = fetcher.fetch()
        except DownloadError as fault:
            done.faults[company] = str(fault)
        else:
            (done.fetched if known else done.unknown).append(company)
    return done


class _Company:
    """The answers about one company."""

    def __init__(
        self,
        settings: ActionsDownloads,
        folder: Path,
        company: str,
        sleep: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._company = company
        self._sleep = sleep
        self._supplement = folder / f"{SUPPLEMENT}.json"

    def is_recent(self) -> bool:
        """Whether the answers are young enough. The supplement's age is that of all of them."""
        if not self._supplement.exists():
            return False
        age = time.time() - self._supplement.stat().st_mtime
        return age < self._settings.maximum_age_hours * _HOUR

    def fetch(self) -> bool:
        """Bring the answers up to date; whether the service knows the company.

        Nothing of before is replaced until everything has come, and the supplement comes last: what
        was interrupted is asked for again.
        """
        coming = self._folder / _COMING
        query = {"issuingCompany": self._company, **_LANGUAGE}
        (answer,) = self._asked(coming, {self._supplement.name: (SUPPLEMENT, query)})
        if answer is None:
            if self._supplement.exists() and self._supplement.read_bytes().strip():
                raise DownloadError(
                    "the answer is empty, and was not before; try again later, or delete the "
                    "company's folder if the exchange has dropped it"
                )
            self._place(coming, [self._supplement.name])
            return False
        part = answer[0] if isinstance(answer, list) else answer
        pages = self._pages(coming, str(part.get("tradingName") or "").strip())
        before = list(self._folder.glob(f"{CASH_PAGES}*.json"))
        if before and not pages:
            raise DownloadError(
                "the service tells of no cash dividends, and did before; try again later, or "
                "delete the company's folder if that is so"
            )
        for old in before:
            if old.name not in pages:
                old.unlink()
        self._place(coming, [*pages, self._supplement.name])
        return True

    def _pages(self, coming: Path, name: str) -> list[str]:
        """The names of the files with all cash dividends of a trading name.

        The service tells names with signs (`AMBEV S/A`) that it does not always know them by.
        """
        plain = "".join(sign for sign in name if sign.isalnum() or sign == " ")
        for known_as in dict.fromkeys((name, plain)):
            (first,) = self._asked(coming, {_page_name(1): _page_query(known_as, 1)})
            total = _count(first)
            if total:
                break
        else:
            return []
        rest = range(2, total + 1)
        others = self._asked(coming, {_page_name(k): _page_query(known_as, k) for k in rest})
        if any(_count(page) != total for page in others):
            raise DownloadError("the pages changed while they came; try again")
        return [_page_name(k) for k in range(1, total + 1)]

    def _asked(self, folder: Path, queries: dict[str, tuple[str, dict[str, Any]]]) -> list[Any]:
        """The answers to queries, None for an empty one; each stands in a file by then."""
        delivery = Delivery(
            lambda name: _address(*queries[name]), _json_fault, "source.actions_downloads"
        )
        manifest = Manifest(self._folder / _KNOWN)
        downloader = Downloader(
            self._settings, folder, manifest, sleep=self._sleep, delivery=delivery
        )
        answers = []
        for name in queries:
            if downloader.fetch(name) == "absent":
                raise DownloadError(
                    f"the server has no answer of {queries[name][0]}; if that is so of every "
                    "company, correct source.actions_downloads.base_url"
                )
            answers.append(_read(folder / name))
        return answers

    def _place(self, coming: Path, names: list[str]) -> None:
        for name in names:
            (coming / name).replace(self._folder / name)
        for left in coming.iterdir():
            left.unlink()
        coming.rmdir()


def _page_name(number: int) -> str:
    return f"{CASH_PAGES}_{number}.json"


def _page_query(name: str, number: int) -> tuple[str, dict[str, Any]]:
    page = {"pageNumber": number, "pageSize": _PAGE_RECORDS}
    return CASH_PAGES, {**_LANGUAGE, **page, "tradingName": name}


def _address(service: str, query: dict[str, Any]) -> str:
    told = json.dumps(query, separators=(",", ":")).encode()
    return f"{service}/{quote(base64.b64encode(told).decode(), safe='=')}"


def _count(answer: Any) -> int:
    """How many pages an answer tells of; none if it is empty."""
    if answer is None:
        return 0
    try:
        return int(answer["page"]["totalPages"])
    except (KeyError, TypeError, ValueError):
        raise DownloadError(f"an answer of {CASH_PAGES} has no page.totalPages") from None


def _read(path: Path) -> Any:
    """The content of an answer; at times the service answers with a text that holds the JSON."""
    text = path.read_text(encoding="utf-8-sig").strip()
    answer = json.loads(text) if text else None
    return (json.loads(answer) if answer.strip() else None) if isinstance(answer, str) else answer


def _json_fault(path: Path) -> str | None:
    try:
        answer = _read(path)
    except ValueError as error:
        return f"no whole JSON: {error}"
    return None if answer is None or isinstance(answer, list | dict) else "no answer of the service"
