"""Which symbols an event of B3 is about: by the ISIN, or by the company and the type of the share.

Here lives the matching. A company's shares of different types (ON, PN, PNA, UNT …) get different
events. An ISIN is matched first; one that no symbol has now (an ISIN may change with a split or a
new segment) is matched by the issuer and the type of share that it spells. Where a security has
traded under several tickers, the one of the ex-date is meant, or the nearest in time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import pyarrow as pa

LISTING_SCHEMA = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("isin", pa.string()),
        pa.field("share_type", pa.string()),
        # the days on which it traded under the symbol with the ISIN; null is without end
        pa.field("first", pa.date32()),
        pa.field("last", pa.date32()),
    ]
)
# what the number of a ticker says, and the last letters of the ISIN of a share
_BY_TICKER = {"3": "ON", "4": "PN", "5": "PNA", "6": "PNB", "7": "PNC", "8": "PND", "11": "UNT"}
_BY_ISIN = {"OR": "ON", "PR": "PN", "PA": "PNA", "PB": "PNB", "PC": "PNC", "PD": "PND"}
_TICKER = re.compile(r"([A-Z0-9]{4})(\d{1,2})")
_ISIN = re.compile(r"BR([A-Z0-9]{4})([A-Z0-9]{3})([A-Z0-9]{2})\d")


def share_type(text: str | None) -> str | None:
    """The type of a share as B3 writes it: `ON`, `PN  EJS N2` -> PN, `UNT     N2`."""
    words = (text or "").upper().split()
    return words[0] if words else None


def isin_type(isin: str | None) -> str | None:
    """The type of share that a Brazilian ISIN spells, None if it is another kind of security."""
    found = _ISIN.fullmatch(isin or "")
    if not found:
        return None
    if found[2] == "ACN":
        return _BY_ISIN.get(found[3])
    return "UNT" if found[2] in ("CDA", "UNT") else None


def isin_issuer(isin: str | None) -> str | None:
    """The issuer's code in a Brazilian ISIN."""
    found = _ISIN.fullmatch(isin or "")
    return found[1] if found else None


class Listed(NamedTuple):
    """A symbol, and the days on which it stood for the security."""

    symbol: str
    first: date = date.min
    last: date = date.max

    def distance(self, day: date) -> int:
        """Days from those days, 0 within them."""
        return max((self.first - day).days, (day - self.last).days, 0)


@dataclass
class Listing:
    """Symbols by ISIN, and by company and type of share."""

    by_isin: dict[str, set[Listed]] = field(default_factory=dict)
    by_type: dict[tuple[str, str], set[Listed]] = field(default_factory=dict)

    @classmethod
    def of(cls, listed: pa.Table | None, codes: Iterable[tuple[str, str]] = ()) -> "Listing":
        """A listing of LISTING_SCHEMA and of (ticker, ISIN) pairs.

        The type of a share is that of `share_type`, of its ISIN, or of the number of its ticker.
        Pairs whose ISIN is in `listed` are left out: it knows the days.
        """
        found = cls()
        for row in listed.select(LISTING_SCHEMA.names).to_pylist() if listed is not None else ():
            span = Listed(row["symbol"], row["first"] or date.min, row["last"] or date.max)
            found.add(span, row["isin"], row["share_type"])
        known = set(found.by_isin)
        for symbol, isin in codes:
            if isin not in known:
                found.add(Listed(symbol), isin)
        return found

    def add(self, one: Listed, isin: str | None, type_: str | None = None) -> None:
        """One symbol more."""
        ticker = _TICKER.fullmatch(one.symbol)
        known = share_type(type_) or isin_type(isin) or (ticker and _BY_TICKER.get(ticker[2]))
        if isin:
            self.by_isin.setdefault(isin, set()).add(one)
        for company in (ticker and ticker[1], isin_issuer(isin)):
            if company and known:
                self.by_type.setdefault((company, known), set()).add(one)

    def with_isin(self, isin: str, company: str, day: date) -> set[str]:
        """The symbols with an ISIN, or with the type of share of `company` that it spells."""
        if isin in self.by_isin:
            return _of_day(self.by_isin[isin], day)
        type_ = isin_type(isin)
        return self.with_type(company, type_, day) if type_ else set()

    def with_type(self, company: str, type_: str, day: date) -> set[str]:
        """The symbols of a company with a type of share."""
        return _of_day(self.by_type.get((company, type_), set()), day)

    def of_company(self, company: str) -> str:
        """The company's shares in words, for messages."""
        found = [
            f"{type_} {', '.join(sorted({one.symbol for one in ones}))}"
            for (name, type_), ones in sorted(self.by_type.items())
            if name == company
        ]
        return "; ".join(found) or "none"


def spans(days: pa.Table) -> pa.Table:
    """A listing from days on which securities traded: `date`, `symbol`, `isin`."""
    found = days.group_by(["symbol", "isin"], use_threads=False).aggregate(
        [("date", "min"), ("date", "max")]
    )
    columns = {
        "symbol": found["symbol"],
        "isin": found["isin"],
        "share_type": pa.nulls(found.num_rows, pa.string()),
        "first": found["date_min"],
        "last": found["date_max"],
    }
    return pa.table(columns, schema=LISTING_SCHEMA)


def issuers(listed: pa.Table) -> list[str]:
    """The issuers' codes of a listing's shares and units, sorted; funds and the like are none."""
    pairs = listed.select(["symbol", "isin"]).to_pylist()
    return sorted(
        {
            ticker[1]
            for pair in pairs
            if isin_type(pair["isin"]) and (ticker := _TICKER.fullmatch(pair["symbol"]))
        }
    )


def _of_day(listed: set[Listed], day: date) -> set[str]:
    """The symbols of a day; where there is none on the day, those nearest to it."""
    nearest = min((one.distance(day) for one in listed), default=0)
    return {one.symbol for one in listed if one.distance(day) == nearest}
