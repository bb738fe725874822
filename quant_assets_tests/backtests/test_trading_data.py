"""From tables to what is traded on: raw prices, events by session, limits, averages."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.simulation import simulate
from quant_assets.backtests.trading_data import (
    TradingData,
    traded_columns,
    trailing_deviation,
    trailing_mean,
)
from quant_assets.market_data.actions.events import event_table
from quant_assets.market_data.adjustment import adjust
from quant_assets.market_data.panels import Panel
from quant_assets.settings_trading import Dividends, Slippage, Trading
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.samples import names, sessions
from quant_assets_tests.backtests.trading_samples import free

DAYS, SYMBOLS = sessions(5), names(2)  # Thursday, 2 January 2020, to Wednesday
SCHEMA = schema_of("bars").arrow


def bars(close: Any) -> pa.Table:
    close = np.array(close, float)
    rows = [
        {
            "date": DAYS[t].astype(object), "symbol": SYMBOLS[i], "flags": "",
            **dict.fromkeys(("open", "high", "low", "close"), close[t, i]),
            "volume": 1000.0, "turnover": 1000.0 * close[t, i],
        }
        for t, i in np.argwhere(~np.isnan(close))
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, SCHEMA)


def actions(*rows: tuple[str, str, str, float | None, float | None]) -> pa.Table:
    """Events (ex-date, symbol, kind, ratio, cash)."""
    keys = ("ex_date", "symbol", "kind", "ratio", "cash")
    found: list[dict[str, Any]] = [
        dict(zip(keys, row, strict=True)) | {"source": "test"} for row in rows
    ]
    for row in found:
        row["ex_date"] = date.fromisoformat(row["ex_date"])
    fields = schema_of("corporate_actions").arrow
    return event_table(pa.Table.from_pylist(found, pa.schema([fields.field(k) for k in found[0]])))


FLAT = bars([[10, 20]] * 5)


def test_prices_are_raw_and_what_a_market_has_not_is_none() -> None:
    data = TradingData.from_tables({"bars": FLAT}, DAYS, SYMBOLS, Trading())
    assert data.close.tolist() == [[10, 20]] * 5
    assert data.volume.tolist() == [[1000, 1000]] * 5
    for absent in ("events", "halted", "upper", "average_turnover", "risk_free_rate"):
        assert getattr(data, absent) is None
    nothing = {name: schema_of(name).arrow.empty_table() for name in traded_columns(Trading())}
    data = TradingData.from_tables({**nothing, "bars": FLAT}, DAYS, SYMBOLS, Trading())
    assert data.events is None
    assert data.halted is None
    with pytest.raises(ValueError, match="trades on the table 'bars'"):
        TradingData.from_tables({}, DAYS, SYMBOLS, Trading())


def test_events_take_effect_on_the_first_session_from_their_ex_date_on() -> None:
    table = actions(
        ("2020-01-02", "S000", "split", 2.0, None),  # before anything can be held
        ("2020-01-04", "S001", "dividend", None, 1.0),  # a Saturday
        ("2020-01-07", "S000", "bonus", 1.5, None),
        ("2020-01-07", "S000", "interest_on_capital", None, 2.0),
        ("2020-01-08", "S000", "other", None, None),
        ("2020-01-09", "S000", "split", 2.0, None),  # after the range
        ("2020-01-06", "ELSE", "split", 2.0, None),
    )
    rules = Trading(dividends=Dividends(withholding=0.3, interest_withholding=0.15))
    tables = {"bars": FLAT, "corporate_actions": table}
    events = TradingData.from_tables(tables, DAYS, SYMBOLS, rules).events
    assert events is not None
    assert events.session.tolist() == [2, 3]
    assert events.column.tolist() == [1, 0]
    assert events.ratio.tolist() == [1.0, 1.5]
    assert events.cash == pytest.approx([0.7, 1.7])


def test_a_right_is_sold_for_what_it_is_worth() -> None:
    row = {"ex_date": date(2020, 1, 6), "symbol": "S000", "kind": "subscription", "ratio": 0.5,
           "price": 4.0, "source": "test"}  # fmt: skip
    fields = schema_of("corporate_actions").arrow
    table = event_table(pa.Table.from_pylist([row], pa.schema([fields.field(k) for k in row])))
    tables = {"bars": FLAT, "corporate_actions": table}
    events = TradingData.from_tables(tables, DAYS, SYMBOLS, Trading()).events
    assert events is not None
    assert events.ratio.tolist() == [1.0]
    assert events.cash == pytest.approx([10 - (10 + 0.5 * 4) / 1.5])


def test_shares_and_raw_prices_earn_what_adjusted_prices_tell() -> None:
    """A payment that is put back into the share at the price ex gives the adjusted return."""
    close = [[10, 20], [10, 20], [9, 10.5], [6.3, 10], [6.3, 11]]
    table = actions(
        ("2020-01-06", "S000", "dividend", None, 1.0),
        ("2020-01-06", "S001", "split", 2.0, None),
        ("2020-01-07", "S000", "bonus", 1.5, None),
    )
    raw = bars(close)
    adjusted = adjust(raw, table, raw.select(["date", "symbol", "close"])).table
    panel = Panel.from_table(adjusted, ["close"], DAYS, SYMBOLS)["close"]
    data = TradingData.from_tables(
        {"bars": raw, "corporate_actions": table}, DAYS, SYMBOLS, free(execution="next_close")
    )
    for i in range(2):
        weights = np.zeros((5, 2))
        weights[:, i] = 1.0  # every day again: what was paid is put back
        result = simulate(weights, data, free(execution="next_close"))
        total = np.cumprod(1 + result.account.net_return)
        if i == 1:
            assert total == pytest.approx(panel[1:, i] / panel[1, i])
        # the payment of Monday is put back at Monday's close, the price ex of the adjustment
        assert total[-1] == pytest.approx(panel[-1, i] / panel[1, i])


def test_halts_and_limits_come_from_the_trading_status() -> None:
    rows = [
        {"date": DAYS[1].astype(object), "symbol": "S001", "halted": False,
         "limit_up_price": 22.0, "limit_down_price": 18.0},
        {"date": DAYS[2].astype(object), "symbol": "S000", "halted": True,
         "limit_up_price": None, "limit_down_price": None},
    ]  # fmt: skip
    fields = schema_of("trading_status").arrow
    status = pa.Table.from_pylist(rows, pa.schema([fields.field(k) for k in rows[0]]))
    data = TradingData.from_tables(
        {"bars": FLAT, "trading_status": status}, DAYS, SYMBOLS, Trading()
    )
    assert data.halted is not None
    assert data.upper is not None
    assert data.lower is not None
    assert np.argwhere(data.halted).tolist() == [[2, 0]]
    assert np.argwhere(~np.isnan(data.upper)).tolist() == [[1, 1]]
    assert (data.upper[1, 1], data.lower[1, 1]) == (22.0, 18.0)


def test_averages_are_of_the_sessions_before() -> None:
    random = np.random.default_rng(3)
    values = np.where(random.random((30, 3)) < 0.2, np.nan, random.uniform(1, 2, (30, 3)))
    mean, deviation = trailing_mean(values, 7), trailing_deviation(values, 7)
    for t in range(30):
        for i in range(3):
            past = values[max(0, t - 7) : t, i]
            known = past[~np.isnan(past)]
            expected = known.mean() if len(known) else np.nan
            assert mean[t, i] == pytest.approx(expected, nan_ok=True)
            returns = values[1:, i] / values[:-1, i] - 1
            past = returns[max(0, t - 8) : max(t - 1, 0)]
            known = past[~np.isnan(past)]
            expected = known.std(ddof=1) if len(known) > 1 else np.nan
            assert deviation[t, i] == pytest.approx(expected, nan_ok=True)


def test_square_root_slippage_reads_turnover_and_volatility() -> None:
    rules = Trading(slippage=Slippage(kind="square_root", window=3))
    assert "turnover" in (traded_columns(rules)["bars"] or [])
    data = TradingData.from_tables({"bars": FLAT}, DAYS, SYMBOLS, rules)
    assert data.average_turnover is not None
    assert data.volatility is not None
    assert data.average_turnover[3].tolist() == [10_000, 20_000]
    assert data.volatility[3].tolist() == [0, 0]
