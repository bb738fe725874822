"""Made-up markets, rules and decisions to trade on, by hand and at random: for the simulation."""

from typing import Any

import numpy as np

from quant_assets.backtests.simulation import Simulation
from quant_assets.backtests.trading_data import ShareEvents, TradingData
from quant_assets.settings_trading import Dividends, IncomeTax, Slippage, Trading
from quant_assets_tests.backtests.samples import names, prices, sessions


def free(**changes: Any) -> Trading:
    """Rules without any cost, fractions of shares and a capital of 1, but for the changes."""
    return Trading.model_validate(
        {"capital": 1.0, "lot": 0, "commission_bps": 0.0, "slippage": {"bps": 0.0}} | changes
    )


def market(opened: Any, close: Any = None, volume: Any = None, **more: Any) -> TradingData:
    """A market from lists: a row a session, a column a symbol; the close is the open by default."""
    opened = np.array(opened, float)
    close = opened.copy() if close is None else np.array(close, float)
    volume = np.where(np.isnan(close), np.nan, 1e9) if volume is None else np.array(volume, float)
    given: dict[str, Any] = {
        k: v if isinstance(v, ShareEvents) else np.array(v) for k, v in more.items()
    }
    return TradingData(sessions(len(close)), names(close.shape[1]), opened, close, volume, **given)


def events(*rows: tuple[int, int, float, float]) -> ShareEvents:
    """Events (session, column, ratio, cash)."""
    columns = np.array(rows, float).reshape(-1, 4)
    session, column = (columns[:, k].astype(np.int64) for k in (0, 1))
    return ShareEvents(session, column, columns[:, 2].copy(), columns[:, 3].copy())


def once(*weights: float, sessions: int) -> np.ndarray:
    """One decision on the first session."""
    rows = np.full((sessions, len(weights)), np.nan)
    rows[0] = weights
    return rows


def decide(rows: dict[int, list[float]], sessions: int) -> np.ndarray:
    """Decisions by session."""
    weights = np.full((sessions, len(next(iter(rows.values())))), np.nan)
    for t, row in rows.items():
        weights[t] = row
    return weights


def orders(result: Simulation, *columns: str) -> list[tuple[Any, ...]]:
    rows = result.orders.to_pylist()
    start = {str(day): t for t, day in enumerate(result.data.dates)}
    return [
        tuple(start[str(row[c])] if c in ("date", "decided") else row[c] for c in columns)
        for row in rows
    ]


def equity(result: Simulation) -> list[float]:
    values: list[float] = result.returns["equity"].to_pylist()
    return values


def random_market(days: int, symbols: int, seed: int, missing: float = 0.05) -> TradingData:
    """A market with everything that can happen: gaps, halts, limits, splits, payments, rates."""
    random = np.random.default_rng(seed)
    panel = prices(days, symbols, seed, missing)
    close = panel["close"]
    shape = close.shape
    before = np.vstack([np.full((1, symbols), np.nan), close[:-1]])
    count = max(days * symbols // 40, 1)
    session = np.sort(random.integers(1, days, count)) if days > 1 else np.zeros(0, np.int64)
    column = random.integers(0, symbols, len(session))
    keep = np.unique(session * symbols + column, return_index=True)[1]
    session, column = session[keep], column[keep]
    order = np.lexsort((column, session))
    session, column = session[order], column[order]
    ratio = random.choice([1.0, 2.0, 1.5, 0.1, 1.05], len(session))
    cash = random.choice([0.0, 0.4, 1.3], len(session))
    rate = np.where(random.random(days) < 0.2, np.nan, random.uniform(0, 0.1, days))
    return TradingData(
        panel.dates,
        panel.symbols,
        panel["open"],
        close,
        np.where(panel["volume"] > 0, random.integers(100, 4_000, shape), panel["volume"]),
        events=ShareEvents(session, column, ratio, cash),
        halted=np.asarray(random.random(shape) < 0.03),
        upper=np.where(random.random(shape) < 0.1, np.nan, before * 1.03),
        lower=np.where(random.random(shape) < 0.1, np.nan, before * 0.97),
        average_turnover=np.where(
            random.random(shape) < 0.1, np.nan, random.uniform(1e4, 1e5, shape)
        ),
        volatility=np.where(random.random(shape) < 0.1, np.nan, random.uniform(0.005, 0.05, shape)),
        risk_free_rate=rate,
    )


def random_rules(seed: int) -> Trading:
    """Rules in which each feature is on or off by chance."""
    random = np.random.default_rng(seed)

    def maybe(value: Any, otherwise: Any) -> Any:
        return value if random.random() < 0.5 else otherwise

    return Trading(
        capital=float(random.choice([1e4, 1e5, 1e6])),
        execution=maybe("next_open", "next_close"),
        commission_bps=maybe(8.0, 0.0),
        minimum_commission=maybe(3.0, 0.0),
        stamp_tax_bps=maybe({"2020-01-01": 10.0, "2020-02-03": 5.0}, 0.0),
        slippage=Slippage(
            kind=str(random.choice(["fixed", "volume_share", "square_root"])), bps=maybe(5.0, 0.0)
        ),
        lot=int(random.choice([0, 1, 10, 100])),
        band=maybe(0.01, 0.0),
        rebalance=str(random.choice(["decided", "decided", "weekly", "monthly"])),
        max_volume_share=maybe(0.2, None),
        blocked_orders=maybe("wait", "drop"),
        holding_sessions=int(random.integers(0, 4)),
        stale_sessions=int(random.integers(2, 8)),
        borrow_rate=maybe(0.1, 0.0),
        margin_rate=maybe(0.1, 0.0),
        cash_interest=maybe(0.9, 0.0),
        dividends=Dividends(),
        income_tax=maybe(IncomeTax(exempt_sales=float(random.choice([0.0, 2e4]))), None),
    )


def random_weights(
    shape: tuple[int, int], seed: int, every: int, short: bool, leverage: float = 1.0
) -> np.ndarray:
    """Weights of some symbols that sum to `leverage`, decided every so many sessions."""
    random = np.random.default_rng(seed)
    chosen = (random.random(shape) < 0.4) * random.random(shape)
    chosen[:, 0] += 0.01
    weights: np.ndarray = leverage * chosen / chosen.sum(axis=1, keepdims=True)
    if short:
        weights *= random.choice([-0.5, 0.5, 1.0], shape)
    weights[np.arange(len(weights)) % every != min(1, every - 1)] = np.nan
    return weights
