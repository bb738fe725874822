"""Splits from prices: planted ones are found, news and faults are not, nothing is too early."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.actions.bar_rows import LEAST_SYMBOLS, BarRows
from quant_assets.market_data.actions.detection import HELD, LEAST_BEFORE, detect_splits
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.market_data.actions.walks import AT, DAYS, EX, split, table, walks

PRICES = ["open", "high", "low", "close"]
Found = list[tuple[str, date, float]]


def detected(bars: pd.DataFrame, until: date | None = None, **over: float) -> Found:
    found = schema_of("detected_splits").validate(detect_splits(table(bars), until, **over))
    return [(row["symbol"], row["ex_date"], row["ratio"]) for row in found.to_pylist()]


@pytest.mark.parametrize("ratio", [1.5, 2, 3, 4, 7, 10, 0.5, 0.1, 0.05, 0.01])
def test_a_split_is_found_with_its_day_and_ratio(ratio: float) -> None:
    assert detected(split(walks(), ratio)) == [("S00", EX, pytest.approx(ratio))]


def test_the_evidence_is_that_of_a_split() -> None:
    bars = split(walks(), 4.0)
    (row,) = detect_splits(table(bars)).to_pylist()
    assert (row["numerator"], row["denominator"]) == (4, 1)
    assert row["detected_on"] == DAYS[AT + HELD - 1].item()
    assert row["previous_date"] == DAYS[AT - 1].item()
    assert row["close_before"] == bars["close"][AT - 1]
    assert row["open"] == bars["open"][AT]
    assert row["gap"] == pytest.approx(bars["open"][AT] / bars["close"][AT - 1], rel=1e-12)
    assert row["market_gap"] == 1  # one symbol is no market
    assert row["misfit"] == pytest.approx(np.log(row["gap"] * 4), abs=1e-12)
    before, since = slice(AT - 60, AT), slice(AT, AT + HELD)
    usual = np.median(np.log(bars["high"][before] / bars["low"][before]))
    assert row["range_ratio"] == pytest.approx(
        np.log(bars["high"][AT] / bars["low"][AT]) / usual, rel=1e-12
    )
    traded = bars["close"] * bars["volume"]
    assert row["turnover_ratio"] == pytest.approx(traded[AT] / traded[before].median(), rel=1e-12)
    assert row["volume_ratio"] == pytest.approx(
        bars["volume"][since].median() / bars["volume"][before].median(), rel=1e-12
    )
    assert row["level_ratio"] == pytest.approx(
        bars["close"][since].median() * 4 / bars["close"][AT - 1], rel=1e-12
    )
    assert 0.9 < row["confidence"] <= 1


def test_quiet_walks_have_no_splits() -> None:
    assert detected(walks(symbols=30)) == []


def crash(bars: pd.DataFrame, to: float) -> pd.DataFrame:
    """Bad news overnight: the price falls, swings, and everybody trades."""
    made = split(bars, 1 / to)
    made.loc[made["date"] >= DAYS[AT], "volume"] *= to
    return made.assign(
        volume=np.where(made["date"] == DAYS[AT], made["volume"] * 8, made["volume"]),
        high=np.where(made["date"] == DAYS[AT], made["high"] * 1.05, made["high"]),
        low=np.where(made["date"] == DAYS[AT], made["low"] * 0.95, made["low"]),
    )


@pytest.mark.parametrize("to", [0.75, 0.7, 0.64, 0.55, 0.45, 1.3, 1.45])
def test_news_is_no_split(to: float) -> None:
    assert detected(crash(walks(), to)) == []


def test_a_wrong_price_is_no_split() -> None:
    for columns, rows in (
        (PRICES, [AT]),
        (["open"], [AT]),
        (["close"], [AT - 1]),
        (PRICES, [AT - 1]),
    ):
        bars = walks()
        bars.loc[rows, columns] *= 0.5
        assert detected(bars) == []


def test_a_level_that_does_not_hold_is_no_split() -> None:
    bars = walks()
    bars.loc[AT : AT + 1, PRICES] *= 0.5
    assert detected(bars) == []


def test_a_market_that_moves_as_one_has_no_splits() -> None:
    bars = walks(symbols=LEAST_SYMBOLS)
    for name in bars["symbol"].unique():
        bars = split(bars, 1.5, name)
    assert detected(bars) == []
    # of two, one cannot say what is the market
    assert len(detected(bars[bars["symbol"].isin(["S00", "S01"])])) == 2


def test_a_split_on_the_day_of_a_market_move_is_found() -> None:
    bars = walks(symbols=LEAST_SYMBOLS)
    for name in bars["symbol"].unique():
        bars = split(bars, 1.1, name)
    assert detected(split(bars, 2.0, "S07")) == [("S07", EX, 2.0)]


def test_where_the_exchange_limits_moves_a_gap_beyond_is_a_split() -> None:
    bars = split(walks(seed=4), 1.3)
    assert detected(bars) == []
    assert detected(bars, largest_move=0.2) == [("S00", EX, 1.3)]


def test_a_split_over_a_halt_is_found_at_the_first_bar() -> None:
    bars = split(walks(), 2.0).drop(index=[AT, AT + 1])
    assert detected(bars) == [("S00", DAYS[AT + 2].item(), 2.0)]


def test_nothing_is_said_before_the_level_has_held_or_without_a_past() -> None:
    bars = split(walks(), 2.0)
    assert detected(bars, until=DAYS[AT + HELD - 2].item()) == []
    assert detected(bars, until=DAYS[AT + HELD - 1].item()) == [("S00", EX, 2.0)]
    assert detected(bars.iloc[AT - LEAST_BEFORE + 1 :]) == []
    assert detected(bars.iloc[AT - LEAST_BEFORE :]) == [("S00", EX, 2.0)]


def test_no_bars_show_nothing() -> None:
    nothing = table(walks()).slice(0, 0)
    assert schema_of("detected_splits").validate(detect_splits(nothing)).num_rows == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(60, len(DAYS) - 2), st.integers(0, 5), st.sampled_from([0.1, 2.0, 3.0]))
def test_a_row_never_changes_once_it_is_there(until: int, seed: int, ratio: float) -> None:
    bars = split(split(walks(seed=seed), ratio), 1 / ratio, at=100)
    day = DAYS[until].item()
    whole = detect_splits(table(bars))
    known = whole.filter(pa.array([d <= day for d in whole["detected_on"].to_pylist()], pa.bool_()))
    later = bars["date"] > np.datetime64(day)
    noisy = bars.copy()
    random = np.random.default_rng(seed)
    noisy.loc[later, [*PRICES, "volume"]] *= np.exp(random.normal(0, 1, (int(later.sum()), 1)))
    assert detect_splits(table(noisy), until=day).equals(known)
    assert detect_splits(table(bars[~later]).take(np.arange(until + 1)[::-1])).equals(known)


def test_bars_are_ordered_and_gaps_are_of_one_symbol() -> None:
    bars = walks(symbols=LEAST_SYMBOLS)
    shuffled = table(bars.sample(frac=1.0, random_state=3))
    rows = BarRows.of(shuffled)
    assert rows.names.tolist() == sorted(bars["symbol"].unique())
    np.testing.assert_array_equal(rows.values["close"], bars["close"])
    gap = (bars["open"] / bars.groupby("symbol")["close"].shift()).map(np.log)
    np.testing.assert_allclose(rows.gap, gap, rtol=1e-12)
    market = gap.groupby(bars["date"]).transform("median").fillna(0.0)
    np.testing.assert_allclose(rows.market, market, rtol=1e-12)
    assert rows.rows_of("S01") == slice(len(DAYS), 2 * len(DAYS))
    assert rows.rows_of("nobody") == slice(0, 0)
    first_day = bars["date"] == DAYS[0]
    assert np.isnan(rows.gap[first_day]).all()


def lean_bars(folder: Path, symbols: list[str]) -> pd.DataFrame:
    """Raw daily prices of 1998-2021 from the files of one symbol each."""
    pieces = []
    for symbol in symbols:
        names = ["date", *PRICES, "volume"]
        rows = pd.read_csv(folder / f"daily_{symbol}.zip", header=None, names=names)
        rows["date"] = pd.to_datetime(rows["date"].str[:8])
        rows[PRICES] /= 1e4
        pieces.append(rows.assign(symbol=symbol.upper()))
    return pd.concat(pieces, ignore_index=True)


def test_real_splits_of_raw_prices(test_data: Path) -> None:
    folder = test_data / "ref_ta_lean" / "corporate_actions"
    found = detected(lean_bars(folder, ["aapl", "bac", "ibm", "spy"]))
    # the crash of AAPL on 2000-09-29 and the year 2008 of BAC are not among them
    assert found == [
        ("AAPL", date(2000, 6, 21), 2.0),
        ("AAPL", date(2005, 2, 28), 2.0),
        ("AAPL", date(2014, 6, 9), 7.0),
        ("AAPL", date(2020, 8, 31), 4.0),
        ("BAC", date(2004, 8, 30), 2.0),
        ("IBM", date(1999, 5, 27), 2.0),
    ]


def test_real_ex_rights_of_raw_chinese_prices(test_data: Path) -> None:
    path = test_data / "cn_csi300_baostock" / "csi300_daily_raw_2020_2025.parquet"
    names = {"code": "symbol", "amount": "turnover"}
    rows = pd.read_parquet(path).rename(columns=names).sort_values(["symbol", "date"])
    rows["date"] = pd.to_datetime(rows["date"])
    factor = rows.groupby("symbol")["close"].shift() / rows["preclose"]
    declared = rows[factor >= 1.25]
    traded = rows[rows["volume"] > 0]
    columns = ["date", "symbol", *PRICES, "volume", "turnover"]
    bars = pa.Table.from_pandas(
        traded[columns].assign(date=traded["date"].dt.date), preserve_index=False
    )
    found = detect_splits(bars, largest_move=0.2).to_pandas()
    shown = set(zip(found["symbol"], found["ex_date"], strict=True))
    every = rows[factor >= 1.18]
    large = set(zip(every["symbol"], every["date"].dt.date, strict=True))
    assert shown <= large
    known = set(zip(declared["symbol"], declared["date"].dt.date, strict=True))
    assert len(shown & known) / len(known) > 0.94
    assert (found["detected_on"] > found["ex_date"] + timedelta(days=1)).all()
