"""Computing a library: which rows and columns, windows, threads, errors, and on real prices."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quant_assets.factors import registry
from quant_assets.factors.compute import compute, lookback
from quant_assets.factors.registry import Factor, UnknownFactorError, factors_of
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors.samples import bars, benchmark, market

DATA = market(320, 9)
BARS, INDEX = bars(DATA), benchmark(DATA)


def days(first: int, last: int) -> Window:
    return Window(DATA.dates[first].item(), DATA.dates[last].item())


def test_a_row_for_every_bar_of_the_window_and_a_column_for_every_factor() -> None:
    table = compute("style", BARS, INDEX, days(300, 319))
    schema_of("us/factors_style").validate(table)
    assert table.column_names[2:] == [each.name for each in factors_of("style")]
    date = BARS["date"].to_numpy()
    expected = BARS.filter(pa.array(date >= DATA.dates[300])).select(["date", "symbol"])
    assert table.select(["date", "symbol"]).equals(expected.combine_chunks())


def test_a_window_with_its_look_back_has_the_bits_of_the_whole() -> None:
    whole = compute("style", BARS, INDEX, days(0, 319), thread_no=3)
    start = 290 - lookback("style")
    date = BARS["date"].to_numpy()
    near = BARS.filter(pa.array((date >= DATA.dates[start]) & (date <= DATA.dates[300])))
    part = compute("style", near, INDEX.slice(start, 301 - start), days(290, 300))
    when = whole["date"].to_numpy()
    inside = (when >= DATA.dates[290]) & (when <= DATA.dates[300])
    assert part.equals(whole.filter(pa.array(inside)).combine_chunks())
    assert part.num_rows > 60


def test_rows_in_any_order_and_dictionary_symbols_change_nothing() -> None:
    expected = compute("style", BARS, INDEX, days(310, 319), ["beta_252", "reversal_5"])
    order = np.random.default_rng(0).permutation(BARS.num_rows)
    mixed = BARS.take(pa.array(order))
    symbols = mixed["symbol"].cast(pa.large_string()).dictionary_encode()
    mixed = mixed.set_column(mixed.column_names.index("symbol"), "symbol", symbols)
    again = compute("style", mixed, INDEX, days(310, 319), ["reversal_5", "beta_252"])
    assert again.equals(expected)
    assert set(expected.column_names) == {"date", "symbol", "beta_252", "reversal_5"}


def test_a_session_without_any_bar_still_counts_as_a_session() -> None:
    date = BARS["date"].to_numpy()
    gap = BARS.filter(pa.array(date != DATA.dates[310]))
    table = compute("style", gap, INDEX, days(312, 312), ["reversal_5"]).to_pandas()
    close = DATA.fields["close"]
    expected = 1 - close[312, 0] / close[307, 0]
    assert table.set_index("symbol")["reversal_5"]["S00"] == pytest.approx(expected)


def test_look_back_is_the_largest_of_the_wanted() -> None:
    assert lookback("style") == 252
    assert lookback("style", ["reversal_5", "rsi_14"]) == 14


def test_no_bars_give_an_empty_table_with_every_column() -> None:
    table = compute("style", BARS.slice(0, 0), INDEX, days(300, 319))
    assert table.num_rows == 0
    assert table.num_columns == 2 + len(factors_of("style"))
    empty = compute("style", BARS.slice(0, 0), INDEX.slice(0, 0), days(300, 319))
    assert empty.schema.equals(table.schema)


def test_an_unknown_factor_is_named() -> None:
    with pytest.raises(UnknownFactorError, match="'reversal_6'; did you mean reversal_5"):
        compute("style", BARS, INDEX, days(300, 319), ["reversal_6"])


def test_a_factor_of_another_shape_is_named() -> None:
    wrong = Factor("wrong", "wrong", "price", 0, "-", "-", ("close",), lambda inputs: np.zeros(3))
    registry.register(wrong)
    try:
        with pytest.raises(ValueError, match=r"'wrong' of library 'wrong' must return the shape"):
            compute("wrong", BARS, INDEX, days(300, 319))
    finally:
        registry.unregister("wrong", "wrong")


def test_infinite_values_are_missing() -> None:
    infinite = Factor(
        "infinite", "wrong", "price", 0, "-", "-", ("close",), lambda i: i["close"] * np.inf
    )
    registry.register(infinite)
    try:
        table = compute("wrong", BARS, INDEX, days(300, 319))
    finally:
        registry.unregister("infinite", "wrong")
    assert table["infinite"].null_count == table.num_rows > 0


def test_an_undeclared_input_is_named() -> None:
    hidden = Factor("hidden", "wrong", "price", 0, "-", "-", ("close",), lambda i: i["volume"])
    registry.register(hidden)
    try:
        with pytest.raises(KeyError, match="reads 'volume' but does not declare it"):
            compute("wrong", BARS, INDEX, days(300, 319))
    finally:
        registry.unregister("hidden", "wrong")


def test_real_prices_give_sensible_factors(test_data: Path) -> None:
    """Two years of forty US stocks: known facts of such markets."""
    path = test_data / "us_eod_shared" / "us_eod_2007_2017.parquet"
    first, last = datetime(2014, 1, 2), datetime(2015, 12, 31)
    table = pq.read_table(path, filters=[("date", ">=", first), ("date", "<=", last)])
    symbols = sorted(set(table["symbol"].to_pylist()))[:40]
    frame = table.to_pandas()
    frame = frame[frame["symbol"].isin(symbols) & (frame["open"] > 0)]
    frame["date"] = frame["date"].dt.date
    frame["turnover"] = frame["close"] * frame["volume"]
    columns = ["date", "symbol", "open", "high", "low", "close", "volume", "turnover"]
    real = pa.Table.from_pandas(frame[columns], preserve_index=False)
    closes = frame.groupby("date")["close"].mean()
    index = pa.table({"date": pa.array(closes.index), "index_close": closes.to_numpy()})
    window = Window(frame["date"].max(), frame["date"].max())
    result = compute("style", real, index, window, thread_no=2).to_pandas()
    known = result.drop(columns=["date", "symbol"]).notna().mean()
    assert known.min() > 0.8, known.idxmin()
    assert 0.3 < result["beta_252"].median() < 1.7
    assert 0.005 < result["volatility_252"].median() < 0.05
    assert result["high_52_week"].max() <= 1.0
    assert (result["corwin_schultz_spread_21"] < 0.05).all()
