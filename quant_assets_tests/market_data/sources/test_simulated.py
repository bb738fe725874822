"""The simulated market: it has all that it promises, and the planted signal is found again."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data import calendars
from quant_assets.market_data.actions.detection import detect_splits
from quant_assets.market_data.actions.reconciliation import reconcile
from quant_assets.market_data.adjustment import adjust
from quant_assets.market_data.panels import Panel
from quant_assets.market_data.quality import Screened, lookback, screen
from quant_assets.market_data.rules import KEY_RULES
from quant_assets.market_data.sources.base import (
    ACTIONS_SCHEMA,
    RAW_SCHEMA,
    SYMBOLS_SCHEMA,
)
from quant_assets.market_data.sources.companies import Parameters
from quant_assets.market_data.sources.simulated import Simulated
from quant_assets.market_data.sources.simulation import simulate
from quant_assets.settings import Market
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import market, within

START, END = date(2020, 1, 2), date(2023, 12, 29)
WHOLE = Window(START, END)
MIDDLE = Window(date(2021, 6, 1), date(2021, 7, 30))


def simulated(end: date = END, **over: object) -> Market:
    source = {"kind": "simulated", "symbols": 200, "seed": 7, "signal_ic": 0.05} | over
    return market(start=START, end=end, models_from=date(2022, 1, 1), source=source)


MARKET = simulated()
SESSIONS = calendars.sessions(MARKET)


@pytest.fixture(scope="module")
def source() -> Simulated:
    return Simulated(MARKET)


@pytest.fixture(scope="module")
def screened(source: Simulated) -> Screened:
    return screen(
        source.read(WHOLE),
        SESSIONS,
        source.symbols(),
        source.corporate_actions(),
        MARKET.quality,
        WHOLE,
    )


@pytest.fixture(scope="module")
def closes(source: Simulated, screened: Screened) -> Panel:
    """Adjusted closes of the accepted bars."""
    result = adjust(screened.bars, source.corporate_actions(), screened.bars)
    assert result.not_applied.num_rows == 0
    return Panel.from_table(result.table, ["close"])


def test_tables_have_the_declared_schemas(source: Simulated, screened: Screened) -> None:
    assert source.read(MIDDLE).schema.equals(RAW_SCHEMA)
    assert source.symbols().schema.equals(SYMBOLS_SCHEMA)
    assert source.corporate_actions().schema.equals(ACTIONS_SCHEMA)
    schema_of("bars").validate(screened.bars)
    schema_of("quarantine").validate(screened.quarantine)
    schema_of("corporate_actions").validate(source.corporate_actions())
    schema_of("benchmark").validate(source.benchmark(WHOLE))


def test_everything_is_labelled_as_simulated(source: Simulated) -> None:
    assert source.name == "simulated"
    assert set(source.read(MIDDLE)["file"].to_pylist()) == {"simulated"}
    assert set(source.corporate_actions()["source"].to_pylist()) == {"simulated"}
    assert set(source.symbols()["exchange"].to_pylist()) == {"SIMULATED"}
    assert all(name.startswith("SIM") for name in source.read(MIDDLE)["symbol"].to_pylist())


def test_there_are_sectors_listings_and_delistings(source: Simulated, screened: Screened) -> None:
    listed = source.symbols().to_pandas()
    assert listed["sector"].nunique() == 10
    assert listed["industry"].nunique() == 30
    assert len(listed) > 200
    first = screened.bars.to_pandas().groupby("symbol")["date"].agg(["min", "max"])
    # the first bar may be halted or faulty, but there is none before the listing
    joined = listed.set_index("symbol").join(first)
    assert (joined["min"] >= joined["first"]).all()
    assert (joined["min"] == joined["first"]).mean() > 0.95
    assert (listed["first"] > START).sum() >= 10
    assert (first["max"] < date(2023, 12, 1)).sum() >= 10
    a_day = screened.bars.to_pandas().groupby("date")["symbol"].count()
    assert a_day.between(180, 200).all()


def test_there_are_splits_and_dividends_of_listed_symbols(source: Simulated) -> None:
    events = source.corporate_actions().to_pandas()
    assert (events["kind"] == "dividend").sum() > 1000
    assert (events["kind"] == "split").sum() > 20
    assert set(events["symbol"]) <= set(source.symbols()["symbol"].to_pylist())
    assert np.isin(events["ex_date"].to_numpy("datetime64[D]"), SESSIONS).all()


def test_an_ex_date_follows_a_day_with_a_good_bar(source: Simulated, screened: Screened) -> None:
    events = source.corporate_actions().to_pandas()
    place = np.searchsorted(SESSIONS, events["ex_date"].to_numpy("datetime64[D]"))
    needed = set(zip(SESSIONS[place - 1].tolist(), events["symbol"], strict=True))
    bars = screened.bars.select(["date", "symbol"]).to_pydict()
    assert needed <= set(zip(bars["date"], bars["symbol"], strict=True))


def test_prices_gap_halt_and_stay_in_range(screened: Screened) -> None:
    panel = Panel.from_table(screened.bars, ["open", "close", "volume"])
    close = panel["close"]
    assert 1 < np.nanmin(close) < 20
    assert 100 < np.nanmax(close) < 1000
    assert np.nanmean(panel["open"][1:] != close[:-1]) > 0.9
    known = ~np.isnan(close)
    between = (
        np.maximum.accumulate(known, axis=0) & np.maximum.accumulate(known[::-1], axis=0)[::-1]
    )
    assert 0.001 < (between & ~known).sum() / between.sum() < 0.01
    assert (panel["volume"][known] > 0).all()


def test_volatility_clusters_and_companies_move_together(closes: Panel) -> None:
    returns = closes["close"][1:] / closes["close"][:-1] - 1
    market_return = np.nanmean(returns, axis=1)
    size = np.abs(market_return)
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1
    assert abs(np.corrcoef(market_return[1:], market_return[:-1])[0, 1]) < 0.1
    own = np.array([np.corrcoef(r[k], market_return[k])[0, 1] for r, k in columns(returns)])
    assert 0.3 < own.mean() < 0.8
    assert np.nanmax(np.abs(returns)) < 0.5


def columns(returns: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each symbol with enough returns, and where it has them."""
    known = ~np.isnan(returns)
    return [
        (returns[:, i], known[:, i]) for i in range(returns.shape[1]) if known[:, i].sum() > 500
    ]


def test_the_benchmark_is_complete_and_that_of_the_companies(
    source: Simulated, closes: Panel
) -> None:
    table = source.benchmark(WHOLE).to_pandas()
    assert table["date"].to_numpy("datetime64[D]").tolist() == SESSIONS.tolist()
    assert not table.isna().any().any()
    assert table["volatility_index"].between(3, 120).all()
    assert table["risk_free_rate"].between(0, 0.06).all()
    assert table["risk_free_rate"].nunique() > 2
    index = table["index_close"].to_numpy()
    returns = np.nanmean(closes["close"][1:] / closes["close"][:-1] - 1, axis=1)
    assert np.corrcoef(index[1:] / index[:-1] - 1, returns)[0, 1] > 0.999
    assert source.benchmark(MIDDLE).equals(
        within(source.benchmark(WHOLE), MIDDLE.start, MIDDLE.end)
    )


def test_faulty_rows_come_now_and_then_and_are_all_caught(
    source: Simulated, screened: Screened
) -> None:
    assert screened.counts.keys() == {
        "off_calendar",
        "unknown_symbol",
        "non_positive_price",
        "inconsistent_ohlc",
        "missing_volume",
        *KEY_RULES,
    }
    assert 50 < screened.quarantine.num_rows < 500
    assert screened.flags == {}
    assert screened.rows_in == screened.bars.num_rows + screened.quarantine.num_rows


def test_rows_are_counted_as_they_are_read(source: Simulated) -> None:
    sessions = source.read(WHOLE)["session"].to_pandas().value_counts()
    assert source.count_rows(WHOLE) == {day: sessions[day] for day in SESSIONS.tolist()}
    assert sum(source.count_rows(MIDDLE).values()) == source.read(MIDDLE).num_rows
    rows = source.read(MIDDLE).to_pandas().groupby("session")["row"]
    assert (rows.min() == 1).all()
    assert (rows.max() == rows.count()).all()


def test_a_day_is_the_same_wherever_the_range_begins_and_ends(source: Simulated) -> None:
    whole = source.read(WHOLE)
    part = within(whole, MIDDLE.start, MIDDLE.end)
    assert source.read(MIDDLE).equals(part)
    shorter = Simulated(simulated(end=MIDDLE.end))
    assert shorter.read(MIDDLE).equals(part)
    assert shorter.benchmark(MIDDLE).equals(source.benchmark(MIDDLE))
    assert shorter.planted_signal(MIDDLE).equals(source.planted_signal(MIDDLE))
    events = source.corporate_actions().to_pandas()
    earlier = events[events["ex_date"] <= MIDDLE.end].reset_index(drop=True)
    assert shorter.corporate_actions().to_pandas().equals(earlier)
    listed = source.symbols().to_pandas()
    earlier = listed[listed["first"] <= MIDDLE.end].reset_index(drop=True)
    assert shorter.symbols().to_pandas().equals(earlier)


def test_a_longer_simulation_begins_with_the_same_bits() -> None:
    parameters = Parameters(slots=40, seed=3, signal_ic=0.1)
    short, long = simulate(parameters, 60), simulate(parameters, 90)
    for name, values in vars(short).items():
        np.testing.assert_array_equal(values, getattr(long, name)[:60], err_msg=name)


def test_another_seed_is_another_market() -> None:
    one, other = (Simulated(simulated(seed=seed)).read(MIDDLE) for seed in (7, 8))
    assert not one["close"].equals(other["close"])


def test_screening_and_adjusting_a_part_gives_the_bits_of_the_whole(
    source: Simulated, screened: Screened
) -> None:
    back = calendars.extended(SESSIONS, MIDDLE, lookback(MARKET.quality))
    events = source.corporate_actions()
    part = screen(source.read(back), SESSIONS, source.symbols(), events, MARKET.quality, MIDDLE)
    assert part.bars.equals(within(screened.bars, MIDDLE.start, MIDDLE.end))
    assert part.quarantine.equals(within(screened.quarantine, MIDDLE.start, MIDDLE.end))
    whole = adjust(screened.bars, events, screened.bars).table
    history = within(screened.bars, START, MIDDLE.end)
    adjusted = adjust(part.bars, events, history).table
    assert adjusted.equals(within(whole, MIDDLE.start, MIDDLE.end))


def correlations(signal: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Pearson correlation of each day's signal with the return of the next day."""
    found = []
    for scores, moves in zip(signal[:-1], returns, strict=True):
        known = ~np.isnan(scores) & ~np.isnan(moves)
        found.append(np.corrcoef(scores[known], moves[known])[0, 1])
    return np.array(found)


def planted(source: Simulated, closes: Panel) -> np.ndarray:
    signal = source.planted_signal(WHOLE)
    return Panel.from_table(signal, ["signal"], closes.dates, closes.symbols)["signal"]


@pytest.mark.parametrize("ic", [0.0, 0.05, 0.2])
def test_the_planted_signal_is_found_with_its_strength(ic: float) -> None:
    source = Simulated(simulated(signal_ic=ic))
    events = source.corporate_actions()
    rows = screen(source.read(WHOLE), SESSIONS, source.symbols(), events, MARKET.quality, WHOLE)
    panel = Panel.from_table(adjust(rows.bars, events, rows.bars).table, ["close"])
    returns = panel["close"][1:] / panel["close"][:-1] - 1
    daily = correlations(planted(source, panel), returns)
    error = daily.std(ddof=1) / np.sqrt(len(daily))
    assert error < 0.003
    assert abs(daily.mean() - ic) < 2 * error


def test_a_permuted_signal_is_not_found(source: Simulated, closes: Panel) -> None:
    signal = planted(source, closes)
    random = np.random.default_rng(0)
    for scores in signal:
        known = ~np.isnan(scores)
        scores[known] = random.permutation(scores[known])
    returns = closes["close"][1:] / closes["close"][:-1] - 1
    daily = correlations(signal, returns)
    error = daily.std(ddof=1) / np.sqrt(len(daily))
    assert abs(daily.mean()) < 2 * error
    assert daily.mean() < 0.05 - 10 * error


def test_the_signal_is_standardised_and_persistent(source: Simulated, closes: Panel) -> None:
    signal = planted(source, closes)
    np.testing.assert_allclose(np.nanmean(signal, axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(np.nanstd(signal, axis=1), 1, atol=1e-9)
    assert correlations(signal, signal[1:]).mean() == pytest.approx(0.9, abs=0.01)


def test_volume_shows_the_signal(source: Simulated, screened: Screened, closes: Panel) -> None:
    shares = adjust(screened.bars, source.corporate_actions(), screened.bars).table
    volume = np.log(Panel.from_table(shares, ["volume"])["volume"])
    full = ~np.isnan(volume)
    counts = np.array([full[t - 63 : t].sum(axis=0) for t in range(200, len(volume))])
    totals = np.array([np.nansum(volume[t - 63 : t], axis=0) for t in range(200, len(volume))])
    usual = np.where(counts > 40, totals / np.maximum(counts, 1), np.nan)
    returns = closes["close"][1:] / closes["close"][:-1] - 1
    daily = correlations(volume[200:] - usual, returns[200:])
    assert 0.015 < daily.mean() < 0.05


def test_signal_rows_are_sorted_and_one_a_listed_symbol(source: Simulated) -> None:
    table = source.planted_signal(MIDDLE)
    keys = list(zip(table["date"].to_pylist(), table["symbol"].to_pylist(), strict=True))
    assert keys == sorted(set(keys))
    assert table["signal"].null_count == 0


def test_a_window_without_sessions_is_empty(source: Simulated) -> None:
    weekend = Window(date(2021, 1, 2), date(2021, 1, 3))
    before = Window(date(2019, 1, 1), date(2019, 2, 1))
    for window in (weekend, before):
        assert source.read(window).num_rows == 0
        assert source.count_rows(window) == {}
        assert source.benchmark(window).num_rows == 0
        assert isinstance(source.planted_signal(window), pa.Table)


def test_prices_show_the_declared_splits_and_no_others(
    source: Simulated, screened: Screened
) -> None:
    found = reconcile(detect_splits(screened.bars), source.corporate_actions(), screened.bars)
    rows = found.to_pandas()
    assert rows["status"].value_counts()["confirmed"] >= 50
    others = rows[rows["status"] != "confirmed"]
    assert set(others["status"]) == {"undetected"}
    assert others["detail"].str.endswith("of 10 sessions before the day are there").all()
