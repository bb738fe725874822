"""Tables into a strategy's arrays."""

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.data import bar_fields, columns_of, series, source_of, strategy_data
from quant_assets.backtests.strategies.base import (
    PANEL_FIELDS,
    SERIES_FIELDS,
    Strategy,
    StrategyParameters,
)
from quant_assets.market_data.panels import date_column
from quant_assets_tests.backtests.samples import (
    all_fields,
    prices,
    sessions,
    table,
    with_factors,
)

FACTORS = ("factor:style.reversal_5", "factor:own.mine", "factor:style.beta_252")
NO_PARAMETERS = StrategyParameters()


class Reader(Strategy):
    """Reads everything there is."""

    name = title = description = family = "reader"
    needs: ClassVar[tuple[str, ...]] = (*PANEL_FIELDS, *SERIES_FIELDS, *FACTORS)

    def lookback(self, parameters: Any) -> int:
        return 0

    def target_weights(self, data: Any, parameters: Any) -> np.ndarray:
        return np.full(data.shape, np.nan)


def test_every_declared_field_comes_from_its_table() -> None:
    inputs = with_factors(all_fields(30, 6, 1), FACTORS, 2)
    bars = prices(30, 6, 1)
    read = {k: inputs.fields[k] for k in bar_fields(Reader(), NO_PARAMETERS)}
    bars = type(bars)(bars.dates, bars.symbols, read)
    groups = np.array(["", "Banks", "Autos", "Steel", "Media", "Drugs"], object)
    sector = np.tile(groups, (30, 1))
    sector[sector == ""] = None
    of_universe = ("average_turnover", "age", "member", "halted", "limit_up", "limit_down")
    universe = table(
        bars, **{n: inputs.fields[n] for n in of_universe}, sector=sector, industry=sector
    )
    benchmark = pa.table({"date": date_column(inputs.dates), **inputs.series})
    predictions = table(bars, score=inputs.fields["score"]).slice(60)
    of_valuations = [f for f in PANEL_FIELDS if source_of(f)[0] == "valuations"]
    tables = {
        "universe": universe,
        "benchmark": benchmark,
        "predictions": predictions,
        "valuations": table(bars, **{n: inputs.fields[n] for n in of_valuations}),
        "factors_style": table(
            bars, reversal_5=inputs.fields[FACTORS[0]], beta_252=inputs.fields[FACTORS[2]]
        ),
        "factors_own": table(bars, mine=inputs.fields[FACTORS[1]]),
    }
    data = strategy_data(Reader(), NO_PARAMETERS, bars, tables)
    assert set(data.fields) == set(Reader.needs)
    assert len(of_valuations) == 5
    for name in {*PANEL_FIELDS, *FACTORS} - {"sector", "industry", "score"}:
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
        needs: ClassVar[tuple[str, ...]] = ("score", "member", "index_close", "sector", FACTORS[0])

    data = strategy_data(Short(), NO_PARAMETERS, bars, {"universe": empty, "predictions": None})
    assert np.isnan(data["score"]).all()
    assert (data["sector"] == -1).all()
    assert np.isnan(data[FACTORS[0]]).all()
    assert np.isnan(data["index_close"]).all()
    assert not data["member"].any()


def test_a_table_without_a_needed_column_is_told() -> None:
    bars = prices(5, 2, 0)

    class Sectors(Reader):
        needs: ClassVar[tuple[str, ...]] = ("member", "sector")

    members = {"universe": table(bars, member=np.ones(bars.shape))}
    with pytest.raises(ValueError, match=r"table universe must have a column 'sector'.*Got date"):
        strategy_data(Sectors(), NO_PARAMETERS, bars, members)


def test_only_the_columns_that_are_read_are_asked_for() -> None:
    class Some(Reader):
        needs: ClassVar[tuple[str, ...]] = ("member", "high", "index_close", *FACTORS)

    assert columns_of(Some(), NO_PARAMETERS) == {
        "adjusted_bars": ["date", "symbol", "close", "high"],
        "universe": ["date", "symbol", "member"],
        "benchmark": ["date", "index_close"],
        "factors_style": ["date", "symbol", "beta_252", "reversal_5"],
        "factors_own": ["date", "symbol", "mine"],
    }
    assert bar_fields(Some(), NO_PARAMETERS) == ["close", "high"]


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
