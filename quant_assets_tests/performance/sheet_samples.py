"""A sheet with everything a strategy can have: an account that trades made-up prices by rules."""

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import date_column
from quant_assets.performance.page.sheet_data import (
    Activity,
    Forecast,
    Holdings,
    Lineage,
    SheetData,
)
from quant_assets.performance.regimes import regimes
from quant_assets_tests.backtests.samples import sessions

CAPITAL = 1_000_000.0
START = "2012-01-03"
SECTORS = ("Energy", "Financials", "Health care", "Industrials", "Materials", "Technology")


class Counted:
    """Trials as a ledger tells them."""

    count = 240
    variance_of_sharpes = 0.0004


def account(
    days: int, symbols: int, held: int, seed: int, short: bool = False
) -> tuple[dict[str, np.ndarray], pa.Table, pa.Table]:
    """A portfolio of `held` symbols, drawn anew each 21 days, in equal weights and whole shares.

    Returns:
        Daily arrays, the table of positions and the table of fills.
    """
    random = np.random.default_rng(seed)
    names = np.array([f"S{k:03}" for k in range(symbols)])
    market = random.standard_t(4, days) * 0.007 + 0.0004
    own = random.normal(0.0002, 0.014, (days, symbols))
    prices = 40.0 * np.cumprod(1.0 + market[:, None] + own, axis=0)
    shares, cash, equity = np.zeros(symbols), CAPITAL, CAPITAL
    dates = sessions(days, START)
    daily: dict[str, list[float]] = {name: [] for name in _DAILY}
    positions, fills = [], []
    for t in range(days):
        price = prices[t]
        before = cash + shares @ (prices[t - 1] if t else price)
        traded = cost = 0.0
        if t % 21 == 0:
            chosen = random.choice(symbols, held, replace=False)
            target = np.zeros(symbols)
            target[chosen] = np.floor(equity * 0.95 / held / price[chosen])
            if short:
                target[chosen[: held // 3]] *= -1.0
            for k in np.flatnonzero(target != shares):
                quantity = target[k] - shares[k]
                slipped = price[k] * (1.0 + 5e-4 * np.sign(quantity))
                commission = abs(quantity) * price[k] * 1e-4
                slippage = abs(quantity) * price[k] * 5e-4
                cash -= quantity * slipped + commission
                traded += abs(quantity) * price[k]
                cost += commission + slippage
                fills.append((dates[t], names[k], quantity, slipped, commission, 0.0, slippage))
            shares = target
        value = shares * price
        equity = cash + value.sum()
        weights = value / equity
        for k in np.flatnonzero(shares):
            positions.append((dates[t], names[k], shares[k], price[k], value[k], weights[k]))
        net = equity / before - 1.0
        row = (
            *(net, net + cost / before, cost / before, traded / before, market[t]),
            *(weights[weights > 0].sum(), -weights[weights < 0].sum(), cash / equity),
            float(np.count_nonzero(shares)),
        )
        for name, each in zip(_DAILY, row, strict=True):
            daily[name].append(float(each))
    arrays = {name: np.array(values) for name, values in daily.items()}
    return arrays, _table(positions, _POSITIONS), _table(fills, _FILLS)


_DAILY = ("net", "gross", "cost", "turnover", "index", "long", "short", "cash", "positions")
_POSITIONS = ("date", "symbol", "shares", "price", "value", "weight")
_FILLS = ("date", "symbol", "quantity", "price", "commission", "stamp_tax", "slippage")


def _table(rows: list[tuple], names: tuple[str, ...]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    arrays = {
        name: date_column(np.array(values, "datetime64[D]"))
        if name == "date"
        else pa.array(list(values), pa.string() if name == "symbol" else pa.float64())
        for name, values in zip(names, columns, strict=True)
    }
    return pa.table(arrays)


def strategy_sheet(
    days: int = 2520, seed: int = 3, held: int = 30, short: bool = False
) -> SheetData:
    """A strategy with all that a backtest can tell."""
    arrays, positions, fills = account(days, 4 * held, held, seed, short)
    dates = sessions(days, START)
    earlier = 250
    random = np.random.default_rng(seed + 1)
    index = np.concatenate([random.normal(0.0003, 0.01, earlier), arrays["index"]])
    market = pa.table(
        {
            "date": date_column(sessions(days + earlier, "2011-01-18")),
            "index_close": 100.0 * np.cumprod(1.0 + index),
            "volatility_index": 18.0 + 6.0 * np.sin(np.arange(days + earlier) / 90.0),
        }
    )
    names = [f"S{k:03}" for k in range(4 * held)]
    return SheetData(
        kind="strategy",
        name="cross_sectional_momentum",
        title="Cross-sectional momentum",
        description="Holds the past year's winners, the last month left out <Jegadeesh & Titman>.",
        market_title="US stocks and ETFs",
        calendar="XNYS",
        currency="USD",
        dates=dates,
        returns=arrays["net"],
        annualization=252,
        benchmark=arrays["index"],
        benchmark_title="S&P 500",
        regimes=regimes(market),
        risk_free=np.linspace(0.01, 0.04, days),
        gross_returns=arrays["gross"],
        capital=CAPITAL,
        activity=Activity(
            turnover=arrays["turnover"],
            cost=arrays["cost"],
            long_exposure=arrays["long"],
            short_exposure=arrays["short"],
            positions=arrays["positions"],
            cash=arrays["cash"],
        ),
        holdings=Holdings(
            positions, fills, {name: SECTORS[k % len(SECTORS)] for k, name in enumerate(names)}
        ),
        facts={"Execution": "decided at the close, traded at the open of the next session"},
        parameters={"lookback": 252, "skip": 21, "quantile": 0.2, "rebalance": "monthly"},
        lineage=Lineage("9f86d081884c7d65", "3f1c2a90-0000-4000-8000-000000000001", "", ""),
        trials=Counted(),
        warnings=("returns begin after the first decision on 2016-01-04",),
        simulated=True,
    )


def model_sheet(days: int = 750, seed: int = 5) -> SheetData:
    """A model's paper portfolio with its forecasts."""
    random = np.random.default_rng(seed)
    dates = sessions(days, START)
    return SheetData(
        kind="model",
        name="lightgbm",
        title="Model lightgbm",
        description="Top less bottom quantile of its scores, on paper.",
        market_title="US stocks and ETFs",
        calendar="XNYS",
        currency="USD",
        dates=dates,
        returns=random.normal(0.0004, 0.006, days),
        annualization=252,
        forecast=Forecast(
            dates[5:-6],
            random.normal(0.03, 0.1, days - 11),
            5,
            {f"feature_{k}": 1.0 / (k + 2) for k in range(30)},
        ),
    )
