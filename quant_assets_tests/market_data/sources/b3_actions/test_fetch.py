"""Answers fetched from a server that misbehaves: what lies in the folder is whole, old or new."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quant_assets.market_data.sources.b3.download import DownloadError, RefusedError
from quant_assets.market_data.sources.b3.source import B3
from quant_assets.market_data.sources.b3_actions.answers import CASH_PAGES, SUPPLEMENT
from quant_assets.market_data.sources.b3_actions.fetch import FetchedAnswers, fetch_answers
from quant_assets.market_data.sources.b3_actions.listing import LISTING_SCHEMA, issuers
from quant_assets.settings import Market
from quant_assets.settings_files import ConfigError, checked
from quant_assets.settings_sources import ActionsDownloads
from quant_assets_tests.market_data.sources.b3.markets import b3_market, sessions
from quant_assets_tests.market_data.sources.b3.samples import record, write
from quant_assets_tests.market_data.sources.b3.servers import Body, Cut, Server, Status, serving
from quant_assets_tests.market_data.sources.b3_actions.answers import ON, cash, paged, stock

ABCD = "ABCD3 S/A"


def asked(service: str, **query: Any) -> str:
    text = json.dumps(query, separators=(",", ":")).encode()
    return f"{service}/{base64.b64encode(text).decode()}"


def supplement_of(company: str) -> str:
    return asked(SUPPLEMENT, issuingCompany=company, language="pt-br")


def page_of(name: str, number: int) -> str:
    page = {"pageNumber": number, "pageSize": 120, "tradingName": name}
    return asked(CASH_PAGES, language="pt-br", **page)


def supplement(*cashes: dict[str, str], name: str = ABCD, code: str = "ABCD") -> bytes:
    lists = {"cashDividends": cashes, "stockDividends": [stock("100")], "subscriptions": None}
    return json.dumps([{"code": code, "tradingName": f"{name}   ", **lists}]).encode()


def page(number: int, of: int, *values: str, total: int | None = None) -> bytes:
    count = len(values) * of if total is None else total
    head = {"pageNumber": number, "totalPages": of, "totalRecords": count}
    return json.dumps({"page": head, "results": [paged(value) for value in values]}).encode()


NOTHING = page(1, 0)


@pytest.fixture
def server() -> Iterator[Server]:
    answers = {
        supplement_of("ABCD"): supplement(cash()),
        page_of(ABCD, 1): NOTHING,
        page_of("ABCD3 SA", 1): page(1, 2, "0,1"),
        page_of("ABCD3 SA", 2): page(2, 2, "0,2"),
        supplement_of("GONE"): b"",
    }
    with serving(answers) as server:
        server.editions = server.conditions = server.ranges = False
        yield server


def fetch(server: Server, folder: Path, *companies: str, hours: float = 0) -> FetchedAnswers:
    settings = ActionsDownloads(
        base_url=server.url,
        attempts=3,
        timeout_seconds=5,
        backoff_seconds=1,
        maximum_age_hours=hours,
    )
    return fetch_answers(settings, folder, companies, lambda seconds: None)


def names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*.json") if ".known" not in path.parts)
    return sorted(str(path.relative_to(folder)) for path in files)


FILES = [
    f"ABCD/{CASH_PAGES}_1.json",
    f"ABCD/{CASH_PAGES}_2.json",
    f"ABCD/{SUPPLEMENT}.json",
]


def test_a_company_has_its_supplement_and_all_pages(server: Server, tmp_path: Path) -> None:
    done = fetch(server, tmp_path, "ABCD", "GONE")
    assert (done.fetched, done.unknown, done.faults) == (["ABCD"], ["GONE"], {})
    assert names(tmp_path) == [*FILES, f"GONE/{SUPPLEMENT}.json"]
    assert (tmp_path / FILES[2]).read_bytes() == server.files[supplement_of("ABCD")]
    assert (tmp_path / FILES[1]).read_bytes() == server.files[page_of("ABCD3 SA", 2)]


def test_what_is_recent_is_not_asked_for(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, "ABCD", "GONE")
    before = len(server.asked)
    assert fetch(server, tmp_path, "ABCD", "GONE", hours=1).recent == ["ABCD", "GONE"]
    assert len(server.asked) == before
    old = (tmp_path / FILES[2]).stat().st_mtime - 7200
    os.utime(tmp_path / FILES[2], (old, old))
    assert fetch(server, tmp_path, "ABCD", "GONE", hours=1).fetched == ["ABCD"]
    assert len(server.asked) == before + 4


def test_fewer_pages_replace_more(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, "ABCD")
    server.files[page_of("ABCD3 SA", 1)] = page(1, 1, "0,1", "0,2")
    fetch(server, tmp_path, "ABCD")
    assert names(tmp_path) == [FILES[0], FILES[2]]


@pytest.mark.parametrize(
    "faults",
    [
        [Status(500), Status(503)],
        [Body(b"<html>try later</html>"), Cut(10)],
        [Body(b'[{"code": "AB'), Status(429, {"Retry-After": "1"})],
    ],
)
def test_a_fault_that_passes_is_overcome(server: Server, tmp_path: Path, faults: list[Any]) -> None:
    server.faults = {name: list(faults) for name in server.files}
    assert fetch(server, tmp_path, "ABCD").fetched == ["ABCD"]
    assert names(tmp_path) == FILES


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        (supplement_of("ABCD"), b"", "the answer is empty, and was not before"),
        (supplement_of("ABCD"), b"<html>closed</html>", "3 tries in a row failed.* no whole JSON"),
        (page_of("ABCD3 SA", 2), page(2, 3, "0,2"), "the pages changed while they came"),
        (page_of("ABCD3 SA", 2), b"[", "no whole JSON"),
        (page_of("ABCD3 SA", 1), b"{}", "has no page.totalPages"),
        (page_of("ABCD3 SA", 1), NOTHING, "tells of no cash dividends, and did before"),
    ],
)
def test_a_fault_that_stays_is_told_and_leaves_the_old_answers(
    server: Server, tmp_path: Path, name: str, answer: bytes, words: str
) -> None:
    fetch(server, tmp_path, "ABCD")
    before = {each: (tmp_path / each).read_bytes() for each in names(tmp_path)}
    server.files[supplement_of("ABCD")] = supplement(cash("0,7"))
    server.files[name] = answer
    done = fetch(server, tmp_path, "ABCD", "GONE")
    assert (list(done.faults), done.unknown) == (["ABCD"], ["GONE"])
    with pytest.raises(DownloadError, match=f"1 of 2 companies were fetched.*ABCD: .*{words}"):
        done.require_all()
    kept = [path for path in before if (tmp_path / path).read_bytes() == before[path]]
    assert kept == FILES
    server.files[supplement_of("ABCD")] = supplement(cash("0,9"))
    server.files[page_of("ABCD3 SA", 1)] = page(1, 2, "0,1")
    server.files[page_of("ABCD3 SA", 2)] = page(2, 2, "0,3")
    assert fetch(server, tmp_path, "ABCD").fetched == ["ABCD"]
    assert (tmp_path / FILES[1]).read_bytes() == page(2, 2, "0,3")
    assert not (tmp_path / "ABCD" / ".coming").exists()


def test_a_refusal_ends_it(server: Server, tmp_path: Path) -> None:
    server.faults[supplement_of("ABCD")] = [Status(403)]
    with pytest.raises(RefusedError, match=r"403 Forbidden; correct source.actions_downloads"):
        fetch(server, tmp_path, "ABCD", "GONE")
    assert len(server.asked) == 1


def test_many_faults_are_told_in_brief(server: Server, tmp_path: Path) -> None:
    done = fetch(server, tmp_path, *(f"ELS{number}" for number in range(7)), "ABCD")
    with pytest.raises(DownloadError, match=r"1 of 8 companies .* ELS4: .*; and 2 more") as caught:
        done.require_all()
    assert "ELS0: the server has no answer of GetListedSupplementCompany" in str(caught.value)
    assert "ELS5" not in str(caught.value)


def test_the_market_fetches_what_its_files_name(server: Server, tmp_path: Path) -> None:
    """Shares of ABCD, and a fund, which is no company; the answers become events."""
    days = sessions()
    lines = [record(day, "ABCD3", isin=ON) for day in days]
    fund = [record(day, "FUND11", isin="BRFUNDCTF001") for day in days]
    write(tmp_path / "raw" / "COTAHIST_A2024.ZIP", [*lines, *fund], year=2024)
    downloads = {"base_url": server.url, "attempts": 1}
    keys = {"corporate_actions": str(tmp_path / "answers"), "actions_downloads": downloads}
    block = b3_market(tmp_path / "raw", keys)
    source = B3(checked(Market, "markets.yaml", "tiny", {"name": "tiny", **block}))
    events = source.corporate_actions()
    assert set(events["kind"].to_pylist()) == {"dividend", "split"}
    assert sorted(c for c in events["cash"].to_pylist() if c) == [0.1, 0.2, 0.5]
    before = len(server.asked)
    assert source.rejected_actions().num_rows == 0
    assert len(server.asked) == before
    with pytest.raises(ConfigError, match="actions_downloads needs a local folder"):
        checked(
            Market,
            "markets.yaml",
            "tiny",
            {"name": "tiny", **b3_market(tmp_path, {"actions_downloads": downloads})},
        )


def test_issuers_are_those_of_shares_and_units() -> None:
    import pyarrow as pa

    rows = [
        {"symbol": "ABCD3", "isin": ON},
        {"symbol": "ABCD11", "isin": "BRABCDCDAM13"},
        {"symbol": "FUND11", "isin": "BRFUNDCTF001"},
        {"symbol": "WXYZ4", "isin": "BRWXYZACNPR2"},
        {"symbol": "ODD", "isin": None},
    ]
    assert issuers(pa.Table.from_pylist(rows, schema=LISTING_SCHEMA)) == ["ABCD", "WXYZ"]
