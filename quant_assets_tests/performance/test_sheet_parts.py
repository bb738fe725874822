"""What sheets are made of: months, drawdowns one by one, crises, holdings; by hand."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.panels import date_column
from quant_assets.performance.calendar_returns import monthly_sums, monthly_table
from quant_assets.performance.crises import PERIODS, passages
from quant_assets.performance.drawdown_table import drawdown_table
from quant_assets.performance.drawdowns import drawdown_series
from quant_assets.performance.holdings import largest_positions, sector_exposure
from quant_assets_tests.backtests.samples import sessions


def test_months_and_years_compound_their_days() -> None:
    dates = sessions(600)
    returns = np.random.default_rng(0).normal(0, 0.01, 600)
    returns[10] = np.nan
    years, table = monthly_table(dates, returns)
    assert years.tolist() == [2020, 2021, 2022]
    for row, year in enumerate(years):
        for month in range(12):
            start = np.datetime64(f"{year}-{month + 1:02}")
            inside = dates.astype("datetime64[M]") == start
            if inside.any():
                expected = np.prod(1 + np.nan_to_num(returns[inside])) - 1
                assert table[row, month] == pytest.approx(expected)
            else:
                assert np.isnan(table[row, month])
        whole = dates.astype("datetime64[Y]") == np.datetime64(str(year))
        assert table[row, 12] == pytest.approx(np.prod(1 + np.nan_to_num(returns[whole])) - 1)


def test_sums_by_month() -> None:
    dates = np.array(["2020-01-30", "2020-01-31", "2020-03-02"], "datetime64[D]")
    months, sums = monthly_sums(dates, np.array([1.0, np.nan, 5.0]))
    assert [str(month) for month in months] == ["2020-01", "2020-03"]
    assert sums.tolist() == [1.0, 5.0]


def test_drawdowns_by_hand() -> None:
    #                      1.1    .99   .88   1.1        1.2  1.08
    returns = np.array([0.1, -0.1, -1 / 9, 0.25, 1 / 11, -0.1])
    deepest, last = drawdown_table(returns)
    assert (deepest.first, deepest.deepest, deepest.recovered, deepest.sessions) == (1, 2, 3, 2)
    assert deepest.depth == pytest.approx(-0.2)
    assert (last.first, last.recovered, last.sessions) == (5, None, 1)
    assert drawdown_table(returns, 1) == [deepest]
    assert drawdown_table(np.array([0.1, 0.2])) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-0.2, 0.2), max_size=60))
def test_drawdowns_cover_every_day_below_a_peak(values: list[float]) -> None:
    returns = np.array(values)
    depth, found = drawdown_series(returns), drawdown_table(returns)
    assert sum(each.sessions for each in found) == int((depth < 0).sum())
    assert [each.depth for each in found] == sorted(each.depth for each in found)
    for each in found:
        assert each.depth == depth[each.first : each.first + each.sessions].min()
        assert each.recovered is None or depth[each.recovered] == 0


def test_periods_are_shown_where_they_matter_and_are_covered() -> None:
    assert len({period.name for period in PERIODS}) == len(PERIODS)
    assert all(period.first < period.last for period in PERIODS)
    dates = np.arange(np.datetime64("2020-02-28"), np.datetime64("2021-12-31"))
    dates = dates[np.is_busday(dates)]
    returns = np.full(len(dates), 0.001)
    index = np.full(len(dates), np.nan)
    found = {each.period.name: each for each in passages(dates, returns, index, "XNYS")}
    assert set(found) == {"COVID-19 crash", "Recovery after COVID-19", "Meme season"}
    crash = found["COVID-19 crash"]
    inside = (dates >= np.datetime64("2020-02-12")) & (dates <= np.datetime64("2020-03-23"))
    assert crash.own == pytest.approx(1.001 ** inside.sum() - 1)
    assert np.isnan(crash.benchmark)
    assert crash.worst == 0
    assert "Meme season" not in {e.period.name for e in passages(dates, returns, None, "BVMF")}
    late = dates[dates > np.datetime64(date(2020, 3, 10))]
    assert "COVID-19 crash" not in {
        e.period.name for e in passages(late, returns[: len(late)], None, "XNYS")
    }


def positions(rows: list[tuple[str, str, float]]) -> pa.Table:
    days, symbols, weights = zip(*rows, strict=True)
    return pa.table(
        {
            "date": date_column(np.array(days, "datetime64[D]")),
            "symbol": pa.array(symbols, pa.string()),
            "weight": pa.array(weights, pa.float64()),
        }
    )


ROWS = [
    ("2020-01-30", "A", 0.5),
    ("2020-01-30", "B", -0.2),
    ("2020-01-31", "A", 0.3),
    ("2020-02-03", "A", 0.4),
    ("2020-02-03", "C", 0.1),
]


def test_the_largest_positions() -> None:
    found = largest_positions(positions(ROWS), np.datetime64("2020-02-03"))
    told = [
        (p.symbol, p.last_weight, p.largest_weight, str(p.largest_on), p.sessions) for p in found
    ]
    assert told == [
        ("A", 0.4, 0.5, "2020-01-30", 3),
        ("B", 0.0, -0.2, "2020-01-30", 1),
        ("C", 0.1, 0.1, "2020-02-03", 1),
    ]


def test_exposure_by_sector_at_the_ends_of_months() -> None:
    found = sector_exposure(positions(ROWS), {"A": "Energy", "B": "Energy"})
    assert found is not None
    assert [str(month) for month in found.months] == ["2020-01", "2020-02"]
    assert found.sectors == ["Energy", "unknown"]
    np.testing.assert_allclose(found.net, [[0.3, 0.0], [0.4, 0.1]])
    assert sector_exposure(positions(ROWS), {}) is None
    assert sector_exposure(positions(ROWS), {"Z": "Energy"}) is None
