"""The table of stability: every part against a slice of the history, and every test by its name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data.panels import date_column
from quant_assets.performance.market_days import MarketDays, market_days
from quant_assets.performance.metrics import metrics
from quant_assets.performance.rolling import Rolling
from quant_assets.performance.stability.bootstrap import sharpe_interval
from quant_assets.performance.stability.table import stability_table
from quant_assets.settings_combined import CombinedSettings
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.combined.samples import LATE, NAMES, dates, found, values

RULES = CombinedSettings(resamples=200)


def benchmark() -> pa.Table:
    """An index that falls and recovers, and fear that follows its falls."""
    days = dates()
    level = 1000 * np.exp(np.cumsum(0.002 * np.sin(np.arange(len(days)) / 60)))
    fear = np.where(np.arange(len(days)) % 90 < 45, 15.0, 25.0)
    rate = np.full(len(days), 0.02)
    return pa.table(
        {
            "date": date_column(days),
            "index_close": level,
            "volatility_index": fear,
            "risk_free_rate": rate,
        }
    )


def market() -> MarketDays:
    return market_days(benchmark(), dates(), 252)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    table = stability_table(found(), market(), RULES)
    schema_of("strategy_stability").validate(table)
    made: pd.DataFrame = table.to_pandas()
    return made


def part(frame: pd.DataFrame, strategy: str, view: str, period: str) -> pd.DataFrame:
    """The rows of a part of a strategy's history, by measure."""
    inside = (frame["strategy"] == strategy) & (frame["view"] == view)
    return frame[inside & (frame["period"] == period)].set_index("measure")


def test_parts_are_metrics_of_slices(frame: pd.DataFrame) -> None:
    days, panel, ground = dates(), values(), market()
    years = days.astype("datetime64[Y]").astype(int) + 1970
    middle = LATE + (len(days) - LATE) // 2
    cuts = {
        ("alpha", "whole", "all"): np.arange(len(days)),
        ("beta", "year", "2019"): np.flatnonzero(years == 2019),
        ("late", "half", "first"): np.arange(LATE, middle),
        ("late", "half", "second"): np.arange(middle, len(days)),
        ("gamma", "regime", "turbulent"): np.flatnonzero(ground.regime_days["turbulent"]),
    }
    for (name, view, period), rows in cuts.items():
        expected = metrics(panel[rows, NAMES.index(name)], None, 0.02, 252)
        made = part(frame, name, view, period)
        assert len(made) in (3, 5)
        assert set(made["sessions"]) == {len(rows)}
        assert set(made["first_date"]) == {days[rows[0]].item()}
        assert set(made["last_date"]) == {days[rows[-1]].item()}
        for measure, value in made["value"].items():
            assert value == pytest.approx(expected[str(measure)], rel=1e-12), measure
    assert part(frame, "late", "year", "2018").empty
    regimes = frame.loc[frame["view"] == "regime", "period"]
    assert set(regimes) == {"bull", "bear", "calm", "turbulent"}


def test_the_regime_of_a_day_was_known_the_day_before() -> None:
    ground = market()
    fear = benchmark()["volatility_index"].to_numpy()
    np.testing.assert_array_equal(ground.regime_days["turbulent"][1:], fear[:-1] > 20)
    codes = ground.regime_codes
    assert len(np.unique(codes)) > 3
    assert (codes >= 0).all()  # fear is known from the first day on
    assert (market_days(None, dates(), 252).regime_codes < 0).all()


def test_rolling_bootstrap_and_breaks(frame: pd.DataFrame) -> None:
    daily = 1.02 ** (1 / 252) - 1
    late = values()[LATE:, -1] - daily
    rolled = Rolling(late, RULES.window).sharpe
    moving = part(frame, "late", "rolling", "252 sessions")["value"]
    assert moving["lowest_sharpe"] == pytest.approx(np.nanmin(rolled), rel=1e-9)
    assert moving["latest_sharpe"] == pytest.approx(rolled[-1], rel=1e-9)
    assert moving["share_above_zero"] == pytest.approx(np.mean(rolled[np.isfinite(rolled)] > 0))
    interval = sharpe_interval(late, 252, RULES.resamples, None, RULES.seed)
    assert interval is not None
    boot = part(frame, "late", "bootstrap", "sharpe")["value"]
    assert boot["lower"] == pytest.approx(interval.lower, rel=1e-9)
    for what in ("mean", "volatility"):
        tests = part(frame, "alpha", "break", what)
        assert 0 <= tests["value"]["p_value"] <= 1
        before, after = (f"{'sharpe' if what == 'mean' else what}_{w}" for w in ("before", "after"))
        assert tests["sessions"][before] + tests["sessions"][after] == len(dates())


def test_windows_in_cash_have_no_sharpe_ratio() -> None:
    panel = values()[:, :1].copy()
    panel[: len(panel) // 2] = 0.0  # in cash, below a rate that wobbles
    rate = np.linspace(0.01, 0.03, len(panel))
    ground = replace(market(), risk_free=rate)
    table = stability_table(found(panel, NAMES[:1]), ground, RULES).to_pandas()
    moving = part(table, NAMES[0], "rolling", "252 sessions")["value"]
    invested = Rolling(panel[len(panel) // 2 :, 0], RULES.window).sharpe
    assert moving["lowest_sharpe"] > np.nanmin(invested) - 5.0


def test_a_sweep_tells_whether_parameters_matter() -> None:
    sweep = pa.table(
        {
            "metric": ["sharpe"] * 4,
            "value": [0.5, -0.1, 0.3, None],
            "first_part": [0.4, 0.0, 0.3, None],
            "second_part": [0.6, -0.2, 0.7, 0.1],
            "plateau": [False, False, True, False],
        }
    )
    table = stability_table(found(), market(), RULES, {"alpha": sweep}).to_pandas()
    rows = table[table["view"] == "parameters"].set_index("measure")
    assert set(rows["strategy"]) == {"alpha"}
    assert set(rows["period"]) == {"sharpe"}
    expected = {
        "sets": 3,
        "share_above_zero": 2 / 3,
        "lowest": -0.1,
        "median": 0.3,
        "highest": 0.5,
        "plateau": 0.3,
        "rank_correlation_of_parts": 0.5,
    }
    assert rows["value"].to_dict() == pytest.approx(expected)


def test_short_and_still_histories_have_fewer_rows() -> None:
    panel = values()[:30]
    panel[:, 0] = 0.0
    read = found(panel)
    short = market_days(benchmark(), read.dates, 252)
    table = stability_table(read, short, RULES).to_pandas()
    assert set(table["view"]) == {"whole", "year", "half", "regime"}
    assert table[table["strategy"] == "alpha"]["value"].isna().any()
    schema_of("strategy_stability").validate(stability_table(read, short, RULES))
    empty = found(values()[:0])
    nothing = stability_table(empty, market_days(None, empty.dates, 252), RULES)
    assert nothing.num_rows == 0
    schema_of("strategy_stability").validate(nothing)


def test_a_part_in_cash_has_no_sharpe_ratio() -> None:
    panel = values()
    middle = len(panel) // 2
    panel[:middle, 0] = 0.0
    panel[:middle:20, 0] = 1e-4  # interest now and then
    table = stability_table(found(panel), market(), RULES).to_pandas()
    first, second = (
        part(table, "alpha", "half", period)["value"] for period in ("first", "second")
    )
    assert np.isnan(first["sharpe"])
    assert np.isfinite([first["cagr"], first["volatility"], second["sharpe"]]).all()
    assert np.isfinite(part(table, "beta", "half", "first")["value"]["sharpe"])
