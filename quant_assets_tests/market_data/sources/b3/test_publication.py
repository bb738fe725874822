"""Which files are asked of the server for a year."""

from datetime import date
from pathlib import Path

from quant_assets.market_data.sources.b3.download import Downloader
from quant_assets.market_data.sources.b3.manifest import Manifest
from quant_assets.market_data.sources.b3.publication import fetch_year
from quant_assets.settings_sources import Downloads
from quant_assets_tests.market_data.sources.b3.samples import content, zipped
from quant_assets_tests.market_data.sources.b3.servers import serving

SESSIONS = [date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2)]
FILE = zipped(content([]))


def asked(published: list[str], today: date, folder: Path) -> list[str]:
    """What is asked, with a mark at what was not there."""
    with serving({f"COTAHIST_{period}.ZIP": FILE for period in published}) as server:
        downloader = Downloader(Downloads(base_url=server.url), folder, Manifest(folder))
        states = fetch_year(downloader, 2024, SESSIONS, today).states
    return [
        name.removeprefix("COTAHIST_").removesuffix(".ZIP") + ("?" if state == "absent" else "")
        for name, state in states.items()
    ]


def test_a_year_that_is_over_is_one_file(tmp_path: Path) -> None:
    assert asked(["A2024", "M012024"], date(2025, 1, 2), tmp_path) == ["A2024"]


def test_a_year_that_is_not_published_yet_comes_by_months(tmp_path: Path) -> None:
    found = asked(["M012024", "M022024"], date(2025, 1, 1), tmp_path)
    assert found == ["A2024?", "M012024", "M022024"]


def test_the_present_year_comes_by_months_and_days(tmp_path: Path) -> None:
    found = asked(["A2024", "M012024", "D01022024"], date(2024, 2, 2), tmp_path)
    assert found == ["M012024", "D01022024", "D02022024?"]


def test_a_month_that_is_not_published_comes_by_days(tmp_path: Path) -> None:
    found = asked(["D30012024", "D31012024"], date(2024, 2, 1), tmp_path)
    assert found == ["M012024?", "D30012024", "D31012024", "D01022024?"]


def test_days_to_come_are_not_asked_for(tmp_path: Path) -> None:
    assert asked([], date(2024, 1, 30), tmp_path) == ["D30012024?"]
