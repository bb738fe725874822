"""Five years of the CSI 300's members: events, limits, halts and returns as published."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data import calendars
from quant_assets.market_data.adjustment import adjust
from quant_assets.market_data.minute_bars import within_daily_bars
from quant_assets.market_data.quality import Screened, screen
from quant_assets.market_data.sources.cn_daily import CnDaily
from quant_assets.market_data.sources.series import rows_on_sessions
from quant_assets.market_data.trading_status import within_limits
from quant_assets.settings import Market
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.baostock import market
from quant_assets_tests.market_data.test_markets_yaml import markets

WHOLE = Window(date(2020, 1, 2), date(2025, 4, 7))


@pytest.fixture(scope="module")
def china(test_data: Path) -> CnDaily:
    shipped = markets(QUANT_ASSETS_CN_DATA=str(test_data / "cn_csi300_baostock"))["cn"]
    return CnDaily(shipped)


@pytest.fixture(scope="module")
def rows(test_data: Path) -> pd.DataFrame:
    """The vendor's rows as pandas reads them."""
    (path,) = (test_data / "cn_csi300_baostock").glob("*.parquet")
    frame = pd.read_parquet(path)
    frame["date"] = pd.to_datetime(frame["date"])
    digits = frame["code"].str.split(".")
    frame["symbol"] = digits.str[1] + "." + digits.str[0].str.upper()
    return frame


@pytest.fixture(scope="module")
def screened(china: CnDaily) -> Screened:
    days = calendars.sessions(china.market, WHOLE.end)
    events = china.corporate_actions()
    given = china.read(WHOLE)
    return screen(given, days, china.symbols(), events, china.market.quality, WHOLE)


@pytest.fixture(scope="module")
def status(china: CnDaily) -> pa.Table:
    return china.read_further_table("trading_status", WHOLE)


def test_every_row_is_a_bar_or_a_halt(
    china: CnDaily, rows: pd.DataFrame, screened: Screened, status: pa.Table
) -> None:
    assert len(rows) == 369_338
    assert screened.bars.num_rows == 368_626 == (rows["tradestatus"] == 1).sum()
    assert screened.quarantine.num_rows == 0
    assert status.num_rows == len(rows)
    halted = status.to_pandas()["halted"]
    assert halted.sum() == 712
    # a part of the halts has no volume and turnover at all, the others zeros
    assert rows["volume"].isna().sum() == 221
    counts = china.count_rows(WHOLE)
    assert sum(counts.values()) == screened.bars.num_rows
    assert len(counts) == 1273
    # the vendor's turnover is wrong thrice: no average price lies there
    assert screened.flags == {"average_outside_range": 3}


def test_events_are_the_jumps_of_previous_closes(china: CnDaily, rows: pd.DataFrame) -> None:
    before = rows.groupby("symbol")["close"].shift()
    jumps = rows[before.notna() & (before != rows["preclose"])]
    jumps = jumps.sort_values(["symbol", "date"])
    events = china.corporate_actions().to_pandas()
    assert len(jumps) == 1552
    assert (before / rows["preclose"] - 1 > 0.001).sum() == 1530
    assert set(events["kind"]) == {"ex_right", "bonus"}
    found = events.groupby(["symbol", "ex_date"])[["ratio", "cash"]].max().sort_index()
    assert found.index.tolist() == list(zip(jumps["symbol"], jumps["date"].dt.date, strict=True))
    ratio, cash = found["ratio"].fillna(1.0).to_numpy(), found["cash"].fillna(0.0).to_numpy()
    expected = before[jumps.index].to_numpy() - rows["preclose"][jumps.index].to_numpy() * ratio
    np.testing.assert_allclose(cash, expected, rtol=0, atol=1e-4)


def test_bonus_shares_are_told_from_cash(china: CnDaily) -> None:
    events = china.corporate_actions().to_pandas()
    ratios = events[events["kind"] == "bonus"].set_index(["symbol", "ex_date"])["ratio"]
    assert len(ratios) == 136
    # as announced: 8 for 10 and 2.52 a share; 5 for 10 twice; no new shares, 2.01 a share
    assert ratios["300750.SZ", date(2023, 4, 26)] == 1.8
    assert ratios["300661.SZ", date(2021, 6, 18)] == ratios["300661.SZ", date(2022, 6, 22)] == 1.5
    assert ("601919.SH", date(2022, 12, 14)) not in ratios.index
    # a rights issue and the end of a lock-up
    assert ("600999.SH", date(2020, 7, 20)) not in ratios.index
    assert ("601236.SH", date(2021, 8, 4)) not in ratios.index


def test_adjusted_returns_are_those_the_exchange_publishes(
    china: CnDaily, rows: pd.DataFrame, screened: Screened
) -> None:
    history = screened.bars.select(["date", "symbol", "close"])
    result = adjust(screened.bars, china.corporate_actions(), history)
    assert result.not_applied.num_rows == 0
    frame = result.table.to_pandas()
    frame["date"] = pd.to_datetime(frame["date"])
    frame["found"] = frame.groupby("symbol")["close"].transform(lambda c: c / c.shift() - 1)
    rows = rows.assign(published=rows["close"] / rows["preclose"] - 1)
    both = frame.merge(rows[["date", "symbol", "published"]], on=["date", "symbol"])
    known = both["found"].notna()
    assert known.sum() == 368_626 - 300
    assert (both["found"] - both["published"])[known].abs().max() < 1e-12


def test_no_price_lies_outside_its_limits(
    rows: pd.DataFrame, screened: Screened, status: pa.Table
) -> None:
    schema_of("trading_status").validate(status)
    found = within_limits(screened.bars, status)
    assert (found.checked, found.violations, found.examples) == (368_626, 0, ())
    frame = status.to_pandas()
    free = frame["limit_up_price"].isna()
    assert (free == frame["limit_down_price"].isna()).all()
    # 19 shares under registration rules for five sessions, and one that was listed again
    assert free.sum() == 96
    assert frame[free].groupby("symbol").size().value_counts().to_dict() == {5: 19, 1: 1}
    traded = screened.bars.to_pandas().merge(frame, on=["date", "symbol"])
    at_upper = (traded["close"] - traded["limit_up_price"]).abs() < 0.005
    at_lower = (traded["close"] - traded["limit_down_price"]).abs() < 0.005
    assert (at_upper.sum(), at_lower.sum()) == (2493, 793)
    special = traded["special_treatment"].astype(bool)
    ratio = (traded["limit_up_price"] / traded["previous_close"] - 1)[special]
    assert ratio.between(0.045, 0.055).all()
    assert (at_upper & special).sum() > 10


def test_listing_days_before_registration_close_at_144_percent(
    rows: pd.DataFrame, status: pa.Table
) -> None:
    frame = status.to_pandas()
    frame["ratio"] = frame["limit_up_price"] / frame["previous_close"]
    listing = frame[frame["ratio"].between(1.43, 1.45)].set_index("symbol")
    first = rows.groupby("symbol").first()
    new = first[first["date"] > "2020-01-02"]
    closed = new["close"].reindex(listing.index)
    assert len(listing) == 16
    assert (abs(closed - listing["limit_up_price"]) < 0.005).sum() == 9


def test_valuations_are_the_vendors(china: CnDaily, rows: pd.DataFrame) -> None:
    found = china.read_further_table("valuations", WHOLE)
    schema_of("valuations").validate(found)
    frame = found.to_pandas()
    expected = rows.sort_values(["date", "symbol"])
    np.testing.assert_array_equal(frame["pe_ttm"], expected["peTTM"])
    np.testing.assert_array_equal(frame["pcf_ncf_ttm"], expected["pcfNcfTTM"])
    np.testing.assert_allclose(frame["turnover_rate"], expected["turn"] / 100, rtol=1e-15)
    # one day on which the vendor had no ratios
    lacking = frame[frame["pe_ttm"].isna()]
    assert set(lacking["date"]) == {date(2023, 12, 11)}
    assert len(lacking) == 300


@pytest.fixture(scope="module")
def long_market(test_data: Path, china: CnDaily) -> Market:
    """The shipped market from 2015 on, with the minutes of one share in January 2018."""
    folder = test_data / "cn_csi300_baostock"
    named = {"CSI 300": "000300", "CSI All Share": "000985"}
    return market(
        folder / "*.parquet",
        start=date(2015, 1, 5),
        end=date(2026, 8, 21),
        models_from=date(2016, 1, 1),
        indices={n: {"path": str(folder / f"index_{c}_*.csv")} for n, c in named.items()},
        minute_bars={
            "path": str(test_data / "cn_level2_shared" / "candle_201801.csv"),
            "columns": {"timestamp": "unixTime"},
            "timestamp_unit": "ms",
        },
    )


def test_index_rows_on_holidays_are_told_and_stay_out(long_market: Market) -> None:
    found = rows_on_sessions(long_market, Window(date(2015, 1, 1), date(2026, 8, 21)))
    assert found.violations == 3
    told = " ".join(found.examples)
    assert told.count("2015-01-01 is no session") == 2  # copies of the first session's row
    assert "2018-06-18 is no session" in told
    assert "used for indices.CSI All Share" in told.split("2018-06-18")[1]
    window = Window(date(2018, 6, 15), date(2018, 6, 20))
    rows = CnDaily(long_market).read_further_table("indices", window)
    days = [date(2018, 6, 15), date(2018, 6, 19), date(2018, 6, 20)]
    assert rows["date"].to_pylist() == [day for day in days for _ in range(2)]
    whole = Window(date(2015, 1, 5), date(2026, 8, 21))
    assert CnDaily(long_market).read_further_table("indices", whole).num_rows == 2 * 2828


def test_real_minutes_fit_the_bars_of_their_days(test_data: Path, long_market: Market) -> None:
    window = Window(date(2018, 1, 2), date(2018, 1, 31))
    source = CnDaily(long_market)
    minutes = source.read_further_table("minute_bars", window)
    assert source.read_further_table("minute_quarantine", window).num_rows == 0
    frame = minutes.to_pandas()
    assert frame.groupby("date").size().tolist() == [240] * 21
    local = frame["timestamp"].dt.tz_convert("Asia/Shanghai").dt.strftime("%H:%M")
    first_day = local[:240].tolist()
    assert (first_day[0], first_day[119:121], first_day[-1]) == (
        "09:31",
        ["11:30", "13:01"],
        "15:00",
    )
    path = test_data / "cn_a_industry_2017_2019" / "cn_csi300_500_daily_2017_2019.parquet"
    daily = pd.read_parquet(path).query("code == '000001'")
    daily = daily[daily["date"].between("2018-01-02", "2018-01-30")]
    bars = pa.table(
        {
            "date": pa.array(daily["date"].dt.date),
            "symbol": pa.array(["000001.SZ"] * len(daily)),
            **{n: pa.array(daily[n]) for n in ("open", "high", "low", "close")},
            "volume": pa.array(daily["volume"] * 100),  # in lots of a hundred shares
            "turnover": pa.nulls(len(daily), pa.float64()),
        }
    )
    found = within_daily_bars(minutes, bars)
    assert (found.checked, found.violations, found.examples) == (21, 0, ())
