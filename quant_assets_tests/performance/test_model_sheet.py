"""A model's sheet: its paper portfolio against a literal loop, and its rank IC against scipy."""

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats

from quant_assets.market_data.panels import date_column
from quant_assets.performance.model_sheet import model_sheet, top_less_bottom
from quant_assets.performance.page.render import render
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.performance.samples import benchmark, market

DAYS, SYMBOLS = 40, 30


def panels(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and opens with gaps; on some days hardly anything is scored."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 1, (DAYS, SYMBOLS))
    scores[random.random(scores.shape) < 0.2] = np.nan
    scores[7] = np.nan
    scores[9, 8:] = np.nan
    opens = 50 * np.exp(np.cumsum(random.normal(0, 0.02, scores.shape), axis=0))
    opens[random.random(opens.shape) < 0.05] = np.nan
    return scores, opens


def literal(scores: np.ndarray, opens: np.ndarray) -> list[float]:
    out = [np.nan, np.nan]
    for t in range(DAYS - 2):
        known = np.flatnonzero(np.isfinite(scores[t]))
        if len(known) < 10:
            out.append(np.nan)
            continue
        place = (scipy.stats.rankdata(scores[t, known]) - 1) / (len(known) - 1)
        returns = opens[t + 2, known] / opens[t + 1, known] - 1
        top, bottom = returns[place >= 0.8], returns[place <= 0.2]
        out.append(np.nanmean(top) - np.nanmean(bottom))
    return out


@pytest.mark.parametrize("seed", range(4))
def test_the_spread_by_a_loop(seed: int) -> None:
    scores, opens = panels(seed)
    np.testing.assert_allclose(top_less_bottom(scores, opens), literal(scores, opens), rtol=1e-9)


def test_the_spread_knows_nothing_of_later_days() -> None:
    scores, opens = panels(1)
    whole = top_less_bottom(scores, opens)
    scores[26:] = 7.0
    opens[26:] = 1.0
    assert (np.nan_to_num(whole[:26]) == np.nan_to_num(top_less_bottom(scores, opens)[:26])).all()


def test_the_sheet() -> None:
    scores, opens = panels(2)
    dates, names = sessions(DAYS), [f"S{k:02}" for k in range(SYMBOLS)]
    labels = np.random.default_rng(3).normal(0, 0.05, scores.shape)
    day, symbol = (each.ravel() for each in np.meshgrid(range(DAYS), range(SYMBOLS), indexing="ij"))

    def long(**values: np.ndarray) -> pa.Table:
        table = {"date": date_column(dates[day]), "symbol": pa.array([names[k] for k in symbol])}
        for name, panel in values.items():
            table[name] = pa.array(panel.ravel(), pa.float64(), from_pandas=True)
        return pa.table(table)

    known = long(value=labels)
    known = known.append_column("decision_date", known["date"])
    known = known.append_column("horizon", pa.array([5] * len(known), pa.int32()))
    scored = long(score=scores)
    scored = scored.filter(scored["score"].is_valid())
    sheet = model_sheet(
        scored, long(open=opens), known, benchmark(np.full(DAYS, 0.001)), market(), "lightgbm", 5
    )
    expected = np.array(literal(scores, opens))
    first = int(np.flatnonzero(np.isfinite(expected))[0])
    assert sheet.dates[0] == dates[first]
    np.testing.assert_allclose(sheet.returns, expected[first:], rtol=1e-9)
    assert sheet.forecast is not None
    for when, value in zip(sheet.forecast.dates, sheet.forecast.rank_ic, strict=True):
        row = int(np.searchsorted(dates, when))
        there = np.isfinite(scores[row])
        told = scipy.stats.spearmanr(scores[row, there], labels[row, there]).statistic
        assert value == pytest.approx(told, abs=1e-12)
    assert "Rank IC by month" in render(sheet)


def test_without_predictions_there_is_an_honest_page() -> None:
    empty = pa.table(
        {
            "date": date_column(np.array([], "datetime64[D]")),
            "symbol": pa.array([], pa.string()),
            **{n: pa.array([], pa.float64()) for n in ("score", "open", "value")},
            "decision_date": date_column(np.array([], "datetime64[D]")),
            "horizon": pa.array([], pa.int32()),
        }
    )
    sheet = model_sheet(empty, empty, empty, None, market(), "lightgbm", 5)
    assert len(sheet.dates) == 0
    assert "no session" in render(sheet)
