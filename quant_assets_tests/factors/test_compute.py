"""Computing libraries: which rows and columns, blocks, parts, windows, and on real prices."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quant_assets.factors import compute as computing
from quant_assets.factors.catalogue import Catalogue, built_in
from quant_assets.factors.compute import compute, plan_of
from quant_assets.factors.expressions.errors import ExpressionError
from quant_assets.factors.expressions.fields import DEFINITIONS
from quant_assets.factors.expressions.plan import Plan
from quant_assets.factors.market_fields import Array, MarketFields, market_fields
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors.samples import bars, benchmark, market, universe

DATA = market(320, 9)
BARS, INDEX, CLASSES = bars(DATA), benchmark(DATA), universe(DATA)
STYLE = Catalogue(built_in()).library("style").expressions
SOME = {
    "reversal": "1 - close / delay(close, 5)",
    "neutral": "group_neutralize(ts_mean(returns, 10), sector)",
    "beta": STYLE["beta_252"],
    "price": "close",
}


def planned(expressions: dict[str, str]) -> Plan:
    return plan_of(expressions, DEFINITIONS)


def fields_for(*plans: Plan, table: pa.Table = BARS, index: pa.Table = INDEX) -> MarketFields:
    names = tuple(dict.fromkeys(name for each in plans for name in each.fields))
    return market_fields(names, table, index, CLASSES)


def days(first: int, last: int) -> Window:
    return Window(DATA.dates[first].item(), DATA.dates[last].item())


def rows(chosen: Plan, window: Window, **options: object) -> pa.Table:
    """All blocks of one plan, as one table."""
    parts = compute([chosen], fields_for(chosen), window, **options)  # type: ignore[arg-type]
    return pa.concat_tables(table for _, table in parts).combine_chunks()


def within(table: pa.Table, first: int, last: int) -> pa.Table:
    when = table["date"].to_numpy()
    inside = (when >= DATA.dates[first]) & (when <= DATA.dates[last])
    return table.filter(pa.array(inside)).combine_chunks()


def test_a_row_for_every_bar_of_the_window_and_a_column_for_every_factor() -> None:
    table = rows(planned(STYLE), days(300, 319))
    schema_of("us/factors_style").validate(table)
    assert table.column_names == ["date", "symbol", *STYLE]
    expected = within(BARS, 300, 319).select(["date", "symbol"])
    assert table.select(["date", "symbol"]).equals(expected)
    assert table["beta_252"].type == pa.float64()
    assert 0 < table["beta_252"].null_count < table.num_rows
    assert not np.isnan(table["beta_252"].drop_null().to_numpy()).any()


def test_a_window_with_its_look_back_has_the_bits_of_the_whole() -> None:
    chosen = planned(STYLE)
    whole = rows(chosen, days(0, 319), thread_no=3)
    start = 290 - chosen.lookback
    near = fields_for(chosen, table=within(BARS, start, 300), index=INDEX.slice(start, 301 - start))
    (_, part), *rest = compute([chosen], near, days(290, 300))
    assert rest == []
    assert part.combine_chunks().equals(within(whole, 290, 300))
    assert part.num_rows > 60
    middle = rows(chosen, days(290, 300))
    assert middle.equals(within(whole, 290, 300)), "with more before and after it, too"


def test_blocks_follow_one_another_and_are_together_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = planned(SOME)
    window = Window(DATA.dates[250].item() - timedelta(days=2), date(2016, 4, 3))  # weekends
    expected = rows(chosen, window)
    monkeypatch.setattr(computing, "_TABLE_BYTES", 8 * 9 * len(SOME) * 7)  # a week and a half
    found = list(compute([chosen], fields_for(chosen), window))
    assert len(found) == -(-len(set(expected["date"].to_pylist())) // 7) > 5
    assert found[0][0].start == window.start
    assert found[-1][0].end == window.end
    for (before, _), (after, _) in pairwise(found):
        assert after.start == before.end + timedelta(days=1)
    for block, table in found:
        when = table["date"].to_numpy()
        assert (when >= np.datetime64(block.start)).all()
        assert (when <= np.datetime64(block.end)).all()
    assert pa.concat_tables(table for _, table in found).combine_chunks().equals(expected)


@pytest.mark.parametrize("options", [{"thread_no": 3}, {"memory": 1 << 10}])
def test_threads_and_memory_change_no_bit(options: dict[str, int]) -> None:
    chosen = planned(SOME)
    assert rows(chosen, days(200, 319), **options).equals(rows(chosen, days(200, 319)))


def test_parts_give_what_one_plan_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computing, "_TABLE_BYTES", 8 * 9 * len(SOME) * 50)
    plans = [planned({name: text}) for name, text in SOME.items()]
    assert len({each.lookback for each in plans}) > 2
    fields = fields_for(*plans)
    expected = rows(planned(SOME), days(200, 319))
    parts = list(compute(plans, fields, days(200, 319), memory=1 << 20))
    assert len(parts) == 3
    assert pa.concat_tables(table for _, table in parts).combine_chunks().equals(expected)


def test_parts_may_be_computed_at_once_and_in_any_order() -> None:
    plans = [planned({name: text}) for name, text in SOME.items()]
    called: list[int] = []

    def run(work: object) -> list[Array]:
        assert callable(work)

        def noted(place: int) -> Array:
            called.append(place)
            found: Array = work(place)
            return found

        with ThreadPoolExecutor(2) as pool:
            later = {place: pool.submit(noted, place) for place in (2, 0, 3, 1)}
        return [later[place].result() for place in range(4)]

    (_, table), *_ = compute(plans, fields_for(*plans), days(200, 319), run=run)
    assert sorted(called) == [0, 1, 2, 3]
    assert table.combine_chunks().equals(rows(planned(SOME), days(200, 319)))


def test_a_session_without_any_bar_still_counts_as_a_session() -> None:
    date_of = BARS["date"].to_numpy()
    gap = BARS.filter(pa.array(date_of != DATA.dates[310]))
    chosen = planned({"reversal_5": STYLE["reversal_5"]})
    ((_, table),) = compute([chosen], fields_for(chosen, table=gap), days(312, 312))
    close = DATA.fields["close"]
    found = table.to_pandas().set_index("symbol")["reversal_5"]
    assert found["S00"] == pytest.approx(1 - close[312, 0] / close[307, 0])
    ((_, quiet),) = compute([chosen], fields_for(chosen, table=gap), days(310, 310))
    assert quiet.num_rows == 0


def test_at_the_start_windows_are_as_short_as_the_data() -> None:
    table = rows(planned({"m": "ts_mean(close, 6)"}), days(0, 9)).to_pandas()
    first = table[table["symbol"] == "S00"]["m"]
    assert first.isna().tolist() == [True] * 3 + [False] * 7
    assert first.iloc[3] == pytest.approx(DATA.fields["close"][:4, 0].mean())


def test_absent_fields_make_null_columns_not_errors() -> None:
    table = rows(planned({"size": "log(cap)", "price": "close"}), days(300, 319))
    assert table["size"].null_count == table.num_rows > 0
    assert table["size"].type == pa.float64()
    assert table["price"].null_count == 0


def test_no_bars_and_days_without_sessions_give_empty_tables_with_every_column() -> None:
    chosen = planned(SOME)
    nobody = fields_for(chosen, table=BARS.slice(0, 0))
    nothing = fields_for(chosen, table=BARS.slice(0, 0), index=INDEX.slice(0, 0))
    later = Window(date(2030, 1, 1), date(2030, 2, 1))
    for fields, window in (
        (nobody, days(300, 319)),
        (nothing, days(300, 319)),
        (fields_for(chosen), later),
    ):
        ((block, table),) = compute([chosen], fields, window)
        assert block == window
        assert table.num_rows == 0
        assert table.column_names == ["date", "symbol", *SOME]
        schema_of("us/factors_some").validate(table)


def test_the_same_texts_are_planned_once() -> None:
    assert planned(SOME) is planned(dict(SOME))
    other = plan_of(SOME, {**DEFINITIONS, "returns": "log(close / delay(close, 1))"})
    assert other is not planned(SOME)
    with pytest.raises(ExpressionError, match="no field 'clsoe'"):
        planned({"x": "clsoe"})


def test_what_the_caller_leaves_early_is_closed() -> None:
    chosen = planned(SOME)
    blocks = compute([chosen], fields_for(chosen), days(200, 319), thread_no=2)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert list(blocks) == []


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
    chosen = planned(STYLE)
    fields = market_fields(chosen.fields, real, index)
    ((_, found),) = compute([chosen], fields, window, thread_no=2)
    result = found.to_pandas()
    known = result.drop(columns=["date", "symbol"]).notna().mean()
    assert known.min() > 0.8, known.idxmin()
    assert 0.3 < result["beta_252"].median() < 1.7
    assert 0.005 < result["volatility_252"].median() < 0.05
    assert result["high_52_week"].max() <= 1.0
    assert (result["corwin_schultz_spread_21"] < 0.05).all()
