"""Tables into a strategy's arrays."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.data import bar_fields, series, strategy_data
from quant_assets.backtests.strategies.base import PANEL_FIELDS, SERIES_FIELDS, Strategy
from quant_assets.market_data.panels import date_column
from quant_assets_tests.backtests.samples import all_fields, prices, sessions, table


class Reader(Strategy):
    """Reads everything there is."""

    name = title = description = family = "reader"
    needs: ClassVar[tuple[str, ...]] = (*PANEL_FIELDS, *SERIES_FIELDS)

    def lookback(self, parameters: Any) -> int:
        return 0

    def target_weights(self, data: Any, parameters: Any) -> np.ndarray:
        return np.full(data.shape, np.nan)


def test_every_declared_field_comes_from_its_table() -> None:
    inputs = all_fields(30, 6, 1)
    bars = prices(30, 6, 1)
    bars = type(bars)(bars.dates, bars.symbols, {k: inputs.fields[k] for k in bar_fields(Reader())})
    groups = np.array(["", "Banks", "Autos", "Steel", "Media", "Drugs"], object)
    sector = np.tile(groups, (30, 1))
    sector[sector == ""] = None
    of_universe = ("average_turnover", "age", "member", "halted", "limit_up", "limit_down")
    universe = table(
        bars, **{n: inputs.fields[n] for n in of_universe}, sector=sector, industry=sector
    )
    benchmark = pa.table({"date": date_column(inputs.dates), **inputs.series})
    predictions = table(bars, score=inputs.fields["score"]).slice(60)
    data = strategy_data(Reader(), bars, universe, benchmark, predictions)
    assert set(data.fields) == set(Reader.needs)
    for name in set(PANEL_FIELDS) - {"sector", "industry", "score"}:
        np.testing.assert_array_equal(data[name], inputs.fields[name], name)
    np.testing.assert_array_equal(data["sector"], np.tile([-1, 1, 0, 4, 3, 2], (30, 1)))
    assert np.isnan(data["score"][:10]).all()
    np.testing.assert_array_equal(data["score"][10:], inputs.fields["score"][10:])
    for name in SERIES_FIELDS:
        np.testing.assert_array_equal(data[name], inputs.series[name], name)
    assert data["member"].dtype == bool
    assert data["sector"].dtype == np.int64


def test_absent_tables_are_missing_values() -> None:
    bars = prices(5, 2, 0)
    empty = table(bars, member=np.ones(bars.shape, bool)).slice(0, 0)

    class Short(Reader):
        needs: ClassVar[tuple[str, ...]] = ("score", "member", "index_close")

    data = strategy_data(Short(), bars, empty, None, None)
    assert np.isnan(data["score"]).all()
    assert np.isnan(data["index_close"]).all()
    assert not data["member"].any()


def test_a_table_without_a_needed_column_is_told() -> None:
    bars = prices(5, 2, 0)

    class Sectors(Reader):
        needs: ClassVar[tuple[str, ...]] = ("member", "sector")

    with pytest.raises(ValueError, match=r"table universe must have a column 'sector'.*Got date"):
        strategy_data(Sectors(), bars, table(bars, member=np.ones(bars.shape)), None, None)


def test_series_are_aligned_by_date() -> None:
    dates = sessions(5)
    shuffled = pa.table(
        {
            "date": date_column(np.array([dates[3], dates[1], np.datetime64("2030-01-01")])),
            "x": pa.array([3.0, None, 9.0]),
        }
    )
    np.testing.assert_array_equal(
        series(shuffled, "x", dates), [np.nan, np.nan, np.nan, 3.0, np.nan]
    )
    with pytest.raises(ValueError, match="must have a column 'y'"):
        series(shuffled, "y", dates)
