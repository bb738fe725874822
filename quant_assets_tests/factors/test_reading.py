"""Expressions on a warehouse: what is read, what comes out, and errors that help."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from quant_assets.api import evaluate, judge
from quant_assets.factors.expressions.engine import compute
from quant_assets.factors.expressions.errors import ExpressionError
from quant_assets.factors.expressions.plan import plan
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.factors.samples import bars, benchmark, fields_of, market, universe
from quant_assets_tests.markets import files_market, process_environment, sessions, small_settings
from quant_assets_tests.prefix import PanelInputs

DAYS = sessions(start=date(2023, 9, 1), end=date(2024, 2, 29))
COUNT = len(DAYS)
CONFIG = {
    "factors": {
        "libraries": ["style"],
        "expressions": {"mine": "rank(delta(close, 5))"},
        "definitions": {"vwap": "(high + low + close) / 3"},
    }
}


def data() -> PanelInputs:
    made = market(COUNT, 14)
    return PanelInputs(np.array(DAYS, "datetime64[D]"), made.symbols, made.fields, made.series)


DATA = data()


def fill(warehouse: ParquetWarehouse, name: str) -> None:
    """The tables that factors read."""
    window = Window(DAYS[0], DAYS[-1])
    adjusted = bars(DATA).to_pandas().assign(price_factor=1.0, volume_factor=1.0)
    members = universe(DATA).to_pandas()
    members = members.assign(
        average_turnover=1e6, age=99, halted=False, limit_up=False, limit_down=False
    )
    index = benchmark(DATA).to_pandas().assign(volatility_index=np.nan, risk_free_rate=0.01)
    for table, frame in (("adjusted_bars", adjusted), ("universe", members), ("benchmark", index)):
        warehouse.replace(f"{name}/{table}", window, frame, dates=DAYS)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with half a year of bars of fourteen symbols, and a market without any."""
    folder = tmp_path_factory.mktemp("expressions")
    markets = {
        name: files_market(folder / name, start=DAYS[0], end=DAYS[-1]) for name in ("tiny", "blank")
    }
    settings = small_settings(folder, markets, CONFIG)
    fill(ParquetWarehouse(settings.warehouse_root), "tiny")
    with process_environment(folder, markets, QUANT_ASSETS_CONFIG=str(folder / "config")):
        yield folder


def expected(text: str, **definitions: str) -> pd.DataFrame:
    """The expression on all the data, places without a bar left out."""
    chosen = plan({"value": text}, {**plan_definitions(), **definitions})
    codes = np.repeat((np.arange(14) % 4).astype(float)[None], COUNT, axis=0)
    codes[codes == 3] = np.nan
    values = compute(chosen, {**fields_of(DATA), "sector": codes})[0]
    values[np.isnan(DATA.fields["close"])] = np.nan
    return pd.DataFrame(values, pd.DatetimeIndex(DAYS), list(DATA.symbols))


def plan_definitions() -> dict[str, str]:
    from quant_assets.factors.expressions.fields import DEFINITIONS

    return {**DEFINITIONS, "vwap": "(high + low + close) / 3"}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-01-10", "2024-02-29"),
        (date(2024, 2, 1), date(2024, 2, 1)),
        ("2023-08-01", "2024-03-31"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "rank(-delta(close, 5))",
        "ts_mean(close, 21) / close - 1",
        "group_neutralize(returns, sector)",
        "ts_corr(returns, benchmark_close / benchmark_open, 10)",
        "vwap / close",
    ],
)
def test_one_expression_is_a_frame_of_days_and_symbols(
    text: str, start: date | str, end: date | str
) -> None:
    found = evaluate(text, "tiny", start, end)
    whole = expected(text).loc[str(start) : str(end)].dropna(axis=1, how="all")
    assert found.index.name == "date"
    assert found.columns.name == "symbol"
    assert list(found.index) == list(whole.index)
    assert set(whole.columns) <= set(found.columns)
    assert whole.notna().to_numpy().mean() > 0.5
    assert_array_equal(found[whole.columns].to_numpy(), whole.to_numpy())


def test_several_expressions_are_columns() -> None:
    texts = {"fast": "ts_mean(close, 3)", "size": "log(cap)", "price": "close"}
    found = evaluate(texts, "tiny", "2024-02-01", "2024-02-29")
    assert list(found.columns) == ["date", "symbol", "fast", "size", "price"]
    assert pd.api.types.is_datetime64_dtype(found["date"])
    assert found[["date", "symbol"]].equals(
        found[["date", "symbol"]].sort_values(["date", "symbol"])
    )
    assert found["size"].isna().all(), "the market has no capitalisation"
    assert found["price"].notna().all(), "a row for every bar"
    bars_then = np.isfinite(DATA.fields["close"][-20:]).sum()
    assert len(found) == bars_then


def test_what_lies_before_is_read_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Window] = {}
    read = ParquetWarehouse.read

    def noted(self: ParquetWarehouse, table: str, window: Window, **options: object) -> object:
        asked[table] = window
        return read(self, table, window, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ParquetWarehouse, "read", noted)
    evaluate("delta(close, 5)", "tiny", DAYS[50], DAYS[60])
    assert set(asked) == {"tiny/adjusted_bars", "tiny/benchmark"}
    assert set(asked.values()) == {Window(DAYS[45], DAYS[60])}
    evaluate("group_rank(delta(close, 5), sector)", "tiny", DAYS[2], DAYS[3])
    assert asked["tiny/universe"] == Window(DAYS[0], DAYS[3])


def test_errors_help() -> None:
    with pytest.raises(ExpressionError, match="no field 'clsoe'"):
        evaluate("rank(clsoe)", "tiny", "2024-01-10", "2024-01-12")
    with pytest.raises(ConfigError, match=r"(?s)tinny.*tiny"):
        evaluate("rank(close)", "tinny", "2024-01-10", "2024-01-12")
    with pytest.raises(ValueError, match="2024-01-12"):
        evaluate("rank(close)", "tiny", "2024-01-12", "2024-01-10")
    with pytest.raises(ValueError, match="soon"):
        evaluate("rank(close)", "tiny", "soon", "2024-01-10")


def test_a_market_without_bars_has_no_values() -> None:
    assert evaluate("rank(close)", "blank", "2024-01-10", "2024-01-12").empty
    assert evaluate({"x": "close"}, "blank", "2024-01-10", "2024-01-12").columns.tolist() == [
        "date",
        "symbol",
        "x",
    ]


def test_a_new_expression_is_judged_on_the_last_sessions() -> None:
    verdict = judge("ts_rank(volume, 7) - ts_rank(close, 7)", "tiny")
    assert verdict.passed, verdict.findings
    steps = {finding.step: finding for finding in verdict.findings}
    assert steps["future, real market"].passed is True
    assert "of 60 sessions" in steps["coverage"].detail
    assert "nearest is" in steps["duplicate by values"].detail


def test_a_copy_of_an_own_expression_is_found() -> None:
    verdict = judge("rank(delta(close, 5))", "tiny")
    failed = {finding.step for finding in verdict.findings if finding.passed is False}
    assert failed == {"duplicate by form", "duplicate by values"}
    assert any("mine of own" in finding.detail for finding in verdict.findings)


def test_without_a_market_only_what_needs_none_is_judged() -> None:
    verdict = judge("rank(delta(close, 4))")
    assert verdict.passed
    assert [f.step for f in verdict.findings if f.passed is None and "no market" in f.detail] == [
        "future, real market",
        "coverage",
        "duplicate by values",
    ]
    assert not judge("rank(delta(clos, 4))").passed
    assert not judge("rank(delta(clos, 4))", "tiny").passed
