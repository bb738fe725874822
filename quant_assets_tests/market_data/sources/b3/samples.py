"""COTAHIST files made up for tests: records written field by field, with header and trailer.

    write(folder / "COTAHIST_A2024.TXT", [record(day=date(2024, 1, 2), ticker="ABCD3")])

`reference` reads a record back literally, one slice a field, after the exchange's document.
"""

import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any


def record(
    day: date = date(2024, 1, 2),
    ticker: str = "ABCD3",
    klass: str = "02",
    market: int = 10,
    name: str = "ABCD",
    specification: str = "ON      NM",
    term: str = "",
    prices: tuple[int, int, int, int, int] = (1000, 1100, 990, 1050, 1080),
    quotes: tuple[int, int] = (1079, 1081),
    trades: int = 12,
    volume: int = 3400,
    turnover: int | None = None,
    strike: int = 0,
    expiry: str = "99991231",
    factor: int = 1,
    points: int = 0,
    isin: str = "BRABCDACNOR1",
    distribution: int = 101,
) -> str:
    """One quote as the 245 characters of its line; prices (open, high, low, average, close) and
    money in hundredths.
    """
    money = prices[3] * volume // factor if turnover is None else turnover
    numbers = "".join(f"{price:013d}" for price in (*prices, *quotes))
    text = (
        f"01{day:%Y%m%d}{klass:2}{ticker:12}{market:03d}{name:12}{specification:10}{term:3}R$  "
        f"{numbers}{trades:05d}{volume:018d}{money:018d}{strike:013d}0{expiry}{factor:07d}"
        f"{points:013d}{isin:12}{distribution:03d}"
    )
    assert len(text) == 245, len(text)
    return text


def content(
    records: Sequence[str], year: int = 2024, count: int | None = None, end: str = "\r\n"
) -> bytes:
    """A whole file; `count` is what its trailer says, by default what is true."""
    head = f"00COTAHIST.{year}BOVESPA {year}1231".ljust(245)
    said = len(records) + 2 if count is None else count
    tail = f"99COTAHIST.{year}BOVESPA {year}1231{said:011d}".ljust(245)
    return "".join(line + end for line in (head, *records, tail)).encode("latin-1")


def zipped(text: bytes, name: str = "COTAHIST.TXT") -> bytes:
    """An archive with one text; the same bytes for the same text."""
    import io

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2024, 1, 2, 0, 0, 0)), text)
    return out.getvalue()


def write(path: Path, records: Sequence[str], **keys: Any) -> Path:
    """A file of these records, a ZIP by its suffix."""
    text = content(records, **keys)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zipped(text) if path.suffix == ".ZIP" else text)
    return path


def reference(line: str) -> dict[str, Any]:
    """A record read literally."""
    factor = int(line[210:217])

    def price(first: int, last: int) -> float:
        return int(line[first - 1 : last]) / (100 * factor)

    def text(first: int, last: int) -> str | None:
        return line[first - 1 : last].rstrip(" ") or None

    def number(first: int, last: int) -> int | None:
        digits = line[first - 1 : last]
        return int(digits) if digits.strip() else None

    expiry = line[202:210]
    return {
        "date": datetime.strptime(line[2:10], "%Y%m%d").date(),
        "bulletin_class": text(11, 12),
        "ticker": text(13, 24),
        "market_type": number(25, 27),
        "name": text(28, 39),
        "specification": text(40, 49),
        "term_days": number(50, 52),
        "currency": text(53, 56),
        "open": price(57, 69),
        "high": price(70, 82),
        "low": price(83, 95),
        "average": price(96, 108),
        "close": price(109, 121),
        "best_bid": price(122, 134),
        "best_ask": price(135, 147),
        "trades": number(148, 152),
        "volume": number(153, 170),
        "turnover": int(line[170:188]) / 100,
        "strike": price(189, 201),
        "strike_correction": number(202, 202),
        "expiry": None if expiry == "99991231" else datetime.strptime(expiry, "%Y%m%d").date(),
        "quotation_factor": factor,
        "strike_points": int(line[217:230]) / 1_000_000,
        "isin": text(231, 242),
        "distribution": number(243, 245),
    }


def references(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Records read literally, with their rows."""
    return [reference(line) | {"row": row} for row, line in enumerate(lines, start=1)]
