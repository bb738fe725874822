"""The run: from tables to tables, and what it tells about itself."""

import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quant_assets.backtests.run import BacktestResult, run_backtest
from quant_assets.backtests.strategies.base import Strategy, StrategyData, StrategyError
from quant_assets.backtests.strategies.registry import find
from quant_assets.settings_trading import Slippage, Trading
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.samples import all_fields, prices, table

COSTS = Trading(commission_bps=1, slippage=Slippage(bps=5))
BARS = prices(300, 30, 8)
UNIVERSE = table(BARS, member=np.isfinite(BARS["close"]))
SCORES = table(BARS, score=all_fields(300, 30, 8).fields["score"])
_ROWS = table(BARS, **BARS.fields)
_ROWS = _ROWS.filter(_ROWS["close"].is_valid())
TABLES: dict[str, pa.Table | None] = {
    "adjusted_bars": _ROWS, "bars": _ROWS, "universe": UNIVERSE, "benchmark": None,
}  # fmt: skip
SMALL: dict[str, dict[str, Any]] = {
    "cross_sectional_momentum": {"lookback": 63, "skip": 5},
    "low_volatility": {"window": 63, "minimum_returns": 40},
    "model_quantile": {},
}


def run(name: str, predictions: pa.Table | None = SCORES, **more: Any) -> BacktestResult:
    values = {"maximum_weight": 0.3, **SMALL[name], **more}
    tables = {**TABLES, "predictions": predictions}
    return run_backtest(find(name), values, tables, COSTS, BARS.dates.tolist())


@pytest.mark.parametrize("name", SMALL)
def test_tables_fit_the_warehouse(name: str) -> None:
    result = run(name)
    assert list(result.tables) == [
        "backtest_orders", "backtest_fills", "backtest_positions", "backtest",
    ]  # fmt: skip
    for asset, rows in result.tables.items():
        assert rows.num_rows > 20
        assert schema_of(asset).validate(rows).num_rows == rows.num_rows
        assert rows.column_names == list(schema_of(asset).names)
        assert set(rows["strategy"].to_pylist()) == {name}
    assert result.summary["orders"] == result.orders.num_rows
    assert result.summary["fills"] == result.fills.num_rows
    told = [result.summary[f"{status}_orders"] for status in ("dropped", "waiting", "rejected")]
    assert result.orders.num_rows - sum(int(n or 0) for n in told) == result.fills.num_rows
    assert result.parameters.model_dump()["maximum_weight"] == 0.3


def test_returns_begin_after_the_first_decision_and_the_run_says_so() -> None:
    result = run("cross_sectional_momentum")
    months = BARS.dates.astype("datetime64[M]")
    first = next(t for t in range(63, 300) if months[t] != months[t - 1])
    assert result.returns["date"][0].as_py() == BARS.dates[first + 1].astype(object)
    assert result.summary["first_decision"] == str(BARS.dates[first])
    assert result.returns.num_rows == 300 - first - 1 == result.summary["sessions"]
    assert any(
        f"after the first decision on {BARS.dates[first]}: the {first} sessions" in text
        for text in result.warnings
    )
    assert result.returns["exposure"][0].as_py() > 0


def test_missing_predictions_are_told() -> None:
    late = SCORES.slice(30 * 100)
    result = run("model_quantile", late)
    assert result.warnings[0] == f"no predictions before {BARS.dates[100]}"
    for nothing in (None, SCORES.slice(0, 0)):
        result = run("model_quantile", nothing)
        assert "no predictions: train" in result.warnings[0]
        assert "there are no returns" in result.warnings[1]
        assert result.returns.num_rows == 0
        assert result.summary["first_decision"] is None
        assert result.returns.column_names == list(schema_of("backtest").names)


def test_dropped_orders_are_counted_and_told() -> None:
    result = run("low_volatility", rebalance="daily")
    dropped = int(result.summary["dropped_orders"] or 0)
    assert dropped > 50
    assert any("no trading" in text for text in result.warnings)


def test_costs_are_paid() -> None:
    paid = run("low_volatility")
    free = run_backtest(
        find("low_volatility"), {**SMALL["low_volatility"], "maximum_weight": 0.3}, TABLES,
        Trading(commission_bps=0, slippage=Slippage(bps=0)), BARS.dates.tolist(),
    )  # fmt: skip
    assert free.summary["costs"] == 0.0
    assert float(paid.summary["costs"] or 0) == pytest.approx(
        6e-4 * sum(paid.returns["turnover"].to_pylist()), rel=0.01
    )
    assert float(paid.summary["final_equity"] or 0) < float(free.summary["final_equity"] or 0)
    assert paid.data_hash == run("low_volatility").data_hash != free.data_hash


class Odd(Strategy):
    """Returns what it is told to."""

    name = title = description = family = "odd"
    needs: ClassVar[tuple[str, ...]] = ("close",)
    result: ClassVar[Any] = None

    def lookback(self, parameters: Any) -> int:
        return 0

    def target_weights(self, data: StrategyData, parameters: Any) -> np.ndarray:
        weights: np.ndarray = type(self).result
        return weights


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros((3, 3)), "strategy 'odd': weights must be float64 of the shape of the prices"),
        (np.full(BARS.shape, np.inf), "strategy 'odd': weights of .* must all be finite"),
        (np.where(np.eye(*BARS.shape) == 1, np.nan, 0.1), "or all NaN"),
    ],
)
def test_weights_that_break_the_contract_name_the_strategy(
    weights: np.ndarray, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Odd, "result", weights)
    with pytest.raises(StrategyError, match=message):
        run_backtest(Odd(), {}, TABLES, COSTS, BARS.dates.tolist())


def test_bad_arguments() -> None:
    for dates in ([], BARS.dates[::-1].tolist(), [*BARS.dates[:2].tolist()] * 2):
        with pytest.raises(ValueError, match="sessions must be ascending"):
            run_backtest(find("low_volatility"), {}, TABLES, COSTS, dates)
    for absent in ("bars", "adjusted_bars"):
        tables = {**TABLES, absent: None}
        with pytest.raises(ValueError, match=f"table '{absent}'. Got none instead"):
            run_backtest(find("low_volatility"), {}, tables, COSTS, BARS.dates.tolist())
    with pytest.raises(StrategyError, match=r"window: .*Got 2 instead"):
        run("low_volatility", window=2)


def test_two_thousand_days_of_real_stocks(test_data: Path) -> None:
    """On real prices: plausible, fully invested, without debt, and fast."""
    file = test_data / "us_eod_shared" / "us_eod_2007_2017.parquet"
    bars = pq.read_table(file, columns=["date", "symbol", "open", "close", "volume"])
    chosen = np.sort(bars["symbol"].unique().to_numpy(zero_copy_only=False))[::8]
    bars = bars.filter(pa.compute.is_in(bars["symbol"], pa.array(chosen)))
    good = pa.compute.greater(bars["open"], 0)
    bars = bars.filter(good)
    dates = np.unique(bars["date"].cast(pa.date32()).to_numpy().astype("datetime64[D]"))
    universe = pa.table(
        {
            "date": bars["date"],
            "symbol": bars["symbol"],
            "member": pa.array(np.ones(bars.num_rows, bool)),
        }
    )
    began = time.perf_counter()
    tables = {"adjusted_bars": bars, "bars": bars, "universe": universe}
    result = run_backtest(find("low_volatility"), {}, tables, COSTS, dates.tolist())
    assert time.perf_counter() - began < 10
    final = float(result.summary["final_equity"] or 0)
    assert 1.0 < final < 6.0
    exposure = result.returns["exposure"].to_numpy()
    assert exposure.mean() > 0.97
    assert exposure.max() <= 1 + 1e-9
    low, high = np.percentile(result.returns["net_return"].to_numpy(), [1, 99])
    assert -0.06 < low < 0 < high < 0.06
