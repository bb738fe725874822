"""Returns side by side: every one in its place, and what is missing is named."""

import numpy as np
import pyarrow as pa

from quant_assets.backtests.combined.returns import strategy_returns
from quant_assets_tests.backtests.combined.samples import (
    LATE,
    NAMES,
    backtest_table,
    dates,
    found,
    values,
)


def test_every_return_stands_in_its_place() -> None:
    panel = values()
    read = found(panel)
    np.testing.assert_array_equal(read.values, panel)
    np.testing.assert_array_equal(read.dates, dates())
    assert read.names == NAMES
    assert read.notes == ()
    assert read.spans()[-1] == (dates()[LATE], dates()[-1], 0)
    assert read.common().sum() == len(panel) - LATE


def test_a_strategy_without_returns_is_named_and_one_not_asked_for_is_left_out() -> None:
    table = backtest_table(values())
    read = strategy_returns(table, ["zeta", "beta", "alpha"])
    assert read.names == ("beta", "alpha")
    assert read.missing == ("zeta",)
    np.testing.assert_array_equal(read.values, values()[:, [1, 0]])
    assert read.notes[0].startswith("the strategy zeta has no returns")


def test_rows_without_a_return_are_none() -> None:
    table = backtest_table(values()[:10, :2], NAMES[:2])
    net = np.where(np.arange(20) < 10, np.nan, table["net_return"].to_numpy())
    read = strategy_returns(table.set_column(2, "net_return", pa.array(net)), NAMES[:2])
    assert read.names == ("beta",)
    assert read.missing == ("alpha",)


def test_gaps_and_early_ends_are_told() -> None:
    panel = values()
    panel[500:503, 0] = np.nan
    panel[-10:, 1] = np.nan
    read = found(panel)
    assert read.notes == (
        "the strategy alpha has 3 sessions without a return in between",
        f"the strategy beta ends on {dates()[-11]}, the others on {dates()[-1]}: its capital was "
        "lost, or its backtest is older than theirs",
    )


def test_without_any_backtest_there_is_nothing() -> None:
    read = strategy_returns(backtest_table(values()).slice(0, 0), NAMES)
    assert read.values.shape == (0, 0)
    assert read.missing == NAMES
    assert len(read.notes) == len(NAMES)
