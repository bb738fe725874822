"""The platform, started once for all tests of the package."""

from collections.abc import Iterator

import pytest

from quant_assets_tests.end_to_end.platform import Platform, platform_in


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Servers on a small market, on which a range of days has been launched."""
    with platform_in(tmp_path_factory.mktemp("platform")) as running:
        yield running
