"""The platform and the browser, each started once for all tests of the package."""

from collections.abc import Iterator

import pytest

from quant_assets_tests.end_to_end.browser import Browser, chromium, executable
from quant_assets_tests.end_to_end.platform import Platform, platform_in


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Servers on a small market, on which a range of days has been launched."""
    with platform_in(tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium; tests of pages are skipped where there is none."""
    pytest.importorskip("playwright.sync_api", reason="no playwright to drive a browser with")
    path = executable()
    if path is None:
        pytest.skip("no chromium to open pages in")
    with chromium(path, tmp_path_factory.mktemp("screenshots")) as started:
        yield started
