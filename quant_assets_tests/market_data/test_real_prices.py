"""Eleven years of real US prices: nothing vanishes, the rules find what is wrong with them."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data import calendars, universe
from quant_assets.market_data.adjustment import adjust
from quant_assets.market_data.quality import Screened, lookback, screen
from quant_assets.market_data.sources.files import Files
from quant_assets.settings import Market
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import files_market, within

WHOLE = Window(date(2007, 1, 3), date(2017, 12, 8))
MONTH = Window(date(2011, 8, 1), date(2011, 8, 31))


@pytest.fixture(scope="module")
def market(test_data: Path) -> Market:
    folder = test_data / "us_eod_shared"
    columns = {"symbol": "symbol", "industry": "industry", "first": "first"}
    return files_market(
        folder / "*.parquet",
        start=WHOLE.start,
        end=WHOLE.end,
        models_from=date(2016, 1, 1),
        symbols={"path": str(folder / "symbols.csv"), "columns": columns},
    )


@pytest.fixture(scope="module")
def rows(test_data: Path) -> pd.DataFrame:
    """The vendor's rows as pandas reads them."""
    return pd.read_parquet(test_data / "us_eod_shared" / "us_eod_2007_2017.parquet")


@pytest.fixture(scope="module")
def screened(market: Market) -> Screened:
    return screened_in(market, WHOLE)


def screened_in(market: Market, window: Window) -> Screened:
    source = Files(market)
    days = calendars.sessions(market)
    back = calendars.extended(days, window, lookback(market.quality))
    actions = source.corporate_actions()
    return screen(source.read(back), days, source.symbols(), actions, market.quality, window)


def test_rows_in_are_bars_and_quarantine_day_by_day(
    market: Market, rows: pd.DataFrame, screened: Screened
) -> None:
    assert screened.rows_in == len(rows) == 1_640_910
    kept = pd.concat([t["date"].to_pandas() for t in (screened.bars, screened.quarantine)])
    per_day = kept.value_counts().to_dict()
    assert per_day == rows["date"].dt.date.value_counts().to_dict()
    assert per_day == Files(market).count_rows(WHOLE)
    assert len(per_day) == 2755


def test_the_rules_find_what_pandas_finds(rows: pd.DataFrame, screened: Screened) -> None:
    prices = rows[["open", "high", "low", "close"]]
    inconsistent = (rows["high"] < prices.max(axis=1)) | (rows["low"] > prices.min(axis=1))
    not_positive = (prices <= 0).any(axis=1)
    assert screened.broken == {
        "non_positive_price": int(not_positive.sum()),
        "inconsistent_ohlc": int(inconsistent.sum()),
    }
    assert screened.quarantine.num_rows == int((inconsistent | not_positive).sum())
    assert int((rows["open"] <= 0).sum()) == 1219
    assert screened.counts == {"non_positive_price": 1238, "inconsistent_ohlc": 1446}
    # every row of quarantine is where it says it is
    found = screened.quarantine.to_pandas()
    named = rows.iloc[found["row"].to_numpy() - 1]
    assert (named["symbol"].to_numpy() == found["symbol"].to_numpy()).all()
    assert (named["date"].dt.date.to_numpy() == found["row_date"].to_numpy()).all()
    assert (inconsistent | not_positive).to_numpy()[found["row"].to_numpy() - 1].all()


def test_jumps_are_flagged_and_kept(rows: pd.DataFrame, screened: Screened) -> None:
    good = screened.bars.to_pandas().sort_values(["symbol", "date"])
    session = {day: i for i, day in enumerate(sorted(good["date"].unique()))}
    before = good.groupby("symbol")[["close", "date"]].shift()
    near = good["date"].map(session) - before["date"].map(session) <= 5
    jumped = near & ((good["close"] / before["close"] - 1).abs() > 0.5)
    assert (good["flags"].str.contains("unexplained_jump") == jumped).all()
    assert screened.flags["unexplained_jump"] == int(jumped.sum()) > 100


def test_a_month_alone_has_the_bits_of_the_whole(market: Market, screened: Screened) -> None:
    part = screened_in(market, MONTH)
    assert part.bars.equals(within(screened.bars, MONTH.start, MONTH.end))
    assert part.quarantine.equals(within(screened.quarantine, MONTH.start, MONTH.end))


def test_one_day_is_read_with_its_rows(market: Market, rows: pd.DataFrame) -> None:
    day = date(2012, 6, 1)
    found = Files(market).read(Window(day, day)).to_pandas()
    expected = rows[rows["date"].dt.date == day]
    assert found["row"].tolist() == (expected.index + 1).tolist()
    np.testing.assert_array_equal(found["close"], expected["close"])
    np.testing.assert_array_equal(found["volume"], expected["volume"])


def test_without_events_adjusted_is_raw_and_the_universe_follows(
    market: Market, screened: Screened
) -> None:
    actions = Files(market).corporate_actions()
    bars = within(screened.bars, date(2010, 6, 1), MONTH.end)
    adjusted = adjust(bars, actions, bars.slice(0, 0)).table
    assert adjusted["close"].equals(bars["close"])
    members = members_of(market, bars, adjusted)
    assert members.num_rows == within(members, MONTH.start, MONTH.end).num_rows
    frame = members.to_pandas()
    share = frame.groupby("date")["member"].mean()
    # on 2 August 2011 the opens of 163 rows lie outside the day's range: rejected, so no members
    assert share.drop(date(2011, 8, 2)).between(0.95, 1).all()
    assert 0.6 < share[date(2011, 8, 2)] < 0.8
    # from exactly the look-back on, the same bits
    days = calendars.sessions(market)
    begin = calendars.extended(days, MONTH, universe.lookback(market.universe)).start
    part = members_of(market, within(bars, begin, MONTH.end), within(adjusted, begin, MONTH.end))
    assert part.equals(members)


def members_of(market: Market, bars: pa.Table, adjusted: pa.Table) -> pa.Table:
    days, symbols = calendars.sessions(market), Files(market).symbols()
    found = universe.membership(bars, adjusted, symbols, days, market.universe, MONTH)
    return schema_of("universe").validate(found)
