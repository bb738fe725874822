"""Fields of a market: from tables to panels, what is missing, and what is absent."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.fields import FIELDS
from quant_assets.factors.expressions.plan import plan
from quant_assets.factors.market_fields import MarketFields, columns, market_fields
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors.samples import bars, benchmark, fields_of, market, universe
from quant_assets_tests.prefix import PanelInputs

DATA = market(60, 9)
READ = ("open", "high", "low", "close", "volume", "turnover", "benchmark_open", "benchmark_close")


def of(names: tuple[str, ...], data: PanelInputs = DATA) -> MarketFields:
    return market_fields(names, bars(data), benchmark(data), universe(data))


def test_only_what_is_asked_for_is_read() -> None:
    assert columns(["close", "market"]) == {
        "adjusted_bars": ["date", "symbol", "close"],
        "universe": [],
        "benchmark": ["date"],
    }
    assert columns(["turnover", "open", "industry", "benchmark_close", "vwap"]) == {
        "adjusted_bars": ["date", "symbol", "open", "turnover"],
        "universe": ["date", "symbol", "industry"],
        "benchmark": ["date", "index_close"],
    }


def test_bars_and_index_become_panels() -> None:
    found = of(READ)
    assert found.shape == (60, 9)
    assert_array_equal(found.dates, DATA.dates)
    assert_array_equal(found.symbols, DATA.symbols)
    assert_array_equal(found.present, np.isfinite(DATA.fields["close"]))
    assert set(found.fields) == set(READ)
    for name, expected in fields_of(DATA).items():
        assert_array_equal(found.fields[name], expected, err_msg=name)
        assert found.fields[name].flags.c_contiguous
        assert found.fields[name].dtype == np.float64
    assert found.absent == ()


def test_a_field_that_the_market_does_not_have_is_missing_everywhere_and_named() -> None:
    found = of(("close", "cap", "subindustry", "vwap"))
    assert found.absent == ("cap", "subindustry", "vwap")
    for name in found.absent:
        assert found.fields[name].shape == found.shape
        assert np.isnan(found.fields[name]).all()
    absent = ("vwap", "average_price", "cap", "returns", "subindustry", "exchange")
    assert of(tuple(FIELDS)).absent == absent


def test_the_average_price_follows_the_adjusted_prices() -> None:
    wanted = columns(["average_price", "volume"])["adjusted_bars"]
    assert wanted == ["date", "symbol", "volume", "turnover", "price_factor", "volume_factor"]
    raw = {name: values.copy() for name, values in DATA.fields.items()}
    # a split of 2 for 1 and a dividend that detaches a tenth
    price_factor = np.ones((60, 9))
    price_factor[20:], price_factor[40:] = 2.0, 2.0 / 0.9
    volume_factor = np.ones((60, 9))
    volume_factor[20:] = 0.5
    adjusted = {
        **raw,
        "close": raw["close"] * price_factor,
        "volume": raw["volume"] * volume_factor,
        "turnover": raw["close"] * raw["volume"],
        "price_factor": price_factor,
        "volume_factor": volume_factor,
    }
    table = bars(replace(DATA, fields=adjusted))
    found = market_fields(("average_price", "close"), table, benchmark(DATA))
    traded = raw["volume"] > 0
    assert_allclose(found.fields["average_price"][traded], adjusted["close"][traded], rtol=1e-13)
    assert np.isnan(found.fields["average_price"][~traded]).all()
    assert (~traded & found.present).any()
    assert found.absent == ()
    assert set(found.fields) == {"average_price", "close"}


def test_groups_are_codes_of_classes() -> None:
    found = of(("sector", "industry", "market"))
    sector = found.fields["sector"]
    assert_array_equal(np.isnan(sector), np.repeat((np.arange(9) % 4 == 3)[None], 60, axis=0))
    known = sector[:, [0, 1, 2]]
    assert (known == known[0]).all()
    assert sorted(known[0]) == [0.0, 1.0, 2.0]
    assert_array_equal(sector[:, 4:7], known)
    assert len(set(found.fields["industry"][0])) == 5
    assert (found.fields["market"] == 0.0).all()
    assert found.absent == ()


def test_without_classes_groups_are_absent() -> None:
    none = pa.array([None] * (60 * 9), pa.string())
    table = universe(DATA)
    nothing = table.set_column(table.column_names.index("sector"), "sector", none)
    found = market_fields(("sector", "industry"), bars(DATA), benchmark(DATA), nothing)
    assert found.absent == ("sector",)
    without = market_fields(("sector", "close"), bars(DATA), benchmark(DATA))
    assert without.absent == ("sector",)
    assert np.isnan(without.fields["sector"]).all()


def test_the_order_of_rows_changes_no_result() -> None:
    random = np.random.default_rng(0)
    texts = {"a": "group_neutralize(close, sector)", "b": "group_rank(ts_mean(open, 5), industry)"}
    chosen = plan(texts)
    tables = bars(DATA), benchmark(DATA), universe(DATA)
    mixed = [table.take(pa.array(random.permutation(table.num_rows))) for table in tables]
    encoded = mixed[0]["symbol"].cast(pa.large_string()).dictionary_encode()
    mixed[0] = mixed[0].set_column(1, "symbol", encoded)
    first, second = (market_fields(chosen.fields, *given) for given in (tables, mixed))
    assert_array_equal(first.present, second.present)
    assert_array_equal(first.symbols, second.symbols)
    assert_array_equal(compute(chosen, first.fields), compute(chosen, second.fields))


def test_a_day_without_any_bar_is_a_session_and_a_day_without_index_too() -> None:
    table, index = bars(DATA), benchmark(DATA)
    quiet = table.filter(pa.array(table["date"].to_numpy() != DATA.dates[20]))
    found = market_fields(("close", "benchmark_close"), quiet, index.slice(0, 59))
    assert found.shape == (60, 9)
    assert not found.present[20].any()
    assert np.isnan(found.fields["close"][20]).all()
    assert found.present[59].any()
    assert np.isnan(found.fields["benchmark_close"][59]).all()
    assert np.isfinite(found.fields["benchmark_close"][20]).all()


def test_an_empty_market_has_fields_of_no_size() -> None:
    empty = market_fields(READ, bars(DATA).slice(0, 0), benchmark(DATA).slice(0, 0))
    assert empty.shape == (0, 0)
    assert empty.fields["close"].shape == (0, 0)
    assert empty.rows(Window(date(2020, 1, 1), date(2020, 2, 1))) == (0, 0)


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        ("2015-01-01", "2015-01-01", (0, 1)),
        ("2015-01-03", "2015-01-04", (2, 2)),  # a weekend
        ("2015-01-02", "2015-01-06", (1, 4)),
        ("2014-01-01", "2016-01-01", (0, 60)),
        ("2016-01-01", "2016-02-01", (60, 60)),
    ],
)
def test_rows_of_a_window(start: str, end: str, rows: tuple[int, int]) -> None:
    window = Window(date.fromisoformat(start), date.fromisoformat(end))
    assert of(("close",)).rows(window) == rows


def test_symbols_of_the_universe_without_bars_are_left_out() -> None:
    more = replace(DATA, symbols=np.array([*DATA.symbols[:-1], "Z"], object))
    found = market_fields(("close", "sector"), bars(DATA), benchmark(DATA), universe(more))
    assert_array_equal(found.symbols, DATA.symbols)
    assert np.isnan(found.fields["sector"][:, 8]).all()
