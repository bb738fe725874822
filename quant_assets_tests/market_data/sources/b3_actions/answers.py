"""Small answers of B3's service, written by hand in its format."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ON, PN = "BRABCDACNOR5", "BRABCDACNPR2"


def cash(rate: str = "0,50000000000", **over: str) -> dict[str, str]:
    """A record of the supplement's cash dividends."""
    record = {
        "assetIssued": ON,
        "paymentDate": "30/01/2024",
        "rate": rate,
        "relatedTo": "Anual/2023",
        "approvedOn": "02/01/2024",
        "isinCode": ON,
        "label": "DIVIDENDO",
        "lastDatePrior": "10/01/2024",
        "remarks": "",
    }
    return record | over


def stock(factor: str, label: str = "DESDOBRAMENTO", **over: str) -> dict[str, str]:
    """A record of the supplement's stock dividends."""
    record = {
        "assetIssued": ON,
        "factor": factor,
        "approvedOn": "02/01/2024",
        "isinCode": ON,
        "label": label,
        "lastDatePrior": "10/01/2024",
        "remarks": "",
    }
    return record | over


def subscription(percentage: str = "25,00000000000", **over: str) -> dict[str, str]:
    """A record of the supplement's subscriptions."""
    record = {
        "assetIssued": ON,
        "percentage": percentage,
        "priceUnit": "8,00000000000",
        "tradingPeriod": "11/01/2024 a 31/01/2024",
        "subscriptionDate": "05/02/2024",
        "approvedOn": "02/01/2024",
        "isinCode": ON,
        "label": "SUBSCRICAO",
        "lastDatePrior": "10/01/2024",
        "remarks": "",
    }
    return record | over


def paged(value: str = "0,5", **over: str) -> dict[str, str]:
    """A record of the paged cash dividends."""
    record = {
        "typeStock": "ON",
        "dateApproval": "02/01/2024",
        "valueCash": value,
        "ratio": "1",
        "corporateAction": "DIVIDENDO",
        "lastDatePriorEx": "10/01/2024",
        "dateClosingPricePriorExDate": "10/01/2024",
        "closingPricePriorExDate": "10,00",
        "quotedPerShares": "1",
        "corporateActionPrice": "5,000000",
        "lastDateTimePriorEx": "2024-01-10T00:00:00",
    }
    return record | over


def write(path: Path, answer: object) -> Path:
    """An answer as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(answer, ensure_ascii=False))
    return path


def company(
    folder: Path,
    cashes: Sequence[Mapping[str, str]] = (),
    stocks: Sequence[Mapping[str, str]] = (),
    subscriptions: Sequence[Mapping[str, str]] = (),
    pages: Sequence[Sequence[Mapping[str, str]]] = (),
    codes: Mapping[str, str] | None = None,
) -> Path:
    """The answers about the company ABCD in a folder of its own."""
    supplement = {
        "code": "ABCD",
        "cashDividends": list(cashes),
        "stockDividends": list(stocks),
        "subscriptions": list(subscriptions),
    }
    write(folder / "abcd" / "GetListedSupplementCompany.json", [supplement])
    pairs = {"ABCD3": ON, "ABCD4": PN} if codes is None else codes
    details: dict[str, Any] = {
        "issuingCompany": "ABCD",
        "otherCodes": [{"code": code, "isin": isin} for code, isin in pairs.items()],
    }
    write(folder / "abcd" / "GetDetailsCompany.json", details)
    total = sum(map(len, pages))
    for number, records in enumerate(pages, 1):
        page = {"pageNumber": number, "totalRecords": total, "totalPages": len(pages)}
        answer = {"page": page, "results": list(records)}
        write(folder / "abcd" / f"GetListedCashDividends_{number}.json", answer)
    return folder
