"""What every test of a fault begins with: a home in which six days are materialized."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from quant_assets_tests.markets import bars
from quant_assets_tests.orchestration.faults.six_days import DAYS, Market, assert_whole, market_in


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Six days of good input, materialized without a disturbance."""
    market = market_in(tmp_path_factory.mktemp("good"), bars())
    assert market.backfill() == []
    assert market.rows("quarantine") == []
    return market


@pytest.fixture
def market(good: Market, tmp_path: Path) -> Iterator[Market]:
    """A copy of it, whose input may be spoiled; in the end its partitions must be whole."""
    shutil.copytree(good.folder, tmp_path, dirs_exist_ok=True)
    market = market_in(tmp_path)
    yield market
    assert_whole(market.graph, DAYS)
